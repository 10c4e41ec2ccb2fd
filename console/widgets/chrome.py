# SPDX-License-Identifier: Apache-2.0
"""The lines that every screen has: title, modes, the strip that says the engine is lost, status and
keys. Each is one line that is repainted only when its text changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from console.plain import plain, plain_text
from console.views import glyphs
from console.views.rows import Piece
from console.widgets.tones import Tones

TONES = {
    "plain": "",
    "strong": "bold",
    "muted": "$text-muted",
    "accent": "$accent",
    "look": "$warning",
    "bad": "$error",
    "good": "$success",
    "chosen": "$background on $accent bold",
    "off": "$text-disabled",
}
IN_ANSI = {"chosen": "$background on $accent", "muted": "$text-muted dim"}
"""What tones of a line add to its style, and those that are others in a terminal's own colours."""


def entitle(pane: Widget, title: str | None = None, subtitle: str | None = None) -> None:
    """Write on the border of a pane, where that is otherwise than now.

    Setting either paints the whole border, and a table within it, also when it is the same.
    """
    if title is not None and pane.border_title != (shown := plain(title)).markup:
        pane.border_title = shown
    if subtitle is not None and pane.border_subtitle != (shown := plain(subtitle)).markup:
        pane.border_subtitle = shown


class Line(Widget, can_focus=False):
    """One line of pieces at the left and at the right."""

    DEFAULT_CSS = "Line { height: 1; width: 100%; }"

    def __init__(self, *, id: str) -> None:
        """Make an empty line."""
        super().__init__(id=id)
        self._tones = Tones(self, TONES, IN_ANSI)
        self._left: tuple[Piece, ...] = ()
        self._right: tuple[Piece, ...] = ()

    @property
    def text(self) -> str:
        """What the line says."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def say(self, left: Sequence[Piece], right: Sequence[Piece] = ()) -> None:
        """Show these pieces; texts may come from data."""
        now = (tuple(left), tuple(right))
        if now != (self._left, self._right):
            self._left, self._right = now
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw the line; where it is too narrow the left side is cut."""
        base = self.rich_style
        if y:
            return Strip.blank(self.size.width, base)
        right = self._segments(self._right, self.size.width)
        taken = sum(cell_len(segment.text) for segment in right)
        between = 1 if right else 0
        left = self._segments(self._left, self.size.width - taken - between)
        room = self.size.width - taken - sum(cell_len(segment.text) for segment in left)
        return Strip([*left, Segment(" " * max(0, room), base), *right]).adjust_cell_length(
            self.size.width, base
        )

    def notify_style_update(self) -> None:
        """Draw in the style that holds now."""
        super().notify_style_update()
        self._tones.forget()

    def _segments(self, pieces: Sequence[Piece], room: int) -> list[Segment]:
        segments = []
        for text, name in pieces:
            shown = glyphs.drawn(plain_text(text, max(0, room)))
            room -= cell_len(shown)
            segments.append(Segment(shown, self._tones(name)))
        return segments


WHOLE_TITLES = 112
"""Cells from which on the modes stand on their line with their whole titles and what waits."""


class ModeLine(Line):
    """The modes by number, the one on show between bars; a click goes to one."""

    @dataclass(frozen=True, slots=True)
    class Tab:
        """One mode."""

        number: str
        name: str
        title: str
        count: str

    def __init__(self, *, id: str) -> None:
        """Make a line without modes."""
        super().__init__(id=id)
        self._ends: list[tuple[int, str]] = []

    def show(self, tabs: Sequence[Tab], chosen: str, width: int) -> None:
        """Show the modes; short titles where the width asks for it."""
        pieces: list[Piece] = []
        self._ends = []
        end = 0
        letters = 4 if width >= 80 else 3 if width >= 70 else 2
        for tab in tabs:
            short = f"{tab.number}{tab.title[:letters]}"
            title = f"{tab.number} {tab.title}" if width >= WHOLE_TITLES else short
            words = f"{title}·{tab.count}" if tab.count else title
            here = tab.name == chosen
            text = f"▐{words}▌" if here else f" {words} "
            pieces.append((text, "accent" if here else "muted"))
            end += cell_len(text)
            self._ends.append((end, tab.name))
        self.say(pieces, ((":… ", "muted"),))

    async def on_click(self, event: events.Click) -> None:
        """Go to the mode that was clicked."""
        for end, name in self._ends:
            if event.x < end:
                await self.app.run_action(f"app.mode('{name}')")
                return


def key_hints(
    hints: Sequence[tuple[str, str, bool]], width: int, last: tuple[str, str] | None
) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces of a key line: as many of (key, label, possible now) as fit; `last` stands
    at the right.

    Hints come in the order of their weight, so that what does not fit matters least.
    """
    right: list[Piece] = []
    if last is not None:
        right = [(last[0], "strong"), (f" {last[1]} ", "muted")]
        width -= sum(cell_len(text) for text, _ in right) + 1
    left: list[Piece] = [(" ", "plain")]
    room = width - 1
    for key, label, possible in hints:
        needed = cell_len(key) + 1 + cell_len(label) + 2
        if needed > room:
            break
        room -= needed
        left += [
            (key, "strong" if possible else "off"),
            (f" {label}  ", "muted" if possible else "off"),
        ]
    return left, right
