# SPDX-License-Identifier: Apache-2.0
"""One data set, of an object or of an item, with the changes that scripts have made so far.
Elements that nobody reads are not decoded, and elements that nobody changes keep their bytes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.encoding import encode
from engine.anonymize.runtime.journal import ChangeJournal
from engine.anonymize.runtime.values import BULK, Fresh, fresh, read, verbatim
from engine.dicom.edit import HeaderEdit, encoded
from engine.dicom.header import Header
from engine.dicom.text import INSIGNIFICANT, significant_text
from engine.model.changes import Statement

CHARSET = 0x00080005
MOST_NEW_ITEMS = 4096
"""Items that one assignment may make."""
MOST_WRITTEN = 64 * 1024 * 1024
"""Characters of long texts that scripts may write to one object; short ones are many at most."""
LONGEST_PADDED = 64 * 1024
"""Bytes of a value that may be mostly padding."""
LONG = 4096
"""Characters from which on a text is long."""

Usual = tuple[int, Fresh | None, Statement]
"""A change to an element: what is written, or None where it is removed, and who does it."""


class Items:
    """The items of a sequence that was looked into, or made."""

    __slots__ = ("gone", "levels", "original")

    def __init__(self, levels: list[Level]) -> None:
        self.levels = levels
        self.original: Final = len(levels)
        self.gone = False
        """Whether the sequence was removed, or another element stands in its place."""

    @property
    def changed(self) -> bool:
        """Whether an item was made or changed."""
        return len(self.levels) > self.original or any(level.changed for level in self.levels)


class Level:
    """A data set as a script sees it."""

    __slots__ = ("_creators", "_journal", "_new", "_opened", "_sequences", "_spans", "by", "header")

    def __init__(self, header: Header, journal: ChangeJournal) -> None:
        """Begin with no changes."""
        self.header = header
        self.by: dict[int, Statement] = {}
        """Who touched an element last."""
        self._journal = journal
        self._spans = header.spans
        # The states of an element (`_new` counts where both have it):
        #   in neither        as received, nobody has looked into it
        #   _new: Fresh       written by a script        _new: Items   a sequence made by a script
        #   _new: None        removed; only where the header has it
        #   _opened: Items    a sequence of the header that was looked into and may have changed
        self._new: dict[int, Fresh | Items | None] = {}
        self._opened: dict[int, Items] = {}
        self._creators: dict[int, list[tuple[int, str]]] | None = None
        self._sequences: list[int] | None = None

    # ------------------------------------------------------------------------------------ reading

    def holds(self, tag: int) -> bool:
        """Say whether the element is there."""
        if tag in self._new:
            return self._new[tag] is not None
        return tag in self.header

    def tags(self) -> list[int]:
        """Return all tags, rising."""
        if not self._new:
            return self.header.tags()
        new = self._new
        found = [tag for tag in self.header.tags() if tag not in new]
        return sorted(found + [tag for tag, entry in new.items() if entry is not None])

    def every_tag(self) -> Collection[int]:
        """Return all tags that are or were there, in no order."""
        return self._spans.keys() | self._new.keys() if self._new else self._spans.keys()

    def vr(self, tag: int) -> str:
        """Return the VR of an element that is there, as it is meant."""
        entry = self._new.get(tag)
        if entry is None:
            return self.header.meaning(tag)
        return entry.vr if isinstance(entry, Fresh) else "SQ"

    def text(self, tag: int) -> str | None:
        """Return what counts of the whole value as text; None for what is missing and for
        sequences."""
        if tag in self._new:
            entry = self._new[tag]
            return significant_text(entry.vr, entry.text) if isinstance(entry, Fresh) else None
        return read(self.header, tag) if tag in self.header else None

    def verbatim(self, tag: int) -> str | None:
        """Return the whole value verbatim; None for a missing element and for a sequence."""
        if tag in self._new:
            entry = self._new[tag]
            return entry.text if isinstance(entry, Fresh) else None
        return verbatim(self.header, tag) if tag in self.header else None

    def padded_uid(self, tag: int) -> bytes:
        """Return a UID as it is written; empty where there is none."""
        span = None if tag in self._new else self._spans.get(tag)
        if span is not None and span[3] == b"UI":
            uid = bytes(self.header.data[span[1] : span[2]]).rstrip(b" \0")
        else:
            uid = (self.text(tag) or "").encode("latin_1", "replace")
        return uid + b"\0" * (len(uid) % 2)

    def size(self, tag: int) -> int:
        """Return about how many bytes a value has."""
        entry = self._new.get(tag)
        if isinstance(entry, Fresh):
            return len(entry.text)
        return self.header[tag].length if tag in self.header else 0

    def bare_size(self, tag: int) -> int:
        """Return about how many bytes a value has without what pads it, which may be much."""
        size = self.size(tag)
        if size > LONGEST_PADDED or tag in self._new:
            return size
        return len(bytes(self.header.raw(tag) or b"").strip(INSIGNIFICANT))

    def sequences(self) -> list[int]:
        """Return the tags of all sequences."""
        if self._sequences is None:
            self._sequences = self.header.sequences()
        if not self._new:
            return self._sequences
        found = [tag for tag in self._sequences if tag not in self._new]
        return found + [tag for tag, entry in self._new.items() if isinstance(entry, Items)]

    def items(self, tag: int) -> list[Level]:
        """Return the items of a sequence; none where there is no such sequence."""
        found = self.sequence(tag)
        return [] if found is None else found.levels

    def sequence(self, tag: int) -> Items | None:
        """Return the items of a sequence as they are kept; None for a written element that is none,
        or a removed one."""
        if tag in self._new:
            entry = self._new[tag]
            return entry if isinstance(entry, Items) else None
        found = self._opened.get(tag)
        if found is None:
            found = Items([Level(item, self._journal) for item in self.header.items(tag)])
            self._opened[tag] = found
        return found

    def below(self) -> Iterator[Level]:
        """Yield this level and all below it, each once."""
        pending = [self]
        while pending:
            level = pending.pop()
            yield level
            for tag in reversed(level.sequences()):
                pending.extend(reversed(level.items(tag)))

    def blocks(self, group: int) -> list[tuple[int, str]]:
        """Return the private blocks of a group that are reserved, rising, with their creators."""
        return self._reserved().get(group, [])

    def private_groups(self) -> list[int]:
        """Return the groups in which a block is reserved."""
        return list(self._reserved())

    def _reserved(self) -> dict[int, list[tuple[int, str]]]:
        if self._creators is None:
            self._creators = {}
            for tag in self.tags():
                if is_creator(tag) and (name := self.text(tag)):
                    blocks = self._creators.setdefault(tag >> 16, [])
                    blocks.append((tag & 0xFFFF, name.strip(" \0")))
        return self._creators

    # ----------------------------------------------------------------------------------- changing

    def put(self, tag: int, vr: str, text: str) -> None:
        """Write an element, or leave it where it says the same already."""
        self.put_value(tag, fresh(vr, text))

    def put_value(self, tag: int, value: Fresh) -> None:
        """Write an element, or leave it where it says the same already."""
        if len(value.text) > LONG:
            self._journal.volume += len(value.text)
            if self._journal.volume > MOST_WRITTEN:
                raise ScriptError(f"more than {MOST_WRITTEN:,} characters are written")
        new = self._new
        # Writing what the header says already leaves no trace: the bytes stay, no
        # change is reported.
        if self._says(tag, value):
            if tag in new:
                self._cut_off(new.pop(tag))
                self._touched(tag)
            return
        if tag in new:
            current = new[tag]
            same = isinstance(current, Fresh) and current.vr == value.vr
            if same and isinstance(current, Fresh) and current.text == value.text:
                return
            self._cut_off(current)
        new[tag] = value
        if tag in self._opened:
            self._cut_off(self._opened.pop(tag))
        # Only in items: at the root `Nesting.holders` searches all parts anyway.
        if self.header.is_item and tag not in self._spans:
            self._journal.added.add(tag)
        if value.data is None:
            self._journal.foreign = True
        self._touched(tag)

    def _says(self, tag: int, value: Fresh) -> bool:
        """Say whether the original element has the same value and VR."""
        header = self.header
        span = self._spans.get(tag)
        if span is None:
            return False
        if value.bare is not None and not span[4] and span[3] == value.code:
            return bytes(header.data[span[1] : span[2]]).rstrip(b" \0") == value.bare
        if header.meaning(tag) != value.vr:
            return False
        if value.vr in BULK:
            raw, wanted = header.raw(tag), value.padded
            return raw is not None and len(raw) == len(wanted) and bytes(raw) == wanted
        return verbatim(header, tag) == value.text

    def change_usual(self, changes: Sequence[Usual], first: int = 0) -> int:
        """Make changes to public elements that are missing, or of the VR that the dictionary gives,
        from number `first` on. Return the number of the first of another kind, for which nothing
        was done; that behind the last where there is none.

        | the element | is removed | is written |
        |---|---|---|
        | is missing | nothing is done | it is made |
        | is there, of the usual VR or of none | it goes | it is replaced, unless it says the same |
        | is there, of another VR | it goes | STOP |
        | was changed or looked into before | as `_change_again` does | likewise, or STOP |
        """
        journal, by, new, opened = self._journal, self.by, self._new, self._opened
        spans, data, written = self._spans, self.header.data, self._journal.written
        made = 0
        for number in range(first, len(changes)):
            tag, value, statement = changes[number]
            if tag in new or tag in opened:
                if not self._change_again(tag, value, statement):
                    break
                continue
            span = spans.get(tag)
            if value is None:
                if span is None:
                    continue
                if tag & 0x10000:
                    self._creators = None
            elif span is not None:
                code = span[3]
                if span[4] or (code and code != value.code):
                    break
                if code and value.bare is not None:
                    if bytes(data[span[1] : span[2]]).rstrip(b" \0") == value.bare:
                        continue
                elif self._says(tag, value):
                    continue
            if value is not None and value.data is None:
                journal.foreign = True
            new[tag] = value
            by[tag] = statement
            written.add(tag)
            made += 1
        else:
            number = len(changes)
        journal.mutations += made
        return number

    def _change_again(self, tag: int, value: Fresh | None, statement: Statement) -> bool:
        """Change an element that was written, removed or looked into before; do nothing and say no
        where it is of another kind."""
        self._journal.statement = statement
        if value is None:
            self.remove(tag)
            return True
        entry, span = self._new.get(tag), self._spans.get(tag)
        if entry is not None:
            usual = isinstance(entry, Fresh) and entry.code == value.code
        elif tag in self._new or span is None:
            usual = True
        else:
            usual = not span[4] and (span[3] or value.code) == value.code
        if usual:
            self.put_value(tag, value)
        return usual

    def recode(self, tag: int, vr: str, text: str, culprit: Statement) -> None:
        """Write a text again that `culprit` brought into another character set."""
        self._new[tag] = fresh(vr, text)
        self._cut_off(self._opened.pop(tag, None))
        self.by[tag] = culprit
        self._journal.written.add(tag)

    def remove(self, tag: int) -> None:
        """Take an element out, where it is there."""
        new = self._new
        if tag in self._spans:
            if tag in new:
                if new[tag] is None:
                    return
                self._cut_off(new[tag])
            new[tag] = None
            if tag in self._opened:
                self._cut_off(self._opened.pop(tag))
        elif tag not in new or (entry := new.pop(tag)) is None:
            return
        else:
            self._cut_off(entry)
        self._touched(tag)

    def _cut_off(self, entry: Fresh | Items | None) -> None:
        """Note that what stood in an element belongs to the object no more."""
        if isinstance(entry, Items):
            entry.gone = True
            self._journal.cut += 1

    def clear(self) -> None:
        """Take all elements out."""
        for tag in self.tags():
            self.remove(tag)

    def make_sequence(self, tag: int, count: int) -> list[Level]:
        """Return the items of a sequence, which is made where it is not there, at least so many."""
        entry = self._new.get(tag)
        if isinstance(entry, Items):
            items = entry
        elif isinstance(entry, Fresh) or not self.holds(tag) or not self._is_sequence(tag):
            if self.holds(tag) and self.size(tag):
                raise ScriptError("what the path goes through is no sequence")
            items = Items([])
            self._new[tag] = items
            self._journal.added.add(tag)
            self._touched(tag)
        else:
            self.items(tag)
            items = self._opened[tag]
        missing = count - len(items.levels)
        if missing > MOST_NEW_ITEMS:
            raise ScriptError(f"not more than {MOST_NEW_ITEMS} items are made at once")
        if missing > 0 and self.header.depth <= 0:
            raise ScriptError("sequences would be nested too deeply")
        for _ in range(missing):
            items.levels.append(Level(self._empty(tag), self._journal))
            self._touched(tag)
        return items.levels

    def _is_sequence(self, tag: int) -> bool:
        return self.header.meaning(tag) == "SQ"

    def _empty(self, tag: int) -> Header:
        header = self.header
        # Inside a sequence in the guise of UN there are no VRs (PS3.5 6.2.2).
        guised = not isinstance(self._new.get(tag), Items) and header[tag].vr != "SQ"
        return Header(
            b"",
            {},
            explicit=header.explicit and not guised,
            start=0,
            end=0,
            depth=header.depth - 1,
            is_item=True,
            charset=header.charset,
        )

    def _touched(self, tag: int) -> None:
        journal = self._journal
        self.by[tag] = journal.statement
        journal.mutations += 1
        journal.written.add(tag)
        if tag & 0x10000 and is_creator(tag):
            self._creators = None

    # ------------------------------------------------------------------------------------ writing

    @property
    def changed(self) -> bool:
        """Whether anything in it would be written differently."""
        return bool(self._new) or any(items.changed for items in self._opened.values())

    def entries(self) -> list[tuple[int, Fresh | Items | None]]:
        """Return the elements that were written or removed (None)."""
        return list(self._new.items())

    def entered(self) -> list[tuple[int, Items]]:
        """Return the sequences that were there before and in which something changed."""
        return [(tag, items) for tag, items in self._opened.items() if items.changed]

    def terms(self, above: list[str]) -> list[str]:
        """Return the defined terms of the character set in which this level is written; `above` are
        those around it."""
        if CHARSET in self._new or CHARSET in self.header:
            text = self.text(CHARSET)
            return above if text is None else text.split("\\")
        return above

    def write(self, edit: HeaderEdit, above: list[str]) -> None:
        """Make the changes to a header."""
        terms: list[str] | None = None
        explicit = self.header.explicit
        elements: dict[int, bytes | None] = {}
        made: list[tuple[int, Items]] = []
        for tag, entry in self._new.items():
            if entry is None:
                elements[tag] = None
            elif isinstance(entry, Fresh):
                whole = entry.element(tag, explicit=explicit)
                if whole is None:
                    terms = self.terms(above) if terms is None else terms
                    data = encoded_value(entry, terms)
                    whole = encoded(tag, entry.vr, data, explicit=explicit)
                elements[tag] = whole
            else:
                elements[tag] = None
                made.append((tag, entry))
        edit.put_all(elements)
        entered = self.entered() if self._opened else []
        if not made and not entered:
            return
        terms = self.terms(above) if terms is None else terms
        for tag, entry in made:
            added = edit.sequence(tag)
            for number, level in enumerate(entry.levels):
                level.write(added.item(number), terms)
        for tag, items in entered:
            known = [level.header for level in items.levels[: items.original]]
            sequence = edit.sequence(tag, known)
            for number, level in enumerate(items.levels):
                if number >= items.original or level.changed:
                    level.write(sequence.item(number), terms)


def is_creator(tag: int) -> bool:
    """Say whether an element reserves a private block."""
    return bool(tag & 0x10000) and 0x10 <= tag & 0xFFFF <= 0xFF


def encoded_value(value: Fresh, terms: list[str]) -> bytes:
    """Return the bytes of a value in a character set that holds it."""
    if value.data is not None:
        return value.data
    data = encode(value.text, terms, name=value.vr == "PN")
    if data is None:
        raise ScriptError("the text does not fit the character set of the object")
    return data
