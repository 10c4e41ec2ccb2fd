# SPDX-License-Identifier: Apache-2.0
"""The audit trail: events are written to an outbox in the transaction of the change that they
describe, and become links of a hash chain that anybody can verify. `engine.archive.audit.relay`
moves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit import finding
from engine.archive.audit.key import AuditKey
from engine.archive.audit.links import GENESIS, canonical, hash_of, project_of, words_of
from engine.archive.audit.verification import Verification
from engine.archive.tables import ArchiveOutboxRow, AuditRow
from engine.database.connection import Database
from engine.model.archive import AuditCount, AuditPage, AuditQuery, AuditReport
from engine.model.audit import AuditHead
from engine.model.identifiers import new_event_id
from engine.prearchive.tables import OutboxRow

_KNOWN: ContextVar[str] = ContextVar("known", default="")
"""How the actor of the call is known that is being answered."""

_LOCK = 0x616E7475
"""The PostgreSQL advisory lock for appending to the chain."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """An event that waits in an outbox."""

    id: str
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]


def record(
    session: AsyncSession,
    actor: str,
    action: str,
    object: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write an audit event into the archive's outbox; it commits with the change it tells of."""
    session.add(ArchiveOutboxRow(**_new_event(actor, action, object, detail)))


def record_triage(
    session: AsyncSession,
    actor: str,
    action: str,
    object: str,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write an audit event into the prearchive's outbox, where `object` is a prearchive id.

    Only details that `engine.archive.audit.relay` knows to be harmless reach the permanent trail.
    """
    session.add(OutboxRow(**_new_event(actor, action, object, detail)))


@contextmanager
def known_by(how: str) -> Iterator[None]:
    """Let events that are recorded within this call say how their actor is known."""
    token = _KNOWN.set(how)
    try:
        yield
    finally:
        _KNOWN.reset(token)


def _new_event(
    actor: str, action: str, object: str, detail: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the columns of an event that happens now."""
    known = {"known": _KNOWN.get()} if _KNOWN.get() else {}
    return {
        "id": new_event_id(),
        "at": datetime.now(UTC),
        "actor": actor,
        "action": action,
        "object": object,
        "detail": known | (detail or {}),
    }


class AuditChain:
    """The chain of `archive.db`."""

    def __init__(
        self, archive: Database, key: AuditKey | None = None, heads: Path | None = None
    ) -> None:
        """Append to and read one chain. With a key it has checkpoints; `heads` is the file of heads
        that it is compared with."""
        self._archive = archive
        self._verification = Verification(archive, key, heads)
        self.key = key
        self.known: AuditReport | None = None
        """The last verification, and when it was."""
        self.known_at = datetime.min.replace(tzinfo=UTC)

    async def append(self, events: Sequence[Recorded]) -> int:
        """Append what the chain does not hold yet and say how many events that were."""
        async with self._archive.write() as session:
            return await append(session, events)

    async def find(
        self,
        query: AuditQuery,
        *,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage:
        """Return events, newest first: those before a number, or those that follow one."""
        async with self._archive.read() as session:
            return await finding.find(
                session, query, before=before, after=after, offset=offset, limit=limit
            )

    async def counts(self, since: datetime) -> tuple[AuditCount, ...]:
        """Return how often each action was done since a moment, the commonest first."""
        async with self._archive.read() as session:
            return await finding.counts(session, since)

    async def verify(self, *, whole: bool = False, heads: Sequence[AuditHead] = ()) -> AuditReport:
        """Compute the hashes of all links anew, or of those after the newest checkpoint, compare
        them with heads that were noted elsewhere, and report the first link that does not hold."""
        report = await self._verification.run(whole=whole, given=heads)
        # Heads that somebody gives may be of another trail: what they contradict is for his eyes.
        if not heads:
            self._note(report)
        return report

    async def compare(self) -> AuditReport | None:
        """Compare checkpoints and noted heads with the chain, and return what was last known of it,
        None when it was not verified since the start."""
        report = await self._verification.compare()
        if not report.ok:
            self._note(report)
        return self.known

    def _note(self, report: AuditReport) -> None:
        # What has been found broken does not become whole by a look at its newest links.
        worse = self.known is not None and not self.known.ok and report.start > 0
        if not (worse and report.ok):
            self.known, self.known_at = report, datetime.now(UTC)


async def lock(session: AsyncSession) -> None:
    """Let one transaction at a time append; on SQLite a writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def append(session: AsyncSession, events: Sequence[Recorded]) -> int:
    """Append within a transaction what the chain does not hold yet; say how many events."""
    await lock(session)
    ids = [event.id for event in events]
    known = set(await session.scalars(select(AuditRow.event).where(AuditRow.event.in_(ids))))
    newest = (
        await session.execute(
            select(AuditRow.number, AuditRow.hash).order_by(AuditRow.number.desc()).limit(1)
        )
    ).first()
    number, previous = (newest.number, newest.hash) if newest is not None else (0, GENESIS)
    appended = 0
    for event in events:
        if event.id in known:
            continue
        known.add(event.id)
        number += 1
        appended += 1
        row = AuditRow(
            number=number,
            event=event.id,
            at=event.at,
            actor=event.actor,
            action=event.action,
            object=event.object,
            detail=canonical(event.detail),
            previous=previous,
            hash="",
            project=project_of(event.action, event.object, event.detail),
            words=words_of(event.action, event.object, event.detail),
        )
        row.hash = previous = hash_of(row)
        session.add(row)
    await session.flush()
    return appended
