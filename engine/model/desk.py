# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk: what people have said of a session that waits, whose it is to look at, who
has reviewed it, and who has it open now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

LONGEST_NOTE = 2_000
"""Characters of a note."""

SAID_AGAIN = 20.0
"""Seconds after which a console says again what it has open; it is forgotten after three times."""

NOBODY = "none"
"""Whom a filter names for sessions that are nobody's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A person who has a session open in a console."""

    session: str
    login: str
    since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What is known of a session beside what it consists of. The note may name a patient."""

    session: str
    note: str = ""
    noted_by: str = ""
    noted: datetime | None = None
    assigned: str = ""
    """Who is to look at it; empty where nobody was named."""
    assigned_by: str = ""
    assigned_at: datetime | None = None
    reviewed_by: str = ""
    """Who has reviewed what stands there now; empty where nobody has."""
    reviewed: datetime | None = None
    fell: str = ""
    """Why the last mark of a review no longer holds: what was reviewed is not what stands there."""
    opened: tuple[Opened, ...] = ()
    """Who else has it open."""
