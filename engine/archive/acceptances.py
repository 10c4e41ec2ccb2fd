# SPDX-License-Identifier: Apache-2.0
"""Acceptances of senders. A record that is closed is never changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record
from engine.archive.configuration import lock
from engine.archive.tables import AcceptanceRow
from engine.model.acceptance import Acceptance, Judgement, Step
from engine.model.errors import Conflict, NotFound
from engine.model.identifiers import new_acceptance_id


async def start(
    session: AsyncSession, calling: str, *, receiver: str, expected: int, actor: str
) -> Acceptance:
    """Begin with a sender.

    Raises:
        Conflict: one is open for it already.
    """
    await lock(session)
    query = select(AcceptanceRow.id).where(
        AcceptanceRow.calling == calling, AcceptanceRow.verdict == Judgement.OPEN.value
    )
    there = (await session.execute(query)).scalars().first()
    if there is not None:
        raise Conflict(
            f"{there} for {calling} is open already",
            hint=f"go on with it, or end it: anteroom acceptance close {there} abandoned",
        )
    row = AcceptanceRow(
        id=new_acceptance_id(),
        calling=calling,
        receiver=receiver,
        expected=expected,
        started=datetime.now(UTC),
        started_by=actor,
        verdict=Judgement.OPEN.value,
    )
    session.add(row)
    record(session, actor, "Started acceptance", row.id, {"calling": calling})
    await session.flush()
    return _acceptance(row)


async def listed(
    session: AsyncSession, limit: int, *, open_only: bool = False
) -> tuple[Acceptance, ...]:
    """Return acceptances, the newest first."""
    query = select(AcceptanceRow).order_by(AcceptanceRow.started.desc(), AcceptanceRow.id)
    if open_only:
        query = query.where(AcceptanceRow.verdict == Judgement.OPEN.value)
    return tuple(_acceptance(row) for row in await session.scalars(query.limit(limit)))


async def show(session: AsyncSession, id: str) -> Acceptance:
    """Return one.

    Raises:
        NotFound: there is none of this id.
    """
    return _acceptance(await _row(session, id))


async def expect(session: AsyncSession, id: str, images: int, *, actor: str) -> Acceptance:
    """Say how many images the sender counts.

    Raises:
        Conflict: it is closed.
    """
    row = await _open(session, id)
    row.expected = images
    record(session, actor, "Changed acceptance", id, {"expected": images})
    return _acceptance(row)


async def close(
    session: AsyncSession,
    id: str,
    verdict: Judgement,
    *,
    note: str,
    steps: tuple[Step, ...],
    actor: str,
) -> Acceptance:
    """Close an open one with what was seen.

    Raises:
        Conflict: it is closed.
    """
    row = await _open(session, id)
    row.verdict, row.note = verdict.value, note
    row.closed, row.closed_by = datetime.now(UTC), actor
    row.steps = msgspec.json.encode(steps).decode()
    record(session, actor, f"Closed acceptance: {verdict}", id, {"calling": row.calling})
    return _acceptance(row)


async def _open(session: AsyncSession, id: str) -> AcceptanceRow:
    row = await _row(session, id, lock=True)
    if row.verdict != Judgement.OPEN.value:
        raise Conflict(f"{id} is {row.verdict}: what was signed is not changed")
    return row


async def _row(session: AsyncSession, id: str, *, lock: bool = False) -> AcceptanceRow:
    row = await session.get(AcceptanceRow, id, with_for_update=lock)
    if row is None:
        raise NotFound(f"there is no acceptance {id}", hint="list them: anteroom acceptance list")
    return row


def _acceptance(row: AcceptanceRow) -> Acceptance:
    found = Acceptance(
        id=row.id,
        calling=row.calling,
        receiver=row.receiver,
        expected=row.expected,
        started=row.started,
        started_by=row.started_by,
        verdict=Judgement(row.verdict),
        closed=row.closed,
        closed_by=row.closed_by,
        note=row.note,
    )
    if not row.steps:
        return found
    return replace(found, steps=msgspec.json.decode(row.steps, type=tuple[Step, ...]))
