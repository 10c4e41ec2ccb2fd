# SPDX-License-Identifier: Apache-2.0
"""The acts of one console. They are carried out one after the other, each to its end whatever
becomes of the screen where it began, and the last can be undone. What acts there are, is in
`console.actions`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

from console.actions.undoable import Undoable
from console.runtime.context import ConsoleContext
from console.runtime.notices import Severity
from engine.model.errors import EngineError, Unavailable

T = TypeVar("T")


class Tell(Protocol):
    """Says something to the person."""

    def __call__(self, text: str, severity: Severity = ..., /) -> None: ...


class ActQueue:
    """What is done, and was done to sessions."""

    def __init__(
        self, context: ConsoleContext, tell: Tell, failed: Callable[[EngineError], None]
    ) -> None:
        """Do acts on the engine of `context`; `failed` shows what the engine would not do."""
        self._context = context
        self._tell = tell
        self._failed = failed
        self._one = asyncio.Lock()
        self._begun: set[asyncio.Task[Any]] = set()
        """Acts that go on."""

    async def do(self, act: Undoable) -> tuple[str, ...]:
        """Do an act once those before it are done; return the ids of the sessions it was done
        to."""
        return await self._through(self._do(act))

    async def carry_out(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something to what is no session, and cannot be taken back, once the acts before it are
        done; raise what the engine objects."""
        return await self._through(self._carry_out(act))

    async def undo(self) -> None:
        """Take back the last act."""
        await self._through(self._undo())

    async def _through(self, act: Coroutine[Any, Any, T]) -> T:
        begun = asyncio.create_task(act)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        # Leaving a screen cancels the worker that waits here, but never the act itself.
        return await asyncio.shield(begun)

    async def _do(self, act: Undoable) -> tuple[str, ...]:
        async with self._one:
            try:
                outcomes = await act.perform(self._context.engine)
            except EngineError as error:
                self._failed(error)
                if isinstance(error, Unavailable):
                    # The strip goes once the engine answers; the act still has to be checked.
                    words = f"{act.verb.value}: {error.message}; see whether it was done"
                    self._tell(words, "warning")
                return ()
            done = tuple(one.id for one in outcomes if one.done)
            if done:
                self._context.done.append(act.kept(done))
        words, refused = act.told(outcomes)
        self._tell(words, "warning" if refused else "information")
        return done

    async def _carry_out(self, act: Callable[[], Awaitable[T]]) -> T:
        async with self._one:
            return await act()

    async def _undo(self) -> None:
        done = self._context.done
        # Waits its turn like an act: which act was the last is known once those before it are done.
        async with self._one:
            if not done:
                self._tell("nothing was done here that could be taken back", "warning")
                return
            act = done[-1]
            if why := act.why_kept():
                if len(done) > 1:
                    done.pop()
                    why += f"; u once more would {done[-1].taking_back()}"
                self._tell(why, "warning")
                return
            try:
                outcomes = await act.take_back(self._context.engine)
            except EngineError as error:
                self._failed(error)
                if isinstance(error, Unavailable):
                    self._tell(f"not taken back: {error.message}; u tries again", "warning")
                return
            done.pop()
        words, refused = act.taken_back(outcomes)
        self._tell(words, "warning" if refused else "information")
