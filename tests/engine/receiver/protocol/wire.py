# SPDX-License-Identifier: Apache-2.0
"""A sender that can lie: PDUs, PDVs and command sets built byte by byte, without the code under
test, so that a test may send exactly what it wants."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator, Sequence

VERIFICATION = "1.2.840.10008.1.1"
MR = "1.2.840.10008.5.1.4.1.1.4"
IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
APPLICATION = "1.2.840.10008.3.1.1.1"

CONTEXTS = ((1, MR, (EXPLICIT,)), (3, VERIFICATION, (IMPLICIT,)))
"""What most tests propose: MR images as 1, Verification as 3."""

RELEASE_RQ = bytes.fromhex("05000000000400000000")
ABORT = bytes.fromhex("07000000000400000000")


def pdu(kind: int, body: bytes) -> bytes:
    """Frame a PDU."""
    return struct.pack(">BxI", kind, len(body)) + body


def item(kind: int, body: bytes) -> bytes:
    """Frame an item of A-ASSOCIATE."""
    return struct.pack(">BxH", kind, len(body)) + body


def associate_rq(
    contexts: Iterable[tuple[int, str, Sequence[str]]] = CONTEXTS,
    *,
    called: str = "ANTEROOM",
    calling: str = "SCANNER",
    application: str = APPLICATION,
    version: int = 1,
    max_pdu: int = 16384,
    user: bytes = b"",
) -> bytes:
    """Build an A-ASSOCIATE-RQ; `user` is appended to the user items."""
    body = struct.pack(">HH16s16s32x", version, 0, called.ljust(16).encode(), calling.encode())
    body += item(0x10, application.encode())
    for number, abstract, transfers in contexts:
        inner = item(0x30, abstract.encode())
        inner += b"".join(item(0x40, transfer.encode()) for transfer in transfers)
        body += item(0x20, bytes((number, 0, 0, 0)) + inner)
    own = item(0x51, struct.pack(">I", max_pdu)) + item(0x52, b"1.2.3") + item(0x55, b"LIAR_1")
    return pdu(0x01, body + item(0x50, own + user))


def pdv(context: int, control: int, data: bytes) -> bytes:
    """Build a presentation data value: control 1 is a command, 2 the last fragment."""
    return struct.pack(">IBB", len(data) + 2, context, control) + data


def p_data(*pdvs: bytes) -> bytes:
    """Put PDVs into one P-DATA-TF."""
    return pdu(0x04, b"".join(pdvs))


def element(number: int, value: bytes) -> bytes:
    """Encode an element of group 0000."""
    return struct.pack("<HHI", 0, number, len(value)) + value


def short(number: int, value: int) -> bytes:
    """Encode an element of one unsigned short."""
    return element(number, struct.pack("<H", value))


def uid(number: int, value: str) -> bytes:
    """Encode a UID element, padded to even length."""
    data = value.encode()
    return element(number, data + b"\0" * (len(data) % 2))


def command(*elements: bytes) -> bytes:
    """Put elements behind their group length."""
    body = b"".join(elements)
    return element(0, struct.pack("<I", len(body))) + body


def store_rq(
    instance: str = "1.2.3.4",
    *,
    message: int = 1,
    sop_class: str = MR,
    data_set: bool = True,
    field: int = 0x0001,
) -> bytes:
    """Build the command set of a C-STORE-RQ."""
    return command(
        uid(0x0002, sop_class),
        short(0x0100, field),
        short(0x0110, message),
        short(0x0700, 0),
        short(0x0800, 0x0000 if data_set else 0x0101),
        uid(0x1000, instance),
    )


def echo_rq(message: int = 1) -> bytes:
    """Build the command set of a C-ECHO-RQ."""
    return command(
        uid(0x0002, VERIFICATION),
        short(0x0100, 0x0030),
        short(0x0110, message),
        short(0x0800, 0x0101),
    )


def fragments(context: int, kind: int, data: bytes, size: int) -> Iterator[bytes]:
    """Cut a message into PDVs of at most `size` bytes each."""
    starts = range(0, max(len(data), 1), size)
    for start in starts:
        last = 2 if start + size >= len(data) else 0
        yield pdv(context, kind | last, data[start : start + size])


def store(data: bytes, *, size: int = 8192, instance: str = "1.2.3.4", message: int = 1) -> bytes:
    """Build one C-STORE on context 1, each fragment in a PDU of its own."""
    request = p_data(pdv(1, 3, store_rq(instance, message=message)))
    return request + b"".join(p_data(one) for one in fragments(1, 0, data, size))


def read_pdu(sock: socket.socket) -> tuple[int, bytes]:
    """Read one PDU; (0, b"") at the end of the connection."""
    head = read_exactly(sock, 6)
    if len(head) < 6:
        return 0, b""
    kind, length = struct.unpack(">BxI", head)
    return kind, read_exactly(sock, length)


def read_exactly(sock: socket.socket, length: int) -> bytes:
    """Read so many bytes, fewer only at the end."""
    data = b""
    while len(data) < length:
        piece = sock.recv(length - len(data))
        if not piece:
            break
        data += piece
    return data


def read_response(sock: socket.socket) -> dict[int, bytes]:
    """Read one response: the elements of its command set. It may lie in several PDUs."""
    data = b""
    while True:
        kind, body = read_pdu(sock)
        assert kind == 0x04, (kind, body)
        position = 0
        while position < len(body):
            length, _, control = struct.unpack_from(">IBB", body, position)
            data += body[position + 6 : position + 4 + length]
            position += 4 + length
            assert control & 1
            if control & 2:
                return elements(data)


def elements(data: bytes) -> dict[int, bytes]:
    """Take a command set apart and check its group length."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(data):
        group, number, length = struct.unpack_from("<HHI", data, position)
        assert group == 0
        assert length % 2 == 0
        found[number] = data[position + 8 : position + 8 + length]
        position += 8 + length
    assert list(found) == sorted(found)
    assert struct.unpack("<I", found[0])[0] == len(data) - 12
    return found


def status(response: dict[int, bytes]) -> int:
    """Read (0000,0900)."""
    number: int = struct.unpack("<H", response[0x0900])[0]
    return number


def abort_of(body: bytes) -> tuple[int, int]:
    """Read source and reason of an A-ABORT's body."""
    return body[2], body[3]
