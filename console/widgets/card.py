# SPDX-License-Identifier: Apache-2.0
"""A card beside a list: names and values of the object under the cursor, wrapped to the width of
the card. A long one scrolls."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from console.plain import plain, plain_text
from console.views import glyphs
from console.views.text import wrapped

NAME = 10
"""Cells of the names."""

LONGEST = 600
"""Characters of one value that are shown: more is read in the object's own screen."""


class Card(VerticalScroll, can_focus=True):
    """Shows names and values."""

    DEFAULT_CSS = """
    Card {
        scrollbar-size-vertical: 1;
        & > #card-text { height: auto; padding: 0 1; }
    }
    """

    def __init__(self, *, id: str, names: int = NAME) -> None:
        """Make an empty card; `names` are the cells of the names."""
        super().__init__(id=id, classes="pane")
        self._names = names
        self._title = ""
        self._lines: tuple[tuple[str, str], ...] = ()

    def compose(self) -> ComposeResult:
        """Hold one text."""
        yield Static(plain(""), id="card-text")

    def show(self, title: str, lines: Sequence[tuple[str, str]]) -> None:
        """Show lines as (name, value); one without a name goes over the width."""
        now = tuple(lines)
        if (title, now) == (self._title, self._lines):
            return
        self._title, self._lines = title, now
        self.border_title = plain(title, 40)
        self._draw()

    def on_resize(self) -> None:
        """Wrap anew."""
        self._draw()

    def _draw(self) -> None:
        if not self.size:
            # Textual would keep the height of what was wrapped to no width.
            return
        width = max(20, self.size.width - 3)
        text = Content("\n").join(
            line
            for name, value in self._lines
            for line in card_lines(name, value, width, self._names)
        )
        self.query_one("#card-text", Static).update(text)


def card_lines(name: str, value: str, width: int, names: int = NAME) -> list[Content]:
    """Wrap one value beside its name."""
    shown = glyphs.drawn(plain_text(value[:LONGEST]))
    room = width - names if name else width
    pieces = wrapped(shown, max(10, room))
    if not name:
        return [plain(piece) for piece in pieces]
    first = Content.assemble((f"{plain_text(name):<{names}}", "$text-muted"), pieces[0])
    return [first, *(plain(" " * names + piece) for piece in pieces[1:])]
