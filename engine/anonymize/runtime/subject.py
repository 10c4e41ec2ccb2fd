# SPDX-License-Identifier: Apache-2.0
"""The object as a script sees it: group 2, the elements before the pixels and those after them,
with the changes so far. It returns the pieces to write; what to change is decided by the plan."""

from __future__ import annotations

from collections.abc import Iterator
from struct import pack

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.encoding import UTF_8, encode
from engine.anonymize.runtime.journal import ChangeJournal
from engine.anonymize.runtime.level import CHARSET, Level
from engine.anonymize.runtime.nesting import Nesting
from engine.anonymize.runtime.tags import Tag
from engine.anonymize.runtime.values import CODED, Fresh
from engine.dicom.dictionary import format_tag
from engine.dicom.edit import HeaderEdit, Piece, encoded
from engine.dicom.header import MAX_DEPTH, Header, HeaderError
from engine.dicom.walk import ITEM, META_END, PIXEL_GROUP, Buffer, ElementWalk
from engine.model.changes import Statement

SOP_CLASS, SOP_INSTANCE = 0x00080016, 0x00080018

_META_GROUP = 2
_META_LENGTH = 0x00020000
# (0002,0000), UL, 4 bytes: how a well-formed group 2 starts.
_LENGTH_START = b"\x02\0\0\0UL\x04\0"
_META_CLASS, _META_INSTANCE, _META_SYNTAX = 0x00020002, 0x00020003, 0x00020010
_NO_CHARACTER = "\ufffd"
"""What stands for bytes that cannot be read."""
# Groups of neither standard nor private data elements (PS3.5 7.1); 0000 is for commands.
_ABSENT_GROUPS = frozenset((0x0000, 0x0001, 0x0003, 0x0005, 0x0007, 0xFFFF))


def index_meta(data: Buffer) -> Header:
    """Index group 2, which begins where preamble and DICM end; what follows it is left alone.

    Raises:
        HeaderError: if it cannot be indexed exactly.
    """
    after = (_META_GROUP << 16) - 1
    walk = ElementWalk(0, explicit=True, depth=MAX_DEPTH, after=after, stop=_META_GROUP + 1)
    if not walk.advance(data, len(data)) and walk.position != len(data):
        raise HeaderError("the meta information ends within an element", walk.position)
    return Header(data, walk.elements, explicit=True, start=0, end=walk.position, depth=MAX_DEPTH)


def index_tail(data: Buffer, head: Header) -> Header:
    """Index the elements after a head: those from group 7FE0 on, or only those after the pixels.

    Raises:
        HeaderError: if they cannot be indexed exactly.
    """
    after = (PIXEL_GROUP << 16) - 1
    walk = ElementWalk(0, explicit=head.explicit, depth=head.depth, after=after, stop=ITEM >> 16)
    if walk.advance(data, len(data)) or walk.position != len(data):
        raise HeaderError("the data set ends within an element", walk.position)
    return _after(head, data, walk)


def _after(head: Header, data: Buffer, walk: ElementWalk | None = None) -> Header:
    return Header(
        data,
        walk.elements if walk is not None else {},
        explicit=head.explicit,
        start=0,
        end=len(data),
        depth=head.depth,
        # As in an item, elements of any group may stand there.
        is_item=True,
        charset=head.charset,
    )


def in_head(tag: int) -> bool:
    """Say whether an element of the root stands before the pixels and is none of group 2."""
    return META_END < tag < PIXEL_GROUP << 16 and tag >> 16 not in _ABSENT_GROUPS


