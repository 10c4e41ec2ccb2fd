# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from engine.archive.secrets import get_or_make
from engine.database.connection import Database


async def test_a_secret_is_made_once(archive: Database) -> None:
    async def get(name: str) -> bytes:
        async with archive.write() as session:
            return await get_or_make(session, name)

    keys = await asyncio.gather(*(get("uids") for _ in range(10)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert await get("other") != keys[0]
