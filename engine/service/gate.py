# SPDX-License-Identifier: Apache-2.0
"""The one place where the service is permitted or refused. Every call of every verb passes here
before it reaches the noun that does it: `engine.service.permissions` says what it needs,
`Actor.may` says who has that. What an actor may not even know of is answered as if it did not
exist; of what they may know, who can help them is said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from engine.archive import credentials, people, projects, sessions
from engine.archive.audit.trail import known_by
from engine.jobs import trash, trash_record
from engine.jobs.context import JobContext
from engine.model.archive import AuditQuery
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused
from engine.model.people import Actor, Permission
from engine.model.prearchive import ActOutcome
from engine.model.remotes import SEND
from engine.model.scripts import SITE
from engine.prearchive import rows, sends
from engine.prearchive.tables import SessionRow
from engine.service import claiming, redaction
from engine.service.nouns.prearchive import PrearchiveApi
from engine.service.permissions import NEEDS, About, Need
from engine.service.wire import VERBS, Verb
from engine.service.witness import Witness


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a session is."""

    project: str | None = None
    """None for what is Unassigned."""
    is_waiting: bool = False
    """Whether it is in the prearchive."""


_NOWHERE = _Place()
"""The place of what does not exist, compared by identity: the noun says so itself."""

LONGEST_REASON = 400
"""Characters: a reason stands in the trail for ever."""

_BY = {
    Permission.ADMINISTER: "ask an administrator of this site",
    Permission.WATCH: "ask an administrator of this site for a role",
}


