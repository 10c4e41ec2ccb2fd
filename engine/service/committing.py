# SPDX-License-Identifier: Apache-2.0
"""Storage commitment in the background: requests are taken from the files of the workers
(`commitment_requests`), decided, and reported to their senders (`commitment_reports`), again and
again for two days. Rows say how far each has come, so a kill at any moment delays a report and
loses none; a report whose answer was lost is sent twice."""

from __future__ import annotations

import asyncio
import time
import zlib
from array import array
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog

from engine.archive.audit.trail import record_triage
from engine.commitment.verdicts import UNDECIDED, Stores, Verdicts
from engine.dicom.commitment import Reason, unpacked
from engine.jobs.context import JobContext
from engine.model.commitments import CommitmentState
from engine.model.errors import EngineError, Outage
from engine.model.measures import say_count
from engine.model.outage import named, store_outage
from engine.prearchive import commitments
from engine.prearchive.tables import CommitmentRow
from engine.receiver.workers.pool import ReceiverPool
from engine.service.commitment_reports import Reports
from engine.service.commitment_requests import RequestFiles, Taken
from engine.service.event_buffer import EventBuffer

KIND = "commitment"
"""Of events."""

PAUSES = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
"""Seconds until a report is tried again; the last pause is repeated."""

MOST_ATTEMPTS = 56
"""With these pauses two days."""

ON_ITS_WAY = timedelta(minutes=10)
"""How long a decision waits for objects that the helper works on."""

_LEASE = timedelta(minutes=15)
"""After which another engine takes over what one has taken and not brought to an end."""
_AT_ONCE = 8
_LOOK = 2.0
_LOOK_FOR_OTHERS = 30.0

_log = structlog.get_logger(__name__)


