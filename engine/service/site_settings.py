# SPDX-License-Identifier: Apache-2.0
"""The settings of the site, on behalf of an actor: how each stands, and changing those that can be
changed while the engine runs."""

from __future__ import annotations

from engine.archive import site_settings as kept
from engine.jobs.context import JobContext
from engine.model import site_settings
from engine.model.errors import InvalidInput
from engine.model.settings import Settings
from engine.model.site_settings import Given, SiteSetting
from engine.service.configuration import Apply

_LONGEST_REASON = 400


class SiteSettings:
    """How the site is set up."""

    def __init__(self, context: JobContext, file: Settings, apply: Apply, actor: str) -> None:
        """`file` is what the settings file said when the engine started."""
        self._archive = context.archive_db
        self._file = file
        self._apply = apply
        self._actor = actor

    async def list(self) -> tuple[SiteSetting, ...]:
        """Return all settings."""
        async with self._archive.read() as transaction:
            return site_settings.listed(self._file, await kept.all_of(transaction))

    async def set(self, values: dict[str, str], reason: str = "") -> tuple[SiteSetting, ...]:
        """Set values by name; all of them, or none where one of them is wrong."""
        read = {name: site_settings.read(name, text) for name, text in values.items()}
        await self._change({name: text.strip() for name, text in values.items()}, reason, read)
        return await self.list()

    async def reset(self, names: tuple[str, ...], reason: str = "") -> tuple[SiteSetting, ...]:
        """Let the settings file hold again."""
        for name in names:
            site_settings.check(name)
        await self._change(dict.fromkeys(names), reason, {})
        return await self.list()

    async def _change(
        self, values: dict[str, str | None], reason: str, read: dict[str, object]
    ) -> None:
        if len(reason) > _LONGEST_REASON:
            raise InvalidInput(f"a reason has at most {_LONGEST_REASON} characters")
        async with self._archive.write() as transaction:
            stays: dict[str, Given] = {
                name: one
                for name, one in (await kept.all_of(transaction)).items()
                if name not in values
            }
            # With the others, as they are now: they may contradict each other.
            site_settings.lay_over(self._file, stays)[0].override(read)
            await kept.change(transaction, values, reason, actor=self._actor)
        await self._apply()
