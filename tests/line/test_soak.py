# SPDX-License-Identifier: Apache-2.0
"""A short soak on a small disk, which really is full for a while: kills, duplicates, refusals; at
the end the accounts add up, and memory and descriptors are where they were. `make endure` soaks for
an hour."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from engine.model.accounts import Place
from tests.endure.processes import held_by
from tests.line.invariants import audit
from tests.line.serving import settled
from tests.line.small_disk import OnSmallDisk, disk
from tests.line.soaking import Soak

__all__ = ["disk"]

ROUNDS, WARM = 8, 3
"""Rounds in all, and after how many of them memory is looked at first."""
MORE = 1.15
"""By how much memory may have grown from then to the end."""


async def test_nothing_grows_and_nothing_is_lost(disk: Path, tmp_path: Path) -> None:
    settings = {
        "session": {"build_after": 0.5, "check_every": 0.1},
        "dicom": {"workers": 2},
        "anonymization": {"site_script": False},
    }
    served = OnSmallDisk(disk / "home", settings)
    await served.start()

    @asynccontextmanager
    async def full() -> AsyncIterator[None]:
        filler = served.fill()
        yield
        filler.unlink()

    try:
        soak = Soak(served=served, objects=20)
        for number in range(1, WARM + 1):
            await soak.round(kills=number == 2, full=full if number == 3 else None)
        early = held_by(served.ready["pid"])
        for number in range(WARM + 1, ROUNDS + 1):
            await soak.round(kills=number % 4 == 2, full=full if number % 4 == 0 else None)
        async with served.asked() as engine:
            await settled(engine, objects=len(soak.answered))
        late = held_by(served.ready["pid"])
        home = tmp_path / "kept"
        assert await served.stop_and_keep(home) == 0
    finally:
        await served.kill()
    books = await audit(home)
    assert books.wrong == []
    assert set(books.waiting) == soak.answered
    assert books.received == len(soak.answered) + books.places[Place.DUPLICATE]
    # A full disk may have no room to say so: what is refused is not promised to be counted.
    assert soak.refused
    assert soak.killed
    assert late.resident < early.resident * MORE
    assert late.descriptors <= early.descriptors + 10
