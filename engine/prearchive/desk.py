# SPDX-License-Identifier: Apache-2.0
"""The rows of the reviewer's desk. Every change uses the transaction of the caller."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.comparisons import Criterion, chosen, like
from engine.model.desk import NOBODY, Desk
from engine.model.filters import Condition
from engine.prearchive.desk_tables import DeskRow
from engine.prearchive.tables import SessionRow

NEW_FILES = "new files came"
BUILT_ANEW = "it was built anew, and is not what was reviewed"


async def of(session: AsyncSession, ids: Collection[str]) -> dict[str, DeskRow]:
    """Return what is known of sessions, of those of which something is."""
    if not ids:
        return {}
    found = await session.scalars(select(DeskRow).where(DeskRow.session.in_(ids)))
    return {row.session: row for row in found}


def blank(id: str) -> DeskRow:
    """Return the row of a session of which nothing has been said yet; it is in no transaction."""
    return DeskRow(
        session=id,
        note="",
        noted_by="",
        assigned="",
        assigned_by="",
        reviewed_by="",
        seal="",
        fell="",
    )


def told(id: str, row: DeskRow | None) -> Desk:
    """Return a row as the outside sees it."""
    if row is None:
        return Desk(session=id)
    return Desk(
        session=id,
        note=row.note,
        noted_by=row.noted_by,
        noted=row.noted,
        assigned=row.assigned,
        assigned_by=row.assigned_by,
        assigned_at=row.assigned_at,
        reviewed_by=row.reviewed_by,
        reviewed=row.reviewed,
        fell=row.fell,
    )


def write_note(row: DeskRow, by: str, text: str) -> None:
    """Put a note in the place of the one that is there; an empty one is none."""
    row.note, row.noted_by = text, by if text else ""
    row.noted = datetime.now(UTC) if text else None


def assign(row: DeskRow, by: str, to: str) -> None:
    """Say whose a session is to look at; nobody's with an empty login."""
    row.assigned, row.assigned_by, row.assigned_at = to, by, datetime.now(UTC)


def review(row: DeskRow, by: str, seal: str) -> None:
    """Mark what has this seal as reviewed."""
    row.reviewed_by, row.reviewed, row.seal, row.fell = by, datetime.now(UTC), seal, ""


def withdraw(row: DeskRow, why: str) -> None:
    """Take the mark of a review away."""
    row.fell = why
    row.reviewed_by, row.reviewed, row.seal = "", None, ""


async def fall(session: AsyncSession, ids: Collection[str], why: str) -> list[str]:
    """Let the reviews of sessions no longer hold; return the sessions that had one."""
    query = (
        select(DeskRow)
        .where(DeskRow.session.in_(ids), DeskRow.reviewed.is_not(None))
        .order_by(DeskRow.session)
        .with_for_update()
    )
    fallen = []
    for row in await session.scalars(query):
        withdraw(row, f"reviewed by {row.reviewed_by}; since then {why}")
        fallen.append(row.session)
    return fallen


async def compare(session: AsyncSession, id: str, seal: Callable[[], str]) -> list[str]:
    """Let the review of a session fall where another one stands there now."""
    row = await session.get(DeskRow, id)
    if row is None or row.reviewed is None or row.seal == seal():
        return []
    return await fall(session, (id,), BUILT_ANEW)


async def forget(session: AsyncSession, id: str) -> None:
    """Remove what was said of a session that is gone for good."""
    await session.execute(delete(DeskRow).where(DeskRow.session == id))


def assigned(condition: Condition) -> ColumnElement[bool]:
    """Compare whose sessions are; `none` is nobody."""
    if condition.value.casefold() == NOBODY:
        taken = select(DeskRow.session).where(DeskRow.assigned != "")
        return SessionRow.id.not_in(taken)
    wanted = select(DeskRow.session).where(like(DeskRow.assigned, condition.value))
    return SessionRow.id.in_(wanted)


def yes_or_no(wanted: Callable[[], ColumnElement[bool]]) -> Criterion:
    """Compare what is so or not."""

    def compare(condition: Condition) -> ColumnElement[bool]:
        (said,) = chosen(condition, ("yes", "no"))
        return wanted() if said == "yes" else ~func.coalesce(wanted(), False)

    return compare


def is_reviewed() -> ColumnElement[bool]:
    """Say whether somebody has reviewed a session as it stands."""
    return SessionRow.id.in_(select(DeskRow.session).where(DeskRow.reviewed.is_not(None)))


def is_noted() -> ColumnElement[bool]:
    """Say whether there is a note on a session."""
    return SessionRow.id.in_(select(DeskRow.session).where(DeskRow.note != ""))


def is_of(login: str, projects: Collection[str]) -> ColumnElement[bool]:
    """Say whether a session is somebody's: named to them, or of their projects and nobody's."""
    theirs = select(DeskRow.session).where(DeskRow.assigned == login)
    others = select(DeskRow.session).where(DeskRow.assigned.not_in(("", login)))
    among = SessionRow.project.in_(projects) & SessionRow.id.not_in(others)
    return or_(SessionRow.id.in_(theirs), among)
