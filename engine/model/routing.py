# SPDX-License-Identifier: Apache-2.0
"""The result of routing: where an object belongs, and why. Screens, journals and the command line
show these values; the rules themselves are in `engine.routing`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model.prearchive import LogEntry


class Concept(StrEnum):
    """The four values that routing finds, each independently of the others."""

    PROJECT = "project"
    SUBJECT = "subject"
    SESSION = "session"
    AUTO_ARCHIVE = "autoarchive"


class Verdict(StrEnum):
    """How one extractor's answer was judged."""

    WON = "won"
    NO_MATCH = "no match"
    ABSENT = "absent"
    """The element is not in the header, or a list of rules has no line."""

    BLANK = "blank"
    """The element is empty, or what was extracted from it is."""

    NOT_A_PROJECT = "not a project"
    """The candidate is neither an ID nor an alias of a project that the receiving account sees."""

    NOT_ASKED = "not asked"
    """An extractor before it had won."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceStep:
    """One extractor's part in finding one concept.

    `saw` and `found` come from the header and may hold PHI: they stay in the prearchive and on the
    screens of those who may see originals, never in logs or the permanent audit.
    """

    concept: Concept
    extractor: str
    """Its name for people: `request`, `receiver rule 2`, `site rule 1` (by line of the text),
    `patient comments`, ... `default`."""
    element: str = ""
    """The tag that was read, `(gggg,eeee)`; empty when none was."""
    saw: str = ""
    """The text it read, cut to a length that fits a screen. May hold PHI."""
    found: str | None = None
    """The candidate, before labels are cleaned. May hold PHI."""
    verdict: Verdict
    note: str = ""
    """A sentence where the verdict alone does not explain; never holds text of the header."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """Where an object belongs. Labels are clean unless a request gave them."""

    project: str | None
    """Project ID, never an alias; None is Unassigned."""
    subject: str | None
    session: str
    auto_archive: bool | None
    """True: archive when complete. False: hold. None: the project's code decides."""
    trace: tuple[TraceStep, ...] = ()
    """Every extractor in order, where a trace was asked for; otherwise empty."""
    moves: tuple[LogEntry, ...] = ()
    """Of a session: that somebody has put it elsewhere since it came, the oldest first."""
    before: Route | None = None
    """How a session was routed before it was moved first, where that is kept."""
