# SPDX-License-Identifier: Apache-2.0
"""Scan types that a project has used before. The first type given to a series description is kept,
so that a project's scans are named consistently."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import ScanTypeRow
from engine.database.connection import insert_into

_LONGEST = 255


async def learned(session: AsyncSession, project: str) -> dict[str, str]:
    """Return the types of a project by normal series description."""
    rows = await session.execute(
        select(ScanTypeRow.description, ScanTypeRow.type).where(ScanTypeRow.project == project)
    )
    return {description: type for description, type in rows.all()}


async def learn(session: AsyncSession, project: str, types: Mapping[str, str]) -> None:
    """Remember types by normal description; what is known already stays."""
    rows = [
        {"project": project, "description": description, "type": type}
        for description, type in sorted(types.items())
        if description and len(description) <= _LONGEST and len(type) <= _LONGEST
    ]
    if rows:
        await session.execute(
            insert_into(session, ScanTypeRow).values(rows).on_conflict_do_nothing()
        )
