# SPDX-License-Identifier: Apache-2.0
"""The changes of a script to an object, element by element, and the statement that made them.
Values may identify a patient: they are shown only to users who may see originals, and never appear
in a log or in the audit trail."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum


class ScriptOutcome(StrEnum):
    """How a script ended for one object; of several the later one in this list counts."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    REJECTED = "rejected"
    ERROR = "error"


class ChangeKind(StrEnum):
    """What happened to one element."""

    ADDED = "added"
    CHANGED = "changed"
    EMPTIED = "emptied"
    REMOVED = "removed"
    PIXELS = "pixels"
    SAME = "same"
    """It stays as it is."""
    REJECTED = "rejected"
    """Not an element, but the whole object: it is left out."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """A statement of a script that ran."""

    script: str
    """`site`, `project NEURO3`, or the name of a file."""
    version: int = 0
    """0 where scripts have no versions, as those of files."""
    line: int = 0
    """0 for what the record of de-identification adds by itself."""

    def __str__(self) -> str:
        version = f" v{self.version}" if self.version else ""
        return f"{self.script}{version}:{self.line}" if self.line else f"{self.script}{version}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """One element before and after all scripts of a run, and the last statement that touched it."""

    path: str
    """`(0008,1140)[1].(0008,1155)`, items counted from 0."""
    name: str
    """Keyword; empty where no dictionary knows it."""
    kind: ChangeKind
    vr: str = ""
    before: str = ""
    """Text of the value, cut; binary values and sequences say their size instead."""
    after: str = ""
    statement: Statement


NOBODY = Statement(script="")
"""What touched an element that stays as it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedChange:
    """The same change in so many files of a session."""

    change: Change
    """Of values that differ from file to file only their number is told: `‹48 values›`."""
    files: int
    befores: int = 1
    """How many values there were before."""
    afters: int = 1
    odd: tuple[str, ...] = ()
    """Some of the files, by their paths, where something else, or nothing, became of the element in
    more files than in these."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedFailure:
    """Files of which a script, or reading them, fails in the same way."""

    said: str
    """In a sentence, without values."""
    files: int
    odd: tuple[str, ...] = ()
    """Some of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionChanges:
    """What scripts did, or will do, to the files of a scan or of a session, folded; `read` tells
    how many of them this is about by now."""

    rows: tuple[FoldedChange, ...] = ()
    """In the order of elements, with those that stay as they are."""
    read: int = 0
    files: int = 0
    """How many there are."""
    alike: int = 0
    """The most files to which the same is done, by the same statements."""
    odd: tuple[str, ...] = ()
    """Some of the others."""
    unknown: int = 0
    """Files of which is not known what they were."""
    failures: tuple[FoldedFailure, ...] = ()
    left_out: int = 0
    """Rows beyond the most that are told."""
    scripts: tuple[str, ...] = ()
    """What did it, without lines: `site v7`."""

    @property
    def is_whole(self) -> bool:
        """Whether all files have been read."""
        return self.read >= self.files

    @property
    def totals(self) -> Counter[ChangeKind]:
        """How many elements there are of each kind."""
        return Counter(one.change.kind for one in self.rows)
