# SPDX-License-Identifier: Apache-2.0
"""Which of the sessions that came last other rules would have brought elsewhere."""

from __future__ import annotations

import shutil

from engine.model.what_if import Destination
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import SessionRow
from engine.routing.router import RoutingConfig
from engine.routing.rules import RuleTexts
from engine.service.what_if import what_if
from tests.engine.jobs.conftest import fixture  # noqa: F401 (a fixture)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, filed, ready

PROJECTS = {"P": "P", "Q": "Q"}
ALL_TO_P = RoutingConfig(projects=PROJECTS, site=RuleTexts(project="(0008,0060):(.+):1 t:.+ r:P"))
ALL_TO_Q = RoutingConfig(projects=PROJECTS, site=RuleTexts(project="(0008,0060):(.+):1 t:.+ r:Q"))


async def test_waiting_and_filed_sessions_are_tried(fixture: Fixture) -> None:  # noqa: F811
    first = await ready(fixture, "FILED", study="1.2.3.5")
    assert await archive(fixture, first) == ""
    waits = await ready(fixture, "E1")
    (row,) = await filed(fixture)
    same = await what_if(fixture.context, ALL_TO_P, ALL_TO_P, "", 100)
    assert (same.tried, same.unread, same.adrift, same.moved) == (2, 0, 0, ())
    other = await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "", 100)
    assert {(one.id, one.filed, one.label) for one in other.moved} == {
        (waits, False, "E1"),
        (row.id, True, "FILED"),
    }
    for one in other.moved:
        assert (one.project, one.now.project, one.then.project) == ("P", "P", "Q")
    # Nothing was moved.
    assert (await fixture.there(waits)).project == "P"


async def test_only_the_last_are_tried_the_newest_first(fixture: Fixture) -> None:  # noqa: F811
    for number in range(3):
        await ready(fixture, f"E{number}", study=f"1.2.3.{number}")
    every = await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "", 100)
    assert [one.came for one in every.moved] == sorted(
        (one.came for one in every.moved), reverse=True
    )
    last = await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "", 2)
    assert last.tried == 2
    assert last.moved == every.moved[:2]


async def test_of_the_rules_of_a_receiver_its_own_sessions_are_tried(
    fixture: Fixture,  # noqa: F811
) -> None:
    session = await ready(fixture)
    async with fixture.context.prearchive_db.write() as transaction:
        (await transaction.get_one(SessionRow, session)).receiver = "FRONT"
    assert (await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "FRONT", 10)).tried == 1
    assert (await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "ANOTHER", 10)).tried == 0


async def test_what_is_not_where_the_rules_bring_it_is_counted(
    fixture: Fixture,  # noqa: F811
) -> None:
    await ready(fixture)
    found = await what_if(fixture.context, ALL_TO_Q, ALL_TO_Q, "", 10)
    assert (found.tried, found.adrift, found.moved) == (1, 1, ())


async def test_a_session_whose_objects_have_gone_is_told(fixture: Fixture) -> None:  # noqa: F811
    session = await ready(fixture)
    folder = folder_of(await fixture.there(session), fixture.context.prearchive)
    shutil.rmtree(folder)
    found = await what_if(fixture.context, ALL_TO_P, ALL_TO_Q, "", 10)
    assert (found.tried, found.unread, found.moved) == (0, 1, ())


async def test_labels_and_auto_archive_are_compared_too(fixture: Fixture) -> None:  # noqa: F811
    await ready(fixture)
    then = RoutingConfig(
        projects=PROJECTS,
        site=RuleTexts(project=ALL_TO_P.site.project, subject="(0008,0060):(.+):1 t:.+ r:S9"),
    )
    (one,) = (await what_if(fixture.context, ALL_TO_P, then, "", 10)).moved
    assert isinstance(one.then, Destination)
    assert (one.then.project, one.then.subject) == ("P", "S9")
    assert one.now.subject != "S9"
