# SPDX-License-Identifier: Apache-2.0
"""Users and their roles, and requests for access. A holder of a role is a user, or, as `@group`,
everybody in a Unix group. What is asked who may do it is `engine.model.people`."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import delete, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history, projects
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import (
    AccessRequestRow,
    GrantRow,
    ProjectRow,
    SignInRow,
    TokenRow,
    UserRow,
)
from engine.model.errors import Conflict, InvalidInput, NotFound, Refused
from engine.model.people import (
    Accessibility,
    AccessRequest,
    Grant,
    Member,
    Role,
    Roster,
    SiteRole,
    User,
)

GROUP = "@"
"""What the name of a Unix group begins with where a holder of a role is meant."""

_LOGIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}")
_GROUP = re.compile(r"@[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_RESERVED = frozenset({"auto", "timer", "engine", "receiver", "sys"})
"""Names that stand in the trail for what nobody did."""
_LONGEST = 255
_LARGEST_UID = 2**32 - 2
_LONGEST_REASON = 400
_KIND, _ROLE = "user", "role"


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """What to set on a user; None leaves a value alone."""

    name: str | None = None
    email: str | None = None
    uid: int | None = None
    """-1 for none."""
    disabled: bool | None = None
    sees_originals: bool | None = None


async def roster(session: AsyncSession) -> Roster:
    """Read all people and roles."""
    by_holder: defaultdict[str, list[Grant]] = defaultdict(list)
    for row in await session.scalars(select(GrantRow).order_by(GrantRow.project, GrantRow.role)):
        by_holder[row.holder].append(_grant(row))
    users = await session.scalars(select(UserRow).order_by(UserRow.login))
    private, owners = Accessibility.PRIVATE.value, Role.OWNER.value
    unlike_others = await session.execute(
        select(ProjectRow.id, ProjectRow.accessibility, ProjectRow.release_by).where(
            ProjectRow.deleted.is_(None),
            or_(ProjectRow.accessibility != private, ProjectRow.release_by != owners),
        )
    )
    opened: dict[str, Accessibility] = {}
    release_by: dict[str, Role] = {}
    for id, accessibility, least in unlike_others:
        if accessibility != private:
            opened[id] = Accessibility(accessibility)
        if least != owners:
            release_by[id] = Role(least)
    return Roster(
        users={row.login: _user(row, tuple(by_holder[row.login])) for row in users},
        groups={
            holder.removeprefix(GROUP): tuple(grants)
            for holder, grants in by_holder.items()
            if holder.startswith(GROUP)
        },
        opened=opened,
        release_by=release_by,
    )


async def add_first(session: AsyncSession, login: str, uid: int) -> None:
    """Make the Unix user who starts an engine an administrator, where nobody was ever added; there
    is no password that anybody could know."""
    if await session.scalar(select(exists().where(UserRow.login.is_not(None)))):
        return
    if not _LOGIN.fullmatch(login) or login.lower() in _RESERVED:
        # Whoever runs the engine may do everything without being a user, too.
        return
    await add(session, login, Changes(uid=uid, sees_originals=True), actor=login)
    await grant(session, login, SiteRole.ADMIN, actor=login)


async def show(session: AsyncSession, login: str) -> User:
    """Return one user.

    Raises:
        NotFound: there is none of this login.
    """
    row = await get(session, login)
    grants = await session.scalars(
        select(GrantRow).where(GrantRow.holder == login).order_by(GrantRow.project, GrantRow.role)
    )
    return _user(row, tuple(_grant(each) for each in grants))


async def get(session: AsyncSession, login: str) -> UserRow:
    """Return the row of a user.

    Raises:
        NotFound: there is none of this login.
    """
    row = await session.get(UserRow, login)
    if row is None:
        raise NotFound(f"there is no user {login}", hint="list them: anteroom user list")
    return row


async def add(session: AsyncSession, login: str, changes: Changes, *, actor: str) -> User:
    """Add a user, who may do nothing before roles are granted.

    Raises:
        InvalidInput: the login or a value is not well formed.
        Refused: the login is one that the engine uses itself.
        Conflict: the login, or one that differs only in case, or the uid is taken.
    """
    if not _LOGIN.fullmatch(login):
        raise InvalidInput(
            f"{login!r} cannot be a login", hint="use 1 to 64 letters, digits, and . _ - @"
        )
    if login.lower() in _RESERVED:
        raise Refused(f"{login} is a name of the engine's own", hint="choose another login")
    await lock(session)
    for known in await session.scalars(select(UserRow.login)):
        if known.casefold() == login.casefold():
            raise Conflict(f"there is a user {known} already", hint="choose another login")
    row = UserRow(login=login, added=datetime.now(UTC), added_by=actor)
    await _set(session, row, changes)
    session.add(row)
    await session.flush()
    history.keep(session, _KIND, login, actor, "Added")
    record(session, actor, "Added user", login, told(row))
    await bump(session)
    return await show(session, login)


async def change(session: AsyncSession, login: str, changes: Changes, *, actor: str) -> User:
    """Set values of a user. Who is disabled is signed out, and has no tokens any more.

    Raises:
        NotFound: there is none of this login.
        InvalidInput: a value is not well formed.
        Conflict: the uid is another user's, or no administrator would be left.
    """
    await lock(session)
    row = await get(session, login)
    before = told(row)
    await _set(session, row, changes)
    await session.flush()
    after = told(row)
    changed = {key: [before[key], after[key]] for key in after if after[key] != before[key]}
    if changed:
        if row.disabled:
            if await session.get(GrantRow, (login, "", SiteRole.ADMIN.value)) is not None:
                await _must_leave_an_administrator(session)
            await session.execute(delete(SignInRow).where(SignInRow.login == login))
            await revoke_tokens(session, login)
        history.keep(session, _KIND, login, actor, "Modified", before)
        record(session, actor, "Modified user", login, {"changed": changed})
        await bump(session)
    return await show(session, login)


async def revoke_tokens(session: AsyncSession, login: str) -> None:
    """Let no token of a user be taken any more."""
    for token in await session.scalars(
        select(TokenRow).where(TokenRow.login == login, TokenRow.revoked.is_(None))
    ):
        token.revoked = datetime.now(UTC)


async def grant(
    session: AsyncSession, holder: str, role: Role | SiteRole, project: str = "", *, actor: str
) -> None:
    """Grant a role to a user or a Unix group, and answer what they have asked for with it.

    Raises:
        InvalidInput: the holder is not well formed, or the role is of another kind.
        NotFound: there is no such user or project.
    """
    await lock(session)
    await _check_holder(session, holder)
    _check_kind(role, project)
    if project:
        await projects.live(session, project)
        await session.execute(
            delete(AccessRequestRow).where(
                AccessRequestRow.login == holder, AccessRequestRow.project == project
            )
        )
    if await session.get(GrantRow, (holder, project, role.value)) is not None:
        return
    session.add(
        GrantRow(holder=holder, project=project, role=role.value, at=datetime.now(UTC), by=actor)
    )
    await session.flush()
    row = await session.get_one(GrantRow, (holder, project, role.value))
    history.keep(session, _ROLE, grant_name(row), actor, "Granted")
    record(session, actor, "Granted role", holder, _of(role, project))
    await bump(session)


async def revoke(
    session: AsyncSession, holder: str, role: Role | SiteRole, project: str = "", *, actor: str
) -> None:
    """Take a role from a user or a Unix group.

    Raises:
        NotFound: they do not have it.
        Conflict: no administrator would be left.
    """
    await lock(session)
    row = await session.get(GrantRow, (holder, project, role.value))
    if row is None:
        where = f"in {project}" if project else "for the site"
        raise NotFound(f"{holder} is no {role.value} {where}")
    history.keep(session, _ROLE, grant_name(row), actor, "Revoked", history.state(row))
    await session.delete(row)
    await session.flush()
    if role is SiteRole.ADMIN:
        await _must_leave_an_administrator(session)
    record(session, actor, "Revoked role", holder, _of(role, project))
    await bump(session)


async def members(session: AsyncSession, project: str) -> tuple[Member, ...]:
    """Return who has roles in a project, by holder.

    Raises:
        NotFound: there is no such project.
    """
    await projects.show(session, project)
    rows = await session.scalars(
        select(GrantRow).where(GrantRow.project == project).order_by(GrantRow.holder, GrantRow.role)
    )
    return tuple(
        Member(holder=row.holder, role=Role(row.role), by=row.by, at=row.at) for row in rows
    )


async def ask(
    session: AsyncSession, login: str, project: str, role: Role, reason: str
) -> AccessRequest:
    """Note that a user asks for a role in a project; who has asked before asks for this now.

    Raises:
        InvalidInput: the reason is too long.
        NotFound: there is no such project.
    """
    if len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"a reason has at most {_LONGEST_REASON} characters")
    await lock(session)
    await projects.live(session, project)
    await session.execute(
        delete(AccessRequestRow).where(
            AccessRequestRow.login == login, AccessRequestRow.project == project
        )
    )
    row = AccessRequestRow(
        login=login, project=project, role=role.value, reason=reason, at=datetime.now(UTC)
    )
    session.add(row)
    await session.flush()
    record(session, login, "Asked for access", project, {"role": role.value})
    return _request(row)


async def requests(session: AsyncSession) -> tuple[AccessRequest, ...]:
    """Return what was asked for and is not answered, the oldest first."""
    rows = await session.scalars(select(AccessRequestRow).order_by(AccessRequestRow.id))
    return tuple(_request(row) for row in rows)


async def request(session: AsyncSession, id: int) -> AccessRequest:
    """Return one request for access.

    Raises:
        NotFound: there is none of this number, or it was answered.
    """
    row = await session.get(AccessRequestRow, id)
    if row is None:
        raise no_request(id)
    return _request(row)


def no_request(id: int) -> NotFound:
    """Return what is said of a request that is not there, or that may not be known of."""
    return NotFound(f"there is no request for access {id}", hint="list them: user requests")


async def decline(session: AsyncSession, id: int, reason: str, *, actor: str) -> None:
    """Answer a request for access with no.

    Raises:
        NotFound: there is none of this number, or it was answered.
    """
    found = await request(session, id)
    await session.execute(delete(AccessRequestRow).where(AccessRequestRow.id == id))
    detail = {"project": found.project, "role": found.role.value, "reason": reason}
    record(session, actor, "Declined access", found.login, detail)


async def _set(session: AsyncSession, row: UserRow, changes: Changes) -> None:
    for value in (changes.name, changes.email):
        if value is not None and len(value) > _LONGEST:
            raise InvalidInput(f"a name and an address have at most {_LONGEST} characters")
    if changes.uid is not None:
        row.uid = await _free_uid(session, changes.uid, row.login)
    for name in ("name", "email", "disabled", "sees_originals"):
        value = getattr(changes, name)
        if value is not None:
            setattr(row, name, value)


async def _free_uid(session: AsyncSession, uid: int, login: str) -> int | None:
    if uid == -1:
        return None
    if not 0 <= uid <= _LARGEST_UID:
        raise InvalidInput(f"a uid is a number from 0 to {_LARGEST_UID}")
    other = await session.scalar(
        select(UserRow.login).where(UserRow.uid == uid, UserRow.login != login)
    )
    if other is not None:
        raise Conflict(f"the Unix user {uid} is {other} already", hint="take it from them first")
    return uid


async def _check_holder(session: AsyncSession, holder: str) -> None:
    if not holder.startswith(GROUP):
        await get(session, holder)
    elif not _GROUP.fullmatch(holder):
        raise InvalidInput(f"{holder!r} is no name of a Unix group")


def _check_kind(role: Role | SiteRole, project: str) -> None:
    if project and isinstance(role, SiteRole):
        raise InvalidInput(f"{role.value} is a role of the site, and of no project")
    if not project and isinstance(role, Role):
        raise InvalidInput(f"{role.value} is a role in a project", hint="name the project")


async def _must_leave_an_administrator(session: AsyncSession) -> None:
    """Keep somebody who can give roles: a user, for nobody can tell who is in a group tomorrow."""
    left = (
        select(UserRow.login)
        .join(GrantRow, GrantRow.holder == UserRow.login)
        .where(~UserRow.disabled, GrantRow.project == "", GrantRow.role == SiteRole.ADMIN.value)
        .limit(1)
    )
    if await session.scalar(left) is None:
        raise Conflict(
            "no administrator would be left", hint="make somebody else one first: user grant"
        )


def grant_name(row: GrantRow) -> str:
    """Return what a role of somebody is called in the history."""
    return f"{row.holder} {row.role}" + (f" of {row.project}" if row.project else "")


def told(row: UserRow) -> dict[str, object]:
    """Return what the trail says of a user: no address and no secret."""
    return {
        "name": row.name,
        "uid": row.uid,
        "disabled": bool(row.disabled),
        "sees_originals": bool(row.sees_originals),
    }


def _of(role: Role | SiteRole, project: str) -> dict[str, str]:
    return {"role": role.value} | ({"project": project} if project else {})


def _grant(row: GrantRow) -> Grant:
    return Grant(role=row.role, project=row.project, by=row.by, at=row.at)


def _user(row: UserRow, grants: tuple[Grant, ...]) -> User:
    return User(
        login=row.login,
        name=row.name,
        email=row.email,
        uid=row.uid,
        disabled=row.disabled,
        sees_originals=row.sees_originals,
        password_set=row.password_set if row.password else None,
        locked_until=row.locked_until,
        last_seen=row.last_seen,
        added=row.added,
        added_by=row.added_by,
        grants=grants,
    )


def _request(row: AccessRequestRow) -> AccessRequest:
    return AccessRequest(
        id=row.id,
        login=row.login,
        project=row.project,
        role=Role(row.role),
        reason=row.reason,
        at=row.at,
    )
