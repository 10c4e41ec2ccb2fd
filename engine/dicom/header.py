"""The header over bytes: an index of the elements before group 7FE0 of one data set, read in
place. It is the one form of a header that routing, scripts, diffs and the receiver use. Changing
one is `engine.dicom.edit`'s affair."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct, unpack_from

from engine.dicom.charset import Charset
from engine.dicom.walk import (
    PIXEL_GROUP,
    SHORT_VRS,
    Buffer,
    Element,
    HeaderError,
    Incomplete,
    read_element,
    read_items,
)

__all__ = ["MAX_HEADER", "Element", "Header", "HeaderError", "HeaderReader"]

MAX_HEADER = 16 * 1024 * 1024
_explicit = Struct("<HH2sH").unpack_from
_CHARSET = 0x00080005
_BINARY = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("I", 4),
    "SL": ("i", 4),
    "UV": ("Q", 8),
    "SV": ("q", 8),
    "FL": ("f", 4),
    "FD": ("d", 8),
}
_WHOLE = frozenset(("LT", "ST", "UT", "UR"))
_CODED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT", "UN"))
"""Text in the Specific Character Set; all other text is plain ASCII (PS3.5 6.1.2.2)."""


class Header:
    """The elements of one data set (or item) up to the pixels, by tag and in order."""

    __slots__ = ("_by_tag", "_charset", "_depth", "data", "end", "explicit", "start")

    def __init__(
        self,
        data: Buffer,
        elements: dict[int, Element],
        *,
        explicit: bool,
        start: int,
        end: int,
        depth: int,
        charset: Charset | None = None,
    ) -> None:
        self.data = data
        self.explicit = explicit
        self.start = start
        self.end = end
        self._by_tag = elements
        self._depth = depth
        self._charset = charset

    @classmethod
    def index(cls, data: Buffer, *, explicit: bool, limit_depth: int = 64) -> Header:
        """Index a whole data set or head.

        Raises:
            HeaderError: if it cannot be indexed exactly.
        """
        reader = HeaderReader(explicit, limit=max(len(data), 1), depth=limit_depth)
        reader.advance(data, final=True)
        return reader.header(data)

    def __contains__(self, tag: int) -> bool:
        return tag in self._by_tag

    def __getitem__(self, tag: int) -> Element:
        return self._by_tag[tag]

    def __len__(self) -> int:
        return len(self._by_tag)

    def get(self, tag: int) -> Element | None:
        """Find an element."""
        return self._by_tag.get(tag)

    def elements(self) -> Iterator[Element]:
        """Give the elements in the order of their tags."""
        return iter(self._by_tag.values())

    def raw(self, tag: int) -> memoryview | None:
        """Give the bytes of a value."""
        element = self._by_tag.get(tag)
        return None if element is None else self._value(element)

    def items(self, tag: int) -> list[Header]:
        """Index the items of a sequence; none where there is no such sequence.

        Raises:
            HeaderError: if the sequence cannot be indexed exactly.
        """
        element = self._by_tag.get(tag)
        if element is None or element.length == 0:
            return []
        if element.vr != "SQ" and not (element.vr == "UN" and element.undefined):
            return []
        if self._depth <= 0:
            raise HeaderError("sequences are nested too deeply", element.start)
        explicit = self.explicit and element.vr == "SQ"
        found = read_items(self.data, element, explicit, self._depth)
        return [self._item(start, end, explicit) for start, end in found]

    def text(self, tag: int) -> str | None:
        """Give the first value as text, padding stripped; None where the element is absent."""
        element = self._by_tag.get(tag)
        if element is None:
            return None
        data = bytes(self.data[element.value : element.value + element.length])
        if element.vr in _CODED:
            values = self.charset.split(data) if element.vr not in _WHOLE else None
            first = self.charset.decode(data) if values is None else values[0]
        elif element.vr in _BINARY:
            found = self._numbers(element)
            first = str(found[0]) if found else ""
        else:
            first = data.split(b"\\", 1)[0].decode("latin_1")
        return first.strip(" \0")

    def texts(self, tag: int) -> list[str]:
        """Give all values as text; none where the element is absent or empty."""
        element = self._by_tag.get(tag)
        if element is None or element.length == 0:
            return []
        data = bytes(self.data[element.value : element.value + element.length])
        if element.vr in _BINARY:
            return [str(number) for number in self._numbers(element)]
        if element.vr in _WHOLE:
            return [self.charset.decode(data).strip(" \0")]
        if element.vr in _CODED:
            return [part.strip(" \0") for part in self.charset.split(data)]
        return [part.strip(" \0") for part in data.decode("latin_1").split("\\")]

    def whole_text(self, tag: int) -> str | None:
        """Give the value as one text, backslashes included; None where it is absent."""
        element = self._by_tag.get(tag)
        if element is None:
            return None
        data = bytes(self.data[element.value : element.value + element.length])
        coded = element.vr in _CODED
        return (self.charset.decode(data) if coded else data.decode("latin_1")).strip(" \0")

    def integer(self, tag: int) -> int | None:
        """Give the first value as an integer, where it is one."""
        number = self.number(tag)
        return int(number) if number is not None and number == int(number) else None

    def number(self, tag: int) -> float | None:
        """Give the first value as a number, where it is one."""
        found = self.numbers(tag)
        return found[0] if found else None

    def numbers(self, tag: int) -> list[float]:
        """Give all values as numbers; none where one of them is not a finite number."""
        element = self._by_tag.get(tag)
        if element is None:
            return []
        if element.vr in _BINARY:
            return [float(number) for number in self._numbers(element)]
        try:
            found = [float(part) for part in self.texts(tag)]
        except ValueError:
            return []
        return found if all(abs(number) < float("inf") for number in found) else []

    def private(self, group: int, creator: str, offset: int) -> Element | None:
        """Find a private element by its creator and the last two digits of its number
        (PS3.5 7.8.1)."""
        for block in range(0x10, 0x100):
            if self.text(group << 16 | block) == creator:
                found = self._by_tag.get(group << 16 | block << 8 | offset)
                if found is not None:
                    return found
        return None

    @property
    def depth(self) -> int:
        """How many more levels of sequences may be followed."""
        return self._depth

    @property
    def charset(self) -> Charset:
        """The character set in force, an item's own or that of the data set around it."""
        if self._charset is None:
            element = self._by_tag.get(_CHARSET)
            value = b"" if element is None else bytes(self._value(element))
            terms = value.decode("latin_1").split("\\") if value else []
            self._charset = Charset([term.strip(" \0") for term in terms])
        return self._charset

    def _value(self, element: Element) -> memoryview:
        return memoryview(self.data)[element.value : element.value + element.length]

    def _numbers(self, element: Element) -> tuple[int | float, ...]:
        code, width = _BINARY[element.vr]
        count = element.length // width
        return unpack_from(f"<{count}{code}", self.data, element.value)

    def _item(self, start: int, end: int, explicit: bool) -> Header:
        elements: dict[int, Element] = {}
        position, last = start, -1
        try:
            while position < end:
                element = read_element(self.data, position, end, explicit, self._depth - 1)
                if element.tag <= last:
                    raise HeaderError("tags are out of order", position)
                last = element.tag
                elements[last] = element
                position = element.end
        except Incomplete:
            raise HeaderError("an element runs over its item", position) from None
        own = _CHARSET in elements
        return Header(
            self.data,
            elements,
            explicit=explicit,
            start=start,
            end=end,
            depth=self._depth - 1,
            charset=None if own else self.charset,
        )


