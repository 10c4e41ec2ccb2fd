# SPDX-License-Identifier: Apache-2.0
"""Who is asking: passwords, tokens, sign-ins, uids and groups, and who is refused."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, cast

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from engine.archive import credentials, people
from engine.archive.tables import SignInRow
from engine.model.errors import NotFound, NotTaken, Refused
from engine.model.people import (
    Permission,
    Role,
    Roster,
    SiteRole,
)
from engine.service.housekeeping import Housekeeping
from engine.service.passwords import Passwords
from engine.service.people import People
from engine.service.recognition import Recognition
from engine.service.remote import RemoteEngine
from tests.engine.service.house import ASKING, House, Socket, basic, events


async def asked(socket: Socket, shows: str) -> None:
    async with RemoteEngine(socket.path, shows=shows) as engine:
        await engine.people.who_am_i()


async def test_a_token_is_taken_until_it_is_used_up_or_revoked_and_nobody_elses(
    socket: Socket,
) -> None:
    alias, secret = await socket.token(single_use=True)
    for wrong in (basic(alias, "x"), basic("f" * 32, secret), "Bearer x", "Basic !", "Digest x"):
        with pytest.raises(Refused):
            await asked(socket, wrong)
    with pytest.raises(NotFound, match="through"):
        await asked(socket, basic(alias, secret))
    with pytest.raises(Refused):
        await asked(socket, basic(alias, secret))
    alias, secret = await socket.token()
    async with socket.house.fixture.context.archive_db.write() as transaction:
        await credentials.revoke(transaction, alias[:8], actor=ASKING)
    with pytest.raises(Refused):
        await asked(socket, basic(alias, secret))
    assert {"actor": "", "object": "engine", "error": "token"} in await events(
        socket.house, "Refused"
    )
    assert [each["token"] for each in await events(socket.house, "Revoked token")] == [alias[:6]]


async def test_a_password_signs_in_and_too_many_wrong_ones_lock_out(
    socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("engine.service.recognition.asyncio.sleep", sleep)
    right, wrong = "correct horse battery", "wrong horse battery"
    house = socket.house
    await socket.token()
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    recognition = Recognition(house.fixture.context.archive_db, lambda: socket.roster, passwords)
    async with house.fixture.context.archive_db.write() as transaction:
        written = await recognition.passwords.make(right)
        await credentials.set_password(transaction, ASKING, written, actor=ASKING)
    actor = await recognition.shown(basic(ASKING, right))
    assert (actor.name, actor.known) == (ASKING, "password")
    async with house.fixture.context.archive_db.write() as transaction:
        key = await credentials.begin(transaction, ASKING)
    assert (await recognition.shown(f"Bearer {key}")).known == "sign-in"
    said = set()
    for login in (ASKING, "nobody"):
        for _ in range(credentials.MOST_WRONG):
            with pytest.raises(Refused) as refused:
                await recognition.shown(basic(login, wrong))
            said.add((refused.value.message, refused.value.hint))
    # Who is a user and who is not cannot be told apart, and guessing gets slower.
    assert len(said) == 1
    half = len(slept) // 2
    assert slept[:half] == slept[half:] == sorted(slept[:half])
    with pytest.raises(Refused):
        await recognition.shown(basic(ASKING, right))
    refusals = await events(house, "Sign-in refused")
    assert refusals[0] == {
        **{"actor": ASKING, "object": ASKING},
        **{"error": "locked out there", "from": ""},
    }
    assert len(refusals) == credentials.MOST_WRONG


async def test_a_user_is_seen_and_a_sign_in_that_is_over_is_not_taken_and_forgotten(
    house: House,
) -> None:
    database = house.fixture.context.archive_db
    roster = await house.roster()
    recognition = Recognition(database, lambda: roster)
    async with database.write() as transaction:
        await people.change(transaction, ASKING, people.Changes(uid=3_999_998), actor="test")
        await people.grant(transaction, ASKING, Role.OWNER, "P", actor="test")
        over, good = [await credentials.begin(transaction, ASKING) for _ in range(2)]
    roster = await house.roster()
    assert roster.users[ASKING].last_seen is None
    await recognition.peer(3_999_998)
    seen = (await house.roster()).users[ASKING].last_seen
    assert seen is not None
    # Now and then, not with every call.
    await recognition.shown(f"Bearer {good}")
    assert (await house.roster()).users[ASKING].last_seen == seen
    long_ago = datetime.now(UTC) - credentials.LONGEST_SIGN_IN
    async with database.write() as transaction:
        digest = hashlib.sha256(over.encode()).hexdigest()
        await transaction.execute(
            update(SignInRow).where(SignInRow.key == digest).values(began=long_ago)
        )
    with pytest.raises(NotTaken):
        await recognition.shown(f"Bearer {over}")
    housekeeping = Housekeeping(house.fixture.context, cast("Any", None), cast("Any", None))
    await housekeeping.sign_ins()
    async with database.read() as transaction:
        assert len((await transaction.scalars(select(SignInRow))).all()) == 1
    assert (await recognition.shown(f"Bearer {good}")).name == ASKING


async def test_many_wrong_passwords_at_once_are_counted_one_by_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sleep(seconds: float) -> None:
        """Wait for nothing."""

    monkeypatch.setattr("engine.service.recognition.asyncio.sleep", sleep)
    database = house.fixture.context.archive_db
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    roster = await house.roster()
    recognition = Recognition(database, lambda: roster, passwords)
    async with database.write() as transaction:
        written = await passwords.make("correct horse battery")
        await credentials.set_password(transaction, ASKING, written, actor=ASKING)
    guesses = [f"wrong horse battery {number}" for number in range(2 * credentials.MOST_WRONG)]
    # The right one comes when too many wait already.
    shown = [
        recognition.shown(basic(ASKING, guess), "uid 7")
        for guess in [*guesses, "correct horse battery"]
    ]
    answers = await asyncio.gather(*shown, return_exceptions=True)
    assert all(isinstance(answer, Refused) for answer in answers)
    # Those that could not wait were not compared.
    assert len(await events(house, "Sign-in refused")) == 4
    for guess in guesses:
        with pytest.raises(Refused):
            await recognition.shown(basic(ASKING, guess), "uid 7")
    refusals = await events(house, "Sign-in refused")
    assert len(refusals) == credentials.MOST_WRONG
    assert refusals[0]["error"] == "locked out there"
    assert refusals[0]["from"] == "uid 7"
    # Nobody keeps another out by guessing: the user himself comes from elsewhere.
    assert (await recognition.shown(basic(ASKING, "correct horse battery"), "uid 8")).name == ASKING
    with pytest.raises(Refused):
        await recognition.shown(basic(ASKING, "correct horse battery"), "uid 7")


async def test_wrong_passwords_from_many_places_lock_a_user_out_everywhere(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = house.fixture.context.archive_db
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    roster = await house.roster()
    recognition = Recognition(database, lambda: roster, passwords)
    async with database.write() as transaction:
        written = await passwords.make("correct horse battery")
        await credentials.set_password(transaction, ASKING, written, actor=ASKING)
    for number in range(credentials.MOST_WRONG_OF_ALL):
        with pytest.raises(Refused):
            await recognition.shown(basic(ASKING, "wrong horse battery"), f"uid {number}")
    assert (await events(house, "Sign-in refused"))[0]["error"] == "locked out"
    with pytest.raises(Refused):
        await recognition.shown(basic(ASKING, "correct horse battery"), "uid 9999")


async def test_a_password_takes_as_long_for_nobody_as_for_somebody(house: House) -> None:
    class Counted(PasswordHasher):
        compared: ClassVar[list[str]] = []

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
            self.compared.append(str(hash)[:9])
            return super().verify(hash, password)

    database = house.fixture.context.archive_db
    passwords = Passwords(Counted(time_cost=1, memory_cost=64))
    recognition = Recognition(database, Roster, passwords)
    async with database.write() as transaction:
        written = await passwords.make("correct horse battery")
        await credentials.set_password(transaction, ASKING, written, actor=ASKING)
    for login in (ASKING, "bea", "nobody"):
        with pytest.raises(Refused):
            await recognition.shown(basic(login, "wrong horse battery"))
    assert Counted.compared == ["$argon2id"] * 3


async def test_a_unix_user_without_a_role_is_refused_and_that_is_written_down(
    house: House,
) -> None:
    roster = await house.roster()
    recognition = Recognition(house.fixture.context.archive_db, lambda: roster)
    for _ in range(3):
        with pytest.raises(Refused, match="no role") as refused:
            await recognition.peer(3_999_999)
        assert "anteroom user add" in refused.value.hint
    with pytest.raises(Refused, match="could not determine"):
        await recognition.peer(None)
    assert [each["uid"] for each in await events(house, "Refused")] == [3_999_999]


async def test_a_uid_and_a_group_bring_roles_and_a_disabled_user_has_none(house: House) -> None:
    database = house.fixture.context.archive_db
    async with database.write() as transaction:
        await people.change(transaction, ASKING, people.Changes(uid=3_999_999), actor="test")
        await people.grant(transaction, ASKING, Role.REVIEWER, "P", actor="test")
        await people.grant(transaction, "@readers", Role.COLLABORATOR, "P", actor="test")
        await people.grant(transaction, "@readers", SiteRole.SITE_WATCHER, actor="test")
    roster = await house.roster()
    recognition = Recognition(database, lambda: roster)
    actor = await recognition.peer(3_999_999)
    assert (actor.name, actor.known) == (ASKING, "uid 3999999")
    assert actor.may(Permission.TRIAGE, "P") and not actor.may(Permission.READ, "P")
    both = roster.actor(ASKING, "", ["readers"])
    assert both is not None and both.may(Permission.READ, "P") and both.may(Permission.TRIAGE, "P")
    group = roster.actor("stranger", "", ["readers"])
    assert group is not None and group.may(Permission.READ, "P")
    assert not group.may(Permission.TRIAGE, "P") and group.may(Permission.WATCH, "OTHER")
    async with database.write() as transaction:
        await people.change(transaction, ASKING, people.Changes(disabled=True), actor="test")
    roster = await house.roster()
    assert roster.actor(ASKING, "", ["readers"]) is None
    with pytest.raises(Refused):
        await recognition.peer(3_999_999)


async def test_a_user_of_another_uid_is_not_meant_by_the_name_of_a_unix_user(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with house.fixture.context.archive_db.write() as transaction:
        await people.change(transaction, ASKING, people.Changes(uid=3_999_999), actor="test")
        await people.grant(transaction, ASKING, Role.OWNER, "P", actor="test")
        await people.grant(transaction, "bea", Role.OWNER, "P", actor="test")
    roster = await house.roster()
    named = {3_999_998: ASKING, 3_999_997: "bea", 3_999_999: "somebody"}
    monkeypatch.setattr("engine.service.recognition._look_up", lambda uid: (named[uid], ()))
    recognition = Recognition(house.fixture.context.archive_db, lambda: roster)
    with pytest.raises(Refused, match="no role"):
        await recognition.peer(3_999_998)
    assert [(await recognition.peer(uid)).name for uid in (3_999_997, 3_999_999)] == ["bea", ASKING]
    (refusal,) = await events(house, "Refused")
    assert refusal["actor"] == "uid:3999998"


async def as_themselves(house: House, known: str, passwords: Passwords) -> People:
    roster = await house.roster()
    actor = roster.actor(ASKING, known)
    assert actor is not None
    recognition = Recognition(house.fixture.context.archive_db, lambda: roster, passwords)

    async def apply() -> None:
        """Put nothing into force."""

    return People(house.fixture.context, recognition, apply, actor)


async def test_a_token_makes_no_token_and_no_password(house: House) -> None:
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    lent = await as_themselves(house, "token 3f2a91", passwords)
    for ask in (
        lent.issue_token,
        lambda: lent.set_password(ASKING, "correct horse battery"),
    ):
        with pytest.raises(Refused, match="a token cannot"):
            await ask()
    own = await as_themselves(house, "password", passwords)
    await own.set_password(ASKING, "correct horse battery")
    assert (await own.issue_token()).token.login == ASKING


async def test_the_old_password_is_guessed_no_faster_than_at_the_door(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("engine.service.recognition.asyncio.sleep", sleep)
    passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=64))
    old, new = "correct horse battery", "correct horse battery 2"
    own = await as_themselves(house, "sign-in", passwords)
    await own.set_password(ASKING, old)
    for _ in range(credentials.MOST_WRONG):
        with pytest.raises(Refused):
            await own.set_password(ASKING, new, old="wrong horse battery")
    assert slept and slept == sorted(slept)
    with pytest.raises(Refused):
        await own.set_password(ASKING, new, old=old)
    assert (await events(house, "Sign-in refused"))[0]["error"] == "locked out there"


async def test_a_new_password_takes_the_tokens_that_were_made_with_the_old_one(
    socket: Socket,
) -> None:
    shows = basic(*await socket.token())
    with pytest.raises(NotFound, match="through"):
        await asked(socket, shows)
    async with socket.house.fixture.context.archive_db.write() as transaction:
        await credentials.set_password(transaction, ASKING, "written", actor=ASKING)
    with pytest.raises(Refused):
        await asked(socket, shows)
