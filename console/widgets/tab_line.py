# SPDX-License-Identifier: Apache-2.0
"""The tabs of a screen on one line, between the name of what they belong to and a note at the
right."""

from __future__ import annotations

from collections.abc import Sequence

from console.views.rows import Piece
from console.widgets.chrome import Line


class TabLine(Line):
    """Shows tabs, the one on show between bars."""

    def show(self, tabs: Sequence[str], chosen: str, *, before: str = "", after: str = "") -> None:
        """Show the tabs; `before` and `after` may come from data."""
        pieces: list[Piece] = [(f" {before}  ", "strong")] if before else [(" ", "plain")]
        for tab in tabs:
            here = tab == chosen
            pieces.append((f"▐{tab}▌" if here else f" {tab} ", "accent" if here else "muted"))
        self.say(pieces, ((f"{after} ", "muted"),) if after else ())
