# SPDX-License-Identifier: Apache-2.0
"""The elements that stay as they are, over many files: told apart by their bytes, so that what is
the same in all files is decoded once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.anonymize.runtime.changes import NOT_READ, name_of, path_text, shown
from engine.anonymize.runtime.journal import ChangeJournal
from engine.anonymize.runtime.level import Level
from engine.anonymize.runtime.values import BULK, CODED
from engine.dicom.header import Header
from engine.dicom.values import BINARY
from engine.model.change_fold import MOST_NAMED, ChangeFold, mark
from engine.model.changes import NOBODY, Change, ChangeKind

_CHARSET = 0x00080005
_PADDED = BULK | BINARY | {"SQ", "UN", "AT"}
"""What ends with its last byte; other values end before what pads them."""
_SHORT = 64
"""Bytes that are kept as they are until all files have been read."""
_READ = ChangeJournal()
"""Nobody changes anything here."""

_Place = tuple[int, bytes, bytes]
"""Tag, VR as written, and of a private element the bytes of its creator."""


@dataclass(slots=True)
class _Element:
    change: Change
    files: int = 0
    named: list[str] = field(default_factory=list)
    last: bytes | None = None
    """The bytes of the file before: mostly they are the same again."""
    values: set[bytes] = field(default_factory=set)


class Stay:
    """What stays as it is in some files of one scan: elements of the data set itself before the
    pixels. Of a sequence in which something changes nothing is told here."""

    def __init__(self) -> None:
        """Begin with no file."""
        self._elements: dict[_Place, _Element] = {}

    def add(self, file: str, head: Header, changes: Iterable[Change]) -> None:
        """Add a file of which these are the changes."""
        touched = {int(one.path[1:5] + one.path[6:10], 16) for one in changes if one.path}
        data, elements = head.data, self._elements
        spans = head.spans
        for tag, (_, start, end, code, _) in spans.items():
            if tag in touched or not tag & 0xFFFF:
                continue
            creator = b""
            if tag & 0x10000 and tag & 0xFFFF > 0xFF:
                held = spans.get(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
                creator = b"" if held is None else bytes(data[held[1] : held[2]])
            place = (tag, code, creator)
            found = elements.get(place)
            if found is None:
                found = elements[place] = _Element(_same(head, tag))
            found.files += 1
            if len(found.named) < MOST_NAMED:
                found.named.append(file)
            raw = bytes(data[start:end])
            if raw != found.last:
                found.last = raw
                found.values.add(_told_apart(head, found.change.vr, raw))

    def into(self, fold: ChangeFold) -> None:
        """Add what was found."""
        for one in self._elements.values():
            marks = {mark(value) for value in one.values}
            fold.add_same(one.change, one.files, one.named, marks)


def _same(head: Header, tag: int) -> Change:
    level = Level(head, _READ)
    text = shown(level, tag)
    return Change(
        path=path_text((tag,)),
        name=name_of(level, tag),
        kind=ChangeKind.SAME,
        vr=level.vr(tag),
        before=text,
        after=text,
        statement=NOBODY,
    )


def _told_apart(head: Header, vr: str, raw: bytes) -> bytes:
    if vr not in _PADDED and len(raw) <= NOT_READ:
        raw = raw.rstrip(b" \0")
    if vr in CODED and (not raw.isascii() or b"\x1b" in raw):
        # The same bytes are another text in another character set.
        raw += b"\0" + bytes(head.raw(_CHARSET) or b"")
    return raw if len(raw) <= _SHORT else mark(raw)
