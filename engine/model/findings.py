# SPDX-License-Identifier: Apache-2.0
"""Where a patient may still shine through in a session. Values of findings are patient data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.changes import Statement


class Level(StrEnum):
    """How much a finding may tell; the highest first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    def reaches(self, other: Level) -> bool:
        """Whether it is at least as high as another."""
        order = list(Level)
        return order.index(self) <= order.index(other)


NO_LIMIT = "none"
"""In place of a level, where open findings keep nothing out of the archive."""


class FindingKind(StrEnum):
    """What was found."""

    PROFILE = "profile"
    """An attribute holds a value that the Basic Profile removes or replaces (PS3.15 E.1-1)."""
    RECURS = "recurs"
    """What the object said of its patient stands somewhere else, too."""
    PRIVATE = "private"
    """Private elements, of which nobody knows what they hold."""
    TEXT = "text"
    """Free text that people have written."""
    GRAPHICS = "graphics"
    """Overlays, curves and annotations, which may be drawn text."""
    PIXELS = "pixels"
    """The image may show text."""
    DOCUMENT = "document"
    """A report or a document inside the object."""
    UNREAD = "unread"
    """An object that could not be looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One finding over all files of a session that have it."""

    key: str
    """The same again for the same cause at the same place."""
    kind: FindingKind
    level: Level
    path: str = ""
    """Of the element, items without their numbers; empty where it is about the file."""
    name: str = ""
    """What the element is called."""
    scans: tuple[str, ...] = ()
    files: int = 0
    """How many files have it now; 0 where only the project's script would bring it in."""
    left: int = 0
    """How many will have it once the project's script has run."""
    value: str = ""
    """One of the values, cut; `‹3 values›` for several."""
    cause: str = ""
    mended_by: Statement | None = None
    """The statement of the project's script that removes it from all files."""
    remedy: str = ""
    """A line for a script that would mend it; empty where there is none."""
    acknowledged_by: str = ""
    acknowledged: datetime | None = None
    reason: str = ""
    """Why somebody has acknowledged it."""

    @property
    def is_open(self) -> bool:
        """Whether it stands in the way of what wants none."""
        return self.acknowledged is None and self.left > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Findings:
    """All findings of a session."""

    session: str
    looked: datetime | None = None
    """When it was looked at; None where that is still to come."""
    files: int = 0
    """How many files were looked at."""
    rows: tuple[Finding, ...] = ()
    """The highest level first."""
