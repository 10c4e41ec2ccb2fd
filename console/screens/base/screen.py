# SPDX-License-Identifier: Apache-2.0
"""What every screen has within its lines: how it asks the engine, hears of news, reports errors
and runs the verbs of the key table. Each screen adds its content and its verbs."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeVar, cast, runtime_checkable

import structlog
from textual import events, on, work
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from console.keys.needs import needed
from console.keys.table import SCREENS
from console.runtime.context import ConsoleContext
from console.runtime.events import EngineEvents
from console.runtime.notices import Severity
from console.runtime.typeahead import QUESTION
from console.screens.base.exporting import export_rows
from console.screens.base.lines import LinesScreen
from console.screens.base.overlays import KeysScreen, NoticesScreen
from console.screens.base.revealing import reveal
from console.transfer.export import Exportable
from console.views.people import lacking
from console.views.question import Option
from console.widgets.dialogs import ChooseScreen
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused, Unavailable
from engine.model.live import Event
from engine.service.api import EngineApi

if TYPE_CHECKING:
    from console.app import ConsoleApp

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass
class StatusTaken(Message):
    """What is known of the engine has been asked for again."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copyable:
    """Something that `y` offers to copy."""

    title: str
    text: str


@runtime_checkable
class ShowsLabels(Protocol):
    """Something on which labels may stand that are masked at other times."""

    def masks_changed(self) -> None:
        """Draw labels again, without waiting for the engine: they are masked now, or no longer."""


@runtime_checkable
class AsksEngine(Protocol):
    """Something in front of a screen whose answer the engine is needed for."""

    def engine_lost(self, why: str) -> None:
        """Say that the engine does not answer now, or that it does again: then `why` is empty."""


