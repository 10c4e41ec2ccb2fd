# SPDX-License-Identifier: Apache-2.0
"""What every job needs: the databases and stores, and how a job acquires a session, gives it back,
and writes its log. The steps of each verb are in modules of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import AuditChain, record_triage
from engine.database.connection import Database
from engine.ingest.ingester import Ingester
from engine.jobs.process_pool import ProcessPool
from engine.jobs.runner import JobRunner
from engine.model.reserve import Reserve
from engine.model.settings import Settings
from engine.model.site_settings import SettingsInForce
from engine.model.states import Status, Verb
from engine.prearchive.name_marks import NameMarks
from engine.prearchive.receipts import Receipts
from engine.prearchive.rows import begin, folder_of, owns, place_of, settle
from engine.prearchive.tables import SessionRow
from engine.storage.files import rename_durably
from engine.storage.folders import make_durably
from engine.storage.standstill import Standstill

WORKING = ".working"
SEVERITIES = {Status.ERROR: "error", Status.CONFLICT: "warning"}
TRASH = ".trash"
LOGS = "logs"
"""The session's own log, below its folder."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobContext:
    """The parts of the engine that jobs work with."""

    in_force: SettingsInForce
    archive_db: Database
    trail: AuditChain
    prearchive_db: Database
    archive: Path
    prearchive: Path
    ingester: Ingester
    receipts: Receipts
    runner: JobRunner
    processes: ProcessPool
    session_types: Path | None
    """The site's own table of session types, laid over ours."""
    changed: Callable[[str, str, str], None]
    """Tells the events of (prearchive id, sentence, severity)."""
    reached: Callable[[str], None]
    """Called at named points of the steps, in a thread or in a process of the pool, so that it may
    take its time; does nothing but in tests of crashes."""

    reserve: Reserve = field(default_factory=lambda: Reserve(()))
    """Room for what makes room."""
    names: NameMarks = field(default_factory=NameMarks)
    """Marks names and numbers under the key of the prearchive."""

    @property
    def settings(self) -> Settings:
        """The settings that hold now: some change while the engine runs."""
        return self.in_force.now

    @property
    def still(self) -> Standstill:
        """What is waited for before files of the prearchive are moved or removed."""
        return Standstill(self.prearchive)

    async def at(self, point: str) -> None:
        """Pass a named point of a step."""
        if self.reached is not pass_by:
            await asyncio.to_thread(self.reached, point)

    async def owned(self, session: str, verb: Verb, attempt: int) -> SessionRow | None:
        """Take (or keep) a queued session for a job; None when the job has been overtaken."""
        async with self.prearchive_db.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == session).with_for_update()
            row = (await transaction.execute(query)).scalar_one_or_none()
            if row is None or not begin(row, verb, attempt):
                return None
        await self.at("owned")
        return row

    async def still_owned(self, session: str, verb: Verb, attempt: int) -> SessionRow | None:
        """Return the row that a former step of this job has taken."""
        async with self.prearchive_db.read() as transaction:
            row = await transaction.get(SessionRow, session)
        if row is None or row.attempt != attempt or not row.locked or not owns(row, verb):
            return None
        return row

    async def take_away(self, row: SessionRow) -> Path:
        """Close a session to late objects and rename its folder, so that its files stand still.

        Intake contract 6: first `accepting` is cleared, then the folder is renamed; a worker that
        links by the old path fails and claims again.
        """
        working = f"{WORKING}/{row.id}/{row.folder}"
        async with self.prearchive_db.write() as transaction:
            locked = await _lock(transaction, row.id)
            locked.accepting = False
            locked.working_folder = working
        await self.at("not accepting")
        home = place_of(self.prearchive, row.project, row.timestamp, row.folder)
        await asyncio.to_thread(
            rename_with_document, self.prearchive, home, self.prearchive / working
        )
        await asyncio.to_thread(_drop_empty, home.parent)
        await self.at("taken away")
        # Nothing can be linked any more. What was linked before has its record by now, or is
        # found by `recover_unrecorded`.
        await self.ingester.ingest(every_node=True)
        return self.prearchive / working

    async def give_back(self, session: str, status: Status, reason: str) -> None:
        """Put a session's folder back and settle its row, after a job that did not succeed."""
        async with self.prearchive_db.read() as transaction:
            row = await transaction.get(SessionRow, session)
        if row is None:
            return
        home = place_of(self.prearchive, row.project, row.timestamp, row.folder)
        if row.working_folder:
            working = await asyncio.to_thread(taken_folder, self.prearchive / row.working_folder)
            await asyncio.to_thread(rename_with_document, self.prearchive, working, home)
            await asyncio.to_thread(_drop_empty, working.parent)
            await self.at("folder given back")
        async with self.prearchive_db.write() as transaction:
            locked = await _lock(transaction, session)
            locked.working_folder = locked.decision = ""
            # While this session was away a late object may have opened another for the same study,
            # and a unique index allows only one that accepts.
            locked.accepting = not await _another_accepts(transaction, locked)
            settle(locked, status, reason)
        if reason:
            await self.log(session, reason)
        severity = SEVERITIES.get(status, "info")
        self.changed(session, f"{status.value}: {reason}" if reason else status.value, severity)

    async def fail(self, session: str, verb: Verb, attempt: int, code: str, reason: str) -> None:
        """End a job that cannot go on: CONFLICT for what a person may decide, ERROR otherwise."""
        row = await self.still_owned(session, verb, attempt)
        if row is None:
            return
        status = Status.CONFLICT if code == "conflict" else Status.ERROR
        async with self.prearchive_db.write() as transaction:
            detail = {"outcome": status.value}
            record_triage(transaction, row.asked_by or "engine", f"{verb} failed", session, detail)
        await self.give_back(session, status, reason)

    async def log(self, session: str, text: str) -> None:
        """Append an entry to the session's log."""
        async with self.prearchive_db.read() as transaction:
            row = await transaction.get(SessionRow, session)
        if row is not None:
            folder = folder_of(row, self.prearchive)
            with suppress(OSError):
                await asyncio.to_thread(write_log, folder, text)


