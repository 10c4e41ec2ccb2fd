# SPDX-License-Identifier: Apache-2.0
"""Settings in memory, over those of an empty settings file."""

from __future__ import annotations

from engine.model import site_settings
from engine.model.settings import Settings
from engine.model.site_settings import Given, SiteSetting
from tests.memory.facts import Facts
from tests.memory.people import NOW


class SiteSettings:
    """How the site is set up."""

    def __init__(self, facts: Facts, actor: str) -> None:
        self._given = facts.settings
        self._actor = actor

    async def list(self) -> tuple[SiteSetting, ...]:
        """Return all settings."""
        return site_settings.listed(Settings(), self._given)

    async def set(self, values: dict[str, str], reason: str = "") -> tuple[SiteSetting, ...]:
        """Set values by name."""
        read = {name: site_settings.read(name, text) for name, text in values.items()}
        Settings().override(read)
        self._given |= {
            name: Given(value=text, by=self._actor, at=NOW, reason=reason)
            for name, text in values.items()
        }
        return await self.list()

    async def reset(self, names: tuple[str, ...], reason: str = "") -> tuple[SiteSetting, ...]:
        """Let the settings file hold again."""
        for name in names:
            site_settings.check(name)
            self._given.pop(name, None)
        return await self.list()
