# SPDX-License-Identifier: Apache-2.0
"""Settings that somebody has set while the engine runs, one row each. What they mean, and whether a
value is right, is said in `engine.model.site_settings`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import SiteSettingRow
from engine.model.site_settings import Given

_KIND = "setting"


async def all_of(session: AsyncSession) -> dict[str, Given]:
    """Return what was set, by name."""
    rows = await session.scalars(select(SiteSettingRow).order_by(SiteSettingRow.name))
    return {
        row.name: Given(value=row.value, by=row.by, at=row.at, reason=row.reason) for row in rows
    }


async def change(
    session: AsyncSession, values: Mapping[str, str | None], reason: str, *, actor: str
) -> None:
    """Set values, and with None let the settings file hold again."""
    await lock(session)
    changed = False
    for name, value in sorted(values.items()):
        row = await session.get(SiteSettingRow, name)
        was = row.value if row is not None else None
        if was == value:
            continue
        before = history.state(row) if row is not None else {}
        if row is not None:
            await session.delete(row)
            await session.flush()
        if value is not None:
            at = datetime.now(UTC)
            session.add(SiteSettingRow(name=name, value=value, at=at, by=actor, reason=reason))
        what = "Reset" if value is None else "Modified" if before else "Added"
        history.keep(session, _KIND, name, actor, what, before)
        detail = {"before": was, "after": value} | ({"reason": reason} if reason else {})
        record(session, actor, "Set", name, detail)
        changed = True
    if changed:
        await session.flush()
        await bump(session)
