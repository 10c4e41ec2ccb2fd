# SPDX-License-Identifier: Apache-2.0
"""People in memory: users and roles, without what they sign in with."""

from __future__ import annotations

import pwd
from dataclasses import replace
from datetime import UTC, datetime

from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.people import (
    AccessRequest,
    Actor,
    Grant,
    Member,
    NewToken,
    Permission,
    Role,
    SiteRole,
    Token,
    User,
    WhoAmI,
    operator,
)
from tests.memory.facts import Facts

NOW = datetime(2026, 9, 11, 14, 0, tzinfo=UTC)


class Recognition:
    """Takes everybody for somebody who may do everything."""

    async def peer(self, uid: int | None) -> Actor:
        """Return a Unix user as actor."""
        if uid is None:
            raise Refused("the engine could not determine who is calling")
        return operator(pwd.getpwuid(uid).pw_name, f"uid {uid}")

    async def shown(self, authorization: str) -> Actor:
        """Take nothing that is shown."""
        raise Refused("this token or sign-in is not taken")


class People:
    """Who may do what."""

    def __init__(self, facts: Facts, actor: str) -> None:
        self._users = facts.users
        self._requests = facts.access_requests
        self._actor = actor

    async def who_am_i(self) -> WhoAmI:
        """Say that whoever asks may do everything."""
        return WhoAmI(
            login=self._actor,
            known="",
            site=SiteRole.ADMIN.value,
            roles={},
            sees_originals=True,
            permissions={"": tuple(each.value for each in Permission)},
        )

    async def list(self) -> tuple[User, ...]:
        """Return all users."""
        return tuple(self._users.values())

    async def show(self, login: str) -> User:
        """Return one user."""
        if login not in self._users:
            raise NotFound(f"there is no user {login}", hint="list them: anteroom user list")
        return self._users[login]

    async def add(self, login: str, values: dict[str, str] | None = None) -> User:
        """Add a user."""
        self._users[login] = User(login=login, added=NOW, added_by=self._actor)
        return await self.set(login, values or {})

    async def set(self, login: str, values: dict[str, str]) -> User:
        """Set values of a user."""
        read = {
            name: (text == "true") if name in ("disabled", "sees_originals") else text
            for name, text in values.items()
        }
        if "uid" in values:
            read["uid"] = int(values["uid"])  # type: ignore[assignment]
        self._users[login] = replace(await self.show(login), **read)  # type: ignore[arg-type]
        return self._users[login]

    async def grant(self, holder: str, role: str, project: str = "") -> None:
        """Grant a role to a user."""
        user = await self.show(holder)
        new = Grant(role=_role(role, project).value, project=project, by=self._actor, at=NOW)
        self._users[holder] = replace(user, grants=(*user.grants, new))
        self._requests[:] = [
            each for each in self._requests if (each.login, each.project) != (holder, project)
        ]

    async def revoke(self, holder: str, role: str, project: str = "") -> None:
        """Take a role away."""
        user = await self.show(holder)
        gone = (_role(role, project).value, project)
        left = tuple(each for each in user.grants if (each.role, each.project) != gone)
        self._users[holder] = replace(user, grants=left)

    async def members(self, project: str) -> tuple[Member, ...]:
        """Return who has roles in a project."""
        return tuple(
            Member(holder=user.login, role=Role(grant.role), by=grant.by, at=grant.at or NOW)
            for user in self._users.values()
            for grant in user.grants
            if grant.project == project
        )

    async def ask(self, project: str, role: str = "collaborator", reason: str = "") -> None:
        """Ask for a role."""
        self._requests.append(
            AccessRequest(
                id=len(self._requests) + 1,
                login=self._actor,
                project=project,
                role=Role(role),
                reason=reason,
                at=NOW,
            )
        )

    async def requests(self) -> tuple[AccessRequest, ...]:
        """Return what was asked for."""
        return tuple(self._requests)

    async def decline(self, id: int, reason: str = "") -> None:
        """Answer with no."""
        self._requests[:] = [each for each in self._requests if each.id != id]

    async def set_password(self, login: str, password: str, old: str = "") -> None:
        """Set when a password was set."""
        self._users[login] = replace(await self.show(login), password_set=NOW)

    async def tokens(self, login: str = "") -> tuple[Token, ...]:
        """Return none."""
        return ()

    async def issue_token(
        self, login: str = "", note: str = "", hours: int = 48, single_use: bool = False
    ) -> NewToken:
        """Make none."""
        raise Refused("nobody has tokens here")

    async def revoke_token(self, alias: str) -> Token:
        """Find none."""
        raise NotFound("no token has this alias")

    async def sign_in(self) -> str:
        """Sign nobody in."""
        raise Refused("only a password begins a sign-in")

    async def sign_out(self, key: str) -> None:
        """Do nothing: nobody is signed in."""


def _role(name: str, project: str) -> Role | SiteRole:
    try:
        return Role(name) if project else SiteRole(name)
    except ValueError:
        raise InvalidInput(f"{name!r} is no role") from None
