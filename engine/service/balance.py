# SPDX-License-Identifier: Apache-2.0
"""Looks again and again whether the accounts add up, remembers since when they do not, and tells
when that begins and when it ends. The sums are in `engine.prearchive.balance`."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.database.connection import Database
from engine.model.accounts import Imbalance
from engine.prearchive.balance import imbalances
from engine.service.event_buffer import EventBuffer


class Balance:
    """What is known of the accounts of one prearchive."""

    def __init__(self, database: Database, buffer: EventBuffer | None = None) -> None:
        """Nothing is looked at yet."""
        self._database = database
        self._buffer = buffer
        self.known: tuple[Imbalance, ...] = ()
        """What did not add up at the last look."""

    async def look(self) -> tuple[Imbalance, ...]:
        """Look now; what was known already keeps the time since when."""
        now = datetime.now(UTC)
        async with self._database.read() as transaction:
            found = await imbalances(transaction, since=now)
        since = {(one.of, one.name): one.since for one in self.known}
        before, self.known = (
            self.known,
            tuple(one.begun(since.get((one.of, one.name), now)) for one in found),
        )
        self._tell(before)
        return self.known

    def _tell(self, before: tuple[Imbalance, ...]) -> None:
        if self._buffer is None:
            return
        known = {(one.of, one.name) for one in before}
        for one in self.known:
            if (one.of, one.name) not in known:
                text = f"the accounts do not add up: {one.said()}"
                self._buffer.tell("engine", "accounts", text, "error")
        if before and not self.known:
            self._buffer.tell("engine", "accounts", "the accounts add up again")
