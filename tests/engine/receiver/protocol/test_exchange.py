# SPDX-License-Identifier: Apache-2.0
"""Messages over a raw socket: however they are cut, the same objects and the same answers."""

from __future__ import annotations

import itertools
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dicom.digest import DataSetDigest
from engine.receiver.protocol.ending import Ending
from tests.engine.receiver.listening import PATIENCE, Listener
from tests.engine.receiver.protocol import wire
from tests.engine.receiver.protocol.test_association import echo, open_association

DATA = bytes(range(256)) * 40


def message_of(response: dict[int, bytes]) -> int:
    """Read (0000,0120)."""
    number: int = struct.unpack("<H", response[0x0120])[0]
    return number


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """One listener for all examples of a property."""
    with Listener() as listener:
        yield listener


class TestAnswers:
    """What each kind of request is answered."""

    def test_store(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.store(DATA, instance="1.2.3", message=77))
            response = wire.read_response(sock)
            association = listener.ears.opened_ones.get(timeout=PATIENCE)
            assert association.receiver is listener.receiver
        assert wire.status(response) == 0
        assert message_of(response) == 77
        assert struct.unpack("<H", response[0x0100]) == (0x8001,)
        assert struct.unpack("<H", response[0x0800]) == (0x0101,)
        assert response[0x0002].rstrip(b"\0").decode() == wire.MR
        assert response[0x1000] == b"1.2.3\0"
        assert 0x0902 not in response
        assert listener.intake.stored[0].context.sop_instance == "1.2.3"
        assert association.objects == 1
        assert association.bytes == len(DATA)
        assert association.series == f"series of {len(DATA)} bytes"
        assert association.last_object_at > association.opened_at > 0
        assert association.current is None

    def test_status_and_comment_of_the_intake(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            listener.intake.answer = (0xC000, "back\\slash and möre, " + 80 * "x")
            sock.sendall(wire.store(DATA))
            response = wire.read_response(sock)
            assert wire.status(response) == 0xC000
            assert response[0x0902] == (b"back/slash and m?re, " + 80 * b"x")[:64]
            echo(sock)

    def test_empty_data_set(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.store(b""))
            assert wire.status(wire.read_response(sock)) == 0
            (recorded,) = listener.intake.stored
            assert not recorded.data

    def test_store_without_data_set_is_the_intakes_to_judge(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(wire.pdv(1, 3, wire.store_rq(data_set=False))))
            assert wire.status(wire.read_response(sock)) == 0
            assert listener.intake.stored[0].finished

    @pytest.mark.parametrize(
        ("context", "command", "status"),
        [
            (1, wire.store_rq(field=0x0020), 0x0211),
            (1, wire.store_rq(field=0x0130), 0x0211),
            (3, wire.store_rq(), 0x0122),
            (1, wire.store_rq(sop_class="1.2.840.10008.5.1.4.1.1.2"), 0x0122),
            (1, wire.store_rq(""), 0x0117),
            (1, wire.store_rq("1." + 64 * "2"), 0x0117),
            (1, wire.store_rq("1.2\x1b[31m"), 0x0117),
            (1, wire.store_rq(field=0x0030), 0x0122),
        ],
    )
    def test_failure_drains_the_data_set(self, context: int, command: bytes, status: int) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(wire.pdv(context, 3, command)))
            sock.sendall(wire.p_data(wire.pdv(context, 0, DATA), wire.pdv(context, 2, DATA)))
            response = wire.read_response(sock)
            assert wire.status(response) == status
            assert response[0x0902]
            assert struct.unpack_from("<H", response[0x0100])[0] & 0x8000
            echo(sock)
            assert not listener.intake.seen
            (declined,) = listener.ears.declined_ones
            assert declined.status == status
            assert listener.associations[0].failures == 1

    def test_cancel_needs_no_answer(self) -> None:
        cancel = wire.command(
            wire.short(0x0100, 0x0FFF), wire.short(0x0120, 1), wire.short(0x0800, 0x0101)
        )
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(wire.pdv(1, 3, cancel)))
            echo(sock)

    @pytest.mark.parametrize("where", ["begin", "write", "finish"])
    def test_broken_intake_is_never_success(self, where: str) -> None:
        with Listener() as listener, open_association(listener) as sock:
            listener.intake.breaks = where
            sock.sendall(wire.store(DATA))
            assert wire.status(wire.read_response(sock)) == 0x0110
            assert all(recorded.abandoned for recorded in listener.intake.seen)
            listener.intake.breaks = ""
            sock.sendall(wire.store(DATA, message=2))
            assert wire.status(wire.read_response(sock)) == 0

    def test_requests_sent_ahead_are_answered_in_order(self) -> None:
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(b"".join(wire.store(DATA, message=n) for n in range(1, 21)))
            assert [message_of(wire.read_response(sock)) for _ in range(20)] == [*range(1, 21)]
            assert len(listener.intake.stored) == 20

    @pytest.mark.parametrize("largest", [0, 7, 8, 100, 4096, 0xFFFFFFFF])
    def test_answers_respect_the_peers_maximum(self, largest: int) -> None:
        request = wire.associate_rq(max_pdu=largest)
        with Listener() as listener, open_association(listener, request) as sock:
            sock.sendall(wire.store(DATA))
            kind, body = wire.read_pdu(sock)
            assert kind == 0x04
            assert not largest or len(body) <= largest
            if len(body) == largest:
                while not body[5] & 2:
                    kind, body = wire.read_pdu(sock)
                    assert len(body) <= largest
            echo(sock)


