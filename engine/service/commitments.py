# SPDX-License-Identifier: Apache-2.0
"""The noun `commitments`: requests for a storage commitment are listed, shown, and tried again. The
work on them is in `engine.service.committing`."""

from __future__ import annotations

import zlib
from array import array
from dataclasses import asdict
from datetime import UTC, datetime

from engine.archive.audit.trail import record_triage
from engine.dicom.commitment import Reason, unpacked
from engine.jobs.context import JobContext
from engine.model.commitments import Commitment, CommitmentDetail, CommitmentState, FailedObject
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.prearchive import ActOutcome
from engine.prearchive import commitments
from engine.prearchive.tables import CommitmentRow
from engine.service.committing import KIND, Committing
from engine.service.event_buffer import EventBuffer
from engine.service.windows import window

MOST_FAILURES = 100
"""Objects that are shown of those that are not committed."""

_SAID = {
    Reason.PROCESSING_FAILURE: "it is held, cannot be read, or its session is damaged",
    Reason.NO_SUCH_OBJECT: "it is not here, or not any more",
    Reason.CLASS_INSTANCE_CONFLICT: "it is of another SOP class here",
    Reason.DUPLICATE_TRANSACTION: "its transaction UID was used for other objects before",
}


class Commitments:
    """Requests for a storage commitment."""

    def __init__(
        self, context: JobContext, committing: Committing, buffer: EventBuffer, actor: str
    ) -> None:
        """Act for one actor."""
        self._database = context.prearchive_db
        self._node = context.settings.node.name
        self._committing = committing
        self._buffer = buffer
        self._actor = actor

    async def list(
        self, offset: int = 0, limit: int = 100, state: str = ""
    ) -> tuple[Commitment, ...]:
        """Return requests, the newest first; with `state` only those."""
        if state and state not in list(CommitmentState):
            raise InvalidInput(
                f"{state!r} is no state of a request", hint=f"use {', '.join(CommitmentState)}"
            )
        wanted = window(offset, limit)
        async with self._database.read() as transaction:
            return await commitments.page(transaction, wanted.offset, wanted.limit, state)

    async def show(self, id: str) -> CommitmentDetail:
        """Return one request with the first of its objects that are not committed."""
        async with self._database.read() as transaction:
            row = await commitments.show(transaction, id)
        known = commitments.to_commitment(row)
        return CommitmentDetail(
            **asdict(known), transaction_uid=row.transaction_uid, failures=_failures(row)
        )

    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Decide anew and tell the senders, now and as often as for a new request."""
        outcomes = tuple([await self._retry(id, reason) for id in dict.fromkeys(ids)])
        self._committing.wake()
        return outcomes

    async def _retry(self, id: str, reason: str) -> ActOutcome:
        try:
            async with self._database.write() as transaction:
                row = await commitments.show(transaction, id, objects=False)
                if row.state == CommitmentState.REPORTED.value:
                    raise Conflict(f"{row.calling} was told already")
                await commitments.change(
                    transaction,
                    id,
                    # This engine is woken, and not that which had it last.
                    node=self._node,
                    state=CommitmentState.WAITING.value,
                    attempts=0,
                    due=datetime.now(UTC),
                    ended=None,
                )
                detail: dict[str, object] = {"objects": row.count}
                if reason:
                    detail["reason"] = reason
                record_triage(transaction, self._actor, "Retried storage commitment", id, detail)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        self._buffer.tell(KIND, id, f"storage commitment: tried again by {self._actor}")
        return ActOutcome(id=id, done=True, message="it is tried again")


def _failures(row: CommitmentRow) -> tuple[FailedObject, ...]:
    if not row.reasons:
        return ()
    reasons = array("H", zlib.decompress(row.reasons))
    failures: list[FailedObject] = []
    for (sop_class, instance), reason in zip(unpacked(row.objects), reasons, strict=False):
        if len(failures) == MOST_FAILURES:
            break
        if reason:
            said = _SAID.get(Reason(reason), "")
            failures.append(
                FailedObject(
                    sop_class=sop_class, sop_instance=instance, reason=f"{reason:04X}: {said}"
                )
            )
    return tuple(failures)