class ScriptedObject:
    """One object; several plans may be applied to it, one after the other."""

    def __init__(
        self, head: Header, *, meta: Header | None = None, tail: Header | None = None
    ) -> None:
        """Begin with no changes. Without `meta` there is no group 2, without `tail` nothing after
        the head, as far as scripts can tell."""
        self.journal = ChangeJournal()
        self._nesting: Nesting | None = None
        self.head = Level(head, self.journal)
        self.meta = None if meta is None else Level(meta, self.journal)
        self._tail = None if tail is None else Level(tail, self.journal)

    # ------------------------------------------------------------------------------------ reading

    @property
    def statement(self) -> Statement:
        """The one that is running."""
        return self.journal.statement

    @statement.setter
    def statement(self, statement: Statement) -> None:
        self.journal.statement = statement

    @property
    def changed(self) -> bool:
        """Whether any byte would be written differently."""
        head, meta, tail = self.head, self.meta, self._tail
        return (
            head.changed
            or (meta is not None and meta.changed)
            or (tail is not None and tail.changed)
        )

    def parts(self) -> list[Level]:
        """Return the parts that are there, in the order of their tags."""
        return [part for part in (self.meta, self.head, self._tail) if part is not None]

    def part(self, tag: int) -> Level | None:
        """Return the part in which an element of the root stands; None where that is not there."""
        if tag > META_END:
            return self.head if tag < PIXEL_GROUP << 16 else self._tail
        return self.meta if tag >> 16 == _META_GROUP else None

    def part_to_write(self, tag: int) -> Level:
        """Return the part into which an element of the root is written."""
        if in_head(tag):
            return self.head
        if tag >> 16 in _ABSENT_GROUPS or tag >= ITEM & 0xFFFF0000:
            raise ScriptError(f"no file has elements of group {tag >> 16:04X}")
        part = self.part(tag)
        if part is not None:
            return part
        if tag <= META_END:
            raise ScriptError("the object has no group 2")
        self._tail = Level(_after(self.head.header, b""), self.journal)
        return self._tail

    def may_hold(self, tag: int) -> bool:
        """Say whether an element may be anywhere; what was removed meanwhile may still count."""
        if self._nesting is None:
            self._nesting = Nesting(self.parts(), self.journal)
        return tag in self._nesting.tags or tag in self.journal.written

    def holders(self, tag: Tag, *, least: int = 0, most: int | None = None) -> list[Level]:
        """Return the levels that may hold a tag, each before those below it, and perhaps some that
        do not; `least` and `most` say how many sequences may be above."""
        nesting, parts = self._nesting, self.parts()
        if nesting is None or nesting.misses(tag, parts):
            nesting = self._nesting = Nesting(parts, self.journal)
        return nesting.holders(tag, least=least, most=most)

    def text(self, tag: int) -> str | None:
        """Return the text of an element of the root as it is now."""
        part = self.part(tag)
        return None if part is None else part.text(tag)

    # ------------------------------------------------------------------------------------ writing

    def settle(self) -> None:
        """Let the character sets hold all text that was written. A data set whose own does not is
        switched to ISO_IR 192, and only that."""
        if not self.journal.foreign:
            return
        self.journal.foreign = False
        parts = [self.head] if self._tail is None else [self.head, self._tail]
        self._settle(parts, self.head.terms([]))
        if self.meta is not None and self._misfits([self.meta], []):
            raise ScriptError("group 2 can only hold ASCII characters")

    def _settle(self, levels: list[Level], terms: list[str]) -> None:
        """Settle levels that share a character set, and those below that have their own."""
        culprit = self._misfits(levels, terms)
        if culprit is not None:
            for level in levels:
                _recode(level, culprit)
            levels[0].recode(CHARSET, "CS", UTF_8, culprit)
        for level in levels:
            for one in _owners(level):
                self._settle([one], one.terms([]))

    def _misfits(self, levels: list[Level], terms: list[str]) -> Statement | None:
        """Return the statement that wrote a text which does not fit."""
        for level in levels:
            for one in _sharing(level):
                for tag, entry in one.entries():
                    if isinstance(entry, Fresh) and entry.data is None:
                        name = entry.vr == "PN"
                        if encode(entry.text, terms, name=name) is None:
                            return one.by.get(tag, self.statement)
        return None

    def head_pieces(self) -> list[Piece]:
        """Return the elements before group 7FE0."""
        self.settle()
        return _pieces(self.head, [])

    def tail_pieces(self) -> list[Piece]:
        """Return the elements after the head; the tail's own bytes when nothing changed them."""
        self.settle()
        return [] if self._tail is None else _pieces(self._tail, self.head.terms([]))

    def meta_bytes(self) -> bytes:
        """Return group 2 with its length, to be written after preamble and DICM. Its SOP class and
        instance are those of the data set, and the transfer syntax stays."""
        if self.meta is None:
            raise ValueError("the subject was opened without its group 2")
        header = self.meta.header
        if not self.meta.changed and self._names_itself(header):
            return bytes(header.data[header.start : header.end])
        edit = HeaderEdit(header)
        self.meta.write(edit, [])
        edit.remove(_META_LENGTH)
        for tag, source in ((_META_CLASS, SOP_CLASS), (_META_INSTANCE, SOP_INSTANCE)):
            uid = self.head.padded_uid(source)
            if uid:
                edit.set(tag, "UI", uid)
        syntax = header.raw(_META_SYNTAX)
        if syntax is not None:
            edit.set(_META_SYNTAX, "UI", bytes(syntax))
        body = b"".join(edit.write())
        return encoded(_META_LENGTH, "UL", pack("<I", len(body)), explicit=True) + body

    def _names_itself(self, meta: Header) -> bool:
        """Say whether group 2 is as it would be written: its length is right, and the object that
        it names is the data set."""
        start, data, spans = meta.start, meta.data, meta.spans
        after = start + len(_LENGTH_START) + 4
        if bytes(data[start:after]) != _LENGTH_START + pack("<I", meta.end - after):
            return False
        for tag, source in ((_META_CLASS, SOP_CLASS), (_META_INSTANCE, SOP_INSTANCE)):
            uid = self.head.padded_uid(source)
            if not uid:
                continue
            span = spans.get(tag)
            if span is None or span[3] != b"UI" or bytes(data[span[1] : span[2]]) != uid:
                return False
        syntax = spans.get(_META_SYNTAX)
        return syntax is None or (syntax[3] == b"UI" and not (syntax[2] - syntax[1]) % 2)


def _pieces(level: Level, terms: list[str]) -> list[Piece]:
    edit = HeaderEdit(level.header)
    level.write(edit, terms)
    return edit.write()


def _sharing(level: Level) -> Iterator[Level]:
    """Yield a level and those below that are in its character set."""
    yield level
    for tag in level.sequences():
        for item in level.items(tag):
            if not item.holds(CHARSET):
                yield from _sharing(item)


def _owners(level: Level) -> Iterator[Level]:
    """Yield the nearest levels below that have a character set of their own."""
    for tag in level.sequences():
        for item in level.items(tag):
            if item.holds(CHARSET):
                yield item
            else:
                yield from _owners(item)


def _recode(level: Level, culprit: Statement) -> None:
    """Write all text of a character set again, where it is not plain ASCII."""
    for one in _sharing(level):
        header = one.header
        new = dict(one.entries())
        for element in header.elements():
            tag = element.tag
            if tag in new or element.undefined or header.meaning(tag) not in CODED:
                continue
            data = bytes(header.raw(tag) or b"")
            if data.isascii() and b"\x1b" not in data:
                continue
            text = header.whole_text(tag) or ""
            if _NO_CHARACTER in text:
                raise ScriptError(
                    "the object has to be switched to ISO_IR 192 for this text, but"
                    f" {format_tag(tag)} holds bytes that are no text in its character set and"
                    " would be lost: let the script remove or write that element, too",
                    culprit.line,
                    1,
                )
            one.recode(tag, header.meaning(tag), text, culprit)
