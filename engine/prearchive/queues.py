# SPDX-License-Identifier: Apache-2.0
"""What waits in the prearchive, for whom and since when; and what has left it in a month. Every
number is counted by the database, however many sessions there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.columns import Moment
from engine.model.accounts import Place
from engine.model.people import Scope
from engine.model.queues import MonthLine, Queue, QueueKind
from engine.model.states import Status
from engine.prearchive.desk_tables import DepartureRow, DeskRow
from engine.prearchive.rows import within
from engine.prearchive.tables import HeldRow, SessionRow

_ORDER = tuple(QueueKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class Goals:
    """How many hours sessions are to wait at most; 0 where nobody has said."""

    site: int = 0
    projects: Mapping[str, int] = field(default_factory=dict)
    """Of those that have one of their own."""

    def of(self, project: str | None) -> int:
        """Return the goal of a project, or of what belongs to none."""
        return self.projects.get(project or "", 0) or self.site

    def missed(self, now: datetime) -> ColumnElement[bool]:
        """Say whether the last object of a session came too long ago."""
        return SessionRow.last_object < self._bound(now)

    def _bound(self, now: datetime) -> ColumnElement[Any]:
        # What has no goal is never late: nothing came before this.
        site = literal(_before(now, self.site), Moment())
        own = [
            (SessionRow.project == project, literal(_before(now, hours), Moment()))
            for project, hours in sorted(self.projects.items())
            if hours
        ]
        return case(*own, else_=site) if own else site


def _before(now: datetime, hours: int) -> datetime:
    return now - timedelta(hours=hours) if hours else datetime.min.replace(tzinfo=UTC)


def settled() -> ColumnElement[bool]:
    """Say whether a session waits for a person: it is at rest, and nothing more comes."""
    at_rest = SessionRow.status.in_([Status.READY, Status.CONFLICT, Status.ERROR])
    return and_(at_rest, ~SessionRow.locked)


def is_overdue(goals: Goals) -> ColumnElement[bool]:
    """Say whether a session waits for a person for longer than it is to."""
    return and_(settled(), goals.missed(datetime.now(UTC)))


async def waiting(
    session: AsyncSession, goals: Goals, scope: Scope, *, now: datetime
) -> list[Queue]:
    """Count what waits in a scope by what is to be done with it, by project and person."""
    kind = case(
        (SessionRow.project.is_(None), QueueKind.UNASSIGNED.value),
        (SessionRow.status == Status.CONFLICT.value, QueueKind.CONFLICT.value),
        (SessionRow.status == Status.ERROR.value, QueueKind.ERROR.value),
        (SessionRow.belongs_to != "", QueueKind.LATE.value),
        (DeskRow.reviewed.is_not(None), QueueKind.ARCHIVE.value),
        else_=QueueKind.REVIEW.value,
    ).label("kind")
    person = func.coalesce(DeskRow.assigned, "").label("person")
    query = (
        select(
            kind,
            SessionRow.project,
            person,
            func.count(),
            func.min(SessionRow.last_object),
            func.sum(case((goals.missed(now), 1), else_=0)),
        )
        .select_from(SessionRow)
        .outerjoin(DeskRow, DeskRow.session == SessionRow.id)
        .where(settled(), *within(scope))
        .group_by(kind, SessionRow.project, person)
    )
    found = [
        Queue(
            kind=QueueKind(kind),
            project=project or "",
            person=person,
            waiting=count,
            oldest=oldest,
            goal_hours=goals.of(project),
            overdue=int(overdue),
        )
        for kind, project, person, count, oldest, overdue in await session.execute(query)
    ]
    if scope.unassigned:
        found += await _held(session, goals, now)
    return sorted(found, key=place)


async def _held(session: AsyncSession, goals: Goals, now: datetime) -> list[Queue]:
    missed = case((HeldRow.at < _before(now, goals.site), 1), else_=0)
    query = select(func.count(), func.min(HeldRow.at), func.sum(missed)).where(~HeldRow.waits)
    count, oldest, overdue = (await session.execute(query)).one()
    if not count:
        return []
    return [
        Queue(
            kind=QueueKind.HELD,
            waiting=count,
            oldest=oldest,
            goal_hours=goals.site,
            overdue=int(overdue),
        )
    ]


def place(queue: Queue) -> tuple[int, str, str]:
    """Return where a queue stands in a list."""
    return _ORDER.index(queue.kind), queue.project, queue.person


async def depart(session: AsyncSession, row: SessionRow, place: Place) -> None:
    """Note that a session leaves; a second time nothing is changed."""
    if await session.get(DepartureRow, row.id) is not None:
        return
    said = await session.get(DeskRow, row.id)
    session.add(
        DepartureRow(
            session=row.id,
            project=row.project,
            received=row.uploaded,
            reviewed=said.reviewed if said is not None else None,
            left=datetime.now(UTC),
            place=place.value,
        )
    )


async def come_back(session: AsyncSession, id: str) -> None:
    """Note that a deleted session is here again."""
    await session.execute(delete(DepartureRow).where(DepartureRow.session == id))


async def month(
    session: AsyncSession, begins: datetime, ends: datetime, scope: Scope, *, name: str
) -> list[MonthLine]:
    """Tell how the sessions of each project of a scope fared between two moments."""
    left: defaultdict[str | None, list[Any]] = defaultdict(list)
    here = within(scope, DepartureRow.project)
    leaving = select(
        DepartureRow.project,
        DepartureRow.place,
        DepartureRow.received,
        DepartureRow.left,
        DepartureRow.reviewed,
    ).where(DepartureRow.left >= begins, DepartureRow.left < ends, *here)
    for row in await session.execute(leaving):
        left[row.project].append(row)
    received = await _count(session, begins, ends, scope)
    waiting = await _there_at(session, ends, scope)
    projects = sorted({*left, *received, *waiting}, key=lambda project: project or "")
    return [
        _line(name, project, left[project], received.get(project, 0), waiting.get(project, 0))
        for project in projects
    ]


async def _count(
    session: AsyncSession, begins: datetime, ends: datetime, scope: Scope
) -> dict[str | None, int]:
    """Count the sessions that began to come, by where they are or were at last."""
    return await _both(
        session,
        scope,
        and_(SessionRow.uploaded >= begins, SessionRow.uploaded < ends),
        and_(DepartureRow.received >= begins, DepartureRow.received < ends),
    )


async def _there_at(session: AsyncSession, moment: datetime, scope: Scope) -> dict[str | None, int]:
    """Count the sessions that waited at a moment."""
    return await _both(
        session,
        scope,
        SessionRow.uploaded < moment,
        and_(DepartureRow.received < moment, DepartureRow.left >= moment),
    )


async def _both(
    session: AsyncSession, scope: Scope, here: ColumnElement[bool], gone: ColumnElement[bool]
) -> dict[str | None, int]:
    counts: dict[str | None, int] = defaultdict(int)
    for project, wanted in ((SessionRow.project, here), (DepartureRow.project, gone)):
        query = (
            select(project, func.count()).where(wanted, *within(scope, project)).group_by(project)
        )
        for name, count in await session.execute(query):
            counts[name] += count
    return counts


def _line(
    month: str, project: str | None, left: Sequence[Any], received: int, waiting: int
) -> MonthLine:
    archived = [row for row in left if row.place == Place.ARCHIVED.value]
    hours = sorted((row.left - row.received).total_seconds() / 3600 for row in archived)
    return MonthLine(
        month=month,
        project=project or "",
        received=received,
        reviewed=sum(row.reviewed is not None for row in left),
        archived=len(archived),
        rejected=len(left) - len(archived),
        waiting=waiting,
        median_hours=round(median(hours), 2) if hours else None,
        p90_hours=round(_p90(hours), 2) if hours else None,
    )


def _p90(hours: Sequence[float]) -> float:
    """Return what nine of ten took at most."""
    return quantiles(hours, n=10, method="inclusive")[-1] if len(hours) > 1 else hours[0]


async def forget_departures(session: AsyncSession, before: datetime) -> int:
    """Forget the oldest departures before a moment, some of them; return how many."""
    old = select(DepartureRow.session).where(DepartureRow.left < before).limit(500)
    gone = await session.execute(
        delete(DepartureRow).where(DepartureRow.session.in_(old)).returning(DepartureRow.session)
    )
    return len(gone.all())
