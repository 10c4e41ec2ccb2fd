# SPDX-License-Identifier: Apache-2.0
"""Raw sockets against the association: what no well-behaved sender does, and when it must end."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest

from engine.intake.snapshot import ReceiverConfig
from engine.receiver.protocol.admission import RejectReason, Slots
from engine.receiver.protocol.ending import Ending
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire


def open_association(listener: Listener, request: bytes | None = None) -> socket.socket:
    """Connect, ask for an association and take the A-ASSOCIATE-AC."""
    sock = listener.connect()
    sock.sendall(request or wire.associate_rq())
    kind, _ = wire.read_pdu(sock)
    assert kind == 0x02
    return sock


def echo(sock: socket.socket) -> None:
    """Prove that an association is alive."""
    sock.sendall(wire.p_data(wire.pdv(3, 3, wire.echo_rq())))
    assert wire.status(wire.read_response(sock)) == 0


def expect_abort(sock: socket.socket, source: int, reason: int) -> None:
    """Read an A-ABORT and the end of the connection."""
    kind, body = wire.read_pdu(sock)
    assert (kind, wire.abort_of(body)) == (0x07, (source, reason))
    assert wire.read_pdu(sock) == (0, b"")


class TestBeforeAnAssociation:
    """Sta2."""

    @pytest.mark.parametrize(
        "data",
        [
            b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
            wire.pdu(0x42, b"what"),
            wire.p_data(wire.pdv(1, 3, wire.store_rq())),
            wire.RELEASE_RQ,
            wire.pdu(0x02, bytes(68)),
            wire.pdu(0x01, b""),
            wire.pdu(0x01, bytes(67)),
            struct.pack(">BxI", 0x01, (1 << 20) + 1),
            struct.pack(">BxI", 0x01, 0xFFFFFFFF),
        ],
    )
    def test_nonsense_is_aborted_and_told(self, data: bytes) -> None:
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(data)
            expect_abort(sock, 0, 0)
            assert listener.ears.rejection().verdict is None
            listener.join()
            assert listener.slots.half_open("127.0.0.1") == 0
            echo_again = open_association(listener)
            echo(echo_again)
            echo_again.close()

    def test_http_client_is_not_kept_waiting(self) -> None:
        with Listener(artim_timeout=3600.0) as listener, listener.connect() as sock:
            sock.settimeout(2)
            sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while sock.recv(100):
                pass

    def test_abort_just_closes(self) -> None:
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(wire.ABORT)
            assert wire.read_pdu(sock) == (0, b"")
            assert listener.ears.rejections.empty()

    @pytest.mark.parametrize("said", [b"", wire.associate_rq()[:50]])
    def test_artim_ends_a_silent_connection(self, said: bytes) -> None:
        with Listener(artim_timeout=0.05) as listener, listener.connect() as sock:
            sock.sendall(said)
            assert wire.read_pdu(sock) == (0, b"")
            assert "in time" in listener.ears.rejection().reason

    def test_artim_is_not_renewed_by_single_bytes(self) -> None:
        with Listener(artim_timeout=0.2) as listener, listener.connect() as sock:
            trickle(sock, wire.associate_rq(), until=listener.ears.rejections.not_empty)
            assert "in time" in listener.ears.rejection().reason

    def test_receivers_of_other_ports_do_not_set_our_artim(self) -> None:
        with Listener(artim_timeout=0.05) as listener:
            elsewhere = ReceiverConfig(ae_title="SLOW", port=listener.port + 1, artim_timeout=99.0)
            listener.intake.configure(elsewhere, listener.receiver)
            with listener.connect() as sock:
                assert wire.read_pdu(sock) == (0, b"")

    def test_peer_that_hangs_up_is_no_news(self) -> None:
        with Listener() as listener:
            listener.connect().close()
            with listener.connect() as sock:
                sock.sendall(wire.associate_rq()[:20])
            with open_association(listener) as sock:
                sock.sendall(wire.RELEASE_RQ)
                assert wire.read_pdu(sock)[0] == 0x06
            assert listener.ears.ending() is Ending.RELEASED
            listener.join()
            assert listener.ears.rejections.empty()
            assert listener.slots.half_open("127.0.0.1") == 0

    def test_idle_connections_hold_no_association_slot(self) -> None:
        with Listener(max_associations=1) as listener:
            idle = [listener.connect() for _ in range(10)]
            with open_association(listener) as sock:
                echo(sock)
            for one in idle:
                one.close()

    def test_half_open_connections_of_a_peer_are_limited(self) -> None:
        slots = Slots(half_open_per_peer=2)
        with Listener(slots=slots) as listener:
            idle = [listener.connect(), listener.connect()]
            with listener.connect() as third:
                assert wire.read_pdu(third) == (0, b"")
            assert "too many" in listener.ears.rejection().reason
            for one in idle:
                one.close()
            listener.join()
            with open_association(listener) as sock:
                echo(sock)


def trickle(sock: socket.socket, data: bytes, *, until: threading.Condition) -> None:
    """Send a byte every hundredth of a second until the other side hangs up."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for number in range(len(data)):
        try:
            sock.sendall(data[number : number + 1])
        except OSError:
            return
        with until:
            if until.wait(0.01):
                return


