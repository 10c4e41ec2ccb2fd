# SPDX-License-Identifier: Apache-2.0
"""Backups of an engine that is at work: objects arrive, sessions are built and archived while one
is taken; restored elsewhere, each object that had been answered before is there, and the engine's
own checks find nothing wrong."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.model.archive import AuditQuery
from engine.model.health import Finding
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from engine.service.api import EngineApi
from tests.conftest import Backend
from tests.line.invariants import audit
from tests.line.sending import make_study, send
from tests.line.serving import LONGEST_WAIT, Served, sessions, settled, until


async def anteroom(*words: str, exits: int = 0) -> tuple[str, str]:
    """Run the command; return what it said on stdout and on stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "console", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), LONGEST_WAIT)
    assert process.returncode == exits, (out, err)
    return out.decode(), err.decode()


async def backed_up(served: Served, folder: Path) -> dict[str, Any]:
    """Take a backup; return what is told of it."""
    out, _ = await anteroom("--home", str(served.home), "backup", str(folder), "--json")
    told: dict[str, Any] = json.loads(out)
    return told


def uids(study: list[Any]) -> set[str]:
    """Return what the objects of a study are called."""
    return {str(each.SOPInstanceUID) for each in study}


async def restored(
    serve: Callable[..., Served], folder: Path, *options: str
) -> tuple[PrearchiveSession, ...]:
    """Restore into a new home and start it; check that it is content, and stop it again."""
    again = serve(name="elsewhere")
    (again.home / "anteroom.yaml").unlink()
    await anteroom("--home", str(again.home), "restore", str(folder), *options)
    await again.start()
    async with again.asked() as engine:
        await until(engine, lambda: _at_rest(engine))
        checks = await engine.system.checks(True)
        wrong = [check for check in checks if check.finding is not Finding.GOOD]
        assert [
            check for check in wrong if check.name not in ("archive disk", "prearchive disk")
        ] == []
        await until(engine, lambda: _is_told(engine, "Restored from a backup", 1))
        rows = await sessions(engine)
    assert await again.stop() == 0
    return rows


async def _is_told(engine: EngineApi, action: str, times: int) -> bool:
    return len((await engine.audit.list(AuditQuery(action=action))).rows) == times


async def _at_rest(engine: EngineApi) -> bool:
    """Whether nothing is received, built or filed any more."""
    rows = await sessions(engine)
    final = {Status.READY, Status.CONFLICT, Status.ERROR}
    return all(row.status in final for row in rows) and not await engine.jobs.list(unfinished=True)


