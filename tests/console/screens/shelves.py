# SPDX-License-Identifier: Apache-2.0
"""Filed sessions for the tests of the archive's screens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from engine.model.archive import ScanSummary, SessionCard
from tests.memory import Facts, card, session

SCANS = (("1", "localizer", 3), ("2", "t1_mprage_sag", 150), ("3", "ep2d_fmri", 2))


def filed(number: int, **changes: Any) -> SessionCard:
    """Make a filed session with three scans."""
    made = replace(
        card(session(1, label=f"MR_{number:04}", subject=f"SUB-{number:04}")),
        accession=f"XNAT_E{number:05}",
        scans=tuple(
            ScanSummary(
                id=id, xsi_type="xnat:mrScanData", type=type, series_description=type, files=files
            )
            for id, type, files in SCANS
        ),
        files=155,
        bytes=155_000,
    )
    return replace(made, **changes)


def archive(count: int, **changes: Any) -> Facts:
    """Make an engine with so many filed sessions; the changes are those of the first."""
    facts = Facts()
    for number in range(1, count + 1):
        one = filed(number, **(changes if number == 1 else {}))
        facts.filed[one.accession] = one
    return facts
