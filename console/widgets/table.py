# SPDX-License-Identifier: Apache-2.0
"""A table of records: rows that can be marked and sorted, and that may be branches of a tree. How
rows are kept and drawn is in `console.widgets.lines`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual.binding import BindingType
from textual.strip import Strip

from console.keys.key import MARKING, SORTING
from console.keys.table import widget_bindings
from console.views import figures
from console.views.rows import Row, TableColumn
from console.widgets.lines import LineTable
from console.widgets.records import MOST_MARKS, Marks

__all__ = ["RecordTable", "Row", "TableColumn"]

_AT_MOST = f"at most {figures.grouped(MOST_MARKS)} rows can be marked"


class RecordTable(LineTable):
    """Shows rows that something can be done with."""

    BINDINGS: ClassVar[list[BindingType]] = [*widget_bindings((*MARKING, *SORTING))]

    @dataclass
    class SortAsked(LineTable.Told):
        """Another order is wanted."""

        sort: str
        descending: bool

    @dataclass
    class MarksChanged(LineTable.Told):
        """Rows were marked or unmarked; `note` says what could not be done."""

        note: str = ""

    @dataclass
    class AllWanted(LineTable.Told):
        """All rows are to be marked, and not all are known: to be given with `mark_rows`."""

    @dataclass
    class Sideways(LineTable.Told):
        """Left (-1) or right (1) was pressed on a row of a tree."""

        key: str
        direction: int

    def __init__(
        self,
        columns: Sequence[TableColumn],
        *,
        empty: str,
        id: str,
        marking: bool = False,
        tree: bool = False,
        header: bool = True,
        sort: str = "",
        descending: bool = False,
        classes: str = "pane",
    ) -> None:
        """Make a table.

        Args:
            columns: What stands above the rows.
            empty: The sentence that stands for no rows.
            id: Of the widget.
            marking: Rows can be marked.
            tree: Left and right fold branches instead of showing other columns.
            header: Show the titles of the columns.
            sort: The order in which rows come, by `TableColumn.sort`.
            descending: Whether it is downwards.
            classes: Style classes.
        """
        super().__init__(
            columns, empty=empty, id=id, marking=marking, header=header, classes=classes
        )
        self.marks = Marks()
        self.sort = sort
        self.descending = descending
        self._marking = marking
        self._tree = tree

    @property
    def chosen_keys(self) -> tuple[str, ...]:
        """What an act is about: the marked rows and the range, else the row under the cursor."""
        in_range = (row.key for row in self._range() if row is not None)
        keys = tuple(dict.fromkeys((*self.marks.keys, *in_range)))
        if keys:
            return keys[:MOST_MARKS]
        return (self.cursor_key,) if self.cursor_key is not None else ()

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows as the whole list; marks of rows that are gone go."""
        super().show(rows)
        if self.marks and (gone := self.marks.keep(row.key for row in rows)):
            words = figures.plural(gone, "marked row")
            have = "has" if gone == 1 else "have"
            self.post_message(self.MarksChanged(self, f"{words} {have} left the list"))

    def mark_rows(self, rows: Iterable[Row]) -> None:
        """Mark rows that the owner gives."""
        self.marks.add(rows)
        self.refresh()
        self._tell_marks(_AT_MOST if self.total > MOST_MARKS else "")

    def order(self, sort: str, descending: bool) -> None:
        """Say in what order the rows come from now on; those that are known are of another."""
        self.sort, self.descending = sort, descending
        # Between the same two rows there would be others.
        self.drop_range()
        self.records.expire()
        if self._head:
            self._refresh_line(0)

    def renew(self) -> None:
        """Begin at the first row of another list; a range of this one is dropped."""
        self.drop_range()
        super().renew()

    def header_clicked(self, x: int) -> None:
        """Sort by the title that was clicked; the other way round by the one that is sorted by."""
        column = self.painter.column_at(x, self.size.width)
        if column is not None and column.sort:
            down = not self.descending if column.sort == self.sort else column.falling
            self.post_message(self.SortAsked(self, column.sort, down))

    def is_marked(self, row: Row, place: int) -> bool:
        """Whether a row is marked, or lies in the range that is being marked."""
        return row.key in self.marks or self.marks.in_range(place, self._cursor)

    def draw_header(self, width: int, style: Style) -> Strip:
        """Draw the titles, the one that is sorted by with an arrow."""
        return self.painter.header(width, style, self.sort, descending=self.descending)

    def action_sideways(self, direction: int) -> None:
        """Fold or unfold, or show other columns."""
        if not self._tree:
            super().action_sideways(direction)
        elif (key := self.cursor_key) is not None:
            self.post_message(self.Sideways(self, key, direction))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or end the range."""
        row = self.records[self._cursor]
        if not self._marking or row is None:
            return
        if self.marks.anchor is not None:
            self._end_range()
            return
        done = self.marks.toggle(row)
        self._refresh_row(self._cursor)
        self._tell_marks("" if done else _AT_MOST)
        self._move(self._cursor + 1)

    def action_range(self) -> None:
        """Begin a range, or end it."""
        if not self._marking or not self.total:
            return
        if self.marks.anchor is None:
            self.marks.anchor = self._cursor
            self._refresh_row(self._cursor)
            self._tell_marks()
        else:
            self._end_range()

    def action_mark_all(self) -> None:
        """Mark all rows of the list."""
        if not self._marking or not self.total:
            return
        self.marks.anchor = None
        if self.records.whole:
            self.mark_rows(self.records.known())
        elif self.total > MOST_MARKS:
            many = figures.grouped(self.total)
            self._tell_marks(f"{many} rows are too many to mark; narrow the list with /")
        else:
            self.post_message(self.AllWanted(self))

    def action_unmark(self) -> None:
        """Take all marks away."""
        self.drop_marks()

    def action_sort(self) -> None:
        """Sort by the next column."""
        sorts = [column for column in self.painter.columns if column.sort]
        if not sorts:
            return
        now = next((n for n, column in enumerate(sorts) if column.sort == self.sort), -1)
        column = sorts[(now + 1) % len(sorts)]
        self.post_message(self.SortAsked(self, column.sort, column.falling))

    def action_reverse(self) -> None:
        """Sort the other way round."""
        if self.sort:
            self.post_message(self.SortAsked(self, self.sort, not self.descending))

    def drop_range(self) -> bool:
        """Forget the range that is being marked; False when there is none."""
        if self.marks.anchor is None:
            return False
        self.marks.anchor = None
        self.refresh()
        self._tell_marks()
        return True

    def drop_marks(self) -> None:
        """Take all marks away."""
        if self.marks or self.marks.anchor is not None:
            self.marks.clear()
            self.refresh()
            self._tell_marks()

    def _change(self, change: Callable[[], None], now: Sequence[Row]) -> None:
        """Let the rows change; a range stays on the object that it was begun on."""
        anchor = self.marks.anchor
        begun = None if anchor is None else self.records[anchor]
        super()._change(change, now)
        if begun is None:
            return
        place = self.records.place_of(begun.key)
        if place is None:
            self.drop_range()
        elif place != anchor:
            self.marks.anchor = place
            self.refresh()

    def _tell_marks(self, note: str = "") -> None:
        self.post_message(self.MarksChanged(self, note))

    def _range(self) -> list[Row | None]:
        """Return the rows of the range that is being marked, None for those that are not known."""
        if self.marks.anchor is None or not self.total:
            return []
        first, last = sorted((self.marks.anchor, self._cursor))
        return [self.records[place] for place in range(first, last + 1)]

    def _end_range(self) -> None:
        found = self._range()
        self.marks.anchor = None
        self.marks.add(row for row in found if row is not None)
        self.refresh()
        self._tell_marks("rows that were never shown are not marked" if None in found else "")

    def _cursor_left(self, before: int) -> None:
        if self.marks.anchor is None:
            super()._cursor_left(before)
        else:
            self.refresh()
