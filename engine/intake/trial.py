# SPDX-License-Identifier: Apache-2.0
"""Tries a script over stored files beside the one in force: nothing is written, and every file is
seen as the script would see it. It runs in a helper process (`engine.intake.trial_worker`)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.anonymize import hosting
from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.changes import changes_of
from engine.anonymize.runtime.plan import CompiledScript
from engine.anonymize.stored import Stored, open_stored, opened
from engine.anonymize.whole import blanking, rejection
from engine.dicom.guard import Guard
from engine.dicom.header import HeaderError
from engine.intake.kept import KeptOriginals, Key
from engine.intake.originals import Original, Originals
from engine.model.change_fold import ChangeFold
from engine.model.changes import Change, ScriptOutcome
from engine.model.errors import InvalidInput, Problem
from engine.model.scripts import ScriptInForce
from engine.model.trials import Standing, Trial, TrialFailure, TrialKind, TrialRow

SECONDS = 8.0
"""Processor time after which no other file is begun."""
PER_OBJECT = 3.0
"""Processor time of one script for one object."""
_MOST_ROWS = 5_000
_NAMED = 5
_MODALITY, _SOP_INSTANCE = 0x00080060, 0x00080018
_UNREADABLE = "the header cannot be read for sure"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialWork:
    """What is tried, and over which files."""

    draft: ScriptInForce
    active: ScriptInForce | None
    variables: dict[str, str]
    folder: str
    files: tuple[str, ...]
    total: int
    """How many files there are."""
    prearchive: str = ""
    """Where undo records are; objects are tried as they were received if it is given."""
    session: str = ""
    keys: dict[str, Key] = field(default_factory=dict)
    secret: bytes = field(repr=False)


@dataclass(slots=True)
class _Ran:
    """What a script makes of an object."""

    outcome: ScriptOutcome
    changes: tuple[Change, ...] = ()
    problem: Problem | None = None

    @property
    def by_path(self) -> dict[str, Change]:
        return {one.path: one for one in self.changes}


def run(work: TrialWork, guard: Guard, now: Callable[[], float] = time.process_time) -> Trial:
    """Try a script over one file after the other, until `SECONDS` are used.

    Raises:
        InvalidInput: the script or its lookup table has faults.
        FileNotFoundError: if the folder is not there.
    """
    told = _Told()
    plan = hosting.ready(work.draft, secret=work.secret)
    active = None if work.active is None else hosting.ready(work.active, secret=work.secret)
    kept = (
        KeptOriginals(Originals(Path(work.prearchive)), work.session) if work.prearchive else None
    )
    begun = now()
    for file in work.files:
        if now() - begun > SECONDS:
            break
        told.read += 1
        try:
            stored = open_stored(Path(work.folder) / file, guard=guard)
        except (InvalidInput, HeaderError) as error:
            told.add(file, "", _failed(error), None)
            continue
        except FileNotFoundError:
            if not Path(work.folder).is_dir():
                raise
            continue
        original = None
        if kept is not None:
            sop = stored.head.text(_SOP_INSTANCE) or ""
            original = kept.find(work.keys.get(file), sop)
            told.as_received += original is not None
        tried = _ran(plan, stored, original, work.variables)
        was = None if active is None else _ran(active, stored, original, work.variables)
        told.add(file, stored.head.text(_MODALITY) or "", tried, was)
    rows = tuple(told.rows())
    return Trial(
        scope=work.draft.scope,
        version=0 if work.active is None else work.active.version,
        files=work.total,
        read=told.read,
        as_received=told.as_received,
        kinds=told.kinds(),
        rows=rows[:_MOST_ROWS],
        left_out=max(0, len(rows) - _MOST_ROWS),
        failures=told.failures(),
    )


def _ran(
    plan: CompiledScript, stored: Stored, original: Original | None, variables: dict[str, str]
) -> _Ran:
    try:
        undo = original.undo if original is not None else ()
        found = opened(stored, plan.reach, undo=undo)
        applied = plan.apply(found.subject, variables, undo=False, record="", seconds=PER_OBJECT)
    except (InvalidInput, HeaderError) as error:
        return _failed(error)
    if applied.outcome is ScriptOutcome.REJECTED:
        return _Ran(applied.outcome, (rejection(found.subject.statement),))
    changes = (*changes_of(found.subject), *(blanking(one) for one in applied.pixels))
    return _Ran(applied.outcome, changes)


def _failed(error: InvalidInput | HeaderError) -> _Ran:
    if isinstance(error, ScriptError):
        problem = Problem(message=error.message, line=error.line, column=error.column)
    else:
        problem = Problem(message=error.message if isinstance(error, InvalidInput) else _UNREADABLE)
    return _Ran(ScriptOutcome.ERROR, problem=problem)


class _Told:
    """All files together."""

    def __init__(self) -> None:
        self.read = 0
        self.as_received = 0
        self._tried: dict[str, Counter[str]] = {}
        self._active: dict[str, Counter[str]] = {}
        self._folds = {standing: ChangeFold() for standing in Standing}
        self._was: dict[str, Change] = {}
        self._failed: dict[Problem, list[str]] = {}

    def add(self, file: str, modality: str, tried: _Ran, was: _Ran | None) -> None:
        """Add a file."""
        self._tried.setdefault(modality, Counter())[tried.outcome.value] += 1
        if was is not None:
            self._active.setdefault(modality, Counter())[was.outcome.value] += 1
        if tried.problem is not None:
            self._failed.setdefault(tried.problem, []).append(file)
        before = {} if was is None else was.by_path
        found: dict[Standing, list[Change]] = {standing: [] for standing in Standing}
        for path, change in tried.by_path.items():
            other = before.pop(path, None)
            if other is None:
                found[Standing.NEW].append(change)
            elif (other.kind, other.after) == (change.kind, change.after):
                found[Standing.SAME].append(change)
            else:
                found[Standing.OTHER].append(change)
                self._was.setdefault(path, other)
        found[Standing.GONE] += before.values()
        for standing, changes in found.items():
            self._folds[standing].add(changes, file)

    def rows(self) -> Iterator[TrialRow]:
        """Yield the changes in the order of their elements."""
        every = [
            (row.change.path, standing, row)
            for standing, fold in self._folds.items()
            for row in fold.folded()
        ]
        for path, standing, row in sorted(every, key=lambda one: one[:2]):
            was = self._was.get(path) if standing is Standing.OTHER else None
            yield TrialRow(standing=standing, row=row, was=was)

    def kinds(self) -> tuple[TrialKind, ...]:
        """Return the outcomes by modality."""
        return tuple(
            TrialKind(
                modality=modality,
                tried=dict(counts),
                active=dict(self._active.get(modality, {})),
            )
            for modality, counts in sorted(self._tried.items())
        )

    def failures(self) -> tuple[TrialFailure, ...]:
        """Return the ways in which the script fails, the most frequent first."""
        ordered = sorted(self._failed.items(), key=lambda one: (-len(one[1]), one[0].line))
        return tuple(
            TrialFailure(problem=problem, files=len(files), named=tuple(files[:_NAMED]))
            for problem, files in ordered
        )
