# SPDX-License-Identifier: Apache-2.0
"""The changes that scripts made to some objects of a waiting session, and those that the next one
would make: element by element, folded. Nothing is changed here. It runs in the process pool;
`engine.service.reviewing` says which files are read when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.applied import Undo
from engine.anonymize.runtime.changes import changes_of, name_of, path_text, shown
from engine.anonymize.runtime.reach import Reach
from engine.anonymize.runtime.record import recorded_in, records_in
from engine.anonymize.runtime.subject import ScriptedObject
from engine.anonymize.stored import Stored, open_stored, opened
from engine.anonymize.whole import blanking, rejection
from engine.dicom.header import HeaderError
from engine.dicom.walk import PIXEL_GROUP
from engine.intake.identity import unsound
from engine.intake.kept import KeptOriginals, Key
from engine.intake.originals import Original, Originals
from engine.intake.site_script import recorded
from engine.jobs.scripting import ScriptWork, guard
from engine.jobs.stay import Stay
from engine.model.change_fold import ChangeFold
from engine.model.changes import Change, ChangeKind, ScriptOutcome
from engine.model.errors import InvalidInput
from engine.sessions.contents import scan_of

_SOP_INSTANCE = 0x00080018
OURS = "scr_"
"""What ids of our scripts begin with."""

Folds = dict[str, ChangeFold]
"""By scan."""


def done(
    folder: Path,
    files: Sequence[str],
    keys: Mapping[str, Key],
    prearchive: Path,
    session: str,
    stamp: str,
) -> Folds:
    """Tell what scripts have changed of some objects, as far as it is kept; `stamp` is another one
    whenever more is kept.

    Raises:
        FileNotFoundError: if the folder is not there.
    """
    kept = kept_of(prearchive, session, stamp)

    def look(file: str, fold: ChangeFold, stay: Stay) -> None:
        stored = open_stored(folder / file, guard=guard())
        original = kept.find(keys.get(file), stored.head.text(_SOP_INSTANCE) or "")
        if original is None and any(one.startswith(OURS) for one in records_in(stored.head)):
            fold.add_unknown()
            return
        found = [] if original is None else _changes(stored, original)
        stay.add(file, stored.head, found)
        fold.add(found, file)

    return _looked(folder, files, look, lambda _: "its header cannot be read for sure")


def to_come(folder: Path, files: Sequence[str], work: ScriptWork) -> Folds:
    """Tell what a script would change of some objects; nothing is written.

    Raises:
        FileNotFoundError: if the folder is not there.
    """

    def look(file: str, fold: ChangeFold, stay: Stay) -> None:
        stored = open_stored(folder / file, guard=guard())
        found = _preview(stored, work)
        if all(one.kind is not ChangeKind.REJECTED for one in found):
            stay.add(file, stored.head, found)
        fold.add(found, file)

    return _looked(folder, files, look, work.fault)


def _looked(
    folder: Path,
    files: Sequence[str],
    look: Callable[[str, ChangeFold, Stay], None],
    fault: Callable[[InvalidInput | HeaderError], str],
) -> Folds:
    folds: Folds = {}
    stays: dict[str, Stay] = {}
    for file in files:
        scan = scan_of(file)
        fold = folds.setdefault(scan, ChangeFold())
        try:
            look(file, fold, stays.setdefault(scan, Stay()))
        except (InvalidInput, HeaderError) as error:
            fold.add_failure(fault(error), file)
        except FileNotFoundError:
            fold.add_failure("it has gone", file)
        except OSError as error:
            fold.add_failure(f"it cannot be read: {error.strerror}", file)
    if not folder.is_dir():
        # It was renamed meanwhile: files that seem to have gone are somewhere else.
        raise FileNotFoundError(folder)
    for scan, stay in stays.items():
        stay.into(folds[scan])
    return folds


@lru_cache(maxsize=2)
def kept_of(prearchive: Path, session: str, _stamp: str) -> KeptOriginals:
    """Return the undo records of a session; a process reads them once, until there are others."""
    return KeptOriginals(Originals(prearchive), session)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Seen:
    """One element in one state of an object."""

    vr: str
    name: str
    text: str


def _changes(stored: Stored, original: Original) -> list[Change]:
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
    return _Seen(vr=level.vr(tag), name=name_of(level, tag), text=shown(level, tag))


def _preview(stored: Stored, work: ScriptWork) -> list[Change]:
    if recorded_in(stored.head, work.record):
        return []
    plan = work.plan()
    found = opened(stored, plan.reach)
    applied = plan.apply(found.subject, work.variables, undo=False, record="")
    if applied.outcome is ScriptOutcome.REJECTED:
        return [rejection(found.subject.statement)]
    if not found.subject.changed and not applied.pixels:
        return []
    # As it is done on the way to the archive.
    recorded(found.subject, work.record, plan)
    lacking = unsound(found.subject)
    if lacking:
        raise ScriptError(lacking)
    return [*changes_of(found.subject), *(blanking(request) for request in applied.pixels)]
