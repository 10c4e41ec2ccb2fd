# SPDX-License-Identifier: Apache-2.0
"""The anonymization scripts of the site and of projects, with every version that was ever written.
Which version runs is stored separately from the texts. The texts are not interpreted here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history, projects
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import ProjectRow, ScriptRow, ScriptVersionRow
from engine.model.errors import InvalidInput, NotFound
from engine.model.identifiers import new_script_id
from engine.model.scripts import SITE, ScriptInForce, ScriptSummary, ScriptText, project_of

_KIND = "script"
_HINT = "list the versions: anteroom script history"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewScript:
    """What a person wrote."""

    text: str
    lookups: str = ""
    language: int = 6
    reason: str = ""


async def show(session: AsyncSession, scope: str, version: int = 0) -> ScriptText:
    """Return a version, or the active one for 0; empty where nobody has written one.

    Raises:
        InvalidInput: no such scope.
        NotFound: no such project or version.
    """
    await _check(session, scope)
    row = await session.get(ScriptRow, scope)
    if row is None and version == 0:
        return ScriptText(scope=scope)
    wanted = version or (row.active if row is not None else 0)
    found = await _version(session, scope, wanted) if row is not None else None
    if row is None or found is None:
        raise NotFound(f"{scope} has no version {wanted} of a script", hint=_HINT)
    return _text(row, found)


async def by_id(session: AsyncSession, id: str) -> ScriptText | None:
    """Return the version that an object names; None for one that was never stored here."""
    found = await session.get(ScriptVersionRow, id)
    row = await session.get(ScriptRow, found.scope) if found is not None else None
    return _text(row, found) if row is not None and found is not None else None


async def ids(session: AsyncSession, scope: str) -> frozenset[str]:
    """Return the ids of all versions of a scope: what objects carry that one of them has
    changed."""
    query = select(ScriptVersionRow.id).where(ScriptVersionRow.scope == scope)
    return frozenset((await session.scalars(query)).all())


async def all_of(session: AsyncSession) -> tuple[ScriptSummary, ...]:
    """Return the active version of every scope, that of the site first, without texts."""
    rows = await session.execute(
        _SUMMARY.where(ScriptVersionRow.version == ScriptRow.active)
        .outerjoin(ProjectRow, ScriptRow.scope == "project:" + ProjectRow.id)
        .where(ProjectRow.deleted.is_(None))
        .order_by(ScriptRow.scope != SITE, ScriptRow.scope)
    )
    return tuple(_summary(row._mapping) for row in rows)


async def versions(session: AsyncSession, scope: str) -> tuple[ScriptSummary, ...]:
    """Return every version of a scope without texts, newest first.

    Raises:
        InvalidInput: no such scope.
        NotFound: no such project.
    """
    await _check(session, scope)
    rows = await session.execute(
        _SUMMARY.where(ScriptRow.scope == scope).order_by(ScriptVersionRow.version.desc())
    )
    return tuple(_summary(row._mapping) for row in rows)


async def in_force(session: AsyncSession, scope: str) -> ScriptInForce | None:
    """Return what runs for a scope; None where there is no script, or it is not enabled."""
    found = await session.scalar(
        select(ScriptVersionRow)
        .join(ScriptRow, ScriptRow.scope == ScriptVersionRow.scope)
        .where(
            ScriptRow.scope == scope,
            ScriptRow.enabled,
            ScriptVersionRow.version == ScriptRow.active,
        )
    )
    if found is None:
        return None
    return ScriptInForce(
        scope=scope,
        version=found.version,
        id=found.id,
        text=found.text,
        lookups=found.lookups,
        language=found.language,
    )


async def write(
    session: AsyncSession, scope: str, new: NewScript, *, actor: str, enabled: bool | None = None
) -> ScriptText:
    """Keep a text as the next version and make it the active one; what is active already is no new
    version.

    Args:
        enabled: whether the script runs from now on. If not given that stays as it is, and the
            first script of a scope is enabled.

    Raises:
        InvalidInput: no such scope.
        NotFound: no such project.
    """
    await lock(session)
    await _check(session, scope, writing=True)
    row = await session.get(ScriptRow, scope)
    before = history.state(row) if row is not None else None
    if row is None:
        row = ScriptRow(scope=scope, enabled=True, active=0)
        session.add(row)
    newest = await _newest(session, scope)
    wanted = row.enabled if enabled is None else enabled
    current = await _version(session, scope, row.active)
    if current is not None and (current.text, current.lookups) == (new.text, new.lookups):
        if wanted != row.enabled:
            await _turn(session, row, wanted, actor=actor)
        return _text(row, current)
    row.active, row.enabled = newest + 1, wanted
    await session.flush()
    added = ScriptVersionRow(
        id=new_script_id(),
        scope=scope,
        version=row.active,
        text=new.text,
        lookups=new.lookups,
        language=new.language,
        at=datetime.now(UTC),
        author=actor,
        reason=new.reason,
    )
    session.add(added)
    await session.flush()
    change = "Added" if before is None else "Modified"
    await _keep(session, row, actor, change, before, {"id": added.id, "reason": new.reason})
    return _text(row, added)


async def enable(session: AsyncSession, scope: str, enabled: bool, *, actor: str) -> ScriptText:
    """Let the script of a scope run, or not.

    Raises:
        InvalidInput: no such scope.
        NotFound: no such project, or it has no script.
    """
    await lock(session)
    await _check(session, scope, writing=True)
    row = await session.get(ScriptRow, scope)
    if row is None:
        raise _none(scope)
    if row.enabled != enabled:
        await _turn(session, row, enabled, actor=actor)
    return await show(session, scope)


async def activate(
    session: AsyncSession, scope: str, version: int, *, actor: str, reason: str = ""
) -> ScriptText:
    """Make an earlier version the active one again; all others stay.

    Raises:
        InvalidInput: no such scope.
        NotFound: no such project or version.
    """
    await lock(session)
    await _check(session, scope, writing=True)
    row = await session.get(ScriptRow, scope)
    found = await _version(session, scope, version)
    if row is None or found is None:
        raise NotFound(f"{scope} has no version {version} of a script", hint=_HINT)
    if row.active != version:
        before = history.state(row)
        row.active = version
        await session.flush()
        detail = {"id": found.id, "reason": reason}
        await _keep(session, row, actor, "Activated", before, detail)
    return _text(row, found)


async def ship(session: AsyncSession, text: str, *, language: int, enabled: bool) -> bool:
    """Return a new home its site script; say whether it had none. Nothing that anybody has written
    is ever touched."""
    await lock(session)
    if await session.get(ScriptRow, SITE) is not None:
        return False
    new = NewScript(text=text, language=language, reason="came with the program")
    await write(session, SITE, new, actor="anteroom", enabled=enabled)
    return True


def scope_name(scope: str) -> str:
    """Return the name of a scope's script in the history and in the audit trail."""
    return f"{scope}/{_KIND}"


