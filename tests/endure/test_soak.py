# SPDX-License-Identifier: Apache-2.0
"""An engine that is never left alone: studies over several associations at once, sent again,
broken off, with killed workers, for as long as was asked. Accounts stay right, memory and
descriptors stay where they were."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import time
from collections.abc import Callable

from engine.model.accounts import Place
from tests.endure.processes import held_by
from tests.line.interrupting import kill_worker
from tests.line.invariants import audit
from tests.line.sending import make_study, send
from tests.line.serving import Served, settled

SECONDS = float(os.environ.get("ENDURE_SECONDS", "3600"))
OBJECTS, AT_ONCE = 40, 3
MORE = 1.25
"""By how much memory may have grown from a tenth of the time to its end."""


async def test_nothing_grows_and_nothing_is_lost(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    chance = random.Random(7)
    served = serve(workers=2, build_after=1.0, cold=True)
    await served.start()
    began, rounds, studies = time.monotonic(), 0, 0
    answered: set[str] = set()
    early = None
    while (passed := time.monotonic() - began) < SECONDS:
        rounds += 1
        batch = [make_study(studies + each + 1, OBJECTS) for each in range(AT_ONCE)]
        studies += AT_ONCE
        for turn in range(2):  # the second time they are duplicates
            if turn == 0 and rounds % 5 == 0:
                asyncio.get_running_loop().call_later(0.2, kill_worker, served, chance.randrange(2))
            sent = await asyncio.gather(
                *(asyncio.to_thread(send, served.port, objects) for objects in batch)
            )
            answered |= {uid for one in sent for uid in one}
        for _ in range(5):  # connections that ask for nothing, and go
            socket.create_connection(("127.0.0.1", served.port)).close()
        for objects in batch:  # what a killed worker has not taken
            left = [each for each in objects if str(each.SOPInstanceUID) not in answered]
            if left:
                answered |= set(await asyncio.to_thread(send, served.port, left))
        if early is None and passed > SECONDS / 10:
            early = held_by(served.ready["pid"])
    async with served.asked() as engine:
        await settled(engine, objects=len(answered))
    late = held_by(served.ready["pid"])
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert set(books.waiting) == answered
    assert books.received == len(answered) + books.places[Place.DUPLICATE]
    assert early is not None
    tell(
        f"{rounds} rounds in {time.monotonic() - began:.0f} s: {len(answered)} objects, "
        f"{books.places[Place.DUPLICATE]} duplicates; resident {early.resident >> 20} -> "
        f"{late.resident >> 20} MiB, descriptors {early.descriptors} -> {late.descriptors}"
    )
    assert late.resident < early.resident * MORE
    assert late.descriptors <= early.descriptors + 20
