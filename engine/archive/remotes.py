# SPDX-License-Identifier: Apache-2.0
"""Remote application entities that users have added. Nothing here calls them; that is
`engine.remotes`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import lock
from engine.archive.remote_values import checked
from engine.archive.tables import RemoteRow
from engine.model.errors import Conflict, NotFound
from engine.model.remotes import Echo, Remote

_KIND = "remote"
_VALUES = tuple(each.name for each in fields(Remote) if each.name != "last_echo")


async def all_of(session: AsyncSession) -> tuple[Remote, ...]:
    """Return all remotes, by name."""
    rows = await session.scalars(select(RemoteRow).order_by(func.lower(RemoteRow.name)))
    return tuple(_remote(row) for row in rows)


async def show(session: AsyncSession, name: str) -> Remote:
    """Return one remote.

    Raises:
        NotFound: there is none of this name.
    """
    return _remote(await _row(session, name))


async def enabled_as(session: AsyncSession, ae_title: str, address: str = "") -> Remote | None:
    """Return the enabled remote with this AE title; None where there is none. Where several have
    it, only the one whose host is `address` is meant."""
    rows = await session.scalars(
        select(RemoteRow)
        .where(RemoteRow.ae_title == ae_title.strip(" "), RemoteRow.enabled)
        .order_by(RemoteRow.name)
    )
    found = [_remote(row) for row in rows]
    if len(found) > 1:
        found = [remote for remote in found if address and remote.host == address][:1]
    return found[0] if found else None


async def add(session: AsyncSession, remote: Remote, *, actor: str) -> Remote:
    """Add a remote.

    Raises:
        InvalidInput: one of its values is not allowed.
        Conflict: the name is taken.
    """
    wanted = checked(remote)
    await lock(session)
    if await _find(session, wanted.name) is not None:
        raise Conflict(
            f"there is a remote {wanted.name} already",
            hint="choose another name, or change it: remote edit",
        )
    row = RemoteRow(**_values(wanted))
    session.add(row)
    await session.flush()
    history.keep(session, _KIND, wanted.name, actor, "Added")
    record(session, actor, "Added remote", wanted.name, _values(wanted))
    return _remote(row)


async def edit(session: AsyncSession, remote: Remote, *, actor: str) -> Remote:
    """Make the remote of this name be what `remote` says.

    Raises:
        NotFound: there is none of this name.
        InvalidInput: one of the new values is not allowed.
    """
    await lock(session)
    row = await _row(session, remote.name)
    before, old = history.state(row), _remote(row)
    wanted = _values(checked(remote)) | {"name": row.name}
    changed = {name: value for name, value in wanted.items() if value != getattr(old, name)}
    if changed:
        for name, value in changed.items():
            setattr(row, name, value)
        history.keep(session, _KIND, row.name, actor, "Modified", before)
        record(session, actor, "Modified remote", row.name, changed)
        await session.flush()
    return _remote(row)


async def delete(session: AsyncSession, name: str, *, actor: str) -> Remote:
    """Delete a remote, and return what it was.

    Raises:
        NotFound: there is none of this name.
    """
    await lock(session)
    row = await _row(session, name)
    history.keep(session, _KIND, row.name, actor, "Deleted", history.state(row))
    record(session, actor, "Deleted remote", row.name)
    await session.delete(row)
    return _remote(row)


async def keep_echo(session: AsyncSession, name: str, echo: Echo) -> None:
    """Keep how a remote has answered; one that was deleted meanwhile is left alone."""
    row = await _find(session, name)
    if row is not None:
        row.echo_at, row.echo_ok = echo.at, echo.ok
        row.echo_milliseconds, row.echo_reason = echo.milliseconds, echo.reason


async def _find(session: AsyncSession, name: str) -> RemoteRow | None:
    found: RemoteRow | None = await session.scalar(
        select(RemoteRow).where(func.lower(RemoteRow.name) == name.strip().lower())
    )
    return found


async def _row(session: AsyncSession, name: str) -> RemoteRow:
    row = await _find(session, name)
    if row is None:
        raise NotFound(f"there is no remote {name}", hint="list them: anteroom remote list")
    return row


def _values(remote: Remote) -> dict[str, Any]:
    return {name: getattr(remote, name) for name in _VALUES}


def _remote(row: RemoteRow) -> Remote:
    echo = None
    if row.echo_at is not None:
        echo = Echo(
            at=row.echo_at,
            ok=row.echo_ok,
            milliseconds=row.echo_milliseconds,
            reason=row.echo_reason,
        )
    return Remote(**{name: getattr(row, name) for name in _VALUES}, last_echo=echo)
