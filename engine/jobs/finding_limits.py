# SPDX-License-Identifier: Apache-2.0
"""Whether findings keep a session out of the archive: that is up to its project."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import projects
from engine.jobs.context import JobContext
from engine.model.findings import NO_LIMIT, Level
from engine.model.states import Status, Verb
from engine.prearchive import findings
from engine.prearchive.finding_tables import FindingLookRow
from engine.prearchive.rows import queue
from engine.prearchive.tables import SessionRow


async def limit_of(context: JobContext, project: str | None) -> Level | None:
    """Return from which level on open findings keep sessions of a project out of the archive; None
    where none do."""
    if project is None:
        return None
    async with context.archive_db.read() as transaction:
        wanted = (await projects.show(transaction, project)).findings_limit
    return None if wanted == NO_LIMIT else Level(wanted)


async def go_on(
    context: JobContext,
    transaction: AsyncSession,
    row: SessionRow,
    look: FindingLookRow,
    limit: Level | None,
) -> bool:
    """Queue the archiving of a session that was to be archived by itself and had to wait, if its
    project minds nothing of it any more; say whether that was done."""
    if not look.archives or row.locked or Status(row.status) is not Status.READY:
        return False
    if minds(look, limit):
        return False
    look.archives = False
    row.asked_by = row.account or "auto-archive"
    await context.runner.enqueue(transaction, queue(row, Verb.ARCHIVE))
    return True


def minds(look: FindingLookRow | None, limit: Level | None) -> str:
    """Say why a session may not be archived yet; empty where nothing of it is minded."""
    if limit is None:
        return ""
    if look is None or look.of == findings.STALE:
        return "it is not looked through for findings yet, and its project wants that"
    if look.level and Level(look.level).reaches(limit):
        many = f"{look.open} findings are" if look.open > 1 else "a finding is"
        return (
            f"{many} open, the highest {look.level}: its project wants none from {limit} on; mend "
            "or acknowledge them"
        )
    return ""
