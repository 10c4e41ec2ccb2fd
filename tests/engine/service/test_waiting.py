"""Questions about a session whose folder a job takes away while they are answered."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.archive.prearchive.rows import folder_of
from engine.jobs.move import MoveJob
from engine.jobs.workshop import write_log
from engine.model.states import Verb
from engine.service.contents import Waiting
from tests.conftest import Backend
from tests.engine.jobs.conftest import opened
from tests.engine.jobs.test_archive import ready


async def test_a_log_is_read_again_where_a_move_took_it_away(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as fixture:
        await fixture.project("Q")
        session = await ready(fixture)
        folder = folder_of(await fixture.there(session), fixture.shop.prearchive)
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
        log = await Waiting(fixture.shop).log(session)
        assert [entry.text for entry in log][-1] == "what was said"
        assert len(lost) == 1


async def test_a_log_goes_along_with_a_move(tmp_path: Path, backend: Backend) -> None:
    async with opened(tmp_path / "home", backend.archive_url, backend.prearchive_url) as fixture:
        await fixture.project("Q")
        session = await ready(fixture)
        write_log(folder_of(await fixture.there(session), fixture.shop.prearchive), "before")
        attempt = await fixture.ask(session, Verb.MOVE, wanted_project="Q", wanted_label="E2")
        assert await fixture.run(MoveJob(fixture.shop).work(), session, attempt) == ""
        assert "before" in [entry.text for entry in await Waiting(fixture.shop).log(session)]
