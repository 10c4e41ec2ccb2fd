# SPDX-License-Identifier: Apache-2.0
"""The data sets of Storage Commitment (PS3.4 annex J): the request, read from untrusted bytes with
limits of its own, and the report, encoded piece by piece. A request has up to a hundred thousand
objects, so neither is ever held as objects of Python."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from engine.dicom.walk import Buffer

SOP_CLASS = "1.2.840.10008.1.20.1"
"""Storage Commitment Push Model."""
INSTANCE = "1.2.840.10008.1.20.1.1"
"""Its well-known instance."""

REQUEST = 1
"""The action type of a request (PS3.4 J.3.2)."""
ALL_COMMITTED, FAILURES_EXIST = 1, 2
"""The event types of a report (PS3.4 J.3.3)."""

MOST_OBJECTS = 100_000
"""Objects of one request. The worker reads as many in a second; a study has a tenth of that."""
LARGEST_REQUEST = 32 * 1024 * 1024
"""Bytes of one request: as many objects with UIDs of the greatest length, in the longer encoding,
and room for what senders add."""

_TRANSACTION, _FAILED, _REFERENCED = 0x00081195, 0x00081198, 0x00081199
_CLASS, _INSTANCE, _REASON = 0x00081150, 0x00081155, 0x00081197
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_LONG = frozenset(
    (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV")
)
_DEEPEST = 16
_UID_LENGTH = 64
_LINES = 1000
_PIECE = 64 * 1024
_TAG = struct.Struct("<HHI")
_SHORT = struct.Struct("<HH2sH")
_LENGTH = struct.Struct("<I")


class Reason(IntEnum):
    """Why an object is not committed (PS3.3 C.14.1.1)."""

    COMMITTED = 0
    PROCESSING_FAILURE = 0x0110
    NO_SUCH_OBJECT = 0x0112
    CLASS_INSTANCE_CONFLICT = 0x0119
    DUPLICATE_TRANSACTION = 0x0131


class RequestStatus(IntEnum):
    """Statuses of an N-ACTION that cannot be served (PS3.7 C)."""

    PROCESSING_FAILURE = 0x0110
    INVALID_VALUE = 0x0115
    MISSING_ATTRIBUTE = 0x0120
    RESOURCE_LIMITATION = 0x0213


class RequestError(ValueError):
    """A request that cannot be served. The text says why, without data of the peer."""

    def __init__(self, status: RequestStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What is asked for: the objects are kept packed, see `unpacked`."""

    transaction: str
    count: int
    objects: bytes


def read_request(data: Buffer, *, explicit: bool) -> Request:
    """Read the data set of an N-ACTION.

    Raises:
        RequestError: if it is none, names something that cannot be, or names too much.
    """
    try:
        return _read(data, explicit)
    except struct.error:
        raise _unreadable() from None


def unpacked(objects: bytes) -> Iterator[tuple[str, str]]:
    """Yield SOP class and SOP instance of each object, in their order."""
    unpacking = zlib.decompressobj()
    rest = ""
    # What was consumed whole may still have more to give.
    while piece := unpacking.decompress(objects, _PIECE):
        objects = unpacking.unconsumed_tail
        *lines, rest = (rest + piece.decode("ascii")).split("\n")
        for line in lines:
            sop_class, _, instance = line.partition(" ")
            yield sop_class, instance


def report(
    transaction: str,
    committed: Iterable[tuple[str, str]],
    failed: Iterable[tuple[str, str, int]],
    *,
    explicit: bool,
) -> Iterator[bytes]:
    """Yield the data set of an N-EVENT-REPORT, item by item; a sequence without items is absent."""
    yield _element(_TRANSACTION, transaction, explicit)
    failures = (
        _pair(sop_class, instance, explicit) + _number(_REASON, reason, explicit)
        for sop_class, instance, reason in failed
    )
    yield from _sequence(_FAILED, failures, explicit)
    successes = (_pair(sop_class, instance, explicit) for sop_class, instance in committed)
    yield from _sequence(_REFERENCED, successes, explicit)


def _read(data: Buffer, explicit: bool) -> Request:
    transaction: str | None = None
    objects: _Objects | None = None
    position, end = 0, len(data)
    while position < end:
        tag, value, length = _head(data, position, explicit)
        if tag == _TRANSACTION:
            transaction = _uid(data, value, length, end)
            position = value + length
        elif tag == _REFERENCED:
            objects = _Objects()
            position = _read_items(data, value, length, explicit, objects)
        else:
            position = _past(data, value, length, end, explicit)
    if transaction is None:
        raise RequestError(RequestStatus.MISSING_ATTRIBUTE, "Transaction UID is missing")
    if objects is None or not objects.count:
        raise RequestError(RequestStatus.MISSING_ATTRIBUTE, "Referenced SOP Sequence is missing")
    return Request(transaction=transaction, count=objects.count, objects=objects.packed())


class _Objects:
    """Packs objects as they are read."""

    def __init__(self) -> None:
        self.count = 0
        self._packing = zlib.compressobj(6)
        self._lines: list[str] = []
        self._packed = bytearray()

    def add(self, sop_class: str, instance: str) -> None:
        """Take one more.

        Raises:
            RequestError: if there are too many.
        """
        self.count += 1
        if self.count > MOST_OBJECTS:
            raise RequestError(
                RequestStatus.RESOURCE_LIMITATION, f"more than {MOST_OBJECTS} objects"
            )
        self._lines.append(f"{sop_class} {instance}\n")
        if len(self._lines) >= _LINES:
            self._flush()

    def packed(self) -> bytes:
        """Return all of them; nothing can be added any more."""
        self._flush()
        return bytes(self._packed + self._packing.flush())

    def _flush(self) -> None:
        self._packed += self._packing.compress("".join(self._lines).encode("ascii"))
        self._lines.clear()


