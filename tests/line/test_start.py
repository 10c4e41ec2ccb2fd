# SPDX-License-Identifier: Apache-2.0
"""What an engine is started with: a site's own session types, and files that cannot be used."""

from __future__ import annotations

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
