# SPDX-License-Identifier: Apache-2.0
"""A header over bytes: an index of the elements before group 7FE0 of one data set, read in place.
Routing, scripts, diffs and the receiver all use this class. Headers are changed in
`engine.dicom.edit`; files are handled in `engine.dicom.part10`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from engine.dicom.charset import Charset
from engine.dicom.dictionary import vr_of
from engine.dicom.text import UNSPLIT, significant
from engine.dicom.values import (
    BINARY,
    binary_numbers,
    finite,
    tags_of,
    written_integer,
    written_number,
)
from engine.dicom.walk import (
    EXPLICIT_NOT_SAID,
    LONG_VRS,
    MAX_HEADER,
    META_END,
    SHORT_VRS,
    Buffer,
    ElementWalk,
    HeaderError,
    Span,
    item_elements,
    item_spans,
    names_a_vr,
)

__all__ = ["MAX_DEPTH", "MAX_HEADER", "Element", "Header", "HeaderError", "HeaderReader"]

MAX_DEPTH = 64

_CHARSET = 0x00080005
_NAMES = {vr: vr.decode() for vr in SHORT_VRS | LONG_VRS}
_NO_SEQUENCES = frozenset(_NAMES) - {b"SQ", b"UN"}
_CODED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT", "UN"))
"""Text in the Specific Character Set; all other text is plain ASCII (PS3.5 6.1.2.2)."""


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


class Header:
    """The elements of one data set (or item) up to the pixels, by tag and in order.

    `undefined` says of an item that a delimiter of 8 bytes follows its `end`.
    """

    __slots__ = (
        "_charset",
        "_spans",
        "data",
        "depth",
        "end",
        "explicit",
        "is_item",
        "start",
        "undefined",
    )

    def __init__(
        self,
        data: Buffer,
        spans: Mapping[int, Span],
        *,
        explicit: bool,
        start: int,
        end: int,
        depth: int,
        undefined: bool = False,
        is_item: bool = False,
        charset: Charset | None = None,
    ) -> None:
        """Put an index over `data`; `Header.index` and `HeaderReader` make the index."""
        self.data = data
        self.explicit = explicit
        self.start = start
        self.end = end
        self.depth = depth
        """How many more levels of sequences may be followed."""
        self.undefined = undefined
        self.is_item = is_item
        self._spans = spans
        self._charset = charset

    @classmethod
    def index(cls, data: Buffer, *, explicit: bool, limit_depth: int = MAX_DEPTH) -> Header:
        """Index a whole data set or head.

        Raises:
            HeaderError: if it cannot be indexed exactly.
        """
        reader = HeaderReader(explicit, len(data), depth=limit_depth)
        reader.advance(data, True)
        return reader.header(data)

    def __contains__(self, tag: int) -> bool:
        return tag in self._spans

    def __getitem__(self, tag: int) -> Element:
        return self._element(tag, self._spans[tag])

    def __len__(self) -> int:
        return len(self._spans)

    @property
    def spans(self) -> Mapping[int, Span]:
        """Where all elements lie, rising; quicker than asking for each."""
        return self._spans

    def get(self, tag: int) -> Element | None:
        """Find an element."""
        span = self._spans.get(tag)
        return None if span is None else self._element(tag, span)

    def tags(self) -> list[int]:
        """Return all tags, rising."""
        return list(self._spans)

    def elements(self) -> Iterator[Element]:
        """Return the elements in the order of their tags."""
        return (self._element(tag, span) for tag, span in self._spans.items())

    def raw(self, tag: int) -> memoryview | None:
        """Return the bytes of a value."""
        span = self._spans.get(tag)
        if span is None:
            return None
        return memoryview(self.data)[span[1] : span[2] - (8 if span[4] else 0)]

    def written(self, tags: Iterable[int]) -> tuple[bytes, ...]:
        """Return elements as they are written, with tag, VR and length; empty where there is none.
        Headers of one encoding in which they are the same say the same of them."""
        spans, data = self._spans, self.data
        found = map(spans.get, tags)
        return tuple([b"" if span is None else bytes(data[span[0] : span[2]]) for span in found])

    def items(self, tag: int) -> list[Header]:
        """Index the items of a sequence; none where there is no such sequence.

        Raises:
            HeaderError: if the sequence cannot be indexed exactly.
        """
        span = self._spans.get(tag)
        if span is None:
            return []
        start, value, end, code, undefined = span
        stop = end - 8 if undefined else end
        if stop == value or self._meaning(tag, span) != "SQ":
            return []
        if self.depth <= 0:
            raise HeaderError("sequences are nested too deeply", start)
        # A sequence in the guise of UN keeps its items in Implicit VR (PS3.5 6.2.2).
        explicit = self.explicit and code == b"SQ"
        depth = self.depth - 1
        items = []
        for first, last, open_ended in item_spans(
            self.data, value, stop, explicit=explicit, depth=depth
        ):
            spans = item_elements(self.data, first, last, explicit=explicit, depth=depth)
            items.append(
                Header(
                    self.data,
                    spans,
                    explicit=explicit,
                    start=first,
                    end=last,
                    depth=depth,
                    undefined=open_ended,
                    is_item=True,
                    charset=None if _CHARSET in spans else self.charset,
                )
            )
        return items

    def sequences(self) -> list[int]:
        """Return the tags of all sequences, rising."""
        other = _NO_SEQUENCES
        return [
            tag
            for tag, span in self._spans.items()
            if span[3] not in other and self._meaning(tag, span) == "SQ"
        ]

    def text(self, tag: int) -> str | None:
        """Return what counts of the first value as text; None where the element is absent."""
        span = self._spans.get(tag)
        if span is None:
            return None
        vr = self._meaning(tag, span)
        if vr in BINARY:
            values = self._binary(vr, span)
            return str(values[0]) if values else ""
        data = self._bytes(span)
        if vr == "AT":
            return (tags_of(data) or [""])[0]
        # Plain ASCII reads the same in every character set, so most values skip the decoding.
        if vr in _CODED and (not data.isascii() or b"\x1b" in data):
            if vr in UNSPLIT:
                return significant(vr, self.charset.decode(data))
            return significant(vr, self.charset.split(data, name=vr == "PN")[0])
        if vr not in UNSPLIT:
            data = data.partition(b"\\")[0]
        return significant(vr, data.decode("latin_1"))

    def texts(self, tag: int) -> list[str]:
        """Return what counts of all values as text; none where the element is absent or empty."""
        span = self._spans.get(tag)
        if span is None:
            return []
        vr = self._meaning(tag, span)
        if vr in BINARY:
            return [str(number) for number in self._binary(vr, span)]
        data = self._bytes(span)
        if not data:
            return []
        if vr == "AT":
            return tags_of(data)
        if vr in UNSPLIT:
            return [significant(vr, self._decode(vr, data))]
        if vr in _CODED:
            values = self.charset.split(data, name=vr == "PN")
        else:
            values = data.decode("latin_1").split("\\")
        return [significant(vr, value) for value in values]

    def whole_text(self, tag: int) -> str | None:
        """Return the value as one text as it stands there, but for the padding at its end: with all
        backslashes, blanks and delimiters. None where it is absent."""
        span = self._spans.get(tag)
        if span is None:
            return None
        return self._decode(self._meaning(tag, span), self._bytes(span)).rstrip(" \0")

    def integer(self, tag: int) -> int | None:
        """Return the first value as an integer, where it is one."""
        span = self._spans.get(tag)
        if span is None:
            return None
        if self._meaning(tag, span) not in BINARY:
            integer = written_integer(self.text(tag) or "")
            if integer is not None:
                return integer
        number = self.number(tag)
        return int(number) if number is not None and number.is_integer() else None

    def number(self, tag: int) -> float | None:
        """Return the first value as a finite number, where it is one."""
        span = self._spans.get(tag)
        if span is None:
            return None
        vr = self._meaning(tag, span)
        if vr in BINARY:
            values = self._binary(vr, span)
            return finite(float(values[0])) if values else None
        return written_number(self.text(tag) or "")

    def numbers(self, tag: int) -> list[float]:
        """Return all values as numbers; none where one of them is not a finite number."""
        span = self._spans.get(tag)
        if span is None:
            return []
        vr = self._meaning(tag, span)
        if vr in BINARY:
            found = [finite(float(value)) for value in self._binary(vr, span)]
        else:
            found = [written_number(text) for text in self.texts(tag)]
        return [] if None in found else [number for number in found if number is not None]

    def private(self, group: int, creator: str, offset: int) -> Element | None:
        """Find a private element by its creator and the last two digits of its number
        (PS3.5 7.8.1)."""
        base = group << 16
        spans = self._spans
        for block in range(0x10, 0x100):
            if base | block in spans and self.text(base | block) == creator:
                # A creator may have reserved several blocks; only one of them may hold the element.
                found = self.get(base | block << 8 | offset)
                if found is not None:
                    return found
        return None

    def meaning(self, tag: int) -> str:
        """Return the VR by which an element is read: what is written as UN may be known all the
        same."""
        return self._meaning(tag, self._spans[tag])

    def creator(self, tag: int) -> str:
        """Return who owns a private element; empty for others."""
        if not tag & 0x10000 or tag & 0xFFFF < 0x1000:
            return ""
        # PS3.5 7.8.1: (0019,0010) reserves (0019,1000) to (0019,10FF), so the owner of (0019,1023)
        # is read from (0019,0010).
        return self.text(tag & 0xFFFF0000 | (tag >> 8 & 0xFF)) or ""

    @property
    def charset(self) -> Charset:
        """The character set in force, an item's own or that of the data set around it."""
        if self._charset is None:
            span = self._spans.get(_CHARSET)
            value = "" if span is None else self._bytes(span).decode("latin_1")
            self._charset = Charset(value.split("\\"))
        return self._charset

    def _bytes(self, span: Span) -> bytes:
        return bytes(self.data[span[1] : span[2] - 8 if span[4] else span[2]])

    def _decode(self, vr: str, data: bytes) -> str:
        if vr not in _CODED:
            return data.decode("latin_1")
        return self.charset.decode(data, name=vr == "PN")

    def _binary(self, vr: str, span: Span) -> tuple[int | float, ...]:
        return binary_numbers(vr, self.data, span[1], span[2])

    def _element(self, tag: int, span: Span) -> Element:
        start, value, end, code, undefined = span
        vr = _NAMES[code] if code else self._implied(tag, undefined)
        return Element(tag, vr, start, value, end, undefined)

    def _meaning(self, tag: int, span: Span) -> str:
        code = span[3]
        if code and code != b"UN":
            return _NAMES[code]
        return self._implied(tag, span[4])

    def _implied(self, tag: int, undefined: bool) -> str:
        if undefined:
            return "SQ"
        return vr_of(tag, self.creator(tag) if tag & 0x10000 else "")


