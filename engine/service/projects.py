# SPDX-License-Identifier: Apache-2.0
"""Projects, on behalf of an actor: their titles, aliases and codes, and the check that a new
project can have its own folders."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path

from engine.archive import projects
from engine.jobs.context import JobContext
from engine.model.archive import Project
from engine.model.errors import Conflict, InvalidInput, Refused
from engine.model.people import Actor, Permission
from engine.service.configuration import Apply

_NUMBERS = (
    *("prearchive_code", "quarantine_code", "release_people", "build_after", "trash_days"),
    "review_hours",
)
_DIGITS = 10
_TEXTS = ("title", "description", "release_by", "findings_limit", "accessibility")


class Projects:
    """Projects, their aliases and codes."""

    def __init__(self, context: JobContext, apply: Apply, actor: Actor) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._context = context
        self._apply = apply
        self._actor = actor.name
        self._administers = actor.may(Permission.ADMINISTER)

    async def list(self) -> tuple[Project, ...]:
        """Return all projects."""
        async with self._context.archive_db.read() as transaction:
            return await projects.all_of(transaction)

    async def show(self, id: str) -> Project:
        """Return one project."""
        async with self._context.archive_db.read() as transaction:
            return await projects.show(transaction, id)

    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project:
        """Add a project with the site's default code."""
        await asyncio.to_thread(self._free, id)
        code = self._context.settings.projects.default_prearchive_code
        async with self._context.archive_db.write() as transaction:
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
        for store in (self._context.archive, self._context.prearchive):
            for each in store.iterdir() if store.is_dir() else ():
                if each.name.casefold() == id.casefold() and not _is_empty(each):
                    raise Conflict(
                        f"{each} is there already, and would become the folder of the project",
                        hint="move it away, or choose another project ID",
                    )

    async def set(self, id: str, values: dict[str, str]) -> Project:
        """Set values of a project by name."""
        changes = read_changes(values)
        if changes.prearchive_code and not self._context.settings.projects.allow_auto_archive:
            raise InvalidInput(
                "this site does not allow auto-archiving",
                hint="set projects.allow_auto_archive in the settings first",
            )
        async with self._context.archive_db.write() as transaction:
            if changes.aliases and not self._administers:
                known = (await projects.show(transaction, id)).aliases
                _must_be_known(changes.aliases, known)
            if changes.release_people is not None and not self._administers:
                now = (await projects.show(transaction, id)).release_people
                _must_not_be_fewer(changes.release_people, now)
            changed = await projects.change(transaction, id, changes, actor=self._actor)
        await self._apply()
        return changed


def _must_be_known(aliases: Collection[str], known: Collection[str]) -> None:
    """Refuse a new alias to whoever does not administer the site: routing finds projects by it, so
    it draws what senders mean for another, or for none."""
    if set(aliases) - set(known):
        raise Refused(
            "an alias is a name for the routing of the whole site",
            hint="ask an administrator to add it; owners may remove aliases",
        )


def _must_not_be_fewer(wanted: int, now: int) -> None:
    """Refuse to whoever does not administer the site to let fewer people release: one of the two
    who are demanded could do away with the other."""
    if wanted < now:
        raise Refused(
            f"{now} people agree to a release here; only an administrator lowers that",
            hint="ask an administrator of this site",
        )


def read_changes(values: dict[str, str]) -> projects.Changes:
    """Return values by name, as people write them, as what is to be set.

    Raises:
        InvalidInput: if there is no such value, or it is no number.
    """
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
        release_people=_number(values.get("release_people")),
        build_after=_number(values.get("build_after")),
        trash_days=_number(values.get("trash_days")),
        review_hours=_number(values.get("review_hours")),
        release_by=values.get("release_by"),
        findings_limit=values.get("findings_limit"),
        aliases=None
        if aliases is None
        else tuple(part.strip() for part in aliases.split(",") if part.strip()),
    )


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def _is_empty(place: Path) -> bool:
    return place.is_dir() and next(place.iterdir(), None) is None
