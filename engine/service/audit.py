# SPDX-License-Identifier: Apache-2.0
"""The audit trail, on behalf of an actor: reading it, verifying it, and recording what a user did
with data that leaves no other trace."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from engine.archive import projects, sessions
from engine.archive.audit.trail import record
from engine.jobs.context import JobContext
from engine.model.archive import EVERY_EVENT, AuditCount, AuditPage, AuditQuery, AuditReport
from engine.model.audit import AuditHead
from engine.model.errors import InvalidInput, NotFound
from engine.service.pace import Pace
from engine.service.windows import limited

ACTIONS = {"revealed": "Revealed labels", "exported": "Exported a list"}
"""What can be recorded, and the action that the trail knows it by."""

_LIST = re.compile(r"[a-z]{2,20}([ -][a-z]{2,20})?")
"""The name of a list or a screen."""
_ID = re.compile(r"(?:acc|pre|snd|tr)_[a-z0-9]{6,32}")
"""Our own ids, which say nothing of a patient."""

_MOST_DAYS = 3_650
_HIGHEST = 2**63 - 1

_LONGEST_REASON = 400


class Audit:
    """The trail that never forgets."""

    def __init__(self, context: JobContext, pace: Pace, actor: str) -> None:
        """Ask one chain for one actor; `pace` is how often they may record something."""
        self._context = context
        self._pace = pace
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
        if not await self._is_known(object):
            raise InvalidInput("what it was done to is a list, an id of ours, or both")
        if len(reason) > _LONGEST_REASON:
            raise InvalidInput(f"a reason has at most {_LONGEST_REASON} characters")
        self._pace.ask(self._actor)
        detail = ({"reason": reason} if reason else {}) | ({"count": count} if count else {})
        async with self._context.archive_db.write() as transaction:
            record(transaction, self._actor, ACTIONS[action], object, detail)

    async def _is_known(self, object: str) -> bool:
        """Whether this is a list, or what a list is of: a label must not stand here."""
        if _LIST.fullmatch(object) or _ID.fullmatch(object):
            return True
        names = [
            object[place + 1 :]
            for place, sign in enumerate(object)
            if sign == "-" and _LIST.fullmatch(object[:place])
        ]
        if any(_ID.fullmatch(name) for name in names):
            return True
        async with self._context.archive_db.read() as transaction:
            for name in names:
                if await projects.resolve(transaction, name) is not None:
                    return True
                with suppress(NotFound):
                    if (await sessions.card(transaction, name)).accession == name:
                        return True
        return False


def _number(given: int | None) -> int | None:
    """Return a number that the databases can compare with."""
    return None if given is None else max(-1, min(given, _HIGHEST))
