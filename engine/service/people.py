# SPDX-License-Identifier: Apache-2.0
"""People, on behalf of an actor: users, their roles, what they ask for, and what they sign in with.
Who may ask for what is decided before, in `engine.service.gate`."""

from __future__ import annotations

from datetime import timedelta

from engine.archive import credentials, people
from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput, Refused
from engine.model.people import (
    BY_TOKEN,
    AccessRequest,
    Actor,
    Group,
    Member,
    NewToken,
    Permission,
    Role,
    Token,
    User,
    WhoAmI,
    role_named,
    told,
)
from engine.service.configuration import Apply
from engine.service.recognition import Recognition
from engine.service.values import flag, whole

_TEXTS = ("name", "email")
_FLAGS = ("disabled", "sees_originals")
_DEFAULT_HOURS = int(credentials.TOKEN_LIFE.total_seconds() // 3600)


class People:
    """Who may do what."""

    def __init__(
        self, context: JobContext, recognition: Recognition, apply: Apply, actor: Actor
    ) -> None:
        """Act for one actor; `apply` puts a change into force."""
        self._archive = context.archive_db
        self._recognition = recognition
        self._apply = apply
        self._actor = actor

    async def who_am_i(self) -> WhoAmI:
        """Say who the caller is taken for, and what they may do."""
        return told(self._actor)

    async def list(self) -> tuple[User, ...]:
        """Return all users, by login."""
        async with self._archive.read() as transaction:
            return tuple((await people.roster(transaction)).users.values())

    async def groups(self) -> tuple[Group, ...]:
        """Return the Unix groups that have roles, by name."""
        async with self._archive.read() as transaction:
            found = (await people.roster(transaction)).groups
        return tuple(Group(name=name, grants=grants) for name, grants in sorted(found.items()))

    async def show(self, login: str) -> User:
        """Return one user."""
        async with self._archive.read() as transaction:
            return await people.show(transaction, login)

    async def add(self, login: str, values: dict[str, str] | None = None) -> User:
        """Add a user."""
        changes = _changes(values or {})
        async with self._archive.write() as transaction:
            added = await people.add(transaction, login, changes, actor=self._actor.name)
        await self._apply()
        return added

    async def set(self, login: str, values: dict[str, str]) -> User:
        """Set values of a user by name."""
        changes = _changes(values)
        async with self._archive.write() as transaction:
            changed = await people.change(transaction, login, changes, actor=self._actor.name)
        await self._apply()
        return changed

    async def grant(self, holder: str, role: str, project: str = "") -> None:
        """Grant a role to a user, or as `@group` to a Unix group: that lets people in who are no
        users, so it is for administrators."""
        if holder.startswith("@") and not self._actor.may(Permission.ADMINISTER):
            raise Refused(
                "only an administrator gives a role to a Unix group",
                hint="give it to users, or ask an administrator",
            )
        async with self._archive.write() as transaction:
            await people.grant(
                transaction, holder, role_named(role, project), project, actor=self._actor.name
            )
        await self._apply()

    async def revoke(self, holder: str, role: str, project: str = "") -> None:
        """Take a role away."""
        async with self._archive.write() as transaction:
            await people.revoke(
                transaction, holder, role_named(role, project), project, actor=self._actor.name
            )
        await self._apply()

    async def members(self, project: str) -> tuple[Member, ...]:
        """Return who has roles in a project."""
        async with self._archive.read() as transaction:
            return await people.members(transaction, project)

    async def ask(self, project: str, role: str = "collaborator", reason: str = "") -> None:
        """Ask for a role in a project that the caller may know of."""
        wanted = role_named(role, project)
        assert isinstance(wanted, Role)
        self._recognition.asking.ask(self._actor.name)
        async with self._archive.write() as transaction:
            if self._actor.name not in (await people.roster(transaction)).users:
                raise Refused(
                    "only a user can ask for access",
                    hint="let an administrator add you: user add",
                )
            await people.ask(transaction, self._actor.name, project, wanted, reason)

    async def requests(self) -> tuple[AccessRequest, ...]:
        """Return the requests for access that wait for an answer, the oldest first."""
        async with self._archive.read() as transaction:
            return await people.requests(transaction)

    async def decline(self, id: int, reason: str = "") -> None:
        """Answer a request for access with no."""
        async with self._archive.write() as transaction:
            await people.decline(transaction, id, reason, actor=self._actor.name)

    async def set_password(self, login: str, password: str, old: str = "") -> None:
        """Set a password, or with an empty one take none any more; whoever is no administrator
        gives the old one."""
        self._must_be_themselves("set a password")
        async with self._archive.read() as transaction:
            has_one = await credentials.standing(transaction, login) is not None
        if has_one and not self._actor.may(Permission.ADMINISTER):
            await self._recognition.confirm(login, old, self._actor.known)
        written = await self._recognition.passwords.make(password) if password else ""
        async with self._archive.write() as transaction:
            await credentials.set_password(transaction, login, written, actor=self._actor.name)

    async def tokens(self, login: str = "") -> tuple[Token, ...]:
        """Return the tokens of a user, the newest first."""
        async with self._archive.read() as transaction:
            return await credentials.tokens(transaction, login or self._actor.name)

    async def issue_token(
        self,
        login: str = "",
        note: str = "",
        hours: int = _DEFAULT_HOURS,
        single_use: bool = False,
    ) -> NewToken:
        """Make a token; its secret is told this once."""
        if not 1 <= hours <= credentials.LONGEST_LIFE.days * 24:
            raise InvalidInput(f"a token lives 1 to {credentials.LONGEST_LIFE.days * 24} hours")
        self._must_be_themselves("make a token")
        async with self._archive.write() as transaction:
            return await credentials.issue(
                transaction,
                login or self._actor.name,
                note=note,
                life=timedelta(hours=hours),
                single_use=single_use,
                actor=self._actor.name,
            )

    async def revoke_token(self, alias: str) -> Token:
        """Let a token be taken no more; `alias` may be its beginning."""
        async with self._archive.write() as transaction:
            return await credentials.revoke(transaction, alias, actor=self._actor.name)

    def _must_be_themselves(self, what: str) -> None:
        # A token is lent to a program for a while: it must bring nothing that outlives it.
        if self._actor.known.startswith(BY_TOKEN):
            raise Refused(f"a token cannot {what}", hint="sign in with your password")

    async def sign_in(self) -> str:
        """Begin a sign-in for whoever was known by a password; return its key."""
        if self._actor.known != "password":
            raise Refused("only a password begins a sign-in")
        async with self._archive.write() as transaction:
            return await credentials.begin(transaction, self._actor.name)

    async def sign_out(self, key: str) -> None:
        """End a sign-in."""
        async with self._archive.write() as transaction:
            await credentials.end(transaction, key)


def _changes(values: dict[str, str]) -> people.Changes:
    unknown = values.keys() - {*_TEXTS, *_FLAGS, "uid"}
    if unknown:
        known = ", ".join((*_TEXTS, "uid", *_FLAGS))
        raise InvalidInput(f"a user has no {sorted(unknown)[0]}", hint=f"set one of: {known}")
    uid = values.get("uid")
    return people.Changes(
        name=values.get("name"),
        email=values.get("email"),
        uid=None if uid is None else (-1 if uid == "" else whole("uid", uid, digits=10)),
        disabled=flag("disabled", values["disabled"]) if "disabled" in values else None,
        sees_originals=flag("sees_originals", values["sees_originals"])
        if "sees_originals" in values
        else None,
    )
