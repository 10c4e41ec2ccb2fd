# SPDX-License-Identifier: Apache-2.0
"""Acceptances of scanners by keys, against an engine in memory: what is shown of them, how one is
begun, watched, signed and given up, and where its record goes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.acceptances import AcceptancesScreen
from console.screens.session import SessionScreen
from console.screens.system import SystemScreen
from console.views import acceptances as shown_as
from console.views.acceptance import record
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.acceptance import Acceptance, Judgement, Step, StepName, StepState
from engine.model.errors import Conflict, Unavailable
from engine.model.live import ReceiverStatus, SenderSeen
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
from tests.memory import NOON, Facts, session, transfer
from tests.memory.acceptances import WAITING, Acceptances


def steps(**states: StepState) -> tuple[Step, ...]:
    """Return all steps, done but for those that are named."""
    return tuple(
        Step(
            name=name,
            state=states.get(name.name.lower(), StepState.DONE),
            said=f"{name} as it was seen",
        )
        for name in StepName
    )


def acceptance(number: int, **changes: Any) -> Acceptance:
    made = Acceptance(
        id=f"acc_aaaaaaa{number}",
        calling=f"CT{number}",
        receiver="ANTEROOM",
        expected=12,
        started=NOON + timedelta(minutes=number),
        started_by="mk",
        steps=steps(),
    )
    return replace(made, **changes)


def facts(*known: Acceptance) -> Facts:
    made = Facts()
    made.receivers["ANTEROOM", 8104] = ReceiverStatus(
        ae_title="ANTEROOM", port=8104, enabled=True, listening=True, origin="settings"
    )
    made.acceptances = {one.id: one for one in known}
    return made


def notices(app: ConsoleApp) -> list[str]:
    return [one.text for one in app.context.notices.all]


async def opened(pilot: Pilot[Any]) -> AcceptancesScreen:
    app: Any = pilot.app
    await until(pilot, lambda: isinstance(app.screen, SystemScreen))
    await pilot.press("d")
    await until(pilot, lambda: isinstance(app.screen, AcceptancesScreen))
    await settled(pilot)
    screen: AcceptancesScreen = app.screen
    return screen


async def asked(pilot: Pilot[Any], title: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, AskScreen))
    await shown(pilot, title)


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_they_are_listed_with_the_steps_of_the_one_under_the_cursor(
    size: tuple[int, int],
) -> None:
    rejected = acceptance(
        2, verdict=Judgement.REJECTED, closed=NOON, closed_by="hale", note="three are short"
    )
    waiting = acceptance(3, steps=steps(series=StepState.WAITING))
    app = console(facts(acceptance(1, verdict=Judgement.ABANDONED), rejected, waiting), "system")
    async with app.run_test(size=size) as pilot:
        await opened(pilot)
        await shown(pilot, "▸ System ▸ Acceptances", "◑ open", "✗ rejected", "○ abandoned")
        assert keys(app, "list") == ["acc_aaaaaaa3", "acc_aaaaaaa2", "acc_aaaaaaa1"]
        await shown(pilot, "1 open of 3 acceptances", "✓ done: connection as it was seen")
        await shown(pilot, "· waiting: test series as", "Next         test series as it was seen")
        await pilot.press("j")
        await shown(pilot, "✗ rejected 2026-09-11 12:00 by hale", "three are short")
        assert "Next" not in painted(app)
        await pilot.press("escape")
        assert isinstance(app.screen, SystemScreen)


async def test_in_a_small_terminal_enter_gives_the_steps_all_the_room() -> None:
    one = acceptance(1, steps=tuple(replace(step, details=("why", "and why")) for step in steps()))
    app = console(facts(one), "system")
    async with app.run_test(size=SMALL) as pilot:
        screen = await opened(pilot)
        assert "routing as it was seen" not in painted(app)
        await pilot.press("enter")
        await shown(pilot, "routing as it was seen")
        assert not table(app, "list").display
        await pilot.press("escape")
        await until(pilot, lambda: screen.focused is table(app, "list"))
        assert "newest first" in painted(app)


async def test_with_none_it_says_how_it_goes_and_why_keys_are_off() -> None:
    app = console(facts(), "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await shown(pilot, "no scanner was tried yet: n begins", "at the scanner: an echo")
        for key in ("a", "i", "x", "e", "enter"):
            await pilot.press(key)
            await settled(pilot)
            assert isinstance(app.screen, AcceptancesScreen)
            assert "there is no acceptance here: n begins one" in notices(app)[0]


async def test_one_is_begun_for_a_sender_that_was_seen() -> None:
    made = facts()
    made.senders.append(
        SenderSeen(calling="CT_NEW", receiver="ANTEROOM", last=NOON, today=1, week=1)
    )
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await asked(pilot, "Try a scanner")
        # The rest of what was seen is offered while it is typed.
        await pilot.press(*"CT_", "right", "enter", "enter", *"many", "enter")
        await shown(pilot, "images are a number")
        await pilot.press("up", "up", "up", "down", "down", "ctrl+u", *"124")
        await shown(pilot, "anteroom acceptance start CT_NEW", "--expected 124")
        await pilot.press("enter", "enter")
        await shown(pilot, "◑ open", "· waiting: let it do the echo")
        (one,) = made.acceptances.values()
        assert (one.calling, one.expected) == ("CT_NEW", 124)
        assert notices(app)[0] == "the acceptance of CT_NEW has begun"


async def test_live_offers_the_sender_under_the_cursor() -> None:
    made = facts()
    made.transfers.append(transfer(1, calling="CT_LIVE"))
    app = console(made, "live")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "CT_LIVE")
        await pilot.press("d")
        await shown(pilot, "▸ Live ▸ Acceptances", "no scanner was tried yet")
        await pilot.press("n")
        await shown(pilot, "anteroom acceptance start CT_LIVE")


async def test_an_objection_stays_in_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(*_: object) -> Acceptance:
        raise Conflict("acc_aaaaaaa9 for CT1 is open already", hint="go on with it")

    monkeypatch.setattr(Acceptances, "start", refused)
    app = console(facts(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await pilot.press("n")
        await asked(pilot, "Try a scanner")
        await pilot.press(*"CT1", "enter", "enter", "enter", "enter")
        await shown(pilot, "acc_aaaaaaa9 for CT1 is open already (go on with it)", "start CT1")


async def test_steps_advance_while_the_scanner_sends() -> None:
    made = facts(acceptance(1, steps=WAITING))
    app = console(made, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "Next         let it do the connection")
        for kind, done in (("transfer", 1), ("session", 3), ("ledger", 5), ("acceptance", 6)):
            now = (*steps()[:done], *WAITING[done:])
            made.acceptances["acc_aaaaaaa1"] = acceptance(1, steps=now)
            await made.tell(kind, "x")
            await shown(pilot, f"✓ done: {now[done - 1].said}")
            await settled(pilot)
        await shown(pilot, "Next         all is done: a signs it")


async def test_what_went_wrong_comes_first_and_says_what_to_do() -> None:
    one = acceptance(1, steps=steps(series=StepState.WAITING, routing=StepState.WRONG))
    app = console(facts(one), "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "! wrong: routing as it was seen", "Next         routing: o opens it")


async def test_what_it_has_fed_is_opened_over_it() -> None:
    ids = ("pre_aaaaaaa2", "pre_aaaaaaa1")
    routed = tuple(
        replace(step, sessions=ids) if step.name is StepName.ROUTING else step for step in steps()
    )
    made = facts(acceptance(1, steps=routed), acceptance(2))
    for number in (1, 2):
        made.keep(session(number))
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("o")
        await settled(pilot)
        assert "it has fed no session that is in the prearchive" in notices(app)[0]
        await pilot.press("j")
        await settled(pilot)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "MR_2 (1/2)")
        await pilot.press("]")
        await shown(pilot, "MR_1 (2/2)")
        await pilot.press("q")
        await until(pilot, lambda: isinstance(app.screen, AcceptancesScreen))


async def test_the_number_of_images_is_set() -> None:
    made = facts(acceptance(1))
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("i")
        await asked(pilot, "Images that CT1 counts")
        await shown(pilot, "nothing is changed yet")
        await pilot.press("ctrl+u", *"17", "enter")
        await shown(pilot, "anteroom acceptance expect acc_aaaaaaa1 17")
        await pilot.press("enter")
        await shown(pilot, "17 images")
        assert made.acceptances["acc_aaaaaaa1"].expected == 17


async def test_it_is_signed_once_all_is_done() -> None:
    made = facts(acceptance(1))
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("a")
        await asked(pilot, "Sign the acceptance of CT1")
        await shown(pilot, "All steps are done.", "signed by me", "verdict is needed")
        await pilot.press(*"acc", "right", "enter", "enter", "enter")
        await shown(pilot, "✓ accepted 2026-09-11 12:00 by me")
        assert made.acceptances["acc_aaaaaaa1"].verdict is Judgement.ACCEPTED
        assert notices(app)[0] == "CT1 is accepted"
        for key in ("a", "i", "x"):
            await pilot.press(key)
            await settled(pilot)
            assert notices(app)[0] == ("not now: it is accepted: what was signed is not changed")


async def test_what_is_lacking_takes_a_note_and_is_asked_for_anew() -> None:
    made = facts(acceptance(1))
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        # What is signed is what the engine sees then, not what stood here.
        made.acceptances["acc_aaaaaaa1"] = acceptance(1, steps=steps(counts=StepState.WRONG))
        await pilot.press("a")
        await asked(pilot, "Sign the acceptance of CT1")
        await shown(pilot, "! counts: counts as it was seen", "Not all is done, see above.")
        await pilot.press(*"accepted", "enter", "enter")
        await shown(pilot, "say in the note why it is accepted all the same")
        await pilot.press("up", "up", "ctrl+u", *"rejected")
        await shown(pilot, "accepted or rejected")
        await pilot.press("enter")
        await shown(pilot, "a rejection says why, in the note")
        await pilot.press(*"three lacking", "enter", "enter")
        await shown(pilot, "✗ rejected")
        closed = made.acceptances["acc_aaaaaaa1"]
        assert (closed.verdict, closed.note) == (Judgement.REJECTED, "three lacking")


async def test_giving_up_begins_on_the_button_that_does_not() -> None:
    made = facts(acceptance(1))
    app = console(made, "system")
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("x")
        await asked(pilot, "Give up the acceptance of CT1?")
        await shown(pilot, "anteroom acceptance close acc_aaaaaaa1 abandoned")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AcceptancesScreen))
        assert made.acceptances["acc_aaaaaaa1"].verdict is Judgement.OPEN
        await pilot.press("x")
        await asked(pilot, "Give up the acceptance of CT1?")
        await pilot.press("up", *"wrong one", "enter", "enter")
        await shown(pilot, "○ abandoned")
        assert made.acceptances["acc_aaaaaaa1"].note == "wrong one"


async def test_signing_goes_on_when_the_screen_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    made, may = facts(acceptance(1)), asyncio.Event()
    close = Acceptances.close

    async def slow(self: Acceptances, id: str, verdict: str, note: str = "") -> Acceptance:
        await may.wait()
        return await close(self, id, verdict, note)

    monkeypatch.setattr(Acceptances, "close", slow)
    app = console(made, "system")
    async with app.run_test(size=WIDE) as pilot:
        app.ahead.patience = 0.01
        await opened(pilot)
        await pilot.press("a")
        await asked(pilot, "Sign the acceptance of CT1")
        await pilot.press(*"accepted", "enter", "enter", "enter")
        await until(pilot, lambda: isinstance(app.screen, AcceptancesScreen))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, SystemScreen))
        may.set()
        await until(pilot, lambda: made.acceptances["acc_aaaaaaa1"].verdict is Judgement.ACCEPTED)


@pytest.mark.parametrize(("moves", "ending"), [("", "txt"), ("j", "json")])
async def test_the_record_is_written_as_the_command_writes_it(
    moves: str, ending: str, tmp_path: Path
) -> None:
    one = acceptance(
        1, verdict=Judgement.ACCEPTED, closed=NOON, closed_by="hale", note=HOSTILE[:40]
    )
    made = facts(one)
    app, file = console(made, "system"), tmp_path / "record"
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await shown(pilot, "record as text…", "record as JSON…", "rows of the list…")
        await pilot.press(*moves, "enter")
        await asked(pilot, "Write the record acc_aaaaaaa1")
        await shown(pilot, f"anteroom-acc_aaaaaaa1-2026-09-11.{ending}")
        await pilot.press("ctrl+u", *str(file), "enter", "enter", "enter")
        await until(pilot, lambda: any(str(file) in text for text in notices(app)))
    text = file.read_text("utf-8")
    assert text == record(one, as_json=ending == "json")
    assert "\x1b" not in text
    assert (json.loads(text)["id"] if ending == "json" else one.id) in text
    assert file.stat().st_mode & 0o777 == 0o600


async def test_rows_are_exported_and_ids_copied(tmp_path: Path) -> None:
    made = facts(acceptance(1), acceptance(2, verdict=Judgement.ABANDONED, note="wrong"))
    app, file = console(made, "system"), tmp_path / "rows.csv"
    async with app.run_test(size=WIDE) as pilot:
        screen = await opened(pilot)
        titles = [one.title for one in screen.copies()]
        assert titles == ["id", "sender", "command"]
        await pilot.press("e", "j", "j", "enter")
        await shown(pilot, "Write rows as")
        await pilot.press("enter")
        await asked(pilot, "Write the rows of acceptances")
        await pilot.press("ctrl+u", *str(file), "enter", "enter", "enter")
        await until(pilot, lambda: any(str(file) in text for text in notices(app)))
    lines = file.read_text("utf-8").splitlines()
    assert lines[3].split(",")[:3] == ["Id", "Verdict", "Sender"]
    assert [line.split(",")[0] for line in lines[4:]] == ["acc_aaaaaaa2", "acc_aaaaaaa1"]
    assert lines[4].endswith(",wrong")


async def test_who_only_watches_cannot_act_or_go_there() -> None:
    app = console(facts(acceptance(1)), "live", watching=True)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Receiving now")
        await pilot.press("d")
        await settled(pilot)
        assert not isinstance(app.screen, AcceptancesScreen)
        assert "this console only watches" in notices(app)[0]


async def test_a_lost_engine_is_said_and_what_was_shown_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = facts(acceptance(1))
    app = console(made, "system")
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot)
        await shown(pilot, "connection as it was seen")

        async def gone(*_: object, **__: object) -> Any:
            raise Unavailable("no engine is running on this home")

        monkeypatch.setattr(Acceptances, "list", gone)
        await pilot.press("ctrl+r")
        await shown(pilot, "what is shown is old", "connection as it was seen")


def test_an_echo_holds_nothing_up() -> None:
    one = acceptance(1, steps=steps(echo=StepState.WAITING))
    assert shown_as.what_next(one) == "all is done: a signs it"
    one = acceptance(1, steps=steps(echo=StepState.WAITING, series=StepState.WAITING))
    assert shown_as.what_next(one) == "echo as it was seen; else test series as it was seen"
    one = acceptance(1, steps=steps(echo=StepState.WAITING, counts=StepState.WAITING))
    assert shown_as.what_next(one).startswith("echo as it was seen; else")
    one = acceptance(1, steps=steps(counts=StepState.WAITING))
    assert shown_as.what_next(one) == "i says it: counts as it was seen"
