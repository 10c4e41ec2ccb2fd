# SPDX-License-Identifier: Apache-2.0
"""Looks through objects of a waiting session for what may say who the patient is: first what they
said of him when they came, then where that and other things still stand, now and once the project's
script has run. It runs in the process pool; nothing is changed here."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.anonymize.runtime.changes import changes_of
from engine.anonymize.runtime.reach import Reach
from engine.anonymize.runtime.record import recorded_in
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.stored import Stored, open_stored, opened
from engine.dicom.header import HeaderError
from engine.dicom.walk import PIXEL_GROUP
from engine.findings import attributes
from engine.findings.look import Seen, identity_of, look
from engine.findings.needles import Identity, Needles
from engine.findings.sightings import Cause, Sighting, Sightings
from engine.intake.kept import Key
from engine.intake.originals import Original
from engine.jobs.differences import kept_of
from engine.jobs.scripting import ScriptWork, guard
from engine.model.changes import ChangeKind, ScriptOutcome, Statement
from engine.model.errors import InvalidInput
from engine.model.findings import FindingKind, Level
from engine.sessions.contents import scan_of

_SOP_INSTANCE, _CHARSET = 0x00080018, 0x00080005
_TELLING = (_CHARSET, *sorted(attributes.OWN))
_ITEM = re.compile(r"\[\d+\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the objects of a session are, and what is kept of them."""

    folder: Path
    prearchive: Path
    session: str
    stamp: str
    """Another one whenever more is kept."""
    keys: Mapping[str, Key] = field(default_factory=dict)
    ours: tuple[str, ...] = ()
    """Values that are labels of the session."""


def said(place: Place, files: Sequence[str]) -> Identity:
    """Return what objects said of their patient when they came, as far as that is kept; else what
    they say now.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    found = Identity()
    known: set[tuple[bytes | None, ...]] = set()
    for file in files:
        try:
            stored, original = _open(place, file)
            # Of files that had the same names in them one is enough.
            mark = _mark(stored, original)
            if mark in known:
                continue
            known.add(mark)
            changed = {one.path[0] for one in original.undo} if original is not None else ()
            found.join(identity_of(_as_received(stored, original), changed))
        except (InvalidInput, HeaderError, OSError):
            continue  # that is told when it is looked through
    _must_be_there(place)
    return found


def look_through(
    place: Place, files: Sequence[str], identity: Identity, work: ScriptWork | None
) -> Sightings:
    """Look through objects for what is left of that.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    needles = Needles(identity, place.ours)
    sightings: Sightings = {}
    for file in files:
        try:
            _look(place, file, needles, work, sightings)
        except (InvalidInput, HeaderError) as error:
            why = "it cannot be read for sure" if work is None else work.fault(error)
            cause = Cause(FindingKind.UNREAD, Level.MEDIUM, "", "file", why)
            _note(sightings, [Seen(cause)], file, now=True, left=True)
        except OSError:
            cause = Cause(FindingKind.UNREAD, Level.MEDIUM, "", "file", "it cannot be read")
            _note(sightings, [Seen(cause)], file, now=True, left=True)
    _must_be_there(place)
    return sightings


def _look(
    place: Place, file: str, needles: Needles, work: ScriptWork | None, into: Sightings
) -> None:
    stored, original = _open(place, file)
    written = _written(original)
    now = opened(stored, Reach(meta=True)).subject
    seen = list(look(now, needles, ours=place.ours, written=written, file=file))
    if work is None or recorded_in(stored.head, work.record):
        _note(into, seen, file, now=True, left=True)
        return
    plan = work.plan()
    later = opened(stored, plan.reach).subject
    applied = plan.apply(later, work.variables, undo=False, record="")
    _note(into, seen, file, now=True, left=False)
    if applied.outcome is ScriptOutcome.REJECTED:
        for one in seen:
            into[one.cause].by = later.statement
        return
    left = list(look(later, needles, ours=place.ours, written=written, file=file))
    if applied.pixels:
        # What is blanked was looked at by whoever wrote the script.
        left = [one for one in left if one.cause.kind is not FindingKind.PIXELS]
    _note(into, left, file, now=False, left=True)
    gone = {one.cause for one in seen} - {one.cause for one in left}
    if gone:
        by = _statements(later)
        pixels = applied.pixels[0].statement if applied.pixels else None
        for cause in gone:
            mended = pixels if cause.kind is FindingKind.PIXELS else by.get(cause.path)
            into[cause].by = into[cause].by or mended or _any(by)


def _note(into: Sightings, seen: Collection[Seen], file: str, *, now: bool, left: bool) -> None:
    scan = scan_of(file)
    counted: set[Cause] = set()
    for one in seen:
        sighting = into.setdefault(one.cause, Sighting())
        sighting.see(one.value)
        if one.cause in counted:
            continue
        counted.add(one.cause)
        sighting.now += now
        sighting.left += left
        if now:
            sighting.scans[scan] += 1


def _open(place: Place, file: str) -> tuple[Stored, Original | None]:
    stored = open_stored(place.folder / file, guard=guard())
    records = kept_of(place.prearchive, place.session, place.stamp)
    return stored, records.find(place.keys.get(file), stored.head.text(_SOP_INSTANCE) or "")


def _as_received(stored: Stored, original: Original | None) -> ScriptedObject:
    if original is None:
        return opened(stored, Reach()).subject
    reach = Reach(tail=any(one.path[0] >= PIXEL_GROUP << 16 for one in original.undo))
    return opened(stored, reach, undo=original.undo).subject


def _mark(stored: Stored, original: Original | None) -> tuple[bytes | None, ...]:
    if original is not None:
        return tuple(one.element for one in original.undo)
    return stored.head.written(_TELLING)


def _written(original: Original | None) -> frozenset[tuple[int, ...]]:
    """Return the paths of what a line of the site script has written."""
    if original is None:
        return frozenset()
    return frozenset(one.path for one in original.undo if one.statement.line)


def _statements(subject: ScriptedObject) -> dict[str, Statement]:
    """Return which line of a script has changed an element, by its path without items."""
    found: dict[str, Statement] = {}
    for change in changes_of(subject):
        if change.kind is not ChangeKind.REJECTED:
            found.setdefault(_ITEM.sub("[]", change.path), change.statement)
    return found


def _any(by: Mapping[str, Statement]) -> Statement | None:
    return next(iter(by.values()), None)


def _must_be_there(place: Place) -> None:
    if not place.folder.is_dir():
        # It was renamed meanwhile: files that seem to have gone are somewhere else.
        raise FileNotFoundError(place.folder)
