# SPDX-License-Identifier: Apache-2.0
"""How a filed session is written: rows, states, cards, history, and what goes into files."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.views import figures, filed
from engine.model.archive import (
    HistoryEntry,
    ScanSummary,
    SessionCard,
    SessionStatus,
    SessionSummary,
)
from engine.model.contents import FileEntry
from tests.console.piloting import HOSTILE
from tests.memory import NOON, card, session
from tests.memory.contents import header


def summary(**changes: Any) -> SessionSummary:
    made = SessionSummary(
        accession="XNAT_E00001",
        label="MR_1",
        project="NEURO3",
        subject="SUB-1",
        subject_id="XNAT_S00001",
        date="2026-09-11",
        modality="MR",
        xsi_type="xnat:mrSessionData",
        scanner="MR3T_A",
        description="head",
        status=SessionStatus.ACTIVE,
        scans=4,
        files=1340,
        bytes=740_000_000,
        added=NOON,
        added_by="mk",
    )
    return replace(made, **changes)


def scan(number: int, **changes: Any) -> ScanSummary:
    made = ScanSummary(id=str(number), xsi_type="xnat:mrScanData", type="t1_mprage_sag", files=192)
    return replace(made, **changes)


def full(**changes: Any) -> SessionCard:
    made = replace(
        card(session()),
        gender="female",
        handedness="right",
        age="61",
        acquisition_site="North",
        manufacturer="SIEMENS",
        model="Prisma",
        added_by="mk",
        scans=(scan(1), scan(2, type="ep2d", files=91, quality="questionable")),
    )
    return replace(made, **changes)


def test_a_row_has_a_cell_for_each_title() -> None:
    row = filed.row(summary())
    assert len(row.cells) == len(filed.COLUMNS)
    shown = dict(zip((one.title for one in filed.COLUMNS), row.cells, strict=True))
    assert (shown["Status"], shown["Files"], shown["Size"]) == ("● active", "1 340", "740 M")
    assert (row.key, shown["Accession"]) == ("XNAT_E00001", "XNAT_E00001")


@pytest.mark.parametrize(
    ("status", "shown", "tone"),
    [
        (SessionStatus.QUARANTINE, "◐ quarantine", "look"),
        (SessionStatus.LOCKED, "▪ locked", "plain"),
        (SessionStatus.OBSOLETE, "○ obsolete", "dim"),
    ],
)
def test_a_state_is_a_sign_and_a_word(status: SessionStatus, shown: str, tone: str) -> None:
    row = filed.row(summary(status=status))
    assert (row.cells[0], row.tone) == (shown, tone)
    assert ("Status", shown) in filed.card(full(status=status))


def test_a_session_without_a_date_has_a_dash() -> None:
    assert filed.row(summary(date="")).cells[5] == "–"


def test_a_card_tells_what_is_known_and_leaves_out_what_is_not() -> None:
    shown = dict(filed.card(full()))
    assert shown["Accession"] == "XNAT_E00001"
    assert shown["Added"] == f"{figures.moment(NOON)[:16]} (mk)"
    assert shown["Scanner"] == "MR3T_A, SIEMENS Prisma"
    assert (shown["Gender"], shown["Hand"], shown["Age"]) == ("female", "right", "61")
    assert (shown["Site"], shown["Came as"]) == ("North", "pre_aaaaaaa1")
    known = dict(filed.card(card(session())))
    assert not {"Gender", "Hand", "Age", "Site", "About"} & set(known)


def test_a_card_names_scans_with_files_and_quality() -> None:
    lines = [value for name, value in filed.card(full()) if not name]
    assert lines[-2:] == [
        "     1 t1_mprage_sag   192 usable",
        "     2 ep2d             91 quest.",
    ]
    assert max(map(len, lines)) <= 35


def test_a_card_of_very_many_scans_says_how_many_more() -> None:
    many = full(scans=tuple(scan(number) for number in range(1, 45)))
    lines = [value.strip() for _, value in filed.card(many)]
    assert lines[-1] == f"… {44 - filed.SCANS_SHOWN} more"


def test_a_hostile_scan_does_not_move_its_neighbours() -> None:
    lines = [value for _, value in filed.card(full(scans=(scan(1, type=HOSTILE),)))]
    assert "\x1b" not in lines[-1]
    assert lines[-1].endswith("   192 usable")


def change(minute: int, change: str, **before: Any) -> HistoryEntry:
    return HistoryEntry(
        at=NOON + timedelta(minutes=minute), actor="mk", change=change, before=before
    )


HISTORY = (
    change(0, "Added"),
    change(1, "Modified", label="MR_0", status="active", age=""),
    change(2, "Modified", label="MR_1", status="active", age=""),
)


def test_a_change_is_told_with_its_reason() -> None:
    entry = replace(HISTORY[-1], reason="all fine")
    assert filed.history_rows((*HISTORY[:-1], entry))[0].cells[3].startswith("“all fine”  ")


def test_history_is_told_newest_first_with_what_stood_there_before() -> None:
    rows = filed.history_rows(HISTORY)
    assert [row.key for row in rows] == ["2", "1", "0"]
    assert rows[1].cells == (figures.moment(HISTORY[1].at), "mk", "Modified", "label MR_0")
    assert rows[2].cells[3] == "nothing: it was new"


def test_the_last_change_tells_all_that_was_there() -> None:
    assert filed.before(HISTORY, 2) == "label MR_1  status active"
    assert filed.before((HISTORY[1], HISTORY[1]), 0) == "the same values"


def test_a_document_is_numbered_line_by_line() -> None:
    rows = filed.document_rows("<a>\n  <b/>\n</a>\n")
    assert [row.cells for row in rows] == [("1", "<a>"), ("2", "  <b/>"), ("3", "</a>")]


def test_what_is_written_to_files_fits_its_titles() -> None:
    file = FileEntry(path="SCANS/1/DICOM/1.dcm", scan="1", resource="DICOM", size=12)
    rows = {
        "files": filed.exported_file(file),
        "scans": filed.exported_scan(scan(1)),
        "history": filed.history_rows(HISTORY)[0].cells,
        "header": filed.exported_header(header())[0],
    }
    assert {name: len(row) for name, row in rows.items()} == {
        name: len(titles) for name, titles in filed.EXPORTED_TITLES.items()
    }
    assert len(filed.exported(summary())) == len(filed.EXPORTED)
    assert filed.exported(summary())[7:9] == ("1340", "740000000")


def test_a_header_is_written_without_its_branches() -> None:
    paths = [row[0] for row in filed.exported_header(header())]
    assert "(0008,1140)" not in paths
    assert "(0010,0010)" in paths
