# SPDX-License-Identifier: Apache-2.0
"""An answer of success is a promise: shown by the system calls behind every answer, and by making
each of these calls fail once. What fails is told to the sender, and nothing is stuck or half."""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack

import pytest

from engine.model.accounts import Place
from engine.model.states import Status
from engine.service.remote import RemoteEngine
from engine.storage.file_system import abilities_of
from tests.line.promises import TRACED, proven
from tests.line.real_sessions import HEAD, NECK, files_of
from tests.line.serving import Served, sessions, settled, until
from tests.line.tracing import Trace, traced, worker_of
from tests.line.wire import CT_IMAGE, RawSender

ROOT = "1.2.826.0.1.3680043.10.1771.5"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """A small CT image: its SOP Instance UID, and its data set in Explicit VR Little Endian."""

    uid: str
    data: bytes


def image(study: int, number: int, *, series: int = 1, shade: int = 0, rest: str = "") -> Image:
    """Make an image of a study; `rest` are its Patient Comments."""
    uid = f"{ROOT}.{study}.{series}.{number}"
    values: list[tuple[int, int, bytes, str]] = [
        (0x0008, 0x0016, b"UI", CT_IMAGE),
        (0x0008, 0x0018, b"UI", uid),
        (0x0008, 0x0020, b"DA", "20240102"),
        (0x0008, 0x0060, b"CS", "CT"),
        (0x0010, 0x0020, b"LO", f"D{study}"),
        (0x0010, 0x4000, b"LT", rest),
        (0x0020, 0x000D, b"UI", f"{ROOT}.{study}"),
        (0x0020, 0x000E, b"UI", f"{ROOT}.{study}.{series}"),
        (0x0020, 0x0011, b"IS", str(series)),
        (0x0020, 0x0013, b"IS", str(number)),
    ]
    parts = [_element(group, number, vr, text) for group, number, vr, text in values]
    parts += [pack("<HH2sHH", 0x0028, word, b"US", 2, 8) for word in (0x0010, 0x0011)]
    parts += [pack("<HH2sHI", 0x7FE0, 0x0010, b"OW", 0, 64), bytes([shade]) * 64]
    return Image(uid=uid, data=b"".join(parts))


def _element(group: int, number: int, vr: bytes, text: str) -> bytes:
    value = text.encode() + (b"\0" if vr == b"UI" else b" ") * (len(text) % 2)
    return pack("<HH2sH", group, number, vr, len(value)) + value


def study_of(study: int) -> list[Image]:
    """Make a study of two series."""
    return [image(study, 1), image(study, 2), image(study, 3), image(study, 4, series=2)]


async def answered(sender: RawSender, image: Image) -> int:
    """Send an image; return the status of the answer."""
    return (await sender.store(image.data, sop_instance=image.uid)).status


async def send(served: Served, images: Sequence[Image]) -> list[int]:
    """Send images in one association; return the status of each answer."""
    async with RawSender.associated(served.port) as sender:
        return [await answered(sender, each) for each in images]


@asynccontextmanager
async def watched(
    served: Served, *inject: str, calls: Sequence[str] = TRACED, paths: Sequence[Path] = ()
) -> AsyncIterator[Trace]:
    """Trace the worker of an engine."""
    note = served.home / "calls.txt"
    worker = worker_of(served.ready["pid"])
    async with traced(worker, calls=calls, inject=inject, paths=paths, note=note) as trace:
        yield trace


