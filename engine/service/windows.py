# SPDX-License-Identifier: Apache-2.0
"""The limits of a single answer: a larger request gets the largest allowed window."""

from __future__ import annotations

from engine.model.archive import Window

MOST_ROWS = 1000
"""Rows of a list in one window."""

MOST_FILES = 5_000
"""Files of a session in one window."""


def window(offset: int, limit: int, most: int = MOST_ROWS) -> Window:
    """Return the window that is asked for, within what is allowed."""
    return Window(offset=max(0, offset), limit=limited(limit, most))


def limited(limit: int, most: int = MOST_ROWS) -> int:
    """Return how many are asked for, within what is allowed."""
    return max(0, min(limit, most))
