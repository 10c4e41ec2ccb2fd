# SPDX-License-Identifier: Apache-2.0
"""What scripts did and will do to the files of a session: part by part, kept, and forgotten."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import pydicom
import pytest

from engine.jobs import differences
from engine.jobs.kept_reviews import FOLDER, KeptReviews, Review
from engine.jobs.reconcile import Reconciliation
from engine.jobs.scripting import ScriptWork
from engine.model.change_fold import ChangeFold
from engine.model.changes import ChangeKind, SessionChanges
from engine.model.errors import Conflict, NotFound
from engine.model.scripts import SITE
from engine.prearchive.rows import folder_of
from engine.service import reviewing
from engine.service.contents import Waiting
from engine.service.reviewing import Reviewing
from engine.sessions.contents import object_paths, scan_of
from tests.engine.jobs.conftest import either, fixture  # noqa: F401 (fixtures)
from tests.engine.jobs.fixture import STUDY, Fixture, InlinePool
from tests.engine.jobs.scripting import in_force
from tests.engine.jobs.test_archive import archive
from tests.engine.jobs.test_build import build
from tests.engine.jobs.test_move import move
from tests.engine.jobs.test_move_scripts import waiting
from tests.engine.sessions.build.objects import write_object

P = ParamSpec("P")
T = TypeVar("T")


class Watched(InlinePool):
    """Counts the files that are read, and lets a test hold them back."""

    def __init__(self) -> None:
        super().__init__(1)
        self.read: list[str] = []
        self.gate = asyncio.Semaphore(1_000)
        self.last: object = None
        """What the last files were read with."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function."""
        if function in (differences.done, differences.to_come):
            await self.gate.acquire()
            self.read += cast("tuple[str, ...]", args[1])
            self.last = args[2]
        return await super().run(function, *args, **kwargs)


