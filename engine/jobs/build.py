# SPDX-License-Identifier: Apache-2.0
"""The build job: one pass over a session's headers makes its scans, catalogs and document, and sets
the row to READY, or to ERROR or CONFLICT with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import projects, scan_types
from engine.archive.audit.trail import record_triage
from engine.dicom.guard import Guard
from engine.ingest.posting import forget
from engine.jobs import contradictions
from engine.jobs.context import SEVERITIES, JobContext, remove_tree
from engine.jobs.departure import object_files, recover_unrecorded
from engine.jobs.finding_limits import limit_of
from engine.jobs.late_objects import Belonging, recognise
from engine.jobs.naming import note_names
from engine.jobs.rerun import adopt
from engine.jobs.workflow import Work
from engine.model.accounts import Place
from engine.model.errors import InvalidInput
from engine.model.findings import Level
from engine.model.settings import FileNames
from engine.model.states import Status, Verb
from engine.prearchive import accounts, arriving, desk, findings
from engine.prearchive.rows import folder_of, place_of, queue, settle, to_session
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.sessions.build.assemble import assemble
from engine.sessions.build.patients import NOBODY, Routed
from engine.sessions.build.result import BuildError, BuildOptions, BuildResult
from engine.sessions.build.seal import seal_of
from engine.sessions.build.types import SessionTypes, load_types

AUTO_ARCHIVE = 4
"""The project's prearchive code from which sessions are archived by themselves."""


class BuildJob:
    """The steps of a build."""

    def __init__(self, job_context: JobContext) -> None:
        """Build in one prearchive."""
        self._context = job_context

    def work(self) -> Work:
        """Name the steps."""
        return Work(steps=[("build", self._build)], fail=self._fail)

    async def _build(self, session: str, attempt: int) -> None:
        row = await self._context.owned(session, Verb.REBUILD, attempt)
        if row is None:
            return
        folder = folder_of(row, self._context.prearchive)
        await self._context.ingester.ingest()
        if not await asyncio.to_thread(folder.is_dir):
            await self._gone(session)
            return
        # A worker that was killed between link and record has left what nobody counts yet.
        await recover_unrecorded(self._context, row, folder)
        await self._context.at("files recovered")
        found = await recognise(self._context, row, folder, whole=True)
        if await self._is_empty(session, folder):
            await self._drop(row)
            return
        result = await build(self._context, row, folder)
        await self._context.at("files built")
        await self._context.ingester.ingest()
        archives, limit = await self._archives(row), await limit_of(self._context, row.project)
        status, cut_short = await self._record(
            session, folder, result, archives=archives, limit=limit, found=found
        )
        told = [f"built: {result.file_count} files, {status.value}", *result.conflicts]
        await self._context.log(session, "; ".join(filter(None, [*told, result.unreadable])))
        severity = SEVERITIES.get(status, "warning" if cut_short else "info")
        cut = f"; cut short: {cut_short}" if cut_short else ""
        self._context.changed(session, f"built, {status.value}{cut}", severity)

    async def _record(
        self,
        session: str,
        folder: Path,
        result: BuildResult,
        *,
        archives: bool,
        limit: Level | None,
        found: Belonging | None,
    ) -> tuple[Status, str]:
        """Settle the row; return its status, and what cut the session short, if anything did."""
        async with self._context.prearchive_db.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == session).with_for_update()
            row = (await transaction.execute(query)).scalar_one()
            superfluous = await note(transaction, row, result)
            if row.status == Status.RECEIVING_INTERRUPT:
                settle(row, Status.RECEIVING)
            elif result.conflicts:
                settle(row, Status.CONFLICT, result.conflict)
            elif result.unreadable:
                settle(row, Status.ERROR, result.unreadable)
            elif archives and found is not None and found.stands_in_the_way(row):
                settle(row, Status.CONFLICT, to_session(row).late)
            else:
                settle(row, Status.READY)
                if archives and limit is not None:
                    # It goes on once it has been looked through, if nothing is in the way then.
                    await findings.outdate(transaction, row.id, archives=True)
                elif archives:
                    row.asked_by = row.account or "auto-archive"
                    await self._context.runner.enqueue(transaction, queue(row, Verb.ARCHIVE))
            row.commit_after = False
            status, cut_short = Status(row.status), row.cut_short
        await self._context.at("build recorded")
        await asyncio.to_thread(drop_files, folder, superfluous)
        return status, cut_short

    async def _archives(self, row: SessionRow) -> bool:
        """Decide whether the session goes on to the archive by itself."""
        if row.project is None or not row.commit_after:
            return False
        if row.autoarchive is not None:
            return row.autoarchive
        if not self._context.settings.projects.allow_auto_archive:
            return False
        async with self._context.archive_db.read() as transaction:
            project = await projects.show(transaction, row.project)
        return project.prearchive_code >= AUTO_ARCHIVE

    async def _gone(self, session: str) -> None:
        """The folder was removed by hand: the row goes too, and the accounts say deleted."""
        async with self._context.prearchive_db.write() as transaction:
            await self._context.receipts.write(transaction, session, Place.DELETED)
            await accounts.move(transaction, session, Place.WAITING, Place.DELETED)
            await forget(transaction, session)
            await desk.forget(transaction, session)
            record_triage(transaction, "engine", "Folder missing", session)
        self._context.changed(session, "its folder is gone from the prearchive", "error")

    async def _is_empty(self, session: str, folder: Path) -> bool:
        """Whether no object has come to stay, as when the store was full just then."""
        async with self._context.prearchive_db.read() as transaction:
            row = await transaction.get_one(SessionRow, session)
        return not row.objects and not await asyncio.to_thread(object_files, folder)

    async def _drop(self, row: SessionRow) -> None:
        """Remove an empty session, unless an object comes before it is closed."""
        folder = await self._context.take_away(row)
        await recover_unrecorded(self._context, row, folder)
        if not await self._is_empty(row.id, folder):
            await self._context.give_back(row.id, Status.RECEIVING, "")
            return
        async with self._context.prearchive_db.write() as transaction:
            await forget(transaction, row.id)
            await desk.forget(transaction, row.id)
            record_triage(transaction, "engine", "Empty session dropped", row.id)
        await self._context.at("empty session dropped")
        await asyncio.to_thread(remove_tree, folder.parent)
        self._context.changed(row.id, "dropped: no object of it was stored", "warning")

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        await self._context.fail(session, Verb.REBUILD, attempt, code, reason)


