# SPDX-License-Identifier: Apache-2.0
"""A receiver worker: a process that serves associations and writes files and a journal. It opens no
database; the engine sends it snapshots and answers its claims over a socket pair. When the engine
hangs up, the worker finishes the objects that are being received and ends."""

from __future__ import annotations

import errno
import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from engine.dicom.guard import Guard
from engine.intake.channel import (
    Begin,
    CannotStart,
    Hello,
    InForce,
    Listening,
    Reported,
    Rotate,
    Rotated,
    SendReport,
    Stop,
    TakeSnapshot,
    WorkerChannel,
)
from engine.intake.claims import Claim, ClaimRequest, Known, NoClaim, StaleSnapshot
from engine.intake.commitments import Commitments
from engine.intake.incoming import Intake
from engine.intake.journal import Journal
from engine.intake.snapshot import Snapshot
from engine.model.identifiers import new_transfer_id
from engine.model.outage import named
from engine.receiver.protocol.association import Association
from engine.receiver.protocol.exchange import Report
from engine.receiver.protocol.tls import server_context
from engine.receiver.workers.limits import SharedSlots
from engine.receiver.workers.listener import Listener
from engine.receiver.workers.orders import Orders
from engine.receiver.workers.reporter import Reporter
from engine.storage.staging import StagingArea

NEWER_SECONDS = 10.0
"""How long a stale claim waits for the configuration that made it stale."""

# With ABORT_SECONDS less than LEAVE_SECONDS of the pool, after which the process is killed.
FINISH_SECONDS = 20.0
"""How long objects on their way may take to arrive once the worker is to leave."""

ABORT_SECONDS = 3.0
"""How long associations may take to end that were told to end at once."""

_log = structlog.get_logger(__name__)


class InForceGate:
    """The number of the snapshot in force, and waiting for a higher one."""

    def __init__(self) -> None:
        """Begin with none in force."""
        self._number = 0
        self._changed = threading.Condition()

    def passed(self, number: int) -> None:
        """Note that a snapshot is in force."""
        with self._changed:
            self._number = number
            self._changed.notify_all()

    def await_newer(self, number: int, seconds: float) -> bool:
        """Wait until a snapshot above `number` is in force; false when none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._number > number, seconds)


class EngineClaims:
    """Claims that the engine answers (intake contract 6)."""

    def __init__(
        self, channel: WorkerChannel, gate: InForceGate, *, seconds: float = NEWER_SECONDS
    ) -> None:
        """Ask over `channel`; a stale claim waits up to `seconds` at `gate`."""
        self._channel = channel
        self._gate = gate
        self._seconds = seconds

    def claim(self, request: ClaimRequest) -> Claim:
        """Ask for a session.

        Raises:
            StaleSnapshot: once a newer snapshot is in force than the one of the request.
            NoClaim: if there is none to be had.
        """
        told = self._channel.ask(request)
        if told is None:
            raise NoClaim("the engine is stopping")
        if told.stale:
            if not self._gate.await_newer(request.snapshot, self._seconds):
                raise NoClaim("the newer configuration did not arrive")
            raise StaleSnapshot
        if told.claim is None:
            raise NoClaim(told.refused or "the engine gave no session")
        return told.claim

    def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Ask what the index knows of a file.

        Raises:
            OSError: if the engine has gone: to know nothing would make a duplicate a conflict.
        """
        told = self._channel.ask(session=session, file=file)
        if told is None or told.refused:
            raise OSError(errno.ECANCELED, "the engine did not answer")
        return told.known


class Associations:
    """The associations of this worker, each in a thread of its own."""

    def __init__(
        self, intake: Intake, commitments: Commitments, reporter: Reporter, slots: SharedSlots
    ) -> None:
        """Bring objects to `intake`, requests to `commitments`, news to `reporter`."""
        self._intake = intake
        self._commitments = commitments
        self._reporter = reporter
        self._slots = slots
        self._running: dict[Association, threading.Thread] = {}

    def serve(self, connection: socket.socket, peer: str, port: int) -> None:
        """Start to serve a connection.

        Raises:
            OSError: if there are no descriptors for it; it is still the caller's.
        """
        association = Association(
            connection,
            peer,
            port=port,
            intake=self._intake,
            observer=self._reporter,
            slots=self._slots,
            new_id=new_transfer_id,
            commitments=self._commitments,
        )
        thread = threading.Thread(target=self._run, args=(association,), daemon=True)
        self._running[association] = thread
        try:
            thread.start()
        except RuntimeError:
            # No more threads: tell the peer from here, which also slows down accepting.
            _log.error("no_thread", associations=len(self._running))
            association.stop(at_once=True)
            self._run(association)

    def report(self, transfer: str, report: Report) -> bool:
        """Send a report over an association; false where there is none that takes it."""
        found = next((each for each in list(self._running) if each.id == transfer), None)
        return found is not None and found.report(report)

    def finish(self, seconds: float) -> None:
        """Let objects on their way arrive for up to `seconds`, then end all associations."""
        for at_once, patience in ((False, seconds), (True, ABORT_SECONDS)):
            deadline = time.monotonic() + patience
            running = list(self._running.items())
            for association, _ in running:
                association.stop(at_once=at_once)
            for _, thread in running:
                thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self, association: Association) -> None:
        try:
            association.run()
        finally:
            self._running.pop(association, None)


