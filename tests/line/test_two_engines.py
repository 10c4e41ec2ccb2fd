# SPDX-License-Identifier: Apache-2.0
"""Two engines on one PostgreSQL, one prearchive and one archive: what both receive at once becomes
one row, each object once; a change on one is in force on the other; each can go on alone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.model.accounts import Place
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from tests.conftest import SECTIONS, Backend
from tests.line.real_sessions import HEAD, SPINE, STUDIES, files_of
from tests.line.serving import Served, sessions, settled, until
from tests.line.wire import dataset_of

ONE_STUDY = [path for path in files_of(STUDIES / "TINY_ALPHA") if path.name.startswith("IM")]
DESCRIPTION = "Testing File-set"


@pytest.fixture
async def pair(
    serve: Callable[..., Served], database_url: Callable[..., str], tmp_path: Path
) -> tuple[Served, Served]:
    """Two engines, started at once, that share all but their homes."""
    archive, prearchive = (database_url("postgresql", section) for section in SECTIONS)
    backend = Backend(name="postgresql", archive_url=archive, prearchive_url=prearchive)
    paths = {name: str(tmp_path / "shared" / name) for name in ("prearchive", "archive", "trash")}
    first, second = (
        serve(backend, name=name, build_after=0.5, paths=paths) for name in ("one", "two")
    )
    await asyncio.gather(first.start(), second.start())
    return first, second


def shared(served: Served, name: str) -> Path:
    """Return a store that both use."""
    return served.home.parent / "shared" / name


async def routed(engine: RemoteEngine, path: Path, project: str) -> None:
    """Wait until an engine routes a file to a project."""

    async def reached() -> bool:
        return (await engine.routing.explain(str(path))).project == project

    await until(engine, reached)


async def test_one_study_sent_to_both_at_once_is_one_session(
    pair: tuple[Served, Served],
) -> None:
    one, two = pair
    async with one.asked() as first, two.asked() as second:
        await first.projects.add("TINY", aliases=(DESCRIPTION,))
        await first.projects.set("TINY", {"prearchive_code": "0"})
        await routed(second, ONE_STUDY[0], "TINY")

        # Interleaved halves and, at the same time, all of it to both.
        sent = await asyncio.gather(
            one.store(*ONE_STUDY[::2]),
            two.store(*ONE_STUDY[1::2]),
            one.store(*ONE_STUDY),
            two.store(*ONE_STUDY),
        )
        assert not any(sent)
        received = 3 * len(ONE_STUDY)

        for engine in (first, second):

            async def counted(engine: RemoteEngine = engine) -> bool:
                return (await engine.system.status()).accounts.received == received

            await until(engine, counted)
            (row,) = await settled(engine, objects=len(ONE_STUDY))
            assert (row.project, row.status, row.objects) == ("TINY", Status.READY, len(ONE_STUDY))
            accounts = (await engine.system.status()).accounts
            assert accounts.at(Place.WAITING) == len(ONE_STUDY)
            assert accounts.at(Place.DUPLICATE) == 2 * len(ONE_STUDY)
            assert accounts.received == received
        stored = list(shared(one, "prearchive").rglob("SCANS/*/DICOM/*.dcm"))
        assert Counter(map(dataset_of, stored)) == Counter(map(dataset_of, ONE_STUDY))

        # Both are asked at once for the same; one of them does it, once.
        asked = await asyncio.gather(
            first.prearchive.archive((row.id,)), second.prearchive.archive((row.id,))
        )
        assert sorted(outcome.done for (outcome,) in asked) == [False, True]
        for engine in (first, second):

            async def filed(engine: RemoteEngine = engine) -> bool:
                return (await engine.archive.list()).total == 1 and not await sessions(engine)

            await until(engine, filed)
            accounts = (await engine.system.status()).accounts
            assert accounts.at(Place.ARCHIVED) == len(ONE_STUDY)
            assert accounts.at(Place.WAITING) == 0
            assert accounts.received == received
        jobs = Counter(job.verb for job in await second.jobs.list() if job.session == row.id)
        assert jobs["archive"] == 1
        archived = list(shared(two, "archive").rglob("SCANS/*/DICOM/*.dcm"))
        assert Counter(map(dataset_of, archived)) == Counter(map(dataset_of, ONE_STUDY))
        assert (await first.audit.verify()).ok


async def test_each_goes_on_alone_with_what_the_other_began(pair: tuple[Served, Served]) -> None:
    one, two = pair
    async with two.asked() as second:
        async with one.asked() as first:
            await second.projects.add("HEADS", aliases=("CT, HEAD/BRAIN WO CONTRAST",))
            await second.projects.set("HEADS", {"prearchive_code": "0"})
            await routed(first, next(iter(files_of(SPINE / "CT2"))), "HEADS")
            assert await one.store(SPINE) == 0
        assert await one.stop() == 0
        # What the first received is built, and archived, by the second.
        rows = await settled(second, objects=len(files_of(SPINE)))
        (head,) = [row for row in rows if row.project == "HEADS"]
        (outcome,) = await second.prearchive.archive((head.id,))
        assert outcome.done, outcome.message

        async def filed() -> bool:
            return (await second.archive.list()).total == 1

        await until(second, filed)
    await one.start()
    async with one.asked() as first:
        assert await two.store(HEAD) == 0
        assert await two.stop() == 0
        rows = await settled(first, objects=len(files_of(HEAD)))
        assert {row.status for row in rows} == {Status.READY}
        accounts = (await first.system.status()).accounts
        assert accounts.at(Place.ARCHIVED) == head.objects
        assert accounts.received == len(files_of(SPINE, HEAD))
        assert accounts.at(Place.WAITING) == accounts.received - head.objects
        assert (await first.audit.verify()).ok
    assert await one.stop() == 0
