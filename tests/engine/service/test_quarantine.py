# SPDX-License-Identifier: Apache-2.0
"""Releases by people with roles, through the gate and at once: what is done, refused and told."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import select

from engine.archive import people, projects
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.archive.tables import ArchivedSessionRow
from engine.model.archive import AuditQuery, SessionStatus
from engine.model.people import Role
from engine.model.prearchive import ActOutcome
from engine.service.archive import Archive
from engine.service.event_buffer import EventBuffer
from engine.service.gate import Gate
from engine.service.nouns.archive import ArchiveApi, QuarantineApi
from engine.service.prearchive import Prearchive
from engine.service.quarantine import Quarantine
from engine.service.witness import Witness
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready

ROLES = {
    "ada": Role.OWNER,
    "bob": Role.MEMBER,
    "cyd": Role.COLLABORATOR,
    "dan": Role.REVIEWER,
}


class House:
    """A project whose members have roles, and a session of it in quarantine."""

    def __init__(self, made: Fixture, accession: str) -> None:
        self.context = made.context
        self.accession = accession

    async def _gate(self, login: str) -> tuple[Any, Any]:
        async with self.context.archive_db.read() as transaction:
            actor = (await people.roster(transaction)).actor(login, "test")
        assert actor is not None
        prearchive = Prearchive(self.context, EventBuffer(), cast("Any", None), actor)
        witness = Witness(self.context.archive_db)
        return Gate(self.context, actor, prearchive, witness), actor

    async def quarantine(self, login: str) -> QuarantineApi:
        gate, actor = await self._gate(login)
        async with self.context.archive_db.read() as transaction:
            roster = await people.roster(transaction)
        noun = Quarantine(self.context, EventBuffer(), actor, lambda: roster)
        made = gate.before("quarantine", noun)
        return cast("QuarantineApi", made)

    async def archive(self, login: str) -> ArchiveApi:
        gate, actor = await self._gate(login)
        made = gate.before("archive", Archive(self.context, cast("Any", None), actor))
        return cast("ArchiveApi", made)

    async def release(self, login: str) -> ActOutcome:
        (outcome,) = await (await self.quarantine(login)).release((self.accession,), "fine")
        return outcome

    async def status(self) -> str:
        async with self.context.archive_db.read() as transaction:
            return (await transaction.scalars(select(ArchivedSessionRow.status))).one()

    async def trail(self, action: str) -> list[dict[str, Any]]:
        await Relay(self.context.archive_db, self.context.prearchive_db).drain()
        chain = AuditChain(self.context.archive_db)
        page = await chain.find(AuditQuery(action=action), limit=100)
        return [{"actor": each.actor, "object": each.object, **each.detail} for each in page.rows]


@pytest.fixture
async def house(either: Fixture) -> House:  # noqa: F811
    session = await ready(either)
    async with either.context.archive_db.write() as transaction:
        changes = projects.Changes(quarantine_code=1, release_people=2, release_by="member")
        await projects.change(transaction, "P", changes, actor="test")
        for login, role in ROLES.items():
            await people.add(transaction, login, people.Changes(), actor="test")
            await people.grant(transaction, login, role, "P", actor="test")
    assert await archive(either, session) == ""
    async with either.context.archive_db.read() as transaction:
        accession = (await transaction.scalars(select(ArchivedSessionRow.id))).one()
    return House(either, accession)


async def test_two_people_who_release_at_once_release_it_once(house: House) -> None:
    outcomes = await asyncio.gather(house.release("ada"), house.release("bob"))
    assert all(each.done for each in outcomes)
    assert await house.status() == "active"
    (first,) = await house.trail("Released 1 of 2")
    (last,) = await house.trail("Activated")
    assert {first["actor"], last["actor"]} == {"ada", "bob"}
    assert last["people"] == ["ada", "bob"]
    assert await house.trail("Refused") == []


async def test_one_person_in_two_consoles_is_one_and_that_is_told(house: House) -> None:
    outcomes = await asyncio.gather(house.release("ada"), house.release("ada"))
    assert sorted(each.done for each in outcomes) == [False, True]
    assert await house.status() == "quarantine"
    (refusal,) = await house.trail("Refused")
    assert (refusal["actor"], refusal["object"]) == ("ada", house.accession)
    assert (refusal["known"], "another person" in refusal["error"]) == ("test", True)


async def test_who_may_not_release_does_not_know_of_it_and_agrees_to_nothing(house: House) -> None:
    for login in ("cyd", "dan"):
        outcome = await house.release(login)
        assert (outcome.done, outcome.message) == (False, "there is no such session in the archive")
    assert await house.status() == "quarantine"
    page = await (await house.quarantine("bob")).list()
    assert (page.total, page.rows[0].yes) == (1, ())
    page = await (await house.quarantine("cyd")).list()
    assert (page.total, page.counts) == (0, {})
    assert (await (await house.archive("cyd")).list()).total == 0
    await house.release("ada")
    await house.release("bob")
    assert (await (await house.archive("cyd")).show(house.accession)).status is SessionStatus.ACTIVE
    outcome = await house.release("cyd")
    assert "needs the permission to release" in outcome.message


async def test_the_word_of_who_may_not_release_any_more_does_not_count(house: House) -> None:
    assert (await house.release("ada")).done
    async with house.context.archive_db.write() as transaction:
        await people.revoke(transaction, "ada", ROLES["ada"], "P", actor="test")
    page = await (await house.quarantine("bob")).list()
    assert page.rows[0].yes == ()
    assert (await house.release("bob")).message.startswith("agreed to")
    assert await house.status() == "quarantine"
    # With the role it counts again.
    async with house.context.archive_db.write() as transaction:
        await people.grant(transaction, "ada", ROLES["ada"], "P", actor="test")
    page = await (await house.quarantine("bob")).list()
    assert {each.actor for each in page.rows[0].yes} == {"ada", "bob"}
    assert (await house.release("ada")).done
    assert await house.status() == "active"
