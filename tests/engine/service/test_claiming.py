# SPDX-License-Identifier: Apache-2.0
"""Unassigned sessions are claimed where the site lets those who decide in a project do so; they
see, until then, nothing of whose these are."""

from __future__ import annotations

from typing import Any, cast

import pytest

from engine.model.errors import NotFound, Refused
from engine.model.people import Actor, Role, operator
from engine.model.prearchive import PrearchiveQuery
from engine.model.states import Status
from engine.prearchive.tables import SessionRow
from engine.service.event_buffer import EventBuffer
from engine.service.gate import Gate
from engine.service.nouns.prearchive import PrearchiveApi
from engine.service.prearchive import Prearchive
from engine.service.witness import Witness
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import ready

REVIEWER = Actor(name="ada", roles={"P": frozenset({Role.REVIEWER})})
WATCHER = Actor(name="wim", roles={"P": frozenset({Role.WATCHER})})


def asked(made: Fixture, actor: Actor) -> PrearchiveApi:
    noun = Prearchive(made.context, EventBuffer(), cast("Any", None), actor)
    gate = Gate(made.context, actor, noun, Witness(made.context.archive_db))
    return cast("PrearchiveApi", gate.before("prearchive", noun))


async def astray(made: Fixture) -> str:
    """Make a session that no rule has given a project, labelled by its patient."""
    claim = await made.claim("Planted", project=cast("str", None), subject="Patient")
    async with made.context.prearchive_db.write() as transaction:
        row = await transaction.get_one(SessionRow, claim.session)
        row.status = Status.READY.value
    return claim.session


def let(made: Fixture, *, claim: bool) -> None:
    in_force = made.context.in_force
    in_force.now = in_force.now.override({"projects.claim_unassigned": claim})


async def test_by_itself_a_site_lets_nobody_claim(either: Fixture) -> None:  # noqa: F811
    session = await astray(either)
    assert (await asked(either, REVIEWER).list()).total == 0
    with pytest.raises(NotFound):
        await asked(either, REVIEWER).show(session)
    (refused,) = await asked(either, REVIEWER).claim((session,), "P")
    assert not refused.done and refused.message == f"there is no prearchive session {session}"
    assert (await either.there(session)).wanted_project is None


async def test_who_decides_in_a_project_claims_for_it_where_the_site_says_so(
    either: Fixture,  # noqa: F811
) -> None:
    await either.project("Q")
    session = await astray(either)
    own = await ready(either, "E2", study="1.2.3.8")
    let(either, claim=True)
    prearchive = asked(either, REVIEWER)
    seen = {str(row.id): row for row in (await prearchive.list()).rows}
    assert set(seen) == {session, own}
    shown = await prearchive.show(session)
    for row in (seen[session], shown):
        assert (row.label, row.subject, row.folder, row.tag, row.scan_date) == ("", "", "", "", "")
    assert await prearchive.find(session) == session
    for name in ("Planted", "Patient"):
        assert (await prearchive.list(PrearchiveQuery(text=name))).total == 0
        with pytest.raises(NotFound):
            await prearchive.find(name)
    # Nothing else can be done to it, and it is claimed for no project of others.
    (refused,) = await prearchive.delete((session,))
    assert not refused.done and "you may not do this" in refused.message
    with pytest.raises(Refused):
        await prearchive.log(session)
    with pytest.raises(NotFound):
        await prearchive.claim((session,), "Q")
    outcomes = await prearchive.claim((session, own), "P", "from a paper")
    assert [(one.id, one.done) for one in outcomes] == [(session, True), (own, False)]
    assert "only what is Unassigned is claimed" in outcomes[1].message
    queued = await either.there(session)
    assert (queued.wanted_project, queued.status, queued.asked_by) == ("P", "QUEUED_MOVING", "ada")


async def test_who_only_watches_claims_nothing(fixture: Fixture) -> None:  # noqa: F811
    session = await astray(fixture)
    let(fixture, claim=True)
    assert (await asked(fixture, WATCHER).list()).total == 0
    with pytest.raises(Refused):
        await asked(fixture, WATCHER).claim((session,), "P")


async def test_administrators_claim_as_well(fixture: Fixture) -> None:  # noqa: F811
    session = await astray(fixture)
    (done,) = await asked(fixture, operator("root")).claim((session,), "P")
    assert done.done
