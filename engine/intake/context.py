# SPDX-License-Identifier: Apache-2.0
"""What one process needs to receive objects: staging, journal, claims, helpers, and the snapshot in
force. It is used in `incoming`."""

from __future__ import annotations

import os
import time
from itertools import count

from engine.dicom.guard import Guard
from engine.intake.claims import ClaimBook, Claims
from engine.intake.in_force import InForce
from engine.intake.journal import Journal
from engine.intake.originals import Originals
from engine.intake.slow_path import SlowPath
from engine.intake.snapshot import Snapshot
from engine.storage.staging import StagingArea


class IntakeContext:
    """Shared by the threads of a process."""

    def __init__(
        self,
        *,
        staging: StagingArea,
        journal: Journal,
        claims: Claims,
        guard: Guard,
        slow: SlowPath | None = None,
        defers: bool = False,
    ) -> None:
        """Put the parts together; `take` must give a snapshot before the first object. Who `defers`
        answers before the slow path is gone, and leaves that to the engine."""
        self.staging = staging
        self.journal = journal
        self.book = ClaimBook(claims)
        self.guard = guard
        self.slow = slow or SlowPath()
        self.defers = defers
        self.originals = Originals(staging.root.parent)
        self.current: InForce | None = None
        # Also of a process that had our number before, and of those on other nodes.
        self._names = f"{time.time_ns():x}{os.urandom(4).hex()}"
        self._serial = count(1)

    def take(self, snapshot: Snapshot) -> None:
        """Put a snapshot into force: objects that begin from now on see it."""
        self.current = InForce(snapshot, self.current)

    @property
    def in_force(self) -> InForce:
        """The snapshot in force with what is compiled from it."""
        assert self.current is not None
        return self.current

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force."""
        return self.in_force.snapshot

    def next_name(self) -> str:
        """Make a file's name that nobody else makes, without a lock."""
        return f"{self._names}-{next(self._serial):x}"

    def close(self) -> None:
        """End the helper processes of the slow path."""
        self.slow.close()
