# SPDX-License-Identifier: Apache-2.0
"""What was seen in the objects of a session, folded: the same cause at the same place is one, over
all files. Patient data, until it has become findings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from engine.model.changes import Statement
from engine.model.findings import Finding, FindingKind, Level

_LONGEST_VALUE = 120
_MOST_VALUES = 100
_MOST_SCANS = 50


@dataclass(frozen=True, slots=True)
class Cause:
    """What a finding is about."""

    kind: FindingKind
    level: Level
    path: str
    name: str
    cause: str
    remedy: str = ""

    @property
    def key(self) -> str:
        """The same again for the same cause at the same place."""
        said = f"{self.kind.value}\0{self.path}\0{self.name}\0{self.cause}"
        return blake2b(said.encode(), digest_size=8).hexdigest()


@dataclass(slots=True)
class Sighting:
    """Where one cause was seen."""

    now: int = 0
    """Files as they stand in the prearchive."""
    left: int = 0
    """Files as the project's script leaves them."""
    scans: Counter[str] = field(default_factory=Counter)
    values: dict[str, None] = field(default_factory=dict)
    by: Statement | None = None
    """What of the project's script has touched the element."""

    def join(self, other: Sighting) -> None:
        """Add what was seen in other files."""
        self.now += other.now
        self.left += other.left
        self.scans += other.scans
        for value in other.values:
            self.see(value)
        self.by = self.by or other.by

    def see(self, value: str) -> None:
        """Keep a value, as far as there is room."""
        if value and len(self.values) < _MOST_VALUES:
            self.values[value[:_LONGEST_VALUE]] = None

    def evidence(self) -> str:
        """Return what tells these values from others."""
        digest = blake2b(digest_size=8)
        for value in sorted(self.values):
            digest.update(value.encode() + b"\0")
        return digest.hexdigest()


Sightings = dict[Cause, Sighting]


def join(all: Sightings, more: Sightings) -> None:
    """Add what was seen in other files."""
    for cause, sighting in more.items():
        all.setdefault(cause, Sighting()).join(sighting)


def found(all: Sightings) -> list[tuple[Finding, str]]:
    """Return the findings, the highest level first, each with what its values are known by."""
    order = list(Level)
    rows = [
        (
            Finding(
                key=cause.key,
                kind=cause.kind,
                level=cause.level,
                path=cause.path,
                name=cause.name,
                scans=tuple(sorted(seen.scans))[:_MOST_SCANS],
                files=seen.now,
                left=seen.left,
                value=_told(seen.values),
                cause=cause.cause,
                mended_by=seen.by if not seen.left else None,
                remedy=cause.remedy,
            ),
            seen.evidence(),
        )
        for cause, seen in all.items()
    ]
    return sorted(rows, key=lambda row: (order.index(row[0].level), row[0].path, row[0].key))


def _told(values: dict[str, None]) -> str:
    if len(values) > 1:
        more = "" if len(values) < _MOST_VALUES else "or more "
        return f"‹{len(values)} {more}values›"
    return next(iter(values), "")
