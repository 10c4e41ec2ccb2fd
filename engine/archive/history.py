# SPDX-License-Identifier: Apache-2.0
"""The history of rows of the archive: their values before each change. Nothing is ever deleted from
it; who may read it is decided elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.tables import HistoryRow
from engine.database.columns import ArchiveTable
from engine.model.archive import HistoryEntry


def state(row: ArchiveTable) -> dict[str, Any]:
    """Return the columns of a row as JSON can hold them."""
    values = {column.key: getattr(row, column.key) for column in inspect(row).mapper.column_attrs}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def keep(
    session: AsyncSession,
    kind: str,
    object: str,
    actor: str,
    change: str,
    before: dict[str, Any] | None = None,
    *,
    reason: str = "",
) -> None:
    """Write down what `object` was before `change`; nothing when the change creates it."""
    session.add(
        HistoryRow(
            kind=kind,
            object=object,
            at=datetime.now(UTC),
            actor=actor,
            change=change,
            reason=reason,
            before=before or {},
        )
    )


async def of(session: AsyncSession, kind: str, object: str) -> tuple[HistoryEntry, ...]:
    """Return the history of one object, oldest first."""
    rows = await session.scalars(
        select(HistoryRow)
        .where(HistoryRow.kind == kind, HistoryRow.object == object)
        .order_by(HistoryRow.id)
    )
    return tuple(
        HistoryEntry(
            at=row.at, actor=row.actor, change=row.change, before=row.before, reason=row.reason
        )
        for row in rows
    )
