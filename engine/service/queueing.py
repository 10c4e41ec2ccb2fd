# SPDX-License-Identifier: Apache-2.0
"""Queueing acts on sessions of the prearchive, one or thousands: a change of state, its job and its
audit event commit together, some sessions at a time. What an act would do is found by the same
rules, on rows that belong to no transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs.context import JobContext
from engine.model.errors import Conflict, EngineError
from engine.model.prearchive import ActOutcome
from engine.model.states import Status, Verb, why_not
from engine.prearchive import rows
from engine.prearchive.tables import SessionRow
from engine.service.event_buffer import EventBuffer

TOGETHER = 100
"""Sessions of one transaction: a commit for each would take most of the time of thousands, and what
arrives meanwhile waits for no longer than this."""

Prepare = Callable[[SessionRow], None]
"""Writes into a row what a job is to do; raises, with the row as it was, where it is to do
nothing."""


class Queueing:
    """Queues what one actor asks of sessions."""

    def __init__(self, context: JobContext, buffer: EventBuffer, actor: str) -> None:
        """Act for one actor."""
        self._context = context
        self._buffer = buffer
        self._actor = actor

    async def act(
        self,
        ids: Sequence[str],
        verb: Verb,
        reason: str,
        prepare: Prepare | None = None,
        *,
        called: str = "",
    ) -> tuple[ActOutcome, ...]:
        """Queue a verb for sessions, and answer for each; `called` is what people call it."""
        outcomes: list[ActOutcome] = []
        for some in _some(ids):
            try:
                outcomes += await self._queue(some, verb, reason, prepare, called or verb.value)
            except EngineError as error:
                # Nothing of them was committed.
                outcomes += [ActOutcome.refused(id, error) for id in some]
        return tuple(outcomes)

    async def would(
        self, ids: Sequence[str], verb: Verb, prepare: Prepare | None = None
    ) -> tuple[ActOutcome, ...]:
        """Say for each session whether the verb would be done now; nothing is changed."""
        outcomes = []
        for some in _some(ids):
            async with self._context.prearchive_db.read() as transaction:
                query = select(SessionRow).where(SessionRow.id.in_(some))
                found = {row.id: row for row in await transaction.scalars(query)}
                transaction.expunge_all()
            for id in some:
                try:
                    row = _there(found, id)
                    if verb is Verb.RESET:
                        must_be_resettable(row)
                    else:
                        _make_ready(row, verb, prepare)
                except EngineError as error:
                    outcomes.append(ActOutcome.refused(id, error))
                else:
                    outcomes.append(ActOutcome(id=id, done=True, message=f"{verb.value}: possible"))
        return tuple(outcomes)

    async def _queue(
        self, ids: Sequence[str], verb: Verb, reason: str, prepare: Prepare | None, called: str
    ) -> list[ActOutcome]:
        outcomes = []
        async with self._context.prearchive_db.write() as transaction:
            # In one order everywhere, as where objects are counted.
            query = select(SessionRow).where(SessionRow.id.in_(ids)).order_by(SessionRow.id)
            found = {row.id: row for row in await transaction.scalars(query.with_for_update())}
            for id in ids:
                try:
                    row = _there(found, id)
                    job = _make_ready(row, verb, prepare)
                except EngineError as error:
                    outcomes.append(ActOutcome.refused(id, error))
                    continue
                row.asked_by = self._actor
                # A relabelling is a move within the project, a decision one to the same place.
                for other in (Verb.RELABEL, Verb.RESOLVE):
                    job = job.replace(f":{other.value}:", f":{Verb.MOVE.value}:")
                await self._context.runner.enqueue(transaction, job)
                self.record(transaction, f"Queued {called}", id, reason)
                outcomes.append(ActOutcome(id=id, done=True, job=job, message="queued"))
        for one in outcomes:
            if one.done:
                self._buffer.tell("session", one.id, f"{called} queued by {self._actor}")
        return outcomes

    def record(self, transaction: AsyncSession, action: str, id: str, reason: str) -> None:
        """Write an audit event of what the actor has asked."""
        record_triage(transaction, self._actor, action, id, {"reason": reason} if reason else {})


def _some(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    wanted = tuple(dict.fromkeys(ids))
    for start in range(0, len(wanted), TOGETHER):
        yield wanted[start : start + TOGETHER]


def _there(found: dict[str, SessionRow], id: str) -> SessionRow:
    row = found.get(id)
    if row is None:
        raise rows.missing(id)
    return row


def must_be_resettable(row: SessionRow) -> None:
    """See that a session can be taken out of the queue.

    Raises:
        Conflict: if it cannot.
    """
    if refused := why_not(Verb.RESET, Status(row.status), locked=row.locked):
        raise Conflict(f"cannot reset {row.id}: {refused}")
    if row.working_folder:
        raise Conflict(f"cannot reset {row.id}: it is being restored from the trash")


def _make_ready(row: SessionRow, verb: Verb, prepare: Prepare | None) -> str:
    """Put a row into the queue; where that is refused it stays as it was."""
    if refused := why_not(verb, Status(row.status), locked=row.locked):
        raise Conflict(f"cannot {verb.value} {row.id}: {refused}")
    if prepare is not None:
        prepare(row)
    return rows.queue(row, verb)