class BaseScreen(LinesScreen):
    """A screen of the console."""

    KINDS: ClassVar[frozenset[str]] = frozenset()
    """The kinds of events after which the engine is asked again."""

    REST: ClassVar[float] = 0.5
    """Seconds between two questions to the engine while there is news."""

    def __init__(self, context: ConsoleContext) -> None:
        """Show what the engine of `context` knows."""
        super().__init__(context)
        self._news = context.news
        """How often there were news when this screen heard of them last."""
        self._left = False
        """Another screen is on show since this one was."""
        self._rest: Timer | None = None
        self._again = False
        """Something happened during the rest."""
        self.refusal = ""
        """Why this person was not given what was asked for last with `permitted`."""

    # What a screen brings.

    def why_not(self, action: str) -> str:
        """Say why a verb of the key table is not possible now; empty when it is."""
        return ""

    def look(self) -> None:
        """Ask the engine now, after an act or on request. What is typed meanwhile waits for the
        answer, and so applies to the new state."""

    def concerns(self, event: Event) -> bool:
        """Whether an event may have changed what is shown."""
        return event.kind in self.KINDS

    def masks_changed(self) -> None:
        """Draw labels again: they are masked now, or no longer."""

    def copies(self) -> Sequence[Copyable]:
        """Return what can be copied: the id, the row, the command."""
        return ()

    def exports(self) -> Exportable | None:
        """Return the rows that `e` offers to write to a file; None where there are none now."""
        return None

    # What a screen uses.

    @property
    def engine(self) -> EngineApi:
        """The engine."""
        return self.context.engine

    @property
    def host(self) -> ConsoleApp:
        """The app."""
        return cast("ConsoleApp", self.app)

    @property
    def is_open(self) -> bool:
        """Whether the screen is on show, or below what is: it may open something over itself."""
        return self in self.app.screen_stack

    async def asked(self, question: Awaitable[T]) -> T | None:
        """Return what the engine answers; None when it did not, which is said to the person."""
        try:
            return await question
        except EngineError as error:
            self.failed(error)
            return None

    async def permitted(self, question: Awaitable[T], otherwise: T) -> T | None:
        """Return what the engine answers, or `otherwise` where this person may not ask for it:
        nobody is told with each round what is not theirs. None when the engine did not answer."""
        try:
            return await question
        except Refused as error:
            self.refusal = error.message
            return otherwise
        except EngineError as error:
            self.failed(error)
            return None

    def failed(self, error: EngineError) -> None:
        """Say that something was refused or went wrong."""
        if isinstance(error, Unavailable):
            self.host.lost(error)
        elif isinstance(error, (Refused, Conflict, NotFound, InvalidInput)):
            self.tell(_sentence(error), "warning")
        else:
            self.host.broken(type(error).__name__, error.message)

    def tell(self, text: str, severity: Severity = "information") -> None:
        """Say something that passes; it is kept under `!`."""
        self.host.tell(text, severity)

    def look_again(self) -> None:
        """Ask the engine again after news, at once but for a rest between two questions."""
        # The first event is answered at once, later ones together at the end of the rest: a screen
        # is up to date quickly, and a busy engine is not asked for every event.
        if self._rest is not None:
            self._again = True
            return
        self._rest = self.set_timer(self.REST, self._rested)
        self.look()

    # How it works.

    @on(events.ScreenResume)
    def _resumed(self, event: events.ScreenResume) -> None:
        if not self._left:
            # All was styled as it was composed; Textual would do it again.
            event.refresh_styles = False
        self._left = False
        self.draw_lines()
        if self._news != self.context.news:
            self._news = self.context.news
            self.look_again()

    @on(events.ScreenSuspend)
    def _suspended(self) -> None:
        self._left = True

    @on(EngineEvents)
    def _heard_news(self, message: EngineEvents) -> None:
        self._news, batch = self.context.news, message.batch
        if batch.gap or any(self.concerns(event) for event in batch.events):
            self.look_again()

    @on(Worker.StateChanged)
    def _worker_ended(self, message: Worker.StateChanged) -> None:
        if message.worker.is_finished:
            self.host.ahead.ended(message.worker)
        error = message.worker.error
        if message.state is WorkerState.ERROR and error is not None:
            reference = secrets.token_hex(4)
            log.error("failed", action=message.worker.name, reference=reference, exc_info=error)
            self.host.broken(reference, "this part of the screen could not be filled")

    async def action_do(self, name: str, *arguments: int) -> None:
        """Run a verb of the key table, or say why it is not possible now."""
        if why := self.why_off(name):
            self.tell(f"not now: {why}", "warning")
            self.host.ahead.refused()
            return
        verb: Callable[..., object] = getattr(self, f"do_{name}")
        result = verb(*arguments)
        if inspect.isawaitable(result):
            await result

    def why_off(self, action: str) -> str:
        """Say why a verb is off, for this person or now."""
        keys = {one.action.partition("(")[0]: one for one in SCREENS[self.NAME].keys}
        key = keys.get(action)
        if self.context.watching and key is not None and key.acts:
            return "this console only watches"
        for permission in needed(self.NAME, action):
            if why := lacking(self.context.me, permission):
                return why
        if action == "reveal" and self.context.reveals:
            return "labels are shown already"
        return self.why_not(action)

    def do_keys(self) -> None:
        """Show the keys."""
        self.app.push_screen(KeysScreen(self), self._run_chosen)

    def do_palette(self) -> None:
        """Open the palette."""
        self.app.action_command_palette()

    def do_notices(self) -> None:
        """Show what was said lately."""
        self.app.push_screen(NoticesScreen(self.context))

    def do_copy(self) -> None:
        """Offer what can be copied."""
        offered = tuple(self.copies())
        if not offered:
            self.tell("there is nothing to copy here", "warning")
            self.host.ahead.refused()
            return
        choices = tuple(
            Option(key=str(place), title=one.title, detail=one.text)
            for place, one in enumerate(offered)
        )

        def copy(chosen: str | None) -> None:
            if chosen is not None:
                self.host.copy(offered[int(chosen)].text, offered[int(chosen)].title)

        self.app.push_screen(ChooseScreen("Copy", choices, labelled=True), copy)

    @work(group=QUESTION, exit_on_error=False)
    async def do_export(self) -> None:
        """Write the rows of the list to a file."""
        offered = self.exports()
        if offered is None:
            self.tell("there are no rows to write here", "warning")
        else:
            await export_rows(self, offered)

    def do_zoom(self) -> None:
        """Show the pane with focus on the whole screen, or as it was."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None and not isinstance(self.focused, Input):
            self.maximize(self.focused, container=False)

    def do_reload(self) -> None:
        """Ask the engine again."""
        self.look()

    @work(group=QUESTION, exit_on_error=False)
    async def do_reveal(self) -> None:
        """Show masked labels for a minute; why is asked once an hour, and kept for ever."""
        await reveal(self)

    @work(group="undo", exit_on_error=False)
    async def do_undo(self) -> None:
        """Take the last act back."""
        await self.host.undo()

    def do_back(self) -> None:
        """Leave what is open, then the screen."""
        if not self.leave_part():
            self.do_leave_screen()

    def do_quit(self) -> None:
        """Leave the screen; at the root of its mode the console."""
        if not self.do_leave_screen():
            self.host.action_leave()

    def leave_part(self) -> bool:
        """Leave a zoomed pane, a filter or a range; False when none is open."""
        if self.maximized is not None:
            self.minimize()
            return True
        return False

    def do_leave_screen(self) -> bool:
        """Leave a screen that was opened over another; False at the root of a mode."""
        # Textual keeps a default screen only below the first mode.
        if len(self.app.screen_stack) <= 1:
            return False
        self.app.pop_screen()
        return True

    def _rested(self) -> None:
        self._rest = None
        if self._again:
            self._again = False
            self.look_again()

    async def _run_chosen(self, action: str | None) -> None:
        if action is not None:
            await self.run_verb(action)

    async def run_verb(self, action: str) -> None:
        """Run a verb as the key table writes it, or an action of the pane with focus."""
        name, bracket, rest = action.partition("(")
        if hasattr(self, f"do_{name}"):
            arguments = f", {rest}" if bracket else ")"
            await self.run_action(f"do('{name}'{arguments}")
        elif self.focused is not None:
            await self.focused.run_action(action)


def _sentence(error: EngineError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
