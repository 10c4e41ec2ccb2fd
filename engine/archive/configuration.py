# SPDX-License-Identifier: Apache-2.0
"""The number that every change of the configuration increments. Engines watch it and give their
workers a new snapshot when it has changed (intake contract 5)."""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import SettingsVersionRow
from engine.database.connection import insert_into

_ONLY = 1
_LOCK = 0x616E7476
"""The PostgreSQL advisory lock for changes of the configuration."""


async def lock(session: AsyncSession) -> None:
    """Let one transaction at a time change the configuration, so that what it has looked up still
    holds when it commits; on SQLite a writer is alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


async def version(session: AsyncSession) -> int:
    """Return the number of the configuration; 0 before the first change."""
    found = await session.scalar(
        select(SettingsVersionRow.number).where(SettingsVersionRow.id == _ONLY)
    )
    return found or 0


async def bump(session: AsyncSession) -> int:
    """Count the configuration up; call it in the transaction that changes it."""
    number = await session.scalar(
        insert_into(session, SettingsVersionRow)
        .values(id=_ONLY, number=1)
        .on_conflict_do_update(
            index_elements=[SettingsVersionRow.id],
            set_={"number": SettingsVersionRow.number + 1},
        )
        .returning(SettingsVersionRow.number)
    )
    return int(number or 0)
