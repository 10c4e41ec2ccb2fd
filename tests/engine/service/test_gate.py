# SPDX-License-Identifier: Apache-2.0
"""Who is let through to which verb: every role, verb and accessibility, in this process and over
the Unix socket. Behind the gate nothing is done here; what is permitted is only counted."""

from __future__ import annotations

import inspect
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from engine.archive import people, projects
from engine.archive.tables import ArchivedSessionRow
from engine.model.accounts import Accounts
from engine.model.archive import AuditQuery
from engine.model.changes import SessionChanges
from engine.model.contents import FoldedHeader
from engine.model.errors import InvalidInput, NotFound, Refused
from engine.model.live import EngineStatus, Event, EventBatch, ReceiverStatus
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
    operator,
)
from engine.model.prearchive import ActOutcome
from engine.model.scripts import ScriptText
from engine.service import permissions
from engine.service.api import NOUNS, EngineApi
from engine.service.people import People
from engine.service.permissions import NEEDS, About
from engine.service.projects import Projects
from engine.service.recognition import Recognition
from engine.service.remote import RemoteEngine
from engine.service.scripts import compare
from engine.service.wire import VERBS, Verb
from tests.engine.jobs.test_delete import delete
from tests.engine.service.house import ASKING, House, Socket, basic, events, named

DOCUMENT = Path(__file__).parents[3] / "docs" / "roles.md"


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


async def test_over_the_socket_a_role_may_do_the_same(socket: Socket) -> None:
    for login, role in (await everybody(socket.house)).items():
        shows = basic(*await socket.token(login))
        async with RemoteEngine(socket.path, shows=shows) as engine:
            await walk(socket.house, engine, role, Accessibility.PRIVATE)


async def test_the_owner_of_the_engine_needs_no_role(socket: Socket) -> None:
    async with RemoteEngine(socket.path) as engine:
        verb = VERBS["prearchive"]["rebuild"]
        assert await is_let_through(engine, socket.house, verb)


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
        "prearchive.done": SessionChanges(),
        "archive.header": header,
        "archive.read": b"",
        "prearchive.log": (),
    }
    engine = await named(house, Role.OWNER)
    moment = [1000.0]
    monkeypatch.setattr("engine.service.once.time.monotonic", lambda: moment[0])
    for _ in range(3):
        await engine.prearchive.log(house.waiting)
        await engine.prearchive.header(house.waiting)
        await engine.prearchive.done(house.waiting)
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
            await engine.audit.list(query)
    for query in (AuditQuery(), AuditQuery(actor="bea"), AuditQuery(text="P")):
        with pytest.raises(Refused):
            await engine.audit.list(query)
    with pytest.raises(NotFound, match="no project Q"):
        await engine.audit.list(AuditQuery(project="Q", actor=ASKING))


async def test_of_several_sessions_those_are_touched_that_may_be(house: House) -> None:
    engine = await named(house, Role.REVIEWER)
    ids = (house.unassigned, house.waiting, "pre_nowhere0")
    outcomes = await engine.prearchive.rebuild(ids)
    assert [each.id for each in outcomes] == list(ids)
    assert [each.done for each in outcomes] == [False, True, False]
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


