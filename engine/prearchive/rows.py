# SPDX-License-Identifier: Apache-2.0
"""Prearchive rows: finding them, listing them, and the transitions of their state machine. Every
change uses the transaction of the caller, so that status, job, tally and event commit together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.comparisons import Criterion
from engine.model.errors import Conflict, NotFound
from engine.model.filters import check_length
from engine.model.identifiers import PrearchiveId
from engine.model.people import EVERYTHING, Scope
from engine.model.prearchive import (
    UNASSIGNED,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.states import (
    QUEUED,
    QUEUED_FOR,
    TAKES_DATA,
    WORKING,
    WORKING_AT,
    Status,
    Verb,
    why_not,
)
from engine.prearchive import desk, findings
from engine.prearchive.conditions import NOBODYS, known, where
from engine.prearchive.desk_tables import DeskRow
from engine.prearchive.finding_tables import FindingLookRow
from engine.prearchive.tables import HeldRow, SessionRow

SORTS = {
    "last_object": SessionRow.last_object,
    "uploaded": SessionRow.uploaded,
    "lastmod": SessionRow.lastmod,
    "project": SessionRow.project,
    "subject": SessionRow.subject,
    "label": SessionRow.label,
    "status": SessionRow.status,
    "scan_date": SessionRow.scan_date,
    "calling": SessionRow.calling,
    "modality": SessionRow.modality,
    "scans": SessionRow.scans,
    "objects": SessionRow.objects,
    "bytes": SessionRow.bytes,
}
"""What a list can be ordered by; anything else is ordered by the last object."""

_LABELS = frozenset({"subject", "label"})
_ADDRESS = re.compile(r"(?:/data)?/prearchive/projects/([^/]+)/([^/]+)/([^/?]+)/?")


def folder_of(row: SessionRow, prearchive: Path) -> Path:
    """Return the folder of a session as it is now, a job's working place included."""
    if row.working_folder:
        return prearchive / row.working_folder
    return place_of(prearchive, row.project, row.timestamp, row.folder)


def place_of(prearchive: Path, project: str | None, timestamp: str, folder: str) -> Path:
    """Return the place of a session's folder: Unassigned has no project level."""
    base = prearchive / project if project else prearchive
    return base / timestamp / folder


def timestamp_of(moment: datetime) -> str:
    """Name the folder of what arrives at a moment."""
    return moment.strftime("%Y%m%d_%H%M%S") + f"{moment.microsecond // 1000:03d}"


def to_session(
    row: SessionRow, said: DeskRow | None = None, look: FindingLookRow | None = None
) -> PrearchiveSession:
    """Return a row as the outside sees it, with what people have said of it and what was found in
    it, where that is known."""
    return PrearchiveSession(
        id=PrearchiveId(row.id),
        project=row.project,
        timestamp=row.timestamp,
        folder=row.folder,
        label=row.label,
        subject=row.subject,
        tag=row.received_study_uid,
        status=Status(row.status),
        locked=row.locked,
        reason=row.reason,
        autoarchive=row.autoarchive,
        prevent_anon=row.prevent_anon,
        prevent_auto_commit=row.prevent_auto_commit,
        source=row.source,
        visit=row.visit,
        protocol=row.protocol,
        timezone=row.timezone,
        scan_date=row.scan_date,
        scan_time=row.scan_time,
        uploaded=row.uploaded,
        lastmod=row.lastmod,
        last_object=row.last_object,
        receiver=row.receiver,
        calling=row.calling,
        session_type=row.session_type,
        modality=row.modality,
        scans=row.scans,
        objects=row.objects,
        bytes=row.bytes,
        contradictions=row.contradictions,
        belongs_to=row.belongs_to,
        cut_short=row.cut_short,
        duplicates=row.duplicates,
        arriving=row.arriving,
        missing=row.missing,
        assigned=said.assigned if said is not None else "",
        reviewed_by=said.reviewed_by if said is not None else "",
        reviewed=said.reviewed if said is not None else None,
        noted=said is not None and bool(said.note),
        findings=look.open if look is not None and look.at is not None else None,
        findings_level=look.level if look is not None else "",
    )


