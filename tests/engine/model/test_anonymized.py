# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from engine.model.anonymized import ChangeFold
from engine.model.changes import Change, ChangeKind, Statement


def change(path: str, before: str, after: str, line: int = 1) -> Change:
    return Change(
        path=path,
        name="",
        kind=ChangeKind.CHANGED,
        before=before,
        after=after,
        statement=Statement(script="site", line=line),
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


def test_another_statement_is_another_change() -> None:
    fold = ChangeFold()
    fold.add([change("(0010,0010)", "a", "b", 1)])
    fold.add([change("(0010,0010)", "a", "b", 2)])
    assert [one.files for one in fold.folded()] == [1, 1]
    assert ChangeFold().folded() == ()