def pass_by(_point: str) -> None:
    """Do nothing at a named point."""


def taken_folder(working: Path) -> Path:
    """Return a taken session's folder, under the name that it has: a move may have ended between
    giving it another one and saying so."""
    if not working.is_dir() and working.parent.is_dir():
        others = [path for path in working.parent.iterdir() if path.is_dir()]
        if len(others) == 1:
            return others[0]
    return working


def write_log(folder: Path, text: str) -> None:
    """Write `logs/{epochMillis}.log` below a session folder; never over an older entry."""
    logs = folder / LOGS
    logs.mkdir(mode=0o700, exist_ok=True)
    stamp = int(datetime.now(UTC).timestamp() * 1000)
    while True:
        try:
            with (logs / f"{stamp}.log").open("x", encoding="utf-8") as file:
                file.write(text + "\n")
            return
        except FileExistsError:
            stamp += 1


def remove_tree(folder: Path) -> None:
    """Remove a folder with all that is in it; it may be gone already."""
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def document_beside(folder: Path) -> Path:
    """Return the place of the session document: beside the folder, with its name."""
    return folder.with_name(f"{folder.name}.xml")


async def _lock(transaction: AsyncSession, session: str) -> SessionRow:
    query = select(SessionRow).where(SessionRow.id == session).with_for_update()
    return (await transaction.execute(query)).scalar_one()


async def _another_accepts(transaction: AsyncSession, row: SessionRow) -> bool:
    query = select(func.count()).where(
        SessionRow.id != row.id,
        SessionRow.accepting,
        func.coalesce(SessionRow.project, "") == (row.project or ""),
        SessionRow.received_study_uid == row.received_study_uid,
        SessionRow.label == row.label,
    )
    return bool((await transaction.execute(query)).scalar_one())


def rename_with_document(root: Path, source: Path, target: Path) -> None:
    """Rename folder and document durably within the prearchive. Run again after a crash, it ends
    what was begun."""
    make_durably(root, target.parent, mode=0o700)
    with suppress(FileNotFoundError):
        os.rename(source, target)
    # Both stand beside each other: what makes the one durable does so for the other.
    rename_durably(document_beside(source), document_beside(target))


def _drop_empty(folder: Path) -> None:
    with suppress(OSError):
        os.rmdir(folder)
