# SPDX-License-Identifier: Apache-2.0
"""From a home to a screen: attach to the home's engine, or start one as a child process in its own
session, so that neither a crash of the console nor a dropped connection stops a transfer."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from console.app import ConsoleApp
from console.runtime.identity import THIS_UNIX_USER, Identity, asked
from console.runtime.log import LARGEST, log_of_console, log_to_file
from console.runtime.memory import StateFile, state_file
from console.runtime.preferences import preferences_file, read_preferences, use_time_zone
from console.screens.base.quit import Leave
from console.views.text import plain_text
from engine.model.access import PRIVATE_FILE
from engine.model.errors import Outage, Unavailable
from engine.model.home import Home
from engine.model.outage import FULL, GOES_ON, MAKE_ROOM
from engine.model.reserve import free

PATIENCE_SECONDS = 10.0
"""After how long it is said that an engine is still starting. There is no limit: on a busy machine,
or with much to take in after a crash, it may take minutes; one that cannot start ends by itself."""

STOP_SECONDS = 60.0
"""How long it may take to bring what it does to a safe end."""

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC

_TO_SAY = 4096
"""Bytes without which what an engine says of its end may not have been written."""

STDERR = "engine.err"
"""What an engine that was started here says besides its log, in the home's logs."""


class Child:
    """An engine that this process started. It outlives this process unless it is told to stop."""

    def __init__(self, process: subprocess.Popen[bytes], ready: dict[str, object]) -> None:
        self._process = process
        self.ready = ready

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    async def stop(self) -> int:
        """Tell it to stop, wait until it has, and return its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        """Wait until it has ended, and return its exit code."""
        try:
            return await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Unavailable(
                f"the engine (process {self._process.pid}) has not stopped yet",
                hint="see the log of its home; it ends when its work is in a safe state",
            ) from None


async def start_engine(home: Home, options: Sequence[str] = ()) -> Child:
    """Start `anteroom serve` on a home and wait until it listens.

    Raises:
        Unavailable: it ended instead; the hint holds what it said.
    """
    home.ensure()
    errors = home.logs / STDERR
    _begin_anew(errors)
    begin = errors.stat().st_size if errors.exists() else 0
    process = _spawn(home, options, errors)
    assert process.stdout is not None
    try:
        ready = json.loads(await _first_line(process.stdout))
    except ValueError:
        await asyncio.to_thread(process.wait)
        raise Unavailable("the engine did not start", hint=_why(errors, begin)) from None
    except asyncio.CancelledError:
        process.terminate()
        # Its last line ends the reader, which would otherwise keep the pipe open.
        await asyncio.to_thread(process.wait)
        raise
    finally:
        process.stdout.close()
    return Child(process, ready)


async def _first_line(stdout: IO[bytes]) -> bytes:
    """Wait for what it says when it listens; nothing if it ends."""
    reading = asyncio.ensure_future(asyncio.to_thread(stdout.readline))
    while not (await asyncio.wait({reading}, timeout=PATIENCE_SECONDS))[0]:
        sys.stderr.write("the engine is still starting; ctrl+c ends the wait\n")
    return reading.result()


async def console(home: Home, identity: Identity = THIS_UNIX_USER) -> None:
    """Open the console on the engine of a home, started for it if none is running."""
    preferences = read_preferences(preferences_file())
    log_to_file(log_of_console())
    memory = StateFile(state_file())
    child: Child | None = None
    if not await runs(home, identity):
        sys.stderr.write(f"starting an engine on {plain_text(str(home.root))}\n")
        child = await start_engine(home)
    use_time_zone(preferences)
    async with asked(home, identity) as engine:
        started = child.pid if child is not None else None
        app = ConsoleApp(engine, started=started, preferences=preferences, memory=memory)
        engine.silent = app.silent
        how = await app.open()
    if child is not None and how is Leave.STOPPED:
        await child.stop()


async def watch(home: Home, identity: Identity = THIS_UNIX_USER) -> None:
    """Open the live screen, read only, on the engine of a home."""
    preferences = read_preferences(preferences_file())
    log_to_file(log_of_console())
    memory = StateFile(state_file())
    use_time_zone(preferences)
    async with asked(home, identity) as engine:
        await engine.system.status()
        app = ConsoleApp(engine, watching=True, preferences=preferences, memory=memory)
        engine.silent = app.silent
        await app.open()


async def runs(home: Home, identity: Identity = THIS_UNIX_USER) -> bool:
    """Say whether an engine answers on a home; raise `Refused` when it will not speak to us."""
    try:
        await answers(home, identity)
    except Outage:
        return True  # it answers, if only that it cannot now
    except Unavailable:
        return False
    return True


async def answers(home: Home, identity: Identity = THIS_UNIX_USER) -> None:
    """Wait until the engine of a home answers; say on stderr when that takes long.

    Raises:
        Unavailable: none is running.
    """
    async with asked(home, identity) as engine:
        await engine.system.status()


def _spawn(home: Home, options: Sequence[str], errors: Path) -> subprocess.Popen[bytes]:
    # Not by asyncio, which would kill the child when this loop ends.
    with open(os.open(errors, _APPEND, PRIVATE_FILE), "ab") as stderr:
        return subprocess.Popen(
            [sys.executable, "-m", "console", "--home", str(home.root), "serve", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )


def _begin_anew(errors: Path) -> None:
    """Put a large file aside before an engine writes to it; nobody does so yet."""
    with suppress(OSError):
        if errors.stat().st_size > LARGEST:
            errors.replace(errors.with_name(f"{errors.name}.1"))


def _why(errors: Path, begin: int) -> str:
    """Return what an engine that ended has said, or why it could say nothing."""
    said = _said(errors, begin)
    if not said and free(errors.parent) < _TO_SAY:
        return f"{FULL}: {MAKE_ROOM.replace(GOES_ON, 'then start it again')}"
    return said or f"look into {errors.parent}"


def _said(errors: Path, begin: int) -> str:
    with errors.open("rb") as file:
        file.seek(begin, os.SEEK_SET)
        lines = file.read().decode("utf-8", "replace").strip().splitlines()
    return " ".join(line.strip() for line in lines[-3:])
