# SPDX-License-Identifier: Apache-2.0
"""The job that sends a session to a remote. It takes nothing from the session: a waiting one may be
archived meanwhile, which ends it. A remote that cannot be reached is called again after growing
pauses. After a crash it goes on from the last count, so that some objects may go twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import quarantine, remotes, sessions
from engine.archive.audit.trail import record_triage
from engine.jobs.context import JobContext
from engine.jobs.threads import in_a_thread
from engine.jobs.workflow import GivesWay, Work
from engine.model.errors import Conflict, EngineError, NotFound, Outage
from engine.model.remotes import UNFINISHED, Remote, SendState, presented
from engine.model.states import Status, why_not_sent
from engine.prearchive import rows, sends
from engine.prearchive.tables import SendRow, SessionRow
from engine.remotes.faults import Unreached
from engine.remotes.plan import Plan, plan
from engine.remotes.progress import FileGone, Progress

if TYPE_CHECKING:
    from engine.remotes.sending import Sending

Told = Callable[[str, str, str], None]
"""Takes the id of a send, a sentence and a severity; often, while objects are sent."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a remote that cannot be reached is waited for, in seconds."""

    first: float = 5.0
    """The first pause; each is twice the one before."""
    longest: float = 600.0
    give_up: float = 86_400.0
    """Since an object was sent last."""
    at_least: int = 5
    """So often it is called after a start: the remote may be down for as long as the engine was."""
    look: float = 0.5
    """Between two looks at what is being sent, and at whether it is to be cancelled."""
    grace: float = 5.0
    """That an object may take when it is to be cancelled."""


class _Broken(Exception):
    """It may go on later."""


