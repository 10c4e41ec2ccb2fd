# SPDX-License-Identifier: Apache-2.0
"""The rows of findings, without their values. Every change uses the transaction of the caller."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.model.changes import Statement
from engine.model.errors import NotFound
from engine.model.findings import Finding, FindingKind, Findings, Level
from engine.model.states import Status
from engine.prearchive.finding_tables import AcknowledgementRow, FindingLookRow, FindingRow
from engine.prearchive.tables import SessionRow

STALE = ""
"""What stands in place of a script where a session has to be looked through again."""

_AT_REST = (Status.READY.value, Status.CONFLICT.value)


async def of(session: AsyncSession, id: str) -> Findings:
    """Return all findings of a session, the highest level first."""
    look = await session.get(FindingLookRow, id)
    rows = await session.scalars(select(FindingRow).where(FindingRow.session == id))
    known = await _acknowledged(session, id)
    order = list(Level)
    found = sorted(
        (_told(row, known.get(row.key)) for row in rows),
        key=lambda one: (order.index(one.level), one.path, one.name, one.key),
    )
    return Findings(
        session=id,
        looked=look.at if look is not None else None,
        files=look.files if look is not None else 0,
        rows=tuple(found),
    )


async def looks(session: AsyncSession, ids: Collection[str]) -> Mapping[str, FindingLookRow]:
    """Return how sessions were looked through last, of those that were."""
    if not ids:
        return {}
    found = await session.scalars(select(FindingLookRow).where(FindingLookRow.session.in_(ids)))
    return {row.session: row for row in found}


async def outdate(session: AsyncSession, id: str, *, archives: bool = False) -> None:
    """Have a session looked through again; with `archives` it goes on to the archive then, if its
    project minds nothing that is open."""
    row = await session.get(FindingLookRow, id)
    if row is None:
        session.add(FindingLookRow(session=id, of=STALE, archives=archives))
        return
    row.of, row.archives = STALE, archives


async def next_stale(
    session: AsyncSession, project: str | None, script: str, passed: Collection[str]
) -> str | None:
    """Return a session of a project that was not looked through as it is now: with this script."""
    query = (
        select(SessionRow.id)
        .outerjoin(FindingLookRow, FindingLookRow.session == SessionRow.id)
        .where(
            SessionRow.project.is_(None) if project is None else SessionRow.project == project,
            SessionRow.status.in_(_AT_REST),
            SessionRow.locked.is_(False),
            SessionRow.id.not_in(passed),
            or_(FindingLookRow.of.is_(None), FindingLookRow.of != script),
        )
        .order_by(SessionRow.lastmod)
        .limit(1)
    )
    return await session.scalar(query)


async def projects_at_rest(session: AsyncSession) -> list[str | None]:
    """Return the projects that have sessions to look through."""
    query = select(SessionRow.project).where(SessionRow.status.in_(_AT_REST)).distinct()
    return list(await session.scalars(query))


async def keep(
    session: AsyncSession, id: str, of: str, found: Sequence[tuple[Finding, str]], files: int
) -> FindingLookRow:
    """Keep what was found instead of what was there. What somebody has acknowledged is open again
    where other values are there now."""
    await session.execute(delete(FindingRow).where(FindingRow.session == id))
    for one, evidence in found:
        session.add(
            FindingRow(
                session=id,
                key=one.key,
                kind=one.kind.value,
                level=one.level.value,
                path=one.path,
                name=one.name,
                scans=msgspec.json.encode(one.scans).decode(),
                files=one.files,
                left=one.left,
                cause=one.cause,
                mended_by=""
                if one.mended_by is None
                else msgspec.json.encode(one.mended_by).decode(),
                evidence=evidence,
            )
        )
    look = await session.get(FindingLookRow, id)
    if look is None:
        look = FindingLookRow(session=id, of=of)
        session.add(look)
    look.of, look.at, look.files = of, datetime.now(UTC), files
    await session.flush()
    await count(session, look)
    return look


async def count(session: AsyncSession, look: FindingLookRow) -> None:
    """Count what is open anew."""
    open = [one for one in (await of(session, look.session)).rows if one.is_open]
    order = list(Level)
    look.open = len(open)
    look.level = min((one.level for one in open), key=order.index).value if open else ""


async def acknowledge(
    session: AsyncSession, id: str, keys: Collection[str], by: str, reason: str
) -> list[Finding]:
    """Say of findings that they are none, as they are now.

    Raises:
        NotFound: if there is no such finding.
    """
    rows = await _rows(session, id, keys)
    for row in rows:
        old = await session.get(AcknowledgementRow, (id, row.key))
        if old is not None:
            await session.delete(old)
            await session.flush()
        session.add(
            AcknowledgementRow(
                session=id,
                key=row.key,
                evidence=row.evidence,
                by=by,
                at=datetime.now(UTC),
                reason=reason,
            )
        )
    await session.flush()
    return [_told(row, None) for row in rows]


async def reopen(session: AsyncSession, id: str, keys: Collection[str]) -> list[Finding]:
    """Take back what was said of findings.

    Raises:
        NotFound: if there is no such finding.
    """
    rows = await _rows(session, id, keys)
    query = delete(AcknowledgementRow).where(
        AcknowledgementRow.session == id, AcknowledgementRow.key.in_(keys)
    )
    await session.execute(query)
    return [_told(row, None) for row in rows]


async def _rows(session: AsyncSession, id: str, keys: Collection[str]) -> list[FindingRow]:
    query = select(FindingRow).where(FindingRow.session == id, FindingRow.key.in_(keys))
    rows = list(await session.scalars(query))
    if len(rows) < len(set(keys)):
        raise NotFound("there is no such finding any more", hint="list them again")
    return rows


async def _acknowledged(session: AsyncSession, id: str) -> dict[str, AcknowledgementRow]:
    query = select(AcknowledgementRow).where(AcknowledgementRow.session == id)
    return {row.key: row for row in await session.scalars(query)}


def _told(row: FindingRow, known: AcknowledgementRow | None) -> Finding:
    found = Finding(
        key=row.key,
        kind=FindingKind(row.kind),
        level=Level(row.level),
        path=row.path,
        name=row.name,
        scans=tuple(msgspec.json.decode(row.scans, type=list[str])),
        files=row.files,
        left=row.left,
        cause=row.cause,
        mended_by=msgspec.json.decode(row.mended_by, type=Statement) if row.mended_by else None,
    )
    if known is None or known.evidence != row.evidence:
        return found
    return replace(found, acknowledged_by=known.by, acknowledged=known.at, reason=known.reason)
