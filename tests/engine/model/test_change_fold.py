# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from engine.model.change_fold import MOST_NAMED, MOST_ROWS, ChangeFold, mark
from engine.model.changes import NOBODY, Change, ChangeKind, SessionChanges, Statement


def change(
    path: str, before: str, after: str, line: int = 1, kind: ChangeKind = ChangeKind.CHANGED
) -> Change:
    return Change(
        path=path,
        name="",
        kind=kind,
        before=before,
        after=after,
        statement=Statement(script="site", version=7, line=line),
    )


def test_the_same_change_in_many_files_is_one_in_the_order_of_elements() -> None:
    fold = ChangeFold()
    for _ in range(3):
        fold.add([change("(0010,0020)", "a", "b"), change("(0010,0010)", "c", "d")])
    first, second = fold.folded()
    assert (first.change.path, first.files) == ("(0010,0010)", 3)
    assert second.change == change("(0010,0020)", "a", "b")


def test_of_values_that_differ_only_the_number_is_told() -> None:
    fold = ChangeFold()
    fold.add([change("(0008,0018)", "1.2", "2.25.1")])
    fold.add([change("(0008,0018)", "1.3", "2.25.1")])
    (only,) = fold.folded()
    assert (only.change.before, only.change.after, only.files) == ("‹2 values›", "2.25.1", 2)
    assert (only.befores, only.afters) == (2, 1)


def test_another_statement_is_another_change() -> None:
    fold = ChangeFold()
    fold.add([change("(0010,0010)", "a", "b", 1)])
    fold.add([change("(0010,0010)", "a", "b", 2)])
    assert [one.files for one in fold.folded()] == [1, 1]
    assert ChangeFold().folded() == ()


def test_files_that_are_not_like_the_others_are_named() -> None:
    fold = ChangeFold()
    usual = change("(0010,0010)", "a", "b")
    for number in range(5):
        fold.add([usual], f"{number}.dcm")
    fold.add([usual, change("(0010,4000)", "hers", "", kind=ChangeKind.EMPTIED)], "more.dcm")
    fold.add([], "less.dcm")
    stays = Change(
        path="(0010,0010)",
        name="",
        kind=ChangeKind.SAME,
        before="a",
        after="a",
        statement=NOBODY,
    )
    fold.add_same(stays, 1, ["less.dcm"], {mark("a")})
    fold.add_failure("it cannot be read", "bad.dcm")
    fold.add_unknown()
    told = fold.told(10)
    assert (told.read, told.files, told.is_whole) == (9, 10, False)
    assert (told.alike, told.odd) == (5, ("less.dcm", "more.dcm"))
    assert [(one.change.kind, one.files, one.odd) for one in told.rows] == [
        (ChangeKind.CHANGED, 6, ()),
        (ChangeKind.SAME, 1, ("less.dcm",)),
        (ChangeKind.EMPTIED, 1, ("more.dcm",)),
    ]
    assert [(one.said, one.files, one.odd) for one in told.failures] == [
        ("it cannot be read", 1, ("bad.dcm",))
    ]
    assert (told.unknown, told.scripts) == (1, ("site v7",))
    assert told.totals == {ChangeKind.CHANGED: 1, ChangeKind.SAME: 1, ChangeKind.EMPTIED: 1}


def test_of_very_many_elements_it_is_said_how_many_are_not_told() -> None:
    fold = ChangeFold()
    fold.add([change(f"(5200,9230)[{number}].(0008,0018)", "", "") for number in range(MOST_ROWS)])
    assert fold.told(1).left_out == 0
    fold.add([change("(0010,0010)", "a", "b")])
    told = fold.told(2)
    assert (len(told.rows), told.left_out) == (MOST_ROWS, 1)


ELEMENTS = st.sampled_from(["(0008,0018)", "(0010,0010)", "(0010,0020)"])
KINDS = st.sampled_from([ChangeKind.CHANGED, ChangeKind.REMOVED])
VALUES = st.sampled_from(["", "a", "b", "Müller"])
CHANGES = st.builds(change, ELEMENTS, VALUES, VALUES, st.integers(1, 2), KINDS)
OF_A_FILE = st.lists(CHANGES, max_size=4, unique_by=lambda one: one.path)
PARTS = st.lists(st.lists(OF_A_FILE, max_size=6), max_size=5)


@given(PARTS)
def test_what_is_folded_in_parts_is_what_is_true_of_each_file(
    parts: list[list[list[Change]]],
) -> None:
    files = [(f"{p}-{n}.dcm", one) for p, part in enumerate(parts) for n, one in enumerate(part)]
    whole, named = ChangeFold(), iter(files)
    for part in parts:
        fold = ChangeFold()
        for _ in part:
            name, changes = next(named)
            fold.add(changes, name)
        whole.join(fold)
    told = whole.told(len(files))
    assert told == _at_once(files)
    assert told.is_whole and told.read == len(files)
    for row in told.rows:
        one = row.change
        having = {
            name: each
            for name, changes in files
            for each in changes
            if (each.path, each.kind, each.statement) == (one.path, one.kind, one.statement)
        }
        assert row.files == len(having)
        assert row.befores == len({each.before for each in having.values()})
        assert row.afters == len({each.after for each in having.values()})
        if row.befores == 1:
            assert one.before == next(iter(having.values())).before
        assert set(row.odd) <= having.keys()
        if row.odd:
            assert len(row.odd) == min(MOST_NAMED, row.files)
    alike = Counter(
        frozenset((one.path, one.kind, one.statement) for one in changes) for _, changes in files
    )
    assert told.alike == max(alike.values(), default=0)
    assert len(told.odd) == min(MOST_NAMED, len(files) - told.alike)
    elements = {one.path for _, changes in files for one in changes}
    assert {row.change.path for row in told.rows} == elements


def _at_once(files: list[tuple[str, list[Change]]]) -> SessionChanges:
    fold = ChangeFold()
    for name, changes in reversed(files):
        fold.add(changes, name)
    return fold.told(len(files))
