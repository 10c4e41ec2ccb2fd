# SPDX-License-Identifier: Apache-2.0
"""Projects and their aliases. The ID of a deleted project is never reused, and no alias may be
another project's ID or alias: routing looks up both in one namespace, case-sensitively."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import AliasRow, ArchivedSessionRow, FilingRow, ProjectRow, SubjectRow
from engine.model.archive import Project
from engine.model.errors import Conflict, InvalidInput, NotFound, Refused
from engine.model.findings import NO_LIMIT, Level
from engine.model.people import RELEASING, Accessibility
from engine.model.quarantine import MOST_PEOPLE

PREARCHIVE_CODES = frozenset({0, 4})
QUARANTINE_CODES = frozenset({0, 1})
ACCESSIBILITIES = frozenset(each.value for each in Accessibility)
RELEASE_PEOPLE = frozenset(range(1, MOST_PEOPLE + 1))
RELEASE_BY = frozenset(each.value for each in RELEASING)
FINDINGS_LIMITS = frozenset((NO_LIMIT, *(each.value for each in Level)))
NOT_YET: Mapping[tuple[str, int | str], str] = {
    ("prearchive_code", 5): "archiving that replaces what is there does not work yet: "
    "0 waits for review, 4 archives where the label is free",
}
"""Values that XNAT knows and that would have no effect here. Rows of older homes may have them."""

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")
_RESERVED = frozenset({"unassigned"})
"""Names that paths and addresses use for something else."""
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)
"""Names that Windows keeps for devices: no copy of the archive could be laid down there."""
_ALIAS_LENGTH = 160
_TITLE_LENGTH = 255
_LONGEST_WAIT, _MOST_DAYS, _MOST_HOURS = 604_800, 36_500, 87_600
_KIND = "project"
_VALUES = (
    "title",
    "description",
    "prearchive_code",
    "quarantine_code",
    "release_people",
    "release_by",
    "findings_limit",
    "build_after",
    "trash_days",
    "review_hours",
    "accessibility",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What to set on a project; None leaves a value alone."""

    title: str | None = None
    description: str | None = None
    prearchive_code: int | None = None
    quarantine_code: int | None = None
    release_people: int | None = None
    release_by: str | None = None
    findings_limit: str | None = None
    build_after: int | None = None
    trash_days: int | None = None
    review_hours: int | None = None
    accessibility: str | None = None
    aliases: tuple[str, ...] | None = None


def check_id(id: str) -> None:
    """See that a project may have an ID.

    Raises:
        InvalidInput: it is not well formed.
        Refused: it is a reserved name.
    """
    if not _ID.fullmatch(id):
        raise InvalidInput(
            f"{id!r} cannot be a project ID",
            hint="use 1 to 64 letters, digits, _ or -, and no - at the beginning",
        )
    if id.lower() in _RESERVED:
        raise Refused(f"{id} is a reserved name", hint="choose another project ID")
    if id.lower() in _DEVICES:
        raise Refused(
            f"{id} is the name of a device on Windows, where no folder can be called so",
            hint="choose another project ID",
        )


async def add(
    session: AsyncSession, id: str, *, actor: str, title: str = "", aliases: Iterable[str] = ()
) -> Project:
    """Add a project.

    Raises:
        InvalidInput: the ID, the title or an alias is not well formed.
        Conflict: the ID or an alias is taken, or differs from another only in case.
        Refused: the ID belonged to a deleted project, or is a reserved name.
    """
    check_id(id)
    await lock(session)
    before = await session.get(ProjectRow, id)
    if before is not None and before.deleted is not None:
        raise Refused(
            f"the project ID {id} belonged to a deleted project and is never used again",
            hint="choose another project ID",
        )
    if before is not None:
        raise Conflict(f"the project {id} exists", hint="choose another project ID")
    if await _alias(session, id) is not None:
        raise Conflict(f"{id} is an alias of another project", hint="choose another project ID")
    if (alike := await _alike(session, id)) is not None:
        raise Conflict(
            f"{id} and {alike} would differ only in upper and lower case",
            hint="choose another project ID: to some file systems both are the same folder",
        )
    row = ProjectRow(
        id=id, title=_title(title), created=datetime.now(UTC), created_by=actor, description=""
    )
    session.add(row)
    await session.flush()
    wanted = tuple(dict.fromkeys(aliases))
    for alias in wanted:
        await _add_alias(session, id, alias)
    history.keep(session, _KIND, id, actor, "Added")
    record(session, actor, "Added project", id, {"aliases": list(wanted)} if wanted else {})
    await bump(session)
    return await show(session, id)


