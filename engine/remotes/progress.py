# SPDX-License-Identifier: Apache-2.0
"""How far a send is. A thread counts, others look; pynetdicom is not needed for it."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field, replace

from engine.model.remotes import MOST_FAILURES, SendFailure
from engine.remotes.plan import Planned


class FileGone(Exception):
    """A file of the plan is not in its place any more."""


@dataclass(slots=True)
class Progress:
    """How far a send is: read by other threads while it goes on."""

    position: int = 0
    """How many files of the plan have been dealt with."""
    sent: int = 0
    sent_bytes: int = 0
    warnings: int = 0
    failed: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    failures: list[SendFailure] = field(default_factory=list)
    strikes: int = 0
    """How often a connection broke at one object."""
    struck_at: int = -1
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def now(self) -> Progress:
        """Return how far it is at one moment."""
        with self._lock:
            return replace(
                self,
                statuses=Counter(self.statuses),
                failures=list(self.failures),
                _lock=threading.Lock(),
            )

    def taken(self, file: Planned) -> None:
        """Count an object that the remote has taken."""
        with self._lock:
            self._taken(file)

    def warned(self, file: Planned, status: int, reason: str) -> None:
        """Count one that it has taken with a warning."""
        with self._lock:
            self.warnings += 1
            self._keep(file, f"{status:04X}", reason)
            self._taken(file)

    def refused(self, file: Planned, reason: str, status: int | None = None) -> None:
        """Count one that it has not taken."""
        with self._lock:
            self.failed += 1
            self._keep(file, "" if status is None else f"{status:04X}", reason)
            self.position += 1

    def struck(self) -> int:
        """Count a connection that broke at the object that is next; return how often it did."""
        with self._lock:
            self.strikes = self.strikes + 1 if self.struck_at == self.position else 1
            self.struck_at = self.position
            return self.strikes

    def _taken(self, file: Planned) -> None:
        self.sent += 1
        self.sent_bytes += file.size
        self.position += 1

    def _keep(self, file: Planned, status: str, reason: str) -> None:
        if status:
            self.statuses[status] += 1
        if len(self.failures) < MOST_FAILURES:
            name = file.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            self.failures.append(SendFailure(file=name, uid=file.uid, status=status, reason=reason))
