# SPDX-License-Identifier: Apache-2.0
"""Remarks on a text that a user wrote: errors, and constructs that are legal but rarely intended.
How such a text is parsed is not known here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from engine.model.errors import Problem


class Severity(StrEnum):
    """How bad it is."""

    ERROR = "error"
    """The text cannot be used."""
    WARNING = "warning"
    """The text can be used, but may not do what its author wants."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark(Problem):
    """Something to say about one place of a text."""

    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        mark = "warning: " if self.severity is Severity.WARNING else ""
        place = ":".join(str(part) for part in (self.path, self.line, self.column) if part)
        return f"{place}: {mark}{self.message}" if place else mark + self.message
