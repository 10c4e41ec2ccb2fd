# SPDX-License-Identifier: Apache-2.0
"""A picture in half-blocks, as large as fits. It sends plain cells: nothing is asked of the
terminal, and it looks alike in tmux and over SSH."""

from __future__ import annotations

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from console.views import halfblocks
from console.views.halfblocks import HALF, Colour
from console.views.text import plain_text
from engine.model.pictures import Picture, Region


class PictureView(Widget):
    """Shows a picture, with rectangles on it, or says why there is none."""

    def __init__(self, *, id: str) -> None:
        """Show nothing yet."""
        super().__init__(id=id)
        self._picture: Picture | None = None
        self._boxes: tuple[Region, ...] = ()
        self._words = ""
        self._strips: list[Strip] = []
        self._styles: dict[tuple[Colour, Colour], Style] = {}

    @property
    def picture(self) -> Picture | None:
        """What is shown."""
        return self._picture

    def show(
        self, picture: Picture | None, *, words: str = "", boxes: tuple[Region, ...] = ()
    ) -> None:
        """Show a picture and rectangles of its image; without one some words."""
        if picture is not None and picture.why:
            words, picture = picture.why, None
        if (picture, words, boxes) == (self._picture, self._words, self._boxes):
            return
        self._picture, self._words, self._boxes = picture, words, boxes
        self._draw()
        self.refresh()

    def on_resize(self) -> None:
        """Draw in the room that there is."""
        self._draw()

    def render_line(self, y: int) -> Strip:
        """Return one line of cells."""
        if self._picture is None:
            words = plain_text(self._words, self.size.width) if y == 0 else ""
            return Strip([Segment(words, self.rich_style)]).extend_cell_length(self.size.width)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _draw(self) -> None:
        width, height = self.size
        if self._picture is None or not width or not height:
            self._strips = []
            return
        self._strips = [
            Strip([Segment(HALF * run.cells, self._style(run.upper, run.lower)) for run in line])
            for line in halfblocks.lines(self._picture, width, height, self._boxes)
        ]

    def _style(self, upper: Colour, lower: Colour) -> Style:
        found = self._styles.get((upper, lower))
        if found is None:
            found = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
            self._styles[upper, lower] = found
        return found