class HeaderReader:
    """Indexes a head while it arrives; what is behind is never walked again."""

    __slots__ = ("_depth", "_done", "_explicit", "_limit", "_walk")

    def __init__(self, explicit: bool, limit: int = MAX_HEADER, *, depth: int = MAX_DEPTH) -> None:
        """Read a head of at most `limit` bytes."""
        self._explicit = explicit
        self._limit = limit
        self._depth = depth
        self._walk = ElementWalk(0, explicit=explicit, depth=depth, after=META_END)
        self._done = False

    def advance(self, data: Buffer, final: bool = False) -> bool:
        """Index what is there now; True when the head is complete. `final`: no more will come.

        Raises:
            HeaderError: if it cannot be indexed exactly, or grows beyond the limit.
        """
        if self._done:
            return True
        walk = self._walk
        size = len(data)
        if not self._explicit and walk.position == 0 and names_a_vr(data):
            raise HeaderError(EXPLICIT_NOT_SAID)
        if walk.advance(data, size):
            self._done = True
        elif final:
            if walk.position != size:
                raise HeaderError("the data set ends within an element", walk.position)
            self._done = True
        # The length of the element is known before its bytes arrive: do not wait for them.
        elif walk.needs > self._limit:
            raise HeaderError("an element reaches beyond the largest header", walk.position)
        if walk.position > self._limit:
            raise HeaderError("the header is larger than allowed", walk.position)
        return self._done

    @property
    def needs(self) -> int:
        """How far the element reaches at least that is not whole yet."""
        return self._walk.needs

    def header(self, data: Buffer) -> Header:
        """Return the index over the same bytes."""
        return Header(
            data,
            self._walk.elements,
            explicit=self._explicit,
            start=0,
            end=self._walk.position,
            depth=self._depth,
        )
