# SPDX-License-Identifier: Apache-2.0
"""What an engine is started with: a site's own session types, and files that cannot be used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pydicom.data
import pytest

from engine.model.errors import InvalidSettings
from engine.model.home import Home
from engine.service.engine import Engine
from tests.line.serving import Served, settled

CT = Path(pydicom.data.__file__).parent / "test_files" / "CT_small.dcm"

OURS = """
families:
  - name: SITE
    session: xnat:otherDicomSessionData
    root: xnat:OtherDicomSession
    scan: xnat:otherDicomScanData
    modality: CT
    primary: true
    classes: [1.2.840.10008.5.1.4.1.1.2]
session_order: [SITE]
scan_order: [SITE]
"""

LOADED = """
import asyncio, json, sys
from pathlib import Path
from engine.model.home import Home
from engine.service.engine import Engine

async def run():
    home = Home.find(Path(sys.argv[1]), {})
    ports = {"dicom.port": 0, "http.port": 0}
    recover = Engine._recover

    async def with_workers(engine, runner):
        # They load what they need while the engine looks for what a crash has left.
        assert len(engine.pool._spawned) == engine.settings.dicom.workers
        await recover(engine, runner)

    Engine._recover = with_workers
    engine = await Engine.start(home, home.ensure().override(ports))
    print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
    await engine.stop()

asyncio.run(run())
"""


def loaded_by_a_start(home: Path) -> set[str]:
    """Start an engine in a process of its own, and return what it has loaded by then."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(home)], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_start_loads_nothing_for_what_it_finds_done(tmp_path: Path) -> None:
    assert "alembic" in loaded_by_a_start(tmp_path / "home")  # which makes the databases
    slow = {"alembic", "httpx", "imagecodecs", "numpy", "pydicom", "pynetdicom", "textual"}
    assert loaded_by_a_start(tmp_path / "home") & slow == set()


async def test_a_sites_own_session_types_are_used(serve: Callable[..., Served]) -> None:
    served = serve(build_after=0.2)
    (served.home / "session_types.yaml").write_text(OURS)
    await served.start()
    assert await served.store(CT) == 0
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=1)
    assert row.session_type == "xnat:otherDicomSessionData"


async def test_session_types_that_cannot_be_used_stop_the_start(tmp_path: Path) -> None:
    home = Home.find(tmp_path / "home", {})
    settings = home.ensure()
    (home.root / "session_types.yaml").write_text("families:\n  - colour: red\n")
    with pytest.raises(InvalidSettings) as caught:
        await Engine.start(home, settings)
    assert "session_types.yaml" in caught.value.message
    assert caught.value.problems
    # Nothing started half: the home is free again.
    home.lock().close()
