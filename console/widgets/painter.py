# SPDX-License-Identifier: Apache-2.0
"""How one line of a table is drawn: text from data made plain and cut to its column, tones, the
gutter with cursor and mark, and the mouse selection. It knows no row but the one that it is
given."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from console.views import glyphs
from console.views.rows import GAP, GUTTER, MARK_GUTTER, Row, TableColumn, layout
from console.views.text import plain_text


class Painter:
    """Draws lines for one set of columns."""

    def __init__(self, columns: tuple[TableColumn, ...], *, marking: bool) -> None:
        """Draw these columns; `marking` leaves room for marks."""
        self.columns = columns
        self.marking = marking
        self.gutter = GUTTER + (MARK_GUTTER if marking else 0)
        self.shift = 0
        """Columns after the first that are left out, so that others come in."""

    def shifted(self, direction: int, width: int) -> bool:
        """Show columns further left or right; False where there are none."""
        shown = len(layout(self.columns, width - self.gutter, self.shift))
        if direction > 0 and shown >= len(self.columns) - self.shift:
            return False
        shift = max(0, min(self.shift + direction, len(self.columns) - 2))
        moved = shift != self.shift
        self.shift = shift
        return moved

    def column_at(self, x: int, width: int) -> TableColumn | None:
        """Return the column at a cell of the header."""
        begin = self.gutter
        for index, room in layout(self.columns, width - self.gutter, self.shift):
            if begin <= x < begin + room + GAP:
                return self.columns[index]
            begin += room + GAP
        return None

    def growing(self, width: int) -> int:
        """Return the cells of the growing column."""
        for index, room in layout(self.columns, width - self.gutter, self.shift):
            if self.columns[index].grows:
                return room
        return 0

    def header(self, width: int, style: Style, sort: str, *, descending: bool) -> Strip:
        """Draw the titles, the sorted one with an arrow."""
        arrow = "↓" if descending else "↑"
        titles = tuple(
            column.title + (arrow if column.sort and column.sort == sort else "")
            for column in self.columns
        )
        return self._strip(" " * self.gutter, style, titles, style, {}, width)

    def row(
        self,
        row: Row,
        width: int,
        style: Callable[..., Style],
        *,
        pointed: bool,
        marked: bool,
        bright: frozenset[int],
    ) -> Strip:
        """Draw a row; `style` gives the style of none or several tones by their names."""
        names = {0: [row.tone]} | {index: [tone] for index, tone in row.tones}
        for index in bright:
            names.setdefault(index, []).append("bright")
        tones = {index: style(*each) for index, each in names.items()}
        gutter = f"{glyphs.POINTER if pointed else ' '} "
        if self.marking:
            gutter += f"{glyphs.MARK if marked else ' '} "
        beside = style("marked") if marked else style()
        return self._strip(gutter, beside, row.cells, style(), tones, width)

    def note(self, text: str, width: int, base: Style, style: Style) -> Strip:
        """Draw a sentence of ours instead of a row."""
        text = f"{' ' * self.gutter}{glyphs.drawn(text)}"
        return Strip([Segment(text, style)]).adjust_cell_length(width, base)

    def _strip(
        self,
        gutter: str,
        beside: Style,
        cells: tuple[str, ...],
        base: Style,
        tones: Mapping[int, Style],
        width: int,
    ) -> Strip:
        segments = [Segment(glyphs.drawn(gutter), beside)]
        for index, room in layout(self.columns, width - self.gutter, self.shift):
            text = glyphs.drawn(plain_text(cells[index], room))
            space = " " * (room - cell_len(text))
            text = space + text if self.columns[index].right else text + space
            segments.append(Segment(text + " " * GAP, tones.get(index, base)))
        return Strip(segments).adjust_cell_length(width, base)


def selected(strip: Strip, selection: Selection | None, line: int, style: Style) -> Strip:
    """Draw what of a line the mouse has selected."""
    span = None if selection is None else selection.get_span(line)
    if span is None:
        return strip
    # Textual counts characters, but strips are divided by cells.
    text, width = strip.text, strip.cell_length
    begin = cell_len(text[: span[0]])
    end = width if span[1] < 0 else cell_len(text[: span[1]])
    before, chosen, after = strip.divide([min(begin, end), end, width])
    # Above the style of the text, not below it.
    over = Strip(Segment.apply_style(chosen, post_style=style), chosen.cell_length)
    return Strip.join([before, over, after])


def selected_text(selection: Selection, lines: Mapping[int, str]) -> str:
    """Return the selected part of lines, by their numbers."""
    cut = []
    for number, text in lines.items():
        begin, end = selection.get_span(number) or (0, 0)
        cut.append((text[begin:] if end < 0 else text[begin:end]).rstrip())
    return "\n".join(cut)
