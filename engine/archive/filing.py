# SPDX-License-Identifier: Apache-2.0
"""Enters a session into the tables of the archive. Each step is keyed by the prearchive id of the
session and may be repeated after a crash; the files are handled by the job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history, quarantine, sessions
from engine.archive.audit.trail import record
from engine.archive.numbering import AccessionKind, next_id
from engine.archive.projects import live
from engine.archive.search import searchable
from engine.archive.tables import (
    ArchivedSessionRow,
    DocumentRow,
    FilingRow,
    ScanRow,
    SearchRow,
    SubjectRow,
    VerificationRow,
)
from engine.database.columns import fitted
from engine.model.archive import NewSession, Reservation, ScanSummary, SessionCard
from engine.model.errors import Conflict

_LOCKS = 0x616E7477
"""The family of PostgreSQL advisory locks that stand for origins and labels."""


async def reserve(session: AsyncSession, *, origin: str, project: str, label: str) -> Reservation:
    """Note that a session is being archived into a project, and keep the project from being removed
    meanwhile. The label is only looked at: it is taken when the session is filed.

    Raises:
        NotFound: no such project.
        Conflict: the project has a session of this label.
    """
    await live(session, project)
    await _alone(session, origin)
    filed = await _filed(session, origin)
    if filed is not None:
        return _reservation_of(filed)
    await _free(session, project, label)
    held = await session.get(FilingRow, origin)
    if held is None:
        held = FilingRow(origin=origin, project=project, at=datetime.now(UTC))
        session.add(held)
    held.project = project
    await session.flush()
    return _reservation(held)


async def draw(session: AsyncSession, origin: str, *, site: str) -> str:
    """Return the accession ID under which `origin` is filed, or is to be in this very transaction:
    a number that the transaction does not commit is drawn again by another."""
    await _alone(session, origin)
    known = await standing(session, origin)
    if known is not None and known.accession:
        return known.accession
    return await next_id(session, site, AccessionKind.EXPERIMENT)


async def commit(
    session: AsyncSession,
    origin: str,
    new: NewSession,
    scans: Sequence[ScanSummary],
    *,
    accession: str,
    xml: str,
    search_text: str,
    actor: str,
    script: str = "",
    into_quarantine: bool = False,
) -> SessionCard:
    """Turn the reservation of `origin` into a session; a second time nothing is changed.

    Args:
        accession: what `draw` has given in the same transaction.
        search_text: words by which to find the session, beside those of its card and scans.
        script: the script, with its version, that ran over the objects on the way.
        into_quarantine: whether it was asked for; the project may demand it as well.

    Raises:
        Conflict: nothing is reserved for `origin`, or another project; the project has a session of
            this label; the subject is of another one.
    """
    await _alone(session, origin)
    filed = await _filed(session, origin)
    if filed is not None:
        return await sessions.card(session, filed.id)
    held = await session.get(FilingRow, origin)
    if held is None or held.project != new.project:
        raise Conflict("nothing was reserved for this session", hint="archive it again")
    await _alone(session, f"{new.project}/{new.label}")
    await _free(session, new.project, new.label)
    subject = await session.get(SubjectRow, new.subject)
    if subject is None or subject.project != new.project:
        raise Conflict(f"the project {new.project} has no subject {new.subject}")
    # The document beside the files keeps every value whole.
    row = ArchivedSessionRow(
        **fitted(ArchivedSessionRow, asdict(new)),
        id=accession,
        origin=origin,
        added=datetime.now(UTC),
        added_by=actor,
    )
    session.add(row)
    await session.flush()
    for position, scan in enumerate(scans):
        values = fitted(ScanRow, asdict(scan))
        session.add(ScanRow(**values, session=row.id, position=position))
    session.add(DocumentRow(session=row.id, xml=xml))
    session.add(VerificationRow(session=row.id))
    session.add(SearchRow(key=row.key, text=_words_of(row, subject, scans, search_text)))
    await session.delete(held)
    history.keep(session, sessions.KIND, row.id, actor, "Added")
    detail: dict[str, Any] = {
        "origin": origin,
        "project": row.project,
        "subject": row.subject,
        "scans": len(scans),
        "files": row.files,
        "bytes": row.bytes,
    }
    record(session, actor, "Transferred", row.id, detail | ({"script": script} if script else {}))
    project = await live(session, new.project)
    if into_quarantine:
        quarantine.begin(session, row, actor, "asked for when it was archived")
    elif project.quarantine_code == 1:
        quarantine.begin(session, row, actor, "project code 1")
    await session.flush()
    return await sessions.card(session, row.id)


async def standing(session: AsyncSession, origin: str) -> Reservation | None:
    """Tell how far an origin has come: nothing, reserved, or filed."""
    filed = await _filed(session, origin)
    if filed is not None:
        return _reservation_of(filed)
    held = await session.get(FilingRow, origin)
    return None if held is None else _reservation(held)


async def release(session: AsyncSession, origin: str) -> None:
    """Release the reservation of `origin`."""
    await session.execute(delete(FilingRow).where(FilingRow.origin == origin))


async def _free(session: AsyncSession, project: str, label: str) -> None:
    """Refuse a label that a session of the project has."""
    existing = await session.scalar(
        select(ArchivedSessionRow.id).where(
            ArchivedSessionRow.project == project, ArchivedSessionRow.label == label
        )
    )
    if existing is not None:
        raise Conflict(
            f"the project {project} has a session of this label already ({existing})",
            hint="change the label, or delete the archived session first",
        )


async def _alone(session: AsyncSession, what: str) -> None:
    """Let one transaction at a time file an origin, or under a label; on SQLite a writer is alone
    anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(
            text("SELECT pg_advisory_xact_lock(:family, hashtext(:what))"),
            {"family": _LOCKS, "what": what},
        )


async def _filed(session: AsyncSession, origin: str) -> ArchivedSessionRow | None:
    found: ArchivedSessionRow | None = await session.scalar(
        select(ArchivedSessionRow).where(ArchivedSessionRow.origin == origin)
    )
    return found


def _reservation(row: FilingRow) -> Reservation:
    return Reservation(origin=row.origin, project=row.project, accession=row.accession or "")


def _reservation_of(row: ArchivedSessionRow) -> Reservation:
    return Reservation(
        origin=row.origin,
        project=row.project,
        accession=row.id,
        folder=row.folder,
        label=row.label,
    )


def _words_of(
    row: ArchivedSessionRow,
    subject: SubjectRow,
    scans: Sequence[ScanSummary],
    search_text: str,
) -> str:
    values = [
        row.id,
        row.label,
        row.project,
        subject.id,
        subject.label,
        row.modality,
        row.date,
        row.scanner,
        row.manufacturer,
        row.model,
        row.acquisition_site,
        row.description,
    ]
    for scan in scans:
        values += [scan.type, scan.series_description]
    return searchable([*values, search_text])
