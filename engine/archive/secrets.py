# SPDX-License-Identifier: Apache-2.0
"""Keys of this installation, generated on first use. They are never shown or exported; without them
hashed identifiers can no longer be recognised."""

from __future__ import annotations

import secrets as randomness

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import SecretRow
from engine.database.connection import insert_into

UIDS = "uids"
"""The name of the key from which mapped UIDs derive."""

_BYTES = 32


async def get_or_make(session: AsyncSession, name: str) -> bytes:
    """Return the key of that name, 32 random bytes, the same in every engine."""
    found = await session.scalar(select(SecretRow.value).where(SecretRow.name == name))
    if found is None:
        await session.execute(
            insert_into(session, SecretRow)
            .values(name=name, value=randomness.token_hex(_BYTES))
            .on_conflict_do_nothing()
        )
        # Another engine may have been first; its key is the one.
        found = await session.scalar(select(SecretRow.value).where(SecretRow.name == name))
    if found is None:
        raise RuntimeError(f"the secret {name} cannot be stored")
    return bytes.fromhex(found)
