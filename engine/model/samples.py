# SPDX-License-Identifier: Apache-2.0
"""Samples that are kept with a script: objects of archived sessions, and what a script is expected
to make of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.model.changes import ScriptOutcome
from engine.model.errors import Problem


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sample of a scope."""

    scope: str
    name: str
    session: str
    """Accession ID of the archived session that the object is of."""
    file: str
    """Its path below the folder of the session."""
    outcome: ScriptOutcome
    """What is expected: that of the version that was active when it was added."""
    at: datetime
    author: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleResult:
    """What a text makes of a sample."""

    sample: Sample
    tried: ScriptOutcome | None = None
    """None where the object could not be tried."""
    active: ScriptOutcome | None = None
    """What the version in force makes of it; None where none runs."""
    same_changes: bool = False
    """Whether the changes are the expected ones, value by value."""
    problem: Problem | None = None
    """Why the text fails, by line and column, or why the object could not be tried."""

    @property
    def is_as_expected(self) -> bool:
        """Whether the outcome is the expected one."""
        return self.tried is self.sample.outcome

    @property
    def is_worse(self) -> bool:
        """Whether the outcome is not the expected one, while that of the version in force is."""
        before = self.active is None or self.active is self.sample.outcome
        return self.tried is not None and before and not self.is_as_expected

    def __str__(self) -> str:
        """Say it in a few words."""
        if self.tried is None:
            return f"{self.sample.name}: not tried: {self.problem}"
        problem = f" ({self.problem})" if self.problem is not None else ""
        told = f"{self.sample.name}: expected {self.sample.outcome}, is {self.tried}{problem}"
        return told if not self.is_as_expected or self.same_changes else f"{told}, other changes"
