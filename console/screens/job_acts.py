# SPDX-License-Identifier: Apache-2.0
"""What can be done to jobs, and to the sends among them, on any screen that shows them."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Sequence
from dataclasses import replace

from textual import work

from console.runtime.context import ConsoleContext
from console.screens.base.screen import BaseScreen, Copyable
from console.views import remotes, system
from engine.model.errors import EngineError
from engine.model.live import Job
from engine.model.remotes import Send, SendFailure


class JobScreen(BaseScreen):
    """A screen with jobs."""

    def __init__(self, context: ConsoleContext) -> None:
        """Begin without jobs."""
        super().__init__(context)
        self.jobs: dict[str, Job] = {}
        self.sends: dict[str, Send] = {}
        self._detailed: Send | None = None
        """Of which the failures were asked for last."""
        self._failures: dict[str, tuple[SendFailure, ...]] = {}
        """Those of one send."""

    @property
    def job(self) -> Job | None:
        """The job that an act is about now."""
        raise NotImplementedError

    @property
    def send(self) -> Send | None:
        """The send that this job is, if it is one."""
        job = self.job
        return self.sends.get(job.session) if job is not None else None

    def jobs_changed(self) -> None:
        """Go on after an act."""

    def failures_read(self) -> None:
        """Go on once the failures of a send are known."""

    def why_not_job(self, action: str) -> str:
        """Say why a verb is not possible for the job now."""
        if action in ("start", "echo", "limits", "storing", "tls"):
            return "that is for receivers: < shows them"
        if action not in ("check", "stop"):
            return ""
        if (job := self.job) is None:
            return "there is no job here"
        if (send := self.send) is not None:
            again = "a send is asked for anew, at its session"
            return again if action == "check" else remotes.why_not_cancelled(send)
        return system.why_no_retry(job) if action == "check" else system.why_no_cancel(job)

    def copies_of_job(self, job: Job, send: Send | None) -> Sequence[Copyable]:
        """Return what can be copied of a job; of one that sends, of the send."""
        id, session, command = job.id, job.session, ["jobs", "retry", job.id]
        if send is not None:
            id, session, command = send.id, send.session, ["remote", "sends", send.id]
        return (
            Copyable(title="id", text=id),
            Copyable(title="session", text=session),
            Copyable(title="command", text=shlex.join(["anteroom", *command])),
        )

    def job_card(self, job: Job, send: Send | None) -> tuple[str, list[tuple[str, str]]]:
        """Return the title and the lines of a job's card. The failures of a send are asked for
        again where that has changed."""
        if send is None:
            return job.verb, system.job_card(job)
        if (send.failed or send.warnings) and send != self._detailed:
            self._detailed = send
            self._read_failures(send.id)
        known = self._failures.get(send.id, ())
        return "send", remotes.send_card(replace(send, failures=known))

    def retry_job(self) -> None:
        """Try the job again."""
        if (job := self.job) is not None:
            self._act_on_job(self.engine.jobs.retry(job.id), f"{job.id} runs again")

    def cancel_job(self) -> None:
        """Take the job out of the queue, or end the send."""
        if (send := self.send) is not None:
            self._act_on_job(self.engine.remotes.cancel(send.id), f"{send.id} is cancelled")
        elif (job := self.job) is not None:
            self._act_on_job(self.engine.jobs.cancel(job.id), f"{job.id} is cancelled")

    @work(group="acts", exit_on_error=False)
    async def _act_on_job(self, act: Awaitable[None], done: str) -> None:
        try:
            await act
        except EngineError as error:
            self.failed(error)
        else:
            self.tell(done)
        self.jobs_changed()

    @work(exclusive=True, group="failures", exit_on_error=False)
    async def _read_failures(self, id: str) -> None:
        whole = await self.asked(self.engine.remotes.sending(id))
        if whole is not None:
            self._failures = {id: whole.failures}
            self.failures_read()
