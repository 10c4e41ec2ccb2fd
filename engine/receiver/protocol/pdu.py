# SPDX-License-Identifier: Apache-2.0
"""Protocol data units of the DICOM upper layer (PS3.8 9.3): the small fixed ones, and the stream of
P-DATA-TF, split into fragments. Negotiation items are in `associate`; sockets and states are not
known here. Every length comes from an untrusted peer and is checked before it is used."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum

ASSOCIATE_RQ = 0x01
ASSOCIATE_AC = 0x02
ASSOCIATE_RJ = 0x03
P_DATA_TF = 0x04
RELEASE_RQ = 0x05
RELEASE_RP = 0x06
ABORT = 0x07

HEADER = struct.Struct(">BxI")
"""PDU type, one reserved byte, length of what follows."""

# Length, presentation context id, message control header (PS3.8 9.3.5.1). The length counts what
# follows it: a fragment of 100 bytes in context 3 that ends a data set begins 00000066 03 02.
_PDV = struct.Struct(">IBB")
CONTROL_LENGTH = 4
_PDV_OVERHEAD = 6

LARGEST_ASSOCIATE = 1 << 20
"""An A-ASSOCIATE-RQ above this is not believed. 128 contexts with every transfer syntax need about
200 KiB."""

SMALLEST_PDU = 4096
LARGEST_PDU = 1 << 24
_OURS = 64 * 1024
"""Bytes of a message in one PDU that we send, where the peer would take more."""


class AbortSource(IntEnum):
    """Who aborts (PS3.8 9.3.8)."""

    USER = 0
    PROVIDER = 2


class AbortReason(IntEnum):
    """Why the provider aborts (PS3.8 9.3.8)."""

    NOT_SPECIFIED = 0
    UNRECOGNIZED_PDU = 1
    UNEXPECTED_PDU = 2
    UNRECOGNIZED_PARAMETER = 4
    UNEXPECTED_PARAMETER = 5
    INVALID_PARAMETER = 6


class PduError(ValueError):
    """The peer broke the protocol; `reason` goes into our A-ABORT. The text holds no peer data."""

    def __init__(self, reason: AbortReason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def encode_reject(result: int, source: int, reason: int) -> bytes:
    """Encode an A-ASSOCIATE-RJ (PS3.8 9.3.4)."""
    return HEADER.pack(ASSOCIATE_RJ, CONTROL_LENGTH) + bytes((0, result, source, reason))


def encode_abort(source: AbortSource, reason: AbortReason = AbortReason.NOT_SPECIFIED) -> bytes:
    """Encode an A-ABORT (PS3.8 9.3.8)."""
    return HEADER.pack(ABORT, CONTROL_LENGTH) + bytes((0, 0, source, reason))


def encode_release_reply() -> bytes:
    """Encode an A-RELEASE-RP (PS3.8 9.3.7)."""
    return HEADER.pack(RELEASE_RP, CONTROL_LENGTH) + bytes(CONTROL_LENGTH)


def encode_command(context: int, command: bytes, largest: int) -> bytes:
    """Encode a command set as P-DATA-TF, ready for one write.

    `largest` is the peer's maximum PDU length in bytes; 0 means that it has none (PS3.8 D.1)."""
    room = data_room(largest) if largest else len(command)
    return b"".join(_command_pdus(context, command, room))


def data_room(largest: int) -> int:
    """Return how many bytes of a message go into one P-DATA-TF of ours."""
    # A maximum that leaves no room for a fragment still gets one byte in each PDU.
    return min(max(largest - _PDV_OVERHEAD, 1), _OURS) if largest else _OURS


def encode_data(context: int, piece: bytes, *, last: bool) -> bytes:
    """Encode a fragment of a data set, of at most `data_room` bytes, as a P-DATA-TF."""
    return _pdv_pdu(context, piece, 0x02 if last else 0x00)


def _command_pdus(context: int, command: bytes, room: int) -> Iterator[bytes]:
    for start in range(0, len(command), room):
        # PS3.8 E.2: bit 0 marks a fragment of a command, bit 1 the last fragment.
        control = 0x03 if start + room >= len(command) else 0x01
        yield _pdv_pdu(context, command[start : start + room], control)


