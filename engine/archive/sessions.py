# SPDX-License-Identifier: Apache-2.0
"""Reads filed sessions: the card of one, and lists by all criteria of a query. Callers pass the
projects that the user may see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date as calendar_date

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from engine.archive import verifications
from engine.archive.conditions import names_status, where
from engine.archive.search import matching
from engine.archive.tables import ArchivedSessionRow, DocumentRow, ScanRow, SubjectRow
from engine.database.comparisons import like
from engine.model.archive import (
    ScanSummary,
    SessionCard,
    SessionPage,
    SessionQuery,
    SessionStatus,
    SessionSummary,
    Window,
)
from engine.model.errors import InvalidInput, NotFound
from engine.model.people import EVERYTHING, Scope
from engine.model.quarantine import is_withheld

KIND = "session"
"""What the history calls a filed session."""

SORTS: dict[str, InstrumentedAttribute[object]] = {
    "accession": ArchivedSessionRow.id,
    "added": ArchivedSessionRow.added,
    "bytes": ArchivedSessionRow.bytes,
    "date": ArchivedSessionRow.date,
    "description": ArchivedSessionRow.description,
    "files": ArchivedSessionRow.files,
    "label": ArchivedSessionRow.label,
    "modality": ArchivedSessionRow.modality,
    "project": ArchivedSessionRow.project,
    "scanner": ArchivedSessionRow.scanner,
    "status": ArchivedSessionRow.status,
    "subject": SubjectRow.label,
}
"""By what a list may be sorted."""

EVERY_STATUS = "*"

_WITHHELD = or_(
    ArchivedSessionRow.status == SessionStatus.QUARANTINE.value,
    and_(
        ArchivedSessionRow.status == SessionStatus.OBSOLETE.value,
        ArchivedSessionRow.status_before == SessionStatus.QUARANTINE.value,
    ),
)
"""As `engine.model.quarantine.is_withheld` says."""


async def card(session: AsyncSession, name: str, project: str = "") -> SessionCard:
    """Return the card of a session by accession ID, or by label or accession ID within a project.

    Raises:
        NotFound: no such session.
    """
    which = ArchivedSessionRow.id == name
    if project:
        labelled = or_(which, ArchivedSessionRow.label == name)
        which = and_(ArchivedSessionRow.project == project, labelled)
    found = (
        await session.execute(
            select(ArchivedSessionRow, SubjectRow)
            .join(SubjectRow, SubjectRow.id == ArchivedSessionRow.subject)
            .where(which)
            # A label may look like another session's accession ID; the ID is meant then.
            .order_by(ArchivedSessionRow.id != name)
            .limit(1)
        )
    ).first()
    if found is None:
        raise missing(project)
    row, subject = found
    scans = await session.scalars(
        select(ScanRow).where(ScanRow.session == row.id).order_by(ScanRow.position)
    )
    verified = await verifications.last(session, row.id)
    return replace(_card(row, subject, scans.all()), verified=verified)


async def of_study(
    session: AsyncSession, project: str, received_study: str
) -> list[ArchivedSessionRow]:
    """Return the sessions of a project that were filed from a received study, the oldest first."""
    query = select(ArchivedSessionRow).where(
        ArchivedSessionRow.received_study == received_study, ArchivedSessionRow.project == project
    )
    return list((await session.scalars(query.order_by(ArchivedSessionRow.key))).all())


async def document(session: AsyncSession, accession: str) -> str:
    """Return the session document as XML.

    Raises:
        NotFound: no such session.
    """
    found = await session.scalar(select(DocumentRow.xml).where(DocumentRow.session == accession))
    if found is None:
        raise missing()
    return found


def missing(project: str = "") -> NotFound:
    """Return what is said of a session that is not there, or that may not be seen."""
    place = f"in {project}" if project else "in the archive"
    return NotFound(f"there is no such session {place}", hint="list the archive")


async def page(
    session: AsyncSession,
    query: SessionQuery,
    window: Window,
    scope: Scope = EVERYTHING,
    released: Scope = EVERYTHING,
) -> SessionPage:
    """Return a window of the sessions that a query finds, and how many there are.

    Args:
        scope: only sessions of these projects.
        released: the projects of which those in quarantine are shown as well.

    Raises:
        InvalidInput: a date, a status, a condition or the sort is not known.
    """
    criteria = [*_criteria(session, query), *within(scope, released)]
    order = SORTS.get(query.sort)
    if order is None:
        raise InvalidInput(f"cannot sort by {query.sort!r}", hint=f"use {', '.join(SORTS)}")
    joined = (
        select(ArchivedSessionRow, SubjectRow.label)
        .join(SubjectRow, SubjectRow.id == ArchivedSessionRow.subject)
        .where(*criteria)
    )
    total = await session.scalar(
        select(func.count())
        .select_from(ArchivedSessionRow)
        .join(SubjectRow, SubjectRow.id == ArchivedSessionRow.subject)
        .where(*criteria)
    )
    down = query.descending
    # The key makes the order whole: rows that are alike must not wander between windows.
    ordered = joined.order_by(
        order.desc() if down else order.asc(),
        ArchivedSessionRow.key.desc() if down else ArchivedSessionRow.key.asc(),
    )
    rows = (await session.execute(ordered.offset(window.offset).limit(window.limit))).all()
    ids = [row.id for row, _ in rows]
    counts: dict[str, int] = {}
    for id, count in await session.execute(
        select(ScanRow.session, func.count())
        .where(ScanRow.session.in_(ids))
        .group_by(ScanRow.session)
    ):
        counts[id] = count
    return SessionPage(
        rows=tuple(_summary(row, label, counts.get(row.id, 0)) for row, label in rows),
        total=total or 0,
    )


def status_before(row: ArchivedSessionRow) -> SessionStatus | None:
    """Return what a session was before it became obsolete; None for one that is not."""
    return SessionStatus(row.status_before) if row.status_before else None


def within(scope: Scope, released: Scope) -> Iterator[ColumnElement[bool]]:
    """Yield the criteria that leave what may be seen.

    Args:
        scope: only sessions of these projects.
        released: the projects of which those in quarantine are seen as well.
    """
    if scope.projects is not None:
        yield ArchivedSessionRow.project.in_(scope.projects)
    if released.projects is not None:
        yield or_(
            not_(_WITHHELD),
            ArchivedSessionRow.project.in_(released.projects),
        )


def _criteria(session: AsyncSession, query: SessionQuery) -> list[ColumnElement[bool]]:
    criteria = where(query.where)
    if query.project:
        criteria.append(ArchivedSessionRow.project == query.project)
    if query.subject:
        labelled = like(SubjectRow.label, query.subject)
        criteria.append(or_(labelled, like(SubjectRow.id, query.subject)))
    if query.label:
        criteria.append(like(ArchivedSessionRow.label, query.label))
    if query.accession:
        criteria.append(like(ArchivedSessionRow.id, query.accession))
    if query.modality:
        criteria.append(ArchivedSessionRow.modality == query.modality.upper())
    if query.scanner:
        criteria.append(like(ArchivedSessionRow.scanner, query.scanner))
    if query.date_from:
        criteria.append(ArchivedSessionRow.date >= _day(query.date_from))
    if query.date_to:
        criteria.append(ArchivedSessionRow.date <= _day(query.date_to))
        # An unknown date is empty and would be before every other.
        criteria.append(ArchivedSessionRow.date != "")
    if query.text:
        criteria.append(matching(session, query.text))
    if not query.status:
        if not names_status(query.where):
            criteria.append(ArchivedSessionRow.status != SessionStatus.OBSOLETE.value)
    elif query.status != EVERY_STATUS:
        criteria.append(ArchivedSessionRow.status == _status(query.status).value)
    return criteria


def _day(value: str) -> str:
    try:
        return calendar_date.fromisoformat(value).isoformat()
    except ValueError as error:
        raise InvalidInput(f"{value!r} is no date", hint="write it as 2026-01-31") from error


def _status(value: str) -> SessionStatus:
    try:
        return SessionStatus(value)
    except ValueError as error:
        choices = ", ".join(status.value for status in SessionStatus)
        raise InvalidInput(f"{value!r} is no status", hint=f"use {choices} or *") from error


def _card(row: ArchivedSessionRow, subject: SubjectRow, scans: Sequence[ScanRow]) -> SessionCard:
    return SessionCard(
        accession=row.id,
        label=row.label,
        project=row.project,
        subject=subject.label,
        subject_id=subject.id,
        gender=subject.gender,
        handedness=subject.handedness,
        age=row.age,
        date=row.date,
        time=row.time,
        scanner=row.scanner,
        manufacturer=row.manufacturer,
        model=row.model,
        acquisition_site=row.acquisition_site,
        modality=row.modality,
        xsi_type=row.xsi_type,
        description=row.description,
        uid=row.uid,
        status=SessionStatus(row.status),
        origin=row.origin,
        added=row.added,
        added_by=row.added_by,
        files=row.files,
        bytes=row.bytes,
        scans=tuple(_scan(scan) for scan in scans),
        folder=row.folder,
        withheld=is_withheld(SessionStatus(row.status), status_before(row)),
        reviewed=row.reviewed,
        reviewed_by=row.reviewed_by,
    )


def _scan(row: ScanRow) -> ScanSummary:
    return ScanSummary(
        id=row.id,
        xsi_type=row.xsi_type,
        uid=row.uid,
        type=row.type,
        series_description=row.series_description,
        modality=row.modality,
        quality=row.quality,
        frames=row.frames,
        files=row.files,
        bytes=row.bytes,
    )


def _summary(row: ArchivedSessionRow, subject: str, scans: int) -> SessionSummary:
    return SessionSummary(
        accession=row.id,
        label=row.label,
        project=row.project,
        subject=subject,
        subject_id=row.subject,
        date=row.date,
        modality=row.modality,
        xsi_type=row.xsi_type,
        scanner=row.scanner,
        description=row.description,
        status=SessionStatus(row.status),
        scans=scans,
        files=row.files,
        bytes=row.bytes,
        added=row.added,
        added_by=row.added_by,
    )
