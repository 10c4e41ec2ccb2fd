# SPDX-License-Identifier: Apache-2.0
"""Reconciliation: after a crash, rows, files and tallies are made to agree before anything is
received. Every object that was answered with success is in a file or a journal; both are
checked."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import select, update

from engine.archive.audit.trail import record_triage
from engine.ingest.posting import forget
from engine.intake.originals import Originals
from engine.jobs.archive import ArchiveJob
from engine.jobs.context import WORKING, JobContext, remove_tree
from engine.jobs.delete import DeleteJob
from engine.jobs.departure import object_files, recover_unrecorded, without_torn
from engine.jobs.held import finish_left
from engine.jobs.kept_reviews import KeptReviews
from engine.jobs.move import MoveJob
from engine.jobs.restore import RestoreJob
from engine.jobs.send import end
from engine.jobs.unknown_folders import first_object, found_row, session_folders, with_undo_records
from engine.model.accounts import Place
from engine.model.identifiers import new_prearchive_id
from engine.model.remotes import UNFINISHED, SendState
from engine.model.states import QUEUED, Status
from engine.prearchive import accounts, sends
from engine.prearchive.rows import change, folder_of, place_of
from engine.prearchive.tables import HeldRow, ReceiptRow, SendRow, SessionRow

_SETTLED = frozenset({Status.READY, Status.CONFLICT})

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Reconciled:
    """What had to be put right; all zero after a clean stop."""

    objects: int = 0
    rows_added: int = 0
    rows_without_folder: int = 0
    given_back: int = 0
    swept: int = 0
    lost_held: int = 0
    released: int = 0
    sends: int = 0
    """Sends that had no job any more."""
    notes: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        """How many things were put right."""
        return (
            self.objects
            + self.rows_added
            + self.rows_without_folder
            + self.given_back
            + self.swept
            + self.lost_held
            + self.released
            + self.sends
        )


class Reconciliation:
    """Runs once, when no worker of this node takes objects in and no job runs yet."""

    def __init__(self, job_context: JobContext, *, alone: bool) -> None:
        """With `alone` no other node is alive: what nobody knows may be swept at once."""
        self._context = job_context
        self._alone = alone
        self.done = Reconciled()

    async def files(self) -> Reconciled:
        """Compare files with rows: before jobs run."""
        # The journals first: an object whose record can still be read need not be recovered.
        await self._context.ingester.ingest(every_node=True)
        self.done.released += await finish_left(self._context)
        rows = await self._rows()
        known = set()
        for row in rows:
            home = place_of(self._context.prearchive, row.project, row.timestamp, row.folder)
            known.add(home)
            folder = folder_of(row, self._context.prearchive)
            if not folder.is_dir():
                folder = home
            if await asyncio.to_thread(folder.is_dir):
                self.done.objects += await recover_unrecorded(self._context, row, folder)
                await self._agree(row, folder)
            elif row.locked or row.working_folder:
                continue  # its job, which resumes, knows where it was
            else:
                await self._without_folder(row)
        if self._alone:
            unknown = (
                set(await asyncio.to_thread(session_folders, self._context.prearchive)) - known
            )
            ids = await asyncio.to_thread(
                with_undo_records, self._context.prearchive, unknown, {row.id for row in rows}
            )
            for folder in sorted(unknown):
                await self._unknown(folder, ids.get(folder) or new_prearchive_id())
        await self._held()
        return self.done

    async def jobs(self) -> Reconciled:
        """Free rows that no job owns any more: once the runner knows what it resumes."""
        # Those first: one that is queued meanwhile, at another node, is not taken for one without.
        async with self._context.prearchive_db.read() as transaction:
            sending = await sends.unfinished(transaction)
        unfinished = await self._context.runner.unfinished()
        for id in sending:
            if sends.job_of(id) not in unfinished:
                await self._end_send(id)
        owned = {job.partition(":")[0] for job in unfinished}
        for row in await self._rows():
            if row.id in owned:
                continue
            # A queued one whose files are not in their place waits for its restore job.
            if row.locked or row.working_folder:
                await self._abandoned(row)
                self.done.given_back += 1
            elif Status(row.status) in QUEUED:
                await self._requeue(row)
        if self._alone:
            ids = {row.id for row in await self._rows()} | owned
            await self._sweep(ids)
            await self._forget_originals(ids)
        return self.done

    async def _end_send(self, id: str) -> None:
        """End a send that nobody goes on with: it would keep its session from being sent there."""
        async with self._context.prearchive_db.write() as transaction:
            row = await transaction.get(SendRow, id, with_for_update=True)
            if row is None or row.state not in UNFINISHED:
                return
            if row.cancelled_by:
                end(transaction, row, SendState.CANCELLED)
            else:
                reason = "its job ended without a word; send it again"
                end(transaction, row, SendState.FAILED, reason)
        self.done.sends += 1

    async def _abandoned(self, row: SessionRow) -> None:
        """Free a row that a job had taken, or was to take, and that will not go on."""
        if row.status in (Status.BUILDING, Status.RECEIVING_INTERRUPT):
            await self._context.give_back(row.id, Status.RECEIVING, "its build was cut off")
            return
        if row.status == Status.ARCHIVING and await ArchiveJob(self._context).take_back(row):
            return
        if row.status == Status.DELETING:
            await DeleteJob(self._context).take_back(row)
        # Neither of these does anything unless its own job had begun.
        await RestoreJob(self._context).bring(row)
        await MoveJob(self._context).take_back(row)
        reason = "its job ended without a word; rebuild it"
        await self._context.give_back(row.id, Status.ERROR, reason)

    async def _agree(self, row: SessionRow, folder: Path) -> None:
        """Let a row follow from its files: where more lie there than it has built or counted it is
        built again; where none ever came it goes."""
        files = len(await asyncio.to_thread(object_files, folder))
        async with self._context.prearchive_db.write() as transaction:
            locked = await transaction.get(SessionRow, row.id, with_for_update=True)
            if locked is None or locked.locked or locked.working_folder:
                return
            if locked.status in _SETTLED and files != locked.built_objects:
                change(locked, Status.RECEIVING)
            if not self._alone or locked.status != Status.RECEIVING or files or locked.objects:
                return
            # Claimed for an object that was never published. A worker that still holds the claim
            # will find no folder, and claim again.
            await forget(transaction, row.id)
        with suppress(OSError):
            await asyncio.to_thread(_drop_if_empty, folder)
        self.done.swept += 1

    async def _requeue(self, row: SessionRow) -> None:
        """A queued row without a job: back to receiving, where the timer finds it."""
        async with self._context.prearchive_db.write() as transaction:
            locked = await transaction.get(SessionRow, row.id, with_for_update=True)
            if locked is not None and not locked.locked:
                locked.status = Status.RECEIVING
                self.done.given_back += 1

    async def _rows(self) -> list[SessionRow]:
        async with self._context.prearchive_db.read() as transaction:
            return list((await transaction.execute(select(SessionRow))).scalars())

    async def _without_folder(self, row: SessionRow) -> None:
        if row.status == Status.ERROR:
            return
        async with self._context.prearchive_db.write() as transaction:
            locked = await transaction.get(SessionRow, row.id, with_for_update=True)
            if locked is None:
                return
            locked.accepting = False
            locked.status = Status.ERROR
            locked.reason = "its folder is missing from the prearchive"
            record_triage(transaction, "engine", "Folder missing", row.id)
        self.done.rows_without_folder += 1

    async def _unknown(self, folder: Path, id: str) -> None:
        """A folder that no row names: empty ones go, others get a row."""
        files = await asyncio.to_thread(object_files, folder)
        whole = await asyncio.to_thread(without_torn, folder, files)
        if len(whole) != len(files):
            _log.warning("torn_objects", session=id, count=len(files) - len(whole))
        first = await asyncio.to_thread(first_object, folder)
        if first is None:
            with suppress(OSError):
                await asyncio.to_thread(_drop_if_empty, folder)
                self.done.swept += 1
            return
        row = await asyncio.to_thread(found_row, self._context.prearchive, folder, id, first)
        async with self._context.prearchive_db.write() as transaction:
            transaction.add(row)
            record_triage(transaction, "engine", "Found in the prearchive", row.id)
        self.done.objects += await recover_unrecorded(self._context, row, folder)
        self.done.rows_added += 1

    async def _sweep(self, keep: set[str]) -> None:
        """Remove what a job had taken and whose row has left: its files are filed or in the trash,
        as the receipts say."""
        working = self._context.prearchive / WORKING
        if not await asyncio.to_thread(working.is_dir):
            return
        for path in await asyncio.to_thread(lambda: sorted(working.iterdir())):
            if path.name in keep:
                continue
            query = select(ReceiptRow.session).where(ReceiptRow.session == path.name).limit(1)
            async with self._context.prearchive_db.read() as transaction:
                vouched = (await transaction.execute(query)).scalar_one_or_none()
            if vouched is None and any(path.glob("*/SCANS/*/*/*")):
                _log.error("files that no row and no receipt knows", folder=path.name)
                continue
            await asyncio.to_thread(remove_tree, path)
            self.done.swept += 1

    async def _forget_originals(self, keep: set[str]) -> None:
        """Forget what objects were whose session has left, and what was found out of them."""
        prearchive = self._context.prearchive
        for store in (Originals(prearchive), KeptReviews(prearchive)):
            for session in await asyncio.to_thread(store.sessions):
                if session not in keep:
                    await asyncio.to_thread(store.drop, session)

    async def _held(self) -> None:
        """Held files whose record was lost get a row; the reason went with the record. What waits
        for the helper of another node waits for ours where that node is no more."""
        held = self._context.prearchive / ".staging" / "held"
        present = {path.name: path for path in held.glob("*.dcm")} if held.is_dir() else {}
        async with self._context.prearchive_db.write() as transaction:
            if self._alone:
                mine = self._context.settings.node.name
                await transaction.execute(update(HeldRow).where(HeldRow.waits).values(node=mine))
            known = set((await transaction.execute(select(HeldRow.id))).scalars())
            for name in sorted(present.keys() - known):
                transaction.add(
                    HeldRow(
                        id=name,
                        transfer="",
                        at=datetime.now(UTC),
                        reason="found in staging after a crash",
                        size=present[name].stat().st_size,
                    )
                )
                self.done.lost_held += 1
            await accounts.add(transaction, {("", "", Place.HELD): len(present.keys() - known)})


def _drop_if_empty(folder: Path) -> None:
    if any(path.is_file() for path in folder.rglob("*")):
        return
    shutil.rmtree(folder)
    with suppress(OSError):
        os.rmdir(folder.parent)
