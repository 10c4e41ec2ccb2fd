# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk, on behalf of an actor. What is said of a session commits with its audit
event, which never has a note in it: a note may name a patient."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import people
from engine.archive.audit.trail import record_triage
from engine.jobs.context import JobContext, document_beside, write_log
from engine.model.capsule import Capsule
from engine.model.desk import LONGEST_NOTE, Desk, Opened
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.people import Actor, Permission
from engine.model.prearchive import ActOutcome, PrearchiveSession
from engine.model.queues import MonthLine, Queue
from engine.model.states import REVIEWABLE, Status
from engine.prearchive import desk, name_marks, rows
from engine.prearchive.desk_tables import DeskRow
from engine.prearchive.tables import SessionRow
from engine.service import capsule, claiming
from engine.service.event_buffer import EventBuffer
from engine.service.nouns.prearchive import PrearchiveApi
from engine.service.pace import Pace
from engine.service.presence import Presence
from engine.service.queues import Queues
from engine.sessions.build.document import read_session
from engine.sessions.build.seal import seal_of
from engine.sessions.known_as import SHORTEST, of_paper

TOGETHER = 100
"""Sessions of one transaction."""

LONGEST_NAME = 200
"""Characters of a name or a number that is looked up."""

LONGEST_CLIENT = 64

WITHDRAWN = "the mark was taken away"

Say = Callable[[AsyncSession, SessionRow, DeskRow], Awaitable[str]]
"""Writes what is said of one session; returns what was done."""


