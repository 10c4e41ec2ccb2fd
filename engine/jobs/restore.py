# SPDX-License-Identifier: Apache-2.0
"""Restores a deleted session: its row, index and accounts return in one transaction, together with
the job that brings its files. How long sessions stay in the trash is decided in
`engine.jobs.trash`."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs import trash_record
from engine.jobs.context import TRASH, WORKING, JobContext
from engine.jobs.move import build_and_settle
from engine.jobs.trash import place_in_trash, take_turn
from engine.jobs.workflow import Work
from engine.model.accounts import Place
from engine.model.errors import Conflict, InvalidInput, NotFound
from engine.model.states import QUEUED_FOR, Status, Verb
from engine.prearchive import accounts, queues
from engine.prearchive.rows import place_of
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.files import rename_durably
from engine.storage.folders import make_durably


async def put_back(context: JobContext, id: str, *, actor: str, reason: str = "") -> str:
    """Return a deleted session its row again, its files still in the trash, and queue the job that
    brings them; return the job.

    Raises:
        NotFound: if it is not in the trash.
        Conflict: if its trash is damaged, or something stands in its way.
    """
    async with context.prearchive_db.read() as transaction:
        await _must_be_gone(transaction, id)
    known = await asyncio.to_thread(_read, context.prearchive, id)
    entries = await asyncio.to_thread(trash_record.read_index, context.prearchive / TRASH / id)
    row = _row(known, entries, actor)
    home = place_of(context.prearchive, row.project, row.timestamp, row.folder)
    async with context.prearchive_db.write() as transaction:
        await take_turn(transaction, id)
        await _must_be_gone(transaction, id)
        # It may have expired, or have been put back and deleted anew, since its card was read.
        if await asyncio.to_thread(_read, context.prearchive, id) != known:
            raise Conflict(f"{id} has just been deleted again: check it first")
        if await asyncio.to_thread(home.exists) or await _is_taken(transaction, row):
            raise Conflict(f"another session is at the place of {id}: move or delete it first")
        transaction.add(row)
        await transaction.flush()
        await accounts.move(transaction, id, Place.DELETED, Place.WAITING)
        await queues.come_back(transaction, id)
        await _agree(context, transaction, id, entries)
        transaction.add_all(entries)
        detail: dict[str, object] = {"objects": len(entries)}
        if reason:
            detail["reason"] = reason
        record_triage(transaction, actor, "Restored from trash", id, detail)
        job = f"{id}:{Verb.RESTORE.value}:{row.attempt}"
        await context.runner.enqueue(transaction, job)
    await context.at("row is back")
    return job


class RestoreJob:
    """The steps that bring the files of a session whose row is back."""

    def __init__(self, job_context: JobContext) -> None:
        """Restore in one prearchive."""
        self._context = job_context

    def work(self) -> Work:
        """Name the steps."""
        return Work(steps=[("bring", self._bring), ("build", self._build)], fail=self._fail)

    async def _bring(self, session: str, attempt: int) -> None:
        row = await self._context.owned(session, Verb.RESTORE, attempt)
        if row is not None:
            await self.bring(row)

    async def _build(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.RESTORE, attempt)
        if row is None:
            return
        try:
            await build_and_settle(self._context, row)
        except InvalidInput as error:
            # It could not be built before it was deleted either: it is back all the same.
            await self._context.give_back(session, Status.ERROR, error.message)
        await self._context.log(session, "put back from the trash")

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        row = await self._context.still_owned(session, Verb.RESTORE, attempt)
        if row is not None:
            await self.bring(row)
            await self._context.fail(session, Verb.RESTORE, attempt, code, reason)

    async def bring(self, row: SessionRow) -> None:
        """Take the files of a restored session out of the trash, unless that was done: from then
        on it is a session like any other that a job has taken."""
        if not row.working_folder.startswith(f"{TRASH}/"):
            return
        await asyncio.to_thread(_fetch, self._context.prearchive, row.id)
        await self._context.at("out of the trash")
        async with self._context.prearchive_db.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == row.id).with_for_update()
            locked = (await transaction.execute(query)).scalar_one()
            locked.working_folder = f"{WORKING}/{row.id}/{row.folder}"
        await self._context.at("brought")


def _read(prearchive: Path, id: str) -> trash_record.TrashRecord:
    folder = place_in_trash(prearchive, id)
    if folder is None:
        raise NotFound(f"{id} is not in the trash", hint="list them: trash list")
    return trash_record.read(folder)


def _row(known: trash_record.TrashRecord, entries: Sequence[ObjectRow], actor: str) -> SessionRow:
    """Make the row anew: queued, closed to late objects, its files in the trash."""
    was, behind = known.session, known.behind
    return SessionRow(
        id=was.id,
        project=was.project,
        timestamp=was.timestamp,
        folder=was.folder,
        label=was.label,
        subject=was.subject,
        received_study_uid=was.tag,
        study_uid=behind.study_uid,
        status=QUEUED_FOR[Verb.RESTORE],
        accepting=False,
        working_folder=f"{TRASH}/{was.id}/{was.folder}",
        # Higher than any before: the name of a job is never used twice.
        attempt=behind.attempt + 1,
        snapshot=behind.snapshot,
        autoarchive=was.autoarchive,
        prevent_anon=was.prevent_anon,
        prevent_auto_commit=was.prevent_auto_commit,
        source=was.source,
        visit=was.visit,
        protocol=was.protocol,
        timezone=was.timezone,
        scan_date=was.scan_date,
        scan_time=was.scan_time,
        uploaded=was.uploaded,
        lastmod=datetime.now(UTC),
        last_object=was.last_object,
        receiver=was.receiver,
        calling=was.calling,
        session_type=was.session_type,
        modality=was.modality,
        scans=was.scans,
        objects=len(entries),
        bytes=sum(entry.size for entry in entries),
        built_objects=behind.built_objects,
        cut_short=was.cut_short,
        looked=behind.looked,
        looked_by=behind.looked_by,
        routed=behind.routed,
        duplicates=was.duplicates,
        arriving=was.arriving,
        missing=was.missing,
        account=behind.account,
        file_name_template=behind.file_name_template,
        asked_by=actor,
    )


async def _must_be_gone(transaction: AsyncSession, id: str) -> None:
    row = await transaction.get(SessionRow, id)
    if row is None:
        return
    if row.working_folder.startswith(f"{TRASH}/"):
        raise Conflict(f"{id} is being restored already")
    raise Conflict(f"{id} is in the prearchive ({row.status}), not in the trash")


async def _is_taken(transaction: AsyncSession, row: SessionRow) -> bool:
    query = select(func.count()).where(
        func.coalesce(SessionRow.project, "") == (row.project or ""),
        SessionRow.timestamp == row.timestamp,
        SessionRow.folder == row.folder,
    )
    return bool((await transaction.execute(query)).scalar_one())


async def _agree(
    context: JobContext, transaction: AsyncSession, id: str, entries: Sequence[ObjectRow]
) -> None:
    """Let the index follow what was recorded since it was put aside, and compare it with the
    accounts.

    Raises:
        Conflict: if they do not know the same objects.
    """
    tallied = await accounts.by_transfer(transaction, id, Place.WAITING)
    if tallied.total() != len(entries):
        raise Conflict(
            f"the accounts know {tallied.total()} objects of {id}, its index in the trash "
            f"{len(entries)}"
        )
    late = await context.receipts.take_back(transaction, id, entries)
    # A late record has counted its object for its own transfer: the tallies say for which.
    senders = tallied - Counter(entry.transfer for entry in entries)
    for entry, transfer in zip(late, senders.elements(), strict=False):
        entry.recovered, entry.transfer = False, transfer


def _fetch(prearchive: Path, id: str) -> None:
    """Rename a deleted session out of the trash; run again it ends what was begun."""
    source, target = prearchive / TRASH / id, prearchive / WORKING / id
    make_durably(prearchive, target.parent, mode=0o700)
    rename_durably(source, target)
    trash_record.remove(target)
