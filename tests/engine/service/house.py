# SPDX-License-Identifier: Apache-2.0
"""A home in which somebody may do something and others may not, with a gate before it, and a socket
at which they ask."""

from __future__ import annotations

import base64
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from engine.archive import credentials, people
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.archive.tables import ArchivedSessionRow
from engine.model.archive import AuditQuery
from engine.model.errors import NotFound
from engine.model.ledger import GroupKey
from engine.model.people import (
    Actor,
    Role,
    Roster,
)
from engine.model.prearchive import ActOutcome
from engine.server.http import Listeners
from engine.service.api import NOUNS, EngineApi
from engine.service.event_buffer import EventBuffer
from engine.service.gate import Gate
from engine.service.permissions import NEEDS, About
from engine.service.prearchive import Prearchive
from engine.service.recognition import Recognition
from engine.service.wire import VERBS, Verb
from engine.service.witness import Witness
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready

ASKING = "ada"


@dataclass(slots=True)
class Behind:
    """What stands behind the gate: it counts what comes through, and does nothing."""

    through: list[str] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)

    def noun(self, noun: str) -> SimpleNamespace:
        """Return a noun that does nothing."""
        return SimpleNamespace(
            **{verb.name: self._verb(f"{noun}.{verb.name}") for verb in VERBS[noun].values()}
        )

    def _verb(self, address: str) -> Callable[..., Any]:
        async def ask(**arguments: Any) -> Any:
            self.through.append(address)
            if address in self.answers:
                return self.answers[address]
            if "ids" in arguments or "sessions" in arguments:
                several = arguments.get("ids", arguments.get("sessions", ()))
                return tuple(ActOutcome(id=id, done=True) for id in several)
            raise NotFound("through")

        return ask


@dataclass(frozen=True, kw_only=True, slots=True)
class House:
    """A home with a project, a session that waits in it and one that is filed, and a gate."""

    fixture: Fixture
    behind: Behind
    waiting: str
    filed: str
    unassigned: str
    witness: Witness

    def gated(self, actor: Actor) -> EngineApi:
        """Return what an actor may ask."""
        context = self.fixture.context
        prearchive = Prearchive(context, EventBuffer(), cast("Any", None), actor)
        gate = Gate(context, actor, prearchive, self.witness)
        nouns = {noun: gate.before(noun, self.behind.noun(noun)) for noun in NOUNS}
        return cast("EngineApi", SimpleNamespace(**nouns))

    async def roster(self) -> Roster:
        """Read who has which role."""
        async with self.fixture.context.archive_db.read() as transaction:
            return await people.roster(transaction)

    def arguments(self, verb: Verb) -> dict[str, Any]:
        """Return arguments of a verb that are about project P."""
        asked: dict[str, Any] = {}
        for name, parameter in inspect.signature(
            getattr(NOUNS[verb.noun], verb.name)
        ).parameters.items():
            if name != "self" and parameter.default is inspect.Parameter.empty:
                asked[name] = self._value(f"{verb.noun}.{verb.name}", name)
        for need in NEEDS[f"{verb.noun}.{verb.name}"]:
            if need.about in (About.PROJECT_OR_SITE, About.LOGIN):
                asked[need.argument] = "P" if need.argument == "project" else "bea"
            if need.about is About.TRAIL:
                asked[need.argument] = AuditQuery(project="P")
        return asked

    def _value(self, address: str, name: str) -> Any:
        about = {need.argument: need.about for need in NEEDS[address]}.get(name)
        given: dict[About | None, Any] = {
            About.PROJECT: "P",
            About.SCOPE: "project:P",
            About.FILED: self.filed,
            About.EITHER: self.filed,
            About.WAITING: self.waiting,
            About.LOGIN: "bea",
            About.TOKEN: "0" * 32,
            About.REQUEST: 1,
            About.JOB: "job",
            About.SEND: "send",
        }
        if name == "group":
            return GroupKey()
        if name == "keys":
            return ("key",)
        if name in ("ids", "sessions"):
            is_filed = about in (About.EITHER, About.FILED)
            return (self.filed if is_filed else self.waiting,)
        others: dict[str, Any] = {"values": {}, "choices": (), "names": (), "verb": "delete"}
        value = given.get(about, others.get(name, "x"))
        numbers = ("port", "files", "version", "old", "images", "number")
        if name == "before" or (name, about) == ("moment", None) or address == "moments.diff":
            return "2026-01-01T00:00:00Z"
        return 1 if name in numbers and about is None else value


@pytest.fixture
async def house(fixture: Fixture) -> House:  # noqa: F811
    """A home with what can be asked for."""
    filed = await ready(fixture, "FILED", study="1.2.3.5")
    assert await archive(fixture, filed) == ""
    waiting = await ready(fixture, "E1")
    unassigned = (await fixture.claim("U1", project=cast("str", None), study="1.2.3.6")).session
    context = fixture.context
    async with context.archive_db.write() as transaction:
        accession = (await transaction.scalars(select(ArchivedSessionRow.id))).one()
        await people.add(transaction, ASKING, people.Changes(), actor="test")
        await people.add(transaction, "bea", people.Changes(), actor="test")
        await people.ask(transaction, "bea", "P", Role.MEMBER, "")
    return House(
        fixture=fixture,
        behind=Behind(),
        waiting=waiting,
        filed=accession,
        unassigned=unassigned,
        witness=Witness(context.archive_db),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """What listeners serve: the house, and who is known in it."""

    house: House
    recognition: Recognition

    def acting(self, actor: Actor) -> EngineApi:
        """Return what an actor may ask."""
        return self.house.gated(actor)


@dataclass(slots=True)
class Socket:
    """A socket that people ask at with tokens."""

    house: House
    roster: Roster = field(default_factory=Roster)
    path: Path = Path()

    async def token(self, login: str = ASKING, **options: Any) -> tuple[str, str]:
        """Return a token of somebody."""
        async with self.house.fixture.context.archive_db.write() as transaction:
            new = await credentials.issue(transaction, login, actor=login, **options)
        self.roster = await self.house.roster()
        return new.token.alias, new.secret


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


@pytest.fixture
async def socket(house: House) -> AsyncIterator[Socket]:
    """Serve the house on a real socket."""
    made = Socket(house)
    recognition = Recognition(house.fixture.context.archive_db, lambda: made.roster)
    with TemporaryDirectory(prefix="anteroom-") as folder:
        host = Host(house=house, recognition=recognition)
        listeners = await Listeners.open(host, Path(folder) / "engine.sock", port=0)
        made.path = listeners.socket
        yield made
        await listeners.close()


async def events(house: House, action: str) -> list[dict[str, Any]]:
    context = house.fixture.context
    await Relay(context.archive_db, context.prearchive_db).drain()
    chain = AuditChain(context.archive_db)
    page = await chain.find(AuditQuery(action=action), limit=1000)
    return [{"actor": each.actor, "object": each.object, **each.detail} for each in page.rows]


async def named(house: House, role: Role | None, project: str = "P") -> EngineApi:
    async with house.fixture.context.archive_db.write() as transaction:
        if role is not None:
            await people.grant(transaction, ASKING, role, project, actor="test")
    actor = (await house.roster()).actor(ASKING, "test")
    assert actor is not None
    return house.gated(actor)
