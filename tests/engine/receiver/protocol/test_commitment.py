# SPDX-License-Identifier: Apache-2.0
"""Storage Commitment over a raw socket: what is accepted, how requests are answered, and when a
report goes out."""

from __future__ import annotations

import queue
import struct
from collections.abc import Sequence
from pathlib import Path
from socket import socket

import pytest

from engine.intake.answers import Origin, Reply
from engine.receiver.protocol.ending import Ending
from engine.receiver.protocol.exchange import Report
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.test_association import open_association

COMMITMENT = "1.2.840.10008.1.20.1"
INSTANCE = "1.2.840.10008.1.20.1.1"
CONTEXTS = ((1, wire.MR, (wire.EXPLICIT,)), (3, COMMITMENT, (wire.IMPLICIT,)))
DATA = b"a data set that nobody reads here"


class Desk:
    """Takes requests, and answers as it is told to."""

    def __init__(self) -> None:
        self.reply = Reply(status=0)
        self.breaks = False
        self.taken: queue.Queue[tuple[Origin, int, bool, bytes]] = queue.Queue()
        self.abandoned: list[str] = []

    def begin(self, origin: Origin, *, context: int, explicit: bool) -> Taken:
        return Taken(self, origin, context, explicit)


class Taken:
    """One request."""

    def __init__(self, desk: Desk, origin: Origin, context: int, explicit: bool) -> None:
        self._desk = desk
        self._from = (origin, context, explicit)
        self._data = bytearray()

    def write(self, chunks: Sequence[memoryview], /) -> None:
        for chunk in chunks:
            self._data += chunk

    def finish(self) -> Reply:
        if self._desk.breaks:
            raise RuntimeError("broken")
        self._desk.taken.put((*self._from, bytes(self._data)))
        return self._desk.reply

    def abandon(self, reason: str, /) -> None:
        self._desk.abandoned.append(reason)


def action_rq(
    *,
    message: int = 5,
    sop_class: str = COMMITMENT,
    instance: str = INSTANCE,
    action: int = 1,
    field: int = 0x0130,
    data_set: bool = True,
) -> bytes:
    """Build the command set of an N-ACTION-RQ."""
    return wire.command(
        wire.uid(0x0003, sop_class),
        wire.short(0x0100, field),
        wire.short(0x0110, message),
        wire.short(0x0800, 0x0000 if data_set else 0x0101),
        wire.uid(0x1001, instance),
        wire.short(0x1008, action),
    )


def ask(sock: socket, command: bytes | None = None, data: bytes = DATA) -> dict[int, bytes]:
    """Send a request in two fragments; return its response."""
    half = len(data) // 2
    sock.sendall(wire.p_data(wire.pdv(3, 3, command or action_rq())))
    sock.sendall(wire.p_data(wire.pdv(3, 0, data[:half]), wire.pdv(3, 2, data[half:])))
    return wire.read_response(sock)


def read_report(sock: socket) -> tuple[dict[int, bytes], bytes]:
    """Read the command set and the data set of a message that the receiver sends."""
    command = wire.read_response(sock)
    data = b""
    while True:
        kind, body = wire.read_pdu(sock)
        assert kind == 0x04
        length, context, control = struct.unpack_from(">IBB", body)
        assert (length, context) == (len(body) - 4, 3)
        assert not control & 1
        data += body[6:]
        if control & 2:
            return command, data


def answer_report(
    sock: socket, command: dict[int, bytes], *, status: int = 0, data: bytes = b""
) -> None:
    """Answer a report, with a reply data set if given."""
    response = wire.command(
        wire.uid(0x0002, COMMITMENT),
        wire.short(0x0100, 0x8100),
        wire.short(0x0120, struct.unpack("<H", command[0x0110])[0]),
        wire.short(0x0800, 0x0001 if data else 0x0101),
        wire.short(0x0900, status),
        wire.uid(0x1000, INSTANCE),
    )
    sock.sendall(wire.p_data(wire.pdv(3, 3, response)))
    if data:
        sock.sendall(wire.p_data(wire.pdv(3, 2, data)))


def role(scu: int, scp: int) -> bytes:
    """Build a role selection for Storage Commitment."""
    uid = COMMITMENT.encode()
    return wire.item(0x54, struct.pack(">H", len(uid)) + uid + bytes((scu, scp)))


def report_of(folder: Path, data: bytes = DATA, *, id: str = "cm_1") -> Report:
    """Write a report."""
    file = folder / f"{id}.report"
    file.write_bytes(data)
    return Report(id=id, context=3, event=1, file=str(file))


