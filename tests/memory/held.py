# SPDX-License-Identifier: Apache-2.0
"""The held objects of an engine in memory: a retry releases all but the stubborn ones."""

from __future__ import annotations

from dataclasses import replace

from engine.model.contents import FoldedHeader
from engine.model.errors import NotFound
from engine.model.held import HeldDetail
from engine.model.ledger import ALL_LEDGER, GroupKey, HeldAt, HeldPage, LedgerQuery
from engine.model.live import HeldObject
from engine.model.prearchive import ActOutcome
from tests.memory import ledger
from tests.memory.facts import Asked

GONE = "it has gone"


class Held(Asked):
    async def list(
        self,
        query: LedgerQuery = ALL_LEDGER,
        group: GroupKey | None = None,
        after: HeldAt | None = None,
        limit: int = 100,
    ) -> HeldPage:
        return ledger.held(self.facts, query, group, after, limit)

    async def header(self, id: str) -> FoldedHeader:
        await self.show(id)
        return self.facts.held_headers.get(id, FoldedHeader(rows=(), files=0, unread=(GONE,)))

    async def show(self, id: str) -> HeldDetail:
        row = self._find(id)
        if row is None:
            raise NotFound(f"nothing is held under {id}", hint="list them: anteroom held list")
        return HeldDetail(
            id=row.id,
            transfer=row.transfer,
            at=row.at,
            reason=row.reason,
            rule=row.rule,
            size=row.size,
            sop_class="1.2.840.10008.5.1.4.1.1.4",
            sop_instance="1.2.3.4",
            transfer_syntax="1.2.840.10008.1.2.1",
            calling="MR3T_A",
        )

    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._retry(id) for id in dict.fromkeys(ids)])

    async def drop(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._leave(id, "dropped") for id in dict.fromkeys(ids)])

    async def _retry(self, id: str) -> ActOutcome:
        row = self._find(id)
        if row is not None and id in self.facts.stubborn:
            why = self.facts.stubborn[id]
            self.facts.held[self.facts.held.index(row)] = replace(row, reason=why)
            return ActOutcome(id=id, done=False, message=f"still held: {why}")
        return await self._leave(id, "published in pre_aaaaaaa1")

    async def _leave(self, id: str, told: str) -> ActOutcome:
        row = self._find(id)
        if row is None:
            return ActOutcome(id=id, done=False, message=f"nothing is held under {id}")
        self.facts.held.remove(row)
        await self.facts.tell("ledger", id, f"a held object was {told}")
        return ActOutcome(id=id, done=True, message=told)

    def _find(self, id: str) -> HeldObject | None:
        return next((row for row in self.facts.held if row.id == id), None)