async def change(session: AsyncSession, id: str, changes: Changes, *, actor: str) -> Project:
    """Set values of a project; `aliases` replaces all of them. What stays the same is no change.

    Raises:
        NotFound: no such project.
        InvalidInput: a value is not allowed.
        Conflict: an alias is taken.
    """
    await lock(session)
    row = await live(session, id)
    before = await state_of(session, row)
    check(changes)
    for name in _VALUES:
        value = getattr(changes, name)
        if value is not None:
            setattr(row, name, value)
    if changes.aliases is not None:
        await _set_aliases(session, id, changes.aliases)
    await session.flush()
    after = await state_of(session, row)
    changed: dict[str, Any] = {key: after[key] for key in after if after[key] != before[key]}
    if changed:
        history.keep(session, _KIND, id, actor, "Modified", before)
        record(session, actor, "Modified project", id, changed)
        await bump(session)
    return await show(session, id)


async def add_alias(session: AsyncSession, id: str, alias: str, *, actor: str) -> Project:
    """Add an alias to a project.

    Raises:
        NotFound: no such project.
        InvalidInput: the alias is empty or too long.
        Conflict: the alias is taken.
    """
    await lock(session)
    aliases = await _aliases(session, (await live(session, id)).id)
    return await change(session, id, Changes(aliases=(*aliases, alias)), actor=actor)


async def remove_alias(session: AsyncSession, id: str, alias: str, *, actor: str) -> Project:
    """Take a name from a project.

    Raises:
        NotFound: no such project, or it does not have this alias.
    """
    await lock(session)
    aliases = await _aliases(session, (await live(session, id)).id)
    if alias not in aliases:
        raise NotFound(f"{alias} is not an alias of {id}")
    left = tuple(other for other in aliases if other != alias)
    return await change(session, id, Changes(aliases=left), actor=actor)


async def remove(session: AsyncSession, id: str, *, actor: str) -> None:
    """Mark an empty project as deleted; its ID stays taken, its aliases are free again.

    Raises:
        NotFound: no such project.
        Conflict: it holds sessions or subjects, or something is being archived into it.
    """
    await lock(session)
    row = await live(session, id, exclusively=True)
    for table, what in (
        (ArchivedSessionRow, "holds sessions"),
        (SubjectRow, "holds subjects"),
        (FilingRow, "is being archived into"),
    ):
        if await session.scalar(select(exists().where(table.project == id))):
            raise Conflict(f"the project {id} {what}", hint="delete or move them first")
    before = await state_of(session, row)
    row.deleted = datetime.now(UTC)
    await session.execute(delete(AliasRow).where(AliasRow.project == id))
    history.keep(session, _KIND, id, actor, "Deleted", before)
    record(session, actor, "Deleted project", id)
    await bump(session)


async def show(session: AsyncSession, id: str) -> Project:
    """Return a project by its ID.

    Raises:
        NotFound: no such project, or it was deleted.
    """
    row = await session.get(ProjectRow, id)
    if row is None or row.deleted is not None:
        raise missing(id)
    return _project(row, await _aliases(session, id))


async def all_of(session: AsyncSession) -> tuple[Project, ...]:
    """Return all projects that are not deleted, by ID."""
    aliases: dict[str, list[str]] = {}
    for row in await session.scalars(select(AliasRow).order_by(AliasRow.alias)):
        aliases.setdefault(row.project, []).append(row.alias)
    rows = await session.scalars(
        select(ProjectRow).where(ProjectRow.deleted.is_(None)).order_by(ProjectRow.id)
    )
    return tuple(_project(row, tuple(aliases.get(row.id, ()))) for row in rows)


async def resolve(session: AsyncSession, name: str) -> str | None:
    """Return the ID of the project that has this ID or alias; case counts."""
    row = await session.get(ProjectRow, name)
    if row is not None:
        return row.id if row.deleted is None else None
    alias = await _alias(session, name)
    return alias.project if alias is not None else None


async def state_of(session: AsyncSession, row: ProjectRow) -> dict[str, Any]:
    """Return a project as the history keeps it: with its aliases."""
    return history.state(row) | {"aliases": list(await _aliases(session, row.id))}


async def live(session: AsyncSession, id: str, *, exclusively: bool = False) -> ProjectRow:
    """Return the row of a project, locked against deletion until the transaction ends.

    Raises:
        NotFound: no such project, or it was deleted.
    """
    row = await session.get(ProjectRow, id, with_for_update={"read": not exclusively})
    if row is None or row.deleted is not None:
        raise missing(id)
    return row


def missing(id: str) -> NotFound:
    """Return what is said of a project that is not there, or that may not be known of."""
    return NotFound(f"there is no project {id}", hint="list the projects")