async def _turn(session: AsyncSession, row: ScriptRow, enabled: bool, *, actor: str) -> None:
    before = history.state(row)
    row.enabled = enabled
    await session.flush()
    await _keep(session, row, actor, "Enabled" if enabled else "Disabled", before, {})


async def _keep(
    session: AsyncSession,
    row: ScriptRow,
    actor: str,
    change: str,
    before: dict[str, Any] | None,
    detail: dict[str, Any],
) -> None:
    """Write the change down where it is kept for ever, and let workers hear of it."""
    name = scope_name(row.scope)
    history.keep(session, _KIND, name, actor, change, before)
    told = {"version": row.active, "enabled": row.enabled} | detail
    record(session, actor, f"{change} script", name, told)
    await bump(session)


async def _check(session: AsyncSession, scope: str, *, writing: bool = False) -> None:
    if scope == SITE:
        return
    project = project_of(scope)
    if project is None:
        raise InvalidInput(f"{scope!r} has no script", hint="use site, or project:ID")
    if writing:
        await projects.live(session, project)
    else:
        await projects.show(session, project)


def _none(scope: str) -> NotFound:
    return NotFound(f"{scope} has no script yet", hint="write one: anteroom script set")


async def _newest(session: AsyncSession, scope: str) -> int:
    found = await session.scalar(
        select(func.max(ScriptVersionRow.version)).where(ScriptVersionRow.scope == scope)
    )
    return found or 0


async def _version(session: AsyncSession, scope: str, version: int) -> ScriptVersionRow | None:
    found: ScriptVersionRow | None = await session.scalar(
        select(ScriptVersionRow).where(
            ScriptVersionRow.scope == scope, ScriptVersionRow.version == version
        )
    )
    return found


_SUMMARY = select(
    ScriptRow.scope,
    ScriptRow.enabled,
    ScriptVersionRow.version,
    ScriptVersionRow.id,
    (ScriptVersionRow.version == ScriptRow.active).label("active"),
    ScriptVersionRow.language,
    ScriptVersionRow.at,
    ScriptVersionRow.author,
    ScriptVersionRow.reason,
).join(ScriptVersionRow, ScriptRow.scope == ScriptVersionRow.scope)


def _summary(values: Any) -> ScriptSummary:
    return ScriptSummary(**values)


def _text(row: ScriptRow, found: ScriptVersionRow) -> ScriptText:
    return ScriptText(
        scope=row.scope,
        version=found.version,
        id=found.id,
        enabled=row.enabled,
        active=found.version == row.active,
        language=found.language,
        at=found.at,
        author=found.author,
        reason=found.reason,
        text=found.text,
        lookups=found.lookups,
    )