async def test_what_was_answered_before_a_backup_is_in_it(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Studies arrive over two associations, are built at once and archived while the backup is
    taken. What was answered before it began is there in the restored home."""
    served = serve(build_after=0.2, workers=2, projects={"default_prearchive_code": 4})
    await served.start()
    folder = tmp_path / "backups"
    async with served.asked() as engine:
        await engine.projects.add("AUTO")
        await engine.projects.set("AUTO", {"prearchive_code": "4"})
        await engine.projects.add("WAIT")
        await engine.projects.set("WAIT", {"prearchive_code": "0"})
    answered: set[str] = set()
    ended = False

    def keep_sending(lane: int) -> None:
        number = 0
        while not ended:
            number += 1
            # Large ones: each that is received is to be built and filed twice.
            study = make_study(1000 * lane + number, 90, project=("AUTO", "WAIT")[lane % 2])
            send(served.port, study, answered.add)

    lanes = [asyncio.ensure_future(asyncio.to_thread(keep_sending, lane)) for lane in (1, 2)]
    try:
        async with served.asked() as engine:

            async def some_are_filed() -> bool:
                return (await engine.archive.list()).total >= 1

            await until(engine, some_are_filed)
            rows = await sessions(engine)
            await engine.prearchive.delete(tuple(row.id for row in rows[:1]))
        for _ in range(2):
            before = set(answered)
            told = await backed_up(served, folder)
    finally:
        ended = True
        await asyncio.gather(*lanes)
    assert len(answered) > len(before)
    assert told["linked"] > 0
    async with served.asked() as engine:
        await until(engine, lambda: _is_told(engine, "Backed up", 2))
    assert await served.stop() == 0
    await restored(serve, folder)
    books = await audit(tmp_path / "elsewhere")
    assert books.wrong == []
    assert before - set(books.kept) == set()
    assert books.kept.total() >= len(before)


OTHER_DISK = Path("/dev/shm")


async def test_a_backup_on_another_disk_without_an_engine(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """Copies instead of links, twice: the second time nothing of the stores is copied again."""
    served = serve(build_after=0.2)
    await served.start()
    study = make_study(1, 30, size=5000)
    assert len(await asyncio.to_thread(send, served.port, study)) == 30
    async with served.asked() as engine:
        await settled(engine, objects=30)
    assert await served.stop() == 0
    folder = OTHER_DISK / f"anteroom-{os.getpid()}"
    try:
        first = await backed_up(served, folder)
        assert first["copied"] >= 30
        assert first["linked"] == 0
        second = await backed_up(served, folder)
        assert second["linked"] >= 30
        assert second["copied"] < first["copied"]
        await restored(serve, folder)
        books = await audit(tmp_path / "elsewhere")
        assert books.wrong == []
        assert set(books.waiting) == uids(study)
        kept = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.stat().st_mode & 0o077 for path in kept} == {0}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def test_half_a_backup_is_never_restored(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    """A backup that is killed in the middle counts for nothing, and the next one removes it."""
    served = serve()
    await served.start()
    assert await asyncio.to_thread(send, served.port, make_study(1, 40))
    folder = tmp_path / "backups"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _KILLED, "--home", str(served.home), "backup", str(folder)),
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await asyncio.wait_for(process.communicate(), LONGEST_WAIT)
    assert process.returncode == -signal.SIGKILL, said
    (half,) = folder.iterdir()
    assert half.name.endswith(".partial")
    for source in (folder, half):
        home = tmp_path / "new"
        _, err = await anteroom("--home", str(home), "restore", str(source), exits=1)
        assert "half" in err
        assert not home.exists()
    # Nobody waits for one who is dead.
    async with served.asked() as engine:
        (row,) = await sessions(engine)
        (outcome,) = await engine.prearchive.rebuild((row.id,))
        assert outcome.done
        await settled(engine, objects=40)
    told = await backed_up(served, folder)
    assert told["swept"] == 1
    assert [path.name for path in folder.iterdir()] == [Path(told["backup"]["path"]).name]
    await anteroom("backup", str(folder), "--verify")


_KILLED = """
import os, signal
from engine.backup.pile import Pile
settle = Pile.settle
Pile.settle = lambda pile: os.kill(os.getpid(), signal.SIGKILL)
from console.cli import app
app()
"""


async def test_databases_in_postgresql(
    serve: Callable[..., Served], database_url: Callable[..., str], tmp_path: Path
) -> None:
    """They are dumped, and brought back into empty ones only."""
    old, new = (
        Backend(
            name="postgresql",
            archive_url=database_url("postgresql", "archive", migrated=False),
            prearchive_url=database_url("postgresql", "prearchive", migrated=False),
        )
        for _ in range(2)
    )
    served = serve(old, build_after=0.2)
    await served.start()
    study = make_study(1, 6)
    assert len(await asyncio.to_thread(send, served.port, study)) == 6
    async with served.asked() as engine:
        await settled(engine, objects=6)
    folder, home = tmp_path / "backups", tmp_path / "elsewhere"
    await backed_up(served, folder)
    _, err = await anteroom("--home", str(home), "restore", str(folder), exits=1)
    assert "has tables" in err
    assert not (home / "anteroom.yaml").exists()
    urls = ("--archive-url", new.archive_url, "--prearchive-url", new.prearchive_url)
    rows = await restored(serve, folder, *urls)
    assert [row.objects for row in rows] == [6]
    assert await served.stop() == 0
