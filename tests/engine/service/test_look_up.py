# SPDX-License-Identifier: Apache-2.0
"""Sessions are found by what somebody has on paper, and nothing of that is told or kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from pydicom import dcmread
from sqlalchemy import select

from engine.archive.audit.relay import Relay
from engine.archive.audit.trail import AuditChain
from engine.jobs.delete import DeleteJob
from engine.model.archive import AuditQuery
from engine.model.errors import InvalidInput, Refused, Unavailable
from engine.model.people import Actor, Role, operator
from engine.model.scripts import SITE
from engine.model.states import Verb
from engine.prearchive import name_marks
from engine.prearchive.desk_tables import NameMarkRow
from engine.prearchive.tables import OutboxRow
from engine.service.desk import LONGEST_NAME, ReviewDesk
from engine.service.event_buffer import EventBuffer
from engine.service.pace import Pace
from engine.service.presence import Presence
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.scripting import in_force
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.jobs.test_build import build
from tests.engine.jobs.test_move_scripts import received


async def japanese(made: Fixture, *, script: bool) -> str:
    """Make a session of a patient, whose name the site script takes away."""
    if script:
        await in_force(made, "(0010,0010) := subject\n-(0008,0050)\n(0010,0020) := session", SITE)
    claim = await made.claim("LABEL")
    file = "SCANS/1/DICOM/1.dcm"
    path = Path(claim.folder) / file
    made.publish(claim, "1.dcm", recorded=False)
    found = dcmread(path)
    found.SpecificCharacterSet = ["", "ISO 2022 IR 87"]
    found.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    found.PatientID, found.AccessionNumber = "00-4711", "ACC.99/7"
    found.save_as(path)
    record = made.record(claim, file, path)
    if script:
        await received(made, claim.session, path, record.received_sop, record.digest)
        assert dcmread(path).PatientName == "S1"
    assert await build(made, claim.session) == ""
    return claim.session


def desk(made: Fixture, actor: Actor | None = None, pace: Pace | None = None) -> ReviewDesk:
    asked = pace or Pace(100, 600.0)
    return ReviewDesk(
        made.context,
        EventBuffer(),
        asked,
        Presence(EventBuffer()),
        cast("Any", None),
        actor or operator("mk"),
    )


async def found(made: Fixture, name: str, actor: Actor | None = None) -> list[str]:
    return [row.id for row in await desk(made, actor).look_up(name)]


@pytest.mark.parametrize("script", [True, False], ids=["changed", "as received"])
async def test_a_session_is_found_by_what_it_came_with(
    either: Fixture,  # noqa: F811
    script: bool,
) -> None:
    session = await japanese(either, script=script)
    await ready(either, "E2", study="1.2.3.8")
    for paper in ("山田太郎", "tarou yamada", "YAMADA, TAROU", "4711", "acc997", "やまだ たろう"):
        assert await found(either, paper) == [session], paper
    assert await found(either, "Yamada Hanako") == []
    async with either.context.prearchive_db.read() as transaction:
        rows = list(await transaction.scalars(select(NameMarkRow)))
        kept = str([(row.mark, row.session) for row in rows])
        events = list(await transaction.scalars(select(OutboxRow.detail)))
    assert "4711" not in kept and "yamada" not in kept and len(rows) >= 5
    assert not any("amada" in str(detail) or "4711" in str(detail) for detail in events)
    context = either.context
    await Relay(context.archive_db, context.prearchive_db).drain()
    trail = (await AuditChain(context.archive_db).find(AuditQuery())).rows
    looks = [one for one in trail if one.action == "Looked up a name"]
    assert [one.detail for one in looks] == [{"count": 0}, *[{"count": 1}] * 6]
    assert {(one.actor, one.object) for one in looks} == {("mk", "prearchive")}


async def test_the_marks_go_with_the_session(fixture: Fixture) -> None:  # noqa: F811
    session = await japanese(fixture, script=False)
    attempt = await fixture.ask(session, Verb.DELETE)
    assert await fixture.run(DeleteJob(fixture.context).work(), session, attempt) == ""
    other = await ready(fixture, "E2", study="1.2.3.8")
    assert await archive(fixture, other) == ""
    async with fixture.context.prearchive_db.read() as transaction:
        assert list(await transaction.scalars(select(NameMarkRow.mark))) == []


async def test_nobody_finds_what_they_may_not_decide_on(fixture: Fixture) -> None:  # noqa: F811
    session = await japanese(fixture, script=False)
    here = Actor(name="ada", roles={"P": frozenset({Role.REVIEWER})})
    elsewhere = Actor(name="bob", roles={"Q": frozenset({Role.OWNER})})
    watcher = Actor(name="wim", roles={"P": frozenset({Role.WATCHER})})
    assert await found(fixture, "4711", here) == [session]
    assert await found(fixture, "4711", elsewhere) == []
    assert await found(fixture, "4711", watcher) == []


async def test_it_is_paced_and_bounded(fixture: Fixture) -> None:  # noqa: F811
    now = [0.0]
    pace = Pace(2, 600.0, clock=lambda: now[0])
    asked = desk(fixture, pace=pace)
    for wrong in ("x", " ", "y" * (LONGEST_NAME + 1)):
        with pytest.raises(InvalidInput, match="type a name"):
            await asked.look_up(wrong)
    await asked.look_up("one")
    await asked.look_up("two")
    with pytest.raises(Refused, match="2 times in 600 seconds") as caught:
        await asked.look_up("three")
    assert caught.value.hint == "try again in 600 seconds"
    # Others are not held up by that.
    await desk(fixture, operator("ak"), pace).look_up("three")
    now[0] = 600.0
    await asked.look_up("three")


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    first = name_marks.opened(tmp_path)
    assert name_marks.opened(tmp_path).mark("name", "doe") == first.mark("name", "doe")
    path = tmp_path / name_marks.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("nonsense")
    with pytest.raises(Unavailable, match="holds no key"):
        name_marks.opened(tmp_path)
    path.unlink()
    assert name_marks.opened(tmp_path).mark("name", "doe") != first.mark("name", "doe")
