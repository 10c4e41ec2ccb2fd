# SPDX-License-Identifier: Apache-2.0
"""A prearchive whose database was lost, while its folders and its journals are still there: the
sessions get rows again, under the ids that the journals name, before the journals are taken in. So
every object counts once, with the transfer that brought it. What no journal tells of is found by
`engine.jobs.reconcile`, as after any crash.

That it was lost is seen by journals with records that the database does not know: a worker takes
nothing in before its journal is known. So the next start takes up what is cut off of one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.archive.tables import ArchivedSessionRow, AuditRow
from engine.intake.journal import Outcome, Record, read_all
from engine.jobs.context import WORKING, JobContext
from engine.jobs.departure import leave, object_files
from engine.jobs.held import DROPPED_EVENT, held_file
from engine.jobs.trash import REMOVED_EVENT, place_in_trash
from engine.jobs.unknown_folders import found_row, matched, session_folders
from engine.model.accounts import Place
from engine.model.states import Status
from engine.prearchive import accounts
from engine.prearchive.rows import folder_of, place_of, timestamp_of
from engine.prearchive.tables import (
    HeldRow,
    JournalRow,
    ObjectRow,
    ReceiptRow,
    SessionRow,
)

FOUND = "found in the prearchive, whose database was lost"
"""The reason of a row until what the journals say of it is taken in: `settle` goes by it."""

MISSING = "its folder is missing from the prearchive, whose database was lost"

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
    """Gives sessions their rows again. Runs once, before any journal is ingested."""

    def __init__(self, job_context: JobContext) -> None:
        """Look at one prearchive."""
        self._context = job_context
        self._lost = False

    async def adopt(self) -> int:
        """Enter a row for each session that unknown journals name; return how many."""
        told = await asyncio.to_thread(_told, await self._unknown_journals())
        self._lost = bool(told.journals)
        for id in await self._known(told.sessions):
            del told.sessions[id]
        if not told.sessions:
            return 0
        folders = await asyncio.to_thread(
            _file_names, self._context.prearchive, await self._known_folders()
        )
        # One that was filed may have come again since, with files of the same names.
        there = [id for id in told.sessions if await self._left_to(id) is Place.WAITING]
        homes = matched({id: told.sessions[id].files for id in there}, folders)
        for id, each in told.sessions.items():
            row = await asyncio.to_thread(_row, self._context.prearchive, id, each, homes.get(id))
            async with self._context.prearchive_db.write() as transaction:
                transaction.add(row)
                if row.working_folder or id in homes:
                    record_triage(transaction, "engine", "Found in the prearchive", id)
        return len(told.sessions)

    async def settle(self) -> None:
        """Once the journals are taken in: let files be known where they lie now, sessions leave
        that were filed or deleted before the database was lost, and objects of staging that are
        there no more."""
        if self._lost:
            await self._staged()
        async with self._context.prearchive_db.read() as transaction:
            query = select(SessionRow).where(SessionRow.reason == FOUND)
            rows = (await transaction.execute(query)).scalars().all()
        for row in rows:
            place = await self._left_to(row.id)
            if place is not Place.WAITING:
                await leave(self._context, row, place, f"Found {place.value}")
            else:
                await self._follow(row)

    async def _unknown_journals(self) -> list[Path]:
        """Name the journals on disk of which the database has never heard."""
        folder = self._context.prearchive / ".journals"
        there = await asyncio.to_thread(lambda: sorted(folder.glob("*.journal")))
        async with self._context.prearchive_db.read() as transaction:
            known = set((await transaction.execute(select(JournalRow.name))).scalars())
        return [path for path in there if path.name not in known]

    async def _known_folders(self) -> set[Path]:
        async with self._context.prearchive_db.read() as transaction:
            rows = (await transaction.execute(select(SessionRow))).scalars().all()
        root = self._context.prearchive
        return {place_of(root, row.project, row.timestamp, row.folder) for row in rows}

    async def _known(self, ids: Iterable[str]) -> set[str]:
        """Return those of some sessions that have a row, or have left with receipts."""
        known = set()
        async with self._context.prearchive_db.read() as transaction:
            for id in ids:
                left = select(ReceiptRow.session).where(ReceiptRow.session == id).limit(1)
                if await transaction.get(SessionRow, id) or await transaction.scalar(left):
                    known.add(id)
        return known

    async def _left_to(self, session: str) -> Place:
        """Say where a session has gone; WAITING where it is still there, or nobody knows."""
        async with self._context.archive_db.read() as transaction:
            query = select(ArchivedSessionRow.id).where(ArchivedSessionRow.origin == session)
            if await transaction.scalar(query) is not None:
                return Place.ARCHIVED
            if await _happened(transaction, session, REMOVED_EVENT):
                return Place.DELETED
        trashed = await asyncio.to_thread(place_in_trash, self._context.prearchive, session)
        return Place.WAITING if trashed is None else Place.DELETED

    async def _staged(self) -> None:
        """Objects that the journals have in staging, and that have left it since, are counted where
        they are found, or where they went."""
        async with self._context.prearchive_db.read() as transaction:
            rows = (await transaction.execute(select(HeldRow))).scalars().all()
        for row in rows:
            if await asyncio.to_thread(held_file(self._context.prearchive, row.id).is_file):
                continue
            place = await self._left_to(row.session) if row.session else Place.WAITING
            async with self._context.archive_db.read() as transaction:
                if await _happened(transaction, row.id, DROPPED_EVENT):
                    place = Place.DELETED
            was = Place.WAITING if row.waits else Place.HELD
            counts = {(row.transfer, "", was): -1}
            if place is not Place.WAITING:
                counts[row.transfer, row.session, place] = 1
            async with self._context.prearchive_db.write() as transaction:
                await transaction.delete(row)
                await accounts.add(transaction, counts)

    async def _follow(self, row: SessionRow) -> None:
        """Let the index name files where a build has put them."""
        folder = folder_of(row, self._context.prearchive)
        there = await asyncio.to_thread(folder.is_dir)
        present = await asyncio.to_thread(object_files, folder)
        by_name = {PurePosixPath(file).name: file for file in present}
        async with self._context.prearchive_db.write() as transaction:
            query = select(ObjectRow).where(
                ObjectRow.session == row.id, ObjectRow.file.not_in(present)
            )
            for entry in (await transaction.execute(query)).scalars():
                entry.file = by_name.get(PurePosixPath(entry.file).name, entry.file)
            current = await transaction.get_one(SessionRow, row.id)
            current.reason = "" if there else MISSING
            if not there:
                current.status = Status.ERROR
        if not there:
            _log.error("no folder for a session of the journals", session=row.id)


async def _happened(transaction: AsyncSession, object: str, action: str) -> bool:
    """Say whether the audit trail tells that something was done to an object."""
    query = select(AuditRow.number).where(AuditRow.object == object, AuditRow.action == action)
    return await transaction.scalar(query.limit(1)) is not None


def _row(prearchive: Path, id: str, told: _Told, folder: Path | None) -> SessionRow:
    last = datetime.fromtimestamp(told.last / 1e9, UTC)
    taken = next((path for path in prearchive.glob(f"{WORKING}/{id}/*") if path.is_dir()), None)
    # Of one that a job had taken away only its own folder tells; its project is not known.
    place = folder or prearchive / timestamp_of(last) / (taken.name if taken else id)
    example = next((path for path in taken.glob("SCANS/*/*/*")), None) if taken else None
    row = found_row(prearchive, place, id, example)
    row.last_object, row.receiver, row.calling = last, told.receiver, told.calling
    row.reason = FOUND
    if taken is not None:
        # As if its build had been cut off: it is given back, and built again.
        row.status, row.working_folder = Status.BUILDING, f"{WORKING}/{id}/{taken.name}"
    return row


@dataclass(frozen=True, slots=True)
class _Journals:
    """Journals that hold records, and what they tell of sessions."""

    journals: tuple[Path, ...]
    sessions: dict[str, _Told]


def _told(journals: Iterable[Path]) -> _Journals:
    told: dict[str, _Told] = defaultdict(_Told)
    holding = []
    for journal in journals:
        records = 0
        for record in read_all(journal):
            records += 1
            if record.session and record.outcome in (Outcome.STORED, Outcome.CONFLICT):
                _note(told[record.session], record)
        if records:
            holding.append(journal)
    return _Journals(journals=tuple(holding), sessions=told)


def _note(told: _Told, record: Record) -> None:
    told.files.add(PurePosixPath(record.file).name)
    told.last = max(told.last, record.at)
    told.receiver, told.calling = record.receiver, record.calling


def _file_names(prearchive: Path, known: Collection[Path]) -> dict[Path, set[str]]:
    return {
        folder: {PurePosixPath(file).name for file in object_files(folder)}
        for folder in session_folders(prearchive)
        if folder not in known
    }
