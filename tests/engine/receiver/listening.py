# SPDX-License-Identifier: Apache-2.0
"""A listener for tests: an intake that records what it is given, an observer that remembers what it
hears, and a thread per connection that runs the association under test."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast

from engine.dicom.digest import DataSetDigest
from engine.intake.answers import Answer, ObjectContext, Origin
from engine.intake.journal import Outcome
from engine.intake.snapshot import ReceiverConfig, Snapshot
from engine.receiver.protocol.admission import Slots
from engine.receiver.protocol.association import Association
from engine.receiver.protocol.ending import Ending
from engine.receiver.protocol.exchange import CommitmentsLike
from engine.receiver.protocol.observer import Declined, Rejection
from engine.routing.router import RoutingConfig

PATIENCE = 20.0
"""Seconds after which a test that waits for news has failed."""


@dataclass(kw_only=True)
class Recorded:
    """One object as the intake saw it."""

    origin: Origin
    context: ObjectContext
    data: bytearray = field(default_factory=bytearray)
    batches: list[list[int]] = field(default_factory=list)
    finished: bool = False
    abandoned: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the data set."""
        return DataSetDigest(self.data).text


class RecordingIncoming:
    """Keeps the bytes; answers as the intake was told to."""

    def __init__(self, intake: RecordingIntake, recorded: Recorded) -> None:
        self.series = ""
        self._intake = intake
        self._recorded = recorded

    def write(self, chunks: Sequence[memoryview], /) -> None:
        """Copy at once: the chunks are views of a buffer that is used again."""
        if self._intake.breaks == "write":
            raise RuntimeError("broken")
        for chunk in chunks:
            self._recorded.data += chunk
        self._recorded.batches.append([len(chunk) for chunk in chunks])

    def finish(self) -> Answer:
        """Answer with the intake's next status."""
        if self._intake.breaks == "finish":
            raise RuntimeError("broken")
        self._recorded.finished = True
        self.series = f"series of {len(self._recorded.data)} bytes"
        status, comment = self._intake.answer
        outcome = Outcome.STORED if status == 0 else Outcome.REFUSED
        return Answer(status=status, comment=comment, outcome=outcome)

    def abandon(self, reason: str, /) -> None:
        """Remember that nothing was kept."""
        self._recorded.abandoned = reason


class RecordingIntake:
    """Records every object."""

    def __init__(self, receivers: Sequence[ReceiverConfig]) -> None:
        self.answer = (0x0000, "")
        self.breaks = ""
        self.seen: list[Recorded] = []
        self.begun: queue.Queue[Recorded] = queue.Queue()
        self.configure(*receivers)

    def configure(self, *receivers: ReceiverConfig) -> None:
        """Put other receivers into force."""
        self._snapshot = Snapshot(
            number=1,
            receivers=receivers,
            # Nothing here routes.
            routing=cast(RoutingConfig, None),
            file_name_template="",
        )

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""
        return self._snapshot

    def begin(self, origin: Origin, *, context: ObjectContext) -> RecordingIncoming:
        """Start a new record."""
        if self.breaks == "begin":
            raise RuntimeError("broken")
        recorded = Recorded(origin=origin, context=context)
        self.seen.append(recorded)
        self.begun.put(recorded)
        return RecordingIncoming(self, recorded)

    @property
    def stored(self) -> list[Recorded]:
        """Objects that were finished."""
        return [recorded for recorded in self.seen if recorded.finished]


class Ears:
    """An observer: counts, and queues on which a test waits for what it expects."""

    def __init__(self) -> None:
        self.opened_ones: queue.Queue[Association] = queue.Queue()
        self.endings: queue.Queue[tuple[Association, Ending]] = queue.Queue()
        self.rejections: queue.Queue[Rejection] = queue.Queue()
        self.reports: queue.Queue[tuple[str, int | None]] = queue.Queue()
        self.declined_ones: list[Declined] = []
        self.progress = 0

    def opened(self, association: Association) -> None:
        """An association was accepted."""
        self.opened_ones.put(association)

    def progressed(self, association: Association) -> None:
        """A message was answered."""
        self.progress += 1

    def declined(self, association: Association, declined: Declined) -> None:
        """A message never reached the intake."""
        self.declined_ones.append(declined)

    def reported(self, report: str, status: int | None) -> None:
        """A report was answered, or will not be."""
        self.reports.put((report, status))

    def closed(self, association: Association, ending: Ending) -> None:
        """An association ended."""
        self.endings.put((association, ending))

    def rejected(self, rejection: Rejection) -> None:
        """A connection got no association."""
        self.rejections.put(rejection)

    def ending(self) -> Ending:
        """Wait for the next association to end."""
        return self.endings.get(timeout=PATIENCE)[1]

    def rejection(self) -> Rejection:
        """Wait for the next rejection."""
        return self.rejections.get(timeout=PATIENCE)


class Listener:
    """Accept on a free port of the loopback and serve until closed."""

    def __init__(
        self,
        *,
        slots: Slots | None = None,
        commitments: CommitmentsLike | None = None,
        **receiver: object,
    ) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        values = {"ae_title": "ANTEROOM", "port": self.port, "idle_timeout": PATIENCE} | receiver
        self.receiver = ReceiverConfig(**values)
        self.intake = RecordingIntake([self.receiver])
        self.ears = Ears()
        self.slots = slots or Slots()
        self.commitments = commitments
        self.associations: list[Association] = []
        self.accepted: queue.Queue[Association] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._turn = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, address = self._socket.accept()
            except OSError:
                return
            association = Association(
                sock,
                address[0],
                port=self.port,
                intake=self.intake,
                observer=self.ears,
                slots=self.slots,
                new_id=lambda: f"tr_{len(self.associations)}",
                linger=0.1,
                commitments=self.commitments,
            )
            self.associations.append(association)
            thread = threading.Thread(target=association.run)
            with self._turn:
                self._threads.append(thread)
                thread.start()
            self.accepted.put(association)

    def connect(self) -> socket.socket:
        """Open a plain connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def join(self) -> None:
        """Wait until every connection so far has ended."""
        with self._turn:
            threads = list(self._threads)
        for thread in threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def close(self) -> None:
        """Stop everything at once."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._acceptor.join(PATIENCE)
        for association in self.associations:
            association.stop(at_once=True)
        self.join()

    def __enter__(self) -> Listener:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
