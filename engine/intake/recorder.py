# SPDX-License-Identifier: Apache-2.0
"""Collects the facts about one incoming object: its digest, its size, and its record in the journal
(intake contract 4)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from engine.dicom.digest import DataSetDigest
from engine.intake.answers import ObjectContext, Origin
from engine.intake.journal import NEEDS_SYNC, Journal, NotSynced, Outcome, Record
from engine.intake.numbered import UNNUMBERED, Numbered
from engine.intake.snapshot import Snapshot


class ObjectRecorder:
    """Of one object; used by one thread."""

    def __init__(self, origin: Origin, context: ObjectContext, journal: Journal) -> None:
        """Begin with no bytes."""
        self.origin = origin
        self.context = context
        self.size = 0
        self.script = ""
        """What became of it by the site script; see `Record`."""
        self.sop = context.sop_instance
        """SOP Instance UID as it is stored."""
        self._journal = journal
        self._digest = DataSetDigest()
        self._unsynced: Record | None = None

    def take(self, chunks: Sequence[memoryview]) -> None:
        """Count the next bytes of the data set as they were received."""
        for chunk in chunks:
            self._digest.update(chunk)
            self.size += len(chunk)

    @property
    def digest(self) -> str:
        """The digest of the data set as received."""
        return self._digest.text

    def record(
        self,
        outcome: Outcome,
        snapshot: Snapshot,
        *,
        session: str = "",
        file: str = "",
        reason: str = "",
        rule: str = "",
        numbered: Numbered = UNNUMBERED,
    ) -> None:
        """Write the record; where it is the only trace it is on disk when this returns.

        Raises:
            OSError: if it is not written, or not synced where it has to be.
        """
        record = Record(
            at=time.time_ns(),
            transfer=self.origin.transfer,
            outcome=outcome,
            session=session,
            file=file,
            sop_class=self.context.sop_class,
            received_sop=self.context.sop_instance,
            sop=self.sop,
            digest=self.digest,
            size=self.size,
            reason=reason,
            rule=rule,
            script=self.script,
            snapshot=snapshot.number,
            receiver=self.origin.receiver,
            calling=self.origin.calling,
            peer=self.origin.peer,
            transfer_syntax=self.context.transfer_syntax,
            series=numbered.series,
            number=numbered.number,
            stated=numbered.stated,
            undoes=self._unsynced,
        )
        try:
            self._journal.append(record, sync=snapshot.durable and outcome in NEEDS_SYNC)
        except NotSynced:
            self._unsynced = record
            raise
