# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk on real databases: what is said of sessions, and when it no longer holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest

from engine.archive import people
from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.jobs.delete import DeleteJob
from engine.jobs.restore import RestoreJob, put_back
from engine.jobs.trash import remove
from engine.model.archive import AuditQuery
from engine.model.contents import Timeline
from engine.model.desk import LONGEST_NOTE, Desk
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.live import Job
from engine.model.people import Actor, Role, operator
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.model.states import Verb
from engine.prearchive.desk_tables import DeskRow
from engine.service.desk import ReviewDesk
from engine.service.event_buffer import EventBuffer
from engine.service.pace import Pace
from engine.service.prearchive import Prearchive
from engine.service.presence import Presence
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.jobs.test_build import build
from tests.engine.jobs.test_move import move

NOTE = "Planted^Patient phoned"


def desk(made: Fixture, actor: Actor | None = None) -> ReviewDesk:
    return ReviewDesk(
        made.context,
        EventBuffer(),
        Pace(3, 600.0),
        Presence(EventBuffer()),
        prearchive(made, actor),
        actor or operator("mk"),
    )


def prearchive(made: Fixture, actor: Actor | None = None) -> Prearchive:
    return Prearchive(made.context, EventBuffer(), cast("Any", None), actor or operator("mk"))


async def user(made: Fixture, login: str, role: Role | None = None) -> Actor:
    async with made.context.archive_db.write() as transaction:
        await people.add(transaction, login, people.Changes(), actor="test")
        if role is not None:
            await people.grant(transaction, login, role, "P", actor="test")
        found = (await people.roster(transaction)).actor(login, "test")
    assert found is not None
    return found


async def trail(made: Fixture) -> list[tuple[str, str, dict[str, Any]]]:
    context = made.context
    await Relay(context.archive_db, context.prearchive_db).drain()
    page = await AuditChain(context.archive_db).find(AuditQuery())
    return [(one.actor, one.action, one.detail) for one in reversed(page.rows)]


async def found(made: Fixture, where: str, actor: Actor | None = None) -> list[str]:
    query = PrearchiveQuery(where=parse_filter(where, PREARCHIVE_FIELDS).conditions)
    return [row.label for row in (await prearchive(made, actor).list(query)).rows]


async def test_what_is_said_of_a_session_is_kept_found_and_recorded(
    either: Fixture,  # noqa: F811
) -> None:
    session, other = await ready(either), await ready(either, "E2", study="1.2.3.8")
    await user(either, "ada", Role.REVIEWER)
    assert await desk(either).show(session) == Desk(session=session)
    (noted,) = await desk(either).note((session,), f"  {NOTE} ")
    (given,) = await desk(either).assign((session,), "ada")
    (seen,) = await desk(either).review((session,))
    assert [one.message for one in (noted, given, seen)] == ["noted", "assigned to ada", "reviewed"]
    told = await desk(either).show(session)
    assert (told.note, told.noted_by, told.assigned, told.assigned_by) == (NOTE, "mk", "ada", "mk")
    assert (told.reviewed_by, told.fell) == ("mk", "") and told.reviewed is not None
    row = await prearchive(either).show(session)
    assert (row.assigned, row.reviewed_by, row.noted) == ("ada", "mk", True)
    for where, labels in (
        ("assigned:ada", ["E1"]),
        ("assigned:none", ["E2"]),
        ("reviewed:yes", ["E1"]),
        ("reviewed:no", ["E2"]),
        ("!noted:yes", ["E2"]),
        ("late:yes", []),
    ):
        assert await found(either, where) == labels, where
    events = await trail(either)
    assert [action for who, action, _ in events if who == "mk"] == ["Noted", "Assigned", "Reviewed"]
    assert ("mk", "Assigned", {"to": "ada"}) in events
    assert "Planted" not in str(events)
    log = [entry.text for entry in await prearchive(either).log(session)]
    assert "reviewed by mk" in log and not any("Planted" in text for text in log)
    assert (await desk(either).show(other)).note == ""


