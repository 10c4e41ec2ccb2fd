# SPDX-License-Identifier: Apache-2.0
"""Writes down who has looked at a patient's headers, originals or files: once for each person,
session and hour, so that the trail tells it without drowning in it."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from engine.archive.audit.trail import record
from engine.database.connection import Database
from engine.model.people import Actor

_HOUR = 3600.0
_MOST = 20_000
"""Looks that are remembered; of more the oldest are written down once more."""

LOOKED_AT: Mapping[str, str] = {
    "prearchive.header": "headers",
    "prearchive.changes": "originals",
    "prearchive.contradictions": "originals",
    "prearchive.preview": "headers",
    "prearchive.route": "originals",
    "archive.header": "headers",
    "archive.read": "files",
}
"""By verb what of a session is looked at."""


class Looks:
    """Of one engine."""

    def __init__(self, archive: Database) -> None:
        """Write into one trail."""
        self._archive = archive
        self._seen: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    async def note(self, address: str, actor: Actor, arguments: Mapping[str, Any]) -> None:
        """Write down what an answered verb has shown, if it has shown a patient's data."""
        what = LOOKED_AT.get(address)
        if what is None:
            return
        if what == "originals" and not actor.sees_originals:
            what = "headers"
        look = (actor.name, arguments["id"], what)
        now = time.monotonic()
        last = self._seen.get(look)
        if last is not None and now - last < _HOUR:
            return
        self._seen[look] = now
        self._seen.move_to_end(look)
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
        async with self._archive.write() as transaction:
            record(transaction, actor.name, "Looked at", look[1], {"what": what})