class HeaderReader:
    """Indexes a head while it arrives; finished elements are never walked again."""

    def __init__(self, explicit: bool, limit: int = MAX_HEADER, *, depth: int = 64) -> None:
        """Read a head of at most `limit` bytes."""
        self._explicit = explicit
        self._limit = limit
        self._depth = depth
        self._position = 0
        self._last = -1
        self._elements: dict[int, Element] = {}
        self._done = False

    def advance(self, data: Buffer, *, final: bool = False) -> bool:
        """Index what is there now; True when the head is complete.

        Raises:
            HeaderError: if it cannot be indexed exactly, or grows beyond the limit.
        """
        if self._done:
            return True
        size = len(data)
        elements, last, position = self._elements, self._last, self._position
        explicit, depth = self._explicit, self._depth
        short = SHORT_VRS if explicit else {}
        try:
            while position + 8 <= size:
                group, number, code, length = _explicit(data, position)
                if group >= PIXEL_GROUP:
                    if group == 0xFFFE:
                        raise HeaderError("an item outside of a sequence", position)
                    self._done = True
                    break
                vr = short.get(code)
                if vr is not None:
                    # Most elements are of this kind: the walk is kept short for them.
                    value = position + 8
                    end = value + length
                    if end > size:
                        raise Incomplete
                    element = Element(group << 16 | number, vr, position, value, end, False)
                else:
                    element = read_element(data, position, size, explicit, depth)
                    end = element.end
                if element.tag <= last:
                    raise HeaderError("tags are out of order", position)
                last = element.tag
                elements[last] = element
                position = end
            if final and not self._done and position < size:
                raise Incomplete
        except Incomplete:
            if final:
                raise HeaderError("the data set ends within an element", position) from None
        self._last, self._position = last, position
        if final:
            self._done = True
        if not self._done and size > self._limit:
            raise HeaderError("the header is larger than allowed", position)
        return self._done

    def header(self, data: Buffer) -> Header:
        """Give the index over the same bytes."""
        return Header(
            data,
            self._elements,
            explicit=self._explicit,
            start=0,
            end=self._position,
            depth=self._depth,
        )