async def test_a_review_falls_when_new_files_come(either: Fixture) -> None:  # noqa: F811
    session = await ready(either)
    await desk(either).review((session,))
    either.publish(await either.claim(), "3.dcm")
    await either.context.ingester.ingest()
    told = await desk(either).show(session)
    assert (told.reviewed, told.reviewed_by) == (None, "")
    assert told.fell == "reviewed by mk; since then new files came"
    assert ("engine", "Review fell", {"reason": "new files came"}) in await trail(either)
    (refused,) = await desk(either).review((session,))
    assert not refused.done and "not at rest" in refused.message


async def test_a_review_falls_when_another_session_comes_of_a_build(
    fixture: Fixture,  # noqa: F811
) -> None:
    session = await ready(fixture)
    await desk(fixture).review((session,))
    assert await build(fixture, session) == ""
    assert (await desk(fixture).show(session)).reviewed_by == "mk", "the same was built again"
    assert await move(fixture, session, wanted_label="E9") == ""
    told = await desk(fixture).show(session)
    assert told.reviewed_by == "" and "built anew" in told.fell
    (back,) = await desk(fixture).withdraw((session,))
    assert not back.done and "not marked" in back.message


async def test_it_outlives_the_trash_and_ends_with_the_session(
    fixture: Fixture,  # noqa: F811
) -> None:
    session, other = await ready(fixture), await ready(fixture, "E2", study="1.2.3.8")
    await desk(fixture).note((session, other), NOTE)
    attempt = await fixture.ask(session, Verb.DELETE)
    assert await fixture.run(DeleteJob(fixture.context).work(), session, attempt) == ""
    job = await put_back(fixture.context, session, actor="mk")
    attempt = int(job.rpartition(":")[2])
    assert await fixture.run(RestoreJob(fixture.context).work(), session, attempt) == ""
    assert (await desk(fixture).show(session)).note == NOTE
    attempt = await fixture.ask(session, Verb.DELETE)
    assert await fixture.run(DeleteJob(fixture.context).work(), session, attempt) == ""
    await remove(fixture.context, session, actor="mk")
    assert await archive(fixture, other) == ""
    async with fixture.context.prearchive_db.read() as transaction:
        for gone in (session, other):
            assert await transaction.get(DeskRow, gone) is None


async def test_who_may_not_decide_is_given_nothing(fixture: Fixture) -> None:  # noqa: F811
    session = await ready(fixture)
    await user(fixture, "wim", Role.WATCHER)
    (refused,) = await desk(fixture).assign((session,), "wim")
    assert not refused.done and refused.message == "wim may not decide on sessions of P"
    with pytest.raises(InvalidInput, match="no user nobody"):
        await desk(fixture).assign((session,), "nobody")
    with pytest.raises(InvalidInput, match="at most"):
        await desk(fixture).note((session,), "x" * (LONGEST_NOTE + 1))
    assert await desk(fixture).show(session) == Desk(session=session)


async def test_mine_is_what_was_given_to_me_or_to_nobody_in_my_projects(
    either: Fixture,  # noqa: F811
) -> None:
    ada, bob = await user(either, "ada", Role.REVIEWER), await user(either, "bob", Role.REVIEWER)
    await ready(either)
    theirs = await ready(either, "E2", study="1.2.3.8")
    await desk(either).assign((theirs,), "bob")
    assert await found(either, "mine:yes", ada) == ["E1"]
    assert await found(either, "mine:yes", bob) == ["E2", "E1"]
    assert await found(either, "mine:no", ada) == ["E2"]


async def test_what_would_be_done_is_what_is_done(either: Fixture) -> None:  # noqa: F811
    await either.project("Q")
    good, away = await ready(either), await ready(either, "E2", study="1.2.3.8")
    coming = (await either.claim("E3", study="1.2.3.9")).session
    astray = (await either.claim("U", project=cast("str", None), study="1.2.3.10")).session
    assert await move(either, away, wanted_project="Q") == ""
    ids = (good, away, coming, astray, "pre_aaaaaaaa")
    for verb, project in (
        (Verb.MOVE, "Q"),
        (Verb.MOVE, ""),
        (Verb.REBUILD, ""),
        (Verb.RESET, ""),
        (Verb.DELETE, ""),
        (Verb.ARCHIVE, ""),
    ):
        before = [vars_of(await either.there(id)) for id in ids[:-1]]
        told = await prearchive(either).would(verb, ids, project)
        assert [vars_of(await either.there(id)) for id in ids[:-1]] == before
        if verb is Verb.MOVE and not project:
            continue
        asked = prearchive(either)
        do = getattr(asked, verb.value)
        done = await (do(ids, project) if project else do(ids))
        # The refusals are word for word those of the act.
        refused = [(one.id, one.message) for one in told if not one.done]
        assert refused == [(one.id, one.message) for one in done if not one.done], verb
        for id in ids[:-1]:
            await asked.reset((id,))
    with pytest.raises(InvalidInput, match="one session at a time"):
        await prearchive(either).would(Verb.RELABEL, ids)


