# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from engine.archive.configuration import bump, version
from engine.database.connection import Database


async def test_every_change_counts_the_version_up(archive: Database) -> None:
    async def change() -> int:
        async with archive.write() as session:
            return await bump(session)

    assert sorted(await asyncio.gather(*(change() for _ in range(20)))) == list(range(1, 21))
    async with archive.read() as session:
        assert await version(session) == 20
