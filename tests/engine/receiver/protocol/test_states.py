# SPDX-License-Identifier: Apache-2.0
"""The state table of PS3.8 9.2, the acceptor's part of it, over a real connection: in each state
each event has its reaction, and afterwards nothing of the connection is left.

Two states cannot be seen from outside, because their local events come at once. In Sta3 (the
request is judged) and Sta8 (a release is answered) the answer is sent before the next PDU is read,
so what was sent behind the request meets the next state: Sta6, or Sta13 where all is ignored.

Sta13 differs from the letter in one point. The receiver has shut its side of the connection down by
then, so that no second A-ABORT (AA-7) follows the first or an A-ASSOCIATE-RJ: what comes is ignored
(AA-6), and the connection closes, at the latest when the ARTIM timer has run out (AA-2)."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from engine.receiver.protocol.ending import Ending
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.oracle import ABORT, AC, DATA, END, RJ, RP, Said, hear

REQUEST = wire.associate_rq()
ECHO = wire.p_data(wire.pdv(3, 3, wire.echo_rq()))
UNKNOWN = wire.pdu(0x42, b"1234")

PDUS = {
    "A-ASSOCIATE-RQ": REQUEST,
    "A-ASSOCIATE-RQ for nobody": wire.associate_rq(called="NOBODY"),
    "A-ASSOCIATE-RQ without contexts": wire.associate_rq(()),
    "A-ASSOCIATE-RQ of no length": wire.pdu(0x01, b""),
    "A-ASSOCIATE-RQ above 1 MiB": struct.pack(">BxI", 0x01, (1 << 20) + 1),
    "A-ASSOCIATE-AC": wire.pdu(0x02, REQUEST[6:]),
    "A-ASSOCIATE-RJ": wire.pdu(0x03, bytes((0, 1, 1, 7))),
    "P-DATA-TF": ECHO,
    "P-DATA-TF of no length": wire.pdu(0x04, b""),
    "P-DATA-TF above our maximum": struct.pack(">BxI", 0x04, 131073),
    "P-DATA-TF with a PDV too long": wire.pdu(0x04, struct.pack(">IBB", 100, 3, 3)),
    "P-DATA-TF of another context": wire.p_data(wire.pdv(9, 3, wire.echo_rq())),
    "A-RELEASE-RQ": wire.RELEASE_RQ,
    "A-RELEASE-RQ too long": wire.pdu(0x05, bytes(5)),
    "A-RELEASE-RP": wire.pdu(0x06, bytes(4)),
    "A-ABORT": wire.ABORT,
    "A-ABORT of a provider": wire.pdu(0x07, bytes((0, 0, 2, 6))),
    "A-ABORT too short": wire.pdu(0x07, bytes(3)),
    "PDU type 0": wire.pdu(0x00, b"1234"),
    "PDU type 8": wire.pdu(0x08, b"1234"),
    "PDU type 255": wire.pdu(0xFF, b""),
    "HTTP": b"GET / HTTP/1.1\r\nHost: here\r\n\r\n",
}
"""Events 3, 4, 6, 10, 12, 13, 16 and 19 of table 9-10."""

AA_1 = (Said(ABORT, (0, 0)), END)


def aa_8(reason: int) -> tuple[Said, ...]:
    """Aborted by the provider."""
    return (Said(ABORT, (2, reason)), END)


STA2 = {
    **dict.fromkeys(PDUS, AA_1),
    "A-ASSOCIATE-RQ": (Said(AC),),
    "A-ASSOCIATE-RQ for nobody": (Said(RJ, (1, 1, 7)), END),
    "A-ABORT": (END,),
    "A-ABORT of a provider": (END,),
    "A-ABORT too short": (END,),
}
STA6 = {
    **{name: aa_8(2) for name in PDUS if name.startswith(("A-ASSOCIATE", "A-RELEASE-RP"))},
    **{name: aa_8(6) for name in PDUS if name.startswith("P-DATA-TF ")},
    "P-DATA-TF": (Said(DATA),),
    "A-RELEASE-RQ": (Said(RP), END),
    "A-RELEASE-RQ too long": aa_8(6),
    "A-ABORT": (END,),
    "A-ABORT of a provider": (END,),
    "A-ABORT too short": aa_8(6),
    **dict.fromkeys(("PDU type 0", "PDU type 8", "PDU type 255", "HTTP"), aa_8(1)),
}


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """One listener for all of the table: what a case leaves behind is seen by the next."""
    with Listener() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_is_left(listener: Listener) -> Iterator[None]:
    """After each case: no thread, no slot, nothing stored, and a receiver that did not fail."""
    yield
    listener.join()
    assert listener.slots.half_open("127.0.0.1") == 0
    assert listener.slots.established(listener.receiver) == 0
    assert not listener.intake.stored
    assert all(each.ending not in (None, Ending.FAILED) for each in listener.associations)
    listener.associations.clear()


@contextmanager
def connected(listener: Listener) -> Iterator[socket.socket]:
    """Connect, and wait until the connection is served: what is left of it can be seen then."""
    with listener.connect() as sock:
        listener.accepted.get(timeout=PATIENCE)
        yield sock


def is_alive(sock: socket.socket) -> bool:
    """Ask for an echo, and release."""
    sock.sendall(ECHO + wire.RELEASE_RQ)
    return (hear(sock), hear(sock), hear(sock)) == (Said(DATA), Said(RP), END)


def check(sock: socket.socket, expected: tuple[Said, ...]) -> None:
    """Hear what is expected; where that is not the end, the association lives."""
    assert tuple(hear(sock) for _ in expected) == expected
    assert expected[-1] == END or is_alive(sock)


@pytest.mark.parametrize("event", PDUS)
def test_sta2_awaits_a_request(listener: Listener, event: str) -> None:
    with connected(listener) as sock:
        sock.sendall(PDUS[event])
        check(sock, STA2[event])


@pytest.mark.parametrize("event", PDUS)
def test_sta3_answers_before_it_reads_on(listener: Listener, event: str) -> None:
    with connected(listener) as sock:
        sock.sendall(REQUEST + PDUS[event])
        assert hear(sock) == Said(AC)
        check(sock, STA6[event])


@pytest.mark.parametrize("event", PDUS)
def test_sta6_has_an_association(listener: Listener, event: str) -> None:
    with connected(listener) as sock:
        sock.sendall(REQUEST)
        assert hear(sock) == Said(AC)
        sock.sendall(PDUS[event])
        check(sock, STA6[event])


@pytest.mark.parametrize("event", PDUS)
def test_sta6_in_the_middle_of_an_object(listener: Listener, event: str) -> None:
    with connected(listener) as sock:
        sock.sendall(REQUEST)
        assert hear(sock) == Said(AC)
        half = wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(1, 0, bytes(99)))
        sock.sendall(half + PDUS[event])
        # A second command before the end of the data set is no message (PS3.7 6.3.1).
        expected = AA_1 if STA6[event] == (Said(DATA),) else STA6[event]
        if event == "P-DATA-TF of another context":
            expected = AA_1
        check(sock, expected)


@pytest.mark.parametrize("event", PDUS)
def test_sta8_answers_before_it_reads_on(listener: Listener, event: str) -> None:
    with connected(listener) as sock:
        sock.sendall(REQUEST + wire.RELEASE_RQ + PDUS[event])
        check(sock, (Said(AC), Said(RP), END))


BEFORE_STA13 = {
    "aborted without an association": (UNKNOWN, Said(ABORT, (0, 0))),
    "rejected": (PDUS["A-ASSOCIATE-RQ for nobody"], Said(RJ, (1, 1, 7))),
    "aborted": (REQUEST + UNKNOWN, Said(ABORT, (2, 1))),
    "released": (REQUEST + wire.RELEASE_RQ, Said(RP)),
}


@pytest.mark.parametrize("event", PDUS)
@pytest.mark.parametrize("how", BEFORE_STA13)
def test_sta13_ignores_everything(listener: Listener, how: str, event: str) -> None:
    first, last = BEFORE_STA13[how]
    with connected(listener) as sock:
        sock.sendall(first)
        while (said := hear(sock)) == Said(AC):
            pass
        assert said == last
        sock.sendall(PDUS[event])
        assert hear(sock) == END


def hang_up(sock: socket.socket) -> None:
    """Close by the book."""
    sock.close()


def reset(sock: socket.socket) -> None:
    """Close with a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def half_close(sock: socket.socket) -> None:
    """Say no more, and listen on."""
    sock.shutdown(socket.SHUT_WR)
    assert hear(sock) == END


