# SPDX-License-Identifier: Apache-2.0
"""What the application has to do with its terminal: how it begins, how it ends when the terminal
goes, and what it says when it fails."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import threading
import traceback

import structlog
from rich.segment import Segment, Segments
from textual.app import App

from console.runtime.context import ConsoleContext
from console.screens.base.quit import Leave

log = structlog.get_logger(__name__)

LOOK_AT_TERMINAL = 5.0
"""Seconds; where SIGHUP is ignored, an app whose terminal has gone would spin for ever."""

LAST_SECONDS = 10.0
"""How long a console whose terminal has gone may take to end by itself."""


class TerminalApp(App[Leave]):
    """An application in a terminal that may go at any time."""

    def __init__(self, context: ConsoleContext) -> None:
        """Run with what all screens share."""
        self.context = context
        super().__init__()
        self._last: threading.Timer | None = None

    def on_load(self) -> None:
        """Let tasks begin in their turn.

        From Python 3.12 on Textual lets them begin within the call that makes them: the parts of
        the first screen would then come up before it is on show, and those that look for it fail.
        """
        asyncio.get_running_loop().set_task_factory(None)

    def on_mount(self) -> None:
        """Look whether the terminal is still there."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, self._gone)
            self.set_interval(LOOK_AT_TERMINAL, self._look_at_terminal)

    async def open(self) -> Leave | None:
        """Run until the user leaves or the terminal goes; say what becomes of the engine."""
        for name in ("COLUMNS", "LINES"):
            # If a shell has exported them, the screen would keep that size for ever.
            os.environ.pop(name, None)
        try:
            return await self.run_async(mouse=self.context.preferences.uses_mouse)
        finally:
            self.end_input()
            self.context.memory.save()
            if self._last is not None:
                self._last.cancel()

    def end_input(self) -> None:
        """Let the thread that reads the terminal end, whatever has become of the terminal.

        Textual tells it to only after it has written to the terminal. To one that has gone it
        cannot write, and the thread would go on reading nothing at full speed. Looks into a private
        part of Textual; a test holds it to that.
        """
        ended = getattr(self._driver, "exit_event", None)
        if isinstance(ended, threading.Event):
            ended.set()

    def _look_at_terminal(self) -> None:
        if sys.__stdin__ is None or not os.isatty(sys.__stdin__.fileno()):
            self._gone()

    def _gone(self) -> None:
        """End without a terminal. Textual may wait for ever for a last word to reach it."""
        self.context.memory.save()
        self.exit()
        self._last = threading.Timer(LAST_SECONDS, os._exit, (1,))
        self._last.daemon = True
        self._last.start()

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
