# SPDX-License-Identifier: Apache-2.0
"""Writes down who has looked at a patient's headers, originals or files, and who was refused: each
once in a while, so that the trail tells it without drowning in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.archive.audit.trail import record
from engine.database.connection import Database
from engine.model.comparison import Comparison, Version
from engine.model.errors import EngineError, Refused
from engine.model.people import Actor
from engine.model.scripts import SITE
from engine.service.once import Once

LOOKS_EVERY = 3600.0
"""Seconds in which a person's looks at a session are one event."""
REFUSALS_EVERY = 60.0
"""Seconds in which the same refusal is one event: who asks without end fills no trail."""

LOOKED_AT: Mapping[str, str] = {
    "prearchive.header": "headers",
    "prearchive.done": "originals",
    "prearchive.contradictions": "originals",
    "prearchive.to_come": "headers",
    "prearchive.route": "originals",
    "findings.list": "headers",
    "held.header": "originals",
    "archive.header": "headers",
    "scripts.try_out": "originals",
    "archive.read": "files",
    "pictures.waiting": "pictures",
    "pictures.filed": "pictures",
}
"""By verb what of a session is looked at."""


class Witness:
    """Of one engine."""

    def __init__(self, archive: Database) -> None:
        """Write into one trail."""
        self._archive = archive
        self._looks = Once(LOOKS_EVERY)
        self._refusals = Once(REFUSALS_EVERY)

    async def answered(
        self, address: str, actor: Actor, arguments: Mapping[str, Any], result: object
    ) -> None:
        """Write down what an answered verb has shown, if it has shown a patient's data."""
        if isinstance(result, Comparison):
            # By what they are found to be: what was asked for may be a label.
            for side in (result.left, result.right):
                is_original = side.part.version is Version.RECEIVED
                await self._looked(actor, side.session, "originals" if is_original else "headers")
        elif (what := LOOKED_AT.get(address)) is not None:
            if arguments.get("scope", SITE) != SITE:
                # A project's script sees what stands there now.
                what = "headers"
            session = arguments["id" if "id" in arguments else "session"]
            await self._looked(actor, session, what)

    async def _looked(self, actor: Actor, session: str, what: str) -> None:
        if what == "originals" and not actor.sees_originals:
            what = "headers"
        if self._looks.is_due(actor.name, session, what):
            async with self._archive.write() as transaction:
                record(transaction, actor.name, "Looked at", session, {"what": what})

    async def refused(self, address: str, actor: Actor, error: EngineError) -> None:
        """Write a refusal down. What was named is left out: it may be anything, a patient too."""
        said = error.message if isinstance(error, Refused) else error.code
        if self._refusals.is_due(actor.name, actor.known, address, said):
            async with self._archive.write() as transaction:
                record(transaction, actor.name, "Refused", address, {"error": said})
