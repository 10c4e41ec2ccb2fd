# SPDX-License-Identifier: Apache-2.0
"""The socket under an association: patience, waking, one write for one answer, and TLS."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.receiver.protocol.admission import Slots
from engine.receiver.protocol.association import Association
from engine.receiver.protocol.transport import Interrupted, Transport
from tests.engine.receiver.listening import PATIENCE, Ears, Listener
from tests.engine.receiver.protocol import wire

OPENSSL = "/usr/bin/openssl"


@pytest.fixture
def pair() -> Iterator[tuple[Transport, socket.socket]]:
    """A transport and the other end of its socket."""
    ours, theirs = socket.socketpair()
    transport = Transport(ours)
    transport.allow(PATIENCE)
    with theirs:
        yield transport, theirs
    transport.close()


def receive(transport: Transport, most: int = 1000) -> bytes:
    """Read once."""
    target = bytearray(most)
    return bytes(target[: transport.receive(memoryview(target))])


def test_reads_what_there_is_and_then_the_end(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    theirs.sendall(b"abc")
    assert receive(transport, 2) == b"ab"
    assert receive(transport) == b"c"
    theirs.close()
    assert receive(transport) == b""


def test_patience_ends(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    transport.allow(0.01)
    with pytest.raises(TimeoutError):
        receive(transport)
    with pytest.raises(TimeoutError):
        receive(transport)
    transport.renew()
    theirs.sendall(b"late")
    assert receive(transport) == b"late"


def test_patience_is_not_needed_for_what_is_there(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    theirs.sendall(b"there")
    transport.allow(0)
    assert receive(transport) == b"there"


def test_enough_bytes_buy_patience_again(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    transport.allow(0.01, renewal=4)
    with pytest.raises(TimeoutError):
        receive(transport)
    transport.interrupt()
    theirs.sendall(b"abc")
    assert receive(transport) == b"abc"
    # Out of patience it does not even look; with patience it finds the interruption.
    with pytest.raises(TimeoutError):
        receive(transport)
    theirs.sendall(b"d")
    assert receive(transport) == b"d"
    with pytest.raises(Interrupted):
        receive(transport)


def test_interrupt_wakes_once(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    waker = threading.Thread(target=transport.interrupt)
    waker.start()
    with pytest.raises(Interrupted):
        receive(transport)
    waker.join()
    theirs.sendall(b"on")
    assert receive(transport) == b"on"


def test_interrupt_after_close_does_nothing(pair: tuple[Transport, socket.socket]) -> None:
    transport, _ = pair
    transport.close()
    transport.interrupt()
    transport.close()


def test_large_write_waits_for_its_reader(pair: tuple[Transport, socket.socket]) -> None:
    transport, theirs = pair
    data = bytes(range(256)) * 20_000
    writer = threading.Thread(target=transport.send, args=(data,))
    writer.start()
    assert wire.read_exactly(theirs, len(data)) == data
    writer.join()


def test_nagle_is_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        sock, _ = server.accept()
        transport = Transport(sock)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()
        client.close()


class CountingSocket(socket.socket):
    """Counts writes."""

    writes = 0

    def send(self, *arguments: object) -> int:
        """Count and send."""
        self.writes += 1
        return super().send(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("largest", [0, 20, 16384])
def test_one_write_for_one_answer(largest: int) -> None:
    with Listener() as listener:
        near, sender = socket.socketpair()
        ours = CountingSocket(fileno=near.detach())
        association = Association(
            ours,
            "127.0.0.1",
            port=listener.port,
            intake=listener.intake,
            observer=Ears(),
            slots=Slots(),
            new_id=lambda: "tr_1",
        )
        thread = threading.Thread(target=association.run)
        thread.start()
        with sender:
            sender.sendall(wire.associate_rq(max_pdu=largest))
            assert wire.read_pdu(sender)[0] == 0x02
            for number in range(1, 6):
                sender.sendall(wire.store(b"data", message=number))
                assert wire.status(wire.read_response(sender)) == 0
            # One for the A-ASSOCIATE-AC, then one for each object.
            assert ours.writes == 1 + 5
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_tls_looks_like_plain(tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        [
            *(OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    inside = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    inside.load_cert_chain(certificate, key)
    outside = ssl.create_default_context(cafile=str(certificate))
    data = bytes(range(256)) * 4000
    with Listener() as listener:
        near, far = socket.socketpair()
        near.setblocking(False)
        # The handshake is left to the first read, so that the ARTIM timer watches over it.
        secured = inside.wrap_socket(near, server_side=True, do_handshake_on_connect=False)
        association = Association(
            secured,
            "127.0.0.1",
            port=listener.port,
            intake=listener.intake,
            observer=listener.ears,
            slots=Slots(),
            new_id=lambda: "tr_1",
        )
        thread = threading.Thread(target=association.run)
        thread.start()
        with outside.wrap_socket(far, server_hostname="localhost") as sender:
            sender.sendall(wire.associate_rq())
            assert wire.read_pdu(sender)[0] == 0x02
            sender.sendall(wire.store(data))
            assert wire.status(wire.read_response(sender)) == 0
            sender.sendall(wire.RELEASE_RQ)
            assert wire.read_pdu(sender)[0] == 0x06
        thread.join(PATIENCE)
        assert bytes(listener.intake.stored[0].data) == data
