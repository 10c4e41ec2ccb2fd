# SPDX-License-Identifier: Apache-2.0
"""What has just been received: transfers, series that are arriving, how much came and from whom,
the ledger, and held objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput
from engine.model.ledger import (
    ALL_LEDGER,
    DayAccounts,
    GroupBy,
    GroupKey,
    LedgerGroups,
    LedgerQuery,
    LineAt,
)
from engine.model.live import (
    ArrivingSeries,
    HeldObject,
    LedgerEntry,
    SenderSeen,
    Throughput,
    ThroughputBy,
    Transfer,
)
from engine.model.people import Actor, Permission
from engine.prearchive import accounts, arriving, ledger, rows, throughput, transfers
from engine.prearchive.ledger_groups import Books
from engine.prearchive.tables import HeldRow
from engine.service.windows import MOST_ROWS, limited, window

_MOST_HOURS, _MOST_DAYS = 10_000, 400


class Live:
    """Transfers, the ledger, and what is held."""

    def __init__(self, context: JobContext, actor: Actor) -> None:
        """Ask one prearchive for one actor."""
        self._context = context
        self._known = actor.scope(Permission.KNOW)

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

    async def ledger_groups(
        self, query: LedgerQuery = ALL_LEDGER, by: GroupBy = GroupBy.REASON, limit: int = MOST_ROWS
    ) -> LedgerGroups:
        """Group the ledger and what is held, what was counted last first."""
        check_days(query.days)
        async with self._context.prearchive_db.read() as transaction:
            books = Books(transaction, self._known, datetime.now().astimezone())
            return await books.groups(query, by, limited(limit))

    async def ledger_lines(
        self,
        group: GroupKey,
        query: LedgerQuery = ALL_LEDGER,
        after: LineAt | None = None,
        limit: int = 100,
    ) -> tuple[LedgerEntry, ...]:
        """Return the lines of a group that come after one, what was counted last first."""
        check_days(query.days)
        async with self._context.prearchive_db.read() as transaction:
            books = Books(transaction, self._known, datetime.now().astimezone())
            return await books.lines(group, query, after, limited(limit))

    async def accounts(self, days: int = 1) -> DayAccounts:
        """Return where the objects are that senders have brought within the last days.

        Raises:
            InvalidInput: if these are no days that can be kept.
        """
        if not 1 <= days <= _MOST_DAYS:
            raise InvalidInput(f"days is a number from 1 to {_MOST_DAYS}")
        today = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
        since = today - timedelta(days=days - 1)
        async with self._context.prearchive_db.read() as transaction:
            return DayAccounts(since=since, senders=await accounts.by_sender(transaction, since))

    async def series(self, session: str) -> tuple[ArrivingSeries, ...]:
        """Return what is known of the series of a session from the objects that have come.

        Raises:
            NotFound: if there is no such session.
        """
        async with self._context.prearchive_db.read() as transaction:
            await rows.get(transaction, session)
            return await arriving.listed(transaction, session)

    async def throughput(
        self, hours: int = 24, by: ThroughputBy = ThroughputBy.ALL
    ) -> tuple[Throughput, ...]:
        """Return what came within each of the last hours, this one too, the oldest first. Hours in
        which nothing came are left out.

        Raises:
            InvalidInput: if these are no hours that can be kept.
        """
        if not 1 <= hours <= _MOST_HOURS:
            raise InvalidInput(f"hours is a number from 1 to {_MOST_HOURS}")
        this = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        async with self._context.prearchive_db.read() as transaction:
            return await throughput.by_hour(
                transaction, this - timedelta(hours=hours - 1), by=by, limit=_MOST_HOURS
            )

    async def senders(self, days: int = 31) -> tuple[SenderSeen, ...]:
        """Return who has sent within the last days and to which receiver, who was seen last first.

        Raises:
            InvalidInput: if these are no days that can be kept.
        """
        if not 1 <= days <= _MOST_DAYS:
            raise InvalidInput(f"days is a number from 1 to {_MOST_DAYS}")
        now = datetime.now().astimezone()
        async with self._context.prearchive_db.read() as transaction:
            return await throughput.senders(
                transaction,
                now - timedelta(days=days),
                today=now.replace(hour=0, minute=0, second=0, microsecond=0),
                week=now - timedelta(days=7),
                limit=MOST_ROWS,
            )

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


def check_days(days: int) -> None:
    """Refuse days that are none; 0 is for all of them.

    Raises:
        InvalidInput: if they are.
    """
    if not 0 <= days <= _MOST_DAYS:
        raise InvalidInput(f"days is a number from 0 to {_MOST_DAYS}; 0 is for all")