def _pdv_pdu(context: int, piece: bytes, control: int) -> bytes:
    head = HEADER.pack(P_DATA_TF, len(piece) + _PDV_OVERHEAD)
    return head + _PDV.pack(len(piece) + 2, context, control) + piece


class Event(IntEnum):
    """What the stream of an established association brings."""

    COMMAND = 1
    DATA = 2
    RELEASE = 3
    ABORT = 4


class PduStream:
    """Find fragments in received bytes, wherever PDUs and PDVs happen to be cut.

    Call `next(view, end)` until it answers None, then receive more behind `end` and go on. After
    COMMAND and DATA, `piece`, `context` and `last` describe the fragment; a PDV that arrives in
    parts gives several events, and `last` is true only for the final part of the last fragment.
    Nothing is copied: `piece` is a slice of `view`."""

    __slots__ = ("_control", "_largest", "_pdu", "_pdv", "context", "last", "piece", "position")

    def __init__(self, largest: int) -> None:
        self._largest = largest
        # Bytes left of the current PDU after the current PDV, and of that PDV; 0 between
        # two of them.
        self._pdu = 0
        self._pdv = 0
        self._control = 0
        self.position = 0
        """Offset in `view` of the first byte not yet consumed; the caller may move the rest."""
        self.piece = memoryview(b"")
        self.context = 0
        self.last = False

    def next(self, view: memoryview, end: int) -> Event | None:
        """Take the next event out of `view[position:end]`. Raises PduError."""
        while True:
            if self._pdv:
                return self._fragment(view, end) if self.position < end else None
            if self._pdu:
                if end - self.position < _PDV_OVERHEAD:
                    # A PDV does not cross its PDU: waiting would take the next PDU's header
                    # for a PDV's.
                    if self._pdu < _PDV_OVERHEAD:
                        raise PduError(AbortReason.INVALID_PARAMETER, "no room for a PDV")
                    return None
                if self._open_pdv(view):
                    return self._fragment(view, end)
            elif end - self.position < HEADER.size:
                return None
            else:
                event = self._open_pdu(view, end)
                if event is not None:
                    return event
                # Neither an event nor an open P-DATA-TF: a control PDU has not arrived completely.
                if not self._pdu:
                    return None

    def _open_pdu(self, view: memoryview, end: int) -> Event | None:
        kind, length = HEADER.unpack_from(view, self.position)
        if kind == P_DATA_TF:
            if length > self._largest:
                raise PduError(AbortReason.INVALID_PARAMETER, "P-DATA-TF above our maximum")
            if length < _PDV_OVERHEAD:
                raise PduError(AbortReason.INVALID_PARAMETER, "P-DATA-TF without a PDV")
            # A P-DATA-TF is opened as soon as its header is there and never collected as a whole:
            # its fragments are passed on as they arrive.
            self._pdu = length
            self.position += HEADER.size
            return None
        if kind not in (RELEASE_RQ, ABORT):
            known = ASSOCIATE_RQ <= kind <= ABORT
            raise PduError(
                AbortReason.UNEXPECTED_PDU if known else AbortReason.UNRECOGNIZED_PDU,
                "unexpected PDU" if known else "unrecognized PDU",
            )
        if length != CONTROL_LENGTH:
            raise PduError(AbortReason.INVALID_PARAMETER, "control PDU of a wrong length")
        if end - self.position < HEADER.size + length:
            return None
        self.position += HEADER.size + length
        return Event.RELEASE if kind == RELEASE_RQ else Event.ABORT

    def _open_pdv(self, view: memoryview) -> bool:
        """Read a PDV's head; true when there is something to tell about it right away."""
        length, self.context, self._control = _PDV.unpack_from(view, self.position)
        if length < 2 or length + 4 > self._pdu:
            raise PduError(AbortReason.INVALID_PARAMETER, "PDV does not fit its PDU")
        self._pdu -= length + 4
        self._pdv = length - 2
        self.position += _PDV_OVERHEAD
        # An empty fragment matters only when it ends a message; an empty data set is legal so.
        return not self._pdv and bool(self._control & 0x02)

    def _fragment(self, view: memoryview, end: int) -> Event:
        start = self.position
        stop = min(start + self._pdv, end)
        self.piece = view[start:stop]
        self.position = stop
        self._pdv -= stop - start
        self.last = not self._pdv and bool(self._control & 0x02)
        return Event.COMMAND if self._control & 0x01 else Event.DATA
