# SPDX-License-Identifier: Apache-2.0
"""What was configured at any moment. The history keeps what each thing was before each change; so
what is there now, with all later changes undone one after the other, is what was there then."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Select, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import (
    history,
    people,
    projects,
    receivers,
    rules,
    scripts,
    settings_files,
)
from engine.archive.tables import (
    GrantRow,
    HistoryRow,
    ProjectRow,
    ReceiverRow,
    RemoteRow,
    ScriptRow,
    SettingsFileRow,
    SiteSettingRow,
    UserRow,
)
from engine.database.columns import ArchiveTable
from engine.model.configured import ConfigurationChange, Configured, Difference
from engine.model.errors import InvalidInput

KINDS = (
    settings_files.KIND,
    *("setting", "receiver", "remote", "project", "rules", "script", "user", "role"),
)
"""In the order in which they are listed."""

_TABLES: Mapping[str, type[ArchiveTable]] = {
    "receiver": ReceiverRow,
    "remote": RemoteRow,
    "project": ProjectRow,
}
"""Those whose columns became more with time."""

_DIGEST = 16
_NEVER = 2**63 - 1

_LEFT_OUT = frozenset(
    {
        *("id", "at", "by", "author", "reason", "created", "created_by", "deleted", "name"),
        *("added", "added_by", "scope", "concept", "holder"),
        *("echo_at", "echo_ok", "echo_milliseconds", "echo_reason"),
    }
)
"""Columns that name a thing or tell of it, and configure nothing."""

State = dict[tuple[str, str], dict[str, Any]]


async def at(session: AsyncSession, moment: datetime) -> tuple[Configured, ...]:
    """Return what was configured at a moment, by kind and name.

    Raises:
        InvalidInput: if the moment has no time zone.
    """
    _check(moment)
    state = await state_at(session, moment)
    return tuple(
        Configured(kind=kind, name=name, values=_told(kind, values))
        for (kind, name), values in sorted(state.items(), key=_order)
    )


async def state_at(session: AsyncSession, moment: datetime) -> State:
    """Return the same with all that the history keeps: by kind and name."""
    return await _undone(session, await _now(session), moment)


async def diff(
    session: AsyncSession, old: datetime, new: datetime
) -> tuple[ConfigurationChange, ...]:
    """Return what differs between two moments, with who has changed it last and when.

    Raises:
        InvalidInput: if a moment has no time zone.
    """
    _check(old)
    _check(new)
    after = await _undone(session, await _now(session), new)
    before = await _undone(session, dict(after), old, until=new)
    last: dict[tuple[str, str], HistoryRow] = {}
    for row in await session.scalars(await _later(session, old, until=new)):
        last.setdefault((row.kind, row.object), row)
    changes = []
    for key in sorted(before.keys() | after.keys(), key=lambda key: _order((key, {}))):
        kind, name = key
        was = _told(kind, before[key]) if key in before else None
        now = _told(kind, after[key]) if key in after else None
        if was == now:
            continue
        difference = Difference.CHANGED
        if was is None or now is None:
            difference = Difference.ADDED if was is None else Difference.REMOVED
        else:
            same = {name for name, text in was.items() if now.get(name) == text}
            was = {name: text for name, text in was.items() if name not in same}
            now = {name: text for name, text in now.items() if name not in same}
        made = last.get(key)
        changes.append(
            ConfigurationChange(
                kind=kind,
                name=name,
                difference=difference,
                before=was or {},
                after=now or {},
                by=made.actor if made is not None else "",
                at=made.at if made is not None else None,
            )
        )
    return tuple(changes)


async def _undone(
    session: AsyncSession, state: State, moment: datetime, until: datetime | None = None
) -> State:
    """Undo all changes after a moment, the newest first."""
    for row in await session.scalars(await _later(session, moment, until=until)):
        if row.before:
            state[row.kind, row.object] = row.before
        else:
            state.pop((row.kind, row.object), None)
    return state


async def _later(
    session: AsyncSession, moment: datetime, until: datetime | None = None
) -> Select[HistoryRow]:
    """Select the changes after a moment, the newest first. The first of them and all that followed
    it are meant: should a clock have been set back, what is left is still what was there once."""
    query = select(HistoryRow).where(
        HistoryRow.kind.in_(KINDS), HistoryRow.id >= await _first(session, moment)
    )
    if until is not None:
        query = query.where(HistoryRow.id < await _first(session, until))
    return query.order_by(HistoryRow.id.desc())


async def _first(session: AsyncSession, moment: datetime) -> int:
    """Return the number of the first change after a moment."""
    found = await session.scalar(
        select(func.min(HistoryRow.id)).where(HistoryRow.kind.in_(KINDS), HistoryRow.at > moment)
    )
    return found if found is not None else _NEVER


async def _now(session: AsyncSession) -> State:
    """Return what is configured now, as the history would keep it."""
    state: State = {}
    for file in await session.scalars(select(SettingsFileRow)):
        state[settings_files.KIND, file.node] = file.said
    for setting in await session.scalars(select(SiteSettingRow)):
        state["setting", setting.name] = history.state(setting)
    for receiver in await session.scalars(select(ReceiverRow)):
        state["receiver", receivers.name_of(receiver)] = history.state(receiver)
    for remote in await session.scalars(select(RemoteRow)):
        state["remote", remote.name] = history.state(remote)
    for project in await session.scalars(select(ProjectRow).where(ProjectRow.deleted.is_(None))):
        state["project", project.id] = await projects.state_of(session, project)
    for rule in await rules.newest(session):
        state["rules", f"{rule.scope}/{rule.concept}"] = history.state(rule)
    for script in await session.scalars(select(ScriptRow)):
        state["script", scripts.scope_name(script.scope)] = history.state(script)
    for user in await session.scalars(select(UserRow)):
        state["user", user.login] = people.told(user)
    for grant in await session.scalars(select(GrantRow)):
        state["role", people.grant_name(grant)] = history.state(grant)
    return state


def _told(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """Return the values of a thing as people read them."""
    if kind == settings_files.KIND:
        return dict(sorted(values.items()))
    left_out = _LEFT_OUT - {"name"} if kind == "user" else _LEFT_OUT
    known = {**_defaults(_TABLES[kind]), **values} if kind in _TABLES else dict(values)
    if kind == "rules":
        # The text itself can be read by its version.
        text = str(known.pop("text"))
        known["sha256"] = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in sorted(known.items())
        if name not in left_out
    }


def _defaults(table: type[ArchiveTable]) -> dict[str, Any]:
    """Return what columns hold of rows that are older than they are."""
    columns = ((each.key, each.columns[0]) for each in inspect(table).column_attrs)
    defaults = {name: getattr(column.default, "arg", None) for name, column in columns}
    return {
        name: {} if callable(default) else default
        for name, default in defaults.items()
        if default is not None
    }


def _order(item: tuple[tuple[str, str], Any]) -> tuple[int, str]:
    (kind, name), _ = item
    return KINDS.index(kind), name


def _check(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InvalidInput("a moment needs its time zone")


def now() -> datetime:
    """Return this moment."""
    return datetime.now(UTC)
