# SPDX-License-Identifier: Apache-2.0
"""What can be done to the settings of the site on any screen that shows them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work

from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.form import edit_values, fill_in
from console.screens.base.screen import BaseScreen, Copyable
from console.views import site_settings
from console.views.question import Answers
from engine.model.errors import EngineError, Refused
from engine.model.site_settings import SiteSetting

_AT_OTHERS = ("check", "start", "echo", "limits", "storing", "tls")


class SettingScreen(BaseScreen):
    """A screen with the settings of the site."""

    def __init__(self, context: ConsoleContext) -> None:
        """Begin without settings."""
        super().__init__(context)
        self.settings: dict[str, SiteSetting] = {}

    @property
    def setting(self) -> SiteSetting | None:
        """The setting that an act is about now."""
        raise NotImplementedError

    def settings_read(self, empty: str) -> None:
        """Go on once the settings are known; `empty` says why there is none."""

    def why_not_setting(self, action: str) -> str:
        """Say why a verb is not possible for the setting now."""
        if action in _AT_OTHERS:
            return "that is for other tabs: < and > show them"
        return site_settings.why_not(self.setting, action) if action in ("open", "stop") else ""

    def copies_of_setting(self, setting: SiteSetting) -> Sequence[Copyable]:
        """Return what can be copied of a setting."""
        command = f"anteroom settings show {setting.name}"
        return (
            Copyable(title="name", text=setting.name),
            Copyable(title="value", text=setting.value),
            Copyable(title="command", text=command),
        )

    @work(exclusive=True, group="settings", exit_on_error=False)
    async def look_at_settings(self) -> None:
        """Ask how the settings stand."""
        try:
            self.settings = {one.name: one for one in await self.engine.settings.list()}
        except Refused as error:
            # They are for administrators: whoever looks at the tab reads why it is empty.
            self.settings = {}
            self.settings_read(error.message)
        except EngineError as error:
            self.failed(error)
        else:
            self.settings_read("there is no setting")

    @work(group=QUESTION, exit_on_error=False)
    async def edit_setting(self) -> None:
        """Ask for another value of the setting, and set it."""
        setting = self.setting
        if setting is None:
            return
        if why := site_settings.fixed(setting):
            self.tell(f"not now: {why}", "warning")
            return

        async def edit(one: SiteSetting, given: Answers) -> SiteSetting:
            value = {one.name: given["value"].strip()}
            after = await self.engine.settings.set(value, given["reason"])
            return next(each for each in after if each.name == one.name)

        made = await edit_values(self, setting, site_settings.question, edit)
        if made is not None:
            self.tell(f"{made.name} is {made.value or 'empty'} now")
            self.look_at_settings()

    @work(group=QUESTION, exit_on_error=False)
    async def reset_setting(self) -> None:
        """Ask, and let the settings file hold again."""
        setting = self.setting
        if setting is None:
            return

        async def reset(given: Answers) -> SiteSetting:
            after = await self.engine.settings.reset((setting.name,), given["reason"])
            return next(each for each in after if each.name == setting.name)

        made = await fill_in(self, site_settings.reset_question(setting), reset)
        if made is not None:
            origin = site_settings.ORIGINS[made.origin]
            self.tell(f"{made.name} is {made.value or 'empty'} again ({origin})")
            self.look_at_settings()
