"""A table for live rows, drawn line by line: only rows that changed are painted again, and the
cursor stays on its object when rows move. It knows nothing of what the rows mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.text import plain_text

GAP = 1
POINTER = "▸"


@dataclass(frozen=True, kw_only=True, slots=True)
class TableColumn:
    """One column: its width in cells, and how gladly it goes when the table is narrow."""

    title: str
    width: int
    right: bool = False
    grows: bool = False
    """Takes what the others leave."""
    priority: int = 0
    """The column with the highest number goes first; 0 always stays."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: texts as they came from the data, and the tone of the first."""

    key: str
    cells: tuple[str, ...]
    tone: str = "plain"
    """`plain`, `good`, `look`, `bad` or `dim`."""


class RecordTable(ScrollView, can_focus=True):
    """Shows rows under a header that does not scroll."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "table--header",
        "table--cursor",
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
        & > .table--plain { color: $foreground; }
        & > .table--good { color: $success; }
        & > .table--look { color: $warning; }
        & > .table--bad { color: $error; }
        & > .table--dim { color: $text-muted; }
        &:focus > .table--cursor { background: $primary 30%; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor(1)", show=False),
        Binding("up,k", "cursor(-1)", show=False),
        Binding("pagedown,ctrl+d", "page(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("home,g", "edge(-1)", show=False),
        Binding("end,G", "edge(1)", show=False),
        Binding("enter", "choose", show=False),
    ]

    @dataclass
    class RowChosen(Message):
        """A row was chosen with enter."""

        table: RecordTable
        key: str

        @property
        def control(self) -> RecordTable:
            """The table of the row."""
            return self.table

    def __init__(self, columns: Sequence[TableColumn], *, empty: str, id: str) -> None:
        """Make a table; `empty` is the sentence that stands for no rows."""
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty
        self._rows: tuple[Row, ...] = ()
        self._cursor = 0

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows on show."""
        return self._rows

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._rows[self._cursor].key if self._rows else None

    def show(self, rows: Sequence[Row]) -> None:
        """Show rows instead of those on show; repaints those that differ."""
        before, now = self._rows, tuple(rows)
        key, line = self.cursor_key, self._cursor
        self._rows = now
        places = {row.key: place for place, row in enumerate(now)}
        self._cursor = places.get(key or "", min(line, max(0, len(now) - 1)))
        if len(before) != len(now):
            self.virtual_size = Size(self.size.width, len(now) + 1)
            self.refresh()
            return
        changed = {place for place, row in enumerate(now) if row != before[place]}
        if self._cursor != line:
            changed |= {line, self._cursor}
        for place in changed:
            self._refresh_row(place)

    def on_resize(self, event: events.Resize) -> None:
        """Lay the columns out anew."""
        self.virtual_size = Size(event.size.width, len(self._rows) + 1)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor where the mouse was pressed."""
        place = event.y - 1 + self.scroll_offset.y
        if event.y > 0 and place < len(self._rows):
            self._move(place)

    def action_cursor(self, step: int) -> None:
        """Move the cursor by rows."""
        self._move(self._cursor + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by what fits on the table."""
        self._move(self._cursor + direction * max(1, self.size.height - 2))

    def action_edge(self, direction: int) -> None:
        """Move the cursor to the first or last row."""
        self._move(0 if direction < 0 else len(self._rows) - 1)

    def action_choose(self) -> None:
        """Choose the row under the cursor."""
        if (key := self.cursor_key) is not None:
            self.post_message(self.RowChosen(self, key))

    def render_line(self, y: int) -> Strip:
        """Draw the header at the top, and a row on each line below."""
        width = self.size.width
        layout = _layout(self._columns, width)
        if y == 0:
            titles = tuple(column.title for column in self._columns)
            style = self.get_component_rich_style("table--header", partial=True)
            return self._strip("  ", titles, layout, self.rich_style + style, style, width)
        place = y - 1 + self.scroll_offset.y
        base = self.rich_style
        if place >= len(self._rows):
            text = f"  {self._empty}" if not self._rows and y == 1 else ""
            dim = self.get_component_rich_style("table--dim", partial=True)
            return Strip([Segment(text, base + dim)]).adjust_cell_length(width, base)
        row = self._rows[place]
        mark = "  "
        if place == self._cursor:
            base += self.get_component_rich_style("table--cursor", partial=True)
            mark = f"{POINTER} " if self.has_focus else mark
        tone = self.get_component_rich_style(f"table--{row.tone}", partial=True)
        return self._strip(mark, row.cells, layout, base, tone, width)

    def _strip(
        self,
        mark: str,
        cells: tuple[str, ...],
        layout: tuple[tuple[int, int], ...],
        base: Style,
        tone: Style,
        width: int,
    ) -> Strip:
        segments = [Segment(mark, base)]
        for place, (index, room) in enumerate(layout):
            text = plain_text(cells[index], room)
            space = " " * (room - cell_len(text))
            text = space + text if self._columns[index].right else text + space
            segments.append(Segment(text + " " * GAP, base + tone if place == 0 else base))
        return Strip(segments).adjust_cell_length(width, base)

    def _move(self, place: int) -> None:
        if not self._rows:
            return
        before, self._cursor = self._cursor, max(0, min(place, len(self._rows) - 1))
        if before == self._cursor:
            return
        self._refresh_row(before)
        self._refresh_row(self._cursor)
        top, room = self.scroll_offset.y, max(1, self.size.height - 1)
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False)
        elif self._cursor >= top + room:
            self.scroll_to(y=self._cursor - room + 1, animate=False)

    def _refresh_row(self, place: int) -> None:
        line = place - self.scroll_offset.y + 1
        if 0 < line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))


def _layout(columns: tuple[TableColumn, ...], width: int) -> tuple[tuple[int, int], ...]:
    """Give (index, width) of the columns that fit; the growing one takes what is left."""
    kept = list(range(len(columns)))
    room = width - 2
    while kept and sum(columns[index].width + GAP for index in kept) > room:
        last = max(kept, key=lambda index: (columns[index].priority, index))
        if columns[last].priority == 0:
            break
        kept.remove(last)
    spare = max(0, room - sum(columns[index].width + GAP for index in kept))
    growing = next((index for index in kept if columns[index].grows), None)
    return tuple(
        (index, columns[index].width + (spare if index == growing else 0)) for index in kept
    )
