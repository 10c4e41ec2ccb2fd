# SPDX-License-Identifier: Apache-2.0
"""The demonstration: a throw-away home with an engine, scanners that send to it, and the console.
All of it is removed when the console is left."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from console.app import ConsoleApp
from console.attach import start_engine
from console.runtime.log import log_of_console, log_to_file
from console.runtime.preferences import preferences_file, read_preferences, use_time_zone
from engine.model.home import Home
from engine.service.api import EngineApi
from engine.service.remote import RemoteEngine

SETTINGS = """\
dicom:
  host: 127.0.0.1
  port: 0
http:
  port: 0
session:
  build_after: 5
  check_every: 1
"""

REVIEWED = "NEURO"
AUTOMATIC = "ONCO"


async def demo() -> None:
    """Show the console while sample studies arrive; what it would remember goes with the rest."""
    preferences = read_preferences(preferences_file())
    log_to_file(log_of_console())
    async with running() as engine:
        use_time_zone(preferences)
        app = ConsoleApp(engine, preferences=preferences)
        engine.silent = app.silent
        await app.open()


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[RemoteEngine]:
    """Run an engine on a throw-away home, with scanners sending to it."""
    with _throw_away_home() as home:
        child = await start_engine(home)
        try:
            async with RemoteEngine(home.socket) as engine:
                await _configure(engine)
                with _scanners(child.ready, home):
                    yield engine
        finally:
            await child.stop()


async def _configure(engine: EngineApi) -> None:
    await engine.projects.add(REVIEWED, title="Waits for a reviewer")
    await engine.projects.set(REVIEWED, {"prearchive_code": "0"})
    await engine.projects.add(AUTOMATIC, title="Archives by itself")
    await engine.projects.set(AUTOMATIC, {"prearchive_code": "4"})


@contextlib.contextmanager
def _throw_away_home() -> Iterator[Home]:
    root = Path(tempfile.mkdtemp(prefix="anteroom-demo-"))
    try:
        home = Home(root)
        home.settings_file.write_text(SETTINGS, "utf-8")
        yield home
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextlib.contextmanager
def _scanners(ready: dict[str, Any], home: Home) -> Iterator[None]:
    receiver = ready["receivers"][0]
    with (home.logs / "scanners.log").open("ab") as said:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "console.demo.sender",
                "127.0.0.1",
                str(receiver["port"]),
                str(receiver["ae_title"]),
                str(home.root / "scanners"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()
