# SPDX-License-Identifier: Apache-2.0
"""Projects and the folders that they are given."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.errors import Conflict, InvalidInput, Refused
from engine.model.people import Actor, Role, operator
from engine.service.projects import Projects
from tests.conftest import Backend
from tests.engine.jobs import fixture as fixtures


async def nothing() -> None:
    """Put nothing into force."""


@pytest.mark.parametrize("store", ["archive", "prearchive"])
async def test_what_lies_in_a_store_does_not_become_the_folder_of_a_new_project(
    backend: Backend, tmp_path: Path, store: str
) -> None:
    made = fixtures.make(tmp_path / "home", backend.archive_url, backend.prearchive_url)
    projects = Projects(made.context, nothing, operator("ada"))
    place: Path = getattr(made.context, store)
    (place / "Left" / "arc001").mkdir(parents=True)
    (place / "file").touch()
    (place / "Empty").mkdir()
    for id in ("Left", "LEFT", "File"):
        with pytest.raises(Conflict, match="is there already"):
            await projects.add(id)
    assert (await projects.add("EMPTY")).id == "EMPTY"
    with pytest.raises(InvalidInput, match="is a number"):
        await projects.set("EMPTY", {"prearchive_code": "9" * 5000})
    made.journal.close()
    await made.context.archive_db.close()
    await made.context.prearchive_db.close()


async def test_an_owner_does_not_do_away_with_the_other_of_two_who_release(
    backend: Backend, tmp_path: Path
) -> None:
    made = fixtures.make(tmp_path / "home", backend.archive_url, backend.prearchive_url)
    admin = Projects(made.context, nothing, operator("ada"))
    await admin.add("P")
    owner = Projects(made.context, nothing, Actor(name="bob", roles={"P": frozenset({Role.OWNER})}))
    await owner.set("P", {"release_people": "2"})
    with pytest.raises(Refused, match="only an administrator lowers that"):
        await owner.set("P", {"release_people": "1"})
    assert (await owner.set("P", {"release_people": "2", "title": "T"})).title == "T"
    assert (await admin.set("P", {"release_people": "1"})).release_people == 1
    made.journal.close()
    await made.context.archive_db.close()
    await made.context.prearchive_db.close()