class TestNegotiation:
    """Who may ask at all."""

    @pytest.mark.parametrize(
        ("desk", "commits", "syntaxes", "result"),
        [
            (True, True, (wire.IMPLICIT,), 0),
            (True, True, ("1.2.840.10008.1.2.2", wire.EXPLICIT), 0),
            (True, True, ("1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.50"), 4),
            (True, False, (wire.IMPLICIT,), 3),
            (False, True, (wire.IMPLICIT,), 3),
        ],
    )
    def test_contexts(
        self, desk: bool, commits: bool, syntaxes: tuple[str, ...], result: int
    ) -> None:
        commitments = Desk() if desk else None
        with (
            Listener(commitments=commitments, commits=commits) as listener,
            listener.connect() as sock,
        ):
            sock.sendall(wire.associate_rq(((3, COMMITMENT, syntaxes),)))
            kind, body = wire.read_pdu(sock)
            assert kind == 0x02
            at = body.index(bytes((3, 0, result, 0)) + b"\x40")
            assert (syntaxes[-1].encode() in body[at:]) or result

    @pytest.mark.parametrize(("scu", "scp"), [(1, 0), (1, 1), (0, 1)])
    def test_the_requestor_is_client_where_it_wants_to_be(self, scu: int, scp: int) -> None:
        with Listener(commitments=Desk()) as listener, listener.connect() as sock:
            sock.sendall(wire.associate_rq(CONTEXTS, user=role(scu, scp)))
            _, body = wire.read_pdu(sock)
            assert role(scu, 0) in body


