# SPDX-License-Identifier: Apache-2.0
"""The places where a received object can be, and what the accounts add up to (intake contract 12).
received = waiting + held + archived + duplicate + filtered + rejected + deleted + replaced."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Imbalance:
    """Something whose objects are not each in one place."""

    of: str
    """`place`, `receiver`, `sender` or `session`."""
    name: str
    """The place, the AE title, or the prearchive id."""
    received: int
    """Objects that were received; of a place its total, of a session what it holds."""
    found: int
    """Objects that are counted in the places."""
    since: datetime
    """When an engine first saw it."""

    def begun(self, since: datetime) -> Imbalance:
        """Return the same, seen first at another time."""
        return replace(self, since=since)

    def said(self) -> str:
        """Say what does not add up."""
        if self.of == "place":
            return f"{self.received} in all are {self.name}, and {self.found} one by one"
        if self.of == "session":
            return f"session {self.name} holds {self.received}, and {self.found} wait in it"
        way = "to" if self.of == "receiver" else "from"
        return f"{way} {self.name} came {self.received}, and {self.found} are in their places"