CLOSED = {
    "Sta2": (b"", None),
    "Sta2, in the middle of a PDU": (REQUEST[:70], None),
    "Sta6": (REQUEST, Ending.LOST),
    "Sta6, in the middle of a PDU": (REQUEST + ECHO[:9], Ending.LOST),
    "Sta6, in the middle of a message": (
        REQUEST + wire.p_data(wire.pdv(1, 3, wire.store_rq()), wire.pdv(1, 0, bytes(99))),
        Ending.LOST,
    ),
    "Sta13": (REQUEST + wire.RELEASE_RQ, Ending.RELEASED),
}


@pytest.mark.parametrize("end", [hang_up, reset, half_close])
@pytest.mark.parametrize("state", CLOSED)
def test_the_connection_is_closed(
    listener: Listener, state: str, end: Callable[[socket.socket], None]
) -> None:
    said, ending = CLOSED[state]
    with connected(listener) as sock:
        sock.sendall(said)
        if ending is not None:
            assert hear(sock) == Said(AC)
        if ending is Ending.RELEASED:
            assert hear(sock) == Said(RP)
        end(sock)
        listener.join()
        assert listener.associations[-1].ending is (ending or Ending.LOST)


class TestArtim:
    """Event 18."""

    def test_sta2_closes_without_a_word(self) -> None:
        with Listener(artim_timeout=0.05) as listener, listener.connect() as sock:
            assert hear(sock) == END
            assert "in time" in listener.ears.rejection().reason

    def test_sta6_has_no_artim(self) -> None:
        with Listener(artim_timeout=0.05) as listener, listener.connect() as sock:
            sock.sendall(REQUEST)
            assert hear(sock) == Said(AC)
            # A second connection outlives its timer meanwhile, so this one has outlived its own.
            with listener.connect() as other:
                assert hear(other) == END
            assert is_alive(sock)

    @pytest.mark.parametrize("how", BEFORE_STA13)
    def test_sta13_closes_where_the_peer_does_not(self, how: str) -> None:
        first, last = BEFORE_STA13[how]
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(first)
            while (said := hear(sock)) == Said(AC):
                pass
            assert said == last
            listener.join()  # and not before, in spite of a peer that keeps its side open


