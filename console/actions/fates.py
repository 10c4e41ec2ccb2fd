# SPDX-License-Identifier: Apache-2.0
"""What became of a session that is no longer in the prearchive. It only asks the engine, and
answers in one sentence without patient data."""

from __future__ import annotations

from console.views import figures
from engine.model.errors import EngineError
from engine.model.prearchive import PrearchiveSession
from engine.service.api import EngineApi

GONE = "it is not in the prearchive any more"


async def fate(engine: EngineApi, id: str, last: PrearchiveSession | None) -> str:
    """Say where a session went; `last` is what was known of it."""
    try:
        for one in await engine.prearchive.trash():
            if one.id == id:
                whom = f" by {one.by}" if one.by else ""
                until = figures.moment(one.until)[:10]
                return f"it was deleted{whom}; until {until} the trash has it"
        if last is not None and last.project is not None:
            card = await engine.archive.show(last.label, last.project)
            if card.origin == id:
                return f"it was archived as {card.accession}"
    except EngineError:
        # Whatever the reason, the session is not here.
        return GONE
    return GONE