async def build(
    context: JobContext, row: SessionRow, folder: Path, *, one_patient: bool = False
) -> BuildResult:
    """Build a session where its folder is now, in another process. What contradicts itself in it is
    a problem of the result until somebody has decided; with `one_patient` its patients are said to
    be one.

    Raises:
        InvalidInput: if it cannot be built; the reason is for the row.
    """
    await adopt(context, row, folder)
    await recognise(context, row, folder)
    await note_names(context, row, folder)
    place = place_of(context.prearchive, row.project, row.timestamp, row.folder)
    routed = await contradictions.routed(context, row)
    result = await assembled(
        context, row, folder, subject=row.subject or "", place=place, routed=routed
    )
    return await contradictions.judge(context, row, folder, result, accepts=one_patient)


async def assembled(
    context: JobContext,
    row: SessionRow,
    folder: Path,
    *,
    subject: str,
    place: Path,
    routed: Routed = NOBODY,
) -> BuildResult:
    """Build any folder that holds a session's objects; `place` is what its document names.

    Raises:
        InvalidInput: if it cannot be built; the reason is for the row.
    """
    wanted, dicom = context.settings.build, context.settings.dicom
    as_received = dicom.file_names is FileNames.AS_RECEIVED
    mapping: dict[str, str] = {}
    if wanted.scan_type_mapping and row.project is not None:
        async with context.archive_db.read() as transaction:
            mapping = await scan_types.learned(transaction, row.project)
    options = BuildOptions(
        separate_secondary=wanted.separate_secondary,
        checksums=wanted.checksums,
        scan_type_mapping=mapping,
        pet_mr=wanted.pet_mr,
        routed=routed,
        file_names="" if as_received else row.file_name_template or dicom.file_name_template,
    )
    try:
        return await context.processes.run(
            _assemble,
            folder,
            project=row.project or "",
            label=row.label,
            subject=subject,
            options=options,
            types=context.session_types,
            reached=context.reached,
            place=place,
        )
    except BuildError as error:
        raise InvalidInput(str(error)) from error


