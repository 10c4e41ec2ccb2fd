# SPDX-License-Identifier: Apache-2.0
"""The site script in the way of what real senders send: whatever it removes is nowhere in the home,
what it rejects and fails with is answered, counted and kept as promised, and a kill at any moment
shows nobody what it would have removed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from engine.model.accounts import Place
from engine.service.remote import RemoteEngine
from engine.storage.file_system import abilities_of
from tests.line.invariants import audit
from tests.line.promises import TRACED, proven
from tests.line.serving import Served, sessions, settled, until
from tests.line.tracing import traced, worker_of
from tests.line.wire import MR_IMAGE, Aborted, RawSender

MARK = "Zyxwvut"
"""Stands in everything that the script removes, and nowhere else."""
UID_MARK = "9876504321"
REMOVES = """version "6.7"
removeAllPrivateTags
- */(0010,0010)
- */(0008,0090)
- (0010,1001)
- (0010,4000)
- (0040,0275)
- (FFFC,FFFC)
(0008,1030) := format["{0} {1}", subject, session]
(0010,0020) := session
(0020,000D) := hashUID[(0020,000D)]
(0020,000E) := hashUID[(0020,000E)]
(0008,0018) := hashUID[(0008,0018)]
"""
DECIDES = """version "6.7"
(0020,0013) = "1" ? reject[]
(0020,0013) = "2" ? (0010,0020) := substring["abc", 5, 9]
- (0010,0010)
"""


def planted(number: int) -> Dataset:
    """Return an MR image with the mark in every kind of place."""
    path = get_testdata_file("MR_small.dcm")
    assert isinstance(path, str)
    dataset = pydicom.dcmread(path)
    dataset.PatientName = f"{MARK}^A"
    dataset.OtherPatientNames = f"{MARK}^B"
    dataset.ReferringPhysicianName = f"{MARK}^C"
    dataset.PatientComments = f"Project:P Subject:S1 Session:S1_MR {MARK}"
    inner, outer = Dataset(), Dataset()
    inner.PatientName, inner.ReferringPhysicianName = f"{MARK}^D", f"{MARK}^E"
    outer.ReferencedStudySequence = Sequence([inner])
    dataset.RequestAttributesSequence = Sequence([outer])
    dataset.ReferencedImageSequence = Sequence([inner])
    block = dataset.private_block(0x0019, f"{MARK} 1.0", create=True)
    block.add_new(1, "LO", MARK)
    behind = dataset.private_block(0x7FE1, f"{MARK} 2.0", create=True)
    behind.add_new(1, "LO", MARK)
    dataset.DataSetTrailingPadding = MARK.encode() + b"\0"
    dataset.StudyInstanceUID = f"1.2.{UID_MARK}"
    dataset.SeriesInstanceUID = f"1.2.{UID_MARK}.1"
    dataset.SOPInstanceUID = f"1.2.{UID_MARK}.1.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationVersionName = MARK
    dataset.file_meta.SourceApplicationEntityTitle = MARK
    dataset.InstanceNumber = number
    return dataset


def encoded(dataset: Dataset) -> bytes:
    """Return the data set as bytes, in Explicit VR Little Endian."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    data = buffer.getvalue()
    return data[144 + int.from_bytes(data[140:144], "little") :]


async def stored(sender: RawSender, number: int) -> int:
    """Send an image; return the status of the answer."""
    dataset = planted(number)
    uid = str(dataset.SOPInstanceUID)
    said = await sender.store(encoded(dataset), sop_instance=uid, sop_class=MR_IMAGE)
    return said.status


def found(home: Path, mark: str) -> list[str]:
    """Name every file below a folder that holds a text, or bears it in its name."""
    return sorted(
        str(path.relative_to(home))
        for path in home.rglob("*")
        if mark in path.name or (path.is_file() and mark.encode() in path.read_bytes())
    )


async def scripted(served: Served, text: str) -> None:
    """Start an engine and put a site script into force."""
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add("P")
        await engine.projects.set("P", {"prearchive_code": "0"})
        await engine.scripts.set("site", text)
        await engine.scripts.enable("site")


