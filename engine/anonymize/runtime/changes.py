# SPDX-License-Identifier: Apache-2.0
"""The changes in a subject, element by element: as texts for users, and as the bytes of an undo
record."""

from __future__ import annotations

from collections.abc import Iterator

from engine.anonymize.runtime.applied import Undo
from engine.anonymize.runtime.journal import ChangeJournal
from engine.anonymize.runtime.level import Items, Level
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.runtime.values import BULK, CODED, Fresh
from engine.dicom.dictionary import format_tag, keyword, private_name
from engine.dicom.header import HeaderError
from engine.model.changes import Change, ChangeKind, Statement

LONGEST = 256
"""Characters of a value that are told."""

_GROUP = 0xFFFF0000
"""The bits of a tag that say its group; by themselves they are the tag of the group's length."""
NOT_READ = 64 * 1024
"""Bytes of a value beyond which only its size is told."""

_NOBODY = ChangeJournal()
"""What was there before is only read: nobody is told."""
_Step = tuple[tuple[int, ...], Level, int, Fresh | Items | None]


def undo_of(subject: ScriptedObject) -> tuple[Undo, ...]:
    """Return what every changed element was, and every group length that goes because its group is
    written anew, in no order: each part comes back byte for byte."""
    subject.settle()
    found: list[Undo] = []
    for part in subject.parts():
        _undo(part, (), found)
    return tuple(found)


def _undo(level: Level, above: tuple[int, ...], found: list[Undo]) -> None:
    spans, by = level.header.spans, level.by
    data = level.header.data
    lengths: dict[int, Statement] = {}
    entries = level.entries()
    for tag, _ in entries:
        span = spans.get(tag)
        before = None if span is None else bytes(data[span[0] : span[2]])
        found.append(Undo((*above, tag), before, by[tag]))
        lengths.setdefault(tag & _GROUP, by[tag])
    for tag, items in level.entered():
        first = len(found)
        for number, item in enumerate(items.levels):
            if number >= items.original:
                found.append(Undo((*above, tag, number), None, by[tag]))
            elif item.changed:
                _undo(item, (*above, tag, number), found)
        lengths.setdefault(tag & _GROUP, found[first].statement)
    for tag, statement in lengths.items():
        span = spans.get(tag)
        if span is not None and all(tag != one for one, _ in entries):
            found.append(Undo((*above, tag), bytes(data[span[0] : span[2]]), statement))


def changes_of(subject: ScriptedObject) -> tuple[Change, ...]:
    """Tell what became of every changed element, in the order of tags."""
    subject.settle()
    found: list[tuple[tuple[int, ...], Change]] = []
    for part in subject.parts():
        for path, level, tag, entry in _changed(part, ()):
            change = _change(path, level, tag, entry)
            if change is not None:
                found.append((path, change))
    return tuple(change for _, change in sorted(found, key=lambda one: one[0]))


def _changed(level: Level, above: tuple[int, ...]) -> Iterator[_Step]:
    """Go through what was written or removed, and through all that is in what was made."""
    for tag, entry in level.entries():
        yield (*above, tag), level, tag, entry
        if isinstance(entry, Items):
            for number, item in enumerate(entry.levels):
                yield from _changed(item, (*above, tag, number))
    for tag, items in level.entered():
        if len(items.levels) > items.original:
            yield (*above, tag), level, tag, items
        for number, item in enumerate(items.levels):
            yield from _changed(item, (*above, tag, number))


def _change(
    path: tuple[int, ...], level: Level, tag: int, entry: Fresh | Items | None
) -> Change | None:
    original = Level(level.header, _NOBODY)
    there = original.holds(tag)
    before = shown(original, tag) if there else ""
    after = "" if entry is None else shown(level, tag)
    vr = (original if entry is None else level).vr(tag)
    if entry is None:
        kind = ChangeKind.REMOVED
    elif not there:
        kind = ChangeKind.ADDED
    elif after:
        kind = ChangeKind.CHANGED
    else:
        kind = ChangeKind.EMPTIED
    text = entry.text if isinstance(entry, Fresh) and entry.vr in CODED else None
    if there and text is not None and original.verbatim(tag) == text:
        # The same text in another character set.
        return None
    return Change(
        path=path_text(path),
        name=name_of(original if entry is None else level, tag),
        kind=kind,
        vr=vr,
        before=before,
        after=after,
        statement=level.by[tag],
    )


def shown(level: Level, tag: int) -> str:
    """Return the text of a value as it is told: cut, or the size of what is no text."""
    vr = level.vr(tag)
    size = level.size(tag)
    if vr == "SQ":
        try:
            count = len(level.items(tag))
        except HeaderError:
            # What cannot be read can be removed all the same.
            return f"{size:,} bytes"
        return f"{count} item{'' if count == 1 else 's'}"
    if vr in BULK or size > NOT_READ:
        return f"{size:,} bytes" if size else ""
    text = level.verbatim(tag) or ""
    if vr == "UN" and not text.isprintable():
        return f"{size:,} bytes"
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def path_text(path: tuple[int, ...]) -> str:
    """Write a path as people read it: `(0008,1140)[1].(0008,1155)`."""
    parts = []
    for index, number in enumerate(path):
        if index % 2:
            parts.append(f"[{number}].")
        else:
            parts.append(format_tag(number))
    return "".join(parts).removesuffix(".")


def name_of(level: Level, tag: int) -> str:
    """Return the keyword of an element, or what its private creator calls it."""
    if not tag & 0x10000:
        return keyword(tag)
    creator = level.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
    return private_name(tag, creator) if creator else ""
