# SPDX-License-Identifier: Apache-2.0
"""People in memory: users, their roles, and what they sign in with."""

from __future__ import annotations

import base64
import pwd
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.model.errors import NotFound, NotTaken, Refused
from engine.model.people import (
    Accessibility,
    AccessRequest,
    Actor,
    Grant,
    Group,
    Member,
    NewToken,
    Role,
    Roster,
    Token,
    User,
    WhoAmI,
    operator,
    role_named,
    told,
)
from tests.memory.facts import Facts

NOW = datetime(2026, 9, 11, 14, 0, tzinfo=UTC)

_NOT_TAKEN = NotTaken("this token or sign-in is not taken")


class Recognition:
    """Takes every Unix user for somebody who may do everything, and knows passwords and tokens."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    async def peer(self, uid: int | None) -> Actor:
        """Return a Unix user as actor."""
        if uid is None:
            raise Refused("the engine could not determine who is calling")
        return operator(pwd.getpwuid(uid).pw_name, f"uid {uid}")

    async def shown(self, authorization: str, place: str = "") -> Actor:
        """Return whoever a header stands for."""
        scheme, _, value = authorization.partition(" ")
        if scheme == "Bearer":
            return self._actor(self._facts.signed_in.get(value), "sign-in", _NOT_TAKEN)
        name, _, secret = base64.b64decode(value).decode().partition(":")
        if name in self._facts.tokens:
            made = self._facts.tokens[name]
            good = made.secret == secret and made.token.revoked is None
            login = made.token.login if good else None
            return self._actor(login, f"token {name[:6]}", _NOT_TAKEN)
        is_right = secret and self._facts.passwords.get(name) == secret
        return self._actor(
            name if is_right else None, "password", Refused("this is no user with this password")
        )

    def _actor(self, login: str | None, known: str, else_: Refused) -> Actor:
        actor = roster(self._facts).actor(login, known) if login is not None else None
        if actor is None:
            raise else_
        return actor


def roster(facts: Facts) -> Roster:
    """Return all people and roles."""
    opened = {
        id: Accessibility(project.accessibility)
        for id, project in facts.projects.items()
        if project.accessibility != Accessibility.PRIVATE
    }
    return Roster(users=facts.users, groups=facts.groups, opened=opened)


class People:
    """Who may do what."""

    def __init__(self, facts: Facts, asking: Actor) -> None:
        self._facts = facts
        self._users = facts.users
        self._requests = facts.access_requests
        self._asking = asking
        self._actor = asking.name

    async def who_am_i(self) -> WhoAmI:
        """Say who is asking."""
        return told(self._asking)

    async def list(self) -> tuple[User, ...]:
        """Return all users."""
        return tuple(self._users.values())

    async def groups(self) -> tuple[Group, ...]:
        """Return those that have roles."""
        return tuple(
            Group(name=name, grants=grants) for name, grants in self._facts.groups.items() if grants
        )

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
            read["uid"] = int(values["uid"]) if values["uid"] else None  # type: ignore[assignment]
        self._users[login] = replace(await self.show(login), **read)  # type: ignore[arg-type]
        return self._users[login]

    async def grant(self, holder: str, role: str, project: str = "") -> None:
        """Grant a role to a user or a group."""
        new = Grant(role=role_named(role, project).value, project=project, by=self._actor, at=NOW)
        await self._keep(holder, (*await self._grants(holder), new))
        self._requests[:] = [
            each for each in self._requests if (each.login, each.project) != (holder, project)
        ]

    async def revoke(self, holder: str, role: str, project: str = "") -> None:
        """Take a role away."""
        gone = (role_named(role, project).value, project)
        before = await self._grants(holder)
        left = tuple(each for each in before if (each.role, each.project) != gone)
        if len(left) == len(before):
            raise NotFound(f"{holder} is no {gone[0]} {f'in {project}' if project else 'here'}")
        await self._keep(holder, left)

    async def _grants(self, holder: str) -> tuple[Grant, ...]:
        if holder.startswith("@"):
            return self._facts.groups.get(holder[1:], ())
        return (await self.show(holder)).grants

    async def _keep(self, holder: str, grants: tuple[Grant, ...]) -> None:
        if holder.startswith("@"):
            self._facts.groups[holder[1:]] = grants
        else:
            self._users[holder] = replace(await self.show(holder), grants=grants)
        await self._facts.tell("configuration", "")

    async def members(self, project: str) -> tuple[Member, ...]:
        """Return who has roles in a project."""
        held = {user.login: user.grants for user in self._users.values()}
        held |= {f"@{name}": grants for name, grants in self._facts.groups.items()}
        return tuple(
            Member(holder=holder, role=Role(grant.role), by=grant.by, at=grant.at or NOW)
            for holder, grants in sorted(held.items())
            for grant in grants
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
        """Set a password."""
        kept = self._facts.passwords.get(login)
        if kept and old != kept and not self._asking.site:
            raise Refused("the old password is wrong")
        self._facts.passwords[login] = password
        self._users[login] = replace(await self.show(login), password_set=NOW if password else None)

    async def tokens(self, login: str = "") -> tuple[Token, ...]:
        """Return those of a user."""
        of = login or self._actor
        return tuple(each.token for each in self._facts.tokens.values() if each.token.login == of)

    async def issue_token(
        self, login: str = "", note: str = "", hours: int = 48, single_use: bool = False
    ) -> NewToken:
        """Make one."""
        alias = f"{len(self._facts.tokens) + 1:032x}"
        token = Token(
            alias=alias,
            login=login or self._actor,
            note=note,
            created=NOW,
            expires=NOW + timedelta(hours=hours),
            single_use=single_use,
        )
        self._facts.tokens[alias] = NewToken(token=token, secret=f"secret{len(self._facts.tokens)}")
        return self._facts.tokens[alias]

    async def revoke_token(self, alias: str) -> Token:
        """Take one no more."""
        made = self._facts.tokens.get(alias)
        if made is None:
            raise NotFound("no token has this alias", hint="list them: anteroom user tokens")
        revoked = replace(made.token, revoked=NOW)
        self._facts.tokens[alias] = replace(made, token=revoked)
        return revoked

    async def sign_in(self) -> str:
        """Sign somebody in who has shown a password."""
        if self._asking.known != "password":
            raise Refused("only a password begins a sign-in")
        key = f"key{len(self._facts.signed_in)}"
        self._facts.signed_in[key] = self._actor
        return key

    async def sign_out(self, key: str) -> None:
        """End that."""
        self._facts.signed_in.pop(key, None)
