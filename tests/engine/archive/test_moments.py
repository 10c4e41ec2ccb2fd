# SPDX-License-Identifier: Apache-2.0
"""The configuration of the past: what is said later of a moment is what was so then."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import moments, people, projects, receivers, remotes, rules, scripts
from engine.archive import site_settings as kept
from engine.archive.scripts import NewScript
from engine.model.archive import Receiver
from engine.model.configured import Configured, Difference
from engine.model.errors import EngineError, InvalidInput
from engine.model.people import Role, SiteRole
from engine.model.remotes import Remote
from tests.engine.jobs.conftest import either  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture

Change = Callable[[AsyncSession, random.Random], Awaitable[object]]


async def _receiver(session: AsyncSession, draw: random.Random) -> None:
    port = draw.choice([8200, 8201])
    wanted = Receiver(ae_title=draw.choice("AB"), port=port, enabled=draw.random() < 0.5)
    match draw.choice(["add", "edit", "remove"]):
        case "add":
            await receivers.add(session, wanted, actor="ada")
        case "edit":
            was = draw.choice("AB"), draw.choice([8200, 8201])
            await receivers.edit(session, *was, wanted, actor="bob")
        case _:
            await receivers.remove(session, wanted.ae_title, port, actor="cyd")


async def _remote(session: AsyncSession, draw: random.Random) -> None:
    name, description = draw.choice("XY"), draw.choice(["", "far", "near"])
    wanted = Remote(name=name, ae_title="PACS", host="h", port=104, description=description)
    match draw.choice(["add", "edit", "delete"]):
        case "add":
            await remotes.add(session, wanted, actor="ada")
        case "edit":
            await remotes.edit(session, wanted, actor="bob")
        case _:
            await remotes.delete(session, name, actor="cyd")


async def _project(session: AsyncSession, draw: random.Random) -> None:
    id = draw.choice(["P", "Q", "R"])
    match draw.choice(["add", "set", "alias", "remove"]):
        case "add":
            await projects.add(session, id, actor="ada", title=draw.choice("tu"))
        case "set":
            code = draw.choice([0, 4])
            await projects.change(session, id, projects.Changes(prearchive_code=code), actor="bob")
        case "alias":
            alias = projects.Changes(aliases=tuple(draw.sample(["one", "two"], draw.randint(0, 2))))
            await projects.change(session, id, alias, actor="bob")
        case _:
            await projects.remove(session, id, actor="cyd")


async def _text(session: AsyncSession, draw: random.Random) -> None:
    text = draw.choice(["", "(0008,0060):(US):1"])
    if draw.random() < 0.5:
        await rules.write(
            session, "site", "project", text, actor="ada", enabled=draw.random() < 0.5
        )
        return
    match draw.choice(["write", "turn", "activate"]):
        case "write":
            new = NewScript(text=f'version "6.6" // {draw.random()}', language=6)
            await scripts.write(session, "site", new, actor="ada")
        case "turn":
            await scripts.enable(session, "site", draw.random() < 0.5, actor="bob")
        case _:
            await scripts.activate(session, "site", draw.randint(1, 3), actor="cyd")


async def _person(session: AsyncSession, draw: random.Random) -> None:
    login = draw.choice(["mk", "tj"])
    roles: list[Role | SiteRole] = [Role.OWNER, Role.REVIEWER, SiteRole.DATA_ACCESS]
    role = draw.choice(roles)
    project = "P" if isinstance(role, Role) else ""
    match draw.choice(["add", "set", "grant", "revoke"]):
        case "add":
            await people.add(session, login, people.Changes(), actor="ada")
        case "set":
            named = people.Changes(name=draw.choice(["M. Kolb", "T. Jansen"]))
            await people.change(session, login, named, actor="bob")
        case "grant":
            await people.grant(session, login, role, project, actor="ada")
        case _:
            await people.revoke(session, login, role, project, actor="cyd")


async def _setting(session: AsyncSession, draw: random.Random) -> None:
    value = draw.choice([None, "100", "200"])
    await kept.change(session, {"session.build_after": value}, "", actor="ada")


CHANGES: tuple[Change, ...] = (_receiver, _remote, _project, _text, _person, _setting)


async def _at(made: Fixture, moment: datetime) -> tuple[Configured, ...]:
    async with made.context.archive_db.read() as transaction:
        return await moments.at(transaction, moment)


@pytest.mark.parametrize("seed", range(3))
async def test_what_is_said_of_a_moment_is_what_was_so_then(
    either: Fixture,  # noqa: F811
    seed: int,
) -> None:
    draw = random.Random(seed)
    remembered = [(moments.now(), await _at(either, moments.now()))]
    while len(remembered) < 40:
        with suppress(EngineError):
            async with either.context.archive_db.write() as transaction:
                await draw.choice(CHANGES)(transaction, draw)
        moment = moments.now()
        remembered.append((moment, await _at(either, moment)))
    assert len({said for _, said in map(_hashed, remembered)}) > 10
    for moment, said in remembered:
        assert await _at(either, moment) == said
    # What differs between any two of them is what makes the one of the other.
    for _ in range(10):
        (old, before), (new, after) = sorted(draw.sample(remembered, 2), key=lambda pair: pair[0])
        async with either.context.archive_db.read() as transaction:
            changes = await moments.diff(transaction, old, new)
        made = {(one.kind, one.name): dict(one.values) for one in before}
        for change in changes:
            key = change.kind, change.name
            assert change.by in ("ada", "bob", "cyd") and change.at is not None
            if change.difference is Difference.REMOVED:
                assert made.pop(key) == change.before
                continue
            values = made.setdefault(key, {})
            assert {name: values.get(name) for name in change.before} == change.before
            for name in change.before.keys() - change.after.keys():
                del values[name]
            values.update(change.after)
        assert made == {(one.kind, one.name): dict(one.values) for one in after}


def _hashed(pair: tuple[datetime, tuple[Configured, ...]]) -> tuple[datetime, str]:
    return pair[0], repr(pair[1])


async def test_a_moment_needs_its_time_zone_and_one_long_ago_has_nothing(
    either: Fixture,  # noqa: F811
) -> None:
    with pytest.raises(InvalidInput, match="time zone"):
        await _at(either, datetime(2026, 1, 1))  # noqa: DTZ001 (that is the point)
    assert await _at(either, moments.now() - timedelta(days=3650)) == ()


async def test_no_secret_is_told(either: Fixture) -> None:  # noqa: F811
    from engine.archive import credentials  # noqa: PLC0415 (only here)

    async with either.context.archive_db.write() as transaction:
        await people.add(transaction, "mk", people.Changes(email="mk@here"), actor="ada")
        await credentials.set_password(transaction, "mk", "$argon2id$secret", actor="ada")
    (user,) = [one for one in await _at(either, moments.now()) if one.kind == "user"]
    assert set(user.values) == {"name", "uid", "disabled", "sees_originals"}
