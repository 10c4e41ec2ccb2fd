# SPDX-License-Identifier: Apache-2.0
"""Moves and relabellings, and where the folder is when a step of one fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.jobs.move import MoveJob
from engine.model.accounts import Place
from engine.model.states import Status, Verb
from engine.prearchive.rows import folder_of
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import files, ready
from tests.engine.jobs.test_build import counted


async def move(fixture: Fixture, session: str, **wanted: str) -> str:
    """Queue a move and run it."""
    attempt = await fixture.ask(session, Verb.MOVE, **wanted)
    return await fixture.run(MoveJob(fixture.context).work(), session, attempt)


async def place(fixture: Fixture, session: str) -> Path:
    """Return the folder of a session, which must be there."""
    row = await fixture.there(session)
    assert (row.locked, row.working_folder, row.accepting) == (False, "", True)
    folder = folder_of(row, fixture.context.prearchive)
    assert files(folder) == ["1.dcm", "2.dcm"]
    assert await counted(fixture) == {Place.WAITING: 2}
    assert list(fixture.context.prearchive.glob(".working/*")) == []
    return folder


async def test_project_and_label_change_and_the_timestamp_stays(fixture: Fixture) -> None:
    await fixture.project("Q")
    session = await ready(fixture)
    before = await fixture.there(session)
    assert await move(fixture, session, wanted_project="Q", wanted_label="E2") == ""
    after = await fixture.there(session)
    assert (before.arriving, before.missing) == (1, 0)
    # What comes late may be of other series, as the script maps UIDs by the labels.
    assert (after.arriving, after.missing) == (1, None)
    folder = await place(fixture, session)
    assert folder == fixture.context.prearchive / "Q" / before.timestamp / "E2"
    assert folder.with_name("E2.xml").is_file()
    assert not folder.with_name("E1.xml").exists()
    assert (await fixture.there(session)).status == Status.READY
    assert list((fixture.context.prearchive / "P").iterdir()) == []


@pytest.mark.parametrize(
    "point",
    ["not accepting", "taken away", "renamed", "folder renamed", "files listed", "build recorded"],
)
async def test_a_step_that_fails_gives_the_folder_back_and_it_can_be_done_again(
    fixture: Fixture, point: str
) -> None:
    await fixture.project("Q")
    session = await ready(fixture)
    fixture.hook.faults[point] = OSError(5, "no")
    assert await move(fixture, session, wanted_project="Q", wanted_label="E2") == "OSError"
    assert (await fixture.there(session)).status == Status.ERROR
    await place(fixture, session)
    assert await move(fixture, session, wanted_project="Q", wanted_label="E3") == ""
    assert (await place(fixture, session)).name == "E3"


async def test_a_build_that_fails_after_the_renaming_does_not_lose_the_folder(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)

    def spoil(point: str) -> None:
        if point == "folder renamed":
            for path in fixture.context.prearchive.glob(".working/*/*/SCANS/*/*/*.dcm"):
                path.write_bytes(b"no object")

    fixture.hook.look = spoil
    assert await move(fixture, session, wanted_label="E2")
    assert (await fixture.there(session)).status == Status.ERROR
    assert (await place(fixture, session)).name == "E2"


async def test_a_file_that_cannot_be_read_any_more_is_told(fixture: Fixture) -> None:
    session = await ready(fixture)
    folder = await place(fixture, session)
    next(folder.rglob("1.dcm")).write_bytes(b"no object")
    await move(fixture, session, wanted_label="E2")
    row = await fixture.there(session)
    assert (row.status, row.locked, bool(row.reason)) == (Status.ERROR, False, True)


async def test_a_place_that_is_taken_is_a_conflict(fixture: Fixture) -> None:
    session = await ready(fixture)
    row = await fixture.there(session)
    (fixture.context.prearchive / "P" / row.timestamp / "E2").mkdir()
    assert "is at that place" in await move(fixture, session, wanted_label="E2")
    assert (await fixture.there(session)).status == Status.CONFLICT
    assert (await place(fixture, session)).name == "E1"
