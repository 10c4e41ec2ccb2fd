# SPDX-License-Identifier: Apache-2.0
"""Quarantine, on behalf of an actor: what is not active in the archive, and the acts that change
the state of filed sessions. Each session is changed in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable

from engine.archive import quarantine
from engine.archive.audit.trail import record
from engine.jobs.context import JobContext
from engine.model.archive import SessionStatus
from engine.model.errors import EngineError, Refused
from engine.model.people import Actor, Permission, Roster
from engine.model.prearchive import ActOutcome
from engine.model.quarantine import Act, QuarantinePage, QuarantineQuery, Standing
from engine.service.event_buffer import EventBuffer
from engine.service.nouns.archive import NOT_ACTIVE
from engine.service.windows import window


class Quarantine:
    """The states of filed sessions."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        actor: Actor,
        roster: Callable[[], Roster],
    ) -> None:
        """Act for one actor; `roster` gives the people and roles in force."""
        self._roster = roster
        self._archive = context.archive_db
        self._buffer = buffer
        self._actor = actor.name
        self._scope = actor.scope(Permission.READ)
        self._released = actor.scope(Permission.RELEASE)

    async def list(
        self, query: QuarantineQuery = NOT_ACTIVE, offset: int = 0, limit: int = 100
    ) -> QuarantinePage:
        """Return a window of the sessions that a query finds."""
        asked = window(offset, limit)
        async with self._archive.read() as transaction:
            return await quarantine.page(
                transaction, query, asked, self._scope, self._released, self._counts
            )

    async def release(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Let sessions out of quarantine, or agree to that."""
        return await self._each(Act.RELEASE, ids, reason)

    async def hold(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Put sessions into quarantine."""
        return await self._each(Act.HOLD, ids, reason)

    async def lock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Let nobody change sessions."""
        return await self._each(Act.LOCK, ids, reason)

    async def unlock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Let sessions be changed again."""
        return await self._each(Act.UNLOCK, ids, reason)

    async def obsolete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Mark sessions as not to be used."""
        return await self._each(Act.OBSOLETE, ids, reason)

    async def activate(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Bring obsolete sessions back to where they were."""
        return await self._each(Act.ACTIVATE, ids, reason)

    def _counts(self, login: str, project: str) -> bool:
        """Whether somebody who agreed to a release may still release."""
        roster = self._roster()
        if login not in roster.users:
            return True  # who runs the engine, or has the role by a Unix group
        # In which groups they are is known only while they ask.
        person = roster.actor(login, "", tuple(roster.groups))
        return person is not None and person.may(Permission.RELEASE, project)

    async def _each(self, act: Act, ids: tuple[str, ...], reason: str) -> tuple[ActOutcome, ...]:
        return tuple([await self._one(act, id, reason) for id in dict.fromkeys(ids)])

    async def _one(self, act: Act, id: str, reason: str) -> ActOutcome:
        try:
            async with self._archive.write() as transaction:
                then = await quarantine.act(
                    transaction, id, act, actor=self._actor, may=self._counts, reason=reason
                )
        except EngineError as error:
            if isinstance(error, Refused):
                async with self._archive.write() as transaction:
                    detail = {"error": error.message}
                    record(transaction, self._actor, "Refused", id, detail)
            return ActOutcome.refused(id, error)
        said = _said(act, then)
        self._buffer.tell("archive", id, f"{id}: {said}, by {self._actor}")
        return ActOutcome(id=id, done=True, message=said)


def _said(act: Act, then: Standing) -> str:
    if act is Act.RELEASE and then.status is SessionStatus.QUARANTINE:
        return "agreed to, and waits for another person to release it, too"
    return "in quarantine" if then.status is SessionStatus.QUARANTINE else then.status.value
