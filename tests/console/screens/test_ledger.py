# SPDX-License-Identifier: Apache-2.0
"""The ledger and what is held, by keys against an engine in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.ledger import LedgerScreen
from engine.model.ledger import DayAccounts
from engine.model.people import Actor, Role, SiteRole
from tests.console import ledgers
from tests.console.piloting import SMALL, WIDE, console, keys, painted, settled, shown, until
from tests.console.scenes import normal
from tests.memory import Facts

LOADED = "Not in a session"


def made(**options: Any) -> tuple[ConsoleApp, Facts]:
    facts = normal()
    ledgers.fill(facts)
    return console(facts, "ledger", **options), facts


def said(app: ConsoleApp) -> list[str]:
    return [one.text for one in app.context.notices.all]


async def at_held(pilot: Pilot[Any]) -> None:
    """Put the cursor on the group of what is held."""
    await shown(pilot, LOADED, "2 held")
    await pilot.press("j")
    await shown(pilot, "MR Image Storage")


async def test_groups_and_the_entries_of_the_one_under_the_cursor() -> None:
    app, _ = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED, "for session pre_aaaaaaa2", "accounts add up since")
        assert len(keys(app, "groups")) == 4
        await pilot.press("j")
        await until(pilot, lambda: keys(app, "entries")[:2] == ["held:h1", "held:h2"])
        assert keys(app, "entries")[2:] == ["line:1"]
        await shown(pilot, "✗ held", "through intake again")


async def test_accounts_that_do_not_add_up_are_said() -> None:
    app, facts = made()
    short = replace(facts.accounts.senders[0], received=5_117)
    facts.accounts = DayAccounts(since=facts.accounts.since, senders=(short,))
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "do not add up: see System")


async def test_groups_by_sender_project_and_day() -> None:
    app, _ = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED)
        for place, name in ((1, "sender"), (2, "project"), (3, "day"), (0, "reason")):
            await pilot.press("f", *("j" * place), "enter")
            await shown(pilot, f"Not in a session, by {name}", f"Ledger ▸ by {name}, today")
            await settled(pilot)
        await pilot.press("f", *"jjjjj", "enter")
        await shown(pilot, "by reason, 7 days")


async def test_a_filter_narrows_groups_and_entries() -> None:
    app, _ = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED)
        await pilot.press("slash", *"outcome:held", "enter")
        await until(pilot, lambda: len(keys(app, "groups")) == 1)
        await until(pilot, lambda: "held:h1" in keys(app, "entries"))
        await pilot.press("escape")
        await until(pilot, lambda: len(keys(app, "groups")) == 4)


async def test_all_that_a_group_holds_is_retried_after_one_question() -> None:
    app, facts = made()
    facts.stubborn["h2"] = "site v8:2: no date"
    async with app.run_test(size=WIDE) as pilot:
        await at_held(pilot)
        await pilot.press("r")
        await shown(pilot, "Retry 2 held objects?", "anteroom held retry h1 h2")
        await pilot.press("enter")
        await until(pilot, lambda: [one.id for one in facts.held] == ["h2"])
        await until(pilot, lambda: any("1 not: still held: site v8:2" in one for one in said(app)))


async def test_only_what_is_marked_is_dropped_with_a_reason() -> None:
    app, facts = made()
    async with app.run_test(size=WIDE) as pilot:
        await at_held(pilot)
        await pilot.press("enter", "j", "space", "x")
        await shown(pilot, "Drop 1 held object?", "reason is needed")
        await pilot.press("tab", *"a phantom", "enter")
        await shown(pilot, "anteroom held drop h2 --reason 'a phantom'")
        await pilot.press("enter")
        await until(pilot, lambda: [one.id for one in facts.held] == ["h1"])
        await until(pilot, lambda: said(app) == ["dropped"])


async def test_many_are_dropped_once_their_number_is_typed() -> None:
    app, facts = made()
    async with app.run_test(size=WIDE) as pilot:
        await at_held(pilot)
        await pilot.press("enter", "asterisk", "x")
        await shown(pilot, "Drop 2 held objects?", "Type 2")
        await pilot.press("tab", *"test data", "tab", "2", "enter", "enter")
        await until(pilot, lambda: facts.held == [])


async def test_a_held_object_is_looked_at_without_its_values_until_they_are_revealed() -> None:
    app, facts = made()
    async with app.run_test(size=SMALL) as pilot:
        await at_held(pilot)
        await pilot.press("enter", "enter")
        await shown(pilot, "held h1", "‹PN 8›", "Ultrasound Image Storage", "cannot decode")
        assert ledgers.NAME not in painted(app)
        await pilot.press("number_sign")
        await shown(pilot, "Show what is masked")
        await pilot.press(*"look at it", "enter", "enter")
        await shown(pilot, ledgers.NAME)
        assert facts.audit[-1].action == "revealed"
        await pilot.press("escape")
        await shown(pilot, LOADED)


async def test_what_was_dropped_meanwhile_is_left() -> None:
    app, facts = made()
    async with app.run_test(size=SMALL) as pilot:
        await at_held(pilot)
        await pilot.press("enter", "enter")
        await shown(pilot, "‹PN 8›")
        await pilot.press("r")
        await shown(pilot, "Retry 1 held object?")
        await pilot.press("enter")
        await until(pilot, lambda: [one.id for one in facts.held] == ["h2"])
        await until(pilot, lambda: isinstance(app.screen, LedgerScreen))


async def test_the_rule_opens_the_line_of_its_script() -> None:
    app, facts = made()
    active = next(one for one in facts.scripts["site"] if one.active)
    rule = f"site v{active.version}:2"
    facts.ledger[:] = [replace(one, rule=one.rule and rule) for one in facts.ledger]
    facts.held[:] = [replace(one, rule=rule) for one in facts.held]
    async with app.run_test(size=WIDE) as pilot:
        await at_held(pilot)
        await pilot.press("o")
        await until(pilot, lambda: not isinstance(app.screen, LedgerScreen))
        await shown(pilot, "Scripts ▸ the site", "Ln 2")


async def test_an_entry_opens_the_session_that_it_was_for() -> None:
    app, facts = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED, "for session pre_aaaaaaa2")
        await pilot.press("enter", "o")
        label = facts.sessions["pre_aaaaaaa2"].label
        await until(pilot, lambda: f"▸ {label}" in painted(app))


async def test_nothing_is_retried_where_nothing_is_held() -> None:
    app, _ = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED)
        await pilot.press("r", "x")
        await until(pilot, lambda: said(app) == ["not now: nothing of it is held"] * 2)


@pytest.mark.parametrize("role", [Role.OWNER, Role.REVIEWER, Role.WATCHER])
async def test_who_does_not_decide_for_the_site_sees_the_counts_only(role: Role) -> None:
    asking = Actor(name="mk", roles={"NEURO3": frozenset({role})})
    app, facts = made(asking=asking)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED)
        await until(pilot, lambda: app.context.me is not None)
        await pilot.press("j", "r", "x")
        await until(pilot, lambda: len(said(app)) == 2)
        assert all("it needs" in one for one in said(app))
        assert len(facts.held) == 2


async def test_who_may_not_see_originals_reveals_nothing() -> None:
    admin = Actor(name="ak", site=frozenset({SiteRole.ADMIN}))
    app, _ = made(asking=admin)
    async with app.run_test(size=WIDE) as pilot:
        await at_held(pilot)
        await until(pilot, lambda: app.context.me is not None)
        await pilot.press("enter", "enter")
        await shown(pilot, "‹PN 8›", "values are for those who may see originals")
        await pilot.press("number_sign")
        await until(pilot, lambda: any("may see originals" in one for one in said(app)))
        assert ledgers.NAME not in painted(app)


async def test_the_groups_are_written_to_a_file_and_copied() -> None:
    app, _ = made()
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, LOADED)
        offered = app.screen.exports()  # type: ignore[attr-defined]
        assert len(offered.rows) == 4
        assert {len(row) for row in offered.rows} == {len(offered.titles)}
        await pilot.press("y")
        await shown(pilot, "anteroom ledger groups --by reason --days 1")
