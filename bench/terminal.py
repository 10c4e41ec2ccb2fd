# SPDX-License-Identifier: Apache-2.0
"""A console in a pseudo-terminal, with the time of every piece of its output: what a person on the
other end of a line would get, and when."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

_PIECE = 1 << 16


class TerminalError(Exception):
    """The program did not do what was waited for."""


class Terminal:
    """Runs a program of Anteroom's in a terminal of a size."""

    def __init__(self, arguments: Sequence[str], columns: int, rows: int, folder: Path) -> None:
        """Start `python -m console` with arguments; what it remembers stays in `folder`."""
        own = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("STATE", "CONFIG")}
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "console", *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", **own},
        )
        os.close(slave)
        self._pieces: list[tuple[float, bytes]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGHUP)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        os.close(self._master)

    @property
    def sent(self) -> int:
        """Bytes that the program has written so far."""
        with self._news:
            return sum(len(piece) for _, piece in self._pieces)

    def press(self, keys: bytes) -> tuple[float, int]:
        """Type keys; give when, and the number of the next piece of output."""
        with self._news:
            mark = len(self._pieces)
        at = time.perf_counter()
        os.write(self._master, keys)
        return at, mark

    def when(self, wanted: bytes, mark: int = 0, seconds: float = 30.0) -> float:
        """Wait for output after a mark; give when its last piece came.

        Raises:
            TerminalError: if it does not come.
        """
        limit = time.perf_counter() + seconds
        with self._news:
            while True:
                seen = b""
                for at, piece in self._pieces[mark:]:
                    # An escape sequence or a character may be cut between two pieces.
                    seen = seen[-len(wanted) :] + piece
                    if wanted in seen:
                        return at
                if not self._news.wait(limit - time.perf_counter()):
                    raise TerminalError("the console did not show what was waited for")

    def quiet(self, seconds: float) -> None:
        """Wait until nothing has been written for so long."""
        with self._news:
            while self._news.wait(seconds):
                pass

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._master, _PIECE)
            except OSError:
                return
            if not piece:
                return
            with self._news:
                self._pieces.append((time.perf_counter(), piece))
                self._news.notify_all()
