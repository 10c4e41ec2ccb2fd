# SPDX-License-Identifier: Apache-2.0
"""Walks over encoded elements and finds where each starts and ends, in Explicit or Implicit VR
Little Endian (PS3.5 7.1, 7.5). It is exact or it raises; it can be interrupted and resumed as bytes
arrive; it follows nesting without recursion, up to a limit. Values are not interpreted here."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat
from struct import Struct

Buffer = bytes | bytearray | memoryview
Span = tuple[int, int, int, bytes, bool]
"""Of one element: its start, the start of its value, its end, its VR as written (empty in Implicit
VR), and whether its length is undefined."""

MAX_HEADER = 16 * 1024 * 1024
"""The largest head that is held in memory, in bytes."""
MAX_ELEMENTS = 65_536
MAX_ITEMS = 131_072
"""Of one data set, of one sequence: an index takes more memory than the bytes it is of."""
META_END = 0x0003FFFF
"""Up to here are commands and meta information, which stand in no data set (PS3.5 7.1)."""
PIXEL_GROUP = 0x7FE0
PIXEL_DATA = 0x7FE00010
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

SHORT_VRS = frozenset(b"AE,AS,AT,CS,DA,DS,DT,FL,FD,IS,LO,LT,PN,SH,SL,SS,ST,TM,UI,UL,US".split(b","))
LONG_VRS = frozenset(b"OB,OD,OF,OL,OV,OW,SQ,SV,UC,UN,UR,UT,UV".split(b","))
_NONE: frozenset[bytes] = frozenset()
# An element starts in one of three ways (PS3.5 7.1.2, 7.1.3), here Patient's Name of 8 bytes and
# Pixel Data of 512:
#   Explicit VR, short length  10 00 10 00 50 4E 08 00               tag, VR, 2 bytes of length
#   Explicit VR, long length   E0 7F 10 00 4F 57 00 00 00 02 00 00   tag, VR, 2 reserved, 4 length
#   Implicit VR                10 00 10 00 08 00 00 00               tag, 4 bytes of length
_head = Struct("<HH2sH").unpack_from
_tag_length = Struct("<HHI").unpack_from
_u32 = Struct("<I").unpack_from

IMPLICIT_NOT_SAID = "Implicit VR where Explicit VR was said"
EXPLICIT_NOT_SAID = "Explicit VR where Implicit VR was said"

_ELEMENT_START = 8
_DELIMITERS = 0xFFFE
# The modes of a level in `NestWalk`:
#   0, _EXPLICIT   a sequence: items follow, whose elements are in Implicit or Explicit VR
#   | _IN_ITEM     an item of it: elements follow
#   _FRAGMENTS     compressed pixels: items of known length without elements
_EXPLICIT, _IN_ITEM, _FRAGMENTS = 1, 2, 4


class HeaderError(ValueError):
    """A header that cannot be indexed exactly. `reason` holds no values; `offset` is in bytes."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"{reason} (at byte {offset})")
        self.reason = reason
        self.offset = offset


