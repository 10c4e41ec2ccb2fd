# SPDX-License-Identifier: Apache-2.0
"""`anteroom serve` and `anteroom` as processes: on a real home, in a real terminal."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from typer.testing import CliRunner

from console.attach import Child, runs, start_engine
from console.cli import app
from engine.model.errors import InvalidSettings, Outage, Unavailable
from engine.model.home import Home
from engine.service.remote import RemoteEngine

ANY_PORT = "dicom: {host: 127.0.0.1, port: 0, workers: 1}\nhttp: {port: 0}\n"
PATIENCE = 60.0


@pytest.fixture
def own(home: Path) -> Home:
    """Provide a home whose engine takes any free ports."""
    made = Home(home)
    made.settings_file.write_text(ANY_PORT)
    return made


async def test_an_engine_says_when_it_listens_and_ends_when_told(own: Home) -> None:
    child = await start_engine(own, ["--ae-title", "OTHER"])
    try:
        (receiver,) = cast("list[dict[str, Any]]", child.ready["receivers"])
        assert child.ready["ready"] is True
        assert receiver["ae_title"] == "OTHER"
        assert receiver["port"] > 0
        assert child.ready["socket"] == str(own.socket)
        async with httpx.AsyncClient(trust_env=False) as client:
            assert (await client.get(str(child.ready["http"]))).json()["ready"] is True
        async with RemoteEngine(own.socket) as engine:
            status = await engine.system.status()
            assert status.pid == child.ready["pid"]
            with pytest.raises(Unavailable) as refused:
                await start_engine(own)
            assert "another engine" in refused.value.hint
            await engine.system.stop()
        assert await child.ended() == 0
    finally:
        await child.stop()
    assert not own.socket.exists()
    assert not await runs(own)


async def test_wrong_settings_are_said_before_anything_starts(own: Home) -> None:
    own.settings_file.write_text("dicom:\n  port: many\n")
    with pytest.raises(InvalidSettings) as error:
        await start_engine(own)
    assert [problem.line for problem in error.value.problems] == [2]


def test_a_sqlite_that_is_too_old_is_said_in_one_sentence(
    own: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    ended = CliRunner().invoke(app, ["serve", "--home", str(own.root)])
    assert (ended.exit_code, ended.stdout) == (1, "")
    error, hint, *more = ended.stderr.splitlines()
    assert error.endswith("needs SQLite 3.35.0 or newer, and this Python has 3.34.1")
    assert "PostgreSQL" in hint
    assert more == []


class Started:
    """An engine that is only there to be stopped."""

    stopped = 0

    async def stop(self) -> None:
        """Count it."""
        self.stopped += 1


@pytest.mark.parametrize("fault", [None, Outage("the database is full")])
def test_a_start_that_is_told_to_end_leaves_nothing_running(
    own: Home, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    started = Started()

    async def start(*_: object, **__: object) -> Started:
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            # What was at its end just then has not heard of it.
            if fault is not None:
                raise fault from None
        return started

    monkeypatch.setattr("engine.service.engine.Engine.start", start)
    ended = CliRunner().invoke(app, ["serve", "--home", str(own.root)])
    assert (ended.exit_code, ended.output) == (0, "")
    assert started.stopped == (fault is None)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, config: Path, *words: str) -> None:
        (config / "anteroom").mkdir(parents=True)
        # Who types here has seen a question as soon as it is there.
        (config / "anteroom" / "console.yaml").write_text("reaction: 0\n", "utf-8")
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        self.process = subprocess.Popen(
            # The terminal becomes its own, so that its end is a SIGHUP.
            [sys.executable, "-c", _IN_A_TERMINAL, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=os.environ | {"TERM": "xterm-256color", "XDG_CONFIG_HOME": str(config)},
            start_new_session=True,
        )
        os.close(slave)
        self.seen = ""

    def wait_for(self, words: str) -> None:
        """Read until something is shown."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.seen:
            self._read(deadline)

    def press(self, keys: str) -> None:
        """Type."""
        self.seen = ""
        os.write(self._master, keys.encode())

    def end(self) -> int:
        """Read to the end and give the exit code."""
        deadline = time.monotonic() + PATIENCE
        try:
            while True:
                self._read(deadline)
        except OSError:
            return self.process.wait(PATIENCE)

    def hang_up(self) -> int:
        """Let the line drop and give the exit code."""
        os.close(self._master)
        self._master = -1
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    def _read(self, deadline: float) -> None:
        # A console always has something to show: silence alone does not end a wait.
        left = max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select([self._master], [], [], left)
        assert ready and left, f"nothing else was shown after {self.seen[-200:]!r}"
        self.seen += os.read(self._master, 65536).decode("utf-8", "replace")


_IN_A_TERMINAL = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from console.__main__ import main
main()
"""


@pytest.fixture
def opened(own: Home, tmp_path: Path) -> Iterator[Terminal]:
    """Open the console on a home without an engine."""
    terminal = Terminal(tmp_path / "config", "--home", str(own.root))
    yield terminal
    terminal.close()
    holder = own.holder()
    if holder is not None:
        os.kill(holder.pid, signal.SIGKILL)


async def test_the_console_starts_an_engine_and_stops_it_if_asked_to(
    own: Home, opened: Terminal
) -> None:
    opened.wait_for("received 0")
    assert await runs(own)
    opened.press("q")
    opened.wait_for("This console started the engine")
    opened.press("s")
    assert opened.end() == 0
    assert "Traceback" not in opened.seen
    assert not await runs(own)


async def test_a_line_that_drops_does_not_stop_the_engine(own: Home, opened: Terminal) -> None:
    opened.wait_for("received 0")
    assert opened.hang_up() == 0
    async with RemoteEngine(own.socket) as engine:
        await engine.system.stop()


def test_the_command_is_installed() -> None:
    assert shutil.which("anteroom", path=str(Path(sys.executable).parent))


def test_a_child_knows_what_it_said() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        assert Child(process, {"ready": True}).ready == {"ready": True}
