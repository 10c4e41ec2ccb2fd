# SPDX-License-Identifier: Apache-2.0
"""What is typed before its effect is visible. Keys, pastes and clicks are passed on one at a time,
each once the one before has taken effect: text after a key that opens an input goes into that
input, whether it arrives at once or slowly. What opens in front of a screen takes only text that
was typed before it was visible, never a key that decides. Where a key is refused, whatever was
typed behind it before the user can have seen that is dropped: it may have been meant for a
question."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from itertools import filterfalse
from typing import Any
from weakref import WeakSet

from textual import events
from textual.app import App
from textual.command import CommandPalette
from textual.message_pump import MessagePump
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, TextArea
from textual.worker import NoActiveWorker, Worker, get_current_worker

Typed = events.Key | events.Paste | events.MouseDown | events.MouseUp
TYPED = (events.Key, events.Paste, events.MouseDown, events.MouseUp)

QUESTION = "question"
"""The group of workers that may ask the person something: what is typed after the key that began
one is for what it asks."""

ON_THEIR_OWN = frozenset({"downloads", "checks", "trials"})
"""Groups of workers that a key begins, and that nothing that is typed waits for."""

PATIENCE = 1.0
"""Seconds that what is typed waits for what an earlier key has begun. An engine that takes longer
holds nobody: keys go on to what is on show, but for those that a question would have got."""

LOOK_EVERY = 0.002
LOOK_SELDOM = 0.02
"""Seconds between two looks at what a key has begun, at first and later on."""


class TypeAhead:
    """The keys of one app that wait for their turn."""

    def __init__(
        self,
        app: App[Any],
        give_on: Callable[[Typed], Awaitable[None]],
        dropped: Callable[[str], None],
        *,
        reaction: float,
    ) -> None:
        """Hold what is typed into `app`.

        Args:
            app: The app.
            give_on: Lets the app deal with an event; called by the app itself.
            dropped: Is told why keys are dropped.
            reaction: Seconds until a person can have seen what has just been painted.
        """
        self.patience = PATIENCE
        self._app = app
        self._give_on = give_on
        self._dropped = dropped
        self._reaction = reaction
        self._held: deque[Typed] = deque()
        self._begun = asyncio.Event()
        self._busy = False
        """What the last event has begun is not known to be done."""
        self._before: set[Worker[Any]] = set()
        """Workers that the last event has not begun."""
        self._resting: set[Worker[Any]] = set()
        """Workers that wait for news."""
        self._acting: set[Worker[Any]] = set()
        """Workers that ask nothing any more."""
        self._asking: dict[Worker[Any], Screen[Any]] = {}
        """Workers that wait for the user, and the screens on which they are answered."""
        self._meant: WeakSet[Worker[Any]] = WeakSet()
        """Workers that have asked something, or done something."""
        self._refused: float | None = None
        """When a key was refused, or the last of those dropped behind it was typed."""
        self._refusal_told = False
        self._seen: dict[Screen[Any], float] = {}
        """When each modal screen on show was painted first."""
        self._deaf: Screen[Any] | None = None
        """The screen for which a key came too early: what follows it at once is dropped as well."""
        self._dropped_at = 0.0
        """When the last of these was typed."""
        self._button_dropped = False

    def admits(self, event: Typed) -> bool:
        """Whether the app may deal with an event now; else it has its turn later, or never."""
        if self._busy:
            self._held.append(event)
            return False
        self._before = set(filterfalse(self._waits_for_person, self._app.workers))
        return self._takes(event)

    async def follow(self) -> None:
        """Pass on what is held, for as long as the app runs."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            while self._busy:
                in_time = await self._calm()
                if not in_time and self._question_pending:
                    self._drop()
                if not in_time or not any(self._pending()):
                    self._before = set(filterfalse(self._waits_for_person, self._app.workers))
                self._busy = False
                while self._held and not self._busy:
                    event = self._held.popleft()
                    if self._takes(event):
                        self._app.call_later(self._give_on, event)

    def resting(self) -> contextlib.AbstractContextManager[object]:
        """Let nobody wait for a worker that waits for news itself."""
        return _within(self._resting)

    @contextlib.contextmanager
    def acting(self) -> Iterator[None]:
        """Let a worker ask nothing any more: it does what was answered."""
        with _within(self._acting) as worker:
            if worker is not None:
                self._meant.add(worker)
            yield

    def asks(self, worker: Worker[Any], screen: Screen[Any]) -> None:
        """Note that a worker waits for the answer that a person gives on a screen."""
        if worker.group != QUESTION:
            raise RuntimeError(f"{worker.name} asks the person: its group must be {QUESTION!r}")
        self._asking[worker] = screen
        self._meant.add(worker)

    def answered(self, worker: Worker[Any]) -> None:
        """Note that a worker has its answer."""
        self._asking.pop(worker, None)

    def ended(self, worker: Worker[Any]) -> None:
        """Note that a worker is done: one that might have asked, and neither asked nor did
        anything, has refused."""
        if worker.group == QUESTION and worker not in self._before and worker not in self._meant:
            self.refused()

    def refused(self) -> None:
        """Note that what the last key stands for is not done; why was said to the person."""
        self._refused, self._refusal_told = _now(), False

    def painted(self, screen: Screen[Any]) -> None:
        """Note that a screen was sent to the terminal."""
        if isinstance(screen, ModalScreen) and screen.is_mounted and screen not in self._seen:
            stack = self._app.screen_stack
            self._seen = {one: when for one, when in self._seen.items() if one in stack}
            self._seen[screen] = _now()

    def _takes(self, event: Typed) -> bool:
        if self._too_early(event):
            return False
        self._busy = True
        self._begun.set()
        return True

    def _too_early(self, event: Typed) -> bool:
        """Whether an event is for another screen than the one on show, as far as one can know."""
        # What becomes of an event:
        #   a release                                      what became of its press
        #   typed right after a refused key                dropped, with all that follows at once
        #   no question on show, or one seen in time       passed on
        #   text for the field of a question not yet seen  passed on
        #   anything else for such a question              dropped, with all that follows at once
        if isinstance(event, events.MouseUp):
            # A release goes to whoever got the press.
            dropped, self._button_dropped = self._button_dropped, False
            return dropped
        if self._refused is not None:
            if event.time <= self._refused + self._reaction:
                self._drop_behind_refusal(event)
                return True
            self._refused = None
        screen = self._app.screen
        if not isinstance(screen, ModalScreen) or self._was_seen(screen, event):
            self._deaf = None
            return False
        if self._deaf is screen or not (_is_text(event, screen) or _is_command(event, screen)):
            self._deaf, self._dropped_at = screen, event.time
            self._button_dropped = isinstance(event, events.MouseDown)
            return True
        return False

    def _drop_behind_refusal(self, event: Typed) -> None:
        # One run of keys is dropped whole, as below.
        self._refused = max(self._refused or 0.0, event.time)
        self._button_dropped = isinstance(event, events.MouseDown)
        if not self._refusal_told:
            self._refusal_told = True
            self._dropped("what was typed behind that was dropped")

    def _was_seen(self, screen: Screen[Any], event: Typed) -> bool:
        painted = self._seen.get(screen)
        if painted is None:
            return False
        # A run of keys is meant for one screen: its end would be half a word in the wrong field.
        since = max(painted, self._dropped_at) if self._deaf is screen else painted
        return event.time > since + self._reaction

    async def _calm(self) -> bool:
        """Wait until what the last event has begun is done; False where that takes too long.

        Only what is asked of the engine may take too long: until the app has dealt with an event
        nobody knows what it begins.
        """
        pause, waited = LOOK_EVERY, 0.0
        while True:
            if self._settled():
                if not self._holds():
                    return True
                if waited >= self.patience:
                    return False
                waited += pause
            await asyncio.sleep(pause)
            # Most keys are done within milliseconds; the few that wait for the engine are polled
            # less often, so that waiting costs nothing.
            pause = min(LOOK_SELDOM, pause * 1.2)

    def _settled(self) -> bool:
        """Whether no part of the app has a message that it is not done with."""
        return is_idle(self._app) and all(map(is_idle, self._nodes()))

    def _holds(self) -> bool:
        """Whether something that was begun has to end before the next event has its turn."""
        if self._held and _is_text(self._held[0], self._app.screen):
            # Text need not wait for the search that earlier text has started.
            return self._question_pending
        return any(self._pending())

    def _nodes(self) -> Iterator[MessagePump]:
        for screen in self._app.screen_stack:
            yield from screen.walk_children(with_self=True)

    def _pending(self) -> Iterator[Worker[Any]]:
        for worker in self._app.workers:
            if (
                worker not in self._before
                and worker.group not in ON_THEIR_OWN
                and worker not in self._resting
                and not self._waits_for_person(worker)
            ):
                yield worker

    @property
    def _question_pending(self) -> bool:
        return any(one.group == QUESTION for one in self._pending() if one not in self._acting)

    def _waits_for_person(self, worker: Worker[Any]) -> bool:
        screen = self._asking.get(worker)
        return screen is not None and screen in self._app.screen_stack

    def _drop(self) -> None:
        # A release whose press was passed on before must follow it, or the button stays down.
        pressed, kept = False, []
        for event in self._held:
            if isinstance(event, events.MouseUp) and not pressed:
                kept.append(event)
            pressed = isinstance(event, events.MouseDown)
        if len(kept) < len(self._held):
            self._dropped(
                "the engine has not answered yet: what was typed for its question was dropped"
            )
        self._held = deque(kept)


