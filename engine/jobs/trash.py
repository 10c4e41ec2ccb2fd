"""The prearchive's trash: deleted sessions stay for the time that the settings give, then they go
for good. What is in the archive's trash is never touched here."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from engine.archive.audit import record_triage
from engine.archive.prearchive.tables import SessionRow
from engine.jobs.delete import CARD
from engine.jobs.workshop import TRASH, Workshop, remove_tree


async def expire(shop: Workshop, *, now: datetime) -> tuple[str, ...]:
    """Remove what has been in the trash for too long; give the prearchive ids."""
    limit = now - timedelta(days=shop.settings.trash.prearchive_days)
    old = await asyncio.to_thread(_older, shop.prearchive / TRASH, limit)
    gone = []
    for folder in old:
        async with shop.prearchive_db.write() as transaction:
            # A deletion that is still under way needs its files to be given back.
            if await transaction.get(SessionRow, folder.name) is not None:
                continue
            record_triage(transaction, "engine", "Removed from the trash", folder.name)
        await asyncio.to_thread(remove_tree, folder)
        gone.append(folder.name)
    return tuple(gone)


def _older(trash: Path, limit: datetime) -> list[Path]:
    if not trash.is_dir():
        return []
    return [
        folder
        for folder in sorted(trash.iterdir())
        if (card := folder / CARD).exists()
        and datetime.fromtimestamp(card.stat().st_mtime, UTC) < limit
    ]
