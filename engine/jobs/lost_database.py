"""A prearchive whose database was lost, while its folders and its journals are still there: the
sessions get rows again, under the ids that the journals name, before the journals are taken in. So
every object counts once, with the transfer that brought it. What no journal tells of is found by
`engine.jobs.reconcile`, as after any crash."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import structlog
from sqlalchemy import select

from engine.archive.audit import record_triage
from engine.archive.prearchive.rows import place_of
from engine.archive.prearchive.tables import ObjectRow, SessionRow
from engine.archive.tables import ArchivedSessionRow
from engine.intake.journal import Outcome, Record, read_all
from engine.jobs.leave import leave, object_files
from engine.jobs.reconcile import found_row, session_folders
from engine.jobs.trash import place_in_trash
from engine.jobs.workshop import Workshop
from engine.model.accounts import Place
from engine.model.states import Status

LOST = "its folder is missing from the prearchive, whose database was lost"

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Told:
    """What the journals tell of one session."""

    files: set[str] = field(default_factory=set)
    """Names of its files; a build may have moved them to other folders."""
    last: int = 0
    receiver: str = ""
    calling: str = ""


class LostDatabase:
    """Gives sessions their rows again. Runs once, before anything is absorbed."""

    def __init__(self, workshop: Workshop) -> None:
        """Look at one prearchive."""
        self._shop = workshop
        self._left: dict[str, Place] = {}

    async def adopt(self) -> int:
        """Enter a row for each session that the journals name; return how many have a folder."""
        told = await asyncio.to_thread(_told, self._shop.prearchive / ".journals")
        folders = await asyncio.to_thread(_file_names, self._shop.prearchive)
        matched = _matched(told, folders)
        for session, each in told.items():
            folder = matched.get(session)
            row = await asyncio.to_thread(
                found_row, self._shop.prearchive, folder or Path(session), session
            )
            row.last_object = datetime.fromtimestamp(each.last / 1e9, UTC)
            row.receiver, row.calling = each.receiver, each.calling
            if folder is None:
                self._left[session] = await self._left_to(session)
                row.status, row.reason = Status.ERROR, LOST
            async with self._shop.prearchive_db.write() as transaction:
                transaction.add(row)
                if folder is not None:
                    record_triage(transaction, "engine", "Found in the prearchive", session)
        return len(matched)

    async def settle(self) -> None:
        """Once the journals are taken in: let files be known where they lie now, and sessions leave
        that were filed or deleted before the database was lost."""
        async with self._shop.prearchive_db.read() as transaction:
            rows = (await transaction.execute(select(SessionRow))).scalars().all()
        for row in rows:
            place = self._left.get(row.id, Place.WAITING)
            if row.id not in self._left:
                await self._follow(row)
            elif place is not Place.WAITING:
                await leave(self._shop, row, place, f"Found {place.value}")
            else:
                _log.error("no folder for a session of the journals", session=row.id)

    async def _left_to(self, session: str) -> Place:
        """Say where a session is that has no folder; WAITING where nobody knows."""
        async with self._shop.archive_db.read() as transaction:
            query = select(ArchivedSessionRow.id).where(ArchivedSessionRow.origin == session)
            if (await transaction.execute(query)).scalar_one_or_none() is not None:
                return Place.ARCHIVED
        trashed = await asyncio.to_thread(place_in_trash, self._shop.prearchive, session)
        return Place.WAITING if trashed is None else Place.DELETED

    async def _follow(self, row: SessionRow) -> None:
        """Let the index name files where a build has put them."""
        folder = place_of(self._shop.prearchive, row.project, row.timestamp, row.folder)
        present = await asyncio.to_thread(object_files, folder)
        by_name = {PurePosixPath(file).name: file for file in present}
        async with self._shop.prearchive_db.write() as transaction:
            query = select(ObjectRow).where(
                ObjectRow.session == row.id, ObjectRow.file.not_in(present)
            )
            for entry in (await transaction.execute(query)).scalars():
                entry.file = by_name.get(PurePosixPath(entry.file).name, entry.file)


def _told(journals: Path) -> dict[str, _Told]:
    told: dict[str, _Told] = defaultdict(_Told)
    for journal in sorted(journals.glob("*.journal")):
        for record in read_all(journal):
            if record.session and record.outcome in (Outcome.STORED, Outcome.CONFLICT):
                _note(told[record.session], record)
    return told


def _note(told: _Told, record: Record) -> None:
    told.files.add(PurePosixPath(record.file).name)
    told.last = max(told.last, record.at)
    told.receiver, told.calling = record.receiver, record.calling


def _file_names(prearchive: Path) -> dict[Path, set[str]]:
    return {
        folder: {PurePosixPath(file).name for file in object_files(folder)}
        for folder in session_folders(prearchive)
    }


def _matched(told: Mapping[str, _Told], folders: Mapping[Path, set[str]]) -> dict[str, Path]:
    """Match sessions with folders, those first that share most files: objects of one study may have
    come to two sessions."""
    shared = sorted(
        (
            (len(each.files & names), session, folder)
            for session, each in told.items()
            for folder, names in folders.items()
            if each.files & names
        ),
        key=lambda pair: (-pair[0], pair[1], pair[2]),
    )
    matched: dict[str, Path] = {}
    for _, session, folder in shared:
        if session not in matched and folder not in matched.values():
            matched[session] = folder
    return matched
