# SPDX-License-Identifier: Apache-2.0
"""How changes of scripts are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.views import changes, figures
from console.views.masking import Masks
from engine.model.changes import ChangeKind, FoldedFailure, SessionChanges, Statement
from tests.memory import session
from tests.memory.changes import change, done, to_come, told


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        (ChangeKind.ADDED, "", "YES", "– → YES"),
        (ChangeKind.ADDED, "", "", "– → empty"),
        (ChangeKind.CHANGED, "", "YES", "empty → YES"),
        (ChangeKind.CHANGED, "A", "B", "A → B"),
        (ChangeKind.EMPTIED, "A", "", "A → empty"),
        (ChangeKind.REMOVED, "A", "", "A → removed"),
        (ChangeKind.REMOVED, "", "", "empty → removed"),
        (ChangeKind.PIXELS, "", "rectangle", "pixels → rectangle"),
        (ChangeKind.REJECTED, "", "", "the whole object is left out"),
    ],
)
def test_each_kind_reads_as_what_becomes_of_the_value(
    kind: ChangeKind, before: str, after: str, words: str
) -> None:
    assert changes.in_words(change("(0008,0050)", "", "SH", before, after, kind=kind)) == words


def test_a_change_in_some_files_only_says_in_how_many() -> None:
    some = change("(0008,0050)", "", "SH", "A", "B", files=3)
    all = change("(0008,0050)", "", "SH", "A2204417", kind=ChangeKind.REMOVED, files=48)
    rows = changes.rows(SessionChanges(rows=(all, some), read=48, files=48, alike=45))
    assert [row.cells[2] for row in rows] == [
        "A2204417 → removed",
        "in 3 of 48: A → B",
        "3 unlike the others",
    ]


def test_elements_that_stay_stand_in_their_places() -> None:
    rows = changes.rows(done(), same=True)
    assert [row.cells[0] for row in rows] == [
        *("- 0008,0050", "= 0008,0060", "~ 0008,0080", "~ ›0008,1155", "~ 0010,0010"),
        *("- 0010,1040", "+ 0012,0062", "= 0020,0013", "= 0028,0010", ""),
    ]
    assert len({row.key for row in rows}) == len(rows)
    assert [row.cells[0] for row in changes.rows(done())] == [
        row.cells[0] for row in rows if not row.cells[0].startswith("=")
    ]


def test_what_stays_in_a_few_files_only_is_shown_in_any_case() -> None:
    cells = [row.cells for row in changes.rows(to_come(17))]
    assert ("= 0008,103E", "SeriesDescription", "in 1 of 17: t2 tse Dr Moll", "untouched") in cells
    assert cells[-1][0] == "≠" and cells[-1][2].endswith(
        "1 unlike the others: SCANS/4/DICOM/1.2.3.7.dcm"
    )


def test_failures_and_what_is_not_known_are_told() -> None:
    found = replace(
        done(20),
        read=18,
        alike=14,
        unknown=1,
        failures=(FoldedFailure(said="the script fails", files=3, odd=("a.dcm",)),),
        left_out=1_200,
    )
    failed, folded = changes.rows(found)[-2:]
    assert failed.cells == ("✗", "fails", "in 3 of 18: the script fails", "")
    assert folded.cells[1:3] == (
        "18 of 20 files",
        f"all alike, 1 unknown, {figures.grouped(1_200)} more elements",
    )
    assert ("", "a.dcm") in changes.about(found)
    assert changes.rows(SessionChanges(files=3)) == []


def test_the_totals_name_each_kind_once() -> None:
    assert changes.totals(done()) == "3 changed, 2 removed, 1 added"
    assert changes.totals(to_come()) == "1 changed, 1 emptied, 1 in pixels"
    assert changes.totals(SessionChanges()) == "nothing"
    assert (
        changes.totals(SessionChanges(read=12, files=2_000))
        == f"12 of {figures.grouped(2_000)} files read: nothing"
    )


def test_a_card_names_some_of_the_files_that_it_is_in() -> None:
    odd = replace(change("(0008,0050)", "", "SH", "A", "B", files=3), odd=("a.dcm", "b.dcm"))
    assert changes.card(odd, 48)[-4:] == [
        ("Files", "in 3 of 48"),
        ("", "a.dcm"),
        ("", "b.dcm"),
        ("", "and 1 more"),
    ]


@pytest.mark.parametrize(
    ("script", "scope"), [("site", "site"), ("project NEURO3", "project:NEURO3")]
)
def test_a_statement_leads_to_its_script(script: str, scope: str) -> None:
    assert changes.scope_of(Statement(script=script, version=7, line=3)) == scope


def _values(told: SessionChanges) -> set[str]:
    return {one.change.before for one in told.rows} | {one.change.after for one in told.rows}


def test_originals_are_told_by_kind_and_length_until_they_are_revealed() -> None:
    waiting = session(1)
    hidden = Masks().changes(done(), waiting, originals=True)
    assert {"‹PN 10›", "‹SH 8›", "SUB-0001"} <= _values(hidden)
    assert not {"DOE^JANE^M", "A2204417"} & _values(hidden)
    assert Masks(revealed=True).changes(done(), waiting, originals=True) == done()
    # What stands there now is no original.
    assert Masks().changes(to_come(), waiting, originals=False) == to_come()


def test_nothing_is_told_of_a_session_that_nobody_has_assigned() -> None:
    unassigned = session(1, project=None)
    for found in (done(), to_come()):
        shown = Masks().changes(found, unassigned, originals=False)
        assert all(value == "" or value.startswith("‹") for value in _values(shown))
        # A name of a file may hold any value of its header.
        assert "1.2.3.7" not in repr((shown.odd, [one.odd for one in shown.rows]))


def test_what_the_engine_has_hidden_stays_as_it_is() -> None:
    hidden = change("(0010,0010)", "PatientName", "PN", "‹PN 10›", "‹3 values›")
    found = told((hidden, change("(0010,0020)", "", "LO", "‹1,204 values›", "x")), 17)
    assert Masks().changes(found, session(1), originals=True) == found
