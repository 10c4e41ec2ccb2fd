# SPDX-License-Identifier: Apache-2.0
"""Disks that fill up, databases that go away: what is said, that deletions still work, and that
everything goes on by itself afterwards."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import make_url

from engine.database.migration import SECTIONS
from engine.intake.answers import OUT_OF_RESOURCES
from engine.model.accounts import Place
from engine.model.errors import Refused, Unavailable
from engine.model.health import Finding
from engine.model.home import Home
from engine.model.reserve import NAME
from engine.model.states import Status
from engine.service.engine import Engine
from engine.service.remote import RemoteEngine
from tests.conftest import Backend
from tests.line.invariants import audit
from tests.line.serving import Served, sessions, settled, until
from tests.line.small_disk import DISK_MIB, OnSmallDisk, disk
from tests.line.test_durability import Image, image, send
from tests.postgres import away

__all__ = ["disk"]


def study(number: int) -> list[Image]:
    """Make a study of four objects."""
    rest = f"Project:NECK Subject:S{number} Session:E{number:03}"
    return [image(number, each, rest=rest) for each in range(1, 5)]


async def test_on_a_full_disk_deletions_work_and_with_room_everything_goes_on(disk: Path) -> None:
    quick = {"session": {"build_after": 0.2, "check_every": 0.1}, "dicom": {"workers": 1}}
    served = OnSmallDisk(disk / "home", quick | {"anonymization": {"site_script": False}})
    await served.start()
    try:
        async with served.asked() as engine:
            home = served.disk / "home"
            await engine.projects.add("NECK")
            await engine.projects.set("NECK", {"prearchive_code": "0"})
            assert await send(served, study(1)) == [0] * 4
            (row,) = await settled(engine, objects=4)
            assert (home / NAME).exists()

            filler = served.fill()
            with pytest.raises(Unavailable, match="has no room") as caught:
                await engine.projects.set("NECK", {"prearchive_code": "4"})
            assert "anteroom trash empty" in caught.value.hint
            assert set(await send(served, study(2))) == {OUT_OF_RESOURCES}
            (refused,) = await engine.prearchive.archive((row.id,))
            assert not refused.done
            assert "anteroom trash empty" in refused.message

            (outcome,) = await engine.prearchive.delete((row.id,))
            assert outcome.done
            await until(engine, no_session(engine))
            (outcome,) = await engine.prearchive.empty_trash((row.id,))
            assert outcome.done
            assert not list(home.glob("prearchive/.trash/*"))

            filler.unlink()
            answers = await send(served, study(3))
            while OUT_OF_RESOURCES in answers:
                # A look at the disk holds for a second.
                answers = await send(served, study(3))
            assert answers == [0] * 4
            (row,) = await settled(engine, objects=4)
            assert row.status is Status.READY
            assert (await engine.system.status()).accounts.at(Place.DELETED) == 4
        assert await served.stop() == 0
        assert (served.home / "stderr.txt").read_text("utf-8") == ""
    finally:
        await served.kill()


async def test_before_the_disk_is_full_senders_are_refused_and_with_room_served_again(
    disk: Path,
) -> None:
    keeps = {"disk": {"keep_free_percent": 50.0}, "dicom": {"workers": 1}}
    served = OnSmallDisk(disk / "home", keeps | {"anonymization": {"site_script": False}})
    await served.start()
    try:
        async with served.asked() as engine:
            assert await send(served, study(1)) == [0] * 4
            await engine.projects.add("NECK")
            filler = served.leave(DISK_MIB * 1024 * 1024 // 3)
            answers = await send(served, study(2))
            while set(answers) != {OUT_OF_RESOURCES}:
                # A look at the disk holds for a second.
                answers = await send(served, study(2))

            async def counted() -> bool:
                return (await engine.system.status()).accounts.at(Place.REFUSED) >= 4

            await until(engine, counted)
            (line,) = {one.reason for one in await engine.live.ledger(outcome="refused")}
            assert line == "the disk is nearly full"
            status = await engine.system.status()
            assert status.disk_free < status.disk_keep == DISK_MIB * 1024 * 1024 // 2
            checks = {check.name: check for check in await engine.system.checks()}
            assert checks["prearchive disk"].finding is Finding.FAILED
            assert "are to stay free" in checks["prearchive disk"].found
            # Everything else goes on: the databases have their room.
            assert await engine.projects.set("NECK", {"title": "Neck"})
            filler.unlink()
            answers = await send(served, study(3))
            while set(answers) != {0}:
                answers = await send(served, study(3))
            assert not (await engine.system.status()).imbalances
        assert await served.stop() == 0
        assert (served.home / "stderr.txt").read_text("utf-8") == ""
    finally:
        await served.kill()


async def test_a_disk_that_is_full_from_the_beginning_is_told(disk: Path) -> None:
    home, program = disk / "home", f"{sys.executable} -m console"
    script = f"""
        mount -t tmpfs -o size=1m none {disk} && dd if=/dev/zero of={disk}/filler bs=4k
        exec 2>&1 >/dev/null
        {program} --home {home} init; echo $? >&2
        {program} --home {home} serve; echo $? >&2
        {program} --home {home}; echo $? >&2
    """
    mapped = () if os.geteuid() == 0 else ("--map-root-user",)
    words = ("unshare", *mapped, "--mount", "sh", "-c", script)
    said = await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=DEVNULL)
    out, _ = await said.communicate()
    lines = out.decode().splitlines()
    full = f"anteroom: the database {home}/archive.db is full: its disk has no room"
    no_room = "anteroom: the home {} cannot be used: No space left on device"
    assert lines[0] == no_room.format(home)
    assert lines[2:4] == ["1", full]
    assert lines[4].endswith("; then start the engine again")
    assert lines[5] == "1"
    assert lines[-3] == "anteroom: the engine did not start"
    assert lines[-2].startswith("  the disk is full: make room")
    assert lines[-1] == "1"


async def test_a_server_that_goes_away_is_told_and_waited_for(
    serve: Callable[..., Served], database_url: Callable[..., str]
) -> None:
    archive, prearchive = (database_url("postgresql", section) for section in SECTIONS)
    backend = Backend(name="postgresql", archive_url=archive, prearchive_url=prearchive)
    served = serve(backend, build_after=0.2)
    await served.start()
    name = make_url(prearchive).database or ""
    async with served.asked() as engine:
        assert await send(served, study(1)) == [0] * 4
        with away(prearchive):
            for question in (sessions(engine), engine.jobs.list()):
                with pytest.raises(Unavailable, match=f"PostgreSQL database {name} "):
                    await question
            failed = [
                check for check in await engine.system.checks() if check.finding is Finding.FAILED
            ]
            assert any("lets nobody in" in check.found for check in failed)
        await until(engine, answers(engine))
        (row,) = await settled(engine, objects=4)
        assert row.status is Status.READY
    with away(prearchive):
        assert await served.stop() == 0
        assert (served.home / "stderr.txt").read_text("utf-8") == ""


async def test_objects_count_once_when_the_database_is_lost_and_journals_remain(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.2)
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("NECK")
        await engine.projects.set("NECK", {"prearchive_code": "0"})
        for number in (1, 2, 3):
            assert await send(served, study(number)) == [0] * 4
        rows = {row.label: row.id for row in await settled(engine, objects=12)}
        assert await send(served, study(1)) == [0] * 4
        await engine.prearchive.archive((rows["E002"],))
        await engine.prearchive.delete((rows["E003"],))
        await until(engine, only(engine, rows["E001"]))
        before = (await engine.system.status()).accounts
    await served.kill()
    assert list(served.prearchive.glob(".journals/*"))
    for file in served.prearchive.glob("prearchive.db*"):
        file.unlink()
    await served.start()
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=4)
        assert (row.id, row.status) == (rows["E001"], Status.READY)
        status = await engine.system.status()
        assert status.accounts == before
        assert before.at(Place.ARCHIVED) == before.at(Place.DELETED) == 4
        (books,) = [check for check in await engine.system.checks() if check.name == "accounts"]
        assert books.finding is Finding.GOOD
    assert await served.stop() == 0
    assert (await audit(served.home)).wrong == []


async def test_each_disk_with_a_database_keeps_room(tmp_path: Path) -> None:
    elsewhere = Path(tempfile.mkdtemp(prefix="disk-", dir="/dev/shm"))
    try:
        home = Home.find(tmp_path / "home", {})
        url = f"sqlite:///{elsewhere}/archive.db"
        settings = home.ensure().override({"dicom.port": 0, "databases.archive_url": url})
        engine = await Engine.start(home, settings)
        await engine.stop()
        assert (elsewhere / NAME).stat().st_dev != home.root.stat().st_dev
        assert list(home.root.rglob(NAME))
    finally:
        shutil.rmtree(elsewhere)


async def test_a_lost_archive_database_stops_the_start_in_words(tmp_path: Path) -> None:
    home = Home.find(tmp_path / "home", {})
    settings = home.ensure().override({"dicom.port": 0})
    # A file system of its own has this from the beginning.
    (settings.resolved(home.root).paths.archive / "lost+found").mkdir()
    engine = await Engine.start(home, settings)
    await engine.stop()
    home.archive_db.unlink()
    said = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "console", "--home", str(home.root), "serve", stderr=PIPE, stdout=PIPE
    )
    out, err = await said.communicate()
    assert said.returncode == 1
    assert out == b""
    first, hint = err.decode().splitlines()
    assert first == (
        f"anteroom: the database {home.archive_db} is missing or empty, "
        "though this home has been in use"
    )
    assert "put it back from your backup" in hint
    assert not home.archive_db.exists()
    # What has been filed tells of it as well.
    for file in home.prearchive.root.glob("prearchive.db*"):
        file.unlink()
    filed = settings.resolved(home.root).paths.archive / "P" / "arc001" / "E1"
    filed.mkdir(parents=True)
    with pytest.raises(Refused, match="is missing or empty"):
        await Engine.start(home, settings)


def no_session(engine: RemoteEngine) -> Callable[[], Awaitable[bool]]:
    """Ask whether the prearchive is empty."""

    async def reached() -> bool:
        return not await sessions(engine)

    return reached


def only(engine: RemoteEngine, id: str) -> Callable[[], Awaitable[bool]]:
    """Ask whether one session is all that waits."""

    async def reached() -> bool:
        return [row.id for row in await sessions(engine)] == [id]

    return reached


def answers(engine: RemoteEngine) -> Callable[[], Awaitable[bool]]:
    """Ask whether the engine can answer again."""

    async def reached() -> bool:
        try:
            await sessions(engine)
        except Unavailable:
            return False
        return True

    return reached
