# SPDX-License-Identifier: Apache-2.0
"""Two sessions, scans or files side by side, or one of them in two versions: what differs between
their headers. Values may identify a patient."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model.contents import HeaderRow


class Version(StrEnum):
    """What scripts make of an object, before and after."""

    RECEIVED = "received"
    """As it was sent, as far as that is kept."""
    STORED = "stored"
    """As it is now."""
    TO_COME = "to-come"
    """As the project's script will leave it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What of a session is compared."""

    scan: str = ""
    file: str = ""
    """One file, by its path below the session's folder; with neither of them the whole session."""
    version: Version = Version.STORED


STORED = Part()
"""The whole session as it is now."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedSide:
    """One of the two."""

    session: str
    """Prearchive id, or accession ID."""
    part: Part
    files: int
    """Files that were read."""
    total: int
    """Files that there are."""
    unread: tuple[str, ...] = ()
    """Files that could not be read and why, the first few; without values."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedRow:
    """One element that differs: other values, or it is on one side only."""

    left: HeaderRow | None = None
    right: HeaderRow | None = None

    @property
    def either(self) -> HeaderRow:
        """The element, on a side that has it."""
        row = self.left or self.right
        if row is None:
            raise AssertionError("an element is on one side at least")
        return row


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """What differs."""

    left: ComparedSide
    right: ComparedSide
    rows: tuple[ComparedRow, ...] = ()
    """In the order of elements. What stands in a sequence that is on one side only is left out."""
    same: int = 0
    """Elements, with those in sequences, that are the same."""
    left_out: int = 0
    """Rows beyond the most that are told, or that could not be read."""