class Committing:
    """Works on the requests that this node has."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        take_in: Callable[[], Awaitable[None]],
        *,
        pauses: tuple[float, ...] = PAUSES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`take_in` posts what stands in the journals: a request follows its objects. `clock` is
        that by which requests are due."""
        self._context = context
        self._buffer = buffer
        self._take_in = take_in
        self._pauses = pauses
        self._clock = clock
        self._node = context.settings.node.name
        self._requests = RequestFiles(context, self._taken, clock=clock)
        self.reports = Reports(context)
        self._turn = asyncio.Lock()
        self._deciding = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._soon: set[asyncio.Task[None]] = set()
        self._next: datetime | None = None
        """When something in the table is due."""
        self._looked = -1.0
        self._closed = False

    def begin(self, pool: ReceiverPool) -> None:
        """Report over the associations of a pool from now on."""
        self.reports.begin(pool)

    def asked(self, request: str, worker: str) -> None:
        """A worker has a new request: somebody may be waiting for the report."""
        self.reports.asked(request, worker)
        self.wake()

    def sees(self) -> object:
        """Return something new whenever there may be something to do; asks no database."""
        is_due = self._next is not None and self._next <= self._now()
        if is_due or self._requests.changed() or self._looked < 0:
            return object()
        several = not self._context.prearchive_db.is_sqlite
        if several and time.monotonic() - self._looked > _LOOK_FOR_OTHERS:
            return object()
        return None

    async def work(self) -> None:
        """Take new requests, and begin on those that are due."""
        async with self._turn:
            if self._looked < 0:
                async with self._context.prearchive_db.write() as transaction:
                    await commitments.take_up_again(transaction, self._node, self._now())
            expected = self.reports.expected
            left = await self._requests.take()
            await self._begin_due()
            await self._forget_ended(expected - left)
            self._looked = time.monotonic()

    async def settled(self) -> None:
        """Wait until nothing is being worked on."""
        while tasks := [task for task in self._tasks() if not task.done()]:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Leave off; what is not reported is due at the next start."""
        self._closed = True
        for task in self._tasks():
            task.cancel()
        await self.settled()

    def wake(self) -> None:
        """Look at files and table again now."""
        if not self._closed:
            task = asyncio.create_task(self._at_once())
            self._soon.add(task)
            task.add_done_callback(self._soon.discard)

    def _tasks(self) -> tuple[asyncio.Task[None], ...]:
        return (*self._soon, *self._running.values())

    async def _at_once(self) -> None:
        try:
            await self.work()
        except Exception as error:
            # The next look, which comes by the clock, is to see this and tells of it.
            self._next = self._now()
            _log.warning("requests_not_taken", error=named(error))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _taken(self, taken: Taken) -> None:
        self.reports.expect(taken)
        asking = taken.asking
        self._tell(asking.id, f"{asking.calling} asks for {say_count(asking.count, 'object')}")

    async def _begin_due(self) -> None:
        async with self._context.prearchive_db.read() as transaction:
            ids = await commitments.due(transaction, self._node, self._now(), _AT_ONCE)
            self._next = await commitments.next_due(transaction, self._node)
        for id in ids:
            if id not in self._running and len(self._running) < _AT_ONCE:
                self._running[id] = asyncio.create_task(self._serve(id))

    async def _forget_ended(self, expected: frozenset[str]) -> None:
        """Expect no report any more of what has ended, here or at another engine."""
        if expected:
            async with self._context.prearchive_db.read() as transaction:
                wait = await commitments.unfinished_of(transaction, expected)
            self.reports.forget(expected - wait)

    async def _serve(self, id: str) -> None:
        """See one request through to its report, or to the next attempt."""
        row = None
        try:
            now = self._now()
            async with self._context.prearchive_db.write() as transaction:
                row = await commitments.take(
                    transaction, id, self._node, now=now, until=now + _LEASE
                )
            if row is not None:
                await self._attempt(row)
        except Exception as error:
            _log.error("request_not_served", request=id, error=named(error))
            with suppress(Exception):
                if row is None or _passes(error):
                    await self._put_off(id, self._pauses[0])
                else:
                    await self._not_told(row, "an unexpected fault")
        finally:
            self._running.pop(id, None)
            self.wake()

    async def _attempt(self, row: CommitmentRow) -> None:
        reasons = await self._decide(row)
        if reasons is None:
            return
        await self._context.at("decided")
        try:
            await self.reports.report(row, reasons)
        except Outage:
            raise
        except EngineError as error:
            await self._not_told(row, error.message)
        else:
            await self._told(row)

    async def _decide(self, row: CommitmentRow) -> array[int] | None:
        """Decide by what is there now; None where an object is on its way still."""
        if row.duplicate:
            reasons = array("H", [Reason.DUPLICATE_TRANSACTION]) * row.count
        else:
            # One at a time: each reads as many files as its request names.
            async with self._deciding:
                await self._take_in()
                verdicts = Verdicts(self._stores(), row.calling)
                reasons = await verdicts.decide(unpacked(row.objects))
        now = self._now()
        if UNDECIDED in reasons:
            if now < row.at + ON_ITS_WAY:
                await self._put_off(row.id, _LOOK)
                return None
            known = (Reason.PROCESSING_FAILURE if each == UNDECIDED else each for each in reasons)
            reasons = array("H", known)
        row.failed = sum(reason != Reason.COMMITTED for reason in reasons)
        async with self._context.prearchive_db.write() as transaction:
            await commitments.change(
                transaction,
                row.id,
                decided=now,
                failed=row.failed,
                reasons=zlib.compress(reasons.tobytes()),
            )
        return reasons

    def _stores(self) -> Stores:
        context = self._context
        return Stores(
            prearchive_db=context.prearchive_db,
            archive_db=context.archive_db,
            prearchive=context.prearchive,
            archive=context.archive,
            receipts=context.receipts,
        )

    async def _told(self, row: CommitmentRow) -> None:
        await self._context.at("reported")
        async with self._context.prearchive_db.write() as transaction:
            await commitments.change(
                transaction,
                row.id,
                state=CommitmentState.REPORTED.value,
                reason="",
                attempts=row.attempts + 1,
                due=None,
                ended=self._now(),
            )
            detail = {"objects": row.count, "failed": row.failed, "receiver": row.receiver}
            record_triage(transaction, "engine", "Reported storage commitment", row.id, detail)
        said = say_count(row.count, "object")
        if row.failed:
            text = f"{row.calling} was told that {row.failed} of {said} are not committed"
            self._tell(row.id, text, "warning")
        else:
            self._tell(row.id, f"{said} committed to {row.calling}")

    async def _not_told(self, row: CommitmentRow, reason: str) -> None:
        attempts = row.attempts + 1
        now = self._now()
        given_up = attempts >= MOST_ATTEMPTS
        pause = self._pauses[min(attempts, len(self._pauses)) - 1]
        async with self._context.prearchive_db.write() as transaction:
            await commitments.change(
                transaction,
                row.id,
                state=(CommitmentState.GIVEN_UP if given_up else CommitmentState.WAITING).value,
                reason=reason,
                attempts=attempts,
                due=None if given_up else now + timedelta(seconds=pause),
                ended=now if given_up else None,
            )
            if given_up:
                detail = {"objects": row.count, "receiver": row.receiver, "reason": reason}
                record_triage(
                    transaction, "engine", "Gave up on a storage commitment", row.id, detail
                )
        if given_up:
            text = f"gave up telling {row.calling} what is committed: {reason}"
            self._tell(row.id, text, "error")
        elif attempts == 1:
            text = f"{row.calling} cannot be told what is committed: {reason}; tried again"
            self._tell(row.id, text, "warning")

    async def _put_off(self, id: str, seconds: float) -> None:
        async with self._context.prearchive_db.write() as transaction:
            due = self._now() + timedelta(seconds=seconds)
            await commitments.change(transaction, id, due=due)

    def _tell(self, id: str, text: str, severity: str = "info") -> None:
        self._buffer.tell(KIND, id, f"storage commitment: {text}", severity)


def _passes(error: Exception) -> bool:
    """Say whether a store does not work now: no attempt that failed, but one that was not made."""
    is_of_store = isinstance(error, OSError) and store_outage(error) is not None
    return is_of_store or isinstance(error, Outage)