async def _alias(session: AsyncSession, alias: str) -> AliasRow | None:
    return await session.get(AliasRow, alias)


async def _alike(session: AsyncSession, name: str, *, but: str = "") -> str | None:
    """Return the ID or alias of another project, deleted or not, that differs from a name only in
    case."""
    folded = name.casefold()
    ids = (await session.scalars(select(ProjectRow.id).where(ProjectRow.id != but))).all()
    of_others = select(AliasRow.alias).where(AliasRow.project != but)
    # Folded here: SQLite knows upper and lower case of ASCII only.
    every = (*ids, *(await session.scalars(of_others)).all())
    return next((each for each in every if each.casefold() == folded), None)


async def _aliases(session: AsyncSession, id: str) -> tuple[str, ...]:
    return tuple(
        await session.scalars(
            select(AliasRow.alias).where(AliasRow.project == id).order_by(AliasRow.alias)
        )
    )


async def _set_aliases(session: AsyncSession, id: str, aliases: tuple[str, ...]) -> None:
    held = set(await _aliases(session, id))
    wanted = dict.fromkeys(aliases)
    gone = held - wanted.keys()
    if gone:
        await session.execute(delete(AliasRow).where(AliasRow.alias.in_(gone)))
    for alias in wanted:
        if alias not in held:
            await _add_alias(session, id, alias)


async def _add_alias(session: AsyncSession, id: str, alias: str) -> None:
    if not alias.strip() or alias != alias.strip() or len(alias) > _ALIAS_LENGTH:
        raise InvalidInput(
            f"{alias!r} cannot be an alias",
            hint=f"use 1 to {_ALIAS_LENGTH} characters without blanks at its ends",
        )
    if alias.lower() in _RESERVED:
        raise Refused(f"{alias} is a reserved name", hint="choose another alias")
    # Also the ID of a deleted project: data that names it must not turn up somewhere else.
    if await session.get(ProjectRow, alias) is not None:
        raise Conflict(f"{alias} is the ID of a project", hint="choose another alias")
    if await _alias(session, alias) is not None:
        raise Conflict(f"the alias {alias} is taken", hint="choose another alias")
    if (alike := await _alike(session, alias, but=id)) is not None:
        raise Conflict(
            f"{alias} and {alike} of another project would differ only in upper and lower case",
            hint="choose another alias: routing distinguishes them, but users do not",
        )
    session.add(AliasRow(alias=alias, project=id))
    await session.flush()


def _title(title: str) -> str:
    if len(title) > _TITLE_LENGTH:
        raise InvalidInput(f"a title has at most {_TITLE_LENGTH} characters")
    return title


def check(changes: Changes) -> None:
    """See that a project may have values.

    Raises:
        InvalidInput: one of them is not allowed.
        Refused: one of them has no effect yet.
    """
    _title(changes.title or "")
    for name, wait, most, unit in (
        ("build_after", changes.build_after, _LONGEST_WAIT, "seconds"),
        ("trash_days", changes.trash_days, _MOST_DAYS, "days"),
        ("review_hours", changes.review_hours, _MOST_HOURS, "hours"),
    ):
        if wait is not None and not 0 <= wait <= most:
            raise InvalidInput(
                f"{name}: expected a number from 1 to {most} {unit}, or 0 for what the site has"
            )
    for name, value, allowed in (
        ("prearchive_code", changes.prearchive_code, PREARCHIVE_CODES),
        ("quarantine_code", changes.quarantine_code, QUARANTINE_CODES),
        ("release_people", changes.release_people, RELEASE_PEOPLE),
        ("release_by", changes.release_by, RELEASE_BY),
        ("findings_limit", changes.findings_limit, FINDINGS_LIMITS),
        ("accessibility", changes.accessibility, ACCESSIBILITIES),
    ):
        if value is not None and (name, value) in NOT_YET:
            raise Refused(NOT_YET[name, value])
        if value is not None and value not in allowed:
            choices = ", ".join(str(choice) for choice in sorted(map(str, allowed)))
            raise InvalidInput(f"{value!r} is no {name}", hint=f"use one of {choices}")


def _project(row: ProjectRow, aliases: tuple[str, ...]) -> Project:
    return Project(
        id=row.id,
        title=row.title,
        description=row.description,
        aliases=aliases,
        prearchive_code=row.prearchive_code,
        quarantine_code=row.quarantine_code,
        accessibility=row.accessibility,
        current_arc=row.current_arc,
        created=row.created,
        created_by=row.created_by,
        build_after=row.build_after,
        trash_days=row.trash_days,
        review_hours=row.review_hours,
        release_people=row.release_people,
        release_by=row.release_by,
        findings_limit=row.findings_limit,
    )
