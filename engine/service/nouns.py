# SPDX-License-Identifier: Apache-2.0
"""The nouns that ask little more than one question each: projects, rules, routing, live, jobs and
audit, each bound to its actor."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import select

from engine.archive import projects, rules
from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_header
from engine.jobs.context import JobContext
from engine.model.archive import (
    Project,
    RuleText,
)
from engine.model.errors import Conflict, InvalidInput, NotFound, Problem
from engine.model.live import HeldObject, Job, LedgerEntry, Transfer
from engine.model.prearchive import ActOutcome
from engine.model.routing import Route
from engine.model.states import Verb
from engine.prearchive import ledger, transfers
from engine.prearchive.tables import HeldRow
from engine.routing.rules import parse_rules
from engine.service.configuration import Configuration
from engine.service.contents import Waiting
from engine.service.offline import check_rules
from engine.service.prearchive import Prearchive

_MOST = 1000
_NUMBERS = ("prearchive_code", "quarantine_code")
_DIGITS = 10
_TEXTS = ("title", "description", "accessibility")

Apply = Callable[[], Awaitable[None]]


class Projects:
    """Projects, their aliases and codes."""

    def __init__(self, shop: JobContext, apply: Apply, actor: str) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._shop = shop
        self._apply = apply
        self._actor = actor

    async def list(self) -> tuple[Project, ...]:
        """Return all projects."""
        async with self._shop.archive_db.read() as transaction:
            return await projects.all_of(transaction)

    async def show(self, id: str) -> Project:
        """Return one project."""
        async with self._shop.archive_db.read() as transaction:
            return await projects.show(transaction, id)

    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project:
        """Add a project with the site's default code."""
        await asyncio.to_thread(self._free, id)
        code = self._shop.settings.projects.default_prearchive_code
        async with self._shop.archive_db.write() as transaction:
            await projects.add(transaction, id, actor=self._actor, title=title, aliases=aliases)
            changes = projects.Changes(prearchive_code=code)
            added = await projects.change(transaction, id, changes, actor=self._actor)
        await self._apply()
        return added

    def _free(self, id: str) -> None:
        """Look whether something stands where the folders of a project would come.

        Raises:
            Conflict: if there is something, also under a name that differs only in case.
        """
        for store in (self._shop.archive, self._shop.prearchive):
            for each in store.iterdir() if store.is_dir() else ():
                if each.name.casefold() == id.casefold() and not _is_empty(each):
                    raise Conflict(
                        f"{each} is there already, and would become the folder of the project",
                        hint="move it away, or choose another project ID",
                    )

    async def set(self, id: str, values: dict[str, str]) -> Project:
        """Set values of a project by name."""
        changes = _changes(values)
        if changes.prearchive_code and not self._shop.settings.projects.allow_auto_archive:
            raise InvalidInput(
                "this site does not allow auto-archiving",
                hint="set projects.allow_auto_archive in the settings first",
            )
        async with self._shop.archive_db.write() as transaction:
            changed = await projects.change(transaction, id, changes, actor=self._actor)
        await self._apply()
        return changed


class Rules:
    """Routing rule lines."""

    def __init__(self, shop: JobContext, apply: Apply, actor: str) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._shop = shop
        self._apply = apply
        self._actor = actor

    async def show(self, scope: str, concept: str) -> RuleText:
        """Return the text in force."""
        async with self._shop.archive_db.read() as transaction:
            return await rules.current(transaction, scope, concept)

    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText:
        """Put a text in force once every line of it is sound."""
        parse_rules(text)
        async with self._shop.archive_db.write() as transaction:
            written = await rules.write(
                transaction,
                scope,
                concept,
                text,
                actor=self._actor,
                enabled=enabled,
                reason=reason,
            )
        await self._apply()
        return written

    async def check(self, text: str) -> tuple[Problem, ...]:
        """Return every fault of a text; none when it can be saved."""
        return await asyncio.to_thread(check_rules, text)


