# SPDX-License-Identifier: Apache-2.0
"""An engine as its users have it: `anteroom serve` in a process of its own on a throw-away home,
dcmtk as the sender, and questions over its Unix socket. Waiting is for events, never for time."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from engine.service.api import EngineApi
from engine.service.remote import RemoteEngine
from tests.line.killing import Plan
from tests.line.warm import Forked, Warm

LONGEST_WAIT = 120.0
"""Seconds until a test that waits for something that never comes is ended."""

AE_TITLE = "ANTEROOM"


class Served:
    """A home and, while `running`, the engine that serves it."""

    def __init__(self, home: Path, settings: dict[str, Any], warm: Warm | None = None) -> None:
        """Write the settings of a new home. With `warm` its engines are forks of that."""
        self.home = home
        self._warm = warm
        # A process of the pool besides.
        self._spares = settings.get("dicom", {}).get("workers", 1) + 1
        self.port = 0
        self.process: asyncio.subprocess.Process | Forked | None = None
        home.mkdir(parents=True, exist_ok=True)
        (home / "anteroom.yaml").write_text(yaml.safe_dump(settings), "utf-8")

    @property
    def prearchive(self) -> Path:
        """The prearchive's folder."""
        return self.home / "prearchive"

    @property
    def archive(self) -> Path:
        """The archive's folder."""
        return self.home / "archive"

    async def start(
        self, *wrapper: str, environ: dict[str, str] | None = None, plan: Plan | None = None
    ) -> None:
        """Start the engine, under a wrapper such as strace if given, and wait until it listens."""
        said = self.home / "stderr.txt"
        surroundings = {**os.environ, **(environ or {})}
        words = ("--home", str(self.home), "serve", "--dicom-port", "0", "--http-port", "0")
        with said.open("ab") as errors:
            if self._warm is not None and not wrapper:
                self.process = await self._warm.engine(
                    words,
                    errors=errors,
                    environ=surroundings,
                    spares=self._spares,
                    plan=plan,
                )
            else:
                assert plan is None, "only a warm engine follows plans"
                self.process = await asyncio.create_subprocess_exec(
                    *wrapper,
                    *(sys.executable, "-m", "console", *words),
                    stdout=asyncio.subprocess.PIPE,
                    stderr=errors,
                    env=surroundings,
                    start_new_session=True,
                )
        said_by = self.process if isinstance(self.process, Forked) else self.process.stdout
        assert said_by is not None
        line = await asyncio.wait_for(said_by.readline(), LONGEST_WAIT)
        assert line, said.read_text("utf-8")[-4000:]
        self.ready = json.loads(line)
        self.port = self.ready["receivers"][0]["port"]

    async def stop(self) -> int:
        """End the engine as an admin does; return its exit code."""
        assert self.process is not None
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.ready["pid"], signal.SIGTERM)
        return await asyncio.wait_for(self.process.wait(), LONGEST_WAIT)

    async def kill(self) -> None:
        """Kill the engine, its workers and all they started, as a power cut does."""
        assert self.process is not None
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()

    @asynccontextmanager
    async def asked(self) -> AsyncIterator[RemoteEngine]:
        """Ask the engine over its socket."""
        async with RemoteEngine(Path(self.ready["socket"])) as engine:
            yield engine

    async def store(self, *paths: Path, options: tuple[str, ...] = ()) -> int:
        """Send files or folders with dcmtk; return its exit code (0: every answer was success)."""
        sender = await asyncio.create_subprocess_exec(
            "/usr/bin/storescu",
            "+sd",
            "+r",
            "-aec",
            AE_TITLE,
            *options,
            "127.0.0.1",
            str(self.port),
            *map(str, paths),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        return await asyncio.wait_for(sender.wait(), LONGEST_WAIT)


async def until(engine: EngineApi, reached: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so, looking again at every event of the engine."""

    async def look() -> None:
        epoch, number = "", 0
        while not await reached():
            batch = await engine.events.after(epoch, number, 1.0)
            epoch, number = batch.epoch, batch.last

    await asyncio.wait_for(look(), LONGEST_WAIT)


async def sessions(engine: EngineApi) -> tuple[PrearchiveSession, ...]:
    """Return all prearchive sessions."""
    rows: list[PrearchiveSession] = []
    while True:
        page = await engine.prearchive.list(offset=len(rows), limit=1000)
        rows += page.rows
        if not page.rows or len(rows) >= page.total:
            return tuple(rows)


async def settled(engine: EngineApi, *, objects: int) -> tuple[PrearchiveSession, ...]:
    """Wait until so many objects stand in sessions that are READY, CONFLICT or ERROR."""
    final = {Status.READY, Status.CONFLICT, Status.ERROR}

    async def reached() -> bool:
        rows = await sessions(engine)
        done = all(row.status in final for row in rows)
        return done and sum(row.objects for row in rows) >= objects

    await until(engine, reached)
    return await sessions(engine)
