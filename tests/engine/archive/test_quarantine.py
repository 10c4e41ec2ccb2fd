# SPDX-License-Identifier: Apache-2.0
"""The states of filed sessions on both databases: what is kept of each act, who sees what, and two
people who act at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from engine.archive import history, people, projects, quarantine, sessions
from engine.archive.projects import Changes
from engine.archive.tables import ArchivedSessionRow, ArchiveOutboxRow, ReleaseRow
from engine.database.connection import Database
from engine.model.archive import SessionCard, SessionQuery, SessionStatus, Window
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused
from engine.model.filters import parse_filter
from engine.model.people import EVERYTHING, Role, Scope
from engine.model.quarantine import Act, QuarantinePage, QuarantineQuery, Standing
from tests.engine.archive.shelf import file_session

WINDOW = Window()
NOWHERE = Scope(projects=frozenset(), unassigned=False)


async def act(
    shelf: Database, id: str, verb: Act, actor: str = "ada", reason: str = ""
) -> Standing:
    async with shelf.write() as session:
        return await quarantine.act(session, id, verb, actor=actor, reason=reason)


async def demand(shelf: Database, **values: Any) -> None:
    async with shelf.write() as session:
        await projects.change(session, "BRAINS", Changes(**values), actor="ada")


async def listed(shelf: Database, released: Scope = EVERYTHING, **query: Any) -> QuarantinePage:
    async with shelf.read() as session:
        return await quarantine.page(
            session, QuarantineQuery(**query), WINDOW, EVERYTHING, released
        )


async def card(shelf: Database, id: str) -> SessionCard:
    async with shelf.read() as session:
        return await sessions.card(session, id)


async def recorded(shelf: Database, id: str) -> list[tuple[str, str, dict[str, Any]]]:
    async with shelf.read() as session:
        rows = await session.scalars(
            select(ArchiveOutboxRow)
            .where(ArchiveOutboxRow.object == id)
            .order_by(ArchiveOutboxRow.id)
        )
        return [(row.actor, row.action, row.detail) for row in rows]


async def test_a_session_of_a_project_with_code_1_is_filed_into_quarantine(shelf: Database) -> None:
    await demand(shelf, quarantine_code=1)
    held = await file_session(shelf, "ses-1")
    free = await file_session(shelf, "ses-2", project="HEARTS", subject="s2")
    assert (held.status, held.withheld) == (SessionStatus.QUARANTINE, True)
    assert (free.status, free.withheld) == (SessionStatus.ACTIVE, False)
    (row,) = (await listed(shelf)).rows
    assert (row.accession, row.since, row.by) == (held.accession, held.added, "ada")
    async with shelf.read() as session:
        entries = await history.of(session, sessions.KIND, held.accession)
    assert [(each.change, each.reason) for each in entries] == [
        ("Added", ""),
        ("Quarantined", "project code 1"),
    ]
    assert [action for _, action, _ in await recorded(shelf, held.accession)] == [
        "Transferred",
        "Quarantined",
    ]


async def test_every_act_is_kept_with_its_reason_and_told_once(shelf: Database) -> None:
    id = (await file_session(shelf, "ses-1")).accession
    for verb in (Act.HOLD, Act.RELEASE, Act.LOCK, Act.UNLOCK, Act.OBSOLETE, Act.ACTIVATE):
        await act(shelf, id, verb, actor="bob", reason=f"why {verb.value}")
    changes = ["Quarantined", "Activated", "Locked", "Unlocked", "Obsoleted", "Activated"]
    async with shelf.read() as session:
        entries = await history.of(session, sessions.KIND, id)
    assert [each.change for each in entries[1:]] == changes
    assert [each.before["status"] for each in entries[1:]] == [
        "active",
        "quarantine",
        "active",
        "locked",
        "active",
        "obsolete",
    ]
    assert entries[1].reason == "why hold"
    told = (await recorded(shelf, id))[1:]
    assert [action for _, action, _ in told] == changes
    actor, _, detail = told[2]
    assert (actor, detail) == (
        "bob",
        {"project": "BRAINS", "from": "active", "reason": "why lock"},
    )


async def test_a_locked_session_is_changed_by_nobody(shelf: Database) -> None:
    id = (await file_session(shelf, "ses-1")).accession
    await act(shelf, id, Act.LOCK)
    for verb in set(Act) - {Act.UNLOCK}:
        with pytest.raises(Conflict, match=f"cannot {verb.value} {id}: the session is locked"):
            await act(shelf, id, verb)
    assert not (await card(shelf, id)).withheld


async def test_what_is_not_there_or_said_too_long_is_refused(shelf: Database) -> None:
    id = (await file_session(shelf, "ses-1")).accession
    with pytest.raises(NotFound):
        await act(shelf, "XNAT_E09999", Act.HOLD)
    with pytest.raises(InvalidInput, match="at most"):
        await act(shelf, id, Act.HOLD, reason="x" * 2001)


async def test_two_people_release_and_a_hold_lets_them_begin_again(shelf: Database) -> None:
    await demand(shelf, quarantine_code=1, release_people=2)
    id = (await file_session(shelf, "ses-1")).accession
    await act(shelf, id, Act.RELEASE, "ada", "t1 fine")
    (row,) = (await listed(shelf)).rows
    assert [(one.actor, one.reason) for one in row.yes] == [("ada", "t1 fine")]
    assert row.people == 2
    with pytest.raises(Refused, match="another person"):
        await act(shelf, id, Act.RELEASE, "ada")
    await act(shelf, id, Act.HOLD, "bob", "look again")
    await act(shelf, id, Act.RELEASE, "bob")
    assert (await card(shelf, id)).status is SessionStatus.QUARANTINE
    assert (await act(shelf, id, Act.RELEASE, "ada")).status is SessionStatus.ACTIVE
    told = [(action, detail.get("people")) for _, action, detail in await recorded(shelf, id)]
    assert told[2:] == [
        ("Released 1 of 2", ["ada"]),
        ("Quarantined", None),
        ("Released 1 of 2", ["bob"]),
        ("Activated", ["ada", "bob"]),
    ]
    async with shelf.read() as session:
        assert (await session.scalars(select(ReleaseRow))).all() == []


async def test_of_many_who_release_at_once_two_are_enough(shelf: Database) -> None:
    await demand(shelf, quarantine_code=1, release_people=2)
    for number in range(8):
        id = (await file_session(shelf, f"ses-{number}")).accession

        async def want(actor: str, id: str = id) -> str:
            try:
                return (await act(shelf, id, Act.RELEASE, actor)).status.value
            except EngineError as error:
                return error.code

        # Each of them twice: the same person is one person also when they hurry.
        answers = await asyncio.gather(*(want(actor) for actor in ("ada", "bob", "ada", "bob")))
        assert sorted(each for each in answers if each not in ("conflict", "refused")) == [
            "active",
            "quarantine",
        ]
        assert (await card(shelf, id)).status is SessionStatus.ACTIVE
        told = {action: (actor, detail) for actor, action, detail in await recorded(shelf, id)}
        (first, _), (second, detail) = told["Released 1 of 2"], told["Activated"]
        assert {first, second} == {"ada", "bob"}
        assert detail["people"] == ["ada", "bob"]


async def test_one_person_who_releases_many_times_at_once_stays_one(shelf: Database) -> None:
    await demand(shelf, quarantine_code=1, release_people=2)
    id = (await file_session(shelf, "ses-1")).accession

    async def want() -> str:
        try:
            return (await act(shelf, id, Act.RELEASE, "ada")).status.value
        except EngineError as error:
            return error.code

    answers = await asyncio.gather(*(want() for _ in range(6)))
    assert sorted(answers) == ["quarantine"] + ["refused"] * 5
    assert (await card(shelf, id)).status is SessionStatus.QUARANTINE


async def test_a_release_and_a_hold_at_once_end_in_one_state(shelf: Database) -> None:
    await demand(shelf, quarantine_code=1, release_people=2)
    id = (await file_session(shelf, "ses-1")).accession
    await act(shelf, id, Act.RELEASE, "ada")
    done = await asyncio.gather(
        act(shelf, id, Act.RELEASE, "bob"), act(shelf, id, Act.HOLD, "cyd"), return_exceptions=True
    )
    assert not any(isinstance(each, BaseException) for each in done)
    (row,) = (await listed(shelf)).rows
    # Either the release came first and the hold took it back, or it came after and is one of two.
    assert row.status is SessionStatus.QUARANTINE
    assert [one.actor for one in row.yes] in ([], ["bob"])


async def test_an_obsolete_session_that_waited_for_a_release_goes_on_to_wait(
    shelf: Database,
) -> None:
    await demand(shelf, quarantine_code=1, release_people=2)
    id = (await file_session(shelf, "ses-1")).accession
    await act(shelf, id, Act.RELEASE, "ada")
    await act(shelf, id, Act.OBSOLETE)
    assert (await card(shelf, id)).withheld
    for status in ("*", "obsolete"):
        async with shelf.read() as session:
            query = SessionQuery(status=status)
            assert (await sessions.page(session, query, WINDOW, EVERYTHING, NOWHERE)).total == 0
            assert (await sessions.page(session, query, WINDOW)).total == 1
    then = await act(shelf, id, Act.ACTIVATE)
    assert (then.status, then.yes) == (SessionStatus.QUARANTINE, frozenset())


async def test_the_list_shows_what_is_not_active_to_those_who_may_see_it(shelf: Database) -> None:
    ids = [(await file_session(shelf, f"ses-{number}")).accession for number in range(5)]
    other = (await file_session(shelf, "heart", project="HEARTS", subject="s2")).accession
    for id, verb in zip(ids, (Act.HOLD, Act.HOLD, Act.LOCK, Act.OBSOLETE), strict=False):
        await act(shelf, id, verb, "bob")
    await act(shelf, other, Act.HOLD)
    page = await listed(shelf)
    assert [row.accession for row in page.rows] == [*ids[:4], other]
    assert page.counts == {"quarantine": 3, "locked": 1, "obsolete": 1}
    assert page.oldest == page.rows[0].since
    assert (page.rows[0].by, page.rows[0].subject, page.rows[0].scans) == ("bob", "subj01", 2)
    page = await listed(shelf, released=Scope(projects=frozenset({"HEARTS"})))
    assert [row.accession for row in page.rows] == [ids[2], ids[3], other]
    assert page.counts == {"quarantine": 1, "locked": 1, "obsolete": 1}
    page = await listed(shelf, released=NOWHERE)
    assert page.counts == {"locked": 1, "obsolete": 1} and page.oldest is None
    for query, found in (
        ({"states": (SessionStatus.LOCKED, SessionStatus.ACTIVE)}, [ids[2], ids[4]]),
        ({"project": "HEARTS"}, [other]),
        ({"where": parse_filter("status:active").conditions}, [ids[4]]),
        ({"where": parse_filter("!status:active").conditions}, [*ids[:4], other]),
        ({"text": "heart"}, [other]),
        ({"where": parse_filter("session:ses-1").conditions}, [ids[1]]),
        ({"sort": "accession", "descending": True}, [other, *ids[3::-1]]),
    ):
        page = await listed(shelf, **query)
        assert sorted(row.accession for row in page.rows) == sorted(found), query
    with pytest.raises(InvalidInput):
        await listed(shelf, sort="colour")


async def test_the_roster_knows_the_projects_where_not_only_owners_release(shelf: Database) -> None:
    await demand(shelf, release_by="member")
    async with shelf.read() as session:
        roster = await people.roster(session)
    assert roster.release_by == {"BRAINS": Role.MEMBER}
    assert roster.opened == {}


async def test_a_session_filed_by_an_older_version_is_active_since_then(shelf: Database) -> None:
    filed = await file_session(shelf, "ses-1")
    async with shelf.write() as session:
        row = (await session.scalars(select(ArchivedSessionRow))).one()
        assert (row.status_at, row.status_by, row.status_before) == (None, "", "")
    (shown,) = (await listed(shelf, states=(SessionStatus.ACTIVE,))).rows
    assert (shown.since, shown.by) == (filed.added, "ada")
