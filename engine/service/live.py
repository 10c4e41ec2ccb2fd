# SPDX-License-Identifier: Apache-2.0
"""What has just been received: transfers, the ledger, and held objects."""

from __future__ import annotations

from sqlalchemy import select

from engine.jobs.context import JobContext
from engine.model.live import HeldObject, LedgerEntry, Transfer
from engine.prearchive import ledger, transfers
from engine.prearchive.tables import HeldRow
from engine.service.windows import MOST_ROWS, limited, window


class Live:
    """Transfers, the ledger, and what is held."""

    def __init__(self, context: JobContext) -> None:
        """Ask one prearchive."""
        self._context = context

    async def transfers(self, limit: int = 100, open_only: bool = False) -> tuple[Transfer, ...]:
        """Return transfers, newest first."""
        async with self._context.prearchive_db.read() as transaction:
            return await transfers.list_transfers(
                transaction, limit=limited(limit), open_only=open_only
            )

    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]:
        """Return ledger entries, newest first."""
        asked = window(offset, limit)
        async with self._context.prearchive_db.read() as transaction:
            return await ledger.list_entries(transaction, asked.offset, asked.limit, outcome)

    async def held(self) -> tuple[HeldObject, ...]:
        """Return the held objects in staging."""
        query = select(HeldRow).where(~HeldRow.waits).order_by(HeldRow.at.desc()).limit(MOST_ROWS)
        async with self._context.prearchive_db.read() as transaction:
            found = (await transaction.execute(query)).scalars()
            return tuple(
                HeldObject(
                    id=row.id,
                    transfer=row.transfer,
                    at=row.at,
                    reason=row.reason,
                    rule=row.rule,
                    size=row.size,
                )
                for row in found
            )
