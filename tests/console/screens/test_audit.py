# SPDX-License-Identifier: Apache-2.0
"""The audit trail, by keys against an engine in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.screens.audit import AuditScreen
from console.widgets.card import Card
from engine.model.archive import AuditReport
from engine.model.errors import Unavailable
from tests.console.piloting import (
    SMALL,
    WIDE,
    console,
    keys,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.console.scenes import normal
from tests.memory import Facts
from tests.memory.live import Audit


async def found(pilot: Pilot[Any], *numbers: int) -> None:
    """Wait until the list has these events."""
    wanted = [str(number) for number in numbers]
    await until(pilot, lambda: keys(pilot.app, "trail") == wanted)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_an_empty_trail_says_so(size: tuple[int, int]) -> None:
    app = console(Facts(), mode="audit")
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "nothing has happened yet", "0 match")
        await pilot.press("enter", "o", "y", "e", "c", "G")
        await settled(pilot)
        assert isinstance(app.screen, AuditScreen)


async def test_events_are_listed_with_a_card_and_the_counts_of_the_week() -> None:
    app = console(normal(), mode="prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("8")
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        await shown(pilot, "8 match", "token 3f", "pre_aaaaaaa2, CARDIO", "follows #7")
        await shown(pilot, "Last 7 days", "Queued rebuild", "█")
        await pilot.press("j")
        await shown(pilot, "asked by the owner", "follows #6")


async def test_a_filter_narrows_the_list_and_is_told_what_is_wrong_with_it() -> None:
    app = console(normal(), mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        await pilot.press("slash", *"who:ada", "enter")
        await found(pilot, 6, 3)
        await shown(pilot, "2 match")
        await pilot.press("escape", "slash", *"since:25m", "enter")
        await found(pilot, 8, 7, 6)
        await pilot.press("escape", "slash", *"queue re", "enter")
        await found(pilot, 8, 2)
        await pilot.press("escape", "slash", *"since:soon", "enter")
        await shown(pilot, "is no time", "those of the filter before")
        await pilot.press("escape", "slash", *"who:a who:b", "enter")
        await shown(pilot, "stands there twice")
        await pilot.press("escape", "slash", *"!who:a", "enter")
        await shown(pilot, "nothing else is possible")
        await pilot.press("escape")
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)


async def test_the_whole_life_of_an_object_is_followed_and_left() -> None:
    app = console(normal(), mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        # The session was archived from the first one of the prearchive.
        await pilot.press("j", "o")
        await found(pilot, 7, 6, 2, 1)
        await shown(pilot, "life:XNAT_E00001", "4 match")
        await pilot.press("escape")
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)


async def test_an_object_with_blanks_and_quotes_is_followed_too() -> None:
    facts = normal()
    facts.audit[-1] = replace(facts.audit[-1], object='a "b" c')
    app = console(facts, mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        await pilot.press("j", "j", "j", "o")
        await found(pilot, 5)
        await pilot.press("escape")
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        await pilot.press("g", "o")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "cannot be typed" in app.context.notices.all[0].text
        assert len(keys(app, "trail")) == 8


async def test_the_chain_is_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = normal()
    app = console(facts, mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "t verifies the chain")
        await pilot.press("t")
        await shown(pilot, "chain verified to #8 at")
        report = AuditReport(ok=False, checked=8, message="link 3 was changed", broken=3, last=8)

        async def broken(self: Audit, *_: object) -> AuditReport:
            return report

        monkeypatch.setattr(Audit, "verify", broken)
        await pilot.press("t")
        await shown(pilot, "! link 3 was changed")
        assert app.context.notices.all[0].severity == "error"


async def test_in_a_small_terminal_the_event_lies_over_the_list() -> None:
    app = console(normal(), mode="audit")
    async with app.run_test(size=SMALL) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        await pilot.press("j", "enter")
        await shown(pilot, "asked by the owner", "previous")
        await until(pilot, lambda: isinstance(app.focused, Card))
        assert not table(app, "trail").display
        await pilot.press("escape")
        await until(pilot, lambda: table(app, "trail").display)
        await until(pilot, lambda: app.focused is table(app, "trail"))


async def test_a_long_trail_comes_in_windows_and_is_counted_within_bounds() -> None:
    facts = normal()
    one = facts.audit[0]
    facts.audit = [replace(one, number=n, id=f"event_{n}") for n in range(1, 2_001)]
    facts.most_counted = 500
    app = console(facts, mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "2 000 match")
        await pilot.press("G")
        await until(pilot, lambda: table(app, "trail").cursor_key == "1")
        await pilot.press("slash", *"who:receiver", "enter")
        await shown(pilot, "more than 500 match")


async def test_rows_are_exported_and_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(normal(), mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)
        screen = app.screen
        assert isinstance(screen, AuditScreen)
        offered = screen.exports()
        assert offered is not None and callable(offered.rows)
        rows = await offered.rows(lambda done, of: None)
        assert [row[0] for row in rows] == ["8", "7", "6", "5", "4", "3", "2", "1"]
        copies = {one.title: one.text for one in screen.copies()}
        assert copies["command"] == "anteroom audit list --life pre_aaaaaaa4"
        await pilot.press("e")
        await shown(pilot, "Export", "CSV")


async def test_an_engine_that_is_away_is_told_and_the_list_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = console(normal(), mode="audit")
    async with app.run_test(size=WIDE) as pilot:
        await found(pilot, 8, 7, 6, 5, 4, 3, 2, 1)

        async def away(*_: object, **__: object) -> None:
            raise Unavailable("the engine does not answer")

        monkeypatch.setattr(Audit, "list", away)
        await pilot.press("ctrl+r")
        await shown(pilot, "the engine does not answer")
        assert "pre_aaaaaaa4" in painted(app)