class TestCutting:
    """Fragments, PDVs, PDUs and TCP segments of every size."""

    @pytest.mark.parametrize("size", [1, 2, 7, 4096])
    def test_fragments_each_in_its_pdu(self, size: int) -> None:
        data = DATA[:3001]
        command = b"".join(wire.p_data(one) for one in wire.fragments(1, 1, wire.store_rq(), size))
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(command)
            sock.sendall(b"".join(wire.p_data(o) for o in wire.fragments(1, 0, data, size)))
            assert wire.status(wire.read_response(sock)) == 0
            assert bytes(listener.intake.stored[0].data) == data

    def test_command_and_data_in_one_pdu(self) -> None:
        pdvs = [*wire.fragments(1, 1, wire.store_rq(), 9), *wire.fragments(1, 0, DATA, 1000)]
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(*pdvs))
            assert wire.status(wire.read_response(sock)) == 0
            assert bytes(listener.intake.stored[0].data) == DATA

    def test_empty_fragments_are_skipped(self) -> None:
        pdvs = [
            wire.pdv(1, 1, b""),
            wire.pdv(1, 3, wire.store_rq()),
            wire.pdv(1, 0, b""),
            wire.pdv(1, 0, DATA),
            wire.pdv(1, 0, b""),
            wire.pdv(1, 2, b""),
        ]
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.p_data(*pdvs))
            assert wire.status(wire.read_response(sock)) == 0
            assert bytes(listener.intake.stored[0].data) == DATA

    def test_large_object_is_handed_on_in_batches(self) -> None:
        data = DATA * 400
        with Listener() as listener, open_association(listener) as sock:
            sock.sendall(wire.store(data, size=100_000))
            assert wire.status(wire.read_response(sock)) == 0
            (recorded,) = listener.intake.stored
        assert recorded.digest == DataSetDigest(data).text
        assert max(map(sum, recorded.batches)) <= 256 * 1024

    def test_association_and_messages_in_one_segment(self) -> None:
        with Listener() as listener, listener.connect() as sock:
            sock.sendall(wire.associate_rq() + wire.store(DATA) + wire.RELEASE_RQ)
            assert wire.read_pdu(sock)[0] == 0x02
            assert wire.status(wire.read_response(sock)) == 0
            assert wire.read_pdu(sock)[0] == 0x06
            assert listener.ears.ending() is Ending.RELEASED
            assert bytes(listener.intake.stored[0].data) == DATA

    @settings(deadline=None, max_examples=60, derandomize=True)
    @given(
        objects=st.lists(st.integers(0, 9000), min_size=1, max_size=3),
        size=st.sampled_from([1, 3, 50, 1024, 16000]),
        together=st.integers(1, 5),
        cuts=st.lists(st.integers(1, 40_000), max_size=30),
    )
    def test_cutting_never_shows(
        self, listener: Listener, objects: list[int], size: int, together: int, cuts: list[int]
    ) -> None:
        pdvs: list[bytes] = []
        for number, length in enumerate(objects, 1):
            command = wire.store_rq(f"1.2.{number}", message=number)
            pdvs += wire.fragments(1, 1, command, max(size, 20))
            pdvs += wire.fragments(1, 0, DATA[:length], max(size, length // 500 + 1))
        pdus = [wire.p_data(*pdvs[at : at + together]) for at in range(0, len(pdvs), together)]
        stream = wire.associate_rq() + b"".join(pdus) + wire.RELEASE_RQ
        borders = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
        with listener.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            before = len(listener.intake.stored)
            for start, stop in itertools.pairwise(borders):
                sock.sendall(stream[start:stop])
            assert wire.read_pdu(sock)[0] == 0x02
            for number in range(1, len(objects) + 1):
                response = wire.read_response(sock)
                assert (wire.status(response), message_of(response)) == (0, number)
            assert wire.read_pdu(sock)[0] == 0x06
        stored = listener.intake.stored[before:]
        assert [bytes(one.data) for one in stored] == [DATA[:length] for length in objects]
        assert [one.context.sop_instance for one in stored] == [
            f"1.2.{number}" for number in range(1, len(objects) + 1)
        ]
