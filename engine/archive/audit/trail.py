# SPDX-License-Identifier: Apache-2.0
"""The audit trail: events are written to an outbox in the transaction of the change that they
describe, and become links of a hash chain that anybody can verify. `engine.archive.audit.relay`
moves them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import ArchiveOutboxRow, AuditRow
from engine.database.connection import Database
from engine.model.archive import AuditEvent, AuditPage, AuditQuery, AuditReport, Window
from engine.model.identifiers import new_event_id
from engine.prearchive.tables import OutboxRow

GENESIS = "0" * 64
"""What the first link calls its previous hash."""

_LOCK = 0x616E7475
"""The PostgreSQL advisory lock for appending to the chain."""
_VERIFY_BATCH = 5_000
_MISSING_SHOWN = 100


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


def _new_event(
    actor: str, action: str, object: str, detail: dict[str, Any] | None
) -> dict[str, Any]:
    """Return the columns of an event that happens now."""
    return {
        "id": new_event_id(),
        "at": datetime.now(UTC),
        "actor": actor,
        "action": action,
        "object": object,
        "detail": detail or {},
    }


class AuditChain:
    """The chain of `archive.db`."""

    def __init__(self, archive: Database) -> None:
        self._archive = archive

    async def append(self, events: Sequence[Recorded]) -> int:
        """Append what the chain does not hold yet and say how many events that were."""
        async with self._archive.write() as session:
            return await append(session, events)

    async def list(self, query: AuditQuery, window: Window) -> AuditPage:
        """Return events, newest first."""
        criteria = _criteria(query)
        async with self._archive.read() as session:
            # Nothing is ever deleted, so the last number is how many there are.
            counted = func.count() if criteria else func.coalesce(func.max(AuditRow.number), 0)
            total = await session.scalar(select(counted).select_from(AuditRow).where(*criteria))
            rows = await session.scalars(
                select(AuditRow)
                .where(*criteria)
                .order_by(AuditRow.number.desc())
                .offset(window.offset)
                .limit(window.limit)
            )
            return AuditPage(rows=tuple(_event(row) for row in rows), total=total or 0)

    async def verify(self) -> AuditReport:
        """Compute every hash anew and report the first link that does not hold."""
        walk = _Walk()
        while True:
            # A transaction for each batch: a long one would keep SQLite from shortening its log.
            async with self._archive.read() as session:
                rows = (
                    await session.scalars(
                        select(AuditRow)
                        .where(AuditRow.number > walk.last)
                        .order_by(AuditRow.number)
                        .limit(_VERIFY_BATCH)
                    )
                ).all()
            for row in rows:
                walk.step(row)
            if len(rows) < _VERIFY_BATCH:
                return walk.report()


def link_hash(
    *,
    previous: str,
    number: int,
    event: str,
    at: datetime,
    actor: str,
    action: str,
    object: str,
    detail: str,
) -> str:
    """Return the SHA-256 of a link in hex: of a JSON array, so that no field can run into the next.

    Args:
        at: written as UTC with microseconds, which both databases keep.
        detail: canonical JSON, as stored.
    """
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    # json.dumps escapes whatever is not ASCII: the bytes do not depend on an encoding.
    covered = json.dumps([previous, number, event, moment, actor, action, object, detail])
    return hashlib.sha256(covered.encode("ascii")).hexdigest()


def canonical(detail: dict[str, Any]) -> str:
    """Write a detail so that the same values always give the same bytes."""
    return json.dumps(detail, sort_keys=True, separators=(",", ":"), allow_nan=False)


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
        )
        row.hash = previous = _hash(row)
        session.add(row)
    await session.flush()
    return appended


def _hash(row: AuditRow) -> str:
    return link_hash(
        previous=row.previous,
        number=row.number,
        event=row.event,
        at=row.at,
        actor=row.actor,
        action=row.action,
        object=row.object,
        detail=row.detail,
    )


def _criteria(query: AuditQuery) -> list[ColumnElement[bool]]:
    criteria: list[ColumnElement[bool]] = []
    if query.object:
        criteria.append(AuditRow.object == query.object)
    if query.actor:
        criteria.append(AuditRow.actor == query.actor)
    if query.action:
        criteria.append(AuditRow.action == query.action)
    if query.since is not None:
        criteria.append(AuditRow.at >= query.since)
    if query.until is not None:
        criteria.append(AuditRow.at <= query.until)
    return criteria


def _event(row: AuditRow) -> AuditEvent:
    return AuditEvent(
        number=row.number,
        id=row.event,
        at=row.at,
        actor=row.actor,
        action=row.action,
        object=row.object,
        detail=json.loads(row.detail),
        hash=row.hash,
    )


class _Walk:
    """A walk along the chain: what was seen, and what is wrong with it first."""

    def __init__(self) -> None:
        self.last = 0
        self._head = GENESIS
        self._checked = 0
        self._missing: list[int] = []
        self._broken: int | None = None
        self._message = ""

    def step(self, row: AuditRow) -> None:
        """Check one link against the one before it."""
        # The missing link is blamed, not the one after it, whose `previous` cannot match.
        gap = range(self.last + 1, row.number)
        if gap:
            self._missing.extend(gap[: _MISSING_SHOWN - len(self._missing)])
            self._blame(gap[0], f"link {gap[0]} is missing")
        elif row.previous != self._head:
            self._blame(row.number, f"link {row.number} does not follow the one before it")
        if _hash(row) != row.hash:
            self._blame(row.number, f"link {row.number} was changed after it had been written")
        self.last, self._head = row.number, row.hash
        self._checked += 1

    def report(self) -> AuditReport:
        """Say what was found."""
        return AuditReport(
            ok=self._broken is None,
            checked=self._checked,
            message=self._message or f"all {self._checked} links hold",
            broken=self._broken,
            missing=tuple(self._missing),
            # A chain that lost its newest links is sound in itself: only a number and hash that
            # were noted elsewhere can show it.
            last=self.last,
            head=self._head,
        )

    def _blame(self, number: int, message: str) -> None:
        if self._broken is None:
            self._broken, self._message = number, message
