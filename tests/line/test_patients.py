# SPDX-License-Identifier: Apache-2.0
"""Several people in one session, and objects that come once it is archived, from a real sender to
the archive, with the site script as it is shipped."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

from engine.model.accounts import Place
from engine.model.states import Status
from tests.conftest import Backend
from tests.line.invariants import audit
from tests.line.sending import make_object
from tests.line.serving import Served, settled, until


def written(folder: Path, *objects: Dataset) -> Path:
    """Write objects for a sender."""
    folder.mkdir()
    for number, each in enumerate(objects):
        each.save_as(folder / f"{number}.dcm", enforce_file_format=True)
    return folder


def person(number: int, name: str, sex: str) -> Dataset:
    """Make an object of a person, all of one study and one series, routed to P by its text."""
    made = make_object(7, number)
    made.StudyDescription, made.PatientName, made.PatientSex = "P", name, sex
    made.PatientID = "PID7"
    return made


async def ran(served: Served, *words: str) -> tuple[int, str]:
    """Run a command on the home; return its exit code and what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "console", "--home", str(served.home)),
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_two_people_in_one_session_wait_for_a_person_and_are_one_or_two_then(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.3, site_script=True)
    await served.start()
    two = written(tmp_path / "two", person(0, "Alpha^Anna", "F"), person(1, "Beta^Bob", "F"))
    alike = written(tmp_path / "alike", person(3, "ALPHA^ANNA^^", ""), person(4, "Alpha^Anna", "F"))
    async with served.asked() as engine:
        await engine.projects.add("P")  # it archives by itself
        assert await served.store(two) == 0
        (row,) = await settled(engine, objects=2)
        assert (row.status, row.contradictions) == (Status.CONFLICT, 1)
        code, said = await ran(served, "prearchive", "archive", row.id)
        assert (code, row.reason in said, "prearchive resolve" in said) == (1, True, True)
        code, said = await ran(served, "prearchive", "conflict", row.id, "--json")
        (one,) = json.loads(said)["found"]
        assert [each["name"] for each in one["alternatives"]] == ["Alpha^Anna", "Beta^Bob"]
        code, said = await ran(
            served, "prearchive", "resolve", row.id, "--one-patient", "--reason", "married"
        )
        assert (code, said) == (0, f"{row.id}: decided, READY\n")
        (folder,) = (served.prearchive / "P").glob("*/PID7")
        assert {str(found.PatientName) for found in objects(folder)} == {row.subject}
        # The same person, spelled in other ways, is no news; another one is.
        assert await served.store(alike) == 0
        await until(engine, lambda: archived(engine, 4))
    assert await served.stop() == 0
    assert (await audit(served.home)).wrong == []


def objects(folder: Path) -> list[pydicom.Dataset]:
    """Read the objects below a folder."""
    return [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]


async def archived(engine: Any, objects: int) -> bool:
    """Tell whether so many objects are archived."""
    accounts = (await engine.system.status()).accounts
    return bool(accounts.at(Place.ARCHIVED) == objects)


async def test_what_comes_again_is_a_duplicate_and_what_is_new_says_where_it_belongs(
    serve: Callable[..., Served], backend: Backend, tmp_path: Path
) -> None:
    served = serve(backend, build_after=0.3, site_script=True)
    await served.start()
    first = written(tmp_path / "first", *(person(number, "Alpha^Anna", "F") for number in (0, 1)))
    more = written(tmp_path / "more", *(person(number, "Alpha^Anna", "F") for number in range(4)))
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        assert await served.store(first) == 0
        (row,) = await settled(engine, objects=2)
        (outcome,) = await engine.prearchive.archive((row.id,))
        assert outcome.done, outcome.message
        await until(engine, lambda: archived(engine, 2))
        card = await engine.archive.show("PID7", project="P")

        assert await served.store(more) == 0
        (late,) = await settled(engine, objects=2)
        said = f"belongs to {card.accession}: 2 new, 2 duplicates"
        assert (late.status, late.late) == (Status.READY, said)
        for words in (("list",), ("show", late.id)):
            assert said in (await ran(served, "prearchive", *words))[1]
        (refused,) = await engine.prearchive.archive((late.id,))
        assert not refused.done and said in refused.message
        assert (await engine.system.status()).accounts.at(Place.DUPLICATE) == 2

        # All of it once more brings nothing, and leaves nothing but its count.
        assert await served.store(more) == 0
        await until(engine, lambda: duplicates(engine, 6))
        (late,) = await settled(engine, objects=2)
        assert late.late == f"belongs to {card.accession}: 2 new, 4 duplicates"
        accounts = (await engine.system.status()).accounts
        assert accounts.received == 10
    assert await served.stop() == 0


async def duplicates(engine: Any, count: int) -> bool:
    """Tell whether so many objects are counted as duplicates."""
    return bool((await engine.system.status()).accounts.at(Place.DUPLICATE) == count)
