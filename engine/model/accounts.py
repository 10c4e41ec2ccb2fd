# SPDX-License-Identifier: Apache-2.0
"""The places where a received object can be, and what the accounts add up to (intake contract 12).
received = waiting + held + archived + duplicate + filtered + rejected + deleted + replaced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Place(StrEnum):
    """Where an object that was answered with success is counted; exactly one at any moment."""

    WAITING = "waiting"
    HELD = "held"
    ARCHIVED = "archived"
    DUPLICATE = "duplicate"
    FILTERED = "filtered"
    REJECTED = "rejected"
    DELETED = "deleted"
    REPLACED = "replaced"
    REFUSED = "refused"
    FAILED = "failed"


BESIDE = frozenset({Place.REFUSED, Place.FAILED})
"""Counted beside the sum: nothing of these objects is kept, and the sender was told so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounts:
    """The number of objects in each place."""

    counts: dict[Place, int]

    @property
    def received(self) -> int:
        """Objects answered with success."""
        return sum(count for place, count in self.counts.items() if place not in BESIDE)

    def at(self, place: Place) -> int:
        """Objects at one place."""
        return self.counts.get(place, 0)
