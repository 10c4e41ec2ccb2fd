# SPDX-License-Identifier: Apache-2.0
"""Deletions: into the trash with their count, or not at all."""

from __future__ import annotations

import json

import pytest

from engine.jobs.delete import DeleteJob
from engine.model.accounts import Place
from engine.model.states import Status, Verb
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import files, ready
from tests.engine.jobs.test_build import counted
from tests.engine.jobs.test_move import place


async def delete(fixture: Fixture, session: str) -> str:
    """Queue a deletion and run it."""
    attempt = await fixture.ask(session, Verb.DELETE)
    return await fixture.run(DeleteJob(fixture.context).work(), session, attempt)


async def test_a_session_lies_in_the_trash_with_what_is_known_of_it(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert await delete(fixture, session) == ""
    trash = fixture.context.prearchive / ".trash" / session
    assert files(trash) == ["1.dcm", "2.dcm"]
    assert json.loads((trash / "session.json").read_bytes())["label"] == "E1"
    assert await fixture.row(session) is None
    assert await counted(fixture) == {Place.DELETED: 2}


@pytest.mark.parametrize("point", ["not accepting", "taken away", "files listed", "in the trash"])
async def test_a_step_that_fails_fetches_the_session_back(fixture: Fixture, point: str) -> None:
    session = await ready(fixture)
    fixture.hook.faults[point] = OSError(5, "no")
    assert await delete(fixture, session) == "OSError"
    assert (await fixture.there(session)).status == Status.ERROR
    folder = await place(fixture, session)
    assert not (folder.parent / "session.json").exists()
    assert list(fixture.context.prearchive.glob(".trash/*")) == []
    assert await delete(fixture, session) == ""
    assert await counted(fixture) == {Place.DELETED: 2}
