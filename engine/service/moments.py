# SPDX-License-Identifier: Apache-2.0
"""What was configured at any moment, and what has changed between two."""

from __future__ import annotations

from datetime import datetime

from engine.archive import moments
from engine.jobs.context import JobContext
from engine.model.configured import ConfigurationChange, Configured


class Moments:
    """The configuration of the past."""

    def __init__(self, context: JobContext) -> None:
        """Ask one archive."""
        self._archive = context.archive_db

    async def at(self, moment: datetime) -> tuple[Configured, ...]:
        """Return what was configured at a moment."""
        async with self._archive.read() as transaction:
            return await moments.at(transaction, moment)

    async def diff(
        self, old: datetime, new: datetime | None = None
    ) -> tuple[ConfigurationChange, ...]:
        """Return what differs between two moments, or between one and now."""
        async with self._archive.read() as transaction:
            return await moments.diff(transaction, old, new or moments.now())
