# SPDX-License-Identifier: Apache-2.0
"""Kills: of the engine at each step of building, archiving, moving, deleting and restoring, of
workers and the engine while objects arrive, and of the console. Afterwards all that was answered
with success exists once, rows, files and tallies agree, and nothing is stuck."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from engine.model.accounts import Place
from engine.model.errors import Unavailable
from engine.model.home import Home
from engine.model.prearchive import PrearchiveQuery
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from tests.line.interrupting import (
    STAGES,
    Interrupted,
    kill_engine,
    kill_group,
    kill_worker,
)
from tests.line.invariants import audit
from tests.line.killing import Plan, arm, kill_at, send_at_points
from tests.line.sending import make_study, send
from tests.line.serving import LONGEST_WAIT, Served, sessions, settled, until

POINTS = (
    ("owned", 1),
    ("files recovered", 1),
    ("file touched", 1),
    ("file touched", 11),
    ("files built", 1),
    ("build recorded", 1),
    ("not accepting", 1),
    ("taken away", 1),
    ("reserved", 1),
    ("archive folder made", 1),
    ("file filed", 1),
    ("file filed", 4),
    ("hidden folder made", 1),
    ("renamed into place", 1),
    ("filed", 1),
    ("committed", 1),
    ("document named", 1),
    ("left the prearchive", 1),
)
"""Points of building and archiving, with how often each is passed until the kill."""


async def test_an_engine_killed_at_each_step_of_building_and_archiving_files_all_once(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    answered: list[str] = []
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "4"})
    await served.kill()
    for number, (point, times) in enumerate(POINTS, start=1):
        plan = kill_at(tmp_path / f"kill {number}", point, times)
        arm(tmp_path / f"kill {number}")
        if await _started(served, plan):
            answered += await asyncio.to_thread(send, served.port, make_study(number, project="P"))
        await _killed(served)
    await served.start()
    async with served.asked() as engine:
        await until(engine, lambda: _empty(engine))
        assert (await engine.audit.verify()).ok
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert [uid for uid in answered if books.archived[uid] != 1] == []


async def _started(served: Served, plan: Plan) -> bool:
    """Start an engine that is to be killed; false when that happens before it listens, because the
    job that the last kill interrupted has come to the point."""
    try:
        await served.start(plan=plan)
    except AssertionError:
        await _killed(served)
        return False
    return True


async def _killed(served: Served) -> None:
    assert served.process is not None
    assert await asyncio.wait_for(served.process.wait(), LONGEST_WAIT) == -signal.SIGKILL


async def _empty(engine: RemoteEngine) -> bool:
    return not await sessions(engine)


MOVE_AND_DELETE = (
    ("move", "not accepting", 1),
    ("move", "renamed", 1),
    ("move", "folder renamed", 1),
    ("move", "file touched", 3),
    ("move", "build recorded", 1),
    ("move", "folder given back", 1),
    ("delete", "taken away", 1),
    ("delete", "in the trash", 1),
    ("delete", "left the prearchive", 1),
)


async def test_an_engine_killed_at_each_step_of_a_move_or_a_deletion_keeps_all_once(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    answered: dict[str, list[str]] = {}
    async with served.asked() as engine:
        for project in ("P", "Q"):
            await engine.projects.add(project)
            await engine.projects.set(project, {"prearchive_code": "0"})
        for number in range(1, len(MOVE_AND_DELETE) + 1):
            objects = make_study(number, project="P")
            answered[f"E{number}"] = await asyncio.to_thread(send, served.port, objects)
        await settled(engine, objects=6 * len(MOVE_AND_DELETE))
    assert await served.stop() == 0
    for number, (verb, point, times) in enumerate(MOVE_AND_DELETE, start=1):
        await served.start(plan=kill_at(tmp_path / f"kill {number}", point, times))
        async with served.asked() as engine:
            # What the last kill interrupted comes to its end by itself.
            await settled(engine, objects=0)
            arm(tmp_path / f"kill {number}")
            id = await engine.prearchive.find(f"E{number}")
            if verb == "move":
                await engine.prearchive.move((id,), "Q")
            else:
                await engine.prearchive.delete((id,))
        await _killed(served)
    await served.start()
    async with served.asked() as engine:
        moved = [verb for verb, _, _ in MOVE_AND_DELETE].count("move")
        rows = await settled(engine, objects=6 * moved)
    assert await served.stop() == 0
    assert {(row.label, row.project, row.status) for row in rows} == {
        (f"E{number}", "Q", Status.READY) for number in range(1, moved + 1)
    }
    books = await audit(served.home)
    assert books.wrong == []
    for number, (verb, _, _) in enumerate(MOVE_AND_DELETE, start=1):
        kept = books.waiting if verb == "move" else books.trashed
        assert [uid for uid in answered[f"E{number}"] if kept[uid] != 1] == []


RESTORE = (
    ("row is back", 1),
    ("out of the trash", 1),
    ("brought", 1),
    ("build recorded", 1),
    ("folder given back", 1),
)


async def test_an_engine_killed_at_each_step_of_a_restore_brings_all_back_once(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    answered: list[str] = []
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        for number in range(1, len(RESTORE) + 1):
            objects = make_study(number, project="P")
            answered += await asyncio.to_thread(send, served.port, objects)
        rows = await settled(engine, objects=6 * len(RESTORE))
        await engine.prearchive.delete(tuple(row.id for row in rows))
        await until(engine, lambda: _empty(engine))
    assert await served.stop() == 0
    for number, (point, times) in enumerate(RESTORE, start=1):
        await served.start(plan=kill_at(tmp_path / f"kill {number}", point, times))
        async with served.asked() as engine:
            await settled(engine, objects=0)
            arm(tmp_path / f"kill {number}")
            newest, *_ = await engine.prearchive.trash()
            # The kill may be faster than the answer.
            with suppress(Unavailable):
                await engine.prearchive.restore((newest.id,))
        await _killed(served)
    await served.start()
    async with served.asked() as engine:
        rows = await settled(engine, objects=6 * len(RESTORE))
        assert await engine.prearchive.trash() == ()
        again = make_study(1, project="P")
        assert len(await asyncio.to_thread(send, served.port, again)) == 6

        async def counted() -> bool:
            return (await engine.system.status()).accounts.at(Place.DUPLICATE) == 6

        await until(engine, counted)
        # A build takes away those whose first ones it had moved to another folder.
        rows = await settled(engine, objects=6 * len(RESTORE))
    assert await served.stop() == 0
    assert {row.status for row in rows} == {Status.READY}
    books = await audit(served.home)
    assert books.wrong == []
    assert books.waiting == dict.fromkeys(answered, 1)
    assert books.places == {Place.WAITING: len(answered), Place.DUPLICATE: 6}


async def test_objects_that_arrive_at_each_instant_of_a_job_are_kept_once(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(build_after=0.2)
    folder = tmp_path / "late"
    await served.start(plan=send_at_points(folder, often=2))
    answered: list[str] = []
    async with served.asked() as engine:
        for project, code in (("AUTO", "4"), ("P", "0"), ("Q", "0")):
            await engine.projects.add(project)
            await engine.projects.set(project, {"prearchive_code": code})

        async def phase(name: str, study: int, project: str) -> str:
            """From now on late objects are of this study."""
            objects = make_study(study, project=project)
            if name == "archive":
                _now(folder, served, name, study, project)
            answered.extend(await asyncio.to_thread(send, served.port, objects))
            if name == "archive":
                return ""
            await settled(engine, objects=1)
            _now(folder, served, name, study, project)
            return await engine.prearchive.find(f"E{study}")

        await phase("archive", 1, "AUTO")

        async def filed() -> bool:
            return (await engine.archive.list()).total == 1

        await until(engine, filed)
        await settled(engine, objects=0)
        (moved,) = await engine.prearchive.move((await phase("move", 2, "P"),), "Q")
        assert moved.done, moved.message
        await until(engine, lambda: _is_in(engine, "E2", "Q"))
        await settled(engine, objects=0)
        (deleted,) = await engine.prearchive.delete((await phase("delete", 3, "P"),))
        assert deleted.done, deleted.message
        await until(engine, lambda: _gone(engine, deleted.id))
        await settled(engine, objects=0)
    assert await served.stop() == 0

    late = [json.loads(line) for line in (folder / "late.jsonl").read_text().splitlines()]
    assert {(phase, point) for _, _, point, phase in late} >= PASSED
    assert all(success for _, success, _, _ in late)
    answered += [uid for uid, _, _, _ in late]
    books = await audit(served.home)
    assert books.wrong == []
    assert books.kept == dict.fromkeys(answered, 1)
    assert books.received == len(answered)
    # What came before a folder was taken went with it, what came later waits.
    assert all((books.archived.total(), books.trashed.total(), books.waiting.total()))


PASSED = {
    *(("archive", point) for point, _ in POINTS),
    *((verb, point) for verb, point, _ in MOVE_AND_DELETE),
}
"""The instants at which an object must have arrived."""


def _now(folder: Path, served: Served, name: str, study: int, project: str) -> None:
    text = {"phase": name, "study": study, "project": project, "port": served.port}
    (folder / "now.tmp").write_text(json.dumps(text))
    (folder / "now.tmp").rename(folder / "now.json")


async def _is_in(engine: RemoteEngine, label: str, project: str) -> bool:
    page = await engine.prearchive.list(PrearchiveQuery(label=label, project=project))
    return bool(page.total)


async def _gone(engine: RemoteEngine, id: str) -> bool:
    return id not in {row.id for row in await sessions(engine)}


async def test_a_console_that_is_killed_leaves_its_engine_at_work(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "anteroom.yaml").write_text("dicom: {port: 0, workers: 1}\nhttp: {port: 0}\n")
    ours, theirs = pty.openpty()
    console = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", "--home", str(home)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=os.environ | {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(theirs)
    # What it paints has to be taken away, or it would wait.
    reader = threading.Thread(target=_drink, args=(ours,))
    reader.start()
    objects = make_study(1, 60)
    try:
        engine = await _answering(home)
        async with engine:
            before = await engine.system.status()
            killed = threading.Event()

            def kill(_uid: str) -> None:
                if not killed.is_set():
                    os.killpg(console.pid, signal.SIGKILL)
                    killed.set()

            port = before.receivers[0].port
            assert len(await asyncio.to_thread(send, port, objects, kill)) == len(objects)
            assert await asyncio.wait_for(console.wait(), LONGEST_WAIT) == -signal.SIGKILL
            after = await engine.system.status()
            assert after.pid == before.pid
            ended = _end_of(after.pid)
            await engine.system.stop()
    finally:
        if console.returncode is None:
            console.kill()
            await console.wait()
        reader.join()
        os.close(ours)
    await asyncio.wait_for(ended.wait(), LONGEST_WAIT)
    books = await audit(home)
    assert books.wrong == []
    assert books.waiting == {str(each.SOPInstanceUID): 1 for each in objects}


def _drink(terminal: int) -> None:
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return  # the other end is closed


async def _answering(home: Path) -> RemoteEngine:
    """Wait until the engine of a home answers."""

    async def ask() -> RemoteEngine:
        while True:
            engine = RemoteEngine(Home(root=home).socket)
            try:
                async with engine:
                    await engine.system.status()
            except Unavailable:
                await asyncio.sleep(0.05)
                continue
            return RemoteEngine(Home(root=home).socket)

    return await asyncio.wait_for(ask(), LONGEST_WAIT)


def _end_of(pid: int) -> asyncio.Event:
    """Return the event of the end of a process that is no child of ours."""
    handle = os.pidfd_open(pid)
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def note() -> None:
        loop.remove_reader(handle)
        os.close(handle)
        ended.set()

    loop.add_reader(handle, note)
    return ended


async def test_workers_and_engines_killed_while_objects_arrive_lose_nothing(
    serve: Callable[..., Served],
) -> None:
    served = serve(workers=2)
    objects = make_study(1, 240, size=20_000)
    answered: set[str] = set()
    kills: list[Callable[[], None]] = [
        partial(kill_worker, served, 0),
        partial(kill_group, served),
        partial(kill_engine, served),
        partial(kill_worker, served, 1),
        partial(kill_engine, served),
        partial(kill_group, served),
    ]
    await served.start()
    for number, kill in enumerate(kills):
        left = [each for each in objects if str(each.SOPInstanceUID) not in answered]
        # At another stage of an object each time: answered, staged, published, recorded.
        watch = Interrupted(served.prearchive, after=3 + 5 * number, stage=STAGES[number % 4])
        answered |= set(await asyncio.to_thread(watch.send, served.port, left, kill))
        assert watch.killed
        assert served.process is not None
        if kill.args != (served,):  # type: ignore[attr-defined]
            continue
        await served.process.wait()
        await served.start()
    assert len(answered) < len(objects)
    again = await asyncio.to_thread(send, served.port, objects)
    assert len(again) == len(objects)
    assert await served.stop() == 0

    books = await audit(served.home)
    assert books.wrong == []
    assert books.waiting == {str(each.SOPInstanceUID): 1 for each in objects}
    # What was sent again is a duplicate exactly where it had been kept before.
    assert books.places[Place.DUPLICATE] >= len(answered)
    assert books.received == len(objects) + books.places[Place.DUPLICATE]
