# SPDX-License-Identifier: Apache-2.0
"""The changes that scripts made to the objects of a waiting session, and those that the next one
would make: element by element, merged over files. Nothing is changed here. It runs in the process
pool; of large sessions only a part of the files is read, evenly spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.anonymize.pixels.regions import told
from engine.anonymize.runtime.applied import PixelRequest, Undo
from engine.anonymize.runtime.changes import path_text, shown
from engine.anonymize.runtime.level import Level
from engine.anonymize.runtime.reach import Reach
from engine.anonymize.runtime.record import recorded_in
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.stored import open_stored, opened
from engine.dicom.dictionary import keyword, private_name
from engine.dicom.header import HeaderError
from engine.dicom.walk import PIXEL_GROUP
from engine.intake.originals import Original, Originals
from engine.jobs.scripting import ScriptWork, guard
from engine.model.anonymized import ChangeFold
from engine.model.changes import Change, ChangeKind, FoldedChange, ScriptOutcome, Statement
from engine.model.errors import InvalidInput
from engine.sessions.contents import object_paths
from engine.sessions.headers import spread

MOST_FILES = 500
"""Files that are looked at for one answer."""

_SOP_INSTANCE = 0x00080018
_PIXEL_DATA = 0x7FE00010

Key = tuple[str, str]
"""SOP Instance UID and digest of an object as received."""


def done(
    folder: Path, scan: str, keys: Mapping[str, Key], originals: Originals, session: str
) -> tuple[FoldedChange, ...]:
    """Tell what scripts have changed of the objects of a scan, or of all, as far as it is kept.

    Raises:
        NotFound: if there is no such scan.
        FileNotFoundError: if the folder is not there.
    """
    files = spread(object_paths(folder, scan), MOST_FILES)
    kept = _Kept(originals, session)
    fold = ChangeFold()
    for file in files:
        try:
            fold.add(_changes(folder / file, keys.get(file), kept))
        except (InvalidInput, HeaderError):
            continue  # nobody can read it now; that is told where headers are shown
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    return fold.folded()


def to_come(folder: Path, scan: str, work: ScriptWork) -> tuple[FoldedChange, ...]:
    """Tell what a script would change of the objects of a scan, or of all; nothing is written.

    Raises:
        NotFound: if there is no such scan.
        FileNotFoundError: if the folder is not there.
        InvalidInput: if the script fails.
    """
    fold = ChangeFold()
    try:
        for file in spread(object_paths(folder, scan), MOST_FILES):
            fold.add(_preview(folder / file, work))
    except (InvalidInput, HeaderError) as error:
        raise InvalidInput(work.fault(error)) from None
    return fold.folded()


class _Kept:
    """The undo records of a session, found by what was received, or by what is stored where the
    index does not know that."""

    def __init__(self, originals: Originals, session: str) -> None:
        self._by_key: dict[Key, Original] = {}
        self._by_sop: dict[str, Original | None] = {}
        for one in originals.of(session):
            self._by_key[one.received_sop, one.digest] = one
        for one in self._by_key.values():
            # Of two objects of one UID nobody can tell which it is.
            self._by_sop[one.sop] = None if one.sop in self._by_sop else one

    def find(self, key: Key | None, sop: str) -> Original | None:
        """Return what is kept of an object."""
        found = None if key is None else self._by_key.get(key)
        return found or self._by_sop.get(sop)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """One element in one state of an object."""

    vr: str
    name: str
    text: str


def _changes(path: Path, key: Key | None, kept: _Kept) -> list[Change]:
    stored = open_stored(path, guard=guard())
    original = kept.find(key, stored.head.text(_SOP_INSTANCE) or "")
    if original is None:
        return []
    reach = Reach(tail=any(one.path[0] >= PIXEL_GROUP << 16 for one in original.undo))
    before = opened(stored, reach, undo=original.undo).subject
    after = opened(stored, reach).subject
    found = {}
    for one in original.undo:
        # Of an item that was made the sequence tells.
        place = one.path if len(one.path) % 2 else one.path[:-1]
        change = _change(place, one, before, after)
        if change is not None:
            found[place] = change
    return [change for _, change in sorted(found.items(), key=lambda each: each[0])]


def _change(
    path: tuple[int, ...], one: Undo, before: ScriptedObject, after: ScriptedObject
) -> Change | None:
    if path[-1] & 0xFFFF == 0:
        return None  # the length of a group says nothing
    was, now = _seen(before, path), _seen(after, path)
    seen = now or was
    if seen is None or (was is not None and now is not None and was.text == now.text):
        return None
    if was is None:
        kind = ChangeKind.ADDED
    elif now is None:
        kind = ChangeKind.REMOVED
    else:
        kind = ChangeKind.CHANGED if now.text else ChangeKind.EMPTIED
    return Change(
        path=path_text(path),
        name=seen.name,
        kind=kind,
        vr=seen.vr,
        before="" if was is None else was.text,
        after="" if now is None else now.text,
        statement=one.statement,
    )


def _seen(subject: ScriptedObject, path: Sequence[int]) -> _Seen | None:
    level = subject.part(path[0])
    for depth in range(0, len(path) - 1, 2):
        items = [] if level is None else level.items(path[depth])
        number = path[depth + 1]
        level = items[number] if number < len(items) else None
    tag = path[-1]
    if level is None or not level.holds(tag):
        return None
    return _Seen(vr=level.vr(tag), name=_name(level, tag), text=shown(level, tag))


def _name(level: Level, tag: int) -> str:
    if not tag & 0x10000:
        return keyword(tag)
    creator = level.text(tag & 0xFFFF0000 | tag >> 8 & 0xFF)
    return private_name(tag, creator) if creator else ""


def _preview(path: Path, work: ScriptWork) -> list[Change]:
    stored = open_stored(path, guard=guard())
    if recorded_in(stored.head, work.record):
        return []
    plan = work.plan()
    found = opened(stored, plan.reach)
    applied = plan.apply(found.subject, work.variables, undo=False, changes=True, record="")
    if applied.outcome is ScriptOutcome.REJECTED:
        return [_whole(found.subject.statement)]
    return [*applied.changes, *(_pixels(request) for request in applied.pixels)]


def _whole(statement: Statement) -> Change:
    return Change(path="", name="", kind=ChangeKind.REJECTED, statement=statement)


def _pixels(request: PixelRequest) -> Change:
    return Change(
        path=path_text((_PIXEL_DATA,)),
        name=keyword(_PIXEL_DATA),
        kind=ChangeKind.PIXELS,
        after=told(request.asked),
        statement=request.statement,
    )
