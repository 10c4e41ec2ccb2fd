# SPDX-License-Identifier: Apache-2.0
"""The DIMSE command set (PS3.7 6.3 and annex E): group 0000 in Implicit VR Little Endian, decoded
into a small record, the few responses of a storage SCP, and the report of a storage commitment.
Data sets are not read here."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

_ELEMENT = struct.Struct("<HHI")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")

NO_DATA_SET = 0x0101
_DATA_SET = 0x0001
RESPONSE = 0x8000
LARGEST_COMMAND = 64 * 1024
"""A command set above this is not believed."""

_COMMENT = 64


class Operation(IntEnum):
    """Command fields that we tell apart (PS3.7 E.1-1)."""

    C_STORE = 0x0001
    C_ECHO = 0x0030
    N_EVENT_REPORT = 0x0100
    N_ACTION = 0x0130
    C_CANCEL = 0x0FFF


class DimseStatus(IntEnum):
    """Statuses that the receiver itself answers (PS3.7 annex C, PS3.4 B.2.3)."""

    SUCCESS = 0x0000
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_INSTANCE = 0x0112
    INVALID_INSTANCE = 0x0117
    SOP_CLASS_NOT_SUPPORTED = 0x0122
    NO_SUCH_ACTION = 0x0123
    UNRECOGNIZED_OPERATION = 0x0211


class CommandError(ValueError):
    """The bytes are no command set. The text carries no peer data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A decoded request: what it asks for and about which object; or a response to ours."""

    field: int
    message_id: int
    sop_class: str
    sop_instance: str
    has_data: bool
    action: int = 0
    """Action type of an N-ACTION; 0 where there is none."""
    status: int = 0
    """Of a response."""


def decode_command(data: bytes | bytearray | memoryview) -> Command:
    """Decode one whole command set. Raises CommandError."""
    values: dict[int, memoryview] = {}
    view = memoryview(data)
    position = 0
    while position < len(view):
        if len(view) - position < _ELEMENT.size:
            raise CommandError("element cut short")
        group, element, length = _ELEMENT.unpack_from(view, position)
        position += _ELEMENT.size
        if group != 0 or length > len(view) - position:
            raise CommandError("not a command element")
        values[element] = view[position : position + length]
        position += length
    return Command(
        field=_number(values, 0x0100),
        # A response or C-CANCEL names its message in (0000,0120) instead.
        message_id=_number(values, 0x0110 if 0x0110 in values else 0x0120),
        sop_class=_uid(values, 0x0002) or _uid(values, 0x0003),
        sop_instance=_uid(values, 0x1000) or _uid(values, 0x1001),
        has_data=_number(values, 0x0800) != NO_DATA_SET,
        action=_number(values, 0x1008) if 0x1008 in values else 0,
        status=_number(values, 0x0900) if 0x0900 in values else 0,
    )


def _number(values: dict[int, memoryview], element: int) -> int:
    value = values.get(element)
    if value is None or len(value) != 2:
        raise CommandError("a number that every command has is missing")
    number: int = _U16.unpack(value)[0]
    return number


def _uid(values: dict[int, memoryview], element: int) -> str:
    return bytes(values.get(element, b"")).rstrip(b"\0 ").decode("ascii", "replace")


def encode_response(command: Command, status: int, comment: str = "") -> bytes:
    """Encode the response to `command`, without a data set.

    `comment` becomes (0000,0902), cut to 64 characters of ASCII; a success carries none."""
    parts = [
        _text(0x0002, command.sop_class, b"\0"),
        _short(0x0100, command.field | RESPONSE),
        _short(0x0120, command.message_id),
        _short(0x0800, NO_DATA_SET),
        _short(0x0900, status),
    ]
    if comment and status != DimseStatus.SUCCESS:
        # (0000,0902) is one LO: at most 64 characters, and a backslash would begin another value.
        parts.append(_text(0x0902, comment.replace("\\", "/")[:_COMMENT], b" "))
    if command.field in (Operation.C_STORE, Operation.N_ACTION):
        parts.append(_text(0x1000, command.sop_instance, b"\0"))
    if command.field == Operation.N_ACTION:
        parts.append(_short(0x1008, command.action))
    return _whole(parts)


def encode_event(*, sop_class: str, sop_instance: str, event: int, message_id: int) -> bytes:
    """Encode the N-EVENT-REPORT-RQ that goes before a data set."""
    return _whole(
        [
            _text(0x0002, sop_class, b"\0"),
            _short(0x0100, Operation.N_EVENT_REPORT),
            _short(0x0110, message_id),
            _short(0x0800, _DATA_SET),
            _text(0x1000, sop_instance, b"\0"),
            _short(0x1002, event),
        ]
    )


def _whole(parts: list[bytes]) -> bytes:
    body = b"".join(parts)
    return _ELEMENT.pack(0, 0, 4) + _U32.pack(len(body)) + body


def _short(element: int, value: int) -> bytes:
    return _ELEMENT.pack(0, element, 2) + _U16.pack(value)


def _text(element: int, text: str, pad: bytes) -> bytes:
    if not text:
        return b""
    value = text.encode("ascii", "replace")
    value += pad * (len(value) % 2)
    return _ELEMENT.pack(0, element, len(value)) + value
