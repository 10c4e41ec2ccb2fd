"""A table of any number of rows, drawn line by line: only rows that changed are painted again, rows
that are not known are asked for by message, and the cursor stays on its object when rows move. It
knows nothing of what the rows mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.selection import Selection
from textual.strip import Strip

from console.key import MARKING, MOVING, SORTING
from console.keys import widget_bindings
from console.widgets.painter import Painter, selected, selected_text
from console.widgets.records import MOST_MARKS, WINDOW, Marks, Records
from console.widgets.rows import Row, TableColumn

__all__ = ["RecordTable", "Row", "TableColumn"]

_SELECTED_LINES = 2000


class RecordTable(ScrollView, can_focus=True):
    """Shows rows under a header that does not scroll."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
        "table--marked",
        "table--bright",
        "table--plain",
        "table--good",
        "table--look",
        "table--bad",
        "table--dim",
    }
    DEFAULT_CSS = """
    RecordTable {
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .table--header { color: $text-muted; text-style: bold; }
        & > .table--cursor { background: $surface; }
        & > .table--marked { color: $accent; }
        & > .table--bright { text-style: bold; }
        & > .table--plain { color: $foreground; }
        & > .table--good { color: $success; }
        & > .table--look { color: $warning; }
        & > .table--bad { color: $error; }
        & > .table--dim { color: $text-muted; }
        &:focus > .table--cursor { background: $primary 30%; }
        &:ansi > .table--cursor { text-style: underline; }
        &:ansi:focus > .table--cursor { text-style: reverse; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *widget_bindings((*MOVING, *MARKING, *SORTING)),
        Binding("enter", "choose", show=False),
    ]

    @dataclass
    class Told(Message):
        """Something that the owner of a table hears of."""

        table: RecordTable

        @property
        def control(self) -> RecordTable:
            """The table."""
            return self.table

    @dataclass
    class RowChosen(Told):
        """A row was chosen with enter, or by a click on the row of the cursor."""

        key: str

    @dataclass
    class CursorMoved(Told):
        """The cursor is on another object; None where there is none."""

        key: str | None

    @dataclass
    class WindowWanted(Told):
        """Rows are not known: `limit` of them from `offset` on, to be given with `put`."""

        offset: int
        limit: int

    @dataclass
    class SortAsked(Told):
        """Another order is wanted."""

        sort: str
        descending: bool

    @dataclass
    class MarksChanged(Told):
        """Rows were marked or unmarked; `note` says what could not be done."""

        note: str = ""

    @dataclass
    class AllWanted(Told):
        """All rows are to be marked, and not all are known: to be given with `mark_rows`."""

    @dataclass
    class Sideways(Told):
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
        super().__init__(id=id, classes=classes)
        self.painter = Painter(tuple(columns), marking=marking)
        self.records = Records()
        self.marks = Marks()
        self.sort = sort
        self.descending = descending
        self._empty = empty
        self._marking = marking
        self._tree = tree
        self._head = 1 if header else 0
        self._cursor = 0
        self._told_key: str | None = None
        self._bright: dict[str, frozenset[int]] = {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows that are known, in order."""
        return tuple(self.records.known())

    @property
    def total(self) -> int:
        """How many rows the list has."""
        return self.records.total

    @property
    def cursor(self) -> int:
        """The place of the cursor."""
        return self._cursor

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor; None where it is not known."""
        row = self.records[self._cursor]
        return None if row is None else row.key

    @property
    def chosen_keys(self) -> tuple[str, ...]:
        """What an act is about: the marked rows, else the row under the cursor."""
        self._end_range()
        if self.marks:
            return self.marks.keys
        return (self.cursor_key,) if self.cursor_key is not None else ()

    @property
    def growing_room(self) -> int:
        """The cells of the growing column now."""
        return self.painter.growing(self.size.width)

    @property
    def empty(self) -> str:
        """The sentence that stands for no rows."""
        return self._empty

    @empty.setter
    def empty(self, sentence: str) -> None:
        if sentence != self._empty:
            self._empty = sentence
            if not self.total:
                self.refresh()

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows as the whole list; repaints those that differ."""
        now = tuple(rows)
        self._change(lambda: self.records.show(now), {row.key: row for row in now})
        if self.marks and (gone := self.marks.keep(row.key for row in now)):
            self.post_message(self.MarksChanged(self, f"{gone} marked rows have left the list"))

    def put(self, offset: int, rows: Sequence[Row], total: int) -> None:
        """Show rows of a window of a longer list."""
        now = tuple(rows)
        self._change(lambda: self.records.put(offset, now, total), {row.key: row for row in now})

    def outdate(self) -> None:
        """Ask again for the rows on show, and forget all others."""
        first, last = self._in_view()
        for number in self.records.outdate(first, last):
            self.post_message(self.WindowWanted(self, number * WINDOW, WINDOW))

    def mark_rows(self, rows: Iterable[Row]) -> None:
        """Mark rows that the owner gives."""
        self.marks.add(rows)
        self.refresh()
        note = f"at most {MOST_MARKS:,} rows can be marked" if self.total > MOST_MARKS else ""
        self.post_message(self.MarksChanged(self, note.replace(",", " ")))

    def go_to(self, place: int) -> None:
        """Put the cursor on a row."""
        self._move(place)

    def go_to_key(self, key: str) -> bool:
        """Put the cursor on the row with a key; False where it is not known."""
        place = self.records.place_of(key)
        if place is not None:
            self._move(place)
        return place is not None

    def order(self, sort: str, descending: bool) -> None:
        """Say in what order the rows come from now on."""
        self.sort, self.descending = sort, descending
        self._refresh_line(0)

    def on_resize(self, event: events.Resize) -> None:
        """Lay the columns out anew."""
        self._set_size()
        self.call_after_refresh(self._keep_in_view)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was pressed; sort by a title that was."""
        if not self.content_size.contains(event.x, event.y) and event.y < 0:
            return
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._head:
            self._sort_at(offset.x)
            return
        place = offset.y - self._head + self.scroll_offset.y
        if place >= self.total:
            return
        if place == self._cursor:
            self.action_choose()
        else:
            self._move(place)

    def on_focus(self) -> None:
        """The cursor is drawn otherwise."""
        self._refresh_row(self._cursor)

    def on_blur(self) -> None:
        """The cursor is drawn otherwise."""
        self._refresh_row(self._cursor)

    def action_cursor(self, step: int) -> None:
        """Move the cursor by rows."""
        self._move(self._cursor + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by what fits on the table."""
        self._move(self._cursor + direction * max(1, self._room - 1))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or last row."""
        self._move(0 if direction < 0 else self.total - 1)

    def action_sideways(self, direction: int) -> None:
        """Fold or unfold, or show other columns."""
        if self._tree:
            if (key := self.cursor_key) is not None:
                self.post_message(self.Sideways(self, key, direction))
            return
        if self.painter.shifted(direction, self.size.width):
            self.refresh()

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.RowChosen(self, key))

    def action_mark(self) -> None:
        """Mark the row under the cursor, or end the range."""
        row = self.records[self._cursor]
        if not self._marking or row is None:
            return
        if self.marks.anchor is not None:
            self._end_range()
            return
        self.marks.toggle(row)
        self._refresh_row(self._cursor)
        self.post_message(self.MarksChanged(self))
        self._move(self._cursor + 1)

    def action_range(self) -> None:
        """Begin a range, or end it."""
        if not self._marking or not self.total:
            return
        if self.marks.anchor is None:
            self.marks.anchor = self._cursor
            self._refresh_row(self._cursor)
            self.post_message(self.MarksChanged(self))
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
            words = f"{self.total} rows are too many to mark; narrow the list with /"
            self.post_message(self.MarksChanged(self, words))
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
        self.post_message(self.MarksChanged(self))
        return True

    def drop_marks(self) -> None:
        """Take all marks away."""
        if self.marks or self.marks.anchor is not None:
            self.marks.clear()
            self.refresh()
            self.post_message(self.MarksChanged(self))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Give the text that the mouse has selected."""
        first = 0 if selection.start is None else selection.start.y
        last = self.total if selection.end is None else selection.end.y
        numbers = range(first, min(last, first + _SELECTED_LINES) + 1)
        return selected_text(selection, {each: self._line(each).text for each in numbers}), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Draw the selection."""
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the header at the top, and a row on each line below."""
        line = y if y < self._head else y + self.scroll_offset.y
        strip = self._line(line)
        if (selection := self.text_selection) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = selected(strip, selection, line, style)
        return strip.apply_offsets(0, line)

    def _line(self, line: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if line < self._head:
            style = base + self._style("header")
            return self.painter.header(width, style, self.sort, descending=self.descending)
        place = line - self._head
        row = self.records[place]
        if row is None:
            text = self._empty if not self.total and place == 0 else ""
            if place < self.total:
                self._want(place)
                text = "…"
            return self.painter.note(text, width, base, self._style("dim"))
        if place == self._cursor:
            base += self._style("cursor")
        return self.painter.row(
            row,
            width,
            base,
            self._style,
            pointed=place == self._cursor and self.has_focus,
            marked=row.key in self.marks or self.marks.in_range(place, self._cursor),
            bright=self._bright.get(row.key, frozenset()),
        )

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"table--{name}", partial=True)

    @property
    def _room(self) -> int:
        return max(1, self.size.height - self._head)

    def _in_view(self) -> tuple[int, int]:
        top = self.scroll_offset.y
        return top, top + self._room - 1

    def _want(self, place: int) -> None:
        first, last = self._in_view()
        for number in self.records.wanted(min(first, place), max(last, place)):
            self.post_message(self.WindowWanted(self, number * WINDOW, WINDOW))

    def _change(self, change: object, now: dict[str, Row]) -> None:
        assert callable(change)
        records, key, place = self.records, self.cursor_key, self._cursor
        before = {at: records[at] for at in self._places_in_view()}
        total, dimmed = records.total, set(self._bright)
        old = {row.key: row for row in before.values() if row is not None}
        change()
        self._bright = {}
        for name, row in now.items():
            was = old.get(name)
            if was is not None and was.cells != row.cells:
                self._bright[name] = frozenset(
                    index
                    for index, column in enumerate(self.painter.columns)
                    if column.live and was.cells[index] != row.cells[index]
                )
        found = records.place_of(key) if key is not None else None
        self._cursor = max(0, min(place if found is None else found, records.total - 1))
        if records.total != total:
            self._set_size()
            self.refresh()
            self._keep_in_view()
        else:
            self._repaint(before, dimmed | set(self._bright), {place, self._cursor})
        self._tell_cursor()

    def _repaint(self, before: dict[int, Row | None], bright: set[str], cursors: set[int]) -> None:
        if len(cursors) > 1:
            for place in cursors:
                self._refresh_row(place)
        for place, was in before.items():
            row = self.records[place]
            if row != was or (row is not None and row.key in bright):
                self._refresh_row(place)

    def _places_in_view(self) -> range:
        first, last = self._in_view()
        return range(first, last + 1)

    def _tell_cursor(self) -> None:
        if (key := self.cursor_key) != self._told_key:
            self._told_key = key
            self.post_message(self.CursorMoved(self, key))

    def _end_range(self) -> None:
        if self.marks.anchor is None:
            return
        first, last = sorted((self.marks.anchor, self._cursor))
        found = [self.records[place] for place in range(first, last + 1)]
        self.marks.anchor = None
        self.marks.add(row for row in found if row is not None)
        self.refresh()
        note = "rows that were never shown are not marked" if None in found else ""
        self.post_message(self.MarksChanged(self, note))

    def _sort_at(self, x: int) -> None:
        column = self.painter.column_at(x, self.size.width)
        if column is not None and column.sort:
            down = not self.descending if column.sort == self.sort else column.falling
            self.post_message(self.SortAsked(self, column.sort, down))

    def _set_size(self) -> None:
        size = Size(self.size.width, self.total + self._head)
        if self.virtual_size != size:
            self.virtual_size = size

    def _move(self, place: int) -> None:
        if not self.total:
            return
        before, self._cursor = self._cursor, max(0, min(place, self.total - 1))
        if before == self._cursor:
            return
        if self.marks.anchor is None:
            self._refresh_row(before)
            self._refresh_row(self._cursor)
        else:
            self.refresh()
        self._keep_in_view()
        self._tell_cursor()

    def _keep_in_view(self) -> None:
        first, last = self._in_view()
        if self._cursor < first:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor > last:
            self.scroll_to(y=self._cursor - self._room + 1, animate=False)

    def _refresh_row(self, place: int) -> None:
        self._refresh_line(place + self._head - self.scroll_offset.y)

    def _refresh_line(self, line: int) -> None:
        if 0 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))
