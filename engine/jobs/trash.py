# SPDX-License-Identifier: Apache-2.0
"""The prearchive's trash: deleted sessions are kept for the configured time and then removed
permanently. Sessions are restored in `engine.jobs.restore`; the archive's trash is never touched
here."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs import trash_record
from engine.jobs.context import TRASH, JobContext, remove_tree
from engine.model.contents import TrashedSession
from engine.model.errors import Conflict, NotFound
from engine.prearchive import desk, tombstones
from engine.prearchive.tables import SessionRow
from engine.storage.standstill import OF_A_PERSON

MOST = 1000
"""How many deleted sessions are listed."""

REMOVED_EVENT = "Removed from the trash"
"""What the audit trail says of a session that nothing brings back."""

_ID = re.compile(r"pre_[a-z2-7]{8}")
_GOING = ".going"
"""Behind the id of what goes for good: its name is no longer one that can be put back."""
_LOCK = 0x74727368


async def listed(context: JobContext) -> tuple[TrashedSession, ...]:
    """List what can be put back, newest first; what has a row is still leaving, or coming back."""
    cards = await asyncio.to_thread(_newest, context.prearchive / TRASH)
    query = select(SessionRow.id).where(SessionRow.id.in_([each.session.id for each in cards]))
    async with context.prearchive_db.read() as transaction:
        rows = set((await transaction.execute(query)).scalars())
    return tuple(
        _told(each, timedelta(days=context.in_force.trash_days(each.session.project)))
        for each in cards
        if each.session.id not in rows
    )


async def expire(context: JobContext, *, now: datetime) -> tuple[str, ...]:
    """Remove what has been in the trash for too long; return the prearchive ids."""

    def days(project: str | None) -> timedelta:
        return timedelta(days=context.in_force.trash_days(project))

    gone = []
    for folder in await asyncio.to_thread(_overdue, context.prearchive / TRASH, now, days):
        async with context.still.working():
            going = await _condemn(context, folder)
            if going is not None:
                await context.at("condemned")
                await asyncio.to_thread(remove_tree, going)
                gone.append(_id_of(folder))
    return tuple(gone)


async def remove(context: JobContext, id: str, *, actor: str, reason: str = "") -> None:
    """Remove one deleted session for good.

    Raises:
        NotFound: if it is not in the trash.
        Conflict: if it is on its way into the trash, or out of it.
    """
    folder = place_in_trash(context.prearchive, id)
    if folder is None:
        raise NotFound(f"{id} is not in the trash", hint="list them: anteroom trash list")
    async with context.still.working(patience=OF_A_PERSON):
        going = await _condemn(context, folder, actor=actor, reason=reason)
        if going is None:
            raise Conflict(f"{id} is being moved into or out of the trash: try again")
        await context.at("condemned")
        await asyncio.to_thread(remove_tree, going)


def place_in_trash(prearchive: Path, id: str) -> Path | None:
    """Return the folder of a deleted session, if it is there."""
    folder = prearchive / TRASH / id
    return folder if _ID.fullmatch(id) and folder.is_dir() else None


async def take_turn(transaction: AsyncSession, id: str) -> None:
    """Let one transaction at a time decide what becomes of a deleted session, which has no row to
    lock; on SQLite a writer is alone anyway."""
    if transaction.get_bind().dialect.name == "postgresql":
        query = text("SELECT pg_advisory_xact_lock(:kind, hashtext(:id))")
        await transaction.execute(query, {"kind": _LOCK, "id": id})


async def _condemn(
    context: JobContext, folder: Path, *, actor: str = "engine", reason: str = ""
) -> Path | None:
    """Return a deleted session the name from which nobody puts it back; None where it has a row: a
    deletion that is under way needs its files to be given back, and so does a session that comes
    back."""
    id = _id_of(folder)
    going = folder.with_name(f"{id}{_GOING}")
    async with context.prearchive_db.write() as transaction:
        await take_turn(transaction, id)
        # What bears the name already was left by a crash; a new session never has its id.
        if folder != going and await transaction.get(SessionRow, id) is not None:
            return None
        if folder != going:
            try:
                await asyncio.to_thread(os.rename, folder, going)
            except FileNotFoundError:
                return None  # another engine was faster
        left = await asyncio.to_thread(trash_record.left, going, id, actor, reason)
        await tombstones.bury(transaction, left)
        await desk.forget(transaction, id)
        detail = {"reason": reason} if reason else {}
        record_triage(transaction, actor, REMOVED_EVENT, id, detail)
    return going


def _id_of(folder: Path) -> str:
    return folder.name.removesuffix(_GOING)


def _overdue(trash: Path, now: datetime, days: Callable[[str | None], timedelta]) -> list[Path]:
    if not trash.is_dir():
        return []
    return [
        folder
        for folder in sorted(trash.iterdir())
        # What a crash has left half removed may have lost its card first.
        if folder.name.endswith(_GOING) or _is_overdue(folder, now, days)
    ]


def _is_overdue(folder: Path, now: datetime, days: Callable[[str | None], timedelta]) -> bool:
    """Say whether a deletion is too old to be kept; one with a card that cannot be read still has
    an age as a file."""
    try:
        card = trash_record.read(folder)
    except Conflict:
        return now - _written(folder) > days(None)
    return now - card.behind.deleted > days(card.session.project)


def _written(folder: Path) -> datetime:
    try:
        return datetime.fromtimestamp((folder / trash_record.CARD).stat().st_mtime, UTC)
    except OSError:
        return datetime.max.replace(tzinfo=UTC)  # no deleted session: not ours to remove


def _newest(trash: Path) -> list[trash_record.TrashRecord]:
    """Read the newest cards; one that cannot be read, or that has no index, is left out."""
    if not trash.is_dir():
        return []
    found = [folder for folder in trash.iterdir() if _ID.fullmatch(folder.name)]
    found.sort(key=_written, reverse=True)
    cards = []
    for folder in found[:MOST]:
        with suppress(Conflict):
            known = trash_record.read(folder)
            if (folder / trash_record.INDEX).is_file():
                cards.append(known)
    return sorted(cards, key=lambda each: each.behind.deleted, reverse=True)


def _told(known: trash_record.TrashRecord, keep: timedelta) -> TrashedSession:
    return TrashedSession(
        id=known.session.id,
        project=known.session.project,
        label=known.session.label,
        subject=known.session.subject,
        objects=known.session.objects,
        bytes=known.session.bytes,
        deleted=known.behind.deleted,
        until=known.behind.deleted + keep,
        by=known.behind.by,
    )
