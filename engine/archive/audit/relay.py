# SPDX-License-Identifier: Apache-2.0
"""Moves audit events from the outboxes of both databases into the chain. It may be killed at any
moment, and several engines may run it: appending an event that the chain already has changes
nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import AuditChain, Recorded, append, lock
from engine.archive.tables import ArchiveOutboxRow
from engine.database.connection import Database
from engine.prearchive.tables import OutboxRow

LEAVES_TRIAGE = frozenset(
    {
        "accession",
        "attempt",
        "bytes",
        "code",
        "commitments",
        "count",
        "departures",
        "enabled",
        "error",
        "failed",
        "files",
        "from",
        "job",
        "known",
        "ledger",
        "node",
        "objects",
        "moved",
        "outcome",
        "place",
        "port",
        "project",
        "reason",
        "receipts",
        "hours",
        "receiver",
        "rejected",
        "relabelled",
        "remote",
        "rule",
        "scans",
        "sends",
        "sent",
        "snapshot",
        "status",
        "to",
        "transfer",
        "transfers",
        "verb",
        "version",
        "warnings",
    }
)
"""Details of a prearchive event that may enter the permanent trail. Of others only the name does:
a label, a subject or an address of a file may be a patient's."""

_BATCH = 500


class Relay:
    """Takes events from both outboxes into the chain. Any number may run at the same time."""

    def __init__(self, archive: Database, prearchive: Database | None = None) -> None:
        self._archive = archive
        self._prearchive = prearchive
        self._chain = AuditChain(archive)

    async def drain(self) -> int:
        """Empty both outboxes and say how many events the chain has gained."""
        gained = 0
        while True:
            moved, appended = await self._drain_archive()
            gained += appended
            if moved < _BATCH:
                break
        while self._prearchive is not None:
            moved, appended = await self._drain_prearchive(self._prearchive)
            gained += appended
            if moved < _BATCH:
                break
        return gained

    async def _drain_archive(self) -> tuple[int, int]:
        # The outbox is empty most of the time, and a write transaction would hold up other writers.
        async with self._archive.read() as session:
            if await session.scalar(select(ArchiveOutboxRow.id).limit(1)) is None:
                return 0, 0
        async with self._archive.write() as session:
            await lock(session)
            events = await _waiting(session, ArchiveOutboxRow)
            appended = await append(session, events)
            await _forget(session, ArchiveOutboxRow, events)
        return len(events), appended

    async def _drain_prearchive(self, prearchive: Database) -> tuple[int, int]:
        async with prearchive.read() as session:
            events = await _waiting(session, OutboxRow)
        if not events:
            return 0, 0
        # The two databases cannot commit together: events are appended first, and appending what
        # the chain already holds changes nothing.
        appended = await self._chain.append([_cleared(event) for event in events])
        async with prearchive.write() as session:
            await _forget(session, OutboxRow, events)
        return len(events), appended


async def _waiting(
    session: AsyncSession, outbox: type[ArchiveOutboxRow] | type[OutboxRow]
) -> list[Recorded]:
    rows = await session.execute(
        select(outbox.id, outbox.at, outbox.actor, outbox.action, outbox.object, outbox.detail)
        .order_by(outbox.at, outbox.id)
        .limit(_BATCH)
    )
    return [
        Recorded(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            object=row.object,
            detail=row.detail,
        )
        for row in rows
    ]


async def _forget(
    session: AsyncSession,
    outbox: type[ArchiveOutboxRow] | type[OutboxRow],
    events: Sequence[Recorded],
) -> None:
    await session.execute(delete(outbox).where(outbox.id.in_([event.id for event in events])))


def _cleared(event: Recorded) -> Recorded:
    """Keep back what must not leave triage; what was kept back is named, not hidden."""
    detail = {key: value for key, value in event.detail.items() if key in LEAVES_TRIAGE}
    withheld = sorted(event.detail.keys() - LEAVES_TRIAGE)
    if withheld:
        detail["withheld"] = withheld
    return replace(event, detail=detail)
