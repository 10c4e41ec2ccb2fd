# SPDX-License-Identifier: Apache-2.0
"""The disk that fills: foretold, refused before it is full, and served again with room."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.intake.answers import OUT_OF_RESOURCES
from engine.intake.ends import store_failed
from engine.intake.journal import Outcome
from engine.model.health import Finding
from engine.model.reserve import RESERVED, Watermark, room
from engine.service.disk import SPAN, DiskNow, DiskWatch
from engine.service.event_buffer import EventBuffer
from engine.service.store_checks import disk_check
from engine.storage.staging import LOOK_SECONDS, NoRoom, StagingArea

GIB = 1024**3


class Disk:
    """A disk of 100 GiB, as statvfs tells it."""

    def __init__(self) -> None:
        self.free = 50 * GIB
        self.looks = 0
        self.threads: set[int] = set()

    def statvfs(self, _folder: object) -> Any:
        self.looks += 1
        self.threads.add(threading.get_ident())
        return SimpleNamespace(
            f_bavail=self.free, f_bfree=self.free, f_frsize=1, f_blocks=100 * GIB
        )


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    made = Disk()
    monkeypatch.setattr(os, "statvfs", made.statvfs)
    return made


@pytest.mark.parametrize(
    ("watermark", "total", "keep"),
    [
        (Watermark(), 100 * GIB, RESERVED),
        (Watermark(keep=GIB, percent=1.0), 50 * GIB, GIB),
        (Watermark(keep=GIB, percent=3.0), 50 * GIB, int(1.5 * GIB)),
        (Watermark(keep=GIB), 5 * GIB, GIB // 2),
        (Watermark(keep=GIB), 100 * 1024**2, RESERVED),
    ],
)
def test_what_stays_free(watermark: Watermark, total: int, keep: int) -> None:
    assert watermark.of(total) == keep


def test_a_worker_looks_once_a_second_and_refuses_in_time(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [1000.0]
    monkeypatch.setattr("engine.storage.staging.time.monotonic", lambda: moment[0])
    area = StagingArea(tmp_path / ".staging", "w1")
    area.watermark = Watermark(keep=GIB)

    def begin(name: str) -> None:
        area.new_file(name).discard()

    for number in range(50):
        begin(f"a{number}")
    assert disk.looks == 1
    disk.free = GIB - 1
    begin("held for as long as a look")
    moment[0] += LOOK_SECONDS
    for number in range(50):
        with pytest.raises(NoRoom) as refused:
            begin(f"b{number}")
    assert disk.looks == 2
    told = store_failed(refused.value)
    assert (told.status, told.outcome) == (OUT_OF_RESOURCES, Outcome.REFUSED)
    assert told.reason == "the disk is nearly full"
    disk.free = GIB
    moment[0] += LOOK_SECONDS
    begin("there is room again")
    # Without a watermark only the room of the databases is kept, and that is a fault of the disk.
    area.watermark = None
    disk.free = RESERVED - 1
    moment[0] += LOOK_SECONDS
    with pytest.raises(OSError, match="No space") as full:
        begin("c")
    assert not isinstance(full.value, NoRoom)


def watch(moment: list[float], buffer: EventBuffer) -> DiskWatch:
    return DiskWatch(Path("/"), lambda: Watermark(keep=GIB), buffer, clock=lambda: moment[0])


async def test_when_a_disk_will_be_full_is_told_from_the_last_hour(disk: Disk) -> None:
    moment = [0.0]
    seen = watch(moment, EventBuffer())
    assert (await seen.look()).full_in is None
    for _ in range(4):
        moment[0] += 60.0
        disk.free -= GIB
        assert (await seen.look()).full_in is None
    moment[0] += 60.0
    disk.free -= GIB
    # 5 GiB in 5 minutes, and 44 are left above what stays free.
    assert (await seen.look()).full_in is not None
    full_in = (await seen.now()).full_in
    assert full_in == pytest.approx(44 * 60)
    # What was long ago counts no more.
    for _ in range(4):
        moment[0] += SPAN / 2
        now = await seen.look()
    assert now.full_in is None


async def test_that_senders_are_refused_is_an_event_and_a_finding(disk: Disk) -> None:
    buffer = EventBuffer()
    seen = watch([0.0], buffer)
    await seen.look()
    disk.free = GIB // 2
    assert (await seen.look()).refuses
    await seen.look()
    check = disk_check("prearchive disk", await seen.now())
    assert check.finding is Finding.FAILED
    assert check.found.endswith("1.1 GB are to stay free")
    disk.free = 2 * GIB
    assert not (await seen.look()).refuses
    texts = [(one.severity, one.text) for one in (await buffer.after(buffer.epoch, 0)).events]
    assert [severity for severity, _ in texts] == ["error", "info"]
    assert "senders are refused" in texts[0][1]


async def test_a_disk_at_its_mark_is_told_once_and_measured_in_a_thread(disk: Disk) -> None:
    buffer = EventBuffer()
    seen = watch([0.0], buffer)
    for free in (GIB - 1, GIB, GIB - 1, GIB + GIB // 20 - 1, GIB - 1):
        disk.free = free
        assert (await seen.look()).refuses is (free < GIB)
    await seen.now()
    events = (await buffer.after(buffer.epoch, 0)).events
    assert [event.severity for event in events] == ["error"]
    disk.free = GIB + GIB // 20 + 1
    await seen.look()
    events = (await buffer.after(buffer.epoch, 0)).events
    assert [event.severity for event in events] == ["error", "info"]
    assert disk.threads and threading.get_ident() not in disk.threads


@pytest.mark.parametrize(
    ("hours", "finding", "said"),
    [
        (30, Finding.GOOD, "; prearchive full in 1 day at the last rate"),
        (5, Finding.LOOK, "; prearchive full in 5 hours at the last rate"),
        (1, Finding.FAILED, "; prearchive full in 1 hour at the last rate"),
    ],
)
async def test_a_countdown(
    disk: Disk, tmp_path: Path, hours: int, finding: Finding, said: str
) -> None:
    now = DiskNow(free=50 * GIB, total=100 * GIB, keep=GIB, full_in=hours * 3600.0)
    check = disk_check("prearchive disk", now)
    assert (check.finding, check.found.endswith(said)) == (finding, True)
    assert room(tmp_path) == (50 * GIB, 100 * GIB)