@pytest.fixture(params=["here", "in memory"])
def somewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Folders on two file systems: the usual one, where one sync may do for a file's bytes and its
    name, and one in memory, where that is not known."""
    if request.param == "here":
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        assert not abilities_of(Path(folder)).in_order
        yield Path(folder)


async def test_every_success_is_sent_after_file_folder_and_new_folders_are_synced(
    serve: Callable[..., Served], somewhere: Path
) -> None:
    served = serve(name=str(somewhere / "home"), node="home")
    await served.start()
    first, second = files_of(NECK), files_of(HEAD)
    async with watched(served) as trace:
        assert sum(await asyncio.gather(served.store(NECK), served.store(HEAD))) == 0
        assert await served.store(NECK) == 0
        changed = image(1, 1, shade=9)
        assert await send(served, [*study_of(1), changed]) == [0] * 5
        held = Image(uid=f"{ROOT}.7", data=image(7, 1).data[:-100])
        assert await send(served, [held]) == [0]
    proof = proven(trace)
    assert len(proof.stored) == len(first) + len(second) + 4 + 2
    assert len(proof.counted) == len(first)
    assert not proof.failed
    assert await served.stop() == 0


async def test_an_association_does_not_rely_on_a_folder_that_another_has_yet_to_sync(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    await served.start()
    assert await send(served, study_of(1)) == [0] * 4
    # The first sync of each association takes long: that of one which makes a session's folders,
    # not that of the other, which comes upon them and has had its own.
    async with (
        watched(served, "fsync:delay_enter=400000:when=1") as trace,
        RawSender.associated(served.port, calling="LATER") as later,
        RawSender.associated(served.port, calling="MAKER") as maker,
    ):
        assert await answered(later, image(1, 5)) == 0
        making = asyncio.create_task(answered(maker, image(2, 1)))
        while not list(served.prearchive.glob("*/D2/SCANS")):  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await answered(later, image(2, 2)) == 0
        assert await answered(later, image(2, 1)) == 0
        assert await making == 0
    proof = proven(trace)
    assert (len(proof.stored), len(proof.counted)) == (3, 1)


async def test_a_duplicate_is_no_promise_until_the_first_has_come_to_stay(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    await served.start()
    assert await send(served, study_of(1)) == [0] * 4
    (journal,) = (served.prearchive / ".journals").glob("*.journal")
    # The record of the first takes long and fails, so that its file is taken back.
    async with (
        watched(served, "write:error=ENOSPC:delay_enter=400000:when=1", paths=[journal]),
        RawSender.associated(served.port, calling="LATER") as later,
        RawSender.associated(served.port, calling="FIRST") as first,
    ):
        assert await answered(later, image(1, 5)) == 0xA700
        failing = asyncio.create_task(answered(first, image(1, 6)))
        while len(list(served.prearchive.glob("*/D1/SCANS/1/DICOM/*.dcm"))) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await answered(later, image(1, 6)) == 0
        assert await failing == 0xA700
    assert len(list(served.prearchive.glob("*/D1/SCANS/1/DICOM/*.dcm"))) == 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """One call behind an object that is made to fail: which, and how it is known."""

    call: str
    when: str = "1"
    at: str
    """What the call must have been upon: a pattern of its path or descriptor."""
    journal: bool = False
    """Only calls upon the journal count."""
    again: bool = False
    """The object is one that is stored already."""
    untold: bool = False
    """The failure of the object cannot be written down."""


DICOM = r"/D\d+/SCANS/1/DICOM$"
FAULTS = (
    Fault(call="openat", at=r"/\.staging/"),
    Fault(call="flock", at=r"/\.staging/"),
    Fault(call="writev", at=r"/\.staging/"),
    Fault(call="openat", when="2", at=DICOM),
    Fault(call="mkdir", when="1", at=r"/SCANS$"),
    Fault(call="mkdir", when="2", at=r"/SCANS/1$"),
    Fault(call="mkdir", when="3", at=DICOM),
    Fault(call="openat", when="3", at=DICOM),
    Fault(call="openat", when="4", at=r"/D\d+$"),
    Fault(call="fsync", when="1", at=r"/D\d+$"),
    Fault(call="fsync", when="2", at=r"/SCANS$"),
    Fault(call="fsync", when="3", at=r"/SCANS/1$"),
    Fault(call="fchmod", at=DICOM),
    Fault(call="write", at=r"\.journal$", journal=True),
    Fault(call="write", when="1..2", at=r"\.journal$", journal=True, untold=True),
    Fault(call="read", at=r"\.dcm$", again=True),
    Fault(call="flock", when="2", at=r"\.dcm$", again=True),
    Fault(call="openat", when="3", at=r"\.dcm$", again=True),
    Fault(call="fsync", at=DICOM, again=True),
    Fault(call="write", at=r"\.journal$", journal=True, again=True),
    Fault(call="fdatasync", at=r"\.journal$", journal=True, again=True),
)
PLAIN = (
    Fault(call="fdatasync", at=r"/\.staging/"),
    Fault(call="fsync", when="4", at=DICOM),
    Fault(call="fdatasync", when="2", at=r"\.dcm$", again=True),
)
"""Where a file is synced before it gets its name."""
IN_ORDER = (
    Fault(call="fsync", when="4", at=r"/\.staging/"),
    Fault(call="fdatasync", at=r"\.dcm$", again=True),
)
"""Where one sync does for its bytes and its name."""


def faults_at(folder: Path) -> tuple[Fault, ...]:
    """Return the calls behind an object that may fail on the file system of a folder."""
    abilities = abilities_of(folder)
    naming = Fault(call="linkat" if abilities.unnamed else "link", at=r"/\.staging/")
    return (*FAULTS, naming, *(IN_ORDER if abilities.in_order else PLAIN))


REASONS = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}


async def test_each_call_behind_an_object_may_fail_once_and_only_that_object_is_refused(
    serve: Callable[..., Served], somewhere: Path
) -> None:
    served = serve(name=str(somewhere / "home"), node="home", build_after=0.3)
    await served.start()
    # What is imported or made at the first object is there when calls are counted.
    assert await send(served, study_of(1)) == [0] * 4
    (journal,) = (served.prearchive / ".journals").glob("*.journal")
    faults = faults_at(served.prearchive)
    cases = [(fault, error) for error in REASONS for fault in faults]
    successes, told, duplicates = 4, {error: 0 for error in REASONS}, 0
    for study, (fault, error) in enumerate(cases, 2):
        what = f"{error} at {fault.call} {fault.when} upon {fault.at}"
        images = study_of(study)
        if fault.again:
            assert await send(served, images[:1]) == [0]
            successes += 1
        inject = f"{fault.call}:error={error}:when={fault.when}"
        paths = [journal] if fault.journal else []
        calls = {*TRACED, fault.call}
        async with watched(served, inject, calls=sorted(calls), paths=paths) as trace:
            said = await send(served, images)
        assert said == [0xA700, 0, 0, 0], what
        hit = trace.injected
        assert len(hit) == (2 if fault.untold else 1), what
        for call in hit:
            assert re.search(fault.at, [*call.descriptors, *call.paths][0]), f"{what}: {call}"
        if not fault.journal:
            assert proven(trace).failed == [(images[0].uid, 0xA700)], what
        successes += 3
        told[error] += not fault.untold
        found = [path.name for path in served.prearchive.glob(f"*/D{study}/SCANS/1/*/*.dcm")]
        assert len(found) == (3 if fault.again else 2), what
        assert not staged(served), what

    whole = 4 * (len(cases) + 1)
    async with served.asked() as engine:
        missing = sum(not fault.again for fault, _ in cases)
        rows = await settled(engine, objects=whole - missing)
        assert {row.status for row in rows} == {Status.READY}
        assert len(rows) == len(cases) + 1
        entries = await engine.live.ledger(limit=1000, outcome="failed")
        for error, reason in REASONS.items():
            lines = [entry.count for entry in entries if entry.reason.endswith(reason)]
            assert sum(lines) == told[error]

        for study, (fault, _) in enumerate(cases, 2):
            assert await send(served, study_of(study)[:1]) == [0]
            successes += 1
            duplicates += fault.again
        rows = await settled(engine, objects=whole)
        assert {row.status for row in rows} == {Status.READY}
        assert {row.objects for row in rows} == {4}
        accounts = (await engine.system.status()).accounts
        assert accounts.received == successes
        assert accounts.at(Place.DUPLICATE) == duplicates
        assert accounts.at(Place.FAILED) == sum(told.values())
        assert accounts.at(Place.WAITING) == whole
        counted = await engine.live.ledger(limit=1000, outcome="duplicate")
        assert sum(entry.count for entry in counted) == duplicates
    assert len(list(served.prearchive.glob("*/*/SCANS/*/*/*.dcm"))) == whole
    assert await served.stop() == 0


async def test_what_is_held_or_alone_or_gets_no_session_fails_as_cleanly(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.3)
    await served.start()
    (journal,) = (served.prearchive / ".journals").glob("*.journal")
    held = served.prearchive / ".staging" / "held"
    damaged = Image(uid=f"{ROOT}.9", data=image(9, 1).data[:-100])
    assert await send(served, [damaged, *study_of(1)]) == [0] * 5

    for study, error in enumerate(REASONS, 2):
        for call, paths in (("link", []), ("fsync", [held]), ("write", [journal])):
            inject = f"{call}:error={error}:when=1"
            async with watched(served, inject, paths=paths) as trace:
                said = await send(served, [damaged, image(1, 9)])
            assert said == [0xA700, 0], inject
            assert len(trace.injected) == 1
            assert len(list(held.iterdir())) == 1
            assert not [path for path in staged(served) if path.parent != held]

        # The engine makes the folder of a session: without one there is no claim.
        engine = served.ready["pid"]
        for inject, path in (("mkdir", None), ("fsync", served.prearchive)):
            async with traced(
                engine,
                calls=[inject],
                inject=[f"{inject}:error={error}"],
                paths=[path] if path else [],
                note=served.home / "calls.txt",
            ) as trace:
                assert await send(served, [image(study, 1)]) == [0xA700]
            assert trace.injected, inject
            assert not list(served.prearchive.glob(f"*/D{study}")), inject

        # The only object of its session fails: the session must not wait for ever.
        async with watched(served, f"fsync:error={error}:when=4") as trace:
            assert await send(served, [image(study, 1)]) == [0xA700]
        assert len(trace.injected) == 1
        async with served.asked() as asked:

            async def left(study: int = study, asked: RemoteEngine = asked) -> bool:
                return f"D{study}" not in [row.label for row in await sessions(asked)]

            await until(asked, left)
            assert not list(served.prearchive.glob(f"*/D{study}"))
        assert await send(served, study_of(study)) == [0] * 4

    async with served.asked() as asked:
        rows = await settled(asked, objects=13)
        assert {row.status for row in rows} == {Status.READY}
        accounts = (await asked.system.status()).accounts
        assert accounts.at(Place.WAITING) == 13
        assert accounts.at(Place.HELD) == len(await asked.live.held()) == 1
        assert accounts.at(Place.DUPLICATE) == 5
        assert accounts.at(Place.FAILED) == 12
        assert accounts.received == 19
    assert await served.stop() == 0


def staged(served: Served) -> list[Path]:
    """Return what lies in the staging folders of workers."""
    folders = served.prearchive.glob(".staging/*")
    return [path for folder in folders for path in folder.iterdir()]