class TestAdmission:
    """Sta3: the right A-ASSOCIATE-RJ."""

    @pytest.mark.parametrize(
        ("request_pdu", "verdict", "codes"),
        [
            (wire.associate_rq(called="NOBODY"), RejectReason.CALLED_UNKNOWN, (1, 1, 7)),
            (wire.associate_rq(called=""), RejectReason.CALLED_UNKNOWN, (1, 1, 7)),
            (wire.associate_rq(calling="STRANGER"), RejectReason.CALLING_UNKNOWN, (1, 1, 3)),
            (wire.associate_rq(application="1.2.3"), RejectReason.APPLICATION_CONTEXT, (1, 1, 2)),
            (wire.associate_rq(version=2), RejectReason.PROTOCOL_VERSION, (1, 2, 2)),
        ],
    )
    def test_rejection(
        self, request_pdu: bytes, verdict: RejectReason, codes: tuple[int, int, int]
    ) -> None:
        with (
            Listener(allow_enabled=True, allow=("SCANNER@127.0.0.0/8",)) as listener,
            listener.connect() as sock,
        ):
            sock.sendall(request_pdu)
            kind, body = wire.read_pdu(sock)
            assert (kind, tuple(body[1:])) == (0x03, codes)
            assert wire.read_pdu(sock) == (0, b"")
            rejection = listener.ears.rejection()
            assert rejection.verdict is verdict
            assert rejection.peer == "127.0.0.1"
            assert listener.ears.opened_ones.empty()

    def test_disabled_receiver_is_not_there(self) -> None:
        with Listener(enabled=False) as listener, listener.connect() as sock:
            sock.sendall(wire.associate_rq())
            kind, body = wire.read_pdu(sock)
            assert (kind, tuple(body[1:])) == (0x03, (1, 1, 7))

    def test_limit_is_given_back(self) -> None:
        with Listener(max_associations=1) as listener:
            first = open_association(listener)
            with listener.connect() as second:
                second.sendall(wire.associate_rq())
                kind, body = wire.read_pdu(second)
                assert (kind, tuple(body[1:])) == (0x03, (2, 3, 2))
            first.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(first)[0] == 0x06
            first.close()
            listener.ears.ending()
            with open_association(listener) as third:
                echo(third)


