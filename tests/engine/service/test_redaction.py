# SPDX-License-Identifier: Apache-2.0
"""What is left out of answers, for whom: with real sessions, asked through the gate."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, cast

import pytest

from engine.archive import people
from engine.model.changes import Change, ChangeKind, FoldedChange, SessionChanges, Statement
from engine.model.contradictions import (
    Alternative,
    Contradiction,
    ContradictionKind,
    Contradictions,
)
from engine.model.errors import Refused
from engine.model.filters import parse_filter
from engine.model.people import Actor, Role, SiteRole
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.service import redaction
from engine.service.event_buffer import EventBuffer
from engine.service.gate import Gate
from engine.service.nouns.prearchive import PrearchiveApi
from engine.service.prearchive import Prearchive
from engine.service.witness import Witness
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import ready

NAME = "Planted^Patient"


async def asked(made: Fixture, actor: Actor) -> PrearchiveApi:
    noun = Prearchive(made.context, EventBuffer(), cast("Any", None), actor)
    gate = Gate(made.context, actor, noun, Witness(made.context.archive_db))
    return cast("PrearchiveApi", gate.before("prearchive", noun))


async def actor(made: Fixture, role: Role | SiteRole, project: str = "P") -> Actor:
    login = role.name.lower()
    async with made.context.archive_db.write() as transaction:
        await people.add(transaction, login, people.Changes(), actor="test")
        where = project if isinstance(role, Role) else ""
        await people.grant(transaction, login, role, where, actor="test")
        found = (await people.roster(transaction)).actor(login, "test")
    assert found is not None
    return found


@pytest.mark.parametrize("role", [Role.WATCHER, Role.COLLABORATOR, SiteRole.SITE_WATCHER])
async def test_who_only_watches_sees_and_finds_no_patient(
    fixture: Fixture,  # noqa: F811
    role: Role | SiteRole,
) -> None:
    session = await ready(fixture, "LABEL_1")
    await fixture.claim("U_LABEL", project="", study="1.2.3.7")
    prearchive = await asked(fixture, await actor(fixture, role))
    page = await prearchive.list()
    assert session in {row.id for row in page.rows}
    assert (page.total == 2) == (role is SiteRole.SITE_WATCHER)
    for row in (*page.rows, await prearchive.show(session)):
        told = repr(row)
        assert "LABEL" not in told and "S1" not in told and "1.2.3.4" not in told
    everything = parse_filter("session:LABEL_1 subject:S1 tag:1.2.3.4", PREARCHIVE_FIELDS)
    for query in (
        PrearchiveQuery(text="LABEL_1"),
        PrearchiveQuery(label="LABEL_1"),
        PrearchiveQuery(subject="S1"),
        PrearchiveQuery(tag="1.2.3.4"),
        *(PrearchiveQuery(where=(one,)) for one in everything.conditions),
    ):
        assert (await prearchive.list(query)).total == 0, query
    with pytest.raises(Refused):
        await prearchive.find("LABEL_1")


async def test_who_reviews_sees_their_own_project_and_no_other(fixture: Fixture) -> None:  # noqa: F811
    await fixture.project("Q")
    mine = await ready(fixture, "LABEL_1")
    await fixture.claim("LABEL_1", project="Q", study="1.2.3.8")
    await fixture.claim("LABEL_1", project="", study="1.2.3.9")
    prearchive = await asked(fixture, await actor(fixture, Role.REVIEWER))
    page = await prearchive.list(PrearchiveQuery(text="LABEL"))
    assert [(row.id, row.label) for row in page.rows] == [(mine, "LABEL_1")]
    # Three have the label; of the others nothing may be known, not even that they are there.
    assert await prearchive.find("LABEL_1") == mine


def test_values_from_before_anonymization_are_for_those_who_may_see_originals() -> None:
    reviewer = Actor(name="mk", roles={"P": frozenset({Role.OWNER})})
    seeing = Actor(name="ak", roles=reviewer.roles, sees_originals=True)
    statement = Statement(script="site", version=7, line=3)
    change = Change(
        path="(0010,0010)",
        name="PatientName",
        kind=ChangeKind.CHANGED,
        vr="PN",
        before=NAME,
        after="S1",
        statement=statement,
    )
    step = TraceStep(
        concept=Concept.SUBJECT,
        extractor="header",
        element="(0010,0010)",
        saw=NAME,
        found=NAME,
        verdict=Verdict.WON,
    )
    route = Route(project="P", subject="S1", session="E1", auto_archive=None, trace=(step,))
    other = Alternative(number=1, objects=2, scans=("1",), name=NAME, as_received=True)
    both = Contradictions(
        seen="x",
        found=(
            Contradiction(
                number=1,
                kind=ContradictionKind.PATIENT,
                reason="two patients",
                alternatives=(other,),
            ),
        ),
    )
    answers: dict[str, Any] = {
        "prearchive.done": SessionChanges(rows=(FoldedChange(change=change, files=2),)),
        "prearchive.route": Route(
            project="P", subject="S1", session="E1", auto_archive=None, before=route
        ),
        "prearchive.contradictions": both,
    }
    for address, answer in answers.items():
        assert NAME in repr(redaction.of(address, seeing, answer)), address
        hidden = repr(redaction.of(address, reviewer, answer))
        assert NAME not in hidden, address
        assert re.search(rf"‹(PN )?{len(NAME)}›", hidden), address
    # What stands in the prearchive now is what its headers show.
    folded = SessionChanges(rows=(FoldedChange(change=change, files=2),))
    assert redaction.of("prearchive.to_come", reviewer, folded) == folded
    same = replace(change, kind=ChangeKind.SAME, before="MR", after="MR", vr="CS")
    many = replace(change, before="‹48 values›")
    told = SessionChanges(
        rows=(
            FoldedChange(change=change, files=2),
            FoldedChange(change=same, files=2),
            FoldedChange(change=many, files=48, befores=48),
        )
    )
    rows = redaction.of("prearchive.done", reviewer, told).rows
    assert [row.change.before for row in rows] == [f"‹PN {len(NAME)}›", "MR", "‹48 values›"]
