# SPDX-License-Identifier: Apache-2.0
"""Sending sessions to a remote AE, by keys, from every screen that shows sessions."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.screen import BaseScreen
from console.widgets.dialogs import AskScreen
from engine.model.remotes import Remote
from engine.model.states import Status
from tests.console.piloting import (
    HOSTILE,
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
from tests.memory import Facts, session
from tests.memory.facts import card


def known(*names: str) -> Facts:
    facts = Facts()
    facts.keep(session(1), session(2), session(3, status=Status.RECEIVING))
    filed = card(session(9))
    facts.filed[filed.accession] = filed
    for name in names:
        facts.remotes[name] = Remote(name=name, ae_title="PACS", host="10.3.1.5", port=104)
    return facts


def told(app: ConsoleApp, text: str) -> bool:
    return any(text in one.text for one in app.context.notices.all)


def sent(facts: Facts) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.remote, one.session, one.scans) for one in facts.sends.values()]


async def asked(pilot: Pilot[Any], app: ConsoleApp, *presses: str) -> None:
    await pilot.press(*presses)
    await until(pilot, lambda: isinstance(app.screen, AskScreen))


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_marked_sessions_of_the_prearchive_are_sent(size: tuple[int, int]) -> None:
    facts = known("PACS1", "PACS2")
    app = console(facts, "prearchive")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await asked(pilot, app, "asterisk", "t")
        # The third is still arriving.
        await shown(pilot, "Send 2 sessions to a remote", "remote is needed", "1 marked are left")
        await pilot.press("P")
        await shown(pilot, "there is no enabled remote P")
        await pilot.press("backspace")
        await pilot.press(*"PACS2", "enter", "enter")
        await shown(pilot, "anteroom remote send PACS2 pre_aaaaaaa")
        await pilot.press("enter")
        await until(pilot, lambda: len(facts.sends) == 2)
        await until(pilot, lambda: told(app, "sending of 2 sessions is queued"))
    assert {remote for remote, _, _ in sent(facts)} == {"PACS2"}
    assert {id for _, id, _ in sent(facts)} == {"pre_aaaaaaa1", "pre_aaaaaaa2"}


async def test_what_has_begun_to_arrive_meanwhile_is_refused() -> None:
    facts = known("PACS1")
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await asked(pilot, app, "end", "t")
        facts.keep(session(1, status=Status.RECEIVING))
        await pilot.press("enter", "enter", "enter", "enter")
        await until(pilot, lambda: told(app, "not sent: pre_aaaaaaa1 cannot be sent"))
    assert not facts.sends


async def test_the_only_remote_is_offered_and_a_refusal_is_told() -> None:
    facts = known("PACS1")
    app = console(facts, "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        # The newest is still arriving.
        await pilot.press("home", "t")
        await until(pilot, lambda: told(app, "not now: only a session that is built and at rest"))
        await asked(pilot, app, "j", "t")
        await shown(pilot, "PACS1")
        await pilot.press("enter", *"4, 5", "enter", "enter")
        await shown(pilot, "send PACS1 pre_aaaaaaa2 --scan 4 --scan 5")
        del facts.sessions["pre_aaaaaaa2"]
        await pilot.press("enter")
        await until(pilot, lambda: told(app, "not sent: there is no such session"))
    assert not facts.sends


async def test_where_nothing_can_be_sent_the_key_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(Facts(), "archive")

    async def listed(*_: object) -> tuple[Remote, ...]:
        raise AssertionError("nobody needs to know where nothing can be sent to")

    monkeypatch.setattr(type(app.context.engine.remotes), "list", listed)
    async with app.run_test(size=SMALL) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, BaseScreen)
        assert app.screen.why_off("send") == "there is nothing to send here"
        await pilot.press("t")
        await until(pilot, lambda: told(app, "not now: there is nothing to send here"))


async def test_without_a_remote_it_says_where_they_are_added() -> None:
    app = console(known(), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await pilot.press("end", "t")
        await until(pilot, lambda: told(app, "there is no enabled remote: System ▸ Receivers"))


async def test_the_session_on_show_is_sent() -> None:
    facts = known("PACS1")
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await pilot.press("end", "enter")
        await settled(pilot)
        await asked(pilot, app, "t")
        await pilot.press("enter", "enter", "enter", "enter")
        await until(pilot, lambda: sent(facts) == [("PACS1", "pre_aaaaaaa1", ())])


async def test_a_session_of_no_project_is_named_by_its_id_in_the_question() -> None:
    facts = known("PACS1")
    facts.keep(session(1, project=None, label="DOE_JANE", subject="P4711"))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        table(app, "sessions").go_to_key("pre_aaaaaaa1")
        await asked(pilot, app, "t")
        await shown(pilot, "Send 1 session to a remote", "pre_aaaaaaa1")
        assert not [name for name in ("DOE", "JANE", "4711") if name in painted(app).upper()]


@pytest.mark.parametrize("opened", [False, True], ids=["list", "session"])
async def test_a_filed_session_is_sent(opened: bool) -> None:
    facts = known("PACS1")
    app = console(facts, "archive")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "filed")) == 1)
        if opened:
            await pilot.press("enter")
            await settled(pilot)
        await asked(pilot, app, "t")
        await shown(pilot, "XNAT_E00009   MR_9")
        await pilot.press("enter", "enter", "enter", "enter")
        await until(pilot, lambda: sent(facts) == [("PACS1", "XNAT_E00009", ())])


async def test_texts_that_mean_harm_are_harmless_in_the_question() -> None:
    facts = known()
    facts.remotes["EVIL"] = Remote(name=HOSTILE, ae_title=HOSTILE, host=HOSTILE, port=104)
    facts.keep(session(1, label=HOSTILE))
    app = console(facts, "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 3)
        await asked(pilot, app, "end", "t")
        await shown(pilot, "Send 1 session to a remote", "DOE^JANE")
