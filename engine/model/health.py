# SPDX-License-Identifier: Apache-2.0
"""The results of the checks of an engine: each says what was found, its consequence, and what to
do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Finding(StrEnum):
    """How a check ended; the worst comes first in lists."""

    FAILED = "failed"
    LOOK = "look"
    GOOD = "good"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    """One check. No text names a patient."""

    name: str
    finding: Finding
    found: str
    """What was found, in one sentence."""
    consequence: str = ""
    """What comes of it if nothing is done."""
    remedy: tuple[str, ...] = ()
    """What to do, step by step."""

    @classmethod
    def good(cls, name: str, found: str) -> Check:
        """Return a check that found nothing to do."""
        return cls(name=name, finding=Finding.GOOD, found=found)