class Gate:
    """Lets one actor through to the nouns of an engine, as far as they may go."""

    def __init__(
        self, context: JobContext, actor: Actor, prearchive: PrearchiveApi, witness: Witness
    ) -> None:
        """`prearchive` answers for this actor: what it finds is within their scope."""
        self._witness = witness
        self._context = context
        self._actor = actor
        self._prearchive = prearchive

    def before(self, noun: str, implementation: object) -> SimpleNamespace:
        """Return a noun whose verbs are asked through the gate."""
        return SimpleNamespace(
            **{
                verb.name: partial(self._ask, verb, getattr(implementation, verb.name))
                for verb in VERBS[noun].values()
            }
        )

    async def _ask(self, verb: Verb, do: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        arguments = verb.bind(args, kwargs)
        address = f"{verb.noun}.{verb.name}"
        if len(arguments.get("reason") or "") > LONGEST_REASON:
            raise InvalidInput(f"a reason has at most {LONGEST_REASON} characters")
        with known_by(self._actor.known):
            barred: dict[str, EngineError] = {}
            if not self._actor.may(Permission.ADMINISTER):
                try:
                    for need in NEEDS[address]:
                        barred |= await self._bar(need, arguments)
                except (Refused, NotFound) as error:
                    # Of what is another project's, too, though the answer is that there is none.
                    await self._witness.refused(address, self._actor, error)
                    raise
            wanted = arguments
            if barred:
                (several,) = (
                    need.argument for need in NEEDS[address] if need.argument in ("ids", "sessions")
                )
                left = tuple(id for id in arguments[several] if id not in barred)
                wanted = {**arguments, several: left}
            result = await do(**wanted)
            await self._witness.answered(address, self._actor, arguments, result)
            if barred:
                result = _in_order(arguments[several], result, barred)
                for refused in barred.values():
                    await self._witness.refused(address, self._actor, refused)
        return redaction.of(address, self._actor, result)

    async def _bar(self, need: Need, arguments: dict[str, Any]) -> dict[str, EngineError]:
        """Check one need; of a verb on several things return those that it must not touch.

        Raises:
            NotFound: the one thing that was named is none that the actor may know of.
            Refused: it is not permitted.
        """
        match need.about:
            case About.SELF:
                return {}
            case About.SITE:
                self._must(need.permission, None)
            case About.SOMEWHERE:
                self._must_somewhere(need.permission)
            case About.PROJECT:
                await self._project(need.permission, arguments[need.argument])
            case About.PROJECT_OR_SITE:
                project = arguments.get(need.argument, "")
                if project:
                    await self._project(need.permission, project)
                else:
                    self._must(Permission.ADMINISTER, None)
            case About.SCOPE:
                await self._scope(need.permission, arguments[need.argument])
            case About.LOGIN:
                if arguments.get(need.argument, "") not in ("", self._actor.name):
                    self._must(need.permission, None)
            case About.TOKEN:
                await self._token(arguments[need.argument])
            case About.REQUEST:
                async with self._context.archive_db.read() as transaction:
                    asked = await people.request(transaction, arguments[need.argument])
                if not self._actor.may(need.permission, asked.project):
                    raise people.no_request(asked.id)
            case About.TRAIL:
                await self._trail(need.permission, arguments[need.argument])
            case About.JOB:
                await self._job(need.permission, arguments[need.argument])
            case About.SEND:
                await self._send(need.permission, arguments[need.argument])
            case About.WAITING | About.TRASHED | About.FILED | About.EITHER:
                return await self._sessions(need, arguments)
        return {}

    async def _sessions(self, need: Need, arguments: dict[str, Any]) -> dict[str, EngineError]:
        given = arguments[need.argument]
        names = (given,) if isinstance(given, str) else tuple(given)
        within = arguments.get("project", "") if need.about is About.FILED else ""
        if within:
            # By label: whether a project has it is told to those only who may read there.
            await self._project(need.permission, within)
        places = await self._places(need.about, names, within)
        barred: dict[str, EngineError] = {}
        for name in names:
            error = self._why_not(need, name, places[name], within)
            if error is not None and isinstance(given, str):
                raise error
            if error is not None:
                barred[name] = error
        return barred

    async def _places(self, about: About, names: Collection[str], within: str) -> dict[str, _Place]:
        """Return in which project each of these is: `_NOWHERE` where there is none of the name."""
        if about is About.TRASHED:
            look = partial(_in_trash, self._context.prearchive)
            return {name: await asyncio.to_thread(look, name) for name in names}
        if about is About.WAITING:
            async with self._context.prearchive_db.read() as transaction:
                query = select(SessionRow.id, SessionRow.project).where(SessionRow.id.in_(names))
                found = {
                    id: _Place(project, is_waiting=True)
                    for id, project in await transaction.execute(query)
                }
            return {name: found.get(name, _NOWHERE) for name in names}
        return {name: await self._place(about, name, within) for name in names}

    async def _place(self, about: About, name: str, within: str) -> _Place:
        async with self._context.archive_db.read() as transaction:
            try:
                card = await sessions.card(transaction, name, within)
            except NotFound:
                card = None
        if card is not None:
            if card.withheld and not self._actor.may(Permission.RELEASE, card.project):
                return _NOWHERE
            return _Place(card.project)
        if about is About.FILED:
            return _NOWHERE
        try:
            id = await self._prearchive.find(name)
        except EngineError:
            return _NOWHERE
        return (await self._places(About.WAITING, (id,), ""))[id]

    def _why_not(self, need: Need, name: str, place: _Place, within: str) -> EngineError | None:
        of_prearchive = need.about in (About.WAITING, About.TRASHED)
        if place is _NOWHERE:
            # Barred here as well: by the time that the noun looks there may be one of this name.
            return rows.missing(name) if of_prearchive else sessions.missing(within)
        permission = need.permission
        if need.about is About.EITHER and place.is_waiting:
            permission = Permission.TRIAGE
        if self._actor.may(permission, place.project):
            return None
        if of_prearchive:
            watches = self._watches(place) and need.about is About.WAITING
            if watches and permission is Permission.WATCH:
                return None
            if not watches and not self._actor.may(Permission.WATCH, place.project):
                return rows.missing(name)
        elif not self._actor.may(Permission.READ, place.project):
            return sessions.missing(within)
        return _refused(permission, place.project)

    def _watches(self, place: _Place) -> bool:
        """Say whether what waits may be seen, masked: also where it may be claimed."""
        if self._actor.may(Permission.WATCH, place.project):
            return True
        unassigned = place.is_waiting and place.project is None
        return unassigned and claiming.may(self._actor, self._context.settings)

    async def _project(self, permission: Permission, name: str) -> None:
        async with self._context.archive_db.read() as transaction:
            project = await projects.resolve(transaction, name)
        if project is None or not self._actor.may(Permission.KNOW, project):
            raise projects.missing(name)
        self._must(permission, project)

    async def _scope(self, permission: Permission, scope: str) -> None:
        if scope.startswith("project:"):
            await self._project(permission, scope.partition(":")[2])
        elif scope == SITE and permission is Permission.TRIAGE:
            # Whoever decides on sessions has to know what was done to them.
            self._must_somewhere(permission)
        else:
            self._must(permission, None)

    async def _trail(self, permission: Permission, query: AuditQuery) -> None:
        """Let owners read what was done in their project, and everybody what they did."""
        if query.project:
            await self._project(permission, query.project)
        elif query.actor != self._actor.name:
            self._must(Permission.ADMINISTER, None)

    async def _token(self, alias: str) -> None:
        async with self._context.archive_db.read() as transaction:
            login = await credentials.owner_of(transaction, alias)
        if login != self._actor.name:
            raise NotFound("no token has this alias", hint="list them: anteroom user tokens")

    async def _job(self, permission: Permission, id: str) -> None:
        job = await self._context.runner.find(id)
        if job.verb == SEND:
            await self._send(Permission.READ, job.session)
            return
        (place,) = (await self._places(About.WAITING, (job.session,), "")).values()
        if place is _NOWHERE or not self._actor.may(Permission.WATCH, place.project):
            raise NotFound(f"there is no job {id}", hint="list them: anteroom jobs list")
        self._must(permission, place.project)

    async def _send(self, permission: Permission, id: str) -> None:
        async with self._context.prearchive_db.read() as transaction:
            row = await sends.get(transaction, id)
        about = About.FILED if row.filed else About.WAITING
        (place,) = (await self._places(about, (row.session,), "")).values()
        needed = permission if row.filed else Permission.TRIAGE
        if row.actor == self._actor.name:
            return
        if place is _NOWHERE or not self._actor.may(needed, place.project):
            raise sends.missing(id)

    def _must(self, permission: Permission, project: str | None) -> None:
        if not self._actor.may(permission, project):
            raise _refused(permission, project)

    def _must_somewhere(self, permission: Permission) -> None:
        if not self._actor.may_somewhere(permission):
            raise _refused(permission, None)


def _in_trash(prearchive: Path, id: str) -> _Place:
    """Return where a deleted session belongs. One whose card cannot be read may be any project's:
    it is for those who decide on what is Unassigned."""
    folder = trash.place_in_trash(prearchive, id)
    if folder is None:
        return _NOWHERE
    try:
        return _Place(trash_record.read(folder).session.project, is_waiting=True)
    except Conflict:
        return _Place(is_waiting=True)


def _refused(permission: Permission, project: str | None) -> Refused:
    where = f" in {project}" if project else ""
    hint = _BY.get(permission, "ask an owner of the project, or an administrator")
    said = f"you may not do this{where}: it needs the permission to {permission}"
    return Refused(said, hint=hint)


def _in_order(
    ids: Collection[str], outcomes: tuple[ActOutcome, ...], barred: dict[str, EngineError]
) -> tuple[ActOutcome, ...]:
    """Put what was refused between what was done, in the order in which it was asked."""
    done: Iterator[ActOutcome] = iter(outcomes)
    by_id = {each.id: each for each in done}
    return tuple(
        ActOutcome.refused(id, barred[id]) if id in barred else by_id[id]
        for id in dict.fromkeys(ids)
        if id in barred or id in by_id
    )
