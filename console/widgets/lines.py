# SPDX-License-Identifier: Apache-2.0
"""Any number of rows, drawn line by line under a fixed header: only what has changed is repainted,
rows that are not known are requested by message, and the cursor stays on its object when rows move.
It knows nothing of marks and sort orders, nor of what the rows mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

from console.keys.key import MOVING
from console.keys.table import widget_bindings
from console.views.rows import Row, TableColumn
from console.widgets.painter import Painter, selected, selected_text
from console.widgets.records import WINDOW, Records
from console.widgets.tones import Tones

_SELECTED_LINES = 2000

TONES = {
    "header": "$text-muted bold",
    "cursor": "on $surface",
    "pointed": "on $primary 30%",
    "marked": "$accent",
    "bright": "bold",
    "plain": "$foreground",
    "good": "$success",
    "look": "$warning",
    "bad": "$error",
    "dim": "$text-muted",
}
IN_ANSI = {"cursor": "on $surface underline"}
"""What tones of a row add to the style of a table, and those that are others in a terminal's own
colours; the row of the cursor is pointed to while the table has the focus."""


class LineTable(ScrollView, can_focus=True):
    """Shows rows, and has a cursor."""

    DEFAULT_CSS = "LineTable { overflow-x: hidden; scrollbar-size-vertical: 1; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        *widget_bindings(MOVING),
        Binding("enter", "choose", show=False),
    ]

    @dataclass
    class Told(Message):
        """Something that the owner of a table hears of."""

        table: LineTable

        @property
        def control(self) -> LineTable:
            """The table."""
            return self.table

    @dataclass
    class RowChosen(Told):
        """A row was chosen with enter, or by a click on the row of the cursor."""

        key: str

    @dataclass
    class CursorMoved(Told):
        """The cursor is on another object; None where it is not known."""

        key: str | None

    @dataclass
    class WindowWanted(Told):
        """Rows are not known: `limit` of them from `offset` on, to be given with `put`."""

        offset: int
        limit: int

    def __init__(
        self,
        columns: Sequence[TableColumn],
        *,
        empty: str,
        id: str,
        marking: bool = False,
        header: bool = True,
        classes: str = "pane",
    ) -> None:
        """Make a table.

        Args:
            columns: What stands above the rows.
            empty: The sentence that stands for no rows.
            id: Of the widget.
            marking: Leave room for marks.
            header: Show the titles of the columns.
            classes: Style classes.
        """
        super().__init__(id=id, classes=classes)
        self.painter = Painter(tuple(columns), marking=marking)
        self._tones = Tones(self, TONES, IN_ANSI)
        self.records = Records()
        self._empty = empty
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
        self._change(lambda: self.records.show(now), now)

    def put(self, offset: int, rows: Sequence[Row], total: int) -> bool:
        """Show rows of a window of a longer list; False where another object stands under the
        cursor now than was seen there, so that nobody has seen what a key typed before is about."""
        now = tuple(rows)
        seen = self.records.seen(self._cursor) if self.cursor_key is None else None
        self._change(lambda: self.records.put(offset, now, total), now)
        return seen is None or self.cursor_key in (None, seen.key)

    def remake(self, made: Callable[[Row], Row]) -> None:
        """Show the rows that are known otherwise; each keeps its key and its place."""
        self._change(lambda: self.records.remake(made), ())

    def outdate(self) -> None:
        """Ask again for the rows on show and the one of the cursor, and for others once they are
        looked at."""
        first, last = self._in_view()
        for number in self.records.outdate(first, last, self._cursor):
            self._ask(number)

    def renew(self) -> None:
        """Begin at the first row of another list: its rows replace all others once they come."""
        self.records.expire()
        self._move(0)
        self._ask(0)

    def go_to(self, place: int) -> None:
        """Put the cursor on a row."""
        self._move(place)

    def go_to_key(self, key: str) -> bool:
        """Put the cursor on the row with a key; False where it is not known."""
        place = self.records.place_of(key)
        if place is not None:
            self._move(place)
            self._keep_in_view()
        return place is not None

    def on_resize(self, event: events.Resize) -> None:
        """Lay the columns out anew."""
        self._set_size()
        self.call_after_refresh(self._keep_in_view)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was pressed."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y < self._head:
            self.header_clicked(offset.x)
            return
        place = offset.y - self._head + self.scroll_offset.y
        if place >= self.total:
            return
        # The first click only moves the cursor, the second chooses: like moving and enter.
        if place == self._cursor:
            self.action_choose()
        else:
            self._move(place)

    def header_clicked(self, x: int) -> None:
        """Do what a click on a title means: nothing here."""

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
        """Show other columns."""
        if self.painter.shifted(direction, self.size.width):
            self.refresh()

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.RowChosen(self, key))

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the text that the mouse has selected."""
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
        place = line - self._head
        # Drawing is what asks for rows: only windows that somebody looks at are fetched.
        if 0 <= place < self.total and self.records[place] is None:
            self._want(place)
        strip = self._line(line)
        if (selection := self.text_selection) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = selected(strip, selection, line, style)
        return strip.apply_offsets(0, line)

    def notify_style_update(self) -> None:
        """Draw in the style that holds now."""
        super().notify_style_update()
        self._tones.forget()

    def is_marked(self, row: Row, place: int) -> bool:
        """Whether a row is drawn as a marked one: none is here."""
        return False

    def draw_header(self, width: int, style: Style) -> Strip:
        """Draw the titles."""
        return self.painter.header(width, style, "", descending=False)

    def _line(self, line: int) -> Strip:
        width = self.size.width
        if line < self._head:
            return self.draw_header(width, self._tones("header"))
        place = line - self._head
        # What is not known any more is better than nothing for the moment until it is again.
        row = self.records.seen(place)
        if row is None:
            text = self._empty if not self.total and place == 0 else ""
            if place < self.total:
                text = "…"
            return self.painter.note(text, width, self._tones(), self._tones("dim"))
        under = ("pointed" if self.has_focus else "cursor",) if place == self._cursor else ()
        return self.painter.row(
            row,
            width,
            lambda *names: self._tones(*under, *names),
            pointed=place == self._cursor and self.has_focus,
            marked=self.is_marked(row, place),
            bright=self._bright.get(row.key, frozenset()),
        )

    @property
    def _room(self) -> int:
        return max(1, self.size.height - self._head)

    def _in_view(self) -> tuple[int, int]:
        top = self.scroll_offset.y
        return top, top + self._room - 1

    def _ask(self, number: int) -> None:
        self.post_message(self.WindowWanted(self, number * WINDOW, WINDOW))

    def _want(self, place: int) -> None:
        first, last = self._in_view()
        for number in self.records.wanted(min(first, place), max(last, place)):
            self._ask(number)

    def _change(self, change: Callable[[], None], now: Sequence[Row]) -> None:
        """Let the rows change, and paint what is otherwise then."""
        records, place = self.records, self._cursor
        known, was = records[place] is not None, records.seen(place)
        first, last = self._in_view()
        before = {at: records.seen(at) for at in range(first, last + 1)}
        total, dimmed = records.total, set(self._bright)
        change()
        self._brighten(before, now)
        found = records.place_of(was.key) if was is not None else None
        if found is not None and not known and not records.is_near(found, place):
            # It was only seen here, and may have been known elsewhere all the time.
            found = None
        self._cursor = max(0, min(place if found is None else found, records.total - 1))
        if records.total != total:
            self._set_size()
            self.refresh()
        else:
            self._repaint(before, dimmed | set(self._bright), {place, self._cursor})
        # If the cursor was out of view, the user has scrolled away from it: the view stays there.
        if first <= place <= last:
            self._keep_in_view()
        self._tell_cursor()

    def _brighten(self, before: dict[int, Row | None], now: Sequence[Row]) -> None:
        """Note which live values are others than those that were in view."""
        old = {row.key: row for row in before.values() if row is not None}
        live = [index for index, column in enumerate(self.painter.columns) if column.live]
        self._bright = {}
        for row in now if live and old else ():
            was = old.get(row.key)
            if was is not None and was.cells != row.cells:
                self._bright[row.key] = frozenset(
                    index for index in live if was.cells[index] != row.cells[index]
                )

    def _repaint(self, before: dict[int, Row | None], bright: set[str], cursors: set[int]) -> None:
        # `cursors` is where the cursor was and where it is: one place if it has not moved.
        changed = set(cursors) if len(cursors) > 1 else set()
        for place, was in before.items():
            row = self.records.seen(place)
            if row != was or (row is not None and row.key in bright):
                changed.add(place)
        for place in sorted(changed):
            self._refresh_row(place)

    def _tell_cursor(self) -> None:
        if (key := self.cursor_key) != self._told_key:
            self._told_key = key
            self.post_message(self.CursorMoved(self, key))

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
        self._cursor_left(before)
        self._keep_in_view()
        # Drawing would ask for them too, but only with a picture without them.
        self._want(self._cursor)
        self._tell_cursor()

    def _cursor_left(self, before: int) -> None:
        self._refresh_row(before)
        self._refresh_row(self._cursor)

    def _keep_in_view(self) -> None:
        first, last = self._in_view()
        # Forced: rows that have just come are to be scrolled to before there is a scrollbar.
        if self._cursor < first:
            self.scroll_to(y=self._cursor, animate=False, force=True)
        elif self._cursor > last:
            self.scroll_to(y=self._cursor - self._room + 1, animate=False, force=True)

    def _refresh_row(self, place: int) -> None:
        self._refresh_line(place + self._head - self.scroll_offset.y)

    def _refresh_line(self, line: int) -> None:
        if 0 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))
