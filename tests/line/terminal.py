# SPDX-License-Identifier: Apache-2.0
"""A real terminal: tmux with a server of its own, into which keys are typed and whose screen is
read as a person would. Waiting is for what the screen shows, with a limit that ends a test that
hangs."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

LONGEST_WAIT = 60.0
LOOK_EVERY = 0.05

_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")


class Viewer:
    """Somebody else who looks at the window."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self._process = process
        self._master = master

    async def leave(self) -> None:
        """Let his line drop."""
        os.close(self._master)
        self._process.send_signal(signal.SIGHUP)
        await self._process.wait()


class Terminal:
    """One tmux server with one window."""

    def __init__(self, folder: Path, columns: int = 120, rows: int = 36) -> None:
        """Prepare a terminal whose socket is in `folder`."""
        found = shutil.which("tmux")
        if found is None:
            pytest.fail("no tmux: install it (apt install tmux)", pytrace=False)
        self._tmux = (found, "-S", str(folder / "tmux"), "-f", "/dev/null")
        self._size = (str(columns), str(rows))
        # A console begins where it was left: this one was never used.
        self._own = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("STATE", "CONFIG")}
        preferences = folder / "config" / "anteroom" / "console.yaml"
        preferences.parent.mkdir(parents=True, exist_ok=True)
        # Who types here has seen a question as soon as it is there.
        preferences.write_text("reaction: 0\n", "utf-8")

    async def run(self, *arguments: str, environ: dict[str, str] | None = None) -> None:
        """Run `anteroom` with arguments in the window."""
        words = [sys.executable, "-m", "console", *arguments]
        named = {"TZ": "UTC", "COLORTERM": "truecolor", **self._own, **(environ or {})}
        settings = [f"{name}={value}" for name, value in named.items()]
        # The shell stays behind to say how it ended.
        command = f"env {shlex.join(settings)} {shlex.join(words)}; echo ended with $?; exec cat"
        columns, rows = self._size
        await self._do("new-session", "-d", "-x", columns, "-y", rows, command)
        await self._do("set", "-g", "status", "off")
        await self._do("set", "-sg", "escape-time", "0")

    async def press(self, *keys: str) -> None:
        """Type keys, by tmux's names for them, one after the other."""
        for key in keys:
            await self._do("send-keys", key)

    async def type(self, text: str) -> None:
        """Type a text as it is."""
        await self._do("send-keys", "-l", "--", text)

    async def resize(self, columns: int, rows: int) -> None:
        """Resize the window."""
        await self._do("resize-window", "-x", str(columns), "-y", str(rows))

    async def screen(self) -> str:
        """Return what the screen shows."""
        return _COLOURS.sub("", await self.coloured())

    async def coloured(self) -> str:
        """Return what the screen shows, colours as the terminal has them."""
        return await self._do("capture-pane", "-e", "-N", "-p")

    async def until(self, shown: str | Callable[[str], bool]) -> str:
        """Wait until the screen shows a text; return the screen."""
        limit = time.monotonic() + LONGEST_WAIT
        while True:
            screen = await self.screen()
            if shown in screen if isinstance(shown, str) else shown(screen):
                return screen
            if time.monotonic() > limit:
                pytest.fail(f"the screen never showed {shown!r}:\n{screen}", pytrace=False)
            await asyncio.sleep(LOOK_EVERY)

    async def process(self) -> int:
        """Return the number of the process that runs in the window."""
        shell = int(await self._do("display-message", "-p", "#{pane_pid}"))
        return await asyncio.to_thread(_child, shell)

    async def attach(self) -> Viewer:
        """Look at the window from another terminal, as over a line of its own."""
        master, slave = pty.openpty()
        process = await asyncio.create_subprocess_exec(
            *self._tmux,
            "attach",
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        os.close(slave)
        return Viewer(process, master)

    async def close(self) -> None:
        """Close the terminal under whatever runs in it, as a dropped line does."""
        await self._do("kill-server", must=False)

    async def _do(self, *words: str, must: bool = True) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._tmux,
            *words,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"},
        )
        out, error = await process.communicate()
        if must and process.returncode:
            pytest.fail(f"tmux {words[0]}: {error.decode()}", pytrace=False)
        return out.decode("utf-8", "replace")


def _child(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
    return int(children[0]) if children else process
