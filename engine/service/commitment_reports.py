# SPDX-License-Identifier: Apache-2.0
"""Sends the reports of storage commitments: over the association of the request while that is open,
else over one of ours. Who waits on an association is known to this engine only, and only while it
runs."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Collection, Iterator
from functools import partial

import structlog

from engine.archive import remotes
from engine.dicom import commitment
from engine.dicom.commitment import Reason, unpacked
from engine.intake.channel import SendReport
from engine.intake.commitments import FOLDER, Asking
from engine.jobs.context import JobContext
from engine.jobs.threads import or_cut
from engine.model.errors import Unavailable
from engine.model.outage import named
from engine.model.remotes import presented
from engine.prearchive.tables import CommitmentRow
from engine.receiver.workers.pool import ReceiverPool
from engine.service.commitment_requests import REPORT, Taken
from engine.storage.files import PRIVATE, write_synced

ANSWER_SECONDS = 30.0
"""How long the sender may take to answer a report over the association of its request."""

GRACE_SECONDS = 0.3
"""How long a sender may take to release the association of its request: most do so at once, and a
report that crosses the release is an error to some."""

_log = structlog.get_logger(__name__)


class Reports:
    """Tells senders what is committed."""

    def __init__(self, context: JobContext) -> None:
        """Nobody waits yet."""
        self._context = context
        self._folder = context.prearchive / FOLDER
        self._pool: ReceiverPool | None = None
        self._workers: dict[str, str] = {}
        """The workers that have said to have a request, by its id."""
        self._asking: dict[str, Asking] = {}

    def begin(self, pool: ReceiverPool) -> None:
        """Report over the associations of a pool from now on."""
        self._pool = pool

    def asked(self, request: str, worker: str) -> None:
        """A worker has a request: its sender may be waiting for the report."""
        self._workers[request] = worker

    def expect(self, taken: Taken) -> None:
        """A request has become a row, or part of one: the report of that goes to its sender."""
        worker = self._workers.pop(taken.asking.id, None)
        if worker is not None:
            self._workers[taken.row] = worker
        self._asking[taken.row] = taken.asking

    @property
    def expected(self) -> frozenset[str]:
        """The requests whose senders may be waiting for their reports."""
        return frozenset(self._workers.keys() | self._asking.keys())

    def forget(self, ids: Collection[str]) -> None:
        """These are reported, given up, or served by another engine."""
        for id in ids:
            self._workers.pop(id, None)
            self._asking.pop(id, None)

    async def report(self, row: CommitmentRow, reasons: array[int]) -> None:
        """Tell the sender of a request, by whichever way works.

        Raises:
            EngineError: if none does, with the reason.
        """
        worker = self._workers.pop(row.id, "")
        asking = self._asking.pop(row.id, None)
        if not await self._report_there(row, reasons, worker, asking):
            await self._report_anew(row, reasons)

    async def _report_there(
        self, row: CommitmentRow, reasons: array[int], worker: str, asking: Asking | None
    ) -> bool:
        """Report over the association of the request; false where that does not work."""
        if self._pool is None or not worker or asking is None:
            return False
        path = self._folder / f"{row.id}{REPORT}"
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

        calling, max_pdu = presented(remote, self._context.settings.dicom, row.receiver)
        cord = Cord()
        call = partial(
            report,
            remote,
            calling=calling,
            max_pdu=max_pdu,
            event=_event(row),
            encoded=lambda explicit: b"".join(_encoded(row, reasons, explicit)),
            cord=cord,
        )
        try:
            await or_cut(call, f"report {row.id}", cord.cut)
        except Unreached as error:
            raise Unavailable(error.reason) from None


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
