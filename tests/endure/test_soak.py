# SPDX-License-Identifier: Apache-2.0
"""An engine that is never left alone, for as long as was asked: every fifth round a worker is
killed, every seventh the disk is full for a while. Accounts stay right, memory and descriptors stay
where they were."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from engine.model.accounts import Place
from tests.endure.processes import held_by
from tests.line.invariants import audit
from tests.line.serving import Served, settled
from tests.line.soaking import Soak
from tests.line.tracing import traced, workers_of

SECONDS = float(os.environ.get("ENDURE_SECONDS", "3600"))
MORE = 1.25
"""By how much memory may have grown from a tenth of the time to its end."""


async def test_nothing_grows_and_nothing_is_lost(
    serve: Callable[..., Served], tell: Callable[[str], None]
) -> None:
    served = serve(workers=2, build_after=1.0, cold=True)
    await served.start()

    @asynccontextmanager
    async def full() -> AsyncIterator[None]:
        """To its workers: the machine's own disk is not ours to fill."""
        async with traced(
            *workers_of(served.ready["pid"]),
            calls=["writev"],
            inject=["writev:error=ENOSPC"],
            note=served.home / "calls.txt",
        ):
            yield

    soak = Soak(served=served)
    began, early = time.monotonic(), None
    while (passed := time.monotonic() - began) < SECONDS:
        number = soak.rounds + 1
        await soak.round(kills=number % 5 == 0, full=full if number % 7 == 0 else None)
        if early is None and passed > SECONDS / 10:
            early = held_by(served.ready["pid"])
    async with served.asked() as engine:
        await settled(engine, objects=len(soak.answered))
    late = held_by(served.ready["pid"])
    assert await served.stop() == 0
    books = await audit(served.home)
    assert books.wrong == []
    assert set(books.waiting) == soak.answered
    assert books.received == len(soak.answered) + books.places[Place.DUPLICATE]
    assert early is not None
    tell(
        f"{soak.rounds} rounds in {time.monotonic() - began:.0f} s, {soak.killed} with kills: "
        f"{len(soak.answered)} objects, {books.places[Place.DUPLICATE]} duplicates, "
        f"{soak.refused} refused while the disk was full; resident {early.resident >> 20} -> "
        f"{late.resident >> 20} MiB, descriptors {early.descriptors} -> {late.descriptors}"
    )
    assert late.resident < early.resident * MORE
    assert late.descriptors <= early.descriptors + 20
