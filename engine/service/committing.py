# SPDX-License-Identifier: Apache-2.0
"""Storage commitment in the background: requests are taken from the files of the workers, decided,
and reported to their senders: over the association of the request while that is open, else over a
new one, again and again for two days. Rows say how far each has come, so a kill at any moment
delays a report and loses none; a report whose answer was lost is sent twice."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
import zlib
from array import array
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from engine.archive import remotes
from engine.archive.audit.trail import record_triage
from engine.commitment.verdicts import UNDECIDED, Stores, Verdicts
from engine.dicom import commitment
from engine.dicom.commitment import Reason, unpacked
from engine.dicom.names import safe_name
from engine.intake.channel import SendReport
from engine.intake.commitments import ENDING, FOLDER, Asking, DamagedRequest, read_request
from engine.jobs.context import JobContext
from engine.model.commitments import CommitmentState
from engine.model.errors import EngineError, Unavailable
from engine.model.measures import say_count
from engine.model.outage import named
from engine.prearchive import commitments
from engine.prearchive.tables import CommitmentRow
from engine.receiver.workers.pool import ReceiverPool
from engine.service.event_buffer import EventBuffer
from engine.storage.files import PRIVATE, write_synced

KIND = "commitment"
"""Of events."""

PAUSES = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 1800.0, 3600.0)
"""Seconds until a report is tried again; the last pause is repeated."""

MOST_ATTEMPTS = 56
"""With these pauses two days."""

ANSWER_SECONDS = 30.0
"""How long the sender may take to answer a report over the association of its request."""

GRACE_SECONDS = 0.3
"""How long a sender may take to release the association of its request: most do so at once, and a
report that crosses the release is an error to some."""

ON_ITS_WAY = timedelta(minutes=10)
"""How long a decision waits for objects that the helper works on."""

KEPT = timedelta(days=30)
MOST_KEPT = 10_000
"""How long, and how many, requests are kept that have ended."""

MOST_WAITING = 10_000
"""Requests that may wait in the table; others stay in their files, and workers refuse more."""

_LEASE = timedelta(minutes=15)
"""After which another engine takes over what one has taken and not brought to an end."""
_AT_ONCE = 8
_LOOK = 2.0
_LOOK_FOR_OTHERS = 30.0
_STRANGERS = 60.0
"""Seconds after which an engine takes files of another node too."""
_REPORT, _DAMAGED = ".report", ".damaged"
_SWEPT = {_REPORT: _STRANGERS, _DAMAGED: KEPT.total_seconds()}
"""Seconds after which files of these endings are left over; they name objects."""

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
    ) -> None:
        """`take_in` posts what stands in the journals: a request follows its objects."""
        self._context = context
        self._buffer = buffer
        self._take_in = take_in
        self._pauses = pauses
        self._pool: ReceiverPool | None = None
        self._folder = context.prearchive / FOLDER
        self._mine = re.compile(
            re.escape(safe_name(context.settings.node.name, limit=40)) + r"-w\d+\..*"
        )
        self._turn = asyncio.Lock()
        self._deciding = asyncio.Lock()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._soon: set[asyncio.Task[None]] = set()
        self._workers: dict[str, str] = {}
        """The workers that have said to have a request, by its id."""
        self._asking: dict[str, Asking] = {}
        self._next: datetime | None = None
        """When something in the table is due."""
        self._looked = -1.0
        self._seen = -1
        self._closed = False

    def begin(self, pool: ReceiverPool) -> None:
        """Report over the associations of a pool from now on."""
        self._pool = pool

    def asked(self, request: str, worker: str) -> None:
        """A worker has a new request: somebody may be waiting for the report."""
        self._workers[request] = worker
        self._look_soon()

    def sees(self) -> object:
        """Return something new whenever there may be something to do; asks no database."""
        is_due = self._next is not None and self._next <= datetime.now(UTC)
        if is_due or self._changed() or self._looked < 0:
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
                    node = self._context.settings.node.name
                    await commitments.take_up_again(transaction, node, datetime.now(UTC))
            self._seen = self._stamp()
            await self._take_files()
            await self._begin_due()
            self._looked = time.monotonic()

    async def close(self) -> None:
        """Leave off; what is not reported is due at the next start."""
        self._closed = True
        tasks = [*self._soon, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def expire(self) -> None:
        """Remove what has ended long ago."""
        async with self._context.prearchive_db.write() as transaction:
            await commitments.expire(transaction, datetime.now(UTC) - KEPT, MOST_KEPT)

    def wake(self) -> None:
        """Look at the table again now."""
        self._look_soon()

    def _look_soon(self) -> None:
        if not self._closed:
            task = asyncio.create_task(self._at_once())
            self._soon.add(task)
            task.add_done_callback(self._soon.discard)

    async def _at_once(self) -> None:
        try:
            await self.work()
        except Exception as error:
            # The next look, which comes by the clock, tells of it.
            _log.warning("requests_not_taken", error=named(error))

    def _stamp(self) -> int:
        with suppress(OSError):
            return self._folder.stat().st_mtime_ns
        return 0

    def _changed(self) -> bool:
        return self._stamp() != self._seen

    async def _take_files(self) -> None:
        async with self._context.prearchive_db.read() as transaction:
            room = MOST_WAITING - await commitments.unfinished(transaction)
        for path in (await asyncio.to_thread(self._files))[: max(room, 0)]:
            await self._take_file(path)

    def _files(self) -> list[Path]:
        """Return this node's files, and those that another has left lying, the oldest first."""
        found = []
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            with suppress(OSError):
                age = time.time() - path.stat().st_mtime
                if age > _SWEPT.get(path.suffix, age):
                    path.unlink()
                if path.suffix != ENDING:
                    continue
                if self._mine.fullmatch(path.name) or age > _STRANGERS:
                    found.append((age, path))
        return [path for _, path in sorted(found, reverse=True)]

    async def _take_file(self, path: Path) -> None:
        try:
            asking, objects = await asyncio.to_thread(read_request, path)
        except FileNotFoundError:
            return
        except DamagedRequest:
            _log.error("request_damaged", file=path.name)
            await asyncio.to_thread(path.rename, path.with_suffix(_DAMAGED))
            return
        digest = hashlib.sha256(objects).hexdigest()
        moment = datetime.fromtimestamp(asking.at / 1e9, UTC)
        async with self._context.prearchive_db.write() as transaction:
            others = [
                each
                for each in await commitments.namesakes(
                    transaction, asking.calling, asking.transaction
                )
                if each.id != asking.id and not each.duplicate
            ]
            repeated = next(
                (each for each in others if each.due is not None and each.digest == digest), None
            )
            if repeated is not None:
                # Asked again before it was answered: one answer serves both.
                await commitments.change(transaction, repeated.id, due=datetime.now(UTC))
            else:
                await commitments.enter(
                    transaction,
                    {
                        "id": asking.id,
                        "node": self._context.settings.node.name,
                        "transaction_uid": asking.transaction,
                        "receiver": asking.receiver,
                        "calling": asking.calling,
                        "peer": asking.peer,
                        "transfer": asking.transfer,
                        "at": moment,
                        "count": asking.count,
                        "digest": digest,
                        "objects": objects,
                        "duplicate": any(each.digest != digest for each in others),
                        "state": CommitmentState.WAITING.value,
                        "due": moment,
                    },
                )
        if repeated is not None:
            worker = self._workers.pop(asking.id, None)
            if worker is not None:
                self._workers[repeated.id] = worker
        self._asking[repeated.id if repeated is not None else asking.id] = asking
        await self._context.at("request taken")
        await asyncio.to_thread(path.unlink, missing_ok=True)
        self._tell(asking.id, f"{asking.calling} asks for {say_count(asking.count, 'object')}")

    async def _begin_due(self) -> None:
        async with self._context.prearchive_db.read() as transaction:
            ids = await commitments.due(transaction, datetime.now(UTC), _AT_ONCE)
            following = await commitments.next_due(transaction)
        self._next = following
        for id in ids:
            if id not in self._running and len(self._running) < _AT_ONCE:
                self._running[id] = asyncio.create_task(self._serve(id))

    async def _serve(self, id: str) -> None:
        """See one request through to its report, or to the next attempt."""
        try:
            now = datetime.now(UTC)
            async with self._context.prearchive_db.write() as transaction:
                row = await commitments.take(
                    transaction,
                    id,
                    self._context.settings.node.name,
                    now=now,
                    until=now + _LEASE,
                )
            if row is not None:
                await self._attempt(row)
        except Exception as error:
            _log.error("request_not_served", request=id, error=named(error))
            with suppress(Exception):
                await self._put_off(id, self._pauses[0])
        finally:
            self._running.pop(id, None)
            self._look_soon()

    async def _attempt(self, row: CommitmentRow) -> None:
        reasons = await self._decide(row)
        if reasons is None:
            return
        await self._context.at("decided")
        failed = row.failed = sum(reason != Reason.COMMITTED for reason in reasons)
        worker = self._workers.pop(row.id, "")
        asking = self._asking.pop(row.id, None)
        told = False
        if worker and asking is not None:
            told = await self._report_there(row, reasons, worker, asking)
        try:
            if not told:
                await self._report_anew(row, reasons)
        except EngineError as error:
            await self._not_told(row, error.message)
        else:
            await self._told(row, failed)

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
        now = datetime.now(UTC)
        if UNDECIDED in reasons:
            if now < row.at + ON_ITS_WAY:
                await self._put_off(row.id, _LOOK)
                return None
            known = (Reason.PROCESSING_FAILURE if each == UNDECIDED else each for each in reasons)
            reasons = array("H", known)
        async with self._context.prearchive_db.write() as transaction:
            await commitments.change(
                transaction,
                row.id,
                decided=now,
                failed=sum(reason != Reason.COMMITTED for reason in reasons),
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

    async def _report_there(
        self, row: CommitmentRow, reasons: array[int], worker: str, asking: Asking
    ) -> bool:
        """Report over the association of the request; false where that does not work."""
        if self._pool is None:
            return False
        path = self._folder / f"{row.id}{_REPORT}"
        await asyncio.sleep(GRACE_SECONDS)
        try:
            await asyncio.to_thread(
                write_synced, path, _encoded(row, reasons, asking.explicit), mode=PRIVATE
            )
            message = SendReport(
                report=row.id,
                transfer=asking.transfer,
                context=asking.context,
                event=_event(row),
                file=str(path),
            )
            return await self._pool.report(worker, message, seconds=ANSWER_SECONDS) == 0
        except OSError as error:
            _log.warning("report_not_written", error=named(error))
            return False
        finally:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _report_anew(self, row: CommitmentRow, reasons: array[int]) -> None:
        """Report over an association of ours.

        Raises:
            EngineError: if that does not work, with the reason.
        """
        async with self._context.archive_db.read() as transaction:
            remote = await remotes.enabled_as(transaction, row.calling, row.peer)
        if remote is None:
            raise Unavailable(f"no remote AE named {row.calling}")
        # Loaded here: an engine starts sooner without pynetdicom.
        from engine.remotes.calling import Cord  # noqa: PLC0415 (slow to load)
        from engine.remotes.faults import Unreached  # noqa: PLC0415
        from engine.remotes.report import report  # noqa: PLC0415

        cord = Cord()
        try:
            await asyncio.to_thread(
                report,
                remote,
                calling=remote.calling or row.receiver,
                max_pdu=remote.max_pdu or self._context.settings.dicom.max_pdu,
                event=_event(row),
                encoded=lambda explicit: b"".join(_encoded(row, reasons, explicit)),
                cord=cord,
            )
        except asyncio.CancelledError:
            # The thread would keep an engine that stops from ending.
            cord.cut()
            raise
        except Unreached as error:
            raise Unavailable(error.reason) from None

    async def _told(self, row: CommitmentRow, failed: int) -> None:
        await self._context.at("reported")
        async with self._context.prearchive_db.write() as transaction:
            await commitments.change(
                transaction,
                row.id,
                state=CommitmentState.REPORTED.value,
                reason="",
                attempts=row.attempts + 1,
                due=None,
                ended=datetime.now(UTC),
            )
            detail = {"objects": row.count, "failed": failed, "receiver": row.receiver}
            record_triage(transaction, "engine", "Reported storage commitment", row.id, detail)
        said = say_count(row.count, "object")
        if failed:
            text = f"{row.calling} was told that {failed} of {said} are not committed"
            self._tell(row.id, text, "warning")
        else:
            self._tell(row.id, f"{said} committed to {row.calling}")

    async def _not_told(self, row: CommitmentRow, reason: str) -> None:
        attempts = row.attempts + 1
        now = datetime.now(UTC)
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
            due = datetime.now(UTC) + timedelta(seconds=seconds)
            await commitments.change(transaction, id, due=due)

    def _tell(self, id: str, text: str, severity: str = "info") -> None:
        self._buffer.tell(KIND, id, f"storage commitment: {text}", severity)


def _event(row: CommitmentRow) -> int:
    return commitment.FAILURES_EXIST if row.failed else commitment.ALL_COMMITTED


def _encoded(row: CommitmentRow, reasons: array[int], explicit: bool) -> Iterator[bytes]:
    committed = (
        pair
        for pair, reason in zip(unpacked(row.objects), reasons, strict=True)
        if reason == Reason.COMMITTED
    )
    failed = (
        (*pair, reason)
        for pair, reason in zip(unpacked(row.objects), reasons, strict=True)
        if reason != Reason.COMMITTED
    )
    return commitment.report(row.transaction_uid, committed, failed, explicit=explicit)
