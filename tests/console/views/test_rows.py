# SPDX-License-Identifier: Apache-2.0
"""How columns are laid out in a width, whatever columns and width there are."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.views.rows import GAP, TableColumn, layout

COLUMN = st.builds(
    TableColumn,
    title=st.just("x"),
    width=st.integers(1, 40),
    grows=st.booleans(),
    priority=st.integers(0, 5),
)
COLUMNS = st.lists(COLUMN, min_size=1, max_size=12).map(tuple)
NEVER_FIT = 0
"""The priority of columns that always stay."""


@given(COLUMNS, st.integers(-5, 300))
def test_columns_that_may_go_never_exceed_the_width(
    columns: tuple[TableColumn, ...], width: int
) -> None:
    shown = layout(columns, width)
    must = [each for each in columns[1:] if each.priority == NEVER_FIT]
    needed = sum(each.width + GAP for each in (columns[0], *must))
    assert sum(room + GAP for _, room in shown) <= max(width, needed)


@given(COLUMNS, st.integers(-5, 300), st.integers(0, 12))
def test_columns_keep_their_order_and_their_width(
    columns: tuple[TableColumn, ...], width: int, shift: int
) -> None:
    shown = layout(columns, width, shift)
    places = [index for index, _ in shown]
    assert places[0] == 0
    assert places == sorted(set(places))
    assert not set(range(1, shift + 1)) & set(places)
    assert all(room >= columns[index].width for index, room in shown)
    assert sum(room > columns[index].width for index, room in shown) <= 1


@given(COLUMNS, st.integers(1, 300))
def test_what_is_left_goes_to_the_column_that_grows(
    columns: tuple[TableColumn, ...], width: int
) -> None:
    shown = layout(columns, width)
    needed = sum(columns[index].width + GAP for index, _ in shown)
    if needed <= width and any(columns[index].grows for index, _ in shown):
        assert sum(room + GAP for _, room in shown) == width


@given(COLUMNS, st.integers(1, 300))
def test_the_highest_number_goes_first(columns: tuple[TableColumn, ...], width: int) -> None:
    kept = {index for index, _ in layout(columns, width)}
    gone = set(range(len(columns))) - kept
    for one in gone:
        assert columns[one].priority > 0
        assert all(
            (columns[other].priority, other) < (columns[one].priority, one) for other in kept - {0}
        )


@given(COLUMNS, st.integers(1, 12))
def test_whoever_shifts_sees_the_next_column(columns: tuple[TableColumn, ...], shift: int) -> None:
    width = columns[0].width + GAP + 40 + GAP
    shown = [index for index, _ in layout(columns, width, shift)]
    if shift + 1 < len(columns):
        assert shift + 1 in shown