def _assemble(
    folder: Path,
    *,
    project: str,
    label: str,
    subject: str,
    options: BuildOptions,
    types: Path | None,
    reached: Callable[[str], None],
    place: Path,
) -> BuildResult:
    """Run in a process of the pool, which keeps one guarded helper for odd encodings."""
    return assemble(
        folder,
        project=project,
        label=label,
        subject=subject,
        options=replace(options, types=_types(types)),
        guard=_guard(),
        checkpoint=partial(reached, "file touched"),
        place=place,
    )


@cache
def _guard() -> Guard:
    return Guard()


@cache
def _types(site: Path | None) -> SessionTypes:
    return load_types(site)


async def note(transaction: AsyncSession, row: SessionRow, result: BuildResult) -> list[str]:
    """Write into the row and its index what a build has found; return the files to drop."""
    document = result.document
    row.study_uid = document.uid
    row.session_type = document.type
    row.modality = document.modality
    row.scan_date = document.date or row.scan_date
    row.scan_time = document.time or row.scan_time
    row.scans = len(document.scans)
    row.built_objects = len(result.covered) - len(result.duplicates)
    row.contradictions = len(result.conflicts)
    row.several_patients = any(one.code == "patients" for one in result.problems)
    await findings.outdate(transaction, row.id)
    for fallen in await desk.compare(transaction, row.id, lambda: seal_of(document)):
        record_triage(transaction, "engine", "Review fell", fallen, {"reason": desk.BUILT_ANEW})
    await _follow_files(transaction, row, result)
    for duplicate in result.duplicates:
        await _drop_duplicate(transaction, row, duplicate, result)
    return list(result.duplicates)


async def _follow_files(transaction: AsyncSession, row: SessionRow, result: BuildResult) -> None:
    """Let the index follow the files that this build, or one that was killed, has moved."""
    entries = list(
        (await transaction.execute(select(ObjectRow).where(ObjectRow.session == row.id))).scalars()
    )
    covered = result.covered
    moved = {move.source: move.target for move in result.moves}
    for entry in entries:
        entry.file = moved.get(entry.file, entry.file)
    homeless = [entry for entry in entries if entry.file not in covered]
    if not homeless:
        return
    taken = {entry.file for entry in entries if entry.file in covered}
    free: dict[str, list[str]] = {}
    for path, uid in covered.items():
        if path not in taken:
            free.setdefault(uid, []).append(path)
    for entry in homeless:
        places = free.get(entry.sop_uid, [])
        name = entry.file.rpartition("/")[2]
        # Two objects of one UID keep their names when they move; one alone needs no more proof.
        match = next((path for path in places if path.endswith(f"/{name}")), None)
        match = match or (places[0] if len(places) == 1 else None)
        if match is not None:
            places.remove(match)
            entry.file = match


async def _drop_duplicate(
    transaction: AsyncSession, row: SessionRow, file: str, result: BuildResult
) -> None:
    """Let the index name the file that stays; where both are indexed, one becomes a duplicate."""
    query = select(ObjectRow).where(ObjectRow.session == row.id, ObjectRow.file == file)
    entry = (await transaction.execute(query)).scalar_one_or_none()
    if entry is None:
        return
    indexed = set(
        (
            await transaction.execute(
                select(ObjectRow.file).where(
                    ObjectRow.session == row.id, ObjectRow.sop_uid == entry.sop_uid
                )
            )
        ).scalars()
    )
    going = set(result.duplicates)
    staying = [
        path
        for path, uid in result.covered.items()
        if uid == result.covered[file] and path not in going and path not in indexed
    ]
    if staying:
        # The build keeps the shortest name of the same data set.
        entry.file = min(staying, key=lambda path: (len(path), path))
        await transaction.flush()
        return
    await accounts.add(
        transaction,
        {
            (entry.transfer, row.id, Place.WAITING): -1,
            (entry.transfer, row.id, Place.DUPLICATE): 1,
        },
    )
    row.objects -= 1
    row.bytes -= entry.size
    await arriving.lose_track(transaction, row)
    await transaction.execute(
        delete(ObjectRow).where(ObjectRow.session == row.id, ObjectRow.file == file)
    )


def drop_files(folder: Path, files: list[str]) -> None:
    """Remove files that repeat others of the session."""
    for file in files:
        (folder / file).unlink(missing_ok=True)
