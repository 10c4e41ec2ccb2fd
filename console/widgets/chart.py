# SPDX-License-Identifier: Apache-2.0
"""Lines of text that are repainted one by one, and a bar chart that is drawn with them. They know
nothing of what they show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

from textual.geometry import Region
from textual.strip import Strip

from console.views import figures
from console.views.rows import Piece
from console.widgets.chrome import Line

_BARS = " ▁▂▃▄▅▆▇█"
_LABEL = 5
"""Cells of the numbers at the left, with the axis."""

_BELOW = 3
"""Lines below the bars."""


class TextLines(Line):
    """Lines of pieces; those that do not fit are cut off."""

    DEFAULT_CSS = """
    TextLines { height: 1fr; }
    """

    def __init__(self, *, id: str, classes: str = "pane") -> None:
        """Make it empty."""
        super().__init__(id=id)
        self.set_classes(classes)
        self._lines: tuple[tuple[Piece, ...], ...] = ()

    @property
    def text(self) -> str:
        """What the lines say."""
        return "\n".join("".join(text for text, _ in line) for line in self._lines)

    def show(self, lines: Sequence[Sequence[Piece]]) -> None:
        """Show these lines; texts may come from data. Repaints those that differ."""
        before, self._lines = self._lines, tuple(map(tuple, lines))
        for place, (was, now) in enumerate(zip_longest(before, self._lines)):
            if was != now and place < self.size.height:
                self.refresh(Region(0, place, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """Draw one line."""
        base, width = self.rich_style, self.size.width
        pieces = self._lines[y] if y < len(self._lines) else ()
        return Strip(self._segments(pieces, width)).adjust_cell_length(width, base)


class Chart(TextLines):
    """Bars over time, the newest at the right."""

    def __init__(self, *, id: str) -> None:
        """Make it empty."""
        super().__init__(id=id)
        self._drawn: tuple[list[float], int, tuple[str, str, str], str] | None = None
        """The history, its steps when it is whole, the marks below it, and what is said of it."""

    def draw(
        self, history: list[float], rate: float, peak: float, span: timedelta, now: datetime
    ) -> None:
        """Show a history that ends now, as long as `span` when it is whole; `rate` is what there is
        now, `peak` the highest of all that time."""
        said = f"now {figures.rate(rate) or '0'}   peak {figures.rate(peak) or '0'}"
        self._drawn = (history, _steps(span), _marks(now, span), said)
        self._draw()

    def draw_hours(self, counts: Sequence[int], said: str, now: datetime) -> None:
        """Show a count for each hour, the last of them this one; `said` is told below."""
        marks = _marks(now, timedelta(hours=len(counts)))
        self._drawn = ([float(count) for count in counts], len(counts), marks, said)
        self._draw()

    def on_resize(self) -> None:
        """Draw it for the new size."""
        self._draw()

    def _draw(self) -> None:
        if self._drawn is not None and self.size.height:
            history, steps, marks, said = self._drawn
            width, height = self.size.width, self.size.height
            bars = chart_lines(history, width, height - _BELOW, steps=steps)
            room = width - _LABEL
            axis = f"{marks[0]}{marks[1]:^{max(5, room - 10)}}{marks[2]}"
            self.show(
                [
                    *(((line[:_LABEL], "muted"), (line[_LABEL:], "accent")) for line in bars),
                    ((f"{'└':>{_LABEL}}{'─' * room}", "muted"),),
                    ((f"{' ' * _LABEL}{axis}", "muted"),),
                    ((f"{' ' * _LABEL}{said}", "plain"),),
                ]
            )


def chart_lines(history: list[float], width: int, height: int, *, steps: int) -> list[str]:
    """Draw a history as bars of `height` lines; each bar is the highest of its steps."""
    room = max(1, width - _LABEL)
    kept = history[-steps:]
    whole = [*([0.0] * (steps - len(kept))), *kept]
    bars = []
    for place in range(room):
        begin, end = place * steps // room, (place + 1) * steps // room
        bars.append(max(whole[begin : max(end, begin + 1)]))
    unit = _unit(max(bars, default=0.0) / max(1, height))
    lines = []
    for line in range(height, 0, -1):
        eighths = (round(8 * (bar / unit - (line - 1))) for bar in bars)
        drawn = "".join(_BARS[max(0, min(8, one))] for one in eighths)
        lines.append(f"{_label(unit * line)}│{drawn:>{room}}")
    return lines


def _unit(wanted: float) -> float:
    """Return the round number that a line stands for."""
    if wanted <= 0.5:
        return 0.5 if wanted > 0.2 else 0.2 if wanted > 0 else 1.0
    size = 10.0 ** math.floor(math.log10(wanted))
    return next(size * one for one in (1, 2, 3, 4, 5, 6, 8, 10) if size * one >= wanted)


def _marks(now: datetime, span: timedelta) -> tuple[str, str, str]:
    """Return the times of day at the beginning, in the middle and at the end."""
    begin, middle, end = (f"{at.astimezone():%H:%M}" for at in (now - span, now - span / 2, now))
    return begin, middle, end


def _label(number: float) -> str:
    if number >= 10_000:
        return f"{f'{number / 1000:.0f}k':>{_LABEL - 1}}"
    return f"{number:>{_LABEL - 1}.{0 if number >= 10 or number == int(number) else 1}f}"


def _steps(span: timedelta) -> int:
    return int(span.total_seconds() // 10)
