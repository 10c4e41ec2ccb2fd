# SPDX-License-Identifier: Apache-2.0
"""The tree of scans."""

from __future__ import annotations

import pytest

from console.views import scans
from engine.model.archive import ScanSummary

SCANS = (
    ScanSummary(id="4", xsi_type="", series_description="t1 mprage", files=1_204, modality="MR"),
    ScanSummary(id="5", xsi_type="", type="BOLD", files=3, modality="MR"),
    ScanSummary(id="6-MR1", xsi_type="", modality="MR"),
    ScanSummary(id="7", xsi_type=""),
)


def shown() -> list[tuple[str, ...]]:
    rows = scans.rows(SCANS, place="NEURO3 / SUB-1", label="MR_1", files=1_207, marked={"", "5"})
    return [row.cells for row in rows]


def test_scans_stand_under_their_session() -> None:
    assert shown() == [
        ("", "NEURO3 / SUB-1", "", ""),
        ("▾", "MR_1", "1 207", "!"),
        ("4", "t1 mprage", "1 204", ""),
        ("5", "BOLD", "3", "!"),
        ("6-MR1", "MR", "0", ""),
        ("7", "–", "0", ""),
    ]


def test_lines_stand_for_a_scan_or_for_all() -> None:
    rows = scans.rows(SCANS, place="", label="", files=0)
    assert [scans.scan_of(row.key) for row in rows] == ["", "", "4", "5", "6-MR1", "7"]
    assert scans.scan_of(None) == ""


@pytest.mark.parametrize(
    ("line", "scan"),
    [
        ("scan 4: (0018,0050) differs in 3 files", "4"),
        ("scan 4-MR1: something", "4-MR1"),
        ("session: 2 modalities", ""),
        ("anything else", ""),
    ],
)
def test_warnings_are_about_a_scan_or_the_session(line: str, scan: str) -> None:
    assert scans.warned([line]) == {scan}
