# SPDX-License-Identifier: Apache-2.0
"""Notes under which names and numbers a session came, so that who has them on paper finds it."""

from __future__ import annotations

from pathlib import Path

from engine.jobs.context import JobContext
from engine.prearchive import name_marks
from engine.prearchive.tables import SessionRow
from engine.sessions.known_as import known_as


async def note_names(context: JobContext, row: SessionRow, folder: Path) -> None:
    """Mark a session with what its objects said when they came. Nothing is written where it has
    these marks already: a build that finds nothing new is the usual one."""
    known = await context.processes.run(known_as, folder, context.prearchive, row.id)
    marks = {context.names.mark(one.kind, one.value) for one in known}
    async with context.prearchive_db.read() as transaction:
        if await name_marks.of(transaction, row.id) == marks:
            return
    async with context.prearchive_db.write() as transaction:
        if await transaction.get(SessionRow, row.id) is not None:
            await name_marks.replace(transaction, row.id, marks)
