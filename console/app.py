"""The terminal application: its screens, its theme, how it ends, and what it says when it fails. It
is given an `EngineApi` and builds none."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
import traceback
from dataclasses import replace
from functools import partial
from typing import ClassVar

import structlog
from rich.segment import Segment, Segments
from textual.app import App
from textual.binding import Binding, BindingType

from console.bridge import EngineEvents, EngineLost, pump
from console.screens.live import LiveScreen
from console.screens.quit import Leave, QuitScreen
from console.theme import ANTEROOM_DARK, ANTEROOM_LIGHT
from engine.service.api import EngineApi

log = structlog.get_logger(__name__)

LOOK_AT_TERMINAL = 5.0
"""Seconds; where SIGHUP is ignored, an app whose terminal has gone would spin for ever."""


class ConsoleApp(App[Leave]):
    """The console on one engine."""

    TITLE = "Anteroom"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "live"
    """Not Textual's own empty screen: it would be repainted whole below the one on show."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "leave", show=False),
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(self, engine: EngineApi, *, owner: bool = False, watching: bool = False) -> None:
        """Show `engine`.

        Args:
            engine: What is asked.
            owner: This console started the engine, so it asks at the end what becomes of it.
            watching: Nothing can be done, and labels are masked.
        """
        super().__init__()
        self.animation_level = "none"
        self._engine = engine
        self._owner = owner
        self.add_mode("live", partial(LiveScreen, engine, watching=watching))
        for theme in (ANTEROOM_DARK, ANTEROOM_LIGHT):
            self.register_theme(theme)
        self.theme = ANTEROOM_DARK.name

    def on_mount(self) -> None:
        """Begin to listen."""
        self.run_worker(self._listen(), group="events", name="events")
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self.exit)
            self.set_interval(LOOK_AT_TERMINAL, self._look_at_terminal)

    async def open(self) -> Leave | None:
        """Run until the user leaves or the terminal goes; say what becomes of the engine."""
        try:
            return await self.run_async()
        finally:
            self.end_input()

    def end_input(self) -> None:
        """Let the thread that reads the terminal end, whatever has become of the terminal.

        Textual tells it to only after it has written to the terminal. To one that has gone it
        cannot write, and the thread would go on reading nothing at full speed. Looks into a private
        part of Textual; a test holds it to that.
        """
        ended = getattr(self._driver, "exit_event", None)
        if isinstance(ended, threading.Event):
            ended.set()

    def action_leave(self) -> None:
        """End the console; ask what becomes of an engine that it started."""
        if not self._owner:
            self.exit(Leave.RUNNING)
        elif not isinstance(self.screen, QuitScreen):
            self.push_screen(QuitScreen(), self._left)

    async def _listen(self) -> None:
        await pump(self._engine, self._tell_screens)

    def _tell_screens(self, message: EngineEvents | EngineLost) -> None:
        # Also those below a question: they must not be old when it is answered.
        for screen in self.screen_stack:
            screen.post_message(replace(message))

    def _left(self, how: Leave | None) -> None:
        if how is not None:
            self.exit(how)

    def _look_at_terminal(self) -> None:
        if sys.__stdin__ is None or not os.isatty(sys.__stdin__.fileno()):
            self.exit()

    def _fatal_error(self) -> None:
        """Say that it failed, without the values that Textual would print: they may be a patient's.

        Overrides a private method of Textual; a test holds it to that.
        """
        reference = secrets.token_hex(4)
        kind, error, trace = sys.exc_info()
        log.error(
            "failed",
            action="console",
            reference=reference,
            # Without the message, which may hold data too.
            error=kind.__name__ if kind else type(self._exception).__name__,
            trace="".join(traceback.format_tb(trace or getattr(error, "__traceback__", None))),
        )
        words = f"anteroom: the console failed (reference {reference}); the engine goes on\n"
        self._exit_renderables.append(Segments([Segment(words)]))
        self._close_messages_no_wait()
