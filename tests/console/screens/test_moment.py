# SPDX-License-Identifier: Apache-2.0
"""What was configured at a moment, opened from the audit trail."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.moment import MomentScreen
from console.widgets.dialogs import AskScreen
from engine.model.configured import Configured
from engine.model.errors import Refused
from tests.console.piloting import SMALL, WIDE, console, keys, shown, table, until
from tests.console.scenes import normal
from tests.memory.moments import Moments

SCRIPT = "script\tsite/anonymization script"


async def opened(pilot: Pilot[Any], app: ConsoleApp) -> None:
    await until(pilot, lambda: bool(keys(app, "trail")))
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, AskScreen))
    await pilot.press("enter", "enter")
    await until(pilot, lambda: isinstance(app.screen, MomentScreen))


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_everything_stands_as_it_was_and_what_differs_is_marked(
    size: tuple[int, int],
) -> None:
    app = console(normal(), "audit")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app)
        await until(pilot, lambda: len(keys(app, "list")) == 4)
        await shown(pilot, "as it is now", "≠ changed", "+ not there then")
        await shown(pilot, "4 things, 2 not as now")
        table(app, "list").go_to_key(SCRIPT)
        await shown(pilot, "active: 6", "now: 7", "by ada")
        await pilot.press("f")
        await until(pilot, lambda: len(keys(app, "list")) == 2)
        await shown(pilot, "only what differs")
        await pilot.press("f", "enter")
        await pilot.press("escape")
        assert isinstance(app.screen, MomentScreen)
        await pilot.press("escape")
        assert not isinstance(app.screen, MomentScreen)


async def test_another_moment_is_typed_and_the_future_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    at = Moments.at

    async def noted(self: Moments, moment: Any) -> tuple[Configured, ...]:
        asked.append(moment.isoformat())
        return await at(self, moment)

    monkeypatch.setattr(Moments, "at", noted)
    app = console(normal(), "audit")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: bool(keys(app, "trail")))
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*["backspace"] * 30, *"soon")
        await shown(pilot, "'soon' is no time")
        await pilot.press(*["backspace"] * 30, *"2099-01-01")
        await shown(pilot, "that is not over yet")
        await pilot.press(*["backspace"] * 30, *"2026-09-01", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, MomentScreen))
        await until(pilot, lambda: bool(asked))
        assert asked[0].startswith(("2026-09-01T00:00", "2026-08-31T"))


async def test_who_may_not_see_it_reads_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(self: Moments, *_: object) -> tuple[Configured, ...]:
        raise Refused("you may not do this: it needs the permission to administer")

    monkeypatch.setattr(Moments, "at", refused)
    monkeypatch.setattr(Moments, "diff", refused)
    app = console(normal(), "audit")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, app)
        await shown(pilot, "it needs the permission to administer")
