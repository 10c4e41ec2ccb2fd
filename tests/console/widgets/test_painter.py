# SPDX-License-Identifier: Apache-2.0
"""How one line of a table is drawn."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Offset
from textual.selection import Selection
from textual.strip import Strip

from console.views.glyphs import MARK, POINTER
from console.views.rows import Row, TableColumn
from console.widgets.painter import Painter, selected, selected_text
from tests.console.piloting import HOSTILE

COLUMNS = (
    TableColumn(title="State", width=6, sort="state"),
    TableColumn(title="Name", width=8, grows=True),
    TableColumn(title="Count", width=6, right=True, priority=1, sort="count"),
)
CHOSEN = Style(reverse=True)


def named(*names: str) -> Style:
    """Return a style that tells by its meta how it came about."""
    return Style(meta={"names": names})


def draw(painter: Painter, row: Row, width: int, **options: bool) -> Strip:
    options = {"pointed": False, "marked": False, **options}
    return painter.row(row, width, named, bright=frozenset(), **options)


@given(st.lists(st.text(), min_size=3, max_size=3), st.integers(0, 120), st.booleans())
def test_a_row_has_exactly_its_width(cells: list[str], width: int, marking: bool) -> None:
    strip = draw(Painter(COLUMNS, marking=marking), Row(key="1", cells=tuple(cells)), width)
    assert cell_len(strip.text) == strip.cell_length == width
    assert len(strip.text.splitlines()) <= 1


@pytest.mark.parametrize("text", [HOSTILE, "山田太郎" * 9, "e\u0301" * 99, "[b]x[/b]", "\t\x1b[2J"])
def test_hostile_cells_stay_in_their_column(text: str) -> None:
    painter = Painter(COLUMNS, marking=True)
    strip = draw(painter, Row(key="1", cells=(text, text, "12")), 40)
    assert strip.text.endswith("    12 ")
    assert not set("\x1b\x9b\u202e\ud800\n\t") & set(strip.text)


def test_pointer_and_mark_have_their_own_cells() -> None:
    painter = Painter(COLUMNS, marking=True)
    row = Row(key="1", cells=("ok", "name", "12"))
    plain = draw(painter, row, 40).text
    assert draw(painter, row, 40, pointed=True).text == POINTER + plain[1:]
    assert draw(painter, row, 40, marked=True).text == plain[:2] + MARK + plain[3:]
    assert Painter(COLUMNS, marking=False).gutter == painter.gutter - 2


def test_tones_are_those_of_the_row() -> None:
    painter = Painter(COLUMNS, marking=False)
    row = Row(key="1", cells=("ok", "name", "12"), tone="bad", tones=((1, "look"),))
    strip = painter.row(row, 40, named, pointed=False, marked=True, bright=frozenset({1, 2}))
    names = [segment.style.meta["names"] for segment in strip if segment.style is not None]
    assert names == [("marked",), ("bad",), ("look", "bright"), ("bright",)]


def test_the_title_that_is_sorted_by_has_an_arrow() -> None:
    painter = Painter(COLUMNS, marking=False)
    assert painter.header(40, Style(), "count", descending=True).text.split()[2] == "Count↓"
    assert painter.header(40, Style(), "state", descending=False).text.split()[0] == "State↑"
    assert "↑" not in painter.header(40, Style(), "", descending=False).text


def test_a_cell_of_the_header_belongs_to_a_column() -> None:
    painter = Painter(COLUMNS, marking=True)
    found = [painter.column_at(x, 40) for x in (0, 3, 4, 10, 11, 39, 40, 99)]
    titles = [column.title if column else None for column in found]
    assert titles == [None, None, "State", "State", "Name", "Count", None, None]


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        (Selection(Offset(0, 0), Offset(2, 0)), "山田"),
        (Selection(Offset(2, 0), Offset(3, 0)), "^"),
        (Selection(Offset(3, 0), None), "太郎 x"),
        (Selection(None, None), "山田^太郎 x"),
        (Selection(Offset(0, 5), Offset(2, 6)), ""),
        (None, ""),
    ],
)
def test_a_selection_counts_characters_where_a_line_counts_cells(
    selection: Selection | None, chosen: str
) -> None:
    strip = Strip([Segment("山田^太郎 x", Style(bgcolor="blue"))])
    drawn = selected(strip, selection, 0, CHOSEN)
    assert drawn.text == strip.text
    assert "".join(s.text for s in drawn if s.style is not None and s.style.reverse) == chosen
    if selection is not None and chosen:
        assert selected_text(selection, {0: strip.text}) == chosen


def test_a_selection_over_lines_has_no_blanks_at_their_ends() -> None:
    lines = {0: "one      ", 1: "two      ", 2: "three    "}
    assert selected_text(Selection(Offset(1, 0), Offset(2, 2)), lines) == "ne\ntwo\nth"
