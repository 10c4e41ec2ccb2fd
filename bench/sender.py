# SPDX-License-Identifier: Apache-2.0
"""A lean storage SCU: one presentation context, one object after the other, each in one write. It
costs so little that what is measured is the receiver. As a command it sends over several
associations at once and prints what it took."""

from __future__ import annotations

import argparse
import json
import socket
import struct
import threading
import time
from collections.abc import Iterable, Sequence

from bench.objects import EXPLICIT, MR_IMAGE, Instance, Template

_APPLICATION = "1.2.840.10008.3.1.1.1"
_CALLING = "BENCH"
_TIMEOUT = 60.0
_RELEASE = bytes.fromhex("05000000000400000000")


class SendError(Exception):
    """The receiver did not do what a receiver does."""


def send(
    host: str, port: int, called: str, objects: Iterable[Instance], rate: float = 0.0
) -> float:
    """Send objects over one association; return the seconds from the first to the last answer.

    `rate` is how many a second at most, as many as can be if it is 0.

    Raises:
        SendError: if the association or an object is not accepted.
    """
    with socket.create_connection((host, port), timeout=_TIMEOUT) as sock:
        largest = begin(sock, called)
        began = time.perf_counter()
        for number, each in enumerate(objects):
            if rate:
                time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            store(sock, each, number % 0xFFFF + 1, largest)
        taken = time.perf_counter() - began
        end(sock)
        return taken


def stream(host: str, port: int, called: str, sop: str, pieces: Iterable[bytes]) -> None:
    """Send one object whose bytes are made as they are sent, of any length.

    Raises:
        SendError: if the association or the object is not accepted.
    """
    with socket.create_connection((host, port), timeout=_TIMEOUT) as sock:
        largest = begin(sock, called)
        sock.sendall(_pdu(0x04, _pdv(3, _command(sop, 1))))
        for data in pieces:
            for start in range(0, len(data), largest - 6):
                sock.sendall(_pdu(0x04, _pdv(0, data[start : start + largest - 6])))
        sock.sendall(_pdu(0x04, _pdv(2, b"")))
        status = _status(sock)
        if status != 0:
            raise SendError(f"the object was answered with {status:04X}")
        end(sock)