class TestRequests:
    """How requests are answered."""

    def test_success_names_action_and_instance(self) -> None:
        desk = Desk()
        with (
            Listener(commitments=desk) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            response = ask(sock)
            origin, context, explicit, data = desk.taken.get(timeout=PATIENCE)
            assert listener.associations[0].objects == listener.associations[0].failures == 0
        assert wire.status(response) == 0
        assert struct.unpack("<H", response[0x0100]) == (0x8130,)
        assert struct.unpack("<H", response[0x0120]) == (5,)
        assert struct.unpack("<H", response[0x1008]) == (1,)
        assert response[0x1000].rstrip(b"\0").decode() == INSTANCE
        assert (origin.calling, context, explicit, data) == ("SCANNER", 3, False, DATA)

    @pytest.mark.parametrize(
        ("command", "status"),
        [
            (action_rq(action=2), 0x0123),
            (action_rq(instance="1.2.3"), 0x0112),
            (action_rq(sop_class=wire.MR), 0x0122),
            (action_rq(field=0x0110), 0x0211),
            (action_rq(field=0x0120), 0x0211),
            (action_rq(field=0x0140), 0x0211),
            (action_rq(field=0x0150), 0x0211),
            (action_rq(field=0x0020), 0x0211),
            (wire.store_rq(sop_class=COMMITMENT), 0x0122),
            (
                wire.command(
                    wire.uid(2, COMMITMENT),
                    wire.short(0x0100, 0x30),
                    wire.short(0x0110, 1),
                    wire.short(0x0800, 0),
                ),
                0x0122,
            ),
        ],
    )
    def test_what_is_no_request_is_refused_with_its_status(
        self, command: bytes, status: int
    ) -> None:
        desk = Desk()
        with (
            Listener(commitments=desk) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            assert wire.status(ask(sock, command)) == status
            assert desk.taken.empty()
            assert wire.status(ask(sock)) == 0

    def test_what_the_desk_says_is_answered(self) -> None:
        desk = Desk()
        desk.reply = Reply(status=0x0120, comment="Transaction UID is missing")
        with (
            Listener(commitments=desk) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            response = ask(sock)
            assert wire.status(response) == 0x0120
            assert response[0x0902] == b"Transaction UID is missing"
            sock.sendall(wire.p_data(wire.pdv(3, 3, action_rq(data_set=False))))
            assert wire.status(wire.read_response(sock)) == 0x0120
            desk.breaks = True
            assert wire.status(ask(sock)) == 0x0110
            assert desk.abandoned == ["the receiver failed"]
            sock.sendall(wire.store(DATA))
            assert wire.status(wire.read_response(sock)) == 0

    def test_a_request_that_breaks_off_is_abandoned(self) -> None:
        desk = Desk()
        with Listener(commitments=desk) as listener:
            with open_association(listener, wire.associate_rq(CONTEXTS)) as sock:
                sock.sendall(wire.p_data(wire.pdv(3, 3, action_rq()), wire.pdv(3, 0, DATA)))
                sock.sendall(wire.ABORT)
                assert listener.ears.ending() is Ending.ABORTED
            assert desk.abandoned == ["aborted by the sender"]
            assert desk.taken.empty()


class TestReports:
    """Reports over the association of the request."""

    @pytest.mark.parametrize("largest", [0, 7, 100, 16384])
    @pytest.mark.parametrize("reply", [b"", b"what nobody asked for"])
    def test_a_report_is_sent_and_its_answer_heard(
        self, tmp_path: Path, largest: int, reply: bytes
    ) -> None:
        data = DATA * 30
        with (
            Listener(commitments=Desk()) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS, max_pdu=largest)) as sock,
        ):
            ask(sock)
            assert listener.associations[0].report(report_of(tmp_path, data))
            command, told = read_report(sock)
            assert told == data
            assert struct.unpack("<H", command[0x0100]) == (0x0100,)
            assert struct.unpack("<H", command[0x1002]) == (1,)
            assert command[0x0002].rstrip(b"\0").decode() == COMMITMENT
            assert command[0x1000].rstrip(b"\0").decode() == INSTANCE
            answer_report(sock, command, data=reply)
            assert listener.ears.reports.get(timeout=PATIENCE) == ("cm_1", 0)
            sock.sendall(wire.store(DATA))
            assert wire.status(wire.read_response(sock)) == 0

    def test_reports_wait_for_each_other_and_for_the_object_on_its_way(
        self, tmp_path: Path
    ) -> None:
        with (
            Listener(commitments=Desk()) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            ask(sock)
            association = listener.associations[0]
            sock.sendall(wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(1, 0, DATA)))
            listener.intake.begun.get(timeout=PATIENCE)
            assert association.report(report_of(tmp_path, b"first!", id="cm_1"))
            assert association.report(report_of(tmp_path, b"second", id="cm_2"))
            sock.sendall(wire.p_data(wire.pdv(1, 2, DATA)))
            assert wire.status(wire.read_response(sock)) == 0
            for id, data, status in (("cm_1", b"first!", 0x0110), ("cm_2", b"second", 0)):
                command, told = read_report(sock)
                assert told == data
                answer_report(sock, command, status=status)
                assert listener.ears.reports.get(timeout=PATIENCE) == (id, status)

    def test_what_is_not_answered_is_heard_of_when_the_association_ends(
        self, tmp_path: Path
    ) -> None:
        with Listener(commitments=Desk()) as listener:
            with open_association(listener, wire.associate_rq(CONTEXTS)) as sock:
                ask(sock)
                association = listener.associations[0]
                assert association.report(report_of(tmp_path, id="cm_1"))
                read_report(sock)
                assert association.report(report_of(tmp_path, id="cm_2"))
                sock.sendall(wire.RELEASE_RQ)
                assert listener.ears.ending() is Ending.RELEASED
            heard = {listener.ears.reports.get(timeout=PATIENCE) for _ in range(2)}
            assert heard == {("cm_1", None), ("cm_2", None)}
            assert not association.report(report_of(tmp_path, id="cm_3"))

    def test_a_report_that_cannot_be_read_ends_nothing(self, tmp_path: Path) -> None:
        with (
            Listener(commitments=Desk()) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            ask(sock)
            missing = Report(id="cm_1", context=3, event=1, file=str(tmp_path / "none"))
            assert listener.associations[0].report(missing)
            assert listener.ears.reports.get(timeout=PATIENCE) == ("cm_1", None)
            assert wire.status(ask(sock)) == 0

    def test_who_is_no_client_gets_no_reports(self, tmp_path: Path) -> None:
        with (
            Listener(commitments=Desk()) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS, user=role(0, 1))),
        ):
            association = listener.ears.opened_ones.get(timeout=PATIENCE)
            assert not association.report(report_of(tmp_path))

    @pytest.mark.parametrize(("message", "context"), [(99, 3), (1, 1)])
    def test_a_response_to_something_else_ends_the_association(
        self, tmp_path: Path, message: int, context: int
    ) -> None:
        with (
            Listener(commitments=Desk()) as listener,
            open_association(listener, wire.associate_rq(CONTEXTS)) as sock,
        ):
            ask(sock)
            assert listener.associations[0].report(report_of(tmp_path))
            read_report(sock)
            response = wire.command(
                wire.short(0x0100, 0x8100),
                wire.short(0x0120, message),
                wire.short(0x0800, 0x0101),
                wire.short(0x0900, 0),
            )
            sock.sendall(wire.p_data(wire.pdv(context, 3, response)))
            assert wire.read_pdu(sock)[0] == 0x07
            assert listener.ears.reports.get(timeout=PATIENCE) == ("cm_1", None)
