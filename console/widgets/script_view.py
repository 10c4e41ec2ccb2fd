# SPDX-License-Identifier: Apache-2.0
"""A script, or what differs between two of its versions, to be read: coloured as in the editor.
Only the lines in view are drawn, however long it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.keys.key import MOVING
from console.keys.table import widget_bindings
from console.plain import plain_text
from console.views import glyphs, script_lines
from console.views.script_diff import DiffLine
from console.views.script_lines import ScriptLines
from console.widgets.script_editor import COLOURS, COMPONENTS

TAB = 4
"""Cells of a tab, as in the editor."""

_SIGNS = {"+": "script--added", "-": "script--removed"}


class ScriptView(ScrollView, can_focus=True):
    """Shows lines with their signs and numbers."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *COMPONENTS,
        *("script--added", "script--removed", "script--margin", "script--here"),
    }
    DEFAULT_CSS = f"""
    ScriptView {{
        scrollbar-size-vertical: 1;
        overflow-x: hidden;
        {COLOURS}
        & .script--added {{ color: $success; }}
        & .script--removed {{ color: $error; }}
        & .script--margin {{ text-style: dim; }}
        & .script--here {{ background: $primary 30%; }}
    }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *widget_bindings(one for one in MOVING if "sideways" not in one.action)
    ]

    def __init__(self, *, id: str) -> None:
        """Show nothing yet."""
        super().__init__(id=id, classes="pane")
        self._lines: tuple[DiffLine, ...] = ()
        self._pieces = ScriptLines()
        self._here = -1
        self._empty = ""

    def show(self, lines: Sequence[DiffLine], *, language: int, empty: str = "") -> None:
        """Show these lines; `empty` stands for none."""
        self._lines, self._empty = tuple(lines), empty
        self._pieces.language = language
        self._pieces.edited()
        self.virtual_size = Size(self.size.width, max(1, len(self._lines)))
        self.refresh()

    def point(self, place: int) -> None:
        """Show a line as the one that is meant, in view."""
        self._here = place
        top, room = self.scroll_offset.y, max(1, self.size.height)
        if not top <= place < top + room:
            self.scroll_to(y=max(0, place - room // 2), animate=False, force=True)
        self.refresh()

    @property
    def here(self) -> int:
        """The line that is meant; -1 for none."""
        return self._here

    def action_cursor(self, step: int) -> None:
        """Scroll by lines."""
        self.scroll_relative(y=step, animate=False)

    def action_page(self, direction: int) -> None:
        """Scroll by pages."""
        self.scroll_relative(y=direction * max(1, self.size.height - 1), animate=False)

    def action_edge(self, direction: int) -> None:
        """Scroll to one end."""
        self.scroll_to(y=0 if direction < 0 else len(self._lines), animate=False)

    def on_resize(self) -> None:
        """Draw in the width that holds now."""
        self.virtual_size = Size(self.size.width, max(1, len(self._lines)))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        at, width = y + self.scroll_offset.y, self.size.width
        base = self.rich_style
        if at >= len(self._lines):
            words = self._empty if not self._lines and at == 0 else ""
            shown = plain_text(words, width)
            return Strip([Segment(shown, base)]).adjust_cell_length(width, base)
        one = self._lines[at]
        style = base + self._tone("script--here") if at == self._here else base
        number = str(one.number) if one.number else ""
        text = Text(end="", no_wrap=True)
        sign = self._tone(_SIGNS[one.sign]) if one.sign in _SIGNS else self._tone("script--margin")
        text.append(glyphs.drawn(f"{one.sign} "), sign)
        text.append(f"{number:>5}  ", self._tone("script--margin"))
        text.append(self._coloured(at, one))
        text.truncate(width, overflow="ellipsis")
        segments = [
            Segment(part.text, style + part.style if part.style else style)
            for part in text.render(self.app.console)
        ]
        return Strip(segments).adjust_cell_length(width, style)

    def _coloured(self, at: int, one: DiffLine) -> Text:
        shown = one.text.expandtabs(TAB)
        line = Text(end="", no_wrap=True)
        line.append(plain_text(shown))
        if one.sign == "…":
            return line
        # Lines of both texts stand together here: each is split as it starts by itself.
        for piece in self._pieces.of([shown], 0):
            if (tone := script_lines.TONES.get(piece.kind)) is not None:
                line.stylize(self._tone(tone), piece.start, piece.end)
        if (whole := _SIGNS.get(one.sign)) is not None:
            line.stylize_before(self._tone(whole))
        return line

    def _tone(self, name: str) -> Style:
        return self.get_component_rich_style(name, partial=True)
