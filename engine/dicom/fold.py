# SPDX-License-Identifier: Apache-2.0
"""Merges the headers of many files into one list of rows, each with its values and the number of
files that have them. It works on headers, not files; how rows are shown, and cleaning their text,
is up to the screen. The memory is bounded, whatever the headers contain."""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from engine.dicom.dictionary import format_tag, keyword, private_name
from engine.dicom.header import Element, Header, HeaderError
from engine.dicom.part10 import FileMeta
from engine.dicom.values import BINARY, binary_numbers
from engine.model.contents import (
    LONGEST_VALUE,
    MOST_VALUES,
    FoldedValue,
    HeaderRow,
    RowKind,
)

MOST_ROWS = 20_000
"""Rows of a fold; what is over is counted."""

Key = tuple[int, ...]
"""Tag, number of the item, tag, ...: sorted, keys stand in the order of the data set."""

_BULK = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_MOST_KEPT = 2 * MOST_ROWS
"""Rows that are kept while files are folded: those that differ from file to file may be endless."""
_MOST_DISTINCT = 1_000_000
"""Different values that a fold tells apart, over all rows."""
_MOST_TEXT = 32 * 1024 * 1024
"""Characters of long values that a fold keeps whole; later ones are kept short."""
_SHORT = 64
_NUMBERS_READ = 8192
"""Bytes of binary numbers that are written out: as many as the longest value needs."""
_TEXT_IN_UN = 1024
_STEP = 256
"""Bytes that cost as much to read as one row."""
_META = (
    (0x00020002, "UI", "sop_class"),
    (0x00020003, "UI", "sop_instance"),
    (0x00020010, "UI", "transfer_syntax"),
    (0x00020012, "UI", "implementation"),
    (0x00020016, "AE", "source_ae"),
)

Value = tuple[str, bytes]
"""What is shown of a value, and a digest of the whole where that is not all of it."""


@dataclass(slots=True)
class _Tally:
    """One element, sequence or item over all files so far."""

    kind: RowKind
    vr: str = ""
    creator: str = ""
    files: int = 0
    length: int = 0
    values: dict[Value, int] = field(default_factory=dict)
    more: int = 0
    """Values beyond those that can be told apart."""


