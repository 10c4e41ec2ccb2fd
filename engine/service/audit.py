# SPDX-License-Identifier: Apache-2.0
"""The audit trail, on behalf of an actor: reading it, verifying it, and recording what a user did
with data that leaves no other trace."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from engine.archive.audit.trail import record
from engine.jobs.context import JobContext
from engine.model.archive import EVERY_EVENT, AuditCount, AuditPage, AuditQuery, AuditReport
from engine.model.audit import AuditHead
from engine.model.errors import InvalidInput
from engine.service.windows import limited

ACTIONS = {"revealed": "Revealed labels", "exported": "Exported a list"}
"""What can be recorded, and the action that the trail knows it by."""

_OBJECT = re.compile(r"[a-z0-9_ -]{1,64}")
"""Names of lists and our own ids; a label would hardly fit, and must not stand here."""

_MOST_DAYS = 3_650
_HIGHEST = 2**63 - 1

_LONGEST_REASON = 400


class Audit:
    """The trail that never forgets."""

    def __init__(self, context: JobContext, actor: str) -> None:
        """Ask one chain for one actor."""
        self._context = context
        self._chain = context.trail
        self._actor = actor

    async def list(
        self,
        query: AuditQuery = EVERY_EVENT,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage:
        """Return events, newest first: those before a number, or those that follow one."""
        for moment in (query.since, query.until):
            if moment is not None and moment.tzinfo is None:
                raise InvalidInput("a time needs its time zone")
        return await self._chain.find(
            query,
            before=_number(before),
            after=_number(after),
            offset=max(0, offset),
            limit=limited(limit),
        )

    async def counts(self, days: int = 7) -> tuple[AuditCount, ...]:
        """Return how often each action was done in the last days, the commonest first."""
        span = timedelta(days=max(0, min(days, _MOST_DAYS)))
        return await self._chain.counts(datetime.now(UTC) - span)

    async def verify(self, whole: bool = False, heads: tuple[AuditHead, ...] = ()) -> AuditReport:
        """Compute the hashes of what is new since the newest checkpoint, or of everything, and
        compare the chain with heads that were noted elsewhere."""
        return await self._chain.verify(whole=whole, heads=heads)

    async def note(self, action: str, object: str, reason: str = "", count: int = 0) -> None:
        """Record that the actor saw masked labels or took a list out."""
        if action not in ACTIONS:
            raise InvalidInput(f"there is no such action; it is one of {', '.join(ACTIONS)}")
        if not _OBJECT.fullmatch(object):
            raise InvalidInput("what it was done to is a list or an id of ours, in small letters")
        if len(reason) > _LONGEST_REASON:
            raise InvalidInput(f"a reason has at most {_LONGEST_REASON} characters")
        detail = ({"reason": reason} if reason else {}) | ({"count": count} if count else {})
        async with self._context.archive_db.write() as transaction:
            record(transaction, self._actor, ACTIONS[action], object, detail)


def _number(given: int | None) -> int | None:
    """Return a number that the databases can compare with."""
    return None if given is None else max(-1, min(given, _HIGHEST))
