# SPDX-License-Identifier: Apache-2.0
"""What was configured at a moment, and what differs between two."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, kw_only=True, slots=True)
class Configured:
    """One thing that was configured. No secret is part of it."""

    kind: str
    """`settings file`, `setting`, `receiver`, `remote`, `project`, `rules`, `script`, `user` or
    `role`."""
    name: str
    values: dict[str, str]


class Step(StrEnum):
    """When something applied to a session."""

    RECEIVED = "received"
    FILED = "filed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Applied:
    """Something in force that applied to a session."""

    step: Step
    kind: str
    """`rules`, `script` or `setting`."""
    name: str
    """Scope and concept of rules, scope of a script, name of a setting."""
    version: str
    """Of a setting its value."""
    at: datetime
    """The moment at which it was in force: `anteroom config at` tells all of it."""


class Difference(StrEnum):
    """How something differs between two moments."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationChange:
    """What has become of one thing from one moment to another."""

    kind: str
    name: str
    difference: Difference
    before: dict[str, str]
    """Of what was changed, only the values that differ; so after."""
    after: dict[str, str]
    by: str = ""
    """Who changed it last, and when."""
    at: datetime | None = None