@dataclass(slots=True)
class _Run:
    """A send on its way in this process."""

    id: str
    tries: int = 0
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it has last got on, at whichever start of the engine."""
    strikes: tuple[int, int] = (-1, 0)
    """At which object a connection broke last, and how often there."""


class SendJob:
    """The step of a job that sends."""

    def __init__(
        self,
        job_context: JobContext,
        *,
        told: Told,
        patience: Patience | None = None,
    ) -> None:
        """Send from one prearchive and its archive."""
        self._context = job_context
        self._told = told
        self._patience = patience or Patience()
        self._closing = asyncio.Event()
        self._sending: dict[str, Sending] = {}

    def work(self) -> Work:
        """Name the steps."""
        return Work(steps=[("send", self._send)], fail=self._fail)

    def close(self) -> None:
        """Cut what is being sent; the next start goes on with it."""
        self._closing.set()
        for sending in self._sending.values():
            sending.cut()

    async def _send(self, id: str, _attempt: int) -> None:
        run = _Run(id=id)
        while True:
            try:
                if await self._go_on(run):
                    return
            except _Broken as error:
                if not await self._pause(run, str(error)):
                    return
            except Outage:
                raise
            except EngineError as error:
                await self._end(id, SendState.FAILED, error.message)
                return

    async def _fail(self, id: str, _attempt: int, _code: str, reason: str) -> None:
        await self._end(id, SendState.FAILED, reason)

    async def _go_on(self, run: _Run) -> bool:
        """Send as much as possible; say whether there is nothing more to do.

        Raises:
            _Broken: if it may go on later.
            EngineError: if it may not.
        """
        self._must_go_on()
        row = await self._taken(run.id)
        if row is None:
            return True
        run.since = row.progressed or row.began or run.since
        remote = await self._remote(row.remote)
        folder, document = await self._place(row)
        scans = tuple(row.scans.get("ids", ()))
        try:
            planned = await self._context.processes.run(plan, folder, scans, document)
        except FileNotFoundError:
            raise _Broken("the folder of the session is not in its place") from None
        await self._begun(row, planned)
        if not planned.files:
            await self._end(run.id, SendState.FAILED, "there is no object to be sent")
            return True
        return await self._carried_out(run, row, remote, folder, planned)

    async def _carried_out(
        self, run: _Run, row: SendRow, remote: Remote, folder: Path, planned: Plan
    ) -> bool:
        # Loaded here: an engine starts sooner without pynetdicom, and not every one sends.
        from engine.remotes.sending import Sending  # noqa: PLC0415 (slow to load)

        calling, max_pdu = presented(remote, self._context.settings.dicom)
        progress = _progress_of(row)
        progress.struck_at, progress.strikes = run.strikes
        before = progress.position
        sending = Sending(
            remote,
            folder,
            planned,
            progress,
            calling=calling,
            max_pdu=max_pdu,
        )
        self._sending[run.id] = sending
        try:
            fault = await self._watched(run.id, sending, planned)
        finally:
            del self._sending[run.id]
        self._must_go_on()
        run.strikes = progress.struck_at, progress.strikes
        if progress.position > before:
            run.tries, run.since = 0, datetime.now(UTC)
        if progress.position < len(planned.files) and await self._is_cancelled(run.id):
            await self._end(run.id, SendState.CANCELLED, "")
            return True
        if isinstance(fault, FileGone):
            raise _Broken("a file of the session is not in its place")
        if isinstance(fault, Unreached):
            if not fault.passes:
                raise Conflict(fault.reason)
            raise _Broken(fault.reason)
        if fault is not None:
            raise fault
        await self._end_of_all(run.id, remote)
        return True

    async def _watched(self, id: str, sending: Sending, planned: Plan) -> BaseException | None:
        """Have a thread send, and keep how far it is until it has ended; return its fault."""
        ended = in_a_thread(sending.run, f"send {id}")
        try:
            await self._look_on(id, sending, planned, ended)
        except BaseException:
            # The next try begins where this one was counted last: two of them must not go at once.
            sending.cut()
            await asyncio.wait((ended,))
            raise
        return ended.exception()

    async def _look_on(
        self, id: str, sending: Sending, planned: Plan, ended: asyncio.Future[None]
    ) -> None:
        seen, stopped_at = -1, 0.0
        loop = asyncio.get_running_loop()
        while not ended.done():
            await asyncio.wait((ended,), timeout=self._patience.look)
            if self._closing.is_set():
                sending.cut()
                continue
            now = sending.progress.now()
            if now.position != seen:
                seen = now.position
                await self._keep(id, now, planned)
            if not stopped_at and await self._is_cancelled(id):
                sending.stop()
                stopped_at = loop.time()
                await self._context.at("send stopped")
            if stopped_at and loop.time() - stopped_at > self._patience.grace:
                sending.cut()
        if not self._closing.is_set():
            await self._keep(id, sending.progress.now(), planned)

    async def _taken(self, id: str) -> SendRow | None:
        """Take what is queued, or was interrupted; None where it has ended."""
        if await self._is_cancelled(id):
            await self._end(id, SendState.CANCELLED, "")
            return None
        async with self._context.prearchive_db.write() as transaction:
            row = await sends.get(transaction, id, lock=True)
            if row.state not in UNFINISHED:
                return None
            row.state = SendState.SENDING.value
            row.began = row.began or datetime.now(UTC)
            row.next_try, row.reason = None, ""
        await self._context.at("send taken")
        return row

    async def _begun(self, row: SendRow, planned: Plan) -> None:
        """Note what goes; a list that is not that of before begins anew."""
        async with self._context.prearchive_db.write() as transaction:
            kept = await sends.get(transaction, row.id, lock=True, failures=True)
            if kept.listing != planned.digest:
                kept.listing, kept.position = planned.digest, 0
                kept.sent = kept.sent_bytes = kept.warnings = kept.failed = 0
                kept.statuses, kept.failures = {}, {}
            kept.objects, kept.bytes = len(planned.files), planned.bytes
            for name in ("position", "sent", "sent_bytes", "warnings", "failed"):
                setattr(row, name, getattr(kept, name))
            row.statuses, row.failures = kept.statuses, kept.failures

    async def _keep(self, id: str, progress: Progress, planned: Plan) -> None:
        async with self._context.prearchive_db.write() as transaction:
            row = await sends.get(transaction, id, lock=True)
            if progress.position > row.position:
                row.progressed = datetime.now(UTC)
            # The thread goes on: what it counts from now on goes once more after a crash.
            row.position = progress.position
            row.sent, row.sent_bytes = progress.sent, progress.sent_bytes
            row.warnings, row.failed = progress.warnings, progress.failed
            row.statuses = dict(progress.statuses)
            sends.keep_failures(row, progress.failures)
            row.tries = 0
        await self._context.at("send counted")
        said = f"{row.remote}: {progress.sent} of {len(planned.files)} objects of {row.session}"
        self._told(id, f"{said} sent", "info")

    async def _pause(self, run: _Run, reason: str) -> bool:
        """Wait until it may go on; say whether it does."""
        run.tries += 1
        patience, now = self._patience, datetime.now(UTC)
        is_long = now - run.since > timedelta(seconds=patience.give_up)
        if is_long and run.tries >= patience.at_least:
            await self._end(run.id, SendState.FAILED, f"given up after a long time: {reason}")
            return False
        seconds = min(patience.first * 2 ** min(run.tries - 1, 20), patience.longest)
        until = now + timedelta(seconds=seconds)
        async with self._context.prearchive_db.write() as transaction:
            row = await sends.get(transaction, run.id, lock=True)
            row.state, row.reason = SendState.WAITING.value, reason
            row.tries, row.next_try = run.tries, until
            said = f"{row.remote}: {reason}; tried again in {seconds:.0f} s"
        self._told(run.id, said, "warning")
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), min(left, patience.look))
            self._must_go_on()
            if await self._is_cancelled(run.id):
                break
        return True

    async def _end_of_all(self, id: str, remote: Remote) -> None:
        async with self._context.prearchive_db.read() as transaction:
            row = await sends.get(transaction, id)
        if not row.failed:
            await self._end(id, SendState.DONE, "")
            return
        said = f"{remote.name} has not taken {row.failed} of {row.objects} objects"
        await self._end(id, SendState.FAILED, said)

    async def _end(self, id: str, state: SendState, reason: str) -> None:
        async with self._context.prearchive_db.write() as transaction:
            row = await transaction.get(SendRow, id, with_for_update=True)
            if row is None or row.state not in UNFINISHED:
                return
            end(transaction, row, state, reason)
        said = reason or f"{row.sent} of {row.objects} objects sent"
        text = f"{row.remote}: {row.session} {state.value}: {said}"
        self._told(id, text, "warning" if state is SendState.FAILED else "info")

    async def _is_cancelled(self, id: str) -> bool:
        async with self._context.prearchive_db.read() as transaction:
            return bool((await sends.get(transaction, id)).cancelled_by)

    async def _remote(self, name: str) -> Remote:
        async with self._context.archive_db.read() as transaction:
            remote = await remotes.show(transaction, name)
        if not remote.enabled:
            raise Conflict(f"the remote {remote.name} is disabled")
        return remote

    async def _place(self, row: SendRow) -> tuple[Path, str]:
        """Return the folder of a session, and its document where it is filed."""
        if row.filed:
            async with self._context.archive_db.read() as transaction:
                card = await sessions.card(transaction, row.session)
                document = await sessions.document(transaction, row.session)
                since = await quarantine.withheld_since(transaction, row.session)
            if since is not None and since > row.queued:
                # Whoever asked may not be among those who see it now.
                raise Conflict(f"{row.session} has come into quarantine since this was asked for")
            return self._context.archive / card.folder, document
        async with self._context.prearchive_db.read() as transaction:
            waiting = await transaction.get(SessionRow, row.session)
        if waiting is None:
            raise NotFound(f"{row.session} has left the prearchive")
        if said := why_not_sent(Status(waiting.status), locked=is_at_work(waiting)):
            raise _Broken(said)
        return rows.folder_of(waiting, self._context.prearchive), ""

    def _must_go_on(self) -> None:
        if self._closing.is_set():
            raise GivesWay("the engine ends")


def end(transaction: AsyncSession, row: SendRow, state: SendState, reason: str = "") -> None:
    """Let a send end, and record it: in the name of whoever cancelled it only where that ended
    it."""
    sends.end(row, state, reason)
    cancelled = row.cancelled_by if state is SendState.CANCELLED else ""
    actor = cancelled or row.actor
    record_triage(transaction, actor, sends.SENT, row.session, sends.summary(row))


def is_at_work(waiting: SessionRow) -> bool:
    """Say whether a job has taken the files of a waiting session."""
    return waiting.locked or bool(waiting.working_folder)


def _progress_of(row: SendRow) -> Progress:
    return Progress(
        position=row.position,
        sent=row.sent,
        sent_bytes=row.sent_bytes,
        warnings=row.warnings,
        failed=row.failed,
        statuses=Counter(row.statuses),
        failures=list(sends.failures_of(row)),
    )