@contextlib.contextmanager
def _within(workers: set[Worker[Any]]) -> Iterator[Worker[Any] | None]:
    """Let the worker that runs be one of these for a while; what is no worker is none of them."""
    try:
        worker = get_current_worker()
    except NoActiveWorker:
        yield None
        return
    workers.add(worker)
    try:
        yield worker
    finally:
        workers.discard(worker)


def _now() -> float:
    """Return the time on the clock that events are stamped by."""
    return events.Idle().time


def is_idle(pump: MessagePump) -> bool:
    """Whether a part of the app waits for its next message, and is done with the last.

    Looks into private parts of Textual and asyncio; a test holds it to that.
    """
    queue: Any = pump._message_queue
    return pump._closed or bool(queue.empty() and queue.ready_event._waiters)


def _is_text(event: Typed, screen: Screen[Any]) -> bool:
    """Whether an event writes into the input that has the focus."""
    focused = screen.focused
    if not isinstance(focused, (Input, TextArea)):
        return False
    if isinstance(event, events.Paste):
        return True
    return isinstance(event, events.Key) and (event.is_printable or event.key == "backspace")


def _is_command(event: Typed, screen: Screen[Any]) -> bool:
    """Whether an event ends what was typed into a command line: nothing typed is no command."""
    focused = screen.focused
    return (
        isinstance(screen, CommandPalette)
        and isinstance(focused, Input)
        and bool(focused.value)
        and isinstance(event, events.Key)
        and event.key == "enter"
    )
