# SPDX-License-Identifier: Apache-2.0
"""The settings of the site on System: read, changed, and let go back to what the file says."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.widgets.dialogs import AskScreen
from engine.model.errors import Refused
from engine.model.site_settings import SiteSetting
from tests.console.piloting import SMALL, WIDE, console, keys, shown, table, until
from tests.memory import Facts
from tests.memory.settings import SiteSettings

WAIT = "session.build_after"


async def opened(pilot: Pilot[Any], app: ConsoleApp, name: str = WAIT) -> None:
    """Show the settings, with the cursor at one."""
    await pilot.press("<")
    await shown(pilot, "▐Settings▌")
    await until(pilot, lambda: name in keys(app, "settings"))
    table(app, "settings").go_to_key(name)
    await until(pilot, lambda: table(app, "settings").cursor_key == name)


def told(app: ConsoleApp, text: str) -> bool:
    return any(text in one.text for one in app.context.notices.all)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_setting_is_changed_and_goes_back_to_what_the_file_says(
    size: tuple[int, int],
) -> None:
    facts = Facts()
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await shown(pilot, WAIT)
        default = next(one for one in await app.context.engine.settings.list() if one.name == WAIT)
        await pilot.press("x")
        await until(pilot, lambda: told(app, "not now: it is not set here"))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*["backspace"] * 10, *"600", "enter", *"slow MR", "enter", "enter")
        await until(pilot, lambda: WAIT in facts.settings)
        assert (facts.settings[WAIT].value, facts.settings[WAIT].reason) == ("600", "slow MR")
        await until(pilot, lambda: told(app, f"{WAIT} is 600 now"))
        await shown(pilot, "1 not the default, 1 set here", "slow MR")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter", "enter")
        await until(pilot, lambda: WAIT not in facts.settings)
        await until(pilot, lambda: told(app, f"{WAIT} is {default.value} again (default)"))


async def test_a_value_that_is_none_is_objected_to_and_what_was_typed_stays() -> None:
    facts = Facts()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*["backspace"] * 10, *"soon", "enter", "enter", "enter")
        await shown(pilot, "soon", WAIT, "number")
        assert isinstance(app.screen, AskScreen) and facts.settings == {}


async def test_what_the_file_alone_says_is_not_asked_for() -> None:
    app = console(Facts(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app, "dicom.port")
        await shown(pilot, "in the file, with the next")
        await pilot.press("enter")
        await until(pilot, lambda: told(app, "dicom.port is read from the settings file"))
        assert not isinstance(app.screen, AskScreen)


async def test_who_may_not_read_them_is_told_why_the_tab_is_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refused(self: SiteSettings) -> tuple[SiteSetting, ...]:
        raise Refused("you may not do this: it needs the permission to administer")

    monkeypatch.setattr(SiteSettings, "list", refused)
    app = console(Facts(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("<")
        await shown(pilot, "▐Settings▌", "it needs the permission to administer", "0 settings")
        assert not app.context.notices.all
