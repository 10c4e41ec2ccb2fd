# SPDX-License-Identifier: Apache-2.0
"""Lists of the engine that are longer than one answer, fetched window by window."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol, TypeVar

Item_co = TypeVar("Item_co", covariant=True)
Item = TypeVar("Item")


class Page(Protocol[Item_co]):
    """A window of a list, as the engine gives it."""

    @property
    def rows(self) -> tuple[Item_co, ...]: ...
    @property
    def total(self) -> int: ...


async def pages(
    ask: Callable[[int, int], Awaitable[Page[Item]]], *, window: int, limit: int = 0
) -> AsyncIterator[Page[Item]]:
    """Yield the windows of a list in order, `limit` rows at most; 0 for all.

    `ask` is given how many rows come before the window, and how many it may have.
    """
    offset = 0
    while True:
        page = await ask(offset, min(window, limit - offset) if limit else window)
        yield page
        offset += len(page.rows)
        if not page.rows or offset >= page.total or offset == limit:
            return


async def rows(
    ask: Callable[[int, int], Awaitable[Page[Item]]], *, window: int, limit: int = 0
) -> AsyncIterator[Item]:
    """Yield the rows of a list in order, `limit` of them at most; 0 for all."""
    async for page in pages(ask, window=window, limit=limit):
        for row in page.rows:
            yield row


async def whole(
    ask: Callable[[int, int], Awaitable[Page[Item]]], *, most: int, window: int = 1_000
) -> list[Item]:
    """Return the rows of a list, `most` of them at most."""
    return [row async for row in rows(ask, window=window, limit=most)]
