# SPDX-License-Identifier: Apache-2.0
"""The delete job: moves a prearchive session into the prearchive's trash, from which it can be
restored for a time. Nothing is destroyed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from engine.jobs import trash_record
from engine.jobs.context import TRASH, JobContext
from engine.jobs.departure import leave, recover_unrecorded
from engine.jobs.workflow import Work
from engine.model.accounts import Place
from engine.model.states import Verb
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.files import rename_durably
from engine.storage.folders import make_durably


class DeleteJob:
    """The steps of a deletion."""

    def __init__(self, job_context: JobContext) -> None:
        """Delete from one prearchive."""
        self._context = job_context

    def work(self) -> Work:
        """Name the steps."""
        return Work(steps=[("take", self._take), ("trash", self._trash)], fail=self._fail)

    async def _take(self, session: str, attempt: int) -> None:
        row = await self._context.owned(session, Verb.DELETE, attempt)
        if row is not None:
            folder = await self._context.take_away(row)
            await recover_unrecorded(self._context, row, folder)

    async def _trash(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.DELETE, attempt)
        if row is None:
            return
        working = self._context.prearchive / row.working_folder
        target = self._context.prearchive / TRASH / row.id
        async with self._context.prearchive_db.read() as transaction:
            query = select(ObjectRow).where(ObjectRow.session == session)
            entries = (await transaction.execute(query)).scalars().all()
        await asyncio.to_thread(_put_away, working.parent, target, row, entries)
        await self._context.at("in the trash")
        await leave(self._context, row, Place.DELETED, "Deleted into trash")
        await self._context.at("left the prearchive")
        self._context.changed(session, "deleted into the trash", "warning")

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        row = await self._context.still_owned(session, Verb.DELETE, attempt)
        if row is not None:
            await self.take_back(row)
            await self._context.fail(session, Verb.DELETE, attempt, code, reason)

    async def take_back(self, row: SessionRow) -> None:
        """Fetch a session from the trash whose row did not follow it there."""
        if row.working_folder:
            working = self._context.prearchive / row.working_folder
            target = self._context.prearchive / TRASH / row.id
            await asyncio.to_thread(_fetch_back, target, working.parent)


def _put_away(source: Path, target: Path, row: SessionRow, entries: Sequence[ObjectRow]) -> None:
    """Rename a taken session into the trash, with what is known of it beside the files."""
    make_durably(target.parent.parent, target.parent, mode=0o700)
    if source.exists():
        trash_record.write(source, row, entries)
    rename_durably(source, target)


def _fetch_back(target: Path, source: Path) -> None:
    if target.exists() and not source.exists():
        rename_durably(target, source)
    trash_record.remove(source)
