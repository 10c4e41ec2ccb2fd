# SPDX-License-Identifier: Apache-2.0
"""Who is asking: a Unix user by the uid that the kernel gives, or whoever shows a password, a token
or a sign-in. Nobody else gets an answer, and each refusal stands in the audit trail."""

from __future__ import annotations

import asyncio
import base64
import binascii
import grp
import os
import pwd
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from engine.archive import credentials
from engine.archive.audit.trail import record
from engine.database.connection import Database
from engine.model.errors import EngineError, NotTaken, Refused
from engine.model.people import BY_TOKEN, Actor, Roster, operator
from engine.service.once import Once
from engine.service.pace import Pace
from engine.service.passwords import Passwords

_GROUPS_FOR = 60.0
"""Seconds for which the groups of a Unix user are remembered: they may come over the network."""
_REFUSED_EVERY = 60.0
"""Seconds in which the same refusal, and the use of the same token, is written down once."""
_SEEN_EVERY = 300.0
"""Seconds in which it is written down once that somebody was seen."""
_MOST_REMEMBERED = 4096
_FREE_TRIES = 3
"""Wrong passwords before an answer takes longer and longer."""
_LONGEST_DELAY = 8.0
_MOST_IN_TURN = 4
"""Tries for one user from one place that wait for each other; more are refused at once."""

_WRONG = Refused(
    "this is no user with this password, or too many wrong ones were given",
    hint="try again, at the latest in a quarter of an hour, or ask an administrator",
)
_NOT_TAKEN = NotTaken(
    "this token or sign-in is not taken", hint="sign in again, or ask for a new token"
)