async def test_who_asks_for_anothers_things_is_written_down_once_a_minute(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("engine.service.once.time.monotonic", lambda: moment[0])
    await house.fixture.project("Q")
    engine = await named(house, Role.OWNER, "Q")
    for _ in range(3):
        with pytest.raises(NotFound):
            await engine.archive.header(house.filed)
        with pytest.raises(NotFound):
            await engine.prearchive.log(house.waiting)
    asked = {(each["object"], each["error"]) for each in await events(house, "Refused")}
    assert asked == {("archive.header", "not-found"), ("prearchive.log", "not-found")}
    assert len(await events(house, "Refused")) == 2
    moment[0] += 61
    with pytest.raises(NotFound):
        await engine.archive.header(house.filed)
    assert len(await events(house, "Refused")) == 3


async def test_access_is_asked_for_only_where_a_project_is_known_of(house: House) -> None:
    engine = await named(house, None)
    with pytest.raises(NotFound, match="there is no project P"):
        await engine.people.ask("P")
    await opened(house, Accessibility.PROTECTED)
    actor = (await house.roster()).actor(ASKING, "test")
    assert actor is not None
    with pytest.raises(NotFound, match="through"):
        await house.gated(actor).people.ask("P")


async def test_what_waits_is_sent_by_those_only_who_decide_on_it_however_it_is_named(
    house: House,
) -> None:
    # A reader of the archive names by its label what still waits.
    engine = await named(house, Role.COLLABORATOR)
    for name in (house.waiting, "E1"):
        (outcome,) = await engine.remotes.send("PACS", (name,))
        assert not outcome.done, name
    (outcome,) = await engine.remotes.send("PACS", (house.filed,))
    assert outcome.done


async def test_a_deleted_session_is_nobodys_but_its_projects_whatever_its_card_says(
    house: House,
) -> None:
    assert await delete(house.fixture, house.waiting) == ""
    trash = house.fixture.context.prearchive / ".trash" / house.waiting
    stranger = await named(house, None)

    async def barred(engine: EngineApi) -> bool:
        (restored,) = await engine.prearchive.restore((house.waiting,))
        (emptied,) = await engine.prearchive.empty_trash((house.waiting,))
        return not restored.done and not emptied.done

    assert await barred(stranger)
    # Such a one is not listed.
    (trash / "index.json").unlink()
    assert await barred(stranger)
    owner = await named(house, Role.OWNER)
    assert not await barred(owner)
    # Of which project it was cannot be known any more: administrators only.
    (trash / "session.json").write_text("{}")
    assert await barred(stranger) and await barred(owner)


async def test_what_comes_to_be_after_the_look_is_not_touched(house: House) -> None:
    engine = await named(house, Role.OWNER)
    with pytest.raises(NotFound, match="there is no prearchive session pre_nowhere0"):
        await engine.prearchive.log("pre_nowhere0")
    assert house.behind.through == []


async def test_a_reviewer_learns_of_a_lookup_table_only_that_it_differs(house: House) -> None:
    written = compare(
        ScriptText(scope="site", version=1, text="one", lookups="subject/DOE = 1"),
        ScriptText(scope="site", version=2, text="two", lookups="subject/DOE = 2"),
    )
    house.behind.answers = {"scripts.diff": written}
    reviewer = await named(house, Role.REVIEWER)
    told = await reviewer.scripts.diff("site", 1, 2)
    assert "+two" in told and "DOE" not in told and "the lookup tables differ" in told
    house.behind.answers = {"scripts.diff": written.replace("site", "project:P")}
    assert "DOE" not in await reviewer.scripts.diff("project:P", 1, 2)
    owner = await named(house, Role.OWNER)
    assert "DOE" in await owner.scripts.diff("project:P", 1, 2)


async def test_a_request_for_access_to_what_is_private_is_not_there_for_others(
    house: House,
) -> None:
    engine = await named(house, None)
    told = set()
    for number in (1, 99):
        with pytest.raises(NotFound) as refused:
            await engine.people.decline(number)
        told.add(refused.value.message.replace(str(number), "N"))
    assert told == {"there is no request for access N"}


async def test_events_tell_their_reasons_to_those_only_who_decide_everywhere(
    house: House,
) -> None:
    event = Event(number=1, at=datetime.now(UTC), kind="session", object="pre_x", text="ERROR: why")
    batch = EventBatch(epoch="e", events=(event,), last=1, gap=False)
    house.behind.answers = {"events.after": batch}

    async def told(engine: EngineApi) -> tuple[str, str]:
        (one,) = (await engine.events.after("e", 0)).events
        return one.object, one.text

    assert await told(await named(house, None)) == ("", "")
    assert await told(await named(house, Role.WATCHER)) == ("pre_x", "ERROR")
    assert await told(house.gated(operator("root"))) == ("pre_x", "ERROR: why")


RECEIVER = ReceiverStatus(
    ae_title="ANTEROOM",
    port=104,
    enabled=True,
    listening=False,
    origin="added",
    certificate="/etc/a.pem",
    key="/etc/a.key",
    client_ca="/etc/ca.pem",
    crl="/etc/crl.pem",
    allow=("MR_1 10.0.0.7",),
    account="/etc",
    note="/etc",
)


async def test_how_the_engine_stands_names_no_project_that_is_private(house: House) -> None:
    status = EngineStatus(
        version="1",
        pid=1,
        node="n",
        home="/h",
        started=datetime.now(UTC),
        receivers=(),
        workers=1,
        associations=0,
        accounts=Accounts(counts={}),
        build_after_of={"P": 60.0},
    )
    problems = ("receiver ANTEROOM cannot listen on port 104",)
    status = replace(status, problems=problems, receivers=(RECEIVER,))
    house.behind.answers = {"system.status": status, "receivers.list": (RECEIVER,)}
    engine = house.gated(operator("root"))
    assert await engine.system.status() == status
    assert (await (await named(house, None)).system.status()).build_after_of == {}
    assert (await (await named(house, Role.WATCHER)).system.status()).build_after_of == {"P": 60.0}
    for role in (Role.WATCHER, Role.OWNER):
        told = repr(await (await named(house, role)).system.status())
        assert "ANTEROOM" in told and "/h" not in told and "/etc" not in told and "10.0" not in told
    told = repr(await (await named(house, Role.WATCHER)).receivers.list())
    assert "ANTEROOM" in told and "/etc" not in told and "10.0" not in told


async def test_a_reason_is_never_a_book(house: House) -> None:
    engine = await named(house, Role.OWNER)
    with pytest.raises(InvalidInput, match="at most 400"):
        await engine.prearchive.rebuild((house.waiting,), "DOE JANE " * 100)
    assert house.behind.through == []


async def test_an_owner_adds_no_name_for_routing_and_lets_no_group_in(house: House) -> None:
    actor = await named_actor(house, Role.OWNER)

    async def apply() -> None:
        """Put nothing into force."""

    owner = Projects(house.fixture.context, apply, actor)
    with pytest.raises(Refused, match="routing of the whole site"):
        await owner.set("P", {"aliases": "HEAD"})
    root = Projects(house.fixture.context, apply, operator("root"))
    assert (await root.set("P", {"aliases": "HEAD, NECK"})).aliases == ("HEAD", "NECK")
    assert (await owner.set("P", {"aliases": "NECK"})).aliases == ("NECK",)
    recognition = Recognition(house.fixture.context.archive_db, Roster)
    people_ = People(house.fixture.context, recognition, apply, actor)
    with pytest.raises(Refused, match="only an administrator"):
        await people_.grant("@users", "watcher", "P")
    await people_.grant("bea", "watcher", "P")


async def named_actor(house: House, role: Role) -> Actor:
    await named(house, role)
    actor = (await house.roster()).actor(ASKING, "test")
    assert actor is not None
    return actor
