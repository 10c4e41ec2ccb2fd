# SPDX-License-Identifier: Apache-2.0
"""How changes of scripts are told."""

from __future__ import annotations

import pytest

from console.views import changes
from console.views.masking import Masks
from engine.model.changes import ChangeKind, FoldedChange, Statement
from tests.memory import session
from tests.memory.changes import change, done, to_come
from tests.memory.contents import header


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
    some, all = change("(0008,0050)", "", "SH", "A", "B", files=3), done(48)[0]
    rows = changes.rows((all, some), 48)
    assert [row.cells[2] for row in rows] == ["A2204417 → removed", "in 3 of 48: A → B"]


def test_elements_that_stay_stand_in_their_places() -> None:
    rows = changes.rows(done(), 17, header(17))
    tags = [row.cells[0] for row in rows]
    assert tags[:8] == [
        *("= 0002,0010", "= 0008,0005", "= 0008,0008", "= 0008,0016", "= 0008,0018"),
        *("= 0008,0020", "- 0008,0050", "= 0008,0060"),
    ]
    # What was changed is not among those that stay, and a sequence stands before its items.
    assert "= 0010,0010" not in tags
    assert tags.index("= 0008,1140") + 1 == tags.index("~ ›0008,1155")
    assert len({row.key for row in rows}) == len(rows)


def test_the_totals_name_each_kind_once() -> None:
    assert changes.totals(done()) == "3 changed, 2 removed, 1 added"
    assert changes.totals(to_come()) == "1 changed, 1 emptied, 1 in pixels"
    assert changes.totals(()) == "nothing"


@pytest.mark.parametrize(
    ("script", "scope"), [("site", "site"), ("project NEURO3", "project:NEURO3")]
)
def test_a_statement_leads_to_its_script(script: str, scope: str) -> None:
    assert changes.scope_of(Statement(script=script, version=7, line=3)) == scope


def _values(found: tuple[FoldedChange, ...]) -> set[str]:
    return {one.change.before for one in found} | {one.change.after for one in found}


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


def test_what_the_engine_has_hidden_stays_as_it_is() -> None:
    hidden = change("(0010,0010)", "PatientName", "PN", "‹PN 10›", "‹3 values›")
    (shown,) = Masks().changes((hidden,), session(1), originals=True)
    assert shown == hidden