class Recognition:
    """Tells who asks one engine."""

    def __init__(
        self,
        archive: Database,
        roster: Callable[[], Roster],
        passwords: Passwords | None = None,
    ) -> None:
        """`roster` gives the people and roles in force."""
        self._archive = archive
        self._roster = roster
        self._owner = os.geteuid()
        self.passwords = passwords or Passwords()
        self._groups: OrderedDict[int, tuple[float, str, tuple[str, ...]]] = OrderedDict()
        self._tries: OrderedDict[tuple[str, str], _Tries] = OrderedDict()
        self._refusals = Once(_REFUSED_EVERY)
        self._uses = Once(_REFUSED_EVERY)
        self._sightings = Once(_SEEN_EVERY)
        self.asking = Pace(20, 3600.0)
        """How often somebody may ask for access."""

    async def peer(self, uid: int | None) -> Actor:
        """Return the Unix user at the other end of a socket as actor. Root and the user who runs
        the engine may do everything: they can read its files.

        Raises:
            Refused: if it is not known who it is, or he has no role.
        """
        if uid is None:
            raise Refused("the engine could not determine who is calling")
        name, groups = await self._unix_user(uid)
        login = self._roster().login_of(uid, name)
        known = f"uid {uid}"
        if uid in (0, self._owner):
            await self._saw(login)
            return operator(login, known)
        actor = self._roster().actor(login, known, groups)
        if actor is None:
            await self.refused(login, "no role", uid=uid)
            as_whom = "LOGIN" if ":" in login else login
            raise Refused(
                "this Unix user has no role on this engine",
                hint=f"an administrator gives one: anteroom user add {as_whom} --uid {uid}",
            )
        await self._saw(login)
        return actor

    async def shown(self, authorization: str, place: str = "") -> Actor:
        """Return whoever an Authorization header stands for (RFC 7617, RFC 6750) that came from a
        place: the uid or the address at the other end.

        Raises:
            Refused: if it is not good.
        """
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer":
            return await self._by_sign_in(value.strip())
        if scheme.lower() == "basic":
            try:
                decoded = base64.b64decode(value.strip(), validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                raise _WRONG from None
            name, _, secret = decoded.partition(":")
            if name in self._roster().users or not _is_alias(name):
                return await self._by_password(name, secret, place)
            return await self._by_token(name, secret)
        raise Refused("this way of saying who you are is not known", hint="use Basic or Bearer")

    async def refused(self, name: str, why: str, **detail: object) -> None:
        """Write down that somebody was refused; the same once a minute."""
        if self._refusals.is_due(name, why):
            async with self._archive.write() as transaction:
                record(transaction, name, "Refused", "engine", {"error": why, **detail})

    async def confirm(self, login: str, password: str, place: str) -> None:
        """Check a user's password once more; wrong ones count as they do at the door. They count by
        the place that they come from, so that nobody keeps another out of his account.

        Raises:
            Refused: it is wrong, or too many were.
        """
        tries = self._tries.setdefault((login, place), _Tries())
        self._tries.move_to_end((login, place))
        _bound(self._tries)
        if tries.waiting >= _MOST_IN_TURN:
            raise _WRONG
        tries.waiting += 1
        try:
            # One after the other: many at once would all pass before the first is counted.
            async with tries.turn:
                await self._in_turn(login, password, place, tries)
        finally:
            tries.waiting -= 1

    async def _by_password(self, login: str, password: str, place: str) -> Actor:
        await self.confirm(login, password, place)
        return await self._actor(login, "password")

    async def _in_turn(self, login: str, password: str, place: str, tries: _Tries) -> None:
        if tries.wrong >= _FREE_TRIES:
            await asyncio.sleep(min(2.0 ** (tries.wrong - _FREE_TRIES) / 4, _LONGEST_DELAY))
        async with self._archive.read() as transaction:
            found = await credentials.standing(transaction, login)
        # Compared also where nothing can come of it: how long it takes tells nothing.
        right = await self.passwords.is_right(password, found.password if found else "")
        until = found.locked_until if found is not None else None
        is_locked = tries.locked or (until is not None and datetime.now(UTC) < until)
        if found is None or not right or is_locked:
            # Of names that nobody has, too: they must not be told apart by how long it takes.
            tries.count()
            if found is not None and not is_locked:
                async with self._archive.write() as transaction:
                    await credentials.wrong(transaction, login, place, last=tries.locked)
            else:
                await self.refused("" if found is None else login, "sign-in")
            raise _WRONG
        tries.forget()
        written = ""
        if self.passwords.is_outdated(found.password):
            written = await self.passwords.make(password)
        async with self._archive.write() as transaction:
            await credentials.right(transaction, login, written)

    async def _by_token(self, alias: str, secret: str) -> Actor:
        async with self._archive.read() as transaction:
            found = await credentials.good(transaction, alias, secret)
        if found is not None and found[1]:
            async with self._archive.write() as transaction:
                found = found if await credentials.use(transaction, alias) else None
        if found is None:
            # What was given may be anything: it is not written down.
            await self.refused("", "token")
            raise _NOT_TAKEN
        token, _ = found
        known = f"{BY_TOKEN}{token.alias[:6]}"
        if self._uses.is_due(token.alias):
            async with self._archive.write() as transaction:
                record(transaction, token.login, "Used token", token.login, {"known": known})
        return await self._actor(token.login, known)

    async def _by_sign_in(self, key: str) -> Actor:
        async with self._archive.read() as transaction:
            found = await credentials.signed_in(transaction, key)
        if found is None:
            await self.refused("", "sign-in is over")
            raise _NOT_TAKEN
        login, to_note = found
        if to_note:
            async with self._archive.write() as transaction:
                await credentials.seen(transaction, key)
        return await self._actor(login, "sign-in")

    async def _actor(self, login: str, known: str) -> Actor:
        actor = self._roster().actor(login, known)
        if actor is None:
            await self.refused(login, "disabled")
            raise _WRONG if known == "password" else _NOT_TAKEN
        await self._saw(login)
        return actor

    async def _saw(self, login: str) -> None:
        """Note now and then that a user was there."""
        if login not in self._roster().users or not self._sightings.is_due(login):
            return
        # Nobody is turned away because that cannot be written down now.
        with suppress(EngineError):
            async with self._archive.write() as transaction:
                await credentials.saw(transaction, login)

    async def _unix_user(self, uid: int) -> tuple[str, tuple[str, ...]]:
        """Return the name and the groups of a Unix user, as they were within the last minute."""
        kept = self._groups.get(uid)
        if kept is None or time.monotonic() - kept[0] > _GROUPS_FOR:
            name, groups = await asyncio.to_thread(_look_up, uid)
            kept = self._groups[uid] = (time.monotonic(), name, groups)
            _bound(self._groups)
        return kept[1], kept[2]


class _Tries:
    """The wrong passwords for one login from one place."""

    def __init__(self) -> None:
        self.wrong = 0
        self.waiting = 0
        self.turn = asyncio.Lock()
        self._locked_until = 0.0

    @property
    def locked(self) -> bool:
        """Whether nothing that comes from there is taken now."""
        return time.monotonic() < self._locked_until

    def count(self) -> None:
        """Count one; too many in a row lock the place out for a while."""
        self.wrong += 1
        if self.wrong >= credentials.MOST_WRONG and not self.locked:
            self._locked_until = time.monotonic() + credentials.LOCKED.total_seconds()

    def forget(self) -> None:
        """Begin anew after a right one."""
        self.wrong, self._locked_until = 0, 0.0


def unix_user() -> tuple[str, int]:
    """Return the name and the uid of the Unix user who runs this process."""
    uid = os.geteuid()
    return _look_up(uid)[0], uid


def _bound(kept: OrderedDict[Any, Any]) -> None:
    if len(kept) > _MOST_REMEMBERED:
        kept.popitem(last=False)


def _is_alias(name: str) -> bool:
    return len(name) == 32 and all(each in "0123456789abcdef" for each in name)


def _look_up(uid: int) -> tuple[str, tuple[str, ...]]:
    try:
        found = pwd.getpwuid(uid)
    except KeyError:
        return f"uid:{uid}", ()
    groups = []
    for gid in os.getgrouplist(found.pw_name, found.pw_gid):
        try:
            groups.append(grp.getgrgid(gid).gr_name)
        except KeyError:
            continue
    return found.pw_name, tuple(groups)
