# SPDX-License-Identifier: Apache-2.0
"""The result of comparing a filed session with its document and its catalogs. Counts may be shown
anywhere; names of files are only for users who may see the session, because a stray file may have
any name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

MOST_NAMED = 200
"""Faults of each kind that are named; beyond that they are counted."""


class FaultKind(StrEnum):
    """What can be wrong in the folder of a filed session."""

    MISSING = "missing"
    """A catalog lists the file, and it is not there."""
    CHANGED = "changed"
    """It is there, and is not what the catalog tells of it."""
    STRAY = "stray"
    """It is there, and nothing tells of it."""
    DAMAGED = "damaged"
    """A catalog or the session document that cannot be relied upon."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One thing that is wrong."""

    kind: FaultKind
    path: str
    """Below the session's folder; empty for the folder itself."""
    detail: str = ""
    """What was found there; holds no value of a header."""

    def __str__(self) -> str:
        return f"{self.kind.value}: {self.path or 'the folder'}" + (
            f" ({self.detail})" if self.detail else ""
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultCounts:
    """How much of each kind is wrong."""

    missing: int = 0
    changed: int = 0
    stray: int = 0
    damaged: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.missing + self.changed + self.stray + self.damaged

    def plus(self, other: FaultCounts) -> FaultCounts:
        """Add those that were found elsewhere."""
        return FaultCounts(
            missing=self.missing + other.missing,
            changed=self.changed + other.changed,
            stray=self.stray + other.stray,
            damaged=self.damaged + other.damaged,
        )

    def __str__(self) -> str:
        said = ((kind.value, getattr(self, kind.value)) for kind in FaultKind)
        return ", ".join(f"{count} {word}" for word, count in said if count) or "as it should be"


@dataclass(frozen=True, kw_only=True, slots=True)
class Faults:
    """What is wrong: how much of each kind, and the first of each by name."""

    counts: FaultCounts = FaultCounts()
    named: tuple[Fault, ...] = ()

    def plus(self, faults: Iterable[Fault]) -> Faults:
        """Add some; beyond `MOST_NAMED` of a kind they are counted only."""
        counts, named = self.counts, list(self.named)
        for fault in faults:
            before = getattr(counts, fault.kind.value)
            if before < MOST_NAMED:
                named.append(fault)
            counts = replace(counts, **{fault.kind.value: before + 1})
        return Faults(counts=counts, named=tuple(named))

    def joined(self, other: Faults) -> Faults:
        """Add what was found elsewhere."""
        named = self.plus(other.named).named
        return Faults(counts=self.counts.plus(other.counts), named=named)


@dataclass(frozen=True, kw_only=True, slots=True)
class LastVerification:
    """What the last whole verification of a session found."""

    at: datetime
    files: int
    """Files that were digested."""
    counts: FaultCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class Verification:
    """How far the verification of a session is, or what it found. Sizes are bytes."""

    accession: str
    run: str
    """Names this verification when it is asked for again."""
    done: bool
    files: int
    """Files that have been digested."""
    of_files: int
    bytes: int
    of_bytes: int
    faults: Faults
    undigested: int = 0
    """Files of which the catalog holds no digest: only their presence and size were looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DueSessions:
    """Sessions to verify, the least recently verified first."""

    accessions: tuple[str, ...]
    total: int
    """Sessions of the archive."""
