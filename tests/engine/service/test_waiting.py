# SPDX-License-Identifier: Apache-2.0
"""Questions about a session whose folder a job takes away while they are answered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.jobs.context import write_log
from engine.jobs.move import MoveJob
from engine.model.scripts import SITE
from engine.model.states import Verb
from engine.prearchive.rows import folder_of
from engine.routing.router import RoutingConfig
from engine.service.contents import Waiting
from engine.sessions.rerouting import without_values
from tests.conftest import Backend
from tests.engine.jobs.conftest import opened
from tests.engine.jobs.scripting import in_force
from tests.engine.jobs.test_archive import ready
from tests.engine.jobs.test_move import move, place
from tests.engine.jobs.test_move_scripts import patients, waiting


async def test_a_log_is_read_again_where_a_move_took_it_away(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as fixture:
        await fixture.project("Q")
        session = await ready(fixture)
        folder = folder_of(await fixture.there(session), fixture.context.prearchive)
        write_log(folder, "what was said")
        read = Path.read_text
        lost: list[Path] = []

        def read_too_late(path: Path, encoding: str | None = None) -> str:
            if path.suffix == ".log" and not lost:
                lost.append(path)
                folder.rename(folder.with_name("elsewhere"))
                try:
                    return read(path, encoding)
                finally:
                    folder.with_name("elsewhere").rename(folder)
            return read(path, encoding)

        monkeypatch.setattr(Path, "read_text", read_too_late)
        log = await Waiting(fixture.context).log(session)
        assert [entry.text for entry in log][-1] == "what was said"
        assert len(lost) == 1


async def test_a_log_goes_along_with_a_move(tmp_path: Path, backend: Backend) -> None:
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as fixture:
        await fixture.project("Q")
        session = await ready(fixture)
        write_log(folder_of(await fixture.there(session), fixture.context.prearchive), "before")
        attempt = await fixture.ask(session, Verb.MOVE, wanted_project="Q", wanted_label="E2")
        assert await fixture.run(MoveJob(fixture.context).work(), session, attempt) == ""
        assert "before" in [entry.text for entry in await Waiting(fixture.context).log(session)]


async def test_what_was_moved_came_when_it_came_and_was_routed_as_it_was(
    tmp_path: Path, backend: Backend
) -> None:
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as fixture:
        await in_force(fixture, "(0010,0010) := subject\n(0010,0020) := session", SITE)
        session = await waiting(fixture)
        asked = Waiting(fixture.context)
        folder = folder_of(await fixture.there(session), fixture.context.prearchive)
        for number, path in enumerate(sorted(folder.rglob("*.dcm"))):
            os.utime(path, (1_000_000 + number, 1_000_000 + number))
        came, route = await asked.timeline(session), await asked.route(session, RoutingConfig())
        assert (route.moves, route.before, came.moves) == ((), None, ())
        wanted = {"wanted_project": "P", "wanted_label": "E2", "wanted_subject": "S2"}
        assert await move(fixture, session, **wanted) == ""
        assert patients(await place(fixture, session)) == {("S2", "E2")}

        then = await asked.timeline(session)
        assert (then.first, then.last) == (came.first, came.last)
        assert [one.counts for one in then.series] == [one.counts for one in came.series]
        found = await asked.route(session, RoutingConfig())
        assert found.before == without_values(route) != route
        assert found.session == "E2"
        words = "moved by test: project Unassigned -> P; label E1 -> E2; subject S1 -> S2"
        assert [one.text for one in found.moves] == [words]
        assert then.moves == found.moves

        # The first route is the one that it came by, however often it is moved.
        assert await move(fixture, session, wanted_label="E3") == ""
        found = await asked.route(session, RoutingConfig())
        assert found.before == without_values(route) != route
        assert found.moves[-1].text == "relabelled by test: label E2 -> E3"
        assert (await asked.timeline(session)).first == came.first
