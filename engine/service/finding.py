# SPDX-License-Identifier: Apache-2.0
"""Looks through waiting sessions for what may say who their patients are: in the background, one
after the other, once they are built and whenever a script has changed. What was found is kept until
then; an auto-archive that has to wait for it goes on from here."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog
from sqlalchemy import select

from engine.archive import scripts
from engine.findings import sightings
from engine.findings.needles import Identity
from engine.findings.sightings import Sightings
from engine.intake.kept import Key
from engine.jobs import findings as looking
from engine.jobs import kept_findings
from engine.jobs.archive import subject_of
from engine.jobs.context import JobContext, document_beside
from engine.jobs.finding_limits import go_on, limit_of, minds
from engine.jobs.findings import Place
from engine.jobs.kept_reviews import inventory
from engine.jobs.scripting import ScriptWork, script_work
from engine.model.errors import EngineError
from engine.model.findings import Finding
from engine.model.outage import named
from engine.model.scripts import project_scope
from engine.prearchive import findings
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.sessions.build.document import read_session

PART = 40
"""Files that keep a process of the pool: jobs, and people, wait no longer for it."""
NO_SCRIPT = "none"
_LOOKS = 3
_DIGITS = 16

_log = structlog.get_logger(__name__)


class FindingWork:
    """Of one engine."""

    def __init__(self, context: JobContext) -> None:
        """Nothing has been looked through yet."""
        self._context = context

    async def work(self) -> None:
        """Look through all sessions that were not looked through as they are now."""
        passed: set[str] = set()
        while (found := await self._next(passed)) is not None:
            id, script = found
            passed.add(id)
            try:
                await self.look(id, script)
            except (EngineError, OSError) as error:
                # The next round tries it again.
                _log.warning("session not looked through", session=id, error=named(error))

    async def look(self, id: str, script: str) -> None:
        """Look through one session, with the script of this id in force for its project."""
        for _ in range(_LOOKS):
            async with self._context.prearchive_db.read() as transaction:
                row = await transaction.get(SessionRow, id)
            if row is None:
                return
            folder = folder_of(row, self._context.prearchive)
            try:
                found, files = await self._found(row, folder)
            except FileNotFoundError:
                continue  # it was moved meanwhile
            await self._keep(row, script, found, files)
            return

    async def _next(self, passed: set[str]) -> tuple[str, str] | None:
        async with self._context.prearchive_db.read() as transaction:
            there = await findings.projects_at_rest(transaction)
        for project in there:
            script = await self._script(project)
            async with self._context.prearchive_db.read() as transaction:
                id = await findings.next_stale(transaction, project, script, passed)
            if id is not None:
                return id, script
        return None

    async def _script(self, project: str | None) -> str:
        if project is None:
            return NO_SCRIPT
        async with self._context.archive_db.read() as transaction:
            script = await scripts.in_force(transaction, project_scope(project))
        return NO_SCRIPT if script is None else script.id

    async def _found(self, row: SessionRow, folder: Path) -> tuple[list[tuple[Finding, str]], int]:
        context = self._context
        there = await context.processes.run(inventory, folder, context.prearchive, row.id)
        work = await self._work(row, folder)
        keys = await self._keys(row.id)
        ours = tuple(filter(None, (row.label, row.subject, row.project, row.folder)))
        parts = [there.files[at : at + PART] for at in range(0, len(there.files), PART)]

        def place(files: tuple[str, ...]) -> Place:
            return Place(
                folder=folder,
                prearchive=context.prearchive,
                session=row.id,
                stamp=there.kept,
                keys={file: keys[file] for file in files if file in keys},
                # Unassigned sessions are called what the patient is called.
                ours=ours if row.project is not None else (),
            )

        identity = Identity()
        lanes = asyncio.Semaphore(max(1, context.processes.processes))

        async def said(files: tuple[str, ...]) -> None:
            async with lanes:
                identity.join(await context.processes.run(looking.said, place(files), files))

        await asyncio.gather(*(said(files) for files in parts))
        seen: Sightings = {}

        async def through(files: tuple[str, ...]) -> None:
            async with lanes:
                part = await context.processes.run(
                    looking.look_through, place(files), files, identity, work
                )
                sightings.join(seen, part)

        await asyncio.gather(*(through(files) for files in parts))
        return sightings.found(seen), len(there.files)

    async def _work(self, row: SessionRow, folder: Path) -> ScriptWork | None:
        if row.project is None or row.prevent_anon:
            return None
        subject = row.subject or ""
        if not subject and document_beside(folder).exists():
            document = await asyncio.to_thread(document_beside(folder).read_bytes)
            subject = subject_of(row, read_session(document))
        return await script_work(
            self._context,
            project_scope(row.project),
            project=row.project,
            subject=subject,
            session=row.label,
        )

    async def _keys(self, session: str) -> dict[str, Key]:
        query = select(ObjectRow.file, ObjectRow.received_sop_uid, ObjectRow.digest)
        async with self._context.prearchive_db.read() as transaction:
            found = await transaction.execute(query.where(ObjectRow.session == session))
            return {file: (uid, digest) for file, uid, digest in found.all()}

    async def _keep(
        self, before: SessionRow, script: str, found: list[tuple[Finding, str]], files: int
    ) -> None:
        context = self._context
        limit = await limit_of(context, before.project)
        # In the database it stands under a key only what values there were.
        found = [(one, context.names.mark("finding", known)[:_DIGITS]) for one, known in found]
        await asyncio.to_thread(
            kept_findings.write, context.prearchive, before.id, [one for one, _ in found]
        )
        async with context.prearchive_db.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == before.id).with_for_update()
            row = (await transaction.execute(query)).scalar_one_or_none()
            if row is None or row.attempt != before.attempt or row.objects != before.objects:
                return  # it is already of what was
            look = await findings.keep(transaction, row.id, script, found, files)
            why = minds(look, limit)
            waits = look.archives and not await go_on(context, transaction, row, look, limit)
            told = f"{look.open} open" if look.open else "none open"
        context.changed(before.id, f"findings: {told}", "warning" if why else "info")
        if waits and why:
            await context.log(before.id, f"not archived by itself: {why}")