async def get(session: AsyncSession, id: str, *, lock: bool = False) -> SessionRow:
    """Find a row by id.

    Raises:
        NotFound: if there is none.
    """
    query = select(SessionRow).where(SessionRow.id == id)
    row = (await session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if row is None:
        raise missing(id)
    return row


def missing(id: str) -> NotFound:
    """Return what is said of a session that is not there, or that may not be seen."""
    return NotFound(f"there is no prearchive session {id}", hint="list them: prearchive list")


async def find(session: AsyncSession, name: str, scope: Scope = EVERYTHING) -> str:
    """Return the id for an id, an address, or a label that only one session of a scope has.

    Raises:
        NotFound: if nothing has that name.
        Conflict: if several sessions have that label.
    """
    address = _ADDRESS.fullmatch(name)
    if address:
        project, timestamp, folder = address.groups()
        wanted: tuple[ColumnElement[bool], ...] = (
            SessionRow.timestamp == timestamp,
            SessionRow.folder == folder,
            func.coalesce(SessionRow.project, UNASSIGNED) == project,
        )
    else:
        wanted = (or_(SessionRow.id == name, SessionRow.label == name),)
    query = select(SessionRow.id).where(*wanted, *within(scope)).limit(2)
    found = (await session.execute(query)).scalars().all()
    if not found:
        raise NotFound("no prearchive session has that name", hint="list them: prearchive list")
    if len(found) > 1:
        raise Conflict("several sessions have that label", hint="name one by its id (pre_...)")
    return found[0]


async def list_page(
    session: AsyncSession,
    query: PrearchiveQuery,
    offset: int,
    limit: int,
    scope: Scope = EVERYTHING,
    *,
    own: Mapping[str, Criterion] = NOBODYS,
) -> PrearchivePage:
    """List a window of the sessions of a scope that match, and how many match in all; `own` are the
    fields that depend on who asks, and when.

    Raises:
        InvalidInput: a condition is on no known field, or its value cannot be read.
    """
    matching = [*_conditions(query, own), *within(scope)]
    column = SORTS.get(query.sort, SessionRow.last_object)
    by_label: SQLColumnExpression[Any] = column
    if query.sort in _LABELS:
        by_label = known(column, masked=query.masked)
    # The id makes the order whole: rows that are alike must not wander between windows. It goes
    # the same way as the rest, so that an index can give both.
    order = [by.desc() if query.descending else by.asc() for by in (by_label, SessionRow.id)]
    # Rows are wide: only their ids are sorted and passed over, then the window is read.
    window = (
        select(SessionRow.id).where(*matching).order_by(*order).offset(offset).limit(limit)
    ).subquery()
    rows = list(
        await session.scalars(
            select(SessionRow).join(window, window.c.id == SessionRow.id).order_by(*order)
        )
    )
    ids = [row.id for row in rows]
    said, looks = await desk.of(session, ids), await findings.looks(session, ids)
    total = await session.execute(select(func.count()).select_from(SessionRow).where(*matching))
    return PrearchivePage(
        rows=tuple(to_session(row, said.get(row.id), looks.get(row.id)) for row in rows),
        total=total.scalar_one(),
    )


async def several(
    session: AsyncSession, ids: Collection[str], scope: Scope
) -> tuple[PrearchiveSession, ...]:
    """Return sessions by their ids as far as a scope has them, the newest first."""
    query = select(SessionRow).where(SessionRow.id.in_(ids), *within(scope))
    found = list(await session.scalars(query.order_by(SessionRow.last_object.desc())))
    said = await desk.of(session, [row.id for row in found])
    return tuple(to_session(row, said.get(row.id)) for row in found)


async def counts(session: AsyncSession) -> dict[str, int]:
    """Count sessions by status."""
    found = await session.execute(
        select(SessionRow.status, func.count()).group_by(SessionRow.status)
    )
    return {status: count for status, count in found.all()}


async def owned_by_jobs(session: AsyncSession, by_status: Mapping[str, int]) -> int:
    """Count the sessions that a job waits for or works at, given those of each status."""
    overtaken = await session.scalar(
        select(func.count()).where(
            SessionRow.status == Status.RECEIVING_INTERRUPT.value, SessionRow.locked
        )
    )
    return sum(by_status.get(status, 0) for status in QUEUED | WORKING) + (overtaken or 0)


async def staged(session: AsyncSession) -> int:
    """Count the objects that wait for the helper that runs the script."""
    query = select(func.count()).select_from(HeldRow).where(HeldRow.waits)
    return await session.scalar(query) or 0


def queue(row: SessionRow, verb: Verb) -> str:
    """Put a row into the queue for a verb and give the id of the workflow to enqueue with it.

    Raises:
        Conflict: if its status does not allow the verb.
    """
    reason = why_not(verb, Status(row.status), locked=row.locked)
    if reason:
        raise Conflict(f"cannot {verb.value} {row.id}: {reason}")
    row.attempt += 1
    change(row, QUEUED_FOR[verb])
    return f"{row.id}:{verb.value}:{row.attempt}"


def begin(row: SessionRow, verb: Verb, attempt: int) -> bool:
    """Lock a queued row for its job; True when the job (or its resumption) owns the row."""
    if row.attempt != attempt:
        return False
    if row.status == QUEUED_FOR[verb] and not row.locked:
        change(row, WORKING_AT[verb])
        row.locked = True
        return True
    return row.locked and owns(row, verb)


def owns(row: SessionRow, verb: Verb) -> bool:
    """Whether a row is in the working status of a verb (or interrupted in a build)."""
    if verb is Verb.REBUILD and row.status == Status.RECEIVING_INTERRUPT:
        return True
    return row.status == WORKING_AT[verb]


def settle(row: SessionRow, status: Status, reason: str = "") -> None:
    """Unlock a row into a final status, with the reason in words."""
    change(row, status)
    row.locked = False
    row.reason = reason


def change(row: SessionRow, status: Status) -> None:
    """Set the status and the time of change."""
    row.status = status
    row.lastmod = datetime.now(UTC)


def may_accept(row: SessionRow) -> bool:
    """Whether late objects may join this row."""
    return Status(row.status) in TAKES_DATA


def within(
    scope: Scope, project: SQLColumnExpression[Any] = SessionRow.project
) -> list[ColumnElement[bool]]:
    """Return the criteria of a scope on a column of projects; none for everything."""
    unassigned = project.is_(None)
    if scope.projects is None:
        return [] if scope.unassigned else [~unassigned]
    among = project.in_(scope.projects)
    return [or_(among, unassigned) if scope.unassigned else among]


def _conditions(query: PrearchiveQuery, own: Mapping[str, Criterion]) -> list[ColumnElement[bool]]:
    matching = where(query.where, masked=query.masked, own=own)
    if query.project == UNASSIGNED:
        matching.append(SessionRow.project.is_(None))
    elif query.project is not None:
        matching.append(SessionRow.project == query.project)
    if query.status:
        matching.append(SessionRow.status.in_([status.value for status in query.status]))
    if query.label:
        matching.append(known(SessionRow.label, masked=query.masked) == query.label)
    if query.subject:
        matching.append(known(SessionRow.subject, masked=query.masked) == query.subject)
    if query.tag:
        matching.append(SessionRow.received_study_uid == query.tag)
    if query.text:
        check_length(query.text)
        labels = (SessionRow.label, SessionRow.subject, SessionRow.folder)
        columns = (
            *(known(column, masked=query.masked) for column in labels),
            SessionRow.project,
            SessionRow.id,
        )
        matching.append(or_(*(column.icontains(query.text, autoescape=True) for column in columns)))
    return matching