class TestLocalEvents:
    """Events 7, 8, 9, 14 and 15: what the service user wants."""

    def test_7_and_9_a_request_is_accepted_and_a_message_answered(self, listener: Listener) -> None:
        with connected(listener) as sock:
            sock.sendall(REQUEST)
            assert hear(sock) == Said(AC)
            assert is_alive(sock)

    def test_8_a_request_is_rejected(self, listener: Listener) -> None:
        with connected(listener) as sock:
            sock.sendall(wire.associate_rq(application="1.2.3"))
            check(sock, (Said(RJ, (1, 1, 2)), END))

    def test_14_a_release_is_answered(self, listener: Listener) -> None:
        with connected(listener) as sock:
            sock.sendall(REQUEST + wire.RELEASE_RQ)
            check(sock, (Said(AC), Said(RP), END))

    def test_15_the_receiver_stops_in_sta2(self) -> None:
        with Listener() as listener, listener.connect() as sock:
            listener.accepted.get(timeout=PATIENCE).stop()
            check(sock, (Said(ABORT, (2, 0)), END))

    @pytest.mark.parametrize("at_once", [False, True])
    def test_15_the_receiver_stops_in_sta6(self, at_once: bool) -> None:
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(REQUEST)
            assert hear(sock) == Said(AC)
            listener.associations[0].stop(at_once=at_once)
            check(sock, (Said(ABORT, (2, 0)), END))
