# SPDX-License-Identifier: Apache-2.0
"""Kills of the engine while scripts are at work after receipt: on the way to the archive, when a
session gets a project, and when held objects are released. Afterwards every object exists once,
headers and labels belong together, and rows, files and tallies agree."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pydicom

from engine.model.accounts import Place
from engine.model.errors import Unavailable
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from tests.line.invariants import audit
from tests.line.killing import Plan, arm, kill_at
from tests.line.sending import make_study, send
from tests.line.serving import LONGEST_WAIT, Served, sessions, settled, until

PROJECT = """version "6.7"
if ((0020,0013) = "2") { reject[] }
(0010,0010) := subject
(0010,0020) := session
(0010,4000) := "scripted"
"""
SITE = """version "6.7"
(0010,0010) := subject
(0010,0020) := session
(0008,1030) := project
"""

ARCHIVING = (
    ("archive folder made", 1),
    ("file filed", 1),
    ("file filed", 5),
    ("objects scripted", 1),
    ("hidden folder made", 1),
    ("renamed into place", 1),
    ("filed", 1),
    ("committed", 1),
    ("left the prearchive", 1),
)


async def killed(served: Served) -> None:
    """Wait for the kill."""
    assert served.process is not None
    assert await asyncio.wait_for(served.process.wait(), LONGEST_WAIT) == -signal.SIGKILL


async def start(served: Served, plan: Plan) -> bool:
    """Start an engine that is to be killed; false where that happens before it listens, in the job
    that the last kill cut off."""
    try:
        await served.start(plan=plan)
    except AssertionError:
        await killed(served)
        return False
    return True


async def empty(engine: RemoteEngine) -> bool:
    """Whether nothing waits."""
    return not await sessions(engine)


async def test_a_session_is_filed_as_the_script_leaves_it_whatever_is_killed(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        await engine.scripts.set("project:P", PROJECT)
        for number in range(1, len(ARCHIVING) + 1):
            await asyncio.to_thread(send, served.port, make_study(number, project="P"))
        await settled(engine, objects=6 * len(ARCHIVING))
    assert await served.stop() == 0
    for number, (point, times) in enumerate(ARCHIVING, start=1):
        folder = tmp_path / f"kill {number}"
        plan = kill_at(folder, point, times)
        arm(folder)
        if await start(served, plan):
            async with served.asked() as engine:
                id = await engine.prearchive.find(f"E{number}")
                # The kill may be faster than the answer.
                with suppress(Unavailable):
                    await engine.prearchive.archive((id,))
            await killed(served)
    await served.start()
    async with served.asked() as engine:
        for row in await sessions(engine):
            if row.status is Status.READY:
                await engine.prearchive.archive((row.id,))
        await until(engine, lambda: empty(engine))
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    studies = len(ARCHIVING)
    assert books.places == {Place.ARCHIVED: 5 * studies, Place.REJECTED: studies}
    found = [pydicom.dcmread(path) for path in served.archive.rglob("*.dcm")]
    assert {str(one.PatientComments) for one in found} == {"scripted"}
    assert {str(one.PatientID) for one in found} == {f"E{n}" for n in range(1, studies + 1)}
    assert "2" not in {str(one.InstanceNumber) for one in found}
    assert list(served.archive.glob("*/arc001/.*")) == []


MOVING = (
    ("taken away", 1),
    ("file scripted anew", 3),
    ("scripted anew", 1),
    ("renamed", 1),
    ("folder renamed", 1),
    ("index follows", 1),
    ("undo records follow", 1),
    ("file replaced", 3),
    ("build recorded", 1),
    ("folder given back", 1),
)


async def test_a_session_that_gets_a_project_is_known_by_its_labels_whatever_is_killed(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.scripts.set("site", SITE)
        await engine.scripts.enable("site")
        for number in range(1, len(MOVING) + 1):
            await asyncio.to_thread(send, served.port, make_study(number))
        await settled(engine, objects=6 * len(MOVING))
    assert await served.stop() == 0
    for number, (point, times) in enumerate(MOVING, start=1):
        folder = tmp_path / f"kill {number}"
        await served.start(plan=kill_at(folder, point, times))
        async with served.asked() as engine:
            # What the last kill cut off comes to its end by itself.
            await settled(engine, objects=0)
            arm(folder)
            id = await engine.prearchive.find(f"C{number}")
            with suppress(Unavailable):
                await engine.prearchive.move((id,), "P")
        await killed(served)
    await served.start()
    async with served.asked() as engine:
        rows = await settled(engine, objects=6 * len(MOVING))
        for row in rows:
            done = await engine.prearchive.done(row.id, wait=30.0)
            assert done.is_whole
            told = {one.change.name: one.change for one in done.rows}
            # The original is still known, and what it has become.
            assert (told["PatientName"].before, told["PatientName"].after) == (
                "Test^Crash",
                row.subject,
            )
            assert told["StudyDescription"].after == "P"
    assert await served.stop() == 0
    assert {(row.project, row.status) for row in rows} == {("P", Status.READY)}
    books = await audit(served.home)
    assert books.wrong == []
    assert set(books.waiting.values()) == {1}
    for row in rows:
        folder = served.prearchive / "P" / row.timestamp / row.folder
        found = [pydicom.dcmread(path) for path in folder.rglob("*.dcm")]
        assert len(found) == 6
        names = {(str(one.PatientName), one.StudyDescription) for one in found}
        assert names == {(row.subject, "P")}
        assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


RELEASING = (
    ("retry", "held object announced"),
    ("retry", "held object tried"),
    ("retry", "held object entered"),
    ("drop", "held object dropped"),
)


async def test_held_objects_are_counted_once_whatever_is_killed(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    failing = 'version "6.7"\n(0010,0030) := shiftDateByIncrement[(0010,0010), "1"]\n'
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        await engine.scripts.set("site", failing)
        await engine.scripts.enable("site")
        objects = make_study(1, len(RELEASING), project="P")
        assert len(await asyncio.to_thread(send, served.port, objects)) == len(objects)

        async def held() -> bool:
            return len(await engine.live.held()) == len(objects)

        await until(engine, held)
        await engine.scripts.set("site", SITE)
    assert await served.stop() == 0
    for number, (verb, point) in enumerate(RELEASING, start=1):
        folder = tmp_path / f"kill {number}"
        await served.start(plan=kill_at(folder, point, 1))
        async with served.asked() as engine:
            arm(folder)
            first = sorted(row.id for row in await engine.live.held())[0]
            act = engine.held.retry if verb == "retry" else engine.held.drop
            with suppress(Unavailable):
                await act((first,))
        await killed(served)
    await served.start()
    async with served.asked() as engine:
        # The first kill came before anything had happened: that object is held still.
        (left,) = await engine.live.held()
        (outcome,) = await engine.held.retry((left.id,))
        assert outcome.done, outcome.message
        await settled(engine, objects=len(objects) - 1)
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert books.places == {Place.WAITING: len(objects) - 1, Place.DELETED: 1}
    found = [pydicom.dcmread(path) for path in (served.prearchive / "P").rglob("*.dcm")]
    assert {one.PatientID for one in found} == {"E1"}


STAGED = (
    ("held object announced", 1),
    ("held object tried", 2),
    ("held object entered", 3),
    ("held object announced", 5),
)


async def test_what_waits_for_the_helper_is_published_once_whatever_is_killed(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        # What names an element after the pixels takes more than a head.
        await engine.scripts.set("site", SITE + "- (FFFC,FFFC)\n")
        await engine.scripts.enable("site")
    assert await served.stop() == 0
    studies = [make_study(number, project="P") for number in range(1, len(STAGED) + 1)]
    answered = 0
    for number, (study, (point, times)) in enumerate(zip(studies, STAGED, strict=True), start=1):
        folder = tmp_path / f"kill {number}"
        plan = kill_at(folder, point, times)
        await served.start(plan=plan)
        arm(folder)
        answered += len(await asyncio.to_thread(send, served.port, study))
        await killed(served)
    assert answered > 0
    await served.start()
    for study in studies:
        assert len(await asyncio.to_thread(send, served.port, study)) == len(study)
    async with served.asked() as engine:
        await settled(engine, objects=6 * len(studies))

        async def all_seen() -> bool:
            checks = {check.name: check.found for check in await engine.system.checks()}
            return checks["script helper"] == "nothing waits for it"

        await until(engine, all_seen)
        await settled(engine, objects=6 * len(studies))
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert books.places[Place.WAITING] == 6 * len(studies)
    assert books.places[Place.DUPLICATE] == answered
    found = [pydicom.dcmread(path) for path in (served.prearchive / "P").rglob("*.dcm")]
    assert {(str(one.PatientID), str(one.StudyDescription)) for one in found} == {
        (f"E{number}", "P") for number in range(1, len(studies) + 1)
    }