def vars_of(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in row.__table__.columns}


async def test_thousands_are_queued_a_hundred_at_a_time(fixture: Fixture) -> None:  # noqa: F811
    ids = tuple([(await fixture.claim(f"E{n}", study=f"1.2.{n}")).session for n in range(250)])
    before = fixture.context.prearchive_db.commits
    outcomes = await prearchive(fixture).delete((*ids, "pre_aaaaaaaa", ids[0]))
    assert fixture.context.prearchive_db.commits - before == 3
    assert [one.id for one in outcomes] == [*ids, "pre_aaaaaaaa"]
    assert [one.done for one in outcomes] == [True] * 250 + [False]
    assert len(fixture.jobs.queued) == 250


async def test_a_capsule_tells_what_happened_and_names_nobody(
    fixture: Fixture,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def jobs(limit: int = 100, *, unfinished: bool = False) -> tuple[Job, ...]:
        return (replace(JOB, session=session), replace(JOB, session="pre_other", error="Planted"))

    monkeypatch.setattr(fixture.jobs, "list", jobs, raising=False)
    session = await ready(fixture, "PLANTED_LABEL")
    await desk(fixture).note((session,), NOTE)
    await desk(fixture).review((session,))
    assert (
        await move(fixture, session, wanted_label="PLANTED_TOO", wanted_subject="PLANTED^S") == ""
    )

    class Asked(Prearchive):
        async def route(self, id: str) -> Route:
            return ROUTE

        async def timeline(self, id: str) -> Timeline:
            return Timeline(first=None, last=None, contributions=(), series=())

    actor = operator("mk")
    asked = Asked(fixture.context, EventBuffer(), cast("Any", None), actor)
    noun = ReviewDesk(
        fixture.context, EventBuffer(), Pace(3, 600.0), Presence(EventBuffer()), asked, actor
    )
    found = await noun.capsule(session)
    whole = "".join(one.text for one in found.files)
    for planted in ("PLANTED", "Planted", "1.2.3.4", "S1"):
        assert planted not in whole, planted
    texts = {one.name: one.text for one in found.files}
    assert list(texts) == [
        *("README.txt", "session.json", "history.json", "routing.json", "scripts.json"),
        *("jobs.json", "figures.json", "programs.json"),
    ]
    history = json.loads(texts["history.json"])
    assert any(one["text"].startswith("relabelled by ") for one in history["log"])
    actions = [one["action"] for one in history["events"]]
    assert {"Noted", "Reviewed", "Review fell"} <= set(actions)
    assert [one["verdict"] for one in json.loads(texts["routing.json"])["trace"]] == ["won"]
    (job,) = json.loads(texts["jobs.json"])
    assert job["id"] == "pre_x:archive:1" and "‹" in job["error"]
    assert json.loads(texts["session.json"])["objects"] == 2
    assert json.loads(texts["programs.json"])["programs"]["anteroom"]
    assert ("mk", "Capsule made", {}) in await trail(fixture)


JOB = Job(
    id="pre_x:archive:1",
    verb="archive",
    session="",
    status="failed",
    queued=None,
    updated=None,
    error="label PLANTED is there already",
)
ROUTE = Route(
    project="P",
    subject="PLANTED",
    session="PLANTED",
    auto_archive=None,
    trace=(
        TraceStep(
            concept=Concept.SUBJECT,
            extractor="default",
            element="(0010,0010)",
            saw="PLANTED^ONE",
            found="PLANTED",
            verdict=Verdict.WON,
        ),
    ),
)
