# SPDX-License-Identifier: Apache-2.0
"""Calls that fail behind a build, an archiving or a deletion. A disk that breaks: the session ends
in words, with its folder back in the prearchive and nothing half in the archive, and what was asked
for succeeds when it is asked again. A disk that is full: the job waits, and succeeds when there is
room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from engine.model.accounts import Place
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status, Verb
from engine.service.remote import RemoteEngine
from tests.line.serving import LONGEST_WAIT, Served, sessions, settled, until
from tests.line.test_durability import REASONS, Image, image, send
from tests.line.tracing import children, traced, worker_of

PROJECT = "NECK"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Calls upon one path that fail; `path` may name the session's places."""

    calls: tuple[str, ...]
    path: str
    filed: bool = False
    """The job finds another way."""
    when: str = ""
    """strace counts the calls of each thread, also those upon other paths."""

    @property
    def passes(self) -> bool:
        """Whether the job waits until it gets by."""
        return self.error == "ENOSPC" and not self.filed

    @property
    def error(self) -> str:
        """What such a call is likely to end with: a disk that breaks, or one that is full."""
        return "EIO" if {"fsync", "fdatasync"} & {*self.calls} else "ENOSPC"


ARCHIVING = (
    Fault(calls=("rename",), path="{home}", when=":when=1"),
    Fault(calls=("mkdir",), path="{hidden}"),
    Fault(calls=("mkdir",), path="{hidden}/SCANS/1"),
    Fault(calls=("link",), path="{hidden}/{file}", filed=True),
    Fault(calls=("link", "openat"), path="{hidden}/{file}"),
    Fault(calls=("link", "write"), path="{hidden}/{file}"),
    Fault(calls=("link", "fdatasync"), path="{hidden}/{file}"),
    Fault(calls=("openat",), path="{hidden}/{label}.xml"),
    Fault(calls=("write",), path="{hidden}/{label}.xml"),
    Fault(calls=("fsync",), path="{hidden}/{label}.xml"),
    Fault(calls=("fsync",), path="{hidden}/SCANS/1/DICOM"),
    Fault(calls=("fsync",), path="{hidden}"),
    Fault(calls=("fsync",), path="{arc}/.."),
    Fault(calls=("rename",), path="{hidden}"),
    Fault(calls=("fsync",), path="{arc}"),
)
BUILDING = (
    *(Fault(calls=(call,), path="{home}/{catalog}") for call in ("openat", "write", "fsync")),
    Fault(calls=("rename",), path="{home}/{catalog}"),
    Fault(calls=("fsync",), path="{home}/SCANS/1/DICOM"),
    *(Fault(calls=(call,), path="{document}") for call in ("openat", "write", "fsync")),
    Fault(calls=("rename",), path="{document}"),
    Fault(calls=("openat",), path="{home}/{file}"),
    Fault(calls=("openat",), path="{home}/SCANS/1/DICOM"),
)
DELETING = (
    Fault(calls=("rename",), path="{home}", when=":when=1"),
    Fault(calls=("mkdir",), path="{working}", when=":when=1"),
    Fault(calls=("openat",), path="{working}/session.json"),
    Fault(calls=("rename",), path="{working}", when=":when=1"),
    Fault(calls=("fsync",), path="{trash}"),
)


def study_of(study: int) -> list[Image]:
    """Make a study of two series that goes to the project."""
    rest = f"Project:{PROJECT} Subject:S{study} Session:E{study:03}"
    series = ((1, 1), (2, 1), (3, 1), (4, 2))
    return [image(study, number, series=of, rest=rest) for number, of in series]


async def test_a_call_that_fails_behind_archiving_leaves_the_session_whole_in_one_place(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.2)
    async with received(served, len(ARCHIVING)) as (engine, rows):
        filed = 0
        for row, fault in zip(rows, ARCHIVING, strict=True):
            await struck(served, engine, row, Verb.ARCHIVE, fault)
            if not fault.filed and not fault.passes:
                await ask(engine, Verb.REBUILD, row.id)
                await ask(engine, Verb.ARCHIVE, row.id)
            filed += 4
            assert await find(engine, row.id) is None, fault
            assert len(objects(served.archive / PROJECT / "arc001" / row.label)) == 4, fault
            accounts = (await engine.system.status()).accounts
            assert accounts.at(Place.ARCHIVED) == filed, fault
            assert accounts.received == 4 * len(ARCHIVING)
        assert (await engine.audit.verify()).ok
    assert not list(served.archive.glob("*/*/.*"))
    assert not list(served.prearchive.glob(".working/*"))
    assert await served.stop() == 0


async def test_a_call_that_fails_behind_a_build_or_a_deletion_is_told_and_tried_again(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.2)
    cases = [(Verb.REBUILD, fault) for fault in BUILDING]
    cases += [(Verb.DELETE, fault) for fault in DELETING]
    deletions = len(DELETING)
    async with received(served, len(cases)) as (engine, rows):
        for row, (verb, fault) in zip(rows, cases, strict=True):
            await struck(served, engine, row, verb, fault)
            if not fault.passes:
                await ask(engine, Verb.REBUILD, row.id)
                now = await find(engine, row.id)
                assert now is not None and now.status is Status.READY, fault
                if verb is Verb.DELETE:
                    await ask(engine, verb, row.id)
            now = await find(engine, row.id)
            if verb is Verb.DELETE:
                assert now is None, fault
            else:
                assert now is not None and now.status is Status.READY, fault
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.DELETED) == 4 * deletions
        assert accounts.at(Place.WAITING) == 4 * (len(cases) - deletions)
    assert len(list(served.prearchive.glob(".trash/*/*/SCANS/*/DICOM/*.dcm"))) == 4 * deletions
    assert not list(served.prearchive.glob(".working/*"))
    assert await served.stop() == 0


