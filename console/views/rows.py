# SPDX-License-Identifier: Apache-2.0
"""The rows and columns of a table, and how they are laid out in a given width. Pure: no widget, no
engine."""

from __future__ import annotations

from dataclasses import dataclass

UNASSIGNED = "Unassigned"
"""The project of a session that has none, for people."""

Piece = tuple[str, str]
"""A text and the name of its style: `plain`, `strong`, `muted`, `accent`, `look`, `bad`, `good`,
`chosen` or `off`."""

GAP = 1
GUTTER = 2
"""Cells for the pointer at the left."""

MARK_GUTTER = 2
"""Cells for the marks, where rows can be marked."""


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
    sort: str = ""
    """By what the engine sorts for it; empty where it cannot."""
    live: bool = False
    """A value that has changed is bright until the next picture."""
    falling: bool = False
    """Sorted downwards first: dates and numbers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One row: texts as they came from the data, and the tone of the first."""

    key: str
    cells: tuple[str, ...]
    tone: str = "plain"
    """`plain`, `good`, `look`, `bad` or `dim`."""
    tones: tuple[tuple[int, str], ...] = ()
    """Tones of other cells, by their place."""


def layout(
    columns: tuple[TableColumn, ...], width: int, shift: int = 0
) -> tuple[tuple[int, int], ...]:
    """Return (index, cells) of the columns that fit; the growing one takes what is left.

    `shift` columns after the first are left out, so that those which did not fit come in.
    """
    kept = [index for index in range(len(columns)) if index == 0 or index > shift]
    last_resort = max(shift, 0)
    while len(kept) > 1 and _needed(columns, kept) > width:
        # A user who shifts wants to see the dropped columns: then the rightmost is dropped first.
        weights = {one: (columns[one].priority, one) for one in kept[1:]}
        last = kept[-1] if last_resort else max(weights, key=lambda one: weights[one])
        if not last_resort and columns[last].priority == 0:
            break
        kept.remove(last)
    spare = max(0, width - _needed(columns, kept))
    growing = next((index for index in kept if columns[index].grows), None)
    return tuple(
        (index, columns[index].width + (spare if index == growing else 0)) for index in kept
    )


def _needed(columns: tuple[TableColumn, ...], kept: list[int]) -> int:
    return sum(columns[index].width + GAP for index in kept)
