# SPDX-License-Identifier: Apache-2.0
"""Converts Explicit VR Big Endian (retired in 2006, still found in archives) to Explicit VR Little
Endian: the bytes of every tag, length and number are reversed in place, so the result has the same
length as the input (PS3.5 7.3 and A.3)."""

from __future__ import annotations

from struct import pack_into, unpack_from

from engine.dicom.walk import (
    ITEM,
    ITEM_END,
    LONG_VRS,
    SEQUENCE_END,
    SHORT_VRS,
    UNDEFINED,
    HeaderError,
)

WIDTHS = {
    **dict.fromkeys((b"US", b"SS", b"AT", b"OW"), 2),
    **dict.fromkeys((b"UL", b"SL", b"FL", b"OF", b"OL"), 4),
    **dict.fromkeys((b"FD", b"OD", b"OV", b"SV", b"UV"), 8),
}
"""Bytes of a number by VR. OW holds words of 16 bits, however wide the pixels are (PS3.5 8.2)."""

_DELIMITERS = 0xFFFE
_BLOCK = 1 << 20
"""Bytes of a value that are turned at once: each time they are copied."""


def turn(data: bytearray | memoryview) -> None:
    """Make a data set of Explicit VR Big Endian one of Explicit VR Little Endian, byte for byte in
    the same places; `data` begins with its first element.

    Raises:
        HeaderError: if it cannot be followed exactly to its end; a part of it is turned then.
    """
    _Turn(data).whole()


class _Turn:
    """Walks through a data set once, and turns what it passes."""

    def __init__(self, data: bytearray | memoryview) -> None:
        self._out = data
        self._at = 0
        self._open: list[tuple[bool, int, int]] = []
        """Sequences (True) and items that were entered: the end as told, and the end of what is
        around."""

    def whole(self) -> None:
        size = len(self._out)
        end = limit = size
        in_sequence = False
        while True:
            while self._at == end:
                if not self._open:
                    return
                in_sequence, end, limit = self._open.pop()
            if self._at + 8 > limit:
                raise self._lost("the data set ends within an element")
            group, element, length = unpack_from(">HHI", self._out, self._at)
            tag = group << 16 | element
            if group == _DELIMITERS:
                self._out[self._at : self._at + 4] = _tag(group, element)
                pack_into("<I", self._out, self._at + 4, length)
                self._at += 8
                closing = SEQUENCE_END if in_sequence else ITEM_END
                if tag == closing and end == UNDEFINED and not length:
                    in_sequence, end, limit = self._open.pop()
                elif tag == ITEM and in_sequence:
                    self._open.append((in_sequence, end, limit))
                    in_sequence, end, limit = False, *self._bounds(length, limit)
                else:
                    raise self._lost("an item outside of a sequence")
            elif in_sequence:
                raise self._lost("a sequence holds what is no item")
            elif not tag and not self._open and not any(self._out[self._at :]):
                return  # padding to a whole block
            else:
                vr, length = self._head(group, element, limit)
                if vr == b"SQ":
                    self._open.append((in_sequence, end, limit))
                    in_sequence, end, limit = True, *self._bounds(length, limit)
                else:
                    self._value(vr, length, limit)

    def _head(self, group: int, element: int, limit: int) -> tuple[bytes, int]:
        """Turn tag and length of an element, and go behind them."""
        at, out = self._at, self._out
        vr = bytes(out[at + 4 : at + 6])
        out[at : at + 4] = _tag(group, element)
        if vr in SHORT_VRS:
            (length,) = unpack_from(">H", out, at + 6)
            pack_into("<H", out, at + 6, length)
            self._at += 8
            return vr, int(length)
        if vr not in LONG_VRS:
            raise self._lost("an unknown value representation")
        if at + 12 > limit:
            raise self._lost("the data set ends within an element")
        (length,) = unpack_from(">I", out, at + 8)
        pack_into("<I", out, at + 8, length)
        self._at += 12
        return vr, int(length)

    def _bounds(self, length: int, limit: int) -> tuple[int, int]:
        """Return the end of what begins here, as told, and how far it can reach."""
        if length == UNDEFINED:
            return UNDEFINED, limit
        end = self._at + length
        if end > limit:
            raise self._lost("a sequence or an item is longer than what it is in")
        return end, end

    def _value(self, vr: bytes, length: int, limit: int) -> None:
        if length == UNDEFINED:
            raise self._lost("an element of undefined length that is no sequence")
        end = self._at + length
        if end > limit:
            raise self._lost("the data set ends within an element")
        width = WIDTHS.get(vr, 1)
        last, out = end - length % width, self._out
        for at in range(self._at, last, _BLOCK) if width > 1 else ():
            until = min(at + _BLOCK, last)
            for byte in range(width // 2):
                front = slice(at + byte, until, width)
                back = slice(at + width - 1 - byte, until, width)
                out[front], out[back] = bytes(out[back]), bytes(out[front])
        self._at = end

    def _lost(self, reason: str) -> HeaderError:
        return HeaderError(reason, self._at)


def _tag(group: int, element: int) -> bytes:
    return group.to_bytes(2, "little") + element.to_bytes(2, "little")
