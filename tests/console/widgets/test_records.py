# SPDX-License-Identifier: Apache-2.0
"""What a table knows of its rows, against a plain list; and marks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from console.views.rows import Row
from console.widgets.records import KEPT, MOST_MARKS, WINDOW, Marks, Records


def row(number: int) -> Row:
    return Row(key=str(number), cells=(f"row {number}",))


class Listing(RuleBasedStateMachine):
    """A list of an engine that changes, and what a table makes of the windows that it is given.

    Windows come late, in any order, and from the list as it was when they were made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.records = Records()
        self.list: list[Row] = []
        self.numbers = iter(range(10_000_000))
        self.pending: set[int] = set()
        self.synced = True
        """What is known is of the list as it is now, as far as the table can know."""

    @rule(grown=st.integers(0, 5 * WINDOW))
    def replace(self, grown: int) -> None:
        self.list = [row(next(self.numbers)) for _ in range(grown)]
        self.records.expire()
        self.pending = {0}
        self.synced = True

    @rule(first=st.integers(0, 5 * WINDOW), height=st.integers(1, 150))
    def look(self, first: int, height: int) -> None:
        for number in self.records.wanted(first, first + height):
            assert number not in self.pending or self.records[number * WINDOW] is None
            self.pending.add(number)

    @rule(first=st.integers(0, 5 * WINDOW), cursor=st.integers(0, 5 * WINDOW))
    def outdate(self, first: int, cursor: int) -> None:
        asked = self.records.outdate(first, first + 30, cursor)
        assert asked == sorted(set(asked)) != []
        self.pending = set(asked)

    @precondition(lambda self: self.pending)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.pending)))
        self.pending.discard(number)
        offset = number * WINDOW
        self.records.put(offset, self.list[offset : offset + WINDOW], len(self.list))

    @rule()
    def show(self) -> None:
        self.records.show(self.list)
        self.pending = set()
        assert self.records.whole
        assert list(self.records.known()) == self.list

    @precondition(lambda self: self.list and not self.pending)
    @rule(gone=st.integers(0, 5 * WINDOW))
    def lose(self, gone: int) -> None:
        """Rows leave, and the table is told of it as screens do: by an answer to `outdate`."""
        del self.list[gone % len(self.list)]
        self.pending = set(self.records.outdate(0, 30, 0))
        for number in sorted(self.pending):
            offset = number * WINDOW
            self.records.put(offset, self.list[offset : offset + WINDOW], len(self.list))
        self.pending = set()

    @invariant()
    def nothing_is_beyond_the_end(self) -> None:
        assert self.records[self.records.total] is None
        assert self.records[-1] is None
        assert len(list(self.records.known())) <= self.records.total

    @invariant()
    def what_is_known_is_what_is_seen(self) -> None:
        assert self.records.seen(self.records.total) is None
        for place in range(0, self.records.total, 7):
            assert self.records[place] in (None, self.records.seen(place))

    @invariant()
    def nothing_is_known_twice(self) -> None:
        keys = [each.key for each in self.records.known()]
        assert len(keys) == len(set(keys))

    @invariant()
    def places_are_those_of_the_rows(self) -> None:
        for place in {0, self.records.total // 2, max(0, self.records.total - 1)}:
            found = self.records[place]
            if found is not None:
                assert self.records.place_of(found.key) == place

    @invariant()
    def what_is_known_after_all_answers_is_the_list(self) -> None:
        if self.pending or self.records.total != len(self.list):
            return
        for place, known in enumerate(self.list):
            assert self.records[place] in (None, known)


Listing.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
test_any_windows_in_any_order = Listing.TestCase


def test_windows_that_were_not_looked_at_for_long_go() -> None:
    records = Records()
    total = (KEPT + 5) * WINDOW
    for number in range(KEPT):
        records.put(number * WINDOW, [row(number * WINDOW + one) for one in range(WINDOW)], total)
    assert records.wanted(0, WINDOW - 1) == []
    records.put(KEPT * WINDOW, [row(KEPT * WINDOW + one) for one in range(WINDOW)], total)
    assert records[0] is not None
    assert records[WINDOW] is None
    assert not records.whole
    assert records.wanted(WINDOW, WINDOW) == [1]
    assert records.wanted(WINDOW, WINDOW) == []


def test_windows_before_news_are_seen_and_not_known_until_they_come_anew() -> None:
    records = Records()
    records.put(0, [row(one) for one in range(250)], 250)
    assert records.outdate(0, 30, 0) == [0]
    assert (records[240], records.seen(240), records.place_of("240")) == (None, row(240), None)
    assert not records.whole
    assert {one.key for one in records.known()} == {str(one) for one in range(WINDOW)}
    records.put(0, [row(one) for one in range(1, 1 + WINDOW)], 245)
    assert (records.seen(240), records.seen(245)) == (row(240), None)
    assert records.wanted(240, 244) == [2]
    records.put(2 * WINDOW, [row(one) for one in range(201, 246)], 245)
    assert records[240] == records.seen(240) == row(241)


@pytest.mark.parametrize(
    "change",
    [
        lambda records: records.remake(lambda each: each),
        lambda records: records.show([row(1)]),
        lambda records: records.expire(),
    ],
)
def test_what_is_made_otherwise_or_of_another_list_leaves_nothing_to_be_seen(
    change: Callable[[Records], None],
) -> None:
    records = Records()
    records.put(0, [row(one) for one in range(250)], 250)
    records.outdate(0, 30, 0)
    change(records)
    assert records.seen(240) is None


def test_one_answer_may_hold_several_windows() -> None:
    records = Records()
    records.put(0, [row(one) for one in range(250)], 250)
    assert records.whole
    assert [records.place_of(str(one)) for one in (0, 100, 249, 250)] == [0, 100, 249, None]


def test_a_row_that_came_twice_is_where_it_came_last() -> None:
    records = Records()
    records.put(0, [row(one) for one in range(WINDOW)], 200)
    records.put(WINDOW, [row(one) for one in range(99, 99 + WINDOW)], 200)
    assert records.place_of("99") == WINDOW


def test_marks() -> None:
    marks = Marks()
    assert not marks
    assert marks.toggle(row(1))
    assert marks.toggle(row(2))
    assert marks.toggle(row(1))
    assert marks.keys == ("2",)
    assert "2" in marks
    marks.add(row(one) for one in range(2 * MOST_MARKS))
    assert len(marks) == MOST_MARKS
    assert not marks.toggle(row(2 * MOST_MARKS))
    assert marks.keep(["2", str(2 * MOST_MARKS)]) == MOST_MARKS - 1
    assert marks.keys == ("2",)
    marks.anchor = 4
    assert [marks.in_range(place, 2) for place in range(1, 6)] == [False, True, True, True, False]
    marks.clear()
    assert len(marks) == 0
    assert not marks.in_range(4, 4)
