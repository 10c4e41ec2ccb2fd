# SPDX-License-Identifier: Apache-2.0
"""Lists that are asked for window by window: each row once, and no question too many."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from console.transfer.windows import pages, rows


@dataclass
class Listed:
    """A list of numbers, and the windows that it was asked for."""

    total: int
    there: int | None = None
    """How many rows there really are; as many as it says where that is not given."""
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def ask(self, offset: int, limit: int) -> Numbers:
        """Return a window."""
        self.asked.append((offset, limit))
        end = self.total if self.there is None else self.there
        return Numbers(tuple(range(offset, min(end, offset + limit))), self.total)


@dataclass
class Numbers:
    """A window."""

    rows: tuple[int, ...]
    total: int


@pytest.mark.parametrize(
    ("total", "limit", "asked"),
    [
        (0, 0, [(0, 2)]),
        (2, 0, [(0, 2)]),
        (5, 0, [(0, 2), (2, 2), (4, 2)]),
        (5, 3, [(0, 2), (2, 1)]),
        (5, 4, [(0, 2), (2, 2)]),
        (2, 9, [(0, 2)]),
    ],
)
async def test_each_row_is_asked_for_once(
    total: int, limit: int, asked: list[tuple[int, int]]
) -> None:
    listed = Listed(total)
    found = [row async for row in rows(listed.ask, window=2, limit=limit)]
    assert found == list(range(min(total, limit or total)))
    assert listed.asked == asked


async def test_a_list_that_has_become_shorter_ends() -> None:
    listed = Listed(9, there=3)
    assert [row async for row in rows(listed.ask, window=2)] == [0, 1, 2]
    assert listed.asked == [(0, 2), (2, 2), (3, 2)]


async def test_a_window_says_how_long_the_list_is() -> None:
    listed = Listed(3)
    assert [(page.rows, page.total) async for page in pages(listed.ask, window=2)] == [
        ((0, 1), 3),
        ((2,), 3),
    ]