class Fold:
    """Headers that are folded one after another; folds of parts can be joined."""

    def __init__(self) -> None:
        """Begin with no file."""
        self.files = 0
        self.work = 0
        """What the folding has cost so far, in rows that were read."""
        self._rows: dict[Key, _Tally] = {}
        self._syntaxes: dict[str, int] = {}
        self._cut = 0
        self._lost = 0
        """Rows of the file at hand for which there was no room any more."""
        self._distinct = 0
        self._text = 0

    def add(self, meta: FileMeta, header: Header) -> None:
        """Fold the header of one more file in."""
        self.files += 1
        self.work += header.end // _STEP
        syntax = meta.transfer_syntax
        self._syntaxes[syntax] = self._syntaxes.get(syntax, 0) + 1
        for tag, vr, name in _META:
            text = str(getattr(meta, name))
            if text:
                row = self._row((tag,), RowKind.ELEMENT, vr)
                self._note(row, len(text), (text[:LONGEST_VALUE], b""))
        self._lost = 0
        # What is nested may not crowd out the elements of the data set itself.
        walk = _Walk(self, max(0, MOST_ROWS - len(header) - len(_META)))
        left = walk.elements(header, (), MOST_ROWS)
        self._cut = max(self._cut, left + walk.left + self._lost)

    def join(self, other: Fold) -> None:
        """Take over what another fold has read."""
        self.files += other.files
        self.work += other.work
        self._lost = 0
        for syntax, files in other._syntaxes.items():
            self._syntaxes[syntax] = self._syntaxes.get(syntax, 0) + files
        for key, theirs in other._rows.items():
            ours = self._row(key, theirs.kind, theirs.vr, theirs.creator)
            ours.files += theirs.files
            ours.length = max(ours.length, theirs.length)
            ours.more += theirs.more
            for value, files in theirs.values.items():
                self._count(ours, value, files)
        self._cut = max(self._cut, other._cut, self._lost)

    def rows(self) -> tuple[HeaderRow, ...]:
        """Return the rows, in the order of the data set."""
        keys = sorted(self._rows)
        if len(keys) > MOST_ROWS:
            outer = [key for key in keys if len(key) == 1][:MOST_ROWS]
            nested = [key for key in keys if len(key) > 1][: MOST_ROWS - len(outer)]
            keys = sorted(outer + nested)
        return tuple(_shown(key, self._rows[key]) for key in keys)

    def keys(self) -> set[Key]:
        """Return the places of all rows."""
        return set(self._rows)

    def row(self, key: Key) -> HeaderRow | None:
        """Return the row of a place."""
        found = self._rows.get(key)
        return None if found is None else _shown(key, found)

    def agrees(self, other: Fold, key: Key) -> bool:
        """Say whether both hold the same in a place: the same values, in all files or not in all;
        of as many files the same values as often."""
        ours, theirs = self._rows[key], other._rows[key]
        if (ours.kind, ours.vr, ours.creator) != (theirs.kind, theirs.vr, theirs.creator):
            return False
        if self.files == other.files:
            return (ours.files, ours.values, ours.more) == (
                theirs.files,
                theirs.values,
                theirs.more,
            )
        is_in_all = ours.files == self.files, theirs.files == other.files
        return is_in_all[0] is is_in_all[1] and ours.values.keys() == theirs.values.keys()

    @property
    def cut(self) -> int:
        """Rows that were left out; what is nested in them is not counted."""
        return self._cut + max(0, len(self._rows) - MOST_ROWS)

    @property
    def transfer_syntaxes(self) -> tuple[FoldedValue, ...]:
        """The transfer syntaxes, the most frequent first."""
        found = sorted(self._syntaxes.items(), key=lambda each: (-each[1], each[0]))
        return tuple(
            FoldedValue(text=text[:LONGEST_VALUE], files=files)
            for text, files in found[:MOST_VALUES]
        )

    def _row(self, key: Key, kind: RowKind, vr: str = "", creator: str = "") -> _Tally:
        row = self._rows.get(key)
        if row is None:
            row = _Tally(kind, vr, creator)
            if len(self._rows) < _MOST_KEPT:
                self._rows[key] = row
            else:
                # The caller gets a row all the same, which is dropped afterwards: it needs
                # no special case.
                self._lost += 1
        elif kind is RowKind.SEQUENCE and row.kind is not kind:
            # It could not be walked in an earlier file.
            row.kind, row.vr = kind, vr
        return row

    def _note(self, row: _Tally, length: int, value: Value | None) -> None:
        row.files += 1
        if length > row.length:
            row.length = length
        if value is not None:
            self._count(row, value, 1)

    def _count(self, row: _Tally, value: Value, files: int) -> None:
        before = row.values.get(value)
        if before is not None:
            row.values[value] = before + files
            return
        if self._distinct >= _MOST_DISTINCT:
            row.more += 1
            return
        text, digest = value
        if len(text) > _SHORT:
            if self._text >= _MOST_TEXT:
                text, digest = text[:_SHORT], digest or _digest(text.encode("utf-8", "replace"))
            self._text += len(text)
        self._distinct += 1
        row.values[text, digest] = row.values.get((text, digest), 0) + files


class _Walk:
    """The walk over the header of one file."""

    def __init__(self, fold: Fold, nested: int) -> None:
        self._fold = fold
        self._nested = nested
        """How many nested rows it may still make."""
        self.left = 0
        """Rows that it has left out."""

    def elements(self, header: Header, parent: Key, most: int) -> int:
        """Fold elements of one level; say how many had no room."""
        fold = self._fold
        creators: dict[int, str] = {}
        left = 0
        for number, element in enumerate(header.elements()):
            if number >= most:
                left += 1
                continue
            if parent and not self._room():
                left += 1
                continue
            fold.work += 1
            tag = element.tag
            creator = ""
            if tag & 0x10000 and tag & 0xFFFF >= 0x1000:
                block = tag >> 8
                if block not in creators:
                    creators[block] = header.creator(tag)[:_SHORT]
                creator = creators[block]
            self._element(header, element, (*parent, tag), creator)
        return left

    def _element(self, header: Header, element: Element, key: Key, creator: str) -> None:
        fold = self._fold
        vr = header.meaning(element.tag)
        if vr != "SQ":
            row = fold._row(key, RowKind.ELEMENT, vr, creator)
            fold._note(row, element.length, _value(header, element, vr))
            return
        try:
            items = header.items(element.tag)
        except HeaderError as error:
            row = fold._row(key, RowKind.ELEMENT, vr, creator)
            told = f"‹SQ {element.length} bytes that cannot be walked: {error.reason}›"
            fold._note(row, element.length, (told, _bytes_digest(header, element)))
            return
        fold.work += element.length // _STEP
        row = fold._row(key, RowKind.SEQUENCE, vr, creator)
        fold._note(row, element.length, (_items(len(items)), b""))
        for number, item in enumerate(items, start=1):
            if not self._room():
                self.left += len(items) - number + 1
                return
            inner = (*key, number)
            fold.work += 1
            fold._note(fold._row(inner, RowKind.ITEM), item.end - item.start, None)
            self.left += self.elements(item, inner, MOST_ROWS)

    def _room(self) -> bool:
        self._nested -= 1
        return self._nested >= 0