@asynccontextmanager
async def received(
    served: Served, studies: int
) -> AsyncIterator[tuple[RemoteEngine, list[PrearchiveSession]]]:
    """Start an engine and let it receive and build studies of a project."""
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add(PROJECT)
        await engine.projects.set(PROJECT, {"prearchive_code": "0"})
        for study in range(studies):
            assert await send(served, study_of(study)) == [0] * 4
        rows = await settled(engine, objects=4 * studies)
        assert [row.status for row in rows] == [Status.READY] * studies
        yield engine, sorted(rows, key=lambda row: row.label)


async def struck(
    served: Served, engine: RemoteEngine, row: PrearchiveSession, verb: Verb, fault: Fault
) -> None:
    """Ask for an act while calls behind it fail; check what the session is then."""
    what = f"{fault.error} at {fault.calls} upon {fault.path}"
    names = places(served, row)
    own = served.ready["pid"]
    pool = [pid for pid in children(own) if pid != worker_of(own)]
    async with traced(
        own,
        *pool,
        calls=fault.calls,
        inject=[f"{call}:error={fault.error}{fault.when}" for call in fault.calls],
        paths=[Path(fault.path.format_map(names))],
        note=served.home / "calls.txt",
    ) as trace:
        if fault.passes:
            await waits(engine, verb, row.id)
        else:
            await ask(engine, verb, row.id)
    assert {call.name for call in trace.injected} == set(fault.calls), what
    if fault.passes:
        await ended(engine, row.id)
    if fault.passes or fault.filed:
        return
    now = await find(engine, row.id)
    assert now is not None, what
    assert now.status in (Status.ERROR, Status.CONFLICT), f"{what}: {now.status}"
    assert REASONS[fault.error] in now.reason, f"{what}: {now.reason}"
    assert len(objects(Path(names["home"]))) == 4, what
    left = [name for name in ("hidden", "final", "working", "trashed") if exists(names[name])]
    assert not left, what


async def ask(engine: RemoteEngine, verb: Verb, id: str) -> None:
    """Ask for an act, and wait until no job has anything more to do with the session."""
    await begin(engine, verb, id)
    await ended(engine, id)


async def waits(engine: RemoteEngine, verb: Verb, id: str) -> None:
    """Ask for an act, and wait until its job is said to wait for room."""
    told = await engine.events.after("", 0)
    await begin(engine, verb, id)

    async def look() -> None:
        epoch, number = told.epoch, told.last
        while True:
            batch = await engine.events.after(epoch, number, 1.0)
            if any("job waits: the disk is full" in each.text for each in batch.events):
                return
            epoch, number = batch.epoch, batch.last

    await asyncio.wait_for(look(), LONGEST_WAIT)


async def begin(engine: RemoteEngine, verb: Verb, id: str) -> None:
    """Ask for an act."""
    acts = engine.prearchive
    act = {Verb.ARCHIVE: acts.archive, Verb.REBUILD: acts.rebuild, Verb.DELETE: acts.delete}[verb]
    (outcome,) = await act((id,))
    assert outcome.done, outcome.message


async def ended(engine: RemoteEngine, id: str) -> None:
    """Wait until no job has anything more to do with the session."""

    async def reached() -> bool:
        row = await find(engine, id)
        return row is None or row.status in (Status.READY, Status.CONFLICT, Status.ERROR)

    await until(engine, reached)


async def find(engine: RemoteEngine, id: str) -> PrearchiveSession | None:
    """Return a prearchive session, if it still is one."""
    return next((row for row in await sessions(engine) if row.id == id), None)


def exists(path: str) -> bool:
    """Whether something stands there."""
    return Path(path).exists()


def objects(folder: Path) -> list[Path]:
    """Return the objects in a session's folder."""
    return list(folder.glob("SCANS/*/DICOM/*.dcm"))


def places(served: Served, row: PrearchiveSession) -> dict[str, str]:
    """Name the places of a session by what stands for them in a fault."""
    home = served.prearchive / PROJECT / row.timestamp / row.folder
    arc = served.archive / PROJECT / "arc001"
    file = min(path.relative_to(home).as_posix() for path in home.glob("SCANS/1/DICOM/*.dcm"))
    return {
        "home": str(home),
        "file": file,
        "catalog": "SCANS/1/DICOM/.scan_1_catalog.xml.tmp",
        "document": str(home.with_name(f".{row.folder}.xml.tmp")),
        "working": str(served.prearchive / ".working" / row.id),
        "trash": str(served.prearchive / ".trash"),
        "trashed": str(served.prearchive / ".trash" / row.id),
        "arc": str(arc),
        "hidden": str(arc / f".filing-{row.id}"),
        "final": str(arc / row.label),
        "label": row.label,
    }
