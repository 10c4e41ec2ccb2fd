# SPDX-License-Identifier: Apache-2.0
"""Settings of the site, and what was configured at a moment."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.model.configured import ConfigurationChange, Configured
from engine.model.site_settings import SiteSetting


class SettingsApi(Protocol):
    """The settings of the site, and those of them that can be changed while the engine runs."""

    async def list(self) -> tuple[SiteSetting, ...]: ...
    async def set(self, values: dict[str, str], reason: str = "") -> tuple[SiteSetting, ...]:
        """Set values by name, written as in the settings file; they are in force at once."""
        ...

    async def reset(self, names: tuple[str, ...], reason: str = "") -> tuple[SiteSetting, ...]:
        """Let the settings file hold again."""
        ...


class MomentsApi(Protocol):
    """The configuration of the past: settings, receivers, remotes, projects, rules, scripts, users
    and roles. No secret is part of it."""

    async def at(self, moment: datetime) -> tuple[Configured, ...]:
        """Return what was configured at a moment, by kind and name."""
        ...

    async def diff(
        self, old: datetime, new: datetime | None = None
    ) -> tuple[ConfigurationChange, ...]:
        """Return what differs between two moments, or between one and now."""
        ...
