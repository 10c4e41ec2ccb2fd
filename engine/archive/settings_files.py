# SPDX-License-Identifier: Apache-2.0
"""What the settings file of each node says, noted when its engine starts: the file itself has no
past. What somebody has set while an engine ran is in `engine.archive.site_settings`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import history
from engine.archive.audit.trail import record
from engine.archive.configuration import bump, lock
from engine.archive.tables import SettingsFileRow

KIND = "settings file"
_ACTOR = "engine"


async def note(
    session: AsyncSession, node: str, said: Mapping[str, str], defaults: Mapping[str, str]
) -> None:
    """Note what the file of a node says; nothing where that is what it said at the last start.

    Args:
        said: all settings by section and name, passwords left out.
        defaults: what a file says that says nothing. A newer version has settings that an older one
            did not know: with their defaults, nobody has changed the file.
    """
    await lock(session)
    row = await session.get(SettingsFileRow, node)
    if row is None:
        session.add(SettingsFileRow(node=node, said=dict(said), at=datetime.now(UTC)))
        history.keep(session, KIND, node, _ACTOR, "Noted")
        return
    was = row.said
    if was == said:
        return
    history.keep(session, KIND, node, _ACTOR, "Changed", dict(was))
    row.said, row.at = dict(said), datetime.now(UTC)
    changed = {
        name: [before, text]
        for name, text in sorted(said.items())
        if (before := was.get(name, defaults.get(name))) != text
    }
    if changed:
        record(session, _ACTOR, "Settings file changed", node, {"changed": changed})
        await session.flush()
        await bump(session)
