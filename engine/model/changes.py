# SPDX-License-Identifier: Apache-2.0
"""The changes of a script to an object, element by element, and the statement that made them.
Values may identify a patient: they are shown only to users who may see originals, and never appear
in a log or in the audit trail."""

from __future__ import annotations

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


@dataclass(frozen=True, kw_only=True, slots=True)
class FoldedChange:
    """The same change in so many files of a session."""

    change: Change
    files: int
