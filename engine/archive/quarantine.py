# SPDX-License-Identifier: Apache-2.0
"""Changes the state of filed sessions, and lists those that are not active. What may be done is
decided in `engine.model.quarantine`, who may do it in `engine.service.gate`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history, projects, sessions
from engine.archive.audit.trail import record
from engine.archive.conditions import names_status, where
from engine.archive.search import matching
from engine.archive.tables import (
    ArchivedSessionRow,
    ProjectRow,
    ReleaseRow,
    ScanRow,
    SubjectRow,
)
from engine.model.archive import SessionStatus, Window
from engine.model.errors import Conflict, InvalidInput, Refused
from engine.model.people import EVERYTHING, Scope
from engine.model.quarantine import (
    Act,
    QuarantinedSession,
    QuarantinePage,
    QuarantineQuery,
    Standing,
    Yes,
    after,
    is_the_same,
    is_withheld,
    recorded_as,
    why_not,
)

_SINCE = func.coalesce(ArchivedSessionRow.status_at, ArchivedSessionRow.added)
_STATE = ArchivedSessionRow.status
_SORTS: dict[str, ColumnElement[Any]] = {
    "since": _SINCE,
    "accession": ArchivedSessionRow.id.expression,
    "date": ArchivedSessionRow.date.expression,
    "label": ArchivedSessionRow.label.expression,
    "project": ArchivedSessionRow.project.expression,
    "status": _STATE.expression,
    "subject": SubjectRow.label.expression,
}
"""By what the list may be sorted."""

_INACTIVE = tuple(each.value for each in SessionStatus if each is not SessionStatus.ACTIVE)
_LONGEST_REASON = 2000

Counts = Callable[[str, str], bool]
"""Whether the word of somebody counts in a project."""


def everybody(login: str, project: str) -> bool:
    """Let the word of everybody count."""
    return True


async def act(
    session: AsyncSession,
    accession: str,
    verb: Act,
    *,
    actor: str,
    may: Counts = everybody,
    reason: str = "",
) -> Standing:
    """Do one act and return how the session stands then, locked until the transaction ends: of two
    acts at once the second sees what the first has done. Of those who agreed to a release before,
    those count who still `may`.

    Raises:
        NotFound: no such session.
        Conflict: its state does not allow the act.
        Refused: somebody wants to be both of two people.
        InvalidInput: the reason is too long.
    """
    if len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"a reason has at most {_LONGEST_REASON} characters")
    row = await session.scalar(
        select(ArchivedSessionRow).where(ArchivedSessionRow.id == accession).with_for_update()
    )
    if row is None:
        raise sessions.missing()
    agreed = await _agreed(session, (accession,), may)
    people = (await projects.live(session, row.project)).release_people
    standing = Standing(
        status=SessionStatus(row.status),
        before=sessions.status_before(row),
        yes=frozenset(one.actor for one in agreed[accession]),
    )
    if why := why_not(verb, standing, actor, people):
        same = verb is Act.RELEASE and is_the_same(standing, actor, people)
        raise (Refused if same else Conflict)(f"cannot {verb.value} {accession}: {why}")
    then = after(verb, standing, actor, people)
    kept = history.state(row)
    await _set(session, row, then, actor, reason)
    change = recorded_as(verb, then, people)
    history.keep(session, sessions.KIND, accession, actor, change, kept, reason=reason)
    detail: dict[str, Any] = {"project": row.project, "from": standing.status.value}
    if verb is Act.RELEASE and people > 1:
        detail["people"] = sorted(standing.yes | {actor})
    if reason:
        detail["reason"] = reason
    record(session, actor, change, accession, detail)
    await session.flush()
    return then


def begin(session: AsyncSession, row: ArchivedSessionRow, actor: str, reason: str) -> None:
    """Put a session into quarantine that is being filed; the caller commits."""
    kept = history.state(row)
    row.status = SessionStatus.QUARANTINE.value
    row.status_at, row.status_by = row.added, actor
    history.keep(session, sessions.KIND, row.id, actor, "Quarantined", kept, reason=reason)
    record(session, actor, "Quarantined", row.id, {"project": row.project, "reason": reason})


async def waiting(session: AsyncSession, scope: Scope) -> dict[str, list[datetime]]:
    """Return since when sessions are in quarantine, by project."""
    since = func.coalesce(ArchivedSessionRow.status_at, ArchivedSessionRow.added)
    query = select(ArchivedSessionRow.project, since).where(
        ArchivedSessionRow.status == SessionStatus.QUARANTINE.value
    )
    if scope.projects is not None:
        query = query.where(ArchivedSessionRow.project.in_(scope.projects))
    found: dict[str, list[datetime]] = {}
    for project, moment in await session.execute(query):
        found.setdefault(project, []).append(moment)
    return found


async def withheld_since(session: AsyncSession, accession: str) -> datetime | None:
    """Return since when only those may see a session who may release it; None where all may."""
    row = await session.scalar(select(ArchivedSessionRow).where(ArchivedSessionRow.id == accession))
    if row is None or not is_withheld(SessionStatus(row.status), sessions.status_before(row)):
        return None
    return row.status_at or row.added


async def page(
    session: AsyncSession,
    query: QuarantineQuery,
    window: Window,
    scope: Scope = EVERYTHING,
    released: Scope = EVERYTHING,
    may: Counts = everybody,
) -> QuarantinePage:
    """Return a window of the sessions that a query finds; of those in quarantine only what is in
    projects where somebody may release.

    Raises:
        InvalidInput: a condition or the sort is not known.
    """
    order = _SORTS.get(query.sort)
    if order is None:
        raise InvalidInput(f"cannot sort by {query.sort!r}", hint=f"use {', '.join(_SORTS)}")
    visible = list(sessions.within(scope, released))
    criteria = [*visible, *where(query.where)]
    if query.states or not names_status(query.where):
        states = [each.value for each in query.states] or _INACTIVE
        criteria.append(_STATE.in_(states))
    if query.project:
        criteria.append(ArchivedSessionRow.project == query.project)
    if query.text:
        criteria.append(matching(session, query.text))
    found = (
        select(ArchivedSessionRow, SubjectRow.label, ProjectRow.release_people)
        .join(SubjectRow, SubjectRow.id == ArchivedSessionRow.subject)
        .join(ProjectRow, ProjectRow.id == ArchivedSessionRow.project)
        .where(*criteria)
    )
    total = await session.scalar(select(func.count()).select_from(found.subquery()))
    key = ArchivedSessionRow.key
    down = query.descending
    ordered = found.order_by(
        order.desc() if down else order.asc(), key.desc() if down else key.asc()
    )
    rows = (await session.execute(ordered.offset(window.offset).limit(window.limit))).all()
    ids = [row.id for row, _, _ in rows]
    agreed, scans = await _agreed(session, ids, may), await _scans(session, ids)
    counts: dict[str, int] = {}
    counted = select(_STATE, func.count()).where(*visible, _STATE.in_(_INACTIVE)).group_by(_STATE)
    for state, count in await session.execute(counted):
        counts[state] = count
    waiting = _STATE.in_([SessionStatus.QUARANTINE.value])
    return QuarantinePage(
        rows=tuple(
            _summary(row, subject, people, agreed[row.id], scans.get(row.id, 0))
            for row, subject, people in rows
        ),
        total=total or 0,
        counts=counts,
        oldest=await session.scalar(select(func.min(_SINCE)).where(*visible, waiting)),
    )


async def _set(
    session: AsyncSession, row: ArchivedSessionRow, then: Standing, actor: str, reason: str
) -> None:
    now = datetime.now(UTC)
    if then.yes:
        session.add(ReleaseRow(session=row.id, actor=actor, at=now, reason=reason))
        return
    await session.execute(delete(ReleaseRow).where(ReleaseRow.session == row.id))
    row.status = then.status.value
    row.status_before = then.before.value if then.before is not None else ""
    row.status_at, row.status_by = now, actor


async def _agreed(
    session: AsyncSession, accessions: Collection[str], may: Counts
) -> defaultdict[str, list[Yes]]:
    """Return who agreed to a release and may still do so: a role that is lost takes its word with
    it, and gives it back when it comes back."""
    found: defaultdict[str, list[Yes]] = defaultdict(list)
    rows = (
        select(ReleaseRow, ArchivedSessionRow.project)
        .join(ArchivedSessionRow, ArchivedSessionRow.id == ReleaseRow.session)
        .where(ReleaseRow.session.in_(accessions))
        .order_by(ReleaseRow.at)
    )
    for row, project in await session.execute(rows):
        if may(row.actor, project):
            found[row.session].append(Yes(actor=row.actor, at=row.at, reason=row.reason))
    return found


async def _scans(session: AsyncSession, accessions: Collection[str]) -> dict[str, int]:
    counted = (
        select(ScanRow.session, func.count())
        .where(ScanRow.session.in_(accessions))
        .group_by(ScanRow.session)
    )
    return {id: count for id, count in await session.execute(counted)}


def _summary(
    row: ArchivedSessionRow, subject: str, people: int, agreed: list[Yes], scans: int
) -> QuarantinedSession:
    return QuarantinedSession(
        accession=row.id,
        label=row.label,
        project=row.project,
        subject=subject,
        modality=row.modality,
        date=row.date,
        status=SessionStatus(row.status),
        before=sessions.status_before(row),
        since=row.status_at or row.added,
        by=row.status_by or row.added_by,
        yes=tuple(agreed),
        people=people,
        files=row.files,
        scans=scans,
    )
