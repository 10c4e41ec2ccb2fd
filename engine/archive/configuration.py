"""The number that every change of configuration counts up. Engines watch it and give their workers
a new snapshot when it has risen (intake contract 5)."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.database import insert_into
from engine.archive.tables import SettingsVersionRow

_ONLY = 1


async def version(session: AsyncSession) -> int:
    """Give the number of the configuration; 0 before the first change."""
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
