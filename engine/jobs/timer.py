# SPDX-License-Identifier: Apache-2.0
"""The timer: builds sessions that have been idle for the configured interval. The interval is
measured on the monotonic clock since this engine last saw the row change, so that a jump of the
wall clock neither ends a session early nor keeps it open."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import Database
from engine.jobs.runner import JobRunner
from engine.model.states import Status, Verb
from engine.prearchive.rows import queue
from engine.prearchive.tables import HeldRow, SessionRow

NEVER_BY_TIMER = "uploader"
"""Sessions of this source are built when the uploader commits them."""


@dataclass(slots=True)
class _Seen:
    mark: tuple[int, str]
    since: float


class Timer:
    """Looks at receiving sessions and queues the build of those that are idle."""

    def __init__(
        self,
        database: Database,
        runner: JobRunner,
        *,
        idle: Callable[[str | None], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Build after so many seconds without a new object; they differ by project,
        and may change at any time."""
        self._database = database
        self._runner = runner
        self._idle = idle
        self._clock = clock
        self._seen: dict[str, _Seen] = {}

    async def check(self) -> list[str]:
        """Queue the builds that are due; return their sessions."""
        now = self._clock()
        due = [
            id
            for id, mark, project in await self._receiving()
            if self._is_due(id, mark, now, self._idle(project))
        ]
        queued = []
        for id in due:
            async with self._database.write() as transaction:
                if await self._queue(transaction, id):
                    queued.append(id)
                    self._seen.pop(id, None)
        return queued

    async def _receiving(self) -> list[tuple[str, tuple[int, str], str | None]]:
        # What the helper is at is on its way here.
        staged = exists().where(HeldRow.session == SessionRow.id, HeldRow.waits)
        query = select(
            SessionRow.id, SessionRow.objects, SessionRow.last_object, SessionRow.project
        ).where(
            SessionRow.status == Status.RECEIVING,
            SessionRow.locked.is_(False),
            SessionRow.prevent_auto_commit.is_(False),
            SessionRow.source != NEVER_BY_TIMER,
            ~staged,
        )
        async with self._database.read() as transaction:
            rows = (await transaction.execute(query)).all()
        found = [(id, (objects, last.isoformat()), project) for id, objects, last, project in rows]
        present = {id for id, *_ in found}
        self._seen = {id: seen for id, seen in self._seen.items() if id in present}
        return found

    def _is_due(self, id: str, mark: tuple[int, str], now: float, idle: float) -> bool:
        seen = self._seen.get(id)
        if seen is None or seen.mark != mark:
            self._seen[id] = _Seen(mark=mark, since=now)
            return idle <= 0
        return now - seen.since >= idle

    async def _queue(self, transaction: AsyncSession, id: str) -> bool:
        row = await transaction.get(SessionRow, id, with_for_update=True)
        if row is None or row.status != Status.RECEIVING or row.locked:
            return False
        # Compared again under the lock: an object may have come since the list was read.
        mark = (row.objects, row.last_object.isoformat())
        if self._seen[id].mark != mark:
            return False
        row.commit_after = True
        row.asked_by = row.account or "timer"
        await self._runner.enqueue(transaction, queue(row, Verb.REBUILD))
        return True