class NestWalk:
    """Walks from inside a sequence, or an item, of undefined length to behind its delimiter."""

    __slots__ = ("_most", "_stack", "position")

    def __init__(
        self, position: int, *, explicit: bool, depth: int, item: bool = False, pixels: bool = False
    ) -> None:
        """Start at the first byte of the value; `depth` more levels of sequences may open."""
        self.position = position
        mode = _FRAGMENTS if pixels else (_EXPLICIT if explicit else 0)
        self._stack = [mode | _IN_ITEM if item else mode]
        # Each level is a sequence and an item in it.
        self._most = 2 * depth + (1 if item else 0)

    def advance(self, data: Buffer, size: int) -> bool:
        """Go on; True when behind the delimiter, at `position`, which may never be reached.

        Raises:
            HeaderError: if this is not a well-formed sequence.
        """
        position, stack, most = self.position, self._stack, self._most
        mode = stack[-1]
        while position + 8 <= size:
            group, number, length = _tag_length(data, position)
            if group == _DELIMITERS:
                if mode & _IN_ITEM:
                    if number != 0xE00D or length:
                        raise HeaderError("a delimiter out of place", position)
                elif number == 0xE000:
                    if length != UNDEFINED:
                        # An item of known length is skipped, even past `size`: the walk resumes
                        # once its bytes are there.
                        position += 8 + length
                        continue
                    if mode & _FRAGMENTS:
                        raise HeaderError("a fragment of undefined length", position)
                    if len(stack) >= most:
                        raise HeaderError("sequences are nested too deeply", position)
                    mode |= _IN_ITEM
                    stack.append(mode)
                    position += 8
                    continue
                elif number != 0xE0DD or length:
                    raise HeaderError("a delimiter out of place", position)
                position += 8
                stack.pop()
                if not stack:
                    self.position = position
                    return True
                mode = stack[-1]
                continue
            if not mode & _IN_ITEM:
                raise HeaderError("something else than an item in a sequence", position)
            inner = 0
            if not mode & _EXPLICIT:
                value = position + 8
            else:
                code = bytes(data[position + 4 : position + 6])
                if code in SHORT_VRS:
                    # `length` was read over VR and length, such as 50 4E 08 00: its upper half is
                    # the length, 8.
                    position += 8 + (length >> 16)
                    continue
                if code not in LONG_VRS:
                    raise HeaderError("an unknown value representation", position)
                value = position + 12
                if value > size:
                    break
                length = _u32(data, position + 8)[0]
                if length == UNDEFINED:
                    inner = _inner(code, group << 16 | number, position)
            if length != UNDEFINED:
                position = value + length
                continue
            if len(stack) >= most:
                raise HeaderError("sequences are nested too deeply", position)
            mode = inner
            stack.append(mode)
            position = value
        self.position = position
        return False


class ElementWalk:
    """Walks the elements of a data set, or of an item, in the order of their tags."""

    __slots__ = (
        "_depth",
        "_explicit",
        "_inner",
        "_last",
        "_stop",
        "elements",
        "needs",
        "position",
    )

    def __init__(
        self, position: int, *, explicit: bool, depth: int, after: int = -1, stop: int = PIXEL_GROUP
    ) -> None:
        """Start at the first element; its tag must come after `after`. Stop at the first group
        that is `stop` or higher."""
        self.position = position
        self.needs = position
        """Where the element that is not whole yet reaches at least."""
        self.elements: dict[int, Span] = {}
        self._explicit = explicit
        self._depth = depth
        self._stop = stop
        self._last = after
        self._inner: NestWalk | None = None

    def advance(self, data: Buffer, size: int) -> bool:
        """Go on to `size`, or group 7FE0; True when it is this group that was met.

        Raises:
            HeaderError: if these are not elements in their order.
        """
        elements, last, position, explicit = (
            self.elements,
            self._last,
            self.position,
            self._explicit,
        )
        stop = self._stop
        limit = stop << 16
        short, long = SHORT_VRS if explicit else _NONE, LONG_VRS
        head, last_start = _head, size - 8
        try:
            # `repeat` bounds the loop without counting in Python. One extra pass is allowed because
            # the last one only finds the end.
            for _ in repeat(None, MAX_ELEMENTS - len(elements) + 1):
                if position > last_start:
                    break
                group, number, code, length = head(data, position)
                tag = group << 16 | number
                # Most elements are of this kind, and their lengths are never undefined.
                if code in short and last < tag < limit:
                    value = position + 8
                    end = value + length
                    if end > size:
                        self.needs = end
                        return False
                    # Tags are strictly rising here, so the order of the dictionary is that of
                    # the data set.
                    elements[tag] = (position, value, end, code, False)
                    last = tag
                    position = end
                    continue
                if group >= stop:
                    if group == _DELIMITERS:
                        raise HeaderError("an item outside of a sequence", position)
                    return True
                if tag <= last:
                    raise HeaderError(_disorder(tag), position)
                value = position + 8
                if not explicit:
                    code = b""
                    length = _u32(data, position + 4)[0]
                elif code in long:
                    value = position + 12
                    if value > size:
                        return False
                    length = _u32(data, position + 8)[0]
                else:
                    raise HeaderError("an unknown value representation", position)
                undefined = length == UNDEFINED
                if undefined:
                    end = self._pass(data, size, position, value, code, tag)
                    if end < 0:
                        assert self._inner is not None
                        self.needs = self._inner.position
                        return False
                else:
                    end = value + length
                    if end > size:
                        self.needs = end
                        return False
                elements[tag] = (position, value, end, code, undefined)
                last = tag
                position = end
            else:
                raise HeaderError("there are too many elements", position)
            if position + 2 > size:
                return False
            # Group 7FE0 is known by two bytes: what follows it may be long in coming.
            group = data[position] | data[position + 1] << 8
            if group == _DELIMITERS:
                raise HeaderError("an item outside of a sequence", position)
            return group >= stop
        finally:
            # The loop works on locals, which are faster than attributes. However it is left, the
            # next call resumes from here.
            self._last, self.position = last, position

    def _pass(
        self, data: Buffer, size: int, position: int, value: int, code: bytes, tag: int
    ) -> int:
        """Return the end of an element of undefined length; -1 where more bytes are needed."""
        inner = self._inner
        if inner is None:
            mode = _inner(code, tag, position) if self._explicit else 0
            inner = NestWalk(
                value,
                explicit=bool(mode & _EXPLICIT),
                depth=self._depth,
                pixels=bool(mode & _FRAGMENTS),
            )
        if inner.advance(data, size):
            self._inner = None
            return inner.position
        self._inner = inner
        return -1


