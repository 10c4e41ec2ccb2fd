# SPDX-License-Identifier: Apache-2.0
"""Reports the associations of a worker to the engine: that its journal has grown, the state of each
transfer, and rejected senders. One thread sends all reports, at a limited rate; an association only
sets a flag. Reports may be lost with the worker, because the journal is authoritative."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from engine.intake.channel import Asked, Grown, Reported, ToEngine, TransferNews, Turned
from engine.intake.journal import Journal, Outcome, Record
from engine.model.outage import named
from engine.receiver.protocol.association import Association
from engine.receiver.protocol.dimse import DimseStatus, Operation
from engine.receiver.protocol.ending import Ending
from engine.receiver.protocol.observer import Declined, Rejection

GROWN_SECONDS = 0.1
"""Least time between two rounds, and so between two wake-ups of the engine."""

TRANSFER_SECONDS = 0.25
"""Least time between two news of the same open transfer."""

_log = structlog.get_logger(__name__)


class _Told:
    """What was last said of an open transfer, and when on the monotonic clock."""

    def __init__(self, association: Association) -> None:
        self.association = association
        self.news: TransferNews | None = None
        self.at = 0.0


class Reporter:
    """The observer of all associations of this worker. `send` raises OSError without an engine."""

    def __init__(self, worker: str, *, send: Callable[[ToEngine], None], journal: Journal) -> None:
        """Report as `worker`; messages that no intake saw are recorded in `journal`."""
        self._worker = worker
        self._send = send
        self._journal = journal
        self._open: dict[str, _Told] = {}
        self._ended: deque[tuple[Association, Ending, int]] = deque()
        self._rejections: deque[Rejection] = deque()
        self._grown = False
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reporter", daemon=True)

    def start(self) -> None:
        """Begin to report."""
        self._thread.start()

    def close(self) -> None:
        """Report what is left, then stop."""
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def opened(self, association: Association) -> None:
        """Report a new transfer at once."""
        self._open[association.id] = _Told(association)
        self._wake.set()

    def progressed(self, association: Association) -> None:
        """Note that an object was answered. On the object path: no lock but the first time."""
        self._grown = True
        if not self._wake.is_set():
            self._wake.set()

    def declined(self, association: Association, declined: Declined) -> None:
        """Record an object that was refused before any intake saw it."""
        # A broken intake has recorded the object itself when it was abandoned.
        if declined.field != Operation.C_STORE or declined.status == DimseStatus.PROCESSING_FAILURE:
            return
        record = Record(
            at=declined.at,
            transfer=association.id,
            outcome=Outcome.REFUSED,
            sop_class=declined.sop_class,
            received_sop=declined.sop_instance,
            sop=declined.sop_instance,
            reason=declined.comment,
            receiver=association.called,
            calling=association.calling,
            peer=association.peer,
            transfer_syntax=declined.transfer_syntax,
        )
        try:
            self._journal.append(record, sync=False)
        except OSError as error:
            _log.error("record_lost", transfer=association.id, error=named(error))
        self._grown = True

    def asked(self, request: str) -> None:
        """Say at once that a request for a storage commitment is there: somebody waits for it."""
        self._say(Asked(request=request))

    def reported(self, report: str, status: int | None) -> None:
        """Say at once what became of a report."""
        self._say(Reported(report=report, status=status))

    def closed(self, association: Association, ending: Ending) -> None:
        """Report the end of a transfer."""
        self._ended.append((association, ending, time.time_ns()))
        self._grown = True
        self._wake.set()

    def rejected(self, rejection: Rejection) -> None:
        """Report somebody who got no association."""
        self._rejections.append(rejection)
        self._wake.set()

    def _say(self, message: ToEngine) -> None:
        # Without an engine nobody waits: it finds the requests when it is back.
        with suppress(OSError):
            self._send(message)

    def _run(self) -> None:
        try:
            while not self._closing.is_set():
                # An object may grow for long before it is answered: open transfers are looked at.
                self._wake.wait(TRANSFER_SECONDS if self._open else None)
                self._wake.clear()
                self._round()
                self._closing.wait(GROWN_SECONDS)
            self._round()
        except OSError:
            return  # the engine has gone; it reads the journal when it is back

    def _round(self) -> None:
        grown, self._grown = self._grown, False
        if grown:
            self._send(Grown())
        now = time.monotonic()
        for told in list(self._open.values()):
            if told.news is not None and now - told.at < TRANSFER_SECONDS:
                continue
            news = self._news(told.association)
            if news != told.news:
                self._send(news)
                told.news, told.at = news, now
        while self._ended:
            association, ending, at = self._ended.popleft()
            self._open.pop(association.id, None)
            self._send(self._news(association, closed=at, ended=ending.value))
        self._turn_away()

    def _news(self, association: Association, *, closed: int = 0, ended: str = "") -> TransferNews:
        return TransferNews(
            transfer=association.id,
            worker=self._worker,
            receiver=association.called,
            port=association.port,
            calling=association.calling,
            peer=association.peer,
            opened=association.opened_at,
            objects=association.objects,
            bytes=association.bytes,
            last_object=association.last_object_at,
            series=association.series,
            last_error=association.last_error,
            closed=closed,
            ended=ended,
            account=association.account,
            certificate=association.certificate,
            echoes=association.echoes,
        )

    def _turn_away(self) -> None:
        """Send rejections; a flood of the same one is one message with a count."""
        folded: dict[tuple[str, int, str, str, str], tuple[int, int]] = {}
        while self._rejections:
            one = self._rejections.popleft()
            key = (one.called, one.port, one.calling, one.peer, one.reason)
            folded[key] = (one.at, folded.get(key, (0, 0))[1] + 1)
        for (called, port, calling, peer, reason), (at, count) in folded.items():
            self._send(
                Turned(
                    at=at,
                    count=count,
                    called=called,
                    port=port,
                    calling=calling,
                    peer=peer,
                    reason=reason,
                )
            )
