# SPDX-License-Identifier: Apache-2.0
"""What an association reports, and to whom. The records contain titles, addresses and reasons,
which may appear in logs and in the audit, but nothing from a data set."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from engine.receiver.protocol.ending import Ending

if TYPE_CHECKING:
    from engine.intake.answers import ObjectContext
    from engine.receiver.protocol.admission import RejectReason
    from engine.receiver.protocol.association import Association


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """A connection that got no association. `at` is nanoseconds since 1970 (UTC).

    `verdict` is None when it never came to a judgement: not DICOM, too slow, too many."""

    at: int
    peer: str
    port: int
    called: str = ""
    calling: str = ""
    reason: str
    verdict: RejectReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Declined:
    """A message that was answered with a failure before any intake saw it."""

    at: int
    field: int
    """The command field (PS3.7 E.1-1)."""
    sop_class: str
    sop_instance: str
    transfer_syntax: str
    status: int
    comment: str


class AssociationProgress:
    """The state of an association. Only its own thread sets attributes; others may read them."""

    def __init__(self) -> None:
        self.objects = 0
        """Objects answered with success."""
        self.echoes = 0
        """C-ECHOs answered with success."""
        self.failures = 0
        """Messages answered with a failure."""
        self.bytes = 0
        """Bytes of data sets received."""
        self.last_seen = time.monotonic()
        """When the peer last sent anything, on the monotonic clock."""
        self.last_seen_at = time.time_ns()
        """The same in nanoseconds since 1970 (UTC)."""
        self.last_object_at = 0
        """When the last C-STORE was answered, in nanoseconds since 1970 (UTC)."""
        self.current: ObjectContext | None = None
        """The object on its way."""
        self.current_since = 0.0
        """When it began, on the monotonic clock; 0 between objects."""
        self.series = ""
        self.last_error = ""


class Observer(Protocol):
    """Hears of associations in their own threads; answers fast and does not raise."""

    def opened(self, association: Association) -> None:
        """An association was accepted."""

    def progressed(self, association: Association) -> None:
        """A message was answered."""

    def declined(self, association: Association, declined: Declined) -> None:
        """A message was answered with a failure and is known to no intake."""

    def reported(self, report: str, status: int | None) -> None:
        """A report was answered with a status, or will not be: None."""

    def closed(self, association: Association, ending: Ending) -> None:
        """An accepted association is over; its counters stand still now."""

    def rejected(self, rejection: Rejection) -> None:
        """A connection ended without an association, for a reason worth telling."""
