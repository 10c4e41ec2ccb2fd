# SPDX-License-Identifier: Apache-2.0
"""What would have become of sessions that have come if other rules had been in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

MOST_TRIED = 1_000
"""Sessions that one question is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where rules bring a session."""

    project: str | None
    """None is Unassigned."""
    subject: str | None
    session: str
    auto_archive: bool | None
    """None: the project's code decides."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rerouted:
    """A session that other rules would have brought elsewhere."""

    id: str
    """The prearchive id, or the accession ID of a filed one."""
    filed: bool
    label: str
    project: str | None
    """Where it is."""
    came: datetime
    now: Destination
    """By the rules in force, from its first object as it is kept."""
    then: Destination


@dataclass(frozen=True, kw_only=True, slots=True)
class WhatIf:
    """The last sessions, routed by the rules in force and by others."""

    tried: int
    """Sessions of which an object could be read."""
    unread: int
    """Sessions of which none could."""
    adrift: int
    """Sessions that the rules in force would not bring where they are: a script has removed what
    was read, or a person has moved them. What is said of them is less sure."""
    moved: tuple[Rerouted, ...]
    """Those that would have gone elsewhere, the newest first."""
