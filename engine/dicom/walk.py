"""The walk over encoded elements: where each begins and ends, in Explicit or Implicit VR Little
Endian (PS3.5 7.1, 7.5). It is exact or it raises; nesting is followed without recursion and to a
limit."""

from __future__ import annotations

from struct import Struct

from engine.dicom.dictionary import vr_of

Buffer = bytes | bytearray | memoryview

PIXEL_GROUP = 0x7FE0
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

_SHORT = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_NAMES = {vr: vr.decode() for vr in _SHORT | _LONG}
SHORT_VRS = {vr: vr.decode() for vr in _SHORT}
"""Value representations whose length is two bytes (PS3.5 7.1.2)."""
_tag = Struct("<HH").unpack_from
_u16 = Struct("<H").unpack_from
_u32 = Struct("<I").unpack_from


class HeaderError(ValueError):
    """A header that cannot be indexed exactly. `reason` holds no values."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (at byte {offset})")
        self.reason = reason
        self.offset = offset


class Element:
    """Where one element lies: `start` of the tag, `value`, and `end` after all of it."""

    __slots__ = ("end", "start", "tag", "undefined", "value", "vr")

    def __init__(
        self, tag: int, vr: str, start: int, value: int, end: int, undefined: bool
    ) -> None:
        self.tag = tag
        self.vr = vr
        self.start = start
        self.value = value
        self.end = end
        self.undefined = undefined

    @property
    def length(self) -> int:
        """Bytes of the value, without a delimiter at its end."""
        return self.end - self.value - (8 if self.undefined else 0)

    def __repr__(self) -> str:
        return f"Element({self.tag:08X}, {self.vr}, {self.start}-{self.end})"


class Incomplete(Exception):
    """The buffer ends within an element."""


def read_element(data: Buffer, position: int, size: int, explicit: bool, depth: int) -> Element:
    """Read the element at `position`.

    Raises:
        Incomplete: if it reaches beyond `size`.
        HeaderError: if it cannot be one.
    """
    if position + 8 > size:
        raise Incomplete
    group, number = _tag(data, position)
    tag = group << 16 | number
    if explicit:
        code = bytes(data[position + 4 : position + 6])
        if code in _SHORT:
            value = position + 8
            length = _u16(data, position + 6)[0]
        elif code in _LONG:
            value = position + 12
            if value > size:
                raise Incomplete
            length = _u32(data, position + 8)[0]
        else:
            raise HeaderError("an unknown value representation", position)
        vr = _NAMES[code]
    else:
        value = position + 8
        length = _u32(data, position + 4)[0]
        vr = "SQ" if length == UNDEFINED else vr_of(tag)
    if length != UNDEFINED:
        end = value + length
        if end > size:
            raise Incomplete
        return Element(tag, vr, position, value, end, False)
    if vr not in ("SQ", "UN"):
        raise HeaderError("an undefined length where none may be", position)
    # PS3.5 6.2.2: UN of undefined length holds items in Implicit VR.
    end = skip_items(data, value, size, explicit and vr == "SQ", depth)
    return Element(tag, vr, position, value, end, True)


def skip_items(data: Buffer, position: int, size: int, explicit: bool, depth: int) -> int:
    """Walk a sequence of undefined length; give the offset after its delimiter.

    The stack holds, for each open sequence or item, (is an item, explicit, end or 0).
    """
    stack: list[tuple[bool, bool, int]] = [(False, explicit, 0)]
    while stack:
        in_item, is_explicit, limit = stack[-1]
        if limit and position >= limit:
            if position > limit:
                raise HeaderError("an item runs over its sequence", position)
            stack.pop()
            continue
        if position + 8 > size:
            raise Incomplete
        group, number = _tag(data, position)
        tag = group << 16 | number
        if not in_item or group == 0xFFFE:
            length = _u32(data, position + 4)[0]
            position += 8
            if not in_item and tag == ITEM:
                if len(stack) > 2 * depth:
                    raise HeaderError("sequences are nested too deeply", position)
                if length == UNDEFINED:
                    stack.append((True, is_explicit, 0))
                else:
                    position += length
                    if position > size:
                        raise Incomplete
            elif tag == (ITEM_END if in_item else SEQUENCE_END) and not limit:
                stack.pop()
            else:
                raise HeaderError("something else than an item in a sequence", position)
            continue
        position = _step(data, position, size, is_explicit, stack)
    return position


def _step(
    data: Buffer, position: int, size: int, explicit: bool, stack: list[tuple[bool, bool, int]]
) -> int:
    """Pass one element of an item; a sequence of undefined length is pushed instead."""
    if not explicit:
        length = _u32(data, position + 4)[0]
        value, inner = position + 8, False
    else:
        code = bytes(data[position + 4 : position + 6])
        if code in _SHORT:
            length, value = _u16(data, position + 6)[0], position + 8
        elif code in _LONG:
            if position + 12 > size:
                raise Incomplete
            length, value = _u32(data, position + 8)[0], position + 12
            if length == UNDEFINED and code not in (b"SQ", b"UN"):
                raise HeaderError("an undefined length where none may be", position)
        else:
            raise HeaderError("an unknown value representation", position)
        inner = code == b"SQ"
    if length == UNDEFINED:
        stack.append((False, inner, 0))
        return value
    if value + length > size:
        raise Incomplete
    return value + int(length)


def read_items(data: Buffer, element: Element, explicit: bool, depth: int) -> list[tuple[int, int]]:
    """Give (start, end) of the content of each item of a sequence.

    Raises:
        HeaderError: if its items do not fill it exactly.
    """
    position, size = element.value, element.end
    stop = element.end - 8 if element.undefined else element.end
    items: list[tuple[int, int]] = []
    try:
        while position < stop:
            if position + 8 > size:
                raise Incomplete
            group, number = _tag(data, position)
            length = _u32(data, position + 4)[0]
            if group << 16 | number != ITEM:
                raise HeaderError("something else than an item in a sequence", position)
            start = position + 8
            if length != UNDEFINED:
                position = start + length
                if position > stop:
                    raise Incomplete
                items.append((start, position))
                continue
            position = _skip_item(data, start, size, explicit, depth)
            items.append((start, position - 8))
    except Incomplete:
        raise HeaderError("an item runs over its sequence", position) from None
    return items


def _skip_item(data: Buffer, position: int, size: int, explicit: bool, depth: int) -> int:
    while True:
        if position + 8 > size:
            raise Incomplete
        group, number = _tag(data, position)
        if group << 16 | number == ITEM_END:
            return position + 8
        position = read_element(data, position, size, explicit, depth).end
