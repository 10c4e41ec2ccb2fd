# SPDX-License-Identifier: Apache-2.0
"""What a script that nobody has saved would do to objects, beside what the active version does.
Values may identify a patient, as those of headers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from engine.model.changes import Change, FoldedChange, ScriptOutcome
from engine.model.errors import Problem


class Standing(StrEnum):
    """How a change of the tried text stands to those of the active version."""

    SAME = "same"
    OTHER = "other"
    """Both change the element, to something else."""
    NEW = "new"
    """Only the tried text changes it."""
    GONE = "gone"
    """Only the active version changes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRow:
    """A change in so many files."""

    standing: Standing
    row: FoldedChange
    """By the tried text; where it is gone, by the active version."""
    was: Change | None = None
    """What the active version does instead, where that is something else."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialFailure:
    """Files with which the tried text fails in the same way."""

    problem: Problem
    """With line and column, where the script is at fault."""
    files: int
    named: tuple[str, ...] = ()
    """Some of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialKind:
    """What becomes of the files of one modality."""

    modality: str
    tried: dict[str, int] = field(default_factory=dict)
    """How many files have each outcome with the tried text."""
    active: dict[str, int] = field(default_factory=dict)
    """The same with the active version; empty where none runs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """A tried text over some files, none of which is changed."""

    scope: str
    version: int = 0
    """The active version that it is compared with; 0 where none runs."""
    files: int = 0
    read: int = 0
    """Of large sessions, and by slow scripts, only some are tried."""
    as_received: int = 0
    """Files that were tried as they were received; the others as they stand."""
    kinds: tuple[TrialKind, ...] = ()
    rows: tuple[TrialRow, ...] = ()
    """In the order of elements."""
    left_out: int = 0
    """Rows beyond the most that are told."""
    failures: tuple[TrialFailure, ...] = ()
    stopped: str = ""
    """Why the text was stopped before it came to an end."""

    @property
    def outcomes(self) -> Counter[ScriptOutcome]:
        """How many files have each outcome with the tried text."""
        found: Counter[ScriptOutcome] = Counter()
        for kind in self.kinds:
            found.update({ScriptOutcome(name): count for name, count in kind.tried.items()})
        return found

    @property
    def standings(self) -> Counter[Standing]:
        """How many changes stand in each way."""
        return Counter(one.standing for one in self.rows)