class TestViolations:
    """Sta6: what ends an association, and with which A-ABORT."""

    @pytest.mark.parametrize(
        ("data", "source", "reason"),
        [
            (wire.pdu(0x42, b"1234"), 2, 1),
            (wire.pdu(0x00, b"1234"), 2, 1),
            (wire.associate_rq(), 2, 2),
            (wire.pdu(0x06, bytes(4)), 2, 2),
            (wire.pdu(0x05, bytes(5)), 2, 6),
            (wire.pdu(0x04, b""), 2, 6),
            (wire.pdu(0x04, bytes(5)), 2, 6),
            (struct.pack(">BxI", 0x04, 131073), 2, 6),
            (struct.pack(">BxI", 0x04, 0xFFFFFFFF), 2, 6),
            # PDV lengths that lie: too short, longer than the PDU, a PDU with a stump behind.
            (wire.pdu(0x04, struct.pack(">IBB", 1, 1, 3)), 2, 6),
            (wire.pdu(0x04, struct.pack(">IBB", 0, 1, 3)), 2, 6),
            (wire.pdu(0x04, struct.pack(">IBB", 100, 1, 3) + bytes(10)), 2, 6),
            (wire.pdu(0x04, struct.pack(">IBB", 0xFFFFFFFF, 1, 3)), 2, 6),
            (wire.pdu(0x04, wire.pdv(1, 1, b"") + b"\0"), 2, 6),
            # A context that was never accepted, or never proposed.
            (wire.p_data(wire.pdv(5, 3, wire.store_rq())), 2, 6),
            (wire.p_data(wire.pdv(99, 3, wire.store_rq())), 2, 6),
            # Messages out of order.
            (wire.p_data(wire.pdv(1, 2, b"data")), 0, 0),
            (wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(3, 2, b"data")), 0, 0),
            (wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(1, 3, b"cmd")), 0, 0),
            (wire.p_data(wire.pdv(1, 1, b"half"), wire.pdv(3, 3, b"other")), 0, 0),
            (wire.p_data(wire.pdv(1, 1, b"half"), wire.pdv(1, 2, b"data")), 0, 0),
            # Command sets that are none.
            (wire.p_data(wire.pdv(1, 3, b"")), 0, 0),
            (wire.p_data(wire.pdv(1, 3, b"garbage")), 0, 0),
            (wire.p_data(wire.pdv(1, 3, wire.store_rq(field=0x8001))), 0, 0),
            (wire.p_data(*[wire.pdv(1, 1, bytes(13000))] * 6), 0, 0),
        ],
    )
    def test_abort(self, data: bytes, source: int, reason: int) -> None:
        request = wire.associate_rq((*wire.CONTEXTS, (5, "1.2.3", (wire.IMPLICIT,))))
        with Listener() as listener, open_association(listener, request) as sock:
            sock.sendall(data)
            expect_abort(sock, source, reason)
            assert listener.ears.ending() is Ending.VIOLATION
            assert not listener.intake.stored
            assert listener.associations[0].last_error

    def test_oversized_data_gives_up_the_object(self) -> None:
        with Listener(max_pdu=4096) as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(wire.pdv(1, 3, wire.store_rq())))
            sock.sendall(wire.p_data(wire.pdv(1, 0, bytes(5000))))
            expect_abort(sock, 2, 6)
            (recorded,) = listener.intake.seen
            assert recorded.abandoned
            assert not recorded.data


