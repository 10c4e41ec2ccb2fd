# SPDX-License-Identifier: Apache-2.0
"""A backup while three hundred objects a second arrive over three associations, are built and
filed; restored elsewhere, whatever was answered before it began is there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bench.objects import PROJECT, Instance, Template
from bench.sender import send
from tests.line.invariants import audit
from tests.line.serving import AE_TITLE, Served
from tests.line.test_backup import backed_up, restored

RATE, LANES, STUDY, SIDE = 300, 3, 200, 256
"""Objects a second in all, associations, objects of a study, pixels in a row (128 KiB each)."""
BEFORE, AFTER = 10, 3
"""Seconds of sending before the backup begins and after it has ended."""


class Sender:
    """Sends studies over one association after the other, and knows what was answered."""

    def __init__(self, lane: int, port: int, ended: threading.Event) -> None:
        """Send from lane `lane` until `ended`."""
        self.answered: list[str] = []
        self._lane, self._port, self._ended = lane, port, ended

    def run(self) -> None:
        """Send; meant for a thread of its own."""
        template, number = Template(SIDE), 0
        while not self._ended.is_set():
            number += 1
            study = template.study(1000 * self._lane + number, STUDY)
            send("127.0.0.1", self._port, AE_TITLE, self._each(study), RATE / LANES)

    def _each(self, study: list[Instance]) -> Iterator[Instance]:
        """Yield one after the other: the next is asked for when the one before was answered."""
        for instance in study:
            yield instance
            self.answered.append(instance.sop)
            if self._ended.is_set():
                return


async def test_a_backup_while_three_hundred_objects_a_second_arrive(
    serve: Callable[..., Served], tmp_path: Path, tell: Callable[[str], None]
) -> None:
    served = serve(build_after=2, workers=2, cold=True)
    await served.start()
    async with served.asked() as engine:
        await engine.projects.add(PROJECT)
        await engine.projects.set(PROJECT, {"prearchive_code": "4"})
    ended = threading.Event()
    senders = [Sender(lane, served.port, ended) for lane in range(1, LANES + 1)]
    lanes = [asyncio.ensure_future(asyncio.to_thread(each.run)) for each in senders]

    def answered() -> list[str]:
        return [sop for each in senders for sop in list(each.answered)]

    began = time.monotonic()
    try:
        await asyncio.sleep(BEFORE)
        before = set(answered())
        start = time.monotonic()
        told = await backed_up(served, tmp_path / "backups")
        taken = time.monotonic() - start
        meanwhile = len(answered()) - len(before)
        await asyncio.sleep(AFTER)
    finally:
        ended.set()
        await asyncio.gather(*lanes)
    seconds, everything = time.monotonic() - began, len(answered())
    assert await served.stop() == 0
    await restored(serve, tmp_path / "backups")
    books = await audit(tmp_path / "elsewhere")
    assert books.wrong == []
    assert before - set(books.kept) == set()
    tell(
        f"{everything} objects of {SIDE * SIDE * 2 >> 10} KiB in {seconds:.1f} s "
        f"({everything / seconds:.0f}/s); {meanwhile} in the {taken:.1f} s of the backup "
        f"({meanwhile / taken:.0f}/s), of {told['copied']} copied and {told['linked']} linked "
        f"files; {len(before)} answered before it, all restored"
    )