def _value(header: Header, element: Element, vr: str) -> Value | None:
    length = element.length
    if not length:
        return "", b""
    if vr in _BULK:
        if vr == "UN" and length <= _TEXT_IN_UN:
            raw = bytes(header.raw(element.tag) or b"").rstrip(b" \0")
            # What nobody knows may be text all the same, and text may be a name.
            if raw.isascii() and raw.decode("ascii").isprintable():
                return raw.decode("ascii"), b""
        return f"‹{vr} {length} bytes›", _bytes_digest(header, element)
    if vr in BINARY and length > _NUMBERS_READ:
        numbers = binary_numbers(vr, header.data, element.value, element.value + _NUMBERS_READ)
        text = "\\".join(map(str, numbers))
        return text[:LONGEST_VALUE], _bytes_digest(header, element)
    if vr in BINARY or vr == "AT":
        text = "\\".join(header.texts(element.tag))
    else:
        # Verbatim: a reviewer should see the blanks and delimiters that are ignored elsewhere.
        text = header.whole_text(element.tag) or ""
    if len(text) > LONGEST_VALUE:
        return text[:LONGEST_VALUE], _bytes_digest(header, element)
    return text, b""


def _shown(key: Key, row: _Tally) -> HeaderRow:
    item = row.kind is RowKind.ITEM
    tag = key[-1] if not item else 0
    ranked = sorted(row.values.items(), key=lambda each: (-each[1], each[0]))
    texts = [text for (text, _), _ in ranked]
    # Counting like this is quadratic: with more values than that all binary ones show a digest.
    alike = {text for text in texts if texts.count(text) > 1} if len(texts) < _SHORT else None
    return HeaderRow(
        path=_path(key),
        tag="" if item else format_tag(tag),
        kind=row.kind,
        depth=len(key) - 1,
        vr=row.vr,
        name="" if item else _name(tag, row.creator),
        creator=row.creator,
        values=tuple(
            FoldedValue(text=_told(text, digest, alike), files=files)
            for (text, digest), files in ranked[:MOST_VALUES]
        ),
        distinct=len(row.values) + row.more,
        files=row.files,
        length=row.length,
    )


def _told(text: str, digest: bytes, alike: set[str] | None) -> str:
    """Show a binary value, with a piece of its digest where others look the same."""
    if digest and text.startswith("‹") and (alike is None or text in alike):
        return f"{text[:-1]}, {digest.hex()[:6]}›"
    return text


def _path(key: Key) -> str:
    pieces = []
    for place, number in enumerate(key):
        if place % 2:
            pieces.append(f"[{number}]")
        else:
            pieces.append(f".{format_tag(number)}" if place else format_tag(number))
    return "".join(pieces)


def _name(tag: int, creator: str) -> str:
    if not tag & 0x10000:
        return keyword(tag)
    if 0x10 <= tag & 0xFFFF <= 0xFF:
        return "Private Creator"
    return private_name(tag, creator) if creator else ""


def _items(count: int) -> str:
    return f"‹{count} item›" if count == 1 else f"‹{count} items›"


def _bytes_digest(header: Header, element: Element) -> bytes:
    return _digest(header.raw(element.tag) or b"")


def _digest(data: bytes | memoryview) -> bytes:
    return blake2b(data, digest_size=8).digest()