class Worker:
    """All parts of the process put together."""

    def __init__(self, orders: Orders, channel: WorkerChannel) -> None:
        """Make journal, staging folder and everything else; serve nothing yet.

        Raises:
            OSError: if the prearchive does not let us.
        """
        root = Path(orders.prearchive)
        name = f"{orders.name}-{time.time_ns():x}.journal"
        self._channel = channel
        self._journal = Journal(root / ".journals" / name)
        self._gate = InForceGate()
        self._guard = Guard()
        self._intake = Intake(
            staging=StagingArea(root / ".staging", f"{orders.name}-{os.getpid()}"),
            journal=self._journal,
            claims=EngineClaims(self._channel, self._gate),
            guard=self._guard,
            defers=True,
        )
        self._reporter = Reporter(orders.name, send=self._channel.send, journal=self._journal)
        commitments = Commitments(root, orders.name, asked=self._reporter.asked)
        self._associations = Associations(
            self._intake, commitments, self._reporter, SharedSlots(orders.limits)
        )
        self._listener = Listener(
            socket.socket(fileno=orders.control),
            serve=self._associations.serve,
            listening=self._listening,
        )
        self._leaving: threading.Thread | None = None

    def run(self) -> None:
        """Serve until the engine says stop or is gone."""
        self._reporter.start()
        self._listener.start()
        try:
            self._channel.send(Hello(pid=os.getpid(), journal=self._journal.path.name))
            while (message := self._channel.receive()) is not None:
                if isinstance(message, TakeSnapshot):
                    self._take(message.snapshot)
                elif isinstance(message, SendReport):
                    self._report(message)
                elif isinstance(message, Rotate):
                    self._rotate(message.journal)
                elif isinstance(message, Stop):
                    self._leave()
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            # The peer does not speak our protocol any more: treat the engine as gone.
            _log.error("channel_failed", error=type(error).__name__)
            self._channel.close()
        self._leave().join()
        self._guard.close()
        self._intake.close()

    def _take(self, snapshot: Snapshot) -> None:
        try:
            # Before anybody connects: certificates that do not load here leave the old ones.
            for receiver in snapshot.receivers:
                if receiver.tls is not None:
                    server_context(receiver.tls)
            self._intake.take(snapshot)
        except Exception as error:
            # The old one stays in force and is not acknowledged: claims on it are refused.
            _log.error("snapshot_refused", number=snapshot.number, error=type(error).__name__)
            return
        self._intake.staging.watermark = snapshot.watermark
        self._gate.passed(snapshot.number)
        self._channel.send(InForce(number=snapshot.number))

    def _report(self, message: SendReport) -> None:
        report = Report(
            id=message.report, context=message.context, event=message.event, file=message.file
        )
        if not self._associations.report(message.transfer, report):
            self._channel.send(Reported(report=message.report))

    def _rotate(self, journal: str) -> None:
        try:
            self._journal.rotate(self._journal.path.with_name(journal))
        except OSError as error:
            _log.error("journal_not_rotated", error=named(error))
        self._channel.send(Rotated(journal=self._journal.path.name))

    def _listening(self, ports: tuple[int, ...]) -> None:
        try:
            self._channel.send(Listening(ports=ports))
        except OSError:
            _log.info("engine_gone")

    def _leave(self) -> threading.Thread:
        """Begin to leave, in a thread: claims of the last objects are still answered meanwhile."""
        if self._leaving is None:
            self._leaving = threading.Thread(target=self._end, name="leaving")
            self._leaving.start()
        return self._leaving

    def _end(self) -> None:
        # The order matters: first no new connections, then the objects on their way, then the last
        # news. The channel closes last, because claims and news need it until then.
        self._listener.stop()
        self._associations.finish(FINISH_SECONDS)
        self._reporter.close()
        self._channel.close()


def main() -> None:
    """Be a worker with the orders on the command line."""
    # A terminal sends its signals to the whole group; only the engine decides when to leave.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # An association has four descriptors: its socket, both ends of its pipe and its staged file.
    # The usual soft limit of 1,024 would allow about 250 associations.
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    orders = Orders.decode(sys.argv[1])
    channel = WorkerChannel(socket.socket(fileno=orders.channel))
    if not isinstance(channel.receive(), Begin):
        return  # the engine has ended, or thought better of it
    try:
        worker = Worker(orders, channel)
    except OSError as error:
        with suppress(OSError):
            channel.send(CannotStart(reason=error.strerror or type(error).__name__))
        sys.exit(1)
    worker.run()


if __name__ == "__main__":
    main()
