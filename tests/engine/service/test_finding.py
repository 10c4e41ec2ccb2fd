# SPDX-License-Identifier: Apache-2.0
"""Sessions are looked through once they are built, and again when a script is another; what
somebody has acknowledged stays so until other values come; and a project may want nothing open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select

from engine.archive import projects, scripts
from engine.jobs.build import BuildJob
from engine.model.errors import InvalidInput, NotFound
from engine.model.findings import Finding, Findings
from engine.model.people import operator
from engine.model.scripts import project_scope
from engine.model.states import Status, Verb
from engine.prearchive.tables import OutboxRow
from engine.service.event_buffer import EventBuffer
from engine.service.finding import FindingWork
from engine.service.findings import FindingsOfSessions
from engine.service.prearchive import Prearchive
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.test_build import build
from tests.engine.sessions.build.objects import write_object

HIDDEN = "Mollenhauer"


@dataclass(slots=True)
class Desk:
    """One session with a name in a description, and who looks at it."""

    made: Fixture
    session: str
    work: FindingWork
    noun: FindingsOfSessions

    async def add(self, number: int, **values: Any) -> None:
        """Let an object come, and build the session."""
        claim = await self.made.claim()
        file = f"SCANS/1/DICOM/{number}.dcm"
        given = {
            "PatientName": f"{HIDDEN}^Ada",
            "PatientID": "S1",
            "SeriesDescription": f"t1 {HIDDEN}",
            **values,
        }
        path = write_object(
            Path(claim.folder) / file, SOPInstanceUID=f"{STUDY}.9.{number}", **given
        )
        self.made.record(claim, file, path)
        assert await build(self.made, claim.session) == ""

    async def found(self) -> Findings:
        """Look through what is to be looked through, and return what was found."""
        await self.work.work()
        return await self.noun.list(self.session)

    async def of_series(self) -> Finding:
        """Return the finding of the description."""
        (one,) = (one for one in (await self.found()).rows if one.name == "SeriesDescription")
        return one

    async def script(self, text: str) -> None:
        """Set another script of the project."""
        async with self.made.context.archive_db.write() as transaction:
            new = scripts.NewScript(text=text, lookups="", language=6, reason="")
            await scripts.write(transaction, project_scope("P"), new, actor="test")
            await scripts.enable(transaction, project_scope("P"), True, actor="test")

    async def limit(self, level: str) -> None:
        """Let the project mind findings from a level on."""
        async with self.made.context.archive_db.write() as transaction:
            changes = projects.Changes(findings_limit=level)
            await projects.change(transaction, "P", changes, actor="test")

    async def archive(self) -> str:
        """Ask for the session to be archived; return what was said."""
        actor = operator("ada")
        noun = Prearchive(self.made.context, EventBuffer(), cast("Any", None), actor)
        (outcome,) = await noun.archive((self.session,))
        return outcome.message


@pytest.fixture
async def desk(either: Fixture) -> Desk:  # noqa: F811
    work = FindingWork(either.context)
    noun = FindingsOfSessions(either.context, EventBuffer(), "ada")
    made = Desk(either, (await either.claim()).session, work, noun)
    for number in (1, 2):
        await made.add(number)
    return made


async def test_a_session_is_looked_through_once_it_is_built_and_again_with_another_script(
    desk: Desk,
) -> None:
    assert (await desk.noun.list(desk.session)).looked is None
    one = await desk.of_series()
    assert (one.files, one.left, one.scans) == (2, 2, ("1",))
    assert one.cause == "part of PatientName" and one.is_open
    first = (await desk.noun.list(desk.session)).looked
    assert (await desk.found()).looked == first
    row = (
        await Prearchive(
            desk.made.context, EventBuffer(), cast("Any", None), operator("ada")
        ).list()
    ).rows[0]
    assert row.findings and row.findings_level == "high"

    await desk.script('version "6.3"\n\n(0008,103E) := "t1"\n(0010,0010) := "S1"\n')
    one = await desk.of_series()
    assert (one.files, one.left, one.is_open) == (2, 0, False)
    assert str(one.mended_by) == "project P v1:3"


async def test_what_is_acknowledged_stays_so_until_another_value_comes(desk: Desk) -> None:
    one = await desk.of_series()
    with pytest.raises(InvalidInput, match="say why"):
        await desk.noun.acknowledge(desk.session, (one.key,), " ")
    with pytest.raises(NotFound):
        await desk.noun.acknowledge(desk.session, ("none",), "x")
    before = (await desk.found()).rows
    after = await desk.noun.acknowledge(desk.session, (one.key,), "a street of that name")
    assert sum(each.is_open for each in after.rows) == sum(each.is_open for each in before) - 1
    assert (await desk.of_series()).acknowledged_by == "ada"
    # More of the same does not open it, something else does.
    await desk.add(3)
    assert (await desk.of_series()).reason == "a street of that name"
    await desk.add(4, SeriesDescription=f"t2 {HIDDEN}")
    assert (await desk.of_series()).is_open
    async with desk.made.context.prearchive_db.read() as transaction:
        told = [(row.action, row.detail) for row in await transaction.scalars(select(OutboxRow))]
    assert any("Acknowledged" in str(one) for one in told)
    assert HIDDEN not in str(told)


async def test_findings_are_opened_again_by_hand(desk: Desk) -> None:
    one = await desk.of_series()
    await desk.noun.acknowledge(desk.session, (one.key,), "no name")
    await desk.noun.reopen(desk.session, (one.key,))
    assert (await desk.of_series()).is_open


async def test_a_project_may_want_nothing_open_in_the_archive(desk: Desk) -> None:
    await desk.limit("high")
    assert "not looked through" in await desk.archive()
    await desk.found()
    assert "the highest high: its project wants none from high on" in await desk.archive()
    # Those below the limit do not matter.
    high = [one.key for one in (await desk.found()).rows if one.level.value == "high"]
    await desk.noun.acknowledge(desk.session, tuple(high), "an invented patient")
    assert await desk.archive() == "queued"


async def test_auto_archive_waits_for_it_and_says_why(desk: Desk) -> None:
    made = desk.made
    await desk.limit("high")

    async def built() -> None:
        """Build as the timer does, which may go on to the archive."""
        attempt = await made.ask(desk.session, Verb.REBUILD, commit_after=True)  # type: ignore[arg-type]
        assert await made.run(BuildJob(made.context).work(), desk.session, attempt) == ""

    await built()
    assert (await made.there(desk.session)).status == Status.READY
    await desk.found()
    assert (await made.there(desk.session)).status == Status.READY
    await desk.script(
        'version "6.3"\n(0008,103E) := "t1"\n(0010,0010) := "S1"\n(0010,0020) := "E1"\n'
    )
    # It was told to wait, and goes on by itself once nothing is in the way.
    await desk.found()
    assert (await made.there(desk.session)).status == Status.QUEUED_ARCHIVING


async def test_auto_archive_goes_on_once_the_last_is_acknowledged(desk: Desk) -> None:
    made = desk.made
    await desk.limit("high")
    attempt = await made.ask(desk.session, Verb.REBUILD, commit_after=True)  # type: ignore[arg-type]
    assert await made.run(BuildJob(made.context).work(), desk.session, attempt) == ""
    high = [one.key for one in (await desk.found()).rows if one.level.value == "high"]
    await desk.noun.acknowledge(desk.session, tuple(high[:-1]), "an invented patient")
    assert (await made.there(desk.session)).status == Status.READY
    await desk.noun.acknowledge(desk.session, tuple(high[-1:]), "an invented patient")
    assert (await made.there(desk.session)).status == Status.QUEUED_ARCHIVING


async def test_a_session_that_is_gone_is_not_looked_through(desk: Desk) -> None:
    await desk.work.look("pre_gone0001", "none")
    with pytest.raises(NotFound):
        await desk.noun.list("pre_gone0001")