def _read_items(data: Buffer, position: int, length: int, explicit: bool, into: _Objects) -> int:
    """Read the items of the Referenced SOP Sequence; return what lies behind it."""
    defined = length != _UNDEFINED
    end = _within(position, length, len(data)) if defined else len(data)
    while position < end:
        tag, start, length = _item(data, position)
        if tag == _SEQUENCE_END and not defined:
            return start
        if tag != _ITEM:
            raise _unreadable()
        position = _read_item(data, start, length, explicit, into)
        if position > end:
            raise _unreadable()
    if not defined:
        raise _unreadable()
    return position


def _read_item(data: Buffer, position: int, length: int, explicit: bool, into: _Objects) -> int:
    defined = length != _UNDEFINED
    end = _within(position, length, len(data)) if defined else len(data)
    sop_class = instance = ""
    while position < end:
        if not defined and _item(data, position)[0] == _ITEM_END:
            position += _TAG.size
            break
        tag, value, length = _head(data, position, explicit)
        if tag == _CLASS:
            sop_class = _uid(data, value, length, end)
        elif tag == _INSTANCE:
            instance = _uid(data, value, length, end)
        position = _past(data, value, length, end, explicit)
    else:
        if not defined:
            raise _unreadable()
    if not sop_class or not instance:
        raise RequestError(
            RequestStatus.MISSING_ATTRIBUTE, "an object lacks its SOP class or instance"
        )
    into.add(sop_class, instance)
    return position


def _head(data: Buffer, position: int, explicit: bool) -> tuple[int, int, int]:
    """Return tag, place of the value, and length of an element."""
    if not explicit:
        return _item(data, position)
    group, element, vr, length = _SHORT.unpack_from(data, position)
    position += _SHORT.size
    if vr in _LONG:
        (length,) = _LENGTH.unpack_from(data, position)
        position += _LENGTH.size
    return group << 16 | element, position, length


def _item(data: Buffer, position: int) -> tuple[int, int, int]:
    group, element, length = _TAG.unpack_from(data, position)
    return group << 16 | element, position + _TAG.size, length


def _past(data: Buffer, value: int, length: int, end: int, explicit: bool, depth: int = 0) -> int:
    """Return what lies behind an element, whatever it is."""
    if length != _UNDEFINED:
        return _within(value, length, end)
    if depth > _DEEPEST:
        raise _unreadable()
    position = value
    while True:
        tag, start, length = _item(data, position)
        if tag == _SEQUENCE_END:
            return start
        if tag != _ITEM:
            raise _unreadable()
        if length != _UNDEFINED:
            position = _within(start, length, end)
            continue
        position = start
        while _item(data, position)[0] != _ITEM_END:
            _, value, length = _head(data, position, explicit)
            position = _past(data, value, length, end, explicit, depth + 1)
        position += _TAG.size


def _within(position: int, length: int, end: int) -> int:
    if length > end - position:
        raise _unreadable()
    return position + length


def _uid(data: Buffer, position: int, length: int, end: int) -> str:
    _within(position, length, end)
    if length <= _UID_LENGTH + 1:
        text = str(data[position : position + length], "latin_1").rstrip("\0 ")
        graphic = text.isascii() and text.isprintable() and " " not in text and "\\" not in text
        if graphic and 0 < len(text) <= _UID_LENGTH:
            return text
    raise RequestError(RequestStatus.INVALID_VALUE, "a UID is empty or malformed")


def _unreadable() -> RequestError:
    return RequestError(RequestStatus.PROCESSING_FAILURE, "the data set cannot be read")


def _pair(sop_class: str, instance: str, explicit: bool) -> bytes:
    return _element(_CLASS, sop_class, explicit) + _element(_INSTANCE, instance, explicit)


def _element(tag: int, uid: str, explicit: bool) -> bytes:
    value = uid.encode("ascii")
    value += b"\0" * (len(value) % 2)
    return _start(tag, b"UI", len(value), explicit) + value


def _number(tag: int, number: int, explicit: bool) -> bytes:
    return _start(tag, b"US", 2, explicit) + struct.pack("<H", number)


def _start(tag: int, vr: bytes, length: int, explicit: bool) -> bytes:
    group, element = tag >> 16, tag & 0xFFFF
    if not explicit:
        return _TAG.pack(group, element, length)
    if vr in _LONG:
        return _SHORT.pack(group, element, vr, 0) + _LENGTH.pack(length)
    return _SHORT.pack(group, element, vr, length)


def _sequence(tag: int, items: Iterable[bytes], explicit: bool) -> Iterator[bytes]:
    # Of undefined length: how long it gets is known only behind the last item.
    begun = False
    for item in items:
        if not begun:
            yield _start(tag, b"SQ", _UNDEFINED, explicit)
            begun = True
        yield _start(_ITEM, b"", len(item), explicit=False) + item
    if begun:
        yield _start(_SEQUENCE_END, b"", 0, explicit=False)
