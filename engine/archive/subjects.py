# SPDX-License-Identifier: Apache-2.0
"""Subjects of projects. They are found by accession ID or by label, and created when their first
session is filed."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.numbering import AccessionKind, next_id
from engine.archive.projects import live
from engine.archive.tables import SubjectRow
from engine.database.connection import insert_into
from engine.model.archive import Subject
from engine.model.errors import InvalidInput, NotFound

_LABEL_LENGTH = 160


async def find(session: AsyncSession, project: str, name: str) -> Subject | None:
    """Return the subject of a project by accession ID, else by label without regard to case."""
    rows = await session.scalars(
        select(SubjectRow).where(
            SubjectRow.project == project,
            or_(SubjectRow.id == name, SubjectRow.folded_label == name.casefold()),
        )
    )
    found = sorted(rows, key=lambda row: row.id != name)
    return _subject(found[0]) if found else None


async def find_or_create(
    session: AsyncSession,
    project: str,
    name: str,
    *,
    site: str,
    actor: str,
    experiment: str = "",
    gender: str = "",
    handedness: str = "",
) -> Subject:
    """Return the subject that `name` means, made with a new ID if the project has none.

    Args:
        experiment: accession ID of the session that needs the subject.

    Raises:
        InvalidInput: nothing names the subject, or its label is too long.
        NotFound: no such project.
    """
    await live(session, project)
    found = await find(session, project, name)
    if found is not None:
        return found
    if not name.strip():
        raise InvalidInput("cannot identify the subject", hint="give the session a subject")
    if len(name) > _LABEL_LENGTH:
        raise InvalidInput(f"a subject label has at most {_LABEL_LENGTH} characters")
    id = await next_id(session, site, AccessionKind.SUBJECT)
    made = await session.scalar(
        insert_into(session, SubjectRow)
        .values(
            id=id,
            project=project,
            label=name,
            folded_label=name.casefold(),
            gender=gender,
            handedness=handedness,
            added=datetime.now(UTC),
            added_by=actor,
        )
        .on_conflict_do_nothing(index_elements=["project", "folded_label"])
        .returning(SubjectRow.id)
    )
    if made is not None:
        history.keep(session, "subject", id, actor, "Added")
        detail = {"project": project} | ({"experiment": experiment} if experiment else {})
        record(session, actor, "Auto-created for experiment", id, detail)
    found = await find(session, project, name)
    if found is None:
        raise NotFound("the subject was removed at the same moment", hint="try again")
    return found


def _subject(row: SubjectRow) -> Subject:
    return Subject(
        id=row.id,
        project=row.project,
        label=row.label,
        gender=row.gender,
        handedness=row.handedness,
    )