class TestEnds:
    """How an association ends, and what becomes of the object on its way."""

    def begin_object(self, listener: Listener) -> socket.socket:
        """Leave an object half sent."""
        sock = open_association(listener)
        sock.sendall(wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(1, 0, bytes(1000))))
        listener.intake.begun.get(timeout=PATIENCE)
        return sock

    def test_release(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(sock) == (0x06, bytes(4))
            assert listener.ears.ending() is Ending.RELEASED
            assert listener.associations[0].last_error == ""

    def test_release_in_mid_object_keeps_nothing(self) -> None:
        with Listener() as listener, self.begin_object(listener) as sock:
            sock.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(sock)[0] == 0x06
            assert listener.intake.seen[0].abandoned
            assert not listener.intake.stored

    def test_reset_in_mid_object(self) -> None:
        with Listener() as listener:
            sock = self.begin_object(listener)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            assert listener.ears.ending() is Ending.LOST
            (recorded,) = listener.intake.seen
            assert recorded.abandoned == "connection lost"
            assert listener.slots.established(listener.receiver) == 0
            with open_association(listener) as again:
                echo(again)

    def test_connection_closed_in_mid_object(self) -> None:
        with Listener() as listener:
            self.begin_object(listener).close()
            assert listener.ears.ending() is Ending.LOST
            assert listener.intake.seen[0].abandoned

    def test_abort_in_mid_object(self) -> None:
        with Listener() as listener, self.begin_object(listener) as sock:
            sock.sendall(wire.ABORT)
            assert wire.read_pdu(sock) == (0, b"")
            assert listener.ears.ending() is Ending.ABORTED
            assert listener.intake.seen[0].abandoned

    def test_silence_between_objects(self) -> None:
        with Listener(idle_timeout=0.05) as listener, open_association(listener) as sock:
            expect_abort(sock, 2, 0)
            assert listener.ears.ending() is Ending.TIMED_OUT

    def test_slow_sender_is_cut(self) -> None:
        with Listener(idle_timeout=0.2) as listener, open_association(listener) as sock:
            trickle(sock, wire.store(bytes(5000)), until=listener.ears.endings.not_empty)
            assert listener.ears.ending() is Ending.TIMED_OUT
            assert not listener.intake.stored

    def test_slow_sender_does_not_hurt_others(self) -> None:
        with Listener() as listener, self.begin_object(listener):
            with open_association(listener) as other:
                other.sendall(wire.store(b"whole"))
                assert wire.status(wire.read_response(other)) == 0
            assert bytes(listener.intake.stored[0].data) == b"whole"

    @pytest.mark.parametrize("seconds", [-86_400, 86_400, -3_600, 3_600])
    def test_a_clock_that_is_set_ends_nothing(
        self, seconds: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = time.time_ns
        with Listener() as listener, self.begin_object(listener) as sock:
            monkeypatch.setattr(time, "time_ns", lambda: now() + seconds * 10**9)
            sock.sendall(wire.p_data(wire.pdv(1, 2, b"the end")))
            assert wire.status(wire.read_response(sock)) == 0
            sock.sendall(wire.store(b"next", message=2) + wire.RELEASE_RQ)
            assert wire.status(wire.read_response(sock)) == 0
            assert listener.ears.ending() is Ending.RELEASED
            assert len(listener.intake.stored) == 2

    def test_stop_when_idle(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            listener.associations[0].stop()
            expect_abort(sock, 2, 0)
            assert listener.ears.ending() is Ending.STOPPED

    def test_stop_before_an_association(self) -> None:
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(wire.associate_rq()[:10])
            listener.accepted.get(timeout=PATIENCE).stop()
            kind, _ = wire.read_pdu(sock)
            assert kind in (0x07, 0x00)
            listener.join()
            assert listener.ears.rejections.empty()

    def test_stop_finishes_the_object_on_its_way(self) -> None:
        with Listener() as listener, self.begin_object(listener) as sock:
            listener.associations[0].stop()
            sock.sendall(wire.p_data(wire.pdv(1, 0, bytes(500))))
            sock.sendall(wire.p_data(wire.pdv(1, 2, b"the end")))
            assert wire.status(wire.read_response(sock)) == 0
            expect_abort(sock, 2, 0)
            assert listener.ears.ending() is Ending.STOPPED
            assert len(listener.intake.stored[0].data) == 1507

    def test_stop_leaves_the_next_object_unanswered(self) -> None:
        with Listener() as listener, self.begin_object(listener) as sock:
            listener.associations[0].stop()
            sock.sendall(wire.p_data(wire.pdv(1, 2, b"")) + wire.store(b"next", message=2))
            response = wire.read_response(sock)
            assert struct.unpack("<H", response[0x0120]) == (1,)
            expect_abort(sock, 2, 0)
            assert len(listener.intake.stored) == 1

    def test_stop_at_once_gives_the_object_up(self) -> None:
        with Listener() as listener, self.begin_object(listener) as sock:
            listener.associations[0].stop()
            listener.associations[0].stop(at_once=True)
            expect_abort(sock, 2, 0)
            assert listener.intake.seen[0].abandoned

    def test_stop_after_the_end_does_nothing(self) -> None:
        with Listener() as listener:
            open_association(listener).close()
            listener.ears.ending()
            listener.join()
            listener.associations[0].stop()

    def test_sender_that_never_reads_is_given_up(self) -> None:
        with Listener(idle_timeout=0.1) as listener, open_association(listener) as sock:
            sock.settimeout(5)
            echoes = wire.p_data(wire.pdv(3, 3, wire.echo_rq())) * 1000
            with pytest.raises(OSError):
                while True:
                    sock.sendall(echoes)
            assert listener.ears.ending() is Ending.TIMED_OUT

    def test_broken_observer_leaks_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("broken")

        with Listener() as listener:
            for name in ("closed", "rejected"):
                monkeypatch.setattr(listener.ears, name, fail)
            open_association(listener).close()
            with listener.connect() as sock:
                sock.sendall(wire.associate_rq(called="NOBODY"))
                assert wire.read_pdu(sock)[0] in (0x03, 0x07)
            listener.join()
            assert listener.slots.established(listener.receiver) == 0
            assert listener.slots.half_open("127.0.0.1") == 0
