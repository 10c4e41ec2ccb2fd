# SPDX-License-Identifier: Apache-2.0
"""What waits for whom, and since when; and how it went in a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class QueueKind(StrEnum):
    """What is to be done with what waits, the order in which it is listed."""

    UNASSIGNED = "unassigned"
    """It named no project."""
    HELD = "held"
    """Objects that a script error keeps in staging."""
    CONFLICT = "conflict"
    ERROR = "error"
    LATE = "late"
    """It came after its session was archived."""
    REVIEW = "review"
    """It is built, and nobody has reviewed it."""
    ARCHIVE = "archive"
    """It is reviewed, and still here."""
    QUARANTINE = "quarantine"
    """It is archived, and not released."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """What waits for one thing, in one project, for one person."""

    kind: QueueKind
    project: str = ""
    """Empty for what belongs to none."""
    person: str = ""
    """To whom it was given; empty for whoever may."""
    waiting: int
    oldest: datetime
    """Since when the oldest of it waits: when its last object came, when it was held, when it went
    into quarantine."""
    goal_hours: int = 0
    """How long it is to wait at most; 0 where nobody has said."""
    overdue: int = 0
    """How much of it waits for longer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthLine:
    """How sessions of one project fared in one month. No session is named."""

    month: str
    """As `2026-11`."""
    project: str
    """Empty for what belonged to none."""
    received: int
    """Sessions that began to come in it."""
    reviewed: int
    """Of those that left in it, how many somebody had reviewed."""
    archived: int
    rejected: int
    """Deleted, and not put back since."""
    waiting: int
    """What was there at its end, or is there now."""
    median_hours: float | None = None
    """From the first object to the archive, of what was archived in it; None where nothing was."""
    p90_hours: float | None = None
