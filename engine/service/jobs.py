# SPDX-License-Identifier: Apache-2.0
"""Jobs, on behalf of an actor: listing them, and cancelling or retrying one."""

from __future__ import annotations

from engine.jobs.context import JobContext
from engine.model.errors import Conflict
from engine.model.live import Job
from engine.model.prearchive import ActOutcome
from engine.model.remotes import SEND
from engine.model.states import Verb
from engine.service.prearchive import Prearchive
from engine.service.remotes import Remotes
from engine.service.windows import limited


class Jobs:
    """Runs of workflows."""

    def __init__(self, context: JobContext, prearchive: Prearchive, remotes: Remotes) -> None:
        """Ask one runner; what changes a job changes its session or its send too."""
        self._remotes = remotes
        self._runner = context.runner
        self._prearchive = prearchive

    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]:
        """Return jobs, newest first."""
        return await self._runner.list(limited(limit), unfinished=unfinished)

    async def cancel(self, id: str) -> None:
        """Take a queued job out of the queue; its session gets the status that its files give."""
        job = await self._runner.find(id)
        if job.verb == SEND:
            await self._remotes.cancel(job.session)
            return
        if job.status != "queued":
            raise Conflict(f"the job {id} is {job.status}: only queued jobs can be cancelled")
        _must(await self._prearchive.reset((job.session,)))

    async def retry(self, id: str) -> None:
        """Queue what a job was to do once more, where the session's status allows it."""
        job = await self._runner.find(id)
        acts = {
            Verb.REBUILD: self._prearchive.rebuild,
            Verb.ARCHIVE: self._prearchive.archive,
            Verb.DELETE: self._prearchive.delete,
            Verb.RESTORE: self._prearchive.restore,
        }
        if job.status not in ("failed", "cancelled"):
            raise Conflict(f"the job {id} is {job.status}: there is nothing to retry")
        if job.verb == SEND:
            raise Conflict("a send is asked for anew: anteroom remote send")
        act = acts.get(Verb(job.verb))
        if act is None:
            raise Conflict("a move is asked for anew: anteroom prearchive move")
        _must(await act((job.session,)))


def _must(outcomes: tuple[ActOutcome, ...]) -> None:
    for outcome in outcomes:
        if not outcome.done:
            raise Conflict(outcome.message)
