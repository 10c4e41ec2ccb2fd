# SPDX-License-Identifier: Apache-2.0
"""The ledger as people read it: what did not become part of a session, grouped, with what is held
of it, and the accounts of each sender."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.model.accounts import Accounts, Place
from engine.model.filters import Condition

LEDGER_FIELDS = frozenset({"from", "outcome", "peer", "receiver", "rule", "reason"})
"""What a condition may be on: `from` is the calling AE title, `outcome` what became of the objects.
In a text `*` is anything."""


class GroupBy(StrEnum):
    """What lines of the ledger have in common that stand in one group."""

    REASON = "reason"
    """Outcome, reason and rule."""
    SENDER = "sender"
    """The calling AE title."""
    PROJECT = "project"
    """The project of the session that they were for, while it waits in the prearchive."""
    DAY = "day"
    """The day on which they were last counted, by the clock of the engine."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerQuery:
    """Which lines are looked at. What is held now is always among them, however old it is."""

    days: int = 1
    """The last days, of which today is one; 0 for all that is kept."""
    text: str = ""
    """Words that stand in reason, rule, sender or receiver, in any order."""
    where: tuple[Condition, ...] = ()
    """Further conditions, on the fields of `LEDGER_FIELDS`; all of them hold."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupKey:
    """One group; only what it is grouped by counts."""

    by: GroupBy = GroupBy.REASON
    outcome: str = ""
    reason: str = ""
    rule: str = ""
    calling: str = ""
    project: str = ""
    """Empty for what was for no session that waits in a project which the asker may know."""
    day: str = ""
    """As `2026-09-11`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerGroup:
    """Lines of the ledger that have something in common."""

    key: GroupKey
    objects: int
    """Objects, or associations, that were counted in the lines."""
    held: int
    """Objects that are held now."""
    lines: int
    senders: int
    """How many different ones; the name of the only one is `sender`."""
    sender: str
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerGroups:
    """Groups, what was counted last first, and how many there are in all."""

    rows: tuple[LedgerGroup, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LineAt:
    """The place of a line in its list: what comes after it is asked for by this."""

    last: datetime
    id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldAt:
    """The place of a held object in its list."""

    at: datetime
    id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldEntry:
    """A held object in a list: nothing of its header."""

    id: str
    at: datetime
    size: int
    reason: str
    rule: str
    sop_class: str
    """The UID; `sop_class_name` says what that is."""
    sop_class_name: str
    calling: str
    peer: str
    receiver: str
    transfer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldPage:
    """A window of held objects, the newest first, and how many match. Sizes are bytes."""

    rows: tuple[HeldEntry, ...]
    total: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderAccounts:
    """Where the objects are that a sender has brought in transfers of a time."""

    calling: str
    received: int
    """Objects that were answered with success."""
    counts: dict[Place, int]
    """The number of objects in each place; what is refused or failed is beside the sum."""

    @property
    def adds_up(self) -> bool:
        """Whether all that was received is in one place."""
        return self.received == self.found

    @property
    def found(self) -> int:
        """Objects in the places of what was received."""
        return Accounts(counts=self.counts).received


@dataclass(frozen=True, kw_only=True, slots=True)
class DayAccounts:
    """The accounts of transfers that began since a moment, by sender."""

    since: datetime
    senders: tuple[SenderAccounts, ...]


ALL_LEDGER = LedgerQuery(days=0)
TODAY = LedgerQuery()