class ReviewDesk:
    """What people say of sessions that wait."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        pace: Pace,
        presence: Presence,
        prearchive: PrearchiveApi,
        actor: Actor,
    ) -> None:
        """Act for one actor; `pace` says how often somebody may look up names, `prearchive` tells
        this actor of sessions."""
        self._presence = presence
        self._prearchive = prearchive
        self._context = context
        self._pace = pace
        self._decides = actor.scope(Permission.TRIAGE)
        self._found = claiming.found(actor, context.settings)
        self._seen = actor.scope(Permission.WATCH)
        self._queues = Queues(context)
        self._buffer = buffer
        self._actor = actor.name

    async def show(self, id: str) -> Desk:
        """Return what was said of a session."""
        async with self._context.prearchive_db.read() as transaction:
            await rows.get(transaction, id)
            told = desk.told(id, (await desk.of(transaction, (id,))).get(id))
        return replace(told, opened=self._presence.others(self._actor, id))

    async def open(self, id: str, client: str) -> tuple[Opened, ...]:
        """Note that a console has a session open; return who else has.

        Raises:
            InvalidInput: the console has no proper name.
        """
        _check_client(client)
        async with self._context.prearchive_db.read() as transaction:
            await rows.get(transaction, id)
        self._presence.opened(client, self._actor, id)
        return self._presence.others(self._actor, id)

    async def close(self, client: str) -> None:
        """Note that a console has no session open any more.

        Raises:
            InvalidInput: it has no proper name.
        """
        _check_client(client)
        self._presence.closed(client, self._actor)

    async def opened(self) -> tuple[Opened, ...]:
        """Return which sessions others have open, of those that the actor decides on."""
        found = self._presence.others(self._actor)
        async with self._context.prearchive_db.read() as transaction:
            ids = {one.session for one in found}
            known = {row.id for row in await rows.several(transaction, ids, self._decides)}
        return tuple(one for one in found if one.session in known)

    async def look_up(self, name: str) -> tuple[PrearchiveSession, ...]:
        """Find the sessions that came under a name or a number.

        Raises:
            InvalidInput: it is too short, or too long.
            Refused: the actor has looked up too many within a short time.
        """
        if len(name) > LONGEST_NAME or not (known := of_paper(name)):
            raise InvalidInput(
                f"type a name or a number of {SHORTEST} to {LONGEST_NAME} characters"
            )
        self._pace.ask(self._actor)
        marks = [self._context.names.mark(one.kind, one.value) for one in known]
        async with self._context.prearchive_db.read() as transaction:
            found = await rows.several(
                transaction, await name_marks.find(transaction, marks), self._found
            )
        async with self._context.prearchive_db.write() as transaction:
            # How many, and never for what: the trail is for ever.
            detail = {"count": len(found)}
            record_triage(transaction, self._actor, "Looked up a name", "prearchive", detail)
        return found

    async def capsule(self, id: str) -> Capsule:
        """Make a bundle about a session for whoever helps."""
        found = await capsule.made(self._context, self._prearchive, id)
        async with self._context.prearchive_db.write() as transaction:
            record_triage(transaction, self._actor, "Capsule made", id)
        return found

    async def queues(self) -> tuple[Queue, ...]:
        """Tell what waits for whom and since when."""
        return await self._queues.waiting(self._seen)

    async def report(self, month: str) -> tuple[MonthLine, ...]:
        """Tell how the sessions of each project fared in a month.

        Raises:
            InvalidInput: it is none.
        """
        return await self._queues.month(month, self._seen)

    async def note(self, ids: tuple[str, ...], text: str) -> tuple[ActOutcome, ...]:
        """Leave a note on sessions, or remove it."""
        text = text.strip()
        if len(text) > LONGEST_NOTE:
            raise InvalidInput(f"a note has at most {LONGEST_NOTE} characters")

        async def say(transaction: AsyncSession, row: SessionRow, place: DeskRow) -> str:
            desk.write_note(place, self._actor, text)
            record_triage(transaction, self._actor, "Noted" if text else "Note removed", row.id)
            return "noted" if text else "the note is removed"

        return await self._each(ids, say)

    async def assign(self, ids: tuple[str, ...], to: str = "") -> tuple[ActOutcome, ...]:
        """Say who is to look at sessions."""
        person = await self._person(to) if to else None

        async def say(transaction: AsyncSession, row: SessionRow, place: DeskRow) -> str:
            if person is not None and not person.may(Permission.TRIAGE, row.project):
                where = row.project or "what is Unassigned"
                raise Conflict(f"{to} may not decide on sessions of {where}")
            desk.assign(place, self._actor, to)
            record_triage(transaction, self._actor, "Assigned", row.id, {"to": to or "nobody"})
            return f"assigned to {to}" if to else "assigned to nobody"

        return await self._each(ids, say)

    async def review(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Mark sessions as reviewed, as they are now."""
        seals: dict[str, tuple[int, str]] = {}
        for id in dict.fromkeys(ids):
            if (seal := await self._seal(id)) is not None:
                seals[id] = seal

        async def say(transaction: AsyncSession, row: SessionRow, place: DeskRow) -> str:
            if row.locked or Status(row.status) not in REVIEWABLE:
                raise Conflict(f"{row.id} cannot be reviewed: it is {row.status}, and not at rest")
            objects, seal = seals.get(row.id, (-1, ""))
            if objects != row.objects or row.built_objects != row.objects:
                raise Conflict(f"{row.id} has just changed: look at it again")
            desk.review(place, self._actor, seal)
            record_triage(transaction, self._actor, "Reviewed", row.id, {"objects": row.objects})
            return "reviewed"

        return await self._each(ids, say)

    async def withdraw(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Take the mark of a review away."""

        async def say(transaction: AsyncSession, row: SessionRow, place: DeskRow) -> str:
            if place.reviewed is None:
                raise Conflict(f"{row.id} is not marked as reviewed")
            desk.withdraw(place, f"{WITHDRAWN} by {self._actor}")
            record_triage(transaction, self._actor, "Review withdrawn", row.id)
            return "no longer reviewed"

        return await self._each(ids, say)

    async def _seal(self, id: str) -> tuple[int, str] | None:
        """Return how many objects a session has, and the seal of its document; None where there is
        none that can be read."""
        async with self._context.prearchive_db.read() as transaction:
            row = await transaction.get(SessionRow, id)
        if row is None:
            return None
        document = document_beside(rows.folder_of(row, self._context.prearchive))
        seal = await asyncio.to_thread(_sealed, document)
        return None if seal is None else (row.objects, seal)

    async def _person(self, login: str) -> Actor:
        """Return somebody to whom a session can be given.

        Raises:
            InvalidInput: there is no such user, or the account is disabled.
        """
        async with self._context.archive_db.read() as transaction:
            found = (await people.roster(transaction)).actor(login, "")
        if found is None:
            raise InvalidInput(f"there is no user {login}", hint="list them: anteroom user list")
        return found

    async def _each(self, ids: Sequence[str], say: Say) -> tuple[ActOutcome, ...]:
        wanted = tuple(dict.fromkeys(ids))
        outcomes: list[ActOutcome] = []
        for start in range(0, len(wanted), TOGETHER):
            some = wanted[start : start + TOGETHER]
            try:
                outcomes += await self._some(some, say)
            except EngineError as error:
                outcomes += [ActOutcome.refused(id, error) for id in some]
        for one in outcomes:
            if one.done:
                self._buffer.tell("session", one.id, f"{one.message} by {self._actor}")
        return tuple(outcomes)

    async def _some(self, ids: Sequence[str], say: Say) -> list[ActOutcome]:
        outcomes: dict[str, ActOutcome] = {}
        log: list[tuple[Path, str]] = []
        async with self._context.prearchive_db.write() as transaction:
            # In one order everywhere, as where objects are counted.
            query = select(SessionRow).where(SessionRow.id.in_(ids)).order_by(SessionRow.id)
            found = {row.id: row for row in await transaction.scalars(query.with_for_update())}
            # Read at once: what is known of each is found among them.
            places = await desk.of(transaction, ids)
            for id in ids:
                try:
                    if (row := found.get(id)) is None:
                        raise rows.missing(id)
                    place = places.get(id) or desk.blank(id)
                    said = await say(transaction, row, place)
                except EngineError as error:
                    outcomes[id] = ActOutcome.refused(id, error)
                else:
                    transaction.add(place)
                    outcomes[id] = ActOutcome(id=id, done=True, message=said)
                    folder = rows.folder_of(row, self._context.prearchive)
                    log.append((folder, f"{said} by {self._actor}"))
        await asyncio.to_thread(_log, log)
        return [outcomes[id] for id in ids]


def _log(entries: Sequence[tuple[Path, str]]) -> None:
    for folder, text in entries:
        # A job may just have moved the folder: the audit trail has it all the same.
        with suppress(OSError):
            write_log(folder, text)


def _check_client(client: str) -> None:
    if not 1 <= len(client) <= LONGEST_CLIENT:
        raise InvalidInput(f"a console has a name of 1 to {LONGEST_CLIENT} characters")


def _sealed(document: Path) -> str | None:
    try:
        return seal_of(read_session(document.read_bytes()))
    except (OSError, ValueError):
        return None