def _inner(code: bytes, tag: int, position: int) -> int:
    if code == b"SQ":
        return _EXPLICIT
    if code == b"UN":
        return 0  # PS3.5 6.2.2: its items are in Implicit VR
    if tag == PIXEL_DATA and code in (b"OB", b"OW"):
        return _FRAGMENTS
    raise HeaderError("an undefined length where none may be", position)


def _disorder(tag: int) -> str:
    if tag <= META_END:
        return "an element of a group that stands in no data set"
    return "tags are out of order"


def names_a_vr(data: Buffer) -> bool:
    """Say whether the first element looks like one of Explicit VR; as the length of one of
    Implicit VR it would be 16 KiB at least, and nothing so long comes first."""
    code = bytes(data[4:6])
    return code in SHORT_VRS or code in LONG_VRS


def contrary(data: Buffer, *, explicit: bool) -> str:
    """Say in words that an element, such as the one that follows a head, is not encoded as was
    said; empty where it is, or is not whole. As a length of Implicit VR what names a VR of bulk
    would be odd."""
    if len(data) < _ELEMENT_START:
        return ""
    code = bytes(data[4:6])
    if explicit:
        return "" if code in SHORT_VRS or code in LONG_VRS else IMPLICIT_NOT_SAID
    return EXPLICIT_NOT_SAID if code in LONG_VRS and data[6:8] == b"\0\0" else ""


def item_spans(
    data: Buffer, value: int, stop: int, *, explicit: bool, depth: int
) -> list[tuple[int, int, bool]]:
    """Return (start, end, undefined) of the content of each item between `value` and `stop`.

    Raises:
        HeaderError: if items do not fill it exactly.
    """
    position = value
    items: list[tuple[int, int, bool]] = []
    while position < stop:
        if position + 8 > stop:
            raise HeaderError("a sequence ends within an item", position)
        if len(items) >= MAX_ITEMS:
            raise HeaderError("there are too many items", position)
        group, number, length = _tag_length(data, position)
        if group != _DELIMITERS or number != 0xE000:
            raise HeaderError("something else than an item in a sequence", position)
        start = position + 8
        if length != UNDEFINED:
            position = start + length
            items.append((start, position, False))
        else:
            inner = NestWalk(start, explicit=explicit, depth=depth, item=True)
            if not inner.advance(data, stop):
                raise HeaderError("an item has no end", start)
            position = inner.position
            items.append((start, position - 8, True))
    if position > stop:
        raise HeaderError("an item runs over its sequence", position)
    return items


def item_elements(
    data: Buffer, start: int, end: int, *, explicit: bool, depth: int
) -> Mapping[int, Span]:
    """Return the elements of one item.

    Raises:
        HeaderError: if elements do not fill it exactly.
    """
    walk = ElementWalk(start, explicit=explicit, depth=depth, stop=_DELIMITERS)
    # An item may hold any group but the delimiters', even 7FE0 (icon images).
    if walk.advance(data, end) or walk.position != end:
        raise HeaderError("an element runs over its item", walk.position)
    return walk.elements
