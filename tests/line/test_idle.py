# SPDX-License-Identifier: Apache-2.0
"""An engine with nothing to do asks its databases nothing, however often it looks whether there is
something, and still sees a change at its next look."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import Engine as Sql, event
from engine.database.watch import Watch
from engine.model.home import Home
from engine.service import engine as service
from engine.service.engine import Engine

ROUNDS = 400
rounds = quiet = 0
look = Watch.mark

def counted(watch):
    global rounds, quiet
    rounds, quiet = rounds + 1, quiet + 1
    return look(watch)

def asked(*_):
    global quiet
    quiet = 0

async def run():
    Watch.mark = counted
    # Looking often, and doing by the clock only what is not meant here.
    for name in ("RELAY", "INGEST", "WATCH", "BACKLOG"):
        setattr(service, f"_{name}_EVERY", 0.01)
    for name in ("BEAT", "BURY", "PURGE", "RESERVE"):
        setattr(service, f"_{name}_EVERY", 3600.0)
    home = Home.find(Path(sys.argv[1]), {})
    engine = await Engine.start(home, home.ensure().override({"dicom.port": 0, "http.port": 0}))
    event.listen(Sql, "before_cursor_execute", asked)
    async with asyncio.timeout(120):
        while quiet < ROUNDS:
            await asyncio.sleep(0.01)
        print("quiet")
        api = engine.acting("ada")
        await api.projects.add("NEURO3")
        while not any(one.object == "NEURO3" for one in (await api.audit.list()).rows):
            await asyncio.sleep(0.01)
        print("seen")
        while quiet < ROUNDS:
            await asyncio.sleep(0.01)
        print("quiet")
    await engine.stop()

asyncio.run(run())
"""


def test_an_engine_with_nothing_to_do_asks_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "home")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "[info" not in line] == [
        "quiet",
        "seen",
        "quiet",
    ]