class Routing:
    """Where an object would land, and why."""

    def __init__(self, shop: JobContext, configuration: Configuration, guard: Guard) -> None:
        """Route by what is in force."""
        self._waiting = Waiting(shop)
        self._configuration = configuration
        self._guard = guard

    async def explain(self, path: str, receiver: str = "") -> Route:
        """Route one file, with a trace."""
        router = self._configuration.router()
        try:
            _, header = await asyncio.to_thread(read_header, Path(path), guard=self._guard)
        except OSError as error:
            raise NotFound(f"{path} cannot be read: {error.strerror}") from error
        except (HeaderError, Unreadable) as error:
            raise InvalidInput(f"{path}: {error.reason}") from error
        return router.route(header, receiver=receiver or None, trace=True)

    async def try_rules(self, session: str, scope: str, concept: str, text: str) -> Route:
        """Route a prearchive session's first object as if `text` were in force, with a trace."""
        await asyncio.to_thread(parse_rules, text)
        config = await self._configuration.trying(scope, concept, text)
        return await self._waiting.route(session, config)


class Live:
    """Transfers, the ledger, and what is held."""

    def __init__(self, shop: JobContext) -> None:
        """Ask one prearchive."""
        self._shop = shop

    async def transfers(self, limit: int = 100, open_only: bool = False) -> tuple[Transfer, ...]:
        """Return transfers, newest first."""
        async with self._shop.prearchive_db.read() as transaction:
            return await transfers.list_transfers(
                transaction, limit=min(limit, _MOST), open_only=open_only
            )

    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]:
        """Return ledger entries, newest first."""
        async with self._shop.prearchive_db.read() as transaction:
            return await ledger.list_entries(
                transaction, max(0, offset), min(limit, _MOST), outcome
            )

    async def held(self) -> tuple[HeldObject, ...]:
        """Return the objects that wait in staging for a person."""
        query = select(HeldRow).where(~HeldRow.waits).order_by(HeldRow.at.desc()).limit(_MOST)
        async with self._shop.prearchive_db.read() as transaction:
            found = (await transaction.execute(query)).scalars()
            return tuple(
                HeldObject(
                    id=row.id,
                    transfer=row.transfer,
                    at=row.at,
                    reason=row.reason,
                    rule=row.rule,
                    size=row.size,
                )
                for row in found
            )


class Jobs:
    """Runs of workflows."""

    def __init__(self, shop: JobContext, prearchive: Prearchive) -> None:
        """Ask one runner; what changes a job changes its session too."""
        self._runner = shop.runner
        self._prearchive = prearchive

    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]:
        """Return jobs, newest first."""
        return await self._runner.list(min(limit, _MOST), unfinished=unfinished)

    async def cancel(self, id: str) -> None:
        """Take a queued job out of the queue; its session gets the status that its files give."""
        job = await self._runner.find(id)
        if job.status != "queued":
            raise Conflict(f"the job {id} is {job.status}: only queued jobs can be cancelled")
        _must(await self._prearchive.reset((job.session,)))

    async def retry(self, id: str) -> None:
        """Queue what a job was to do once more, where the session's status allows it."""
        job = await self._runner.find(id)
        acts = {
            Verb.REBUILD: self._prearchive.rebuild,
            Verb.ARCHIVE: self._prearchive.archive,
            Verb.DELETE: self._prearchive.delete,
            Verb.RESTORE: self._prearchive.restore,
        }
        if job.status not in ("failed", "cancelled"):
            raise Conflict(f"the job {id} is {job.status}: there is nothing to retry")
        act = acts.get(Verb(job.verb))
        if act is None:
            raise Conflict("a move is asked for anew: anteroom prearchive move")
        _must(await act((job.session,)))


def _must(outcomes: tuple[ActOutcome, ...]) -> None:
    for outcome in outcomes:
        if not outcome.done:
            raise Conflict(outcome.message)


def _changes(values: dict[str, str]) -> projects.Changes:
    unknown = values.keys() - {*_NUMBERS, *_TEXTS, "aliases"}
    if unknown:
        known = ", ".join((*_TEXTS, *_NUMBERS, "aliases"))
        raise InvalidInput(f"a project has no {sorted(unknown)[0]}", hint=f"set one of: {known}")
    for name in _NUMBERS:
        if name in values and not (values[name].isdecimal() and len(values[name]) < _DIGITS):
            raise InvalidInput(f"{name} is a number")
    aliases = values.get("aliases")
    return projects.Changes(
        title=values.get("title"),
        description=values.get("description"),
        accessibility=values.get("accessibility"),
        prearchive_code=_number(values.get("prearchive_code")),
        quarantine_code=_number(values.get("quarantine_code")),
        aliases=None
        if aliases is None
        else tuple(part.strip() for part in aliases.split(",") if part.strip()),
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _is_empty(place: Path) -> bool:
    return place.is_dir() and next(place.iterdir(), None) is None
