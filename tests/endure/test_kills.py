# SPDX-License-Identifier: Apache-2.0
"""Many kills, one after the other, on one home that lives through all of them: whatever is killed
while objects arrive, and at whatever stage, what was answered with success exists once."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable
from functools import partial

from engine.model.accounts import Place
from tests.line.interrupting import STAGES, Interrupted, kill_engine, kill_group, kill_worker
from tests.line.invariants import audit
from tests.line.sending import make_study, send
from tests.line.serving import Served

KILLS = int(os.environ.get("ENDURE_KILLS", "300"))
OBJECTS = 60
"""Objects of a study; each is killed at until its study is whole."""
BETWEEN = 25
"""Kills between two looks at all of the home."""


async def test_hundreds_of_kills_lose_nothing(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    chance = random.Random(2026)
    served = serve(workers=2)
    await served.start()
    kills = studies = 0
    answered: set[str] = set()
    while kills < KILLS:
        studies += 1
        objects = make_study(studies, OBJECTS, size=20_000)
        for _ in range(4):
            left = [each for each in objects if str(each.SOPInstanceUID) not in answered]
            kill = chance.choice(
                [
                    partial(kill_worker, served, chance.randrange(2)),
                    partial(kill_engine, served),
                    partial(kill_group, served),
                ]
            )
            watch = Interrupted(
                served.prearchive,
                after=chance.randrange(max(1, len(left) - 4)) + 1,
                stage=chance.choice(STAGES),
            )
            answered |= set(await asyncio.to_thread(watch.send, served.port, left, kill))
            kills += watch.killed
            if watch.killed and kill.func is not kill_worker:
                assert served.process is not None
                await served.process.wait()
                await served.start()
        # What is missing, and some that are there already.
        answered |= set(await asyncio.to_thread(send, served.port, objects))
        if kills % BETWEEN < 4 or kills >= KILLS:
            assert await served.stop() == 0
            books = await audit(served.home)
            assert books.wrong == []
            assert set(books.waiting) == answered
            assert books.received == len(answered) + books.places[Place.DUPLICATE]
            await served.start()
    assert len(answered) == studies * OBJECTS
    tell(f"{kills} kills, {len(answered)} objects of {studies} studies, none lost or doubled")
