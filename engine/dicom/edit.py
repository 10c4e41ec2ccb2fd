# SPDX-License-Identifier: Apache-2.0
"""Changes a header and writes it as pieces: adjacent untouched elements remain one slice of the
received bytes, and sequences and items with changes get correct lengths. What to change is decided
elsewhere."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from struct import pack

from engine.dicom.header import Header, HeaderError
from engine.dicom.walk import ITEM, LONG_VRS, PIXEL_GROUP, SHORT_VRS

Piece = bytes | memoryview
Path = tuple[int, ...]
"""Tags and item numbers in turn: `(sequence, item, tag)`, as deep as one likes."""

_UNDEFINED = b"\xff\xff\xff\xff"
_ITEM, _ITEM_END = b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0\x00\x00\x00\x00"
_SEQUENCE_END = b"\xfe\xff\xdd\xe0\x00\x00\x00\x00"
# PS3.5 6.2: values have an even length. These VRs are padded with a null byte, text with a blank.
_PADDED_WITH_NULL = frozenset((b"UI", b"OB", b"UN"))
_SEQUENCES = ("SQ", "UN")
# The largest even number in two bytes.
_LONGEST_SHORT = 0xFFFE


class HeaderEdit:
    """Changes to one header; the header itself stays what it was."""

    __slots__ = ("_changes", "_header", "_sequences")

    def __init__(self, header: Header) -> None:
        """Begin with no change."""
        self._header = header
        self._changes: dict[int, bytes | None] = {}
        self._sequences: dict[int, SequenceEdit] = {}

    def set(self, tag: int, vr: str, value: bytes) -> None:
        """Put an element in, instead of what is there; an odd value is padded.

        Raises:
            ValueError: if the VR is unknown, or the tag has no place in a head.
        """
        if not 0 <= tag < (ITEM if self._header.is_item else PIXEL_GROUP << 16):
            raise ValueError("only elements before group 7FE0 can be set in a header")
        self._sequences.pop(tag, None)
        self._changes[tag] = encoded(tag, vr, value, explicit=self._header.explicit)

    def put(self, tag: int, element: bytes) -> None:
        """Put an element in as the bytes that it has in this header's encoding, tag and length
        included."""
        self._sequences.pop(tag, None)
        self._changes[tag] = element

    def remove(self, tag: int) -> None:
        """Take an element out, where it is there."""
        self._sequences.pop(tag, None)
        self._changes[tag] = None

    def put_all(self, elements: Mapping[int, bytes | None]) -> None:
        """Put in elements that `encoded` gave for this header, or take them out (None)."""
        if self._sequences:
            for tag in elements:
                self._sequences.pop(tag, None)
        self._changes.update(elements)

    def set_in(self, path: Path, vr: str, value: bytes) -> None:
        """Put an element into an item. A sequence that is not there is made, and an item number
        next to the last one adds an item.

        Raises:
            ValueError: if the path does not end with a tag, or the VR is unknown.
            IndexError: if there is no such item.
            HeaderError: if the sequence cannot be indexed exactly.
        """
        self._at(path).set(path[-1], vr, value)

    def put_in(self, path: Path, element: bytes) -> None:
        """As `set_in`, with all bytes of the element.

        Raises:
            ValueError: if the path does not end with a tag.
            IndexError: if there is no such item.
            HeaderError: if the sequence cannot be indexed exactly.
        """
        self._at(path).put(path[-1], element)

    def remove_in(self, path: Path) -> None:
        """Take an element out of an item, or an item (where the path ends with its number) out of
        its sequence; nothing happens where it is not there.

        Raises:
            HeaderError: if a sequence on the way cannot be indexed exactly.
        """
        edit = self
        for position in range(0, len(path) - 1, 2):
            tag, number = path[position], path[position + 1]
            if not edit.holds(tag):
                return
            sequence = edit.sequence(tag)
            if not 0 <= number < len(sequence):
                return
            if position + 2 == len(path):
                sequence.remove(number)
                return
            edit = sequence.item(number)
        edit.remove(path[-1])

    @property
    def undefined(self) -> bool:
        """Whether the length of the item is undefined; it stays so."""
        return self._header.undefined

    def holds(self, tag: int) -> bool:
        """Say whether the element is there after the changes so far."""
        if tag in self._sequences:
            return True
        if tag in self._changes:
            return self._changes[tag] is not None
        return tag in self._header

    def sequence(self, tag: int, known: list[Header] | None = None) -> SequenceEdit:
        """Begin to change a sequence, or a new one where there is none. `known` are its items where
        the header has given them already.

        Raises:
            HeaderError: if the sequence cannot be indexed exactly.
            ValueError: if the element was set in this edit, or is no sequence.
        """
        found = self._sequences.get(tag)
        if found is None:
            if self._changes.get(tag) is not None:
                raise ValueError("an element that was set cannot be changed by its items")
            header = self._header
            element = None if tag in self._changes else header.get(tag)
            if element is None or (not element.length and element.vr not in _SEQUENCES):
                found = SequenceEdit.new(tag, header)
            else:
                items = header.items(tag) if known is None else known
                if not items and element.length and element.vr != "SQ":
                    raise ValueError("the element is no sequence")
                found = SequenceEdit(
                    tag, element.vr, items, header=header, undefined=element.undefined
                )
            self._changes.pop(tag, None)
            self._sequences[tag] = found
        return found

    def _at(self, path: Path) -> HeaderEdit:
        if len(path) % 2 == 0:
            raise ValueError("a path to an element ends with its tag")
        edit = self
        for tag, number in zip(path[:-1:2], path[1::2], strict=True):
            edit = edit.sequence(tag).item(number)
        return edit

    def write(self) -> list[Piece]:
        """Return the head with its changes, in pieces to be written one after the other. Group
        lengths go where their group was changed."""
        header = self._header
        changes, sequences = self._changes, self._sequences
        spans = header.spans
        data = memoryview(header.data)
        if not changes and not sequences:
            return [data[header.start : header.end]]
        tags: list[int] | None = None
        pieces: list[Piece] = []
        position = header.start
        group_end = -1
        for tag in sorted((*changes, *sequences) if sequences else changes):
            if tag > group_end:
                # The change makes the length of the group (gggg,0000) wrong. Group lengths are
                # retired (PS3.5 7.2), so it is removed instead of being computed anew.
                group_end = tag | 0xFFFF
                length = spans.get(group_end - 0xFFFF)
                if length is not None:
                    if length[0] > position:
                        pieces.append(data[position : length[0]])
                    position = length[2]
            # Both are None of an element that is taken out.
            new, sequence = changes.get(tag), sequences.get(tag)
            span = spans.get(tag)
            if span is not None:
                start, after = span[0], span[2]
            elif new is None and sequence is None:
                continue
            else:
                if tags is None:
                    tags = header.tags()
                index = bisect_left(tags, tag)
                start = after = spans[tags[index]][0] if index < len(tags) else header.end
            if start > position:
                pieces.append(data[position:start])
            if new is not None:
                pieces.append(new)
            elif sequence is not None:
                pieces.extend(sequence.write())
            position = after
        if position < header.end:
            pieces.append(data[position : header.end])
        return pieces


class SequenceEdit:
    """Changes to the items of one sequence."""

    __slots__ = ("_header", "_items", "_made", "_tag", "_undefined", "_vr")

    def __init__(
        self, tag: int, vr: str, items: list[Header], *, header: Header, undefined: bool
    ) -> None:
        """Begin with the items as they are."""
        self._tag = tag
        self._vr = vr
        self._header = header
        self._undefined = undefined
        self._items: list[Header | HeaderEdit] = list(items)
        self._made = False

    @classmethod
    def new(cls, tag: int, header: Header) -> SequenceEdit:
        """Begin with no items."""
        # Without a VR only a delimiter tells that a private element is a sequence.
        undefined = not header.explicit and bool(tag & 0x10000)
        made = cls(tag, "SQ", [], header=header, undefined=undefined)
        made._made = True
        return made

    def __len__(self) -> int:
        return len(self._items)

    def item(self, number: int) -> HeaderEdit:
        """Begin to change an item; the number after the last one adds an item.

        Raises:
            IndexError: if there is no such item.
            HeaderError: if sequences would be nested too deeply.
        """
        if not 0 <= number <= len(self._items):
            raise IndexError("there is no such item")
        if number == len(self._items):
            self._items.append(HeaderEdit(self._empty()))
        found = self._items[number]
        if isinstance(found, Header):
            found = HeaderEdit(found)
            self._items[number] = found
        return found

    def remove(self, number: int) -> None:
        """Take an item out."""
        del self._items[number]

    def write(self) -> list[Piece]:
        """Return the sequence with its changes, in pieces."""
        body: list[Piece] = []
        run: tuple[int, int] | None = None
        data = memoryview(self._header.data)
        for item in self._items:
            if isinstance(item, Header):
                start, end = item.start - 8, item.end + (8 if item.undefined else 0)
                # Adjacent untouched items are written as one slice: multi-frame
                # images have thousands.
                if run is not None and run[1] == start:
                    body.pop()
                    start = run[0]
                run = (start, end)
                body.append(data[start:end])
                continue
            run = None
            pieces = item.write()
            if item.undefined:
                body += [_ITEM + _UNDEFINED, *pieces, _ITEM_END]
            else:
                body += [_ITEM + pack("<I", _length(pieces)), *pieces]
        if self._undefined:
            return [self._start(_UNDEFINED), *body, _SEQUENCE_END]
        return [self._start(pack("<I", _length(body))), *body]

    def _start(self, length: bytes) -> bytes:
        if not self._made:
            # What is reserved there stays, whatever it is.
            first, value = self._header.spans[self._tag][:2]
            return bytes(self._header.data[first : value - 4]) + length
        start = pack("<HH", self._tag >> 16, self._tag & 0xFFFF)
        if self._header.explicit:
            start += self._vr.encode() + b"\0\0"
        return start + length

    def _empty(self) -> Header:
        if self._header.depth <= 0:
            raise HeaderError("sequences are nested too deeply")
        return Header(
            b"",
            {},
            explicit=self._header.explicit and self._vr == "SQ",
            start=0,
            end=0,
            depth=self._header.depth - 1,
            is_item=True,
            charset=self._header.charset,
        )


def encoded(tag: int, vr: str, value: bytes, *, explicit: bool) -> bytes:
    """Return an element as bytes in Little Endian; an odd value is padded.

    Raises:
        ValueError: if the VR is unknown.
    """
    code = vr.encode()
    if code not in SHORT_VRS and code not in LONG_VRS:
        raise ValueError(f"{vr!r} is no value representation")
    if len(value) % 2:
        value += b"\0" if code in _PADDED_WITH_NULL else b" "
    group, number, length = tag >> 16, tag & 0xFFFF, len(value)
    if not explicit:
        return pack("<HHI", group, number, length) + value
    if code in SHORT_VRS:
        if length <= _LONGEST_SHORT:
            return pack("<HH2sH", group, number, code, length) + value
        code = b"UN"  # PS3.5 6.2.2 note 3: too long for its own VR
    return pack("<HH2sHI", group, number, code, 0, length) + value


def _length(pieces: list[Piece]) -> int:
    return sum(len(piece) for piece in pieces)
