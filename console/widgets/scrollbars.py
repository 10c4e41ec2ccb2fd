# SPDX-License-Identifier: Apache-2.0
"""How scrollbars are drawn where the font has no partial blocks: in whole cells, by colour alone.
Textual has one renderer for all of them."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class WholeCells(ScrollBarRender):
    """Draws no part of a cell."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def use_ascii(wanted: bool) -> None:
    """Draw in whole cells from now on, or with parts of cells."""
    ScrollBar.renderer = WholeCells if wanted else ScrollBarRender
