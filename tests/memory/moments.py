# SPDX-License-Identifier: Apache-2.0
"""The configuration of the past in memory: what a scene says, whatever the moment is."""

from __future__ import annotations

from datetime import datetime

from engine.model.configured import ConfigurationChange, Configured
from tests.memory.facts import Facts


class Moments:
    """The configuration of the past."""

    def __init__(self, facts: Facts, actor: str) -> None:
        self._facts = facts

    async def at(self, moment: datetime) -> tuple[Configured, ...]:
        """Return what a scene says, else the projects."""
        return self._facts.configured or tuple(
            Configured(kind="project", name=id, values={"title": project.title})
            for id, project in sorted(self._facts.projects.items())
        )

    async def diff(
        self, old: datetime, new: datetime | None = None
    ) -> tuple[ConfigurationChange, ...]:
        """Return what a scene says."""
        return self._facts.reconfigured
