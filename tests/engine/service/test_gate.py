# SPDX-License-Identifier: Apache-2.0
"""Who is let through to which verb: every role, verb and accessibility, in this process and over
the Unix socket. Behind the gate nothing is done here; what is permitted is only counted."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import inspect
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, ClassVar, Literal, cast

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, update

from engine.archive import credentials, people, projects
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.archive.tables import ArchivedSessionRow, SignInRow
from engine.model.archive import AuditQuery, Window
from engine.model.contents import FoldedHeader
from engine.model.errors import InvalidInput, NotFound, NotTaken, Refused
from engine.model.people import (
    OF_ACCESSIBILITY,
    OF_ROLE,
    OF_SITE_ROLE,
    Accessibility,
    Actor,
    Permission,
    Role,
    Roster,
    SiteRole,
)
from engine.model.prearchive import ActOutcome
from engine.server.http import Listeners
from engine.service import permissions
from engine.service.api import NOUNS, EngineApi
from engine.service.event_buffer import EventBuffer
from engine.service.gate import Gate
from engine.service.housekeeping import Housekeeping
from engine.service.looks import Looks
from engine.service.passwords import Passwords
from engine.service.permissions import NEEDS, About
from engine.service.prearchive import Prearchive
from engine.service.recognition import Recognition
from engine.service.remote import RemoteEngine
from engine.service.wire import VERBS, Verb
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready

DOCUMENT = Path(__file__).parents[3] / "docs" / "roles.md"

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
    looks: Looks

    def gated(self, actor: Actor) -> EngineApi:
        """Return what an actor may ask."""
        context = self.fixture.context
        prearchive = Prearchive(context, EventBuffer(), cast("Any", None), actor)
        gate = Gate(context, actor, prearchive, self.looks)
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
        return asked

    def _value(self, address: str, name: str) -> Any:
        about = {need.argument: need.about for need in NEEDS[address]}.get(name)
        given: dict[About | None, Any] = {
            About.PROJECT: "P",
            About.SCOPE: "project:P",
            About.FILED: self.filed,
            About.WAITING: self.waiting,
            About.LOGIN: "bea",
            About.TOKEN: "0" * 32,
            About.REQUEST: 1,
            About.JOB: "job",
            About.SEND: "send",
        }
        if name in ("ids", "sessions"):
            is_filed = about in (About.EITHER, About.FILED)
            return (self.filed if is_filed else self.waiting,)
        others = {"values": {}, "choices": (), "names": (), "query": AuditQuery(project="P")}
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
        looks=Looks(context.archive_db),
    )


ALL = [f"{noun}.{verb.name}" for noun in NOUNS for verb in VERBS[noun].values()]

ELSEWHERE = {About.TOKEN, About.JOB, About.SEND, About.TRASHED}
"""What needs things that this house has not; each has a test of its own below."""


def expected(address: str, role: Role | SiteRole | None, opened: Accessibility) -> bool:
    """Say by the tables alone whether a verb about project P is permitted."""
    site = OF_SITE_ROLE[role] if isinstance(role, SiteRole) else frozenset()
    own = OF_ROLE[role] if isinstance(role, Role) else frozenset()
    within = site | own | OF_ACCESSIBILITY[opened]
    if Permission.ADMINISTER in site:
        return True
    for need in NEEDS[address]:
        if need.about is About.SELF:
            continue
        if need.about in (About.SITE, About.LOGIN):
            if not (need.permission is Permission.WATCH and need.permission in site):
                return False
        elif need.permission not in within:
            return False
    return True


def test_every_verb_has_a_row_and_every_row_a_verb() -> None:
    assert sorted(NEEDS) == sorted(ALL)
    for address, needs in NEEDS.items():
        noun, _, name = address.partition(".")
        parameters = inspect.signature(getattr(NOUNS[noun], name)).parameters
        for need in needs:
            assert not need.argument or need.argument in parameters, address


def test_the_page_of_roles_says_what_the_tables_say() -> None:
    assert DOCUMENT.read_text("utf-8") == permissions.document(), "run: make roles"


async def opened(house: House, accessibility: Accessibility) -> None:
    async with house.fixture.context.archive_db.write() as transaction:
        changes = projects.Changes(accessibility=accessibility.value)
        await projects.change(transaction, "P", changes, actor="test")


async def everybody(house: House) -> dict[str, Role | SiteRole | None]:
    """Make a user for each role; return which each has."""
    holders: dict[str, Role | SiteRole | None] = {"nobody": None}
    holders |= {f"site_{role.name}".lower(): role for role in SiteRole}
    holders |= {role.value: role for role in Role}
    async with house.fixture.context.archive_db.write() as transaction:
        for login, role in holders.items():
            await people.add(transaction, login, people.Changes(), actor="test")
            if role is not None:
                project = "P" if isinstance(role, Role) else ""
                await people.grant(transaction, login, role, project, actor="test")
    return holders


async def walk(
    house: House, engine: EngineApi, role: Role | SiteRole | None, accessibility: Accessibility
) -> None:
    """Ask every verb."""
    for noun in NOUNS:
        for verb in VERBS[noun].values():
            address = f"{noun}.{verb.name}"
            if any(need.about in ELSEWHERE for need in NEEDS[address]):
                continue
            let_through = await is_let_through(engine, house, verb)
            wanted = expected(address, role, accessibility)
            assert let_through == wanted, f"{address} by {role} of a {accessibility} project"


async def is_let_through(engine: EngineApi, house: House, verb: Verb) -> bool:
    house.behind.through.clear()
    try:
        outcomes = await getattr(getattr(engine, verb.noun), verb.name)(**house.arguments(verb))
    except (NotFound, Refused):
        return bool(house.behind.through)
    if not outcomes or not isinstance(outcomes[0], ActOutcome):
        return bool(house.behind.through)
    return all(each.done for each in outcomes)


@pytest.mark.parametrize("accessibility", list(Accessibility))
async def test_a_role_may_do_what_the_table_says_and_nothing_else(
    house: House, accessibility: Accessibility
) -> None:
    await opened(house, accessibility)
    holders = await everybody(house)
    roster = await house.roster()
    for login, role in holders.items():
        actor = roster.actor(login, "test")
        assert actor is not None
        await walk(house, house.gated(actor), role, accessibility)


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


async def test_over_the_socket_a_role_may_do_the_same(socket: Socket) -> None:
    for login, role in (await everybody(socket.house)).items():
        shows = basic(*await socket.token(login))
        async with RemoteEngine(socket.path, shows=shows) as engine:
            await walk(socket.house, engine, role, Accessibility.PRIVATE)


async def test_the_owner_of_the_engine_needs_no_role(socket: Socket) -> None:
    async with RemoteEngine(socket.path) as engine:
        verb = VERBS["prearchive"]["rebuild"]
        assert await is_let_through(engine, socket.house, verb)


async def asked(socket: Socket, shows: str) -> None:
    async with RemoteEngine(socket.path, shows=shows) as engine:
        await engine.people.who_am_i()


async def events(house: House, action: str) -> list[dict[str, Any]]:
    context = house.fixture.context
    await Relay(context.archive_db, context.prearchive_db).drain()
    chain = AuditChain(context.archive_db)
    page = await chain.list(AuditQuery(action=action), Window(limit=1000))
    return [{"actor": each.actor, "object": each.object, **each.detail} for each in page.rows]


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
    assert refusals[0] == {"actor": ASKING, "object": ASKING, "error": "locked out"}
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
    # The right one comes when they are locked out already.
    shown = [
        recognition.shown(basic(ASKING, guess)) for guess in [*guesses, "correct horse battery"]
    ]
    answers = await asyncio.gather(*shown, return_exceptions=True)
    assert all(isinstance(answer, Refused) for answer in answers)
    assert len(await events(house, "Sign-in refused")) == credentials.MOST_WRONG


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


async def named(house: House, role: Role | None, project: str = "P") -> EngineApi:
    async with house.fixture.context.archive_db.write() as transaction:
        if role is not None:
            await people.grant(transaction, ASKING, role, project, actor="test")
    actor = (await house.roster()).actor(ASKING, "test")
    assert actor is not None
    return house.gated(actor)


async def test_what_is_unassigned_or_anothers_is_answered_as_if_it_were_not_there(
    house: House,
) -> None:
    await house.fixture.project("Q")
    engine = await named(house, Role.OWNER, "Q")
    for id in (house.waiting, house.unassigned):
        with pytest.raises(NotFound, match=f"there is no prearchive session {id}"):
            await engine.prearchive.log(id)
    for id, project in ((house.filed, ""), ("FILED", "P"), ("../E1", "Q")):
        with pytest.raises(NotFound):
            await engine.archive.show(id, project)
    with pytest.raises(NotFound, match="there is no project P"):
        await engine.projects.show("P")
    assert house.behind.through == []


async def test_who_looks_at_a_patients_data_is_written_down_once_an_hour(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = FoldedHeader(rows=(), files=0)
    house.behind.answers = {
        "prearchive.header": header,
        "prearchive.changes": (),
        "archive.header": header,
        "archive.read": b"",
        "prearchive.log": (),
    }
    engine = await named(house, Role.OWNER)
    moment = [1000.0]
    monkeypatch.setattr("engine.service.looks.time.monotonic", lambda: moment[0])
    for _ in range(3):
        await engine.prearchive.log(house.waiting)
        await engine.prearchive.header(house.waiting)
        await engine.prearchive.changes(house.waiting)
        await engine.archive.header(house.filed)
        await engine.archive.read(house.filed, "x")
        moment[0] += 1000
    with pytest.raises(NotFound):
        await engine.prearchive.header(house.unassigned)

    async def looks() -> list[tuple[str, str]]:
        found = await events(house, "Looked at")
        assert {each["actor"] for each in found} == {ASKING}
        return sorted((each["object"], each["what"]) for each in found)

    # Values of originals are not shown to those who may not see them: it is the headers.
    once = sorted([(house.waiting, "headers"), (house.filed, "headers"), (house.filed, "files")])
    assert await looks() == once
    moment[0] += 2000
    await engine.archive.header(house.filed)
    assert await looks() == sorted([*once, (house.filed, "headers")])


async def test_everybody_reads_in_the_trail_what_they_did_and_owners_what_was_done_in_their_project(
    house: House,
) -> None:
    await house.fixture.project("Q")
    engine = await named(house, Role.OWNER)
    for query in (AuditQuery(project="P"), AuditQuery(actor=ASKING)):
        with pytest.raises(NotFound, match="through"):
            await engine.audit.find(query)
    for query in (AuditQuery(), AuditQuery(actor="bea"), AuditQuery(text="P")):
        with pytest.raises(Refused):
            await engine.audit.find(query)
    with pytest.raises(NotFound, match="no project Q"):
        await engine.audit.find(AuditQuery(project="Q", actor=ASKING))


async def test_of_several_sessions_those_are_touched_that_may_be(house: House) -> None:
    engine = await named(house, Role.REVIEWER)
    ids = (house.unassigned, house.waiting, "pre_nowhere0")
    outcomes = await engine.prearchive.rebuild(ids)
    assert [each.id for each in outcomes] == list(ids)
    assert [each.done for each in outcomes] == [False, True, True]
    assert outcomes[0].message == f"there is no prearchive session {house.unassigned}"
    (refusal,) = await events(house, "Refused")
    assert refusal == {
        "actor": ASKING,
        "object": "prearchive.rebuild",
        "known": "test",
        "error": "not-found",
    }


async def test_a_session_in_quarantine_is_there_for_those_only_who_may_release(
    house: House,
) -> None:
    async with house.fixture.context.archive_db.write() as transaction:
        await transaction.execute(update(ArchivedSessionRow).values(status="quarantine"))
    reader = await named(house, Role.COLLABORATOR)
    with pytest.raises(NotFound, match="no such session"):
        await reader.archive.document(house.filed)
    owner = await named(house, Role.OWNER)
    with pytest.raises(NotFound, match="through"):
        await owner.archive.document(house.filed)
    async with house.fixture.context.archive_db.write() as transaction:
        made = {"status": "obsolete", "status_before": "quarantine"}
        await transaction.execute(update(ArchivedSessionRow).values(**made))
    with pytest.raises(NotFound, match="no such session"):
        await reader.archive.document(house.filed)
    with pytest.raises(NotFound, match="no such session"):
        await reader.archive.show("FILED", project="P")
    (outcome,) = await reader.quarantine.activate((house.filed,))
    assert (outcome.done, outcome.message) == (False, "there is no such session in the archive")
    with pytest.raises(NotFound, match="through"):
        await owner.archive.document(house.filed)


@pytest.mark.parametrize("verb", [verb for verb in VERBS["quarantine"] if verb != "list"])
async def test_who_reads_may_not_release_unless_the_project_says_so(
    house: House, verb: str
) -> None:
    reader = await named(house, Role.COLLABORATOR)
    (outcome,) = await getattr(reader.quarantine, verb)((house.filed,))
    assert "needs the permission to release" in outcome.message
    (refusal,) = await events(house, "Refused")
    assert refusal["object"] == f"quarantine.{verb}"
    async with house.fixture.context.archive_db.write() as transaction:
        changes = projects.Changes(release_by="collaborator")
        await projects.change(transaction, "P", changes, actor="test")
    actor = (await house.roster()).actor(ASKING, "test")
    assert actor is not None
    (outcome,) = await getattr(house.gated(actor).quarantine, verb)((house.filed,))
    assert outcome.done


@pytest.mark.parametrize(
    "trick", ["../P", "P/../Q", "/etc", "P\x00", "P\x1b[31m", "P\n", " P", "", ".", "..", "P" * 200]
)
async def test_a_name_that_plays_tricks_is_nobodys(house: House, trick: str) -> None:
    database = house.fixture.context.archive_db
    for work in (
        lambda transaction: people.add(transaction, trick, people.Changes(), actor="test"),
        lambda transaction: people.grant(transaction, "@" + trick, Role.OWNER, "P", actor="test"),
        lambda transaction: projects.add(transaction, trick, actor="test"),
    ):
        with pytest.raises((InvalidInput, NotFound)):
            async with database.write() as transaction:
                await work(transaction)
    engine = await named(house, Role.OWNER)
    for asked in (
        lambda: engine.prearchive.log(trick),
        lambda: engine.archive.header(trick),
        lambda: engine.archive.show(trick, "P"),
        lambda: engine.projects.show(trick),
        lambda: engine.scripts.show(f"project:{trick}"),
        lambda: engine.people.members(trick),
    ):
        with pytest.raises((NotFound, Refused)):
            await asked()
    told = [str(text) for each in await events(house, "Refused") for text in each.values()]
    assert not [text for text in told if trick and trick in text and len(trick) > 1]