def begin(sock: socket.socket, called: str, proposal: bytes = b"") -> int:
    """Open an association; return the largest PDU that the receiver takes, in bytes.

    `proposal` are other presentation contexts than the usual one, as items.

    Raises:
        SendError: if it is not accepted.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(_associate(called, proposal))
    kind, body = _read_pdu(sock)
    if kind != 0x02:
        raise SendError(f"the association was not accepted (PDU {kind})")
    return _largest_pdu(body)


def store(sock: socket.socket, instance: Instance, message: int, largest: int) -> None:
    """Send one object in one write, and wait for its answer.

    Raises:
        SendError: if it is not a success.
    """
    sock.sendall(_store(instance, message, largest))
    status = _status(sock)
    if status != 0:
        raise SendError(f"an object was answered with {status:04X}")


def end(sock: socket.socket) -> None:
    """Release an association."""
    sock.sendall(_RELEASE)
    _read_pdu(sock)


def proposed(number: int, sop_class: str, syntaxes: Sequence[str]) -> bytes:
    """Build the item of a presentation context."""
    inner = b"".join(_item(0x40, syntax.encode()) for syntax in syntaxes)
    return _item(0x20, bytes((number, 0, 0, 0)) + _item(0x30, sop_class.encode()) + inner)


def _pdu(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxI", kind, len(body)) + body


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(body)) + body


def _associate(called: str, proposal: bytes) -> bytes:
    user = _item(0x51, struct.pack(">I", 131072)) + _item(0x52, b"1.2.3") + _item(0x55, b"BENCH_1")
    return _pdu(
        0x01,
        struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), _CALLING.ljust(16).encode())
        + _item(0x10, _APPLICATION.encode())
        + (proposal or proposed(1, MR_IMAGE, [EXPLICIT]))
        + _item(0x50, user),
    )


def _largest_pdu(accepted: bytes) -> int:
    """Find the maximum length item (PS3.8 D.1) in an A-ASSOCIATE-AC; 0 means no limit."""
    at = accepted.index(b"\x51\x00\x00\x04")
    (length,) = struct.unpack_from(">I", accepted, at + 4)
    return min(length, 131072) if length else 131072


def _element(number: int, value: bytes) -> bytes:
    return struct.pack("<HHI", 0, number, len(value)) + value


def _uid(number: int, value: str) -> bytes:
    return _element(number, value.encode() + b"\0" * (len(value) % 2))


def _store(instance: Instance, message: int, largest: int) -> bytes:
    """Build one C-STORE-RQ with its data set, cut as the receiver wants it."""
    parts = [_pdu(0x04, _pdv(3, _command(instance.sop, message)))]
    room = largest - 6
    data = memoryview(instance.data)
    for start in range(0, len(data), room):
        piece = data[start : start + room]
        last = start + room >= len(data)
        parts.append(struct.pack(">BxI", 0x04, len(piece) + 6))
        parts.append(struct.pack(">IBB", len(piece) + 2, 1, 2 if last else 0))
        parts.append(bytes(piece))
    return b"".join(parts)


def _command(sop: str, message: int) -> bytes:
    """Build the command set of a C-STORE-RQ (PS3.7 9.3.1)."""
    body = (
        _uid(0x0002, MR_IMAGE)
        + _element(0x0100, b"\x01\x00")
        + _element(0x0110, struct.pack("<H", message))
        + _element(0x0700, b"\x00\x00")
        + _element(0x0800, b"\x00\x00")
        + _uid(0x1000, sop)
    )
    return _element(0, struct.pack("<I", len(body))) + body


def _pdv(control: int, data: bytes) -> bytes:
    return struct.pack(">IBB", len(data) + 2, 1, control) + data


def _status(sock: socket.socket) -> int:
    """Read one C-STORE-RSP; give (0000,0900)."""
    kind, body = _read_pdu(sock)
    if kind != 0x04:
        raise SendError(f"no answer to an object (PDU {kind})")
    at = 6  # after the head of the one PDV
    while at < len(body):
        _, element, length = struct.unpack_from("<HHI", body, at)
        at += 8
        if element == 0x0900:
            (status,) = struct.unpack_from("<H", body, at)
            return int(status)
        at += length
    raise SendError("an answer without a status")


def _read_pdu(sock: socket.socket) -> tuple[int, bytes]:
    kind, length = struct.unpack(">BxI", _read(sock, 6))
    return kind, _read(sock, length)


def _read(sock: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = sock.recv(length - len(data))
        if not piece:
            raise SendError("the receiver closed the connection")
        data += piece
    return data


def send_at_once(
    host: str,
    port: int,
    called: str,
    *,
    associations: int,
    objects: int,
    side: int,
    label: int,
    rate: float = 0.0,
) -> float:
    """Send one new study over each of several associations; return the seconds for all of them."""
    template = Template(side)
    studies = [template.study(label + number, objects) for number in range(associations)]
    faults: list[Exception] = []

    def one(study: list[Instance]) -> None:
        try:
            send(host, port, called, study, rate)
        except (OSError, SendError) as error:
            faults.append(error)

    threads = [threading.Thread(target=one, args=(study,)) for study in studies]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise SendError(str(faults[0]))
    return time.perf_counter() - began


def main() -> None:
    """Send as the command line says, and print the seconds as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("called")
    parser.add_argument("--associations", type=int, default=1)
    parser.add_argument("--objects", type=int, default=100, help="in each association")
    parser.add_argument("--side", type=int, default=256, help="pixels in a row")
    parser.add_argument("--label", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0.0, help="objects a second, 0: all")
    given = parser.parse_args()
    seconds = send_at_once(
        given.host,
        given.port,
        given.called,
        associations=given.associations,
        objects=given.objects,
        side=given.side,
        label=given.label,
        rate=given.rate,
    )
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main()
