# SPDX-License-Identifier: Apache-2.0
"""What a saved script means for sessions that wait, and running that of the site over them again.
The script of a project runs when its sessions are filed, so that none of them has to be touched."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from sqlalchemy import ColumnElement, func, select

from engine.archive import scripts
from engine.archive.audit.trail import record
from engine.jobs.context import JobContext
from engine.jobs.marks import marks
from engine.model.errors import Conflict, InvalidInput
from engine.model.prearchive import ActOutcome
from engine.model.scripts import SITE, MadeWith, WaitingForScript, project_of
from engine.model.states import Verb
from engine.prearchive import rows
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.service.event_buffer import EventBuffer
from engine.service.queueing import Queueing

MOST = 5_000
"""Sessions that one answer is about."""
_TOGETHER = 100
CALLED = "rerun of the site script"


class Rerunning:
    """For one actor."""

    def __init__(self, context: JobContext, buffer: EventBuffer, actor: str) -> None:
        """Queue jobs in the name of the actor."""
        self._context = context
        self._actor = actor
        self._queueing = Queueing(context, buffer, actor)

    async def waiting(self, scope: str) -> WaitingForScript:
        """Tell with which versions of a script the sessions that wait were made."""
        async with self._context.archive_db.read() as transaction:
            # Says also whether there is such a scope.
            versions = await scripts.versions(transaction, scope)
        active = next((one.version for one in versions if one.active and one.enabled), 0)
        where: list[ColumnElement[bool]] = [SessionRow.prevent_anon.is_(False)]
        if (project := project_of(scope)) is not None:
            where.append(SessionRow.project == project)
        async with self._context.prearchive_db.read() as transaction:
            count = select(func.count()).select_from(SessionRow).where(*where)
            sessions = (await transaction.execute(count)).scalar_one()
        if project is not None:
            return WaitingForScript(scope=scope, active=active, sessions=sessions)
        numbers = {one.id: one.version for one in versions}
        made: Counter[int] = Counter()
        async for _, version in self._made(numbers):
            made[version] += 1
            if made.total() >= MOST:
                break
        return WaitingForScript(
            scope=scope,
            active=active,
            sessions=sessions,
            made=tuple(
                MadeWith(version=version, sessions=count)
                for version, count in sorted(made.items(), reverse=True)
            ),
            unread=max(0, sessions - made.total()),
        )

    async def rerun(self, scope: str, reason: str) -> tuple[ActOutcome, ...]:
        """Queue another run of the script in force over the sessions that another version has
        made."""
        if not reason.strip():
            raise InvalidInput("say why the script is to run again", hint="give a reason")
        async with self._context.archive_db.read() as transaction:
            versions = await scripts.versions(transaction, scope)
        if scope != SITE:
            raise Conflict(
                "there is nothing to run again: the script of a project runs when its sessions are "
                "filed",
                hint="what it will do to one: anteroom prearchive diff --to-come",
            )
        active = next((one.version for one in versions if one.active and one.enabled), 0)
        if not active:
            raise Conflict("no script of the site runs", hint="enable it: anteroom script enable")
        numbers = {one.id: one.version for one in versions}
        behind = []
        async for id, version in self._made(numbers):
            if version not in (0, active):
                behind.append(id)
            if len(behind) >= MOST:
                break

        def want(row: SessionRow) -> None:
            if row.several_patients:
                raise Conflict(f"{row.id} is of several patients: decide on them first")
            # With the labels that it has: the script runs again on what was received.
            row.wanted_label = row.label

        outcomes = await self._queueing.act(behind, Verb.RELABEL, reason, want, called=CALLED)
        queued = sum(one.done for one in outcomes)
        async with self._context.archive_db.write() as transaction:
            told = {"version": active, "sessions": queued, "reason": reason}
            record(transaction, self._actor, "Reran script", scripts.scope_name(scope), told)
        return outcomes

    async def _made(self, numbers: dict[str, int]) -> AsyncIterator[tuple[str, int]]:
        """Yield the sessions that the script of the site runs over, with the version that has made
        them."""
        last = ""
        while True:
            async with self._context.prearchive_db.read() as transaction:
                query = (
                    select(SessionRow)
                    .where(SessionRow.id > last, SessionRow.prevent_anon.is_(False))
                    .order_by(SessionRow.id)
                    .limit(_TOGETHER)
                )
                found = list((await transaction.scalars(query)).all())
                ids = [row.id for row in found]
                first = (
                    select(ObjectRow.session, func.min(ObjectRow.file))
                    .where(ObjectRow.session.in_(ids))
                    .group_by(ObjectRow.session)
                )
                files = {session: file for session, file in await transaction.execute(first)}
                transaction.expunge_all()
            if not found:
                return
            read = await self._context.processes.run(
                marks,
                [
                    rows.folder_of(row, self._context.prearchive) / files.get(row.id, "")
                    for row in found
                ],
            )
            for row, named in zip(found, read, strict=True):
                of_site = [numbers[one] for one in named if one in numbers]
                yield row.id, of_site[-1] if of_site else 0
            last = found[-1].id