@pytest.mark.parametrize("keep", ["triage", "off"])
async def test_what_the_script_removes_is_nowhere_in_the_home(
    serve: Callable[..., Served], tmp_path: Path, keep: str
) -> None:
    anonymization = {"site_script": False, "keep_originals": keep}
    served = serve(build_after=0.3, anonymization=anonymization)
    await scripted(served, REMOVES)
    for number, syntax in enumerate((ExplicitVRLittleEndian, ImplicitVRLittleEndian), 1):
        dataset = planted(number)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.save_as(tmp_path / f"{number}.dcm", implicit_vr=syntax.is_implicit_VR)
    options = ("-xe", "-xi")
    for number, option in enumerate(options, 1):
        assert await served.store(tmp_path / f"{number}.dcm", options=(option,)) == 0
    async with served.asked() as engine:
        (row,) = await settled(engine, objects=2)
        assert (row.project, row.label, row.subject) == ("P", "S1_MR", "S1")
        kept = [name for name in found(served.home, MARK) if "/.originals/" not in f"/{name}"]
        assert kept == []
        originals = found(served.home / "prearchive" / ".originals", MARK)
        assert bool(originals) is (keep == "triage")
        # What was received is known by its UIDs, to find it again; in files they are others.
        folder = served.prearchive / "P"
        assert found(folder, UID_MARK) == []
        files = list(folder.rglob("*.dcm"))
        assert {pydicom.dcmread(path).StudyDescription for path in files} == {"S1 S1_MR"}
        assert await served.store(tmp_path / "1.dcm") == 0
        await until(engine, lambda: _counted(engine, Place.DUPLICATE, 1))
        await engine.prearchive.delete((row.id,))

        async def gone() -> bool:
            return not await sessions(engine)

        await until(engine, gone)
    assert found(served.home, MARK) == []
    assert await served.stop() == 0
    assert found(served.home, MARK) == []


async def _counted(engine: RemoteEngine, place: Place, count: int) -> bool:
    return (await engine.system.status()).accounts.at(place) == count


async def test_a_success_is_sent_once_what_it_stands_for_is_durable(
    serve: Callable[..., Served],
) -> None:
    served = serve(build_after=0.3)
    await scripted(served, DECIDES)
    worker = worker_of(served.ready["pid"])

    async def sent(first: int, last: int, *, rejecting: bool = False) -> tuple[int, int]:
        note = served.home / "calls.txt"
        async with (
            traced(worker, calls=TRACED, note=note) as trace,
            RawSender.associated(served.port, classes=(MR_IMAGE,)) as sender,
        ):
            for number in range(first, last + 1):
                assert await stored(sender, number) == 0
        proof = proven(trace, rejecting=rejecting)
        return len(proof.stored), len(proof.counted)

    assert await sent(1, 1, rejecting=True) == (0, 1)
    assert await sent(2, 5) == (4, 0)
    assert await sent(3, 5) == (0, 3)
    async with served.asked() as engine:
        await settled(engine, objects=3)
        await until(engine, lambda: _counted(engine, Place.DUPLICATE, 3))
        accounts = (await engine.system.status()).accounts
        assert (accounts.received, accounts.at(Place.WAITING)) == (8, 3)
        assert (accounts.at(Place.REJECTED), accounts.at(Place.HELD)) == (1, 1)
        (line,) = await engine.live.ledger(limit=10, outcome="rejected")
        assert (line.rule, line.count) == ("site v2:2", 1)
    assert await served.stop() == 0
    assert (await audit(served.home)).wrong == []


PLAIN_CALLS = ("writev", "fdatasync", "link", "fsync", "write", "sendto")
NAMED_LATER_CALLS = ("writev", "fdatasync", "linkat", "fsync", "write", "sendto")
"""The calls behind an object, where files are named once they are written."""


@pytest.mark.parametrize("step", range(len(PLAIN_CALLS)), ids=PLAIN_CALLS)
async def test_a_worker_killed_at_any_call_shows_nothing_and_loses_nothing(
    serve: Callable[..., Served], step: int
) -> None:
    served = serve(build_after=0.3)
    await scripted(served, REMOVES)
    named_later = abilities_of(served.prearchive).unnamed
    call = (NAMED_LATER_CALLS if named_later else PLAIN_CALLS)[step]
    async with served.asked() as engine:
        answered = await _until_killed(served, call)
        assert found(served.prearchive / "P", MARK) == []
        assert len(answered) < 6
        await served.kill()
    await served.start()
    async with served.asked() as engine:
        assert found(served.prearchive / "P", MARK) == []
        async with RawSender.associated(served.port, classes=(MR_IMAGE,)) as sender:
            for number in range(1, 7):
                assert await stored(sender, number) == 0
        await settled(engine, objects=6)
        accounts = (await engine.system.status()).accounts
        assert accounts.at(Place.WAITING) == 6
        assert accounts.at(Place.DUPLICATE) >= len(answered)
        assert len(list(served.prearchive.glob("P/*/*/SCANS/*/*/*.dcm"))) == 6
    assert await served.stop() == 0
    assert (await audit(served.home)).wrong == []


async def _until_killed(served: Served, call: str) -> list[int]:
    """Send until the worker dies at its fourth call of a kind; return what was answered."""
    worker = worker_of(served.ready["pid"])
    note = served.home / "calls.txt"
    answered = []
    async with traced(worker, calls=(call,), inject=(f"{call}:signal=SIGKILL:when=4",), note=note):
        try:
            async with RawSender.associated(served.port, classes=(MR_IMAGE,)) as sender:
                for number in range(1, 7):
                    assert await stored(sender, number) == 0
                    answered.append(number)
        except (OSError, Aborted, asyncio.IncompleteReadError):
            pass  # the worker is gone
    return answered
