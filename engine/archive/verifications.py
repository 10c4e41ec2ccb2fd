# SPDX-License-Identifier: Apache-2.0
"""The results of verifications of filed sessions, and which sessions are due for one. The files are
compared elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record
from engine.archive.tables import VerificationRow
from engine.model.verification import DueSessions, FaultCounts, LastVerification


async def last(session: AsyncSession, accession: str) -> LastVerification | None:
    """Return what the last verification of a session found; None where there was none."""
    row = await session.get(VerificationRow, accession)
    if row is None or row.at is None:
        return None
    return LastVerification(at=row.at, files=row.files, counts=_counts(row))


async def keep(
    session: AsyncSession, accession: str, counts: FaultCounts, *, files: int, actor: str
) -> None:
    """Write down what a verification has found. It stands in the audit trail where something is
    wrong, and where something was."""
    row = await session.get_one(VerificationRow, accession, with_for_update=True)
    before = _counts(row)
    row.at = datetime.now(UTC)
    row.files = files
    row.missing, row.changed = counts.missing, counts.changed
    row.stray, row.damaged = counts.stray, counts.damaged
    row.faults = counts.total
    if counts.total or before.total:
        detail = {
            "files": files,
            "missing": counts.missing,
            "changed": counts.changed,
            "stray": counts.stray,
            "damaged": counts.damaged,
        }
        record(
            session, actor, "Faults found" if counts.total else "No faults left", accession, detail
        )


async def due(session: AsyncSession, before: datetime, limit: int) -> DueSessions:
    """Return sessions that were not verified since `before`, the least recently verified first."""
    rows = await session.scalars(
        select(VerificationRow.session)
        .where(or_(VerificationRow.at.is_(None), VerificationRow.at < before))
        .order_by(VerificationRow.at.asc().nulls_first(), VerificationRow.session)
        .limit(limit)
    )
    total = await session.scalar(select(func.count()).select_from(VerificationRow))
    return DueSessions(accessions=tuple(rows), total=total or 0)


async def faulty(session: AsyncSession, limit: int) -> tuple[tuple[str, ...], int]:
    """Return the first sessions in which the last verification has found something, and how many
    there are."""
    which = VerificationRow.faults > 0
    query = select(VerificationRow.session).where(which).order_by(VerificationRow.session)
    named = tuple(await session.scalars(query.limit(limit)))
    count = await session.scalar(select(func.count()).where(which))
    return named, count or 0


async def never(session: AsyncSession) -> tuple[int, datetime | None]:
    """Return how many sessions were never verified, and when the least recent of the others was."""
    query = select(func.count()).where(VerificationRow.at.is_(None))
    oldest = await session.scalar(select(func.min(VerificationRow.at)))
    return await session.scalar(query) or 0, oldest


def _counts(row: VerificationRow) -> FaultCounts:
    return FaultCounts(
        missing=row.missing, changed=row.changed, stray=row.stray, damaged=row.damaged
    )