@dataclass(slots=True)
class Asked:
    """A prearchive that is asked."""

    fixture: Fixture
    pool: Watched = field(default_factory=Watched)
    reviewing: Reviewing = field(init=False)
    waiting: Waiting = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Know nothing but what is kept."""
        context = replace(self.fixture.context, processes=self.pool)
        self.reviewing = Reviewing(context)
        self.waiting = Waiting(context, self.reviewing)

    async def done(self, session: str, scan: str = "") -> SessionChanges:
        """Ask until all is known."""
        told = await self.waiting.done(session, scan, 0, 5)
        while not told.is_whole:
            told = await self.waiting.done(session, scan, told.read, 5)
        return told

    async def to_come(self, session: str, scan: str = "") -> SessionChanges:
        """Ask until all is known."""
        told = await self.waiting.to_come(session, scan, 0, 5)
        while not told.is_whole:
            told = await self.waiting.to_come(session, scan, told.read, 5)
        return told

    def taken(self) -> int:
        """Return how many files have been read since the last time."""
        count = len(self.pool.read)
        self.pool.read.clear()
        return count

    async def folder(self, session: str) -> Path:
        """Return where it is."""
        row = await self.fixture.there(session)
        return folder_of(row, self.fixture.context.prearchive)


@pytest.fixture
async def asked(either: Fixture) -> AsyncIterator[Asked]:  # noqa: F811
    """On each kind of database."""
    made = Asked(either)
    yield made
    await made.reviewing.close()


async def many(fixture: Fixture, counts: dict[str, int]) -> str:  # noqa: F811
    """Make a session of so many objects in each scan."""
    claim = await fixture.claim()
    for scan, count in counts.items():
        for number in range(count):
            file = f"SCANS/{scan}/DICOM/{scan}{number:03}.dcm"
            path = write_object(
                Path(claim.folder) / file,
                SOPInstanceUID=f"{STUDY}.9.{scan}{number:03}",
                SeriesInstanceUID=f"{STUDY}.{scan}",
                SeriesNumber=scan,
            )
            fixture.record(claim, file, path)
    assert await build(fixture, claim.session) == ""
    return claim.session


def changed(told: SessionChanges) -> dict[str, tuple[str, str, str]]:
    """Return before, after and statement of what changes."""
    return {
        one.change.name: (one.change.before, one.change.after, str(one.change.statement))
        for one in told.rows
        if one.change.kind is not ChangeKind.SAME
    }


async def test_what_was_found_out_is_kept_until_something_is_another(asked: Asked) -> None:
    fixture = asked.fixture  # noqa: F811
    await in_force(fixture, "(0010,0010) := subject", SITE)
    session = await waiting(fixture)
    with pytest.raises(Conflict, match="no project"):
        await asked.to_come(session)
    assert await move(fixture, session, wanted_project="P", wanted_subject="S2") == ""
    await in_force(fixture, "(0008,1030) := session")

    done, come = await asked.done(session), await asked.to_come(session)
    assert changed(done)["PatientName"] == ("Doe^Jane", "S2", "site v1:2")
    assert changed(come)["StudyDescription"] == ("Head", "E1", "project P v1:2")
    assert (done.files, done.alike, done.scripts) == (2, 2, ("site v1",))
    await asked.reviewing.settled()
    assert asked.taken() == 4
    assert await asked.done(session, "1") == done
    assert await asked.to_come(session) == come
    asked.restart()
    assert (await asked.done(session), await asked.to_come(session, "1")) == (done, come)
    assert asked.taken() == 0
    kept = sorted((fixture.context.prearchive / FOLDER).rglob("*"))
    assert [(path.name, path.stat().st_mode & 0o777) for path in kept] == [
        (session, 0o700),
        ("done", 0o600),
        ("to-come", 0o600),
    ]

    await in_force(fixture, "(0008,1030) := subject")
    assert changed(await asked.to_come(session))["StudyDescription"][1:] == ("S2", "project P v2:2")
    await asked.reviewing.settled()
    assert asked.taken() == 2
    assert await move(fixture, session, wanted_subject="S3") == ""
    assert changed(await asked.to_come(session))["StudyDescription"][1] == "S3"
    assert changed(await asked.done(session))["PatientName"][:2] == ("Doe^Jane", "S3")
    await asked.reviewing.settled()
    assert asked.taken() == 4
    path = next((await asked.folder(session)).rglob("*.dcm"))
    image = pydicom.dcmread(path)
    image.StudyDescription = "Neck"
    image.save_as(path)
    assert changed(await asked.to_come(session))["StudyDescription"][0] == "‹2 values›"
    assert asked.taken() == 2


async def test_a_few_files_are_told_at_once_and_all_in_the_end(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing, "FIRST", 3)
    monkeypatch.setattr(reviewing, "PART", 2)
    session = await many(asked.fixture, {"1": 6, "2": 5})
    await in_force(asked.fixture, "(0010,0010) := session")
    asked.pool.gate = asyncio.Semaphore(0)
    assert (await asked.waiting.to_come(session, "", 0, 0)).read == 0
    asked.pool.gate.release()
    told = await asked.waiting.to_come(session, "", 0, 5)
    assert (told.read, told.files, told.is_whole) == (3, 11, False)
    assert {scan_of(file) for file in asked.pool.read} == {"1", "2"}
    assert changed(told)["PatientName"][1] == "E1"
    # Another who asks shares what is on its way; the scan that they ask for comes first.
    before = len(asked.pool.read)
    seen = (await asked.waiting.to_come(session, "2", 0, 0)).read
    asked.pool.gate.release()
    told = await asked.waiting.to_come(session, "2", seen, 5)
    asked.pool.gate.release()
    told = await asked.waiting.to_come(session, "2", told.read, 5)
    # What waited at the gate was chosen before the question.
    assert {scan_of(file) for file in asked.pool.read[before + 2 :]} <= {"2"}
    asked.pool.gate = asyncio.Semaphore(1_000)
    for _ in range(100):
        asked.pool.gate.release()
    with pytest.raises(NotFound):
        await asked.waiting.to_come(session, "9", 0, 5)
    asked.restart()
    whole = await asked.to_come(session)
    assert (whole.read, whole.alike, whole.odd) == (11, 11, ())
    assert sum([(await asked.to_come(session, scan)).files for scan in ("1", "2")]) == 11


async def test_all_files_are_told_of_as_each_of_them_is(asked: Asked) -> None:
    session = await many(asked.fixture, {"1": 30, "2": 25, "3": 1})
    folder = await asked.folder(session)
    for number, file in enumerate(object_paths(folder)):
        image = pydicom.dcmread(folder / file)
        image.InstanceNumber, image.PatientName = number, f"Doe^{number % 3}"
        if number == 17:
            del image.PatientName
        if number % 7 == 0:
            image.SeriesDescription = "t1"
        image.save_as(folder / file)
    (folder / "SCANS" / "2" / "DICOM" / "2003.dcm").write_bytes(b"no object")
    text = (
        '(0010,0010) := "X"\n'
        'if ((0020,0013) = "5") { (0010,4000) := "odd" }\n'
        'if ((0020,0013) = "50") { reject[] }'
    )
    await in_force(asked.fixture, text)
    told = await asked.to_come(session)
    assert (told.read, told.alike, told.odd) == (
        56,
        52,
        ("SCANS/1/DICOM/1005.dcm", "SCANS/1/DICOM/1017.dcm", "SCANS/2/DICOM/2020.dcm"),
    )
    one_by_one = ChangeFold()
    for file in object_paths(folder):
        (fold,) = differences.to_come(folder, [file], cast("ScriptWork", asked.pool.last)).values()
        one_by_one.join(fold)
    assert _but_for_names(told) == _but_for_names(one_by_one.told(56))


def _but_for_names(told: SessionChanges) -> SessionChanges:
    """Return it without the files of elements that stay: some of them are named, not the first."""
    rows = (
        replace(one, odd=()) if one.change.kind is ChangeKind.SAME else one for one in told.rows
    )
    return replace(told, rows=tuple(rows))


async def test_of_files_that_change_meanwhile_nothing_is_kept(asked: Asked) -> None:
    session = await many(asked.fixture, {"1": 2})
    await in_force(asked.fixture, "(0010,0010) := session")
    asked.pool.gate = asyncio.Semaphore(0)
    await asked.waiting.to_come(session, "", 0, 0)
    path = next((await asked.folder(session)).rglob("*.dcm"))
    os.utime(path, (1, 1))
    asked.pool.gate.release()
    await asked.reviewing.settled()
    kept = KeptReviews(asked.fixture.context.prearchive)
    assert kept.sessions() == []
    asked.pool.gate.release()
    assert (await asked.to_come(session)).files == 2
    await asked.reviewing.settled()
    assert kept.sessions() == [session]


async def test_it_goes_with_the_session(asked: Asked) -> None:
    fixture = asked.fixture  # noqa: F811
    await in_force(fixture, "(0010,0010) := session")
    session = await many(fixture, {"1": 2})
    await asked.to_come(session)
    await asked.reviewing.settled()
    kept = KeptReviews(fixture.context.prearchive)
    assert kept.sessions() == [session]
    assert await archive(fixture, session) == ""
    assert kept.sessions() == []
    # What a crash left behind is found at the next start.
    kept.write("pre_nothing1", Review.DONE, "key", {}, as_of=1.0)
    await Reconciliation(fixture.context, alone=True).jobs()
    assert kept.sessions() == []


async def test_what_tells_of_originals_expires_with_them(asked: Asked) -> None:
    fixture = asked.fixture  # noqa: F811
    await in_force(fixture, "(0010,0010) := subject", SITE)
    session = await waiting(fixture)
    for record in (fixture.context.prearchive / ".originals" / session).iterdir():
        os.utime(record, (1_000, 1_000))
    await asked.done(session)
    await asked.reviewing.settled()
    kept = KeptReviews(fixture.context.prearchive)
    assert kept.expire(time.time() - 500) == 0
    assert kept.expire(time.time() - 1_500) == 1


async def test_a_session_that_a_job_takes_away_is_asked_for_again(asked: Asked) -> None:
    session = await many(asked.fixture, {"1": 2})
    await in_force(asked.fixture, "(0010,0010) := session")
    folder = await asked.folder(session)
    asked.pool.gate = asyncio.Semaphore(0)
    await asked.waiting.to_come(session, "", 0, 0)
    folder.rename(folder.with_name("elsewhere"))
    for _ in range(5):
        asked.pool.gate.release()
    with pytest.raises(NotFound, match="not in its place"):
        await asked.waiting.to_come(session, "", 0, 5)
    folder.with_name("elsewhere").rename(folder)
    assert (await asked.to_come(session)).files == 2
