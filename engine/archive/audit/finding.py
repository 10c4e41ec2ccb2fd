# SPDX-License-Identifier: Apache-2.0
"""Finds events in the audit chain, a page at a time, as quickly among millions as among hundreds:
every filter goes by an index in the order of numbers, and what is counted is bounded."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, column, false, func, or_, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.search import words
from engine.archive.tables import ArchivedSessionRow, AuditRow
from engine.model.archive import AuditCount, AuditEvent, AuditPage, AuditQuery
from engine.model.filters import MOST_WORDS, check_count, check_length

MOST_COUNTED = 10_000
"""Events of a filtered list that are counted; of more is only said that there are more."""

MOST_SUMMED = 50_000
"""Events of which is counted what they were."""

_OUT_OF_ORDER = timedelta(days=7)
"""By so much the numbers of two events may contradict their times: events wait in an outbox while
they cannot be appended. Only a trail that got nothing for longer could hide one from a range."""

_FILED = "Transferred"
"""The action of which the detail `origin` joins a session to what it was before."""

_MOST_NAMES = 100
"""Names of one thing that are followed."""

_INDEX = table("audit_index", column("rowid"))


async def find(
    session: AsyncSession,
    query: AuditQuery,
    *,
    before: int | None = None,
    after: int | None = None,
    offset: int = 0,
    limit: int,
) -> AuditPage:
    """Return a page of events, the newest first: those before a number, those that follow one, or
    the newest; `offset` of them are left out."""
    wanted = await _resolved(session, query)
    if wanted is None:
        return AuditPage(rows=(), total=0)
    total, exact = await _count(session, wanted)
    rows = await _rows(session, wanted, before, after, offset, limit, last=total)
    return AuditPage(rows=tuple(map(_event, rows)), total=total, exact=exact)


async def counts(session: AsyncSession, since: datetime) -> tuple[AuditCount, ...]:
    """Return how often each action was done since a moment, the commonest first; of very many
    events the newest are counted."""
    lowest = await _bound(session, since, is_lower=True)
    if lowest is None:
        return ()
    newest = (
        select(AuditRow.action)
        .where(AuditRow.number >= lowest, AuditRow.at >= since)
        .order_by(AuditRow.number.desc())
        .limit(MOST_SUMMED)
        .subquery()
    )
    count = func.count()
    rows = await session.execute(
        select(newest.c.action, count.label("number"))
        .group_by(newest.c.action)
        .order_by(count.desc(), newest.c.action)
    )
    return tuple(AuditCount(action=row.action, count=row.number) for row in rows)


class _Wanted:
    """A query as conditions on numbers and columns."""

    def __init__(self, query: AuditQuery) -> None:
        self.query = query
        self.objects: frozenset[str] = frozenset()
        self.lowest: int | None = None
        self.highest: int | None = None

    @property
    def is_everything(self) -> bool:
        return self.query == AuditQuery()

    def selected(self, session: AsyncSession, *columns: Any) -> Select[Any]:
        """Select what matches, without an order."""
        query = self.query
        found = select(*columns)
        if query.text:
            found = _with_text(session, found, query.text)
        for name in ("actor", "action", "object", "project"):
            if value := getattr(query, name):
                found = found.where(getattr(AuditRow, name) == value)
        if query.life:
            found = found.where(AuditRow.object.in_(sorted(self.objects)))
        if query.since is not None:
            found = found.where(AuditRow.at >= query.since)
        if query.until is not None:
            found = found.where(AuditRow.at <= query.until)
        if self.lowest is not None:
            found = found.where(AuditRow.number >= self.lowest)
        if self.highest is not None:
            found = found.where(AuditRow.number <= self.highest)
        return found

    def number(self, session: AsyncSession) -> ColumnElement[int]:
        """Return what the number of an event is read from in the order of the list."""
        if self.query.text and _is_sqlite(session):
            return _INDEX.c.rowid
        return AuditRow.number.expression


async def _resolved(session: AsyncSession, query: AuditQuery) -> _Wanted | None:
    """Look up what a query means in numbers and names; None where nothing can match."""
    wanted = _Wanted(query)
    if query.text and not words(query.text):
        return None
    if query.life:
        wanted.objects = await _names(session, query.life)
    if query.since is not None:
        wanted.lowest = await _bound(session, query.since, is_lower=True)
        if wanted.lowest is None:
            return None
    if query.until is not None:
        wanted.highest = await _bound(session, query.until, is_lower=False)
        if wanted.highest is None:
            return None
    return wanted


async def _bound(session: AsyncSession, at: datetime, *, is_lower: bool) -> int | None:
    """Return the first or last number that an event since or until a moment can have."""
    if is_lower:
        nearest = await session.scalar(select(func.min(AuditRow.at)).where(AuditRow.at >= at))
        found: ColumnElement[int] = func.min(AuditRow.number)
        span = _OUT_OF_ORDER
    else:
        nearest = await session.scalar(select(func.max(AuditRow.at)).where(AuditRow.at <= at))
        found, span = func.max(AuditRow.number), -_OUT_OF_ORDER
    if nearest is None:
        return None
    first, last = sorted((nearest, nearest + span))
    return await session.scalar(select(found).where(AuditRow.at >= first, AuditRow.at <= last))


async def _names(session: AsyncSession, name: str) -> frozenset[str]:
    """Return every id that a session had, in the prearchive and in the archive."""
    names, fresh = {name}, {name}
    while fresh and len(names) < _MOST_NAMES:
        filed = await session.execute(
            select(ArchivedSessionRow.id, ArchivedSessionRow.origin).where(
                or_(ArchivedSessionRow.id.in_(fresh), ArchivedSessionRow.origin.in_(fresh))
            )
        )
        found = {one for row in filed for one in (row.id, row.origin)}
        # The row may be gone; the event of its filing stays.
        details = await session.scalars(
            select(AuditRow.detail).where(AuditRow.object.in_(fresh), AuditRow.action == _FILED)
        )
        origins = (json.loads(detail).get("origin") for detail in details)
        found |= {origin for origin in origins if isinstance(origin, str)}
        fresh = found - names
        names |= fresh
    return frozenset(names)


async def _count(session: AsyncSession, wanted: _Wanted) -> tuple[int, bool]:
    """Return how many events match, and whether that is all."""
    if wanted.is_everything:
        # Nothing is ever deleted, so the last number is how many there are.
        return await session.scalar(select(func.max(AuditRow.number))) or 0, True
    some = wanted.selected(session, wanted.number(session)).limit(MOST_COUNTED + 1).subquery()
    count = await session.scalar(select(func.count()).select_from(some)) or 0
    return min(count, MOST_COUNTED), count <= MOST_COUNTED


async def _rows(
    session: AsyncSession,
    wanted: _Wanted,
    before: int | None,
    after: int | None,
    offset: int,
    limit: int,
    *,
    last: int,
) -> list[AuditRow]:
    number = wanted.number(session)
    found = wanted.selected(session, AuditRow)
    if before is not None:
        found = found.where(number < before)
    if after is not None:
        found = found.where(number > after)
    if offset and wanted.is_everything and before is None and after is None:
        # Numbers have no gaps: the database need not step over what is left out.
        found, offset = found.where(number <= last - offset), 0
    order = number.asc() if after is not None and before is None else number.desc()
    rows = list(await session.scalars(found.order_by(order).offset(offset).limit(limit)))
    return sorted(rows, key=lambda row: row.number, reverse=True)


def _with_text(session: AsyncSession, found: Select[Any], value: str) -> Select[Any]:
    """Want each word of a text to begin some word of an event."""
    check_length(value)
    wanted = words(value)
    check_count(len(wanted), MOST_WORDS, "words")
    if not wanted:
        return found.where(false())
    if _is_sqlite(session):
        phrase = " ".join(f'"{word}"*' for word in wanted)
        # The index leads: it gives numbers in their order, and is not read to its end for a page.
        return (
            found.select_from(_INDEX)
            .join(AuditRow, AuditRow.number == _INDEX.c.rowid)
            .where(text("audit_index MATCH :phrase").bindparams(phrase=phrase))
        )
    phrase = " & ".join(f"'{word}':*" for word in wanted)
    return found.where(text("document @@ CAST(:phrase AS tsquery)").bindparams(phrase=phrase))


def _is_sqlite(session: AsyncSession) -> bool:
    return session.get_bind().dialect.name == "sqlite"


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
        previous=row.previous,
        project=row.project,
    )
