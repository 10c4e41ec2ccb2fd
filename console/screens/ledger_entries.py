# SPDX-License-Identifier: Apache-2.0
"""The entries of one group of the ledger as they are read on: what is held of it first, then its
lines. A group may have a million of them; they are asked for as far as they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from console.screens.base.screen import BaseScreen
from console.widgets.records import WINDOW
from engine.model.ledger import HeldAt, HeldEntry, HeldPage, LedgerGroup, LedgerQuery, LineAt
from engine.model.live import LedgerEntry

MOST_ENTRIES = 5_000
"""Entries of a group that can be gone through; a filter finds the others."""

NO_HELD = HeldPage(rows=(), total=0, bytes=0)

Entry = HeldEntry | LedgerEntry


class LedgerEntries:
    """What is known of the entries of a group."""

    def __init__(self, screen: BaseScreen) -> None:
        """Ask for a screen."""
        self._screen = screen
        self._one = asyncio.Lock()
        """Entries are read on one after the other."""
        self.begin(None, LedgerQuery())

    def begin(self, group: LedgerGroup | None, query: LedgerQuery) -> None:
        """Begin with another group, or anew."""
        self.group, self._query = group, query
        self.known: list[Entry] = []
        self.whole = group is None
        """Whether all of them are known, as far as they can be gone through."""
        self._held = NO_HELD
        self._begun = object()

    @property
    def total(self) -> int:
        """How many there are."""
        return self._held.total + (self.group.lines if self.group is not None else 0)

    async def read_on(self, wanted: int) -> bool:
        """Read entries until so many are known; False where the engine did not answer, or where
        another group is read by then."""
        begun = self._begun
        async with self._one:
            while begun is self._begun and not self.whole and len(self.known) < wanted:
                page = await self._next(min(1000, max(WINDOW, wanted - len(self.known))))
                if page is None or begun is not self._begun:
                    return False
                self.known += page
                self.whole = not page or len(self.known) >= MOST_ENTRIES
        return begun is self._begun

    async def _next(self, limit: int) -> Sequence[Entry] | None:
        """Return the entries after those that are known."""
        group, engine = self.group, self._screen.engine
        if group is None:
            return ()
        last = self.known[-1] if self.known else None
        if group.held and not isinstance(last, LedgerEntry):
            after = HeldAt(at=last.at, id=last.id) if last is not None else None
            asked = engine.held.list(self._query, group.key, after, limit)
            page = await self._screen.permitted(asked, NO_HELD)
            if page is None:
                return None
            self._held = page
            if page.rows:
                return page.rows
        place = LineAt(last=last.last, id=last.id) if isinstance(last, LedgerEntry) else None
        asked_lines = engine.live.ledger_lines(group.key, self._query, place, limit)
        return await self._screen.permitted(asked_lines, ())
