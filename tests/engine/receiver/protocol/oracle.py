# SPDX-License-Identifier: Apache-2.0
"""pynetdicom as the judge of what the receiver says: each PDU that it sends must be one that a
foreign implementation decodes, understands, and would have encoded in the same bytes."""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from pynetdicom.pdu import (
    A_ABORT_RQ,
    A_ASSOCIATE_AC,
    A_ASSOCIATE_RJ,
    A_RELEASE_RP,
    P_DATA_TF,
)

from tests.engine.receiver.protocol import wire

AC, RJ, DATA, RP, ABORT = 0x02, 0x03, 0x04, 0x06, 0x07

_KINDS = {
    AC: A_ASSOCIATE_AC,
    RJ: A_ASSOCIATE_RJ,
    DATA: P_DATA_TF,
    RP: A_RELEASE_RP,
    ABORT: A_ABORT_RQ,
}


@dataclass(frozen=True, slots=True)
class Said:
    """A PDU of the receiver: its type, and the codes of a rejection or an abort."""

    kind: int
    codes: tuple[int, ...] = ()


END = Said(0)
"""The end of the connection."""


def understood(kind: int, body: bytes) -> Said:
    """Let pynetdicom read a PDU, and return what it says."""
    if kind == 0:
        return END
    read = _KINDS[kind]()
    whole = wire.pdu(kind, body)
    read.decode(whole)
    # The titles and what is reserved beside them are the sender's own, given back as they came.
    theirs = slice(10, 74) if kind == AC else slice(0)
    assert _without(theirs, read.encode()) == _without(theirs, whole)
    primitive = read.to_primitive()
    if kind == RJ:
        codes = (primitive.result, primitive.result_source, primitive.diagnostic)
        assert codes == tuple(body[1:])
        return Said(kind, codes)
    if kind == ABORT:
        assert wire.abort_of(body) == (read.source, read.reason_diagnostic)
        return Said(kind, wire.abort_of(body))
    return Said(kind)


def _without(part: slice, data: bytes) -> bytes:
    return data[: part.start or 0] + data[part.stop :]


def accepted(body: bytes) -> A_ASSOCIATE_AC:
    """Let pynetdicom read the body of an A-ASSOCIATE-AC."""
    assert understood(AC, body) == Said(AC)
    read = A_ASSOCIATE_AC()
    read.decode(wire.pdu(AC, body))
    return read


def hear(sock: socket.socket) -> Said:
    """Read the next PDU, or the end; a reset is one, too."""
    try:
        return understood(*wire.read_pdu(sock))
    except ConnectionError:
        return END


def results(body: bytes) -> dict[int, tuple[int, str]]:
    """Return result and transfer syntax of each presentation context, by id."""
    found = {}
    for item in accepted(body).presentation_context:
        assert item.context_id is not None
        assert item.result is not None
        found[item.context_id] = (item.result, str(item.transfer_syntax or ""))
    return found


def user_items(body: bytes) -> dict[int, list[bytes]]:
    """Return the user items of an A-ASSOCIATE-AC by their type, as they stand in it."""
    found: dict[int, list[bytes]] = {}
    for kind, value in _items(body[68:]):
        if kind == 0x50:
            for inner, data in _items(value):
                found.setdefault(inner, []).append(data)
    return found


def _items(data: bytes) -> list[tuple[int, bytes]]:
    found, position = [], 0
    while position < len(data):
        kind, length = struct.unpack_from(">BxH", data, position)
        found.append((kind, data[position + 4 : position + 4 + length]))
        position += 4 + length
    assert position == len(data)
    return found
