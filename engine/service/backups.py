# SPDX-License-Identifier: Apache-2.0
"""Backups of a home, for the command line: made, checked, and restored from. None of this asks an
engine (`engine.backup.make` says why); whoever may read the home's files may do it. The audit trail
has each backup, and in a restored home the restoration."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path

from engine.archive.audit.trail import record
from engine.backup import check, make, manifest, restore
from engine.backup.pile import Told
from engine.database.connection import Database
from engine.model import settings_file
from engine.model.access import user_name
from engine.model.backups import Backup, Made, Restored
from engine.model.errors import NotFound, Refused
from engine.model.home import Home


def back_up(home: Home, target: Path, *, told: Told) -> Made:
    """Make a backup of a home in a folder that is empty or holds former ones; `engine.backup.make`
    tells what it raises."""
    if not home.exists:
        raise NotFound(f"there is no home {home.root}", hint="name it with --home")
    settings = settings_file.load(home.settings_file)
    if not os.access(settings.paths.prearchive, os.R_OK | os.W_OK | os.X_OK):
        raise Refused(
            f"you may not read the prearchive {settings.paths.prearchive}",
            hint="run this as the user who runs the engine",
        )
    made = make.back_up(home, settings, target, told=told)
    detail = {"backup": Path(made.backup.path).name, "files": made.backup.files}
    asyncio.run(_record(settings.databases.archive_url, "Backed up", detail))
    return made


def verify(target: Path, *, told: Told) -> Backup:
    """Read a backup, or the newest one in a folder, and compare every file with its manifest."""
    found = manifest.find(target)
    check.check(found, told=told)
    return found.told


def bring_back(
    source: Path, home: Home, *, told: Told, urls: Mapping[str, str] | None = None
) -> Restored:
    """Make a home of a backup; `engine.backup.restore` tells what it raises."""
    restored = restore.restore(source, home, told=told, urls=urls)
    settings = settings_file.load(home.settings_file)
    detail = {"backup": Path(restored.backup.path).name, "files": restored.backup.files}
    asyncio.run(_record(settings.databases.archive_url, "Restored from a backup", detail))
    return restored


async def _record(url: str, action: str, detail: dict[str, object]) -> None:
    """Write an event into the outbox, from which an engine takes it, now or when it starts."""
    database = Database.open(url)
    try:
        async with database.write() as transaction:
            record(transaction, user_name(os.geteuid()), action, "home", detail)
    finally:
        await database.close()
