# SPDX-License-Identifier: Apache-2.0
"""The live screen, driven by keys against an engine in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.screens.base.overlays import TextScreen
from console.screens.live import LiveScreen
from console.screens.session import SessionScreen
from console.views import glyphs
from console.widgets.chart import Chart, TextLines
from engine.model.errors import Unavailable
from engine.model.live import HeldObject, LedgerEntry, ReceiverStatus, SenderSeen
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.model.states import Status
from tests.console.counting import Asked, painting
from tests.console.piloting import (
    HOSTILE,
    SIZES,
    SMALL,
    WIDE,
    Clock,
    console,
    keys,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.memory import NOON, Facts, HostInMemory, session, transfer

NOW = NOON + timedelta(minutes=1)


def busy() -> Facts:
    """One session that arrives, one that waits for its build, one that is ready."""
    facts = Facts()
    facts.keep(
        session(1, status=Status.RECEIVING, uploaded=NOW, last_object=NOW),
        session(2, status=Status.RECEIVING, uploaded=NOW - timedelta(seconds=5), last_object=NOW),
        session(3),
    )
    facts.transfers.append(transfer(1, last_object=NOW))
    return facts


async def opened(pilot: Any, rows: int) -> None:
    await until(pilot, lambda: len(keys(pilot.app, "arriving")) == rows)


async def test_what_arrives_is_shown_and_followed_until_it_has_left() -> None:
    facts = Facts()
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "nothing is arriving", "nothing has happened yet")
        facts.transfers.append(transfer(1, opened=NOW, last_object=NOW, sessions=()))
        await facts.tell("transfer", "tr_1", "association accepted")
        await shown(pilot, "● live", "t1_mprage_sag", "1 open", "association accepted")
        assert keys(app, "arriving") == ["tr_1"]
        facts.keep(session(1, status=Status.RECEIVING, last_object=NOW))
        facts.transfers[0] = transfer(1, opened=NOW, last_object=NOW)
        await facts.tell("session", "pre_aaaaaaa1", "objects arrived, RECEIVING")
        await until(pilot, lambda: keys(app, "arriving") == ["pre_aaaaaaa1"])
        facts.transfers[0] = replace(facts.transfers[0], closed=NOW, ended="released")
        await facts.tell("transfer", "tr_1", "association released, 12 objects")
        await shown(pilot, "◐ waiting", "builds in 5 m", "0 open · 1 waiting")
        facts.keep(session(1, status=Status.READY, lastmod=NOW, objects=1234))
        await facts.tell("session", "pre_aaaaaaa1", "built, READY")
        await shown(pilot, "✓ ready", "1 234", "built ")
        del facts.sessions["pre_aaaaaaa1"]
        await facts.tell("session", "pre_aaaaaaa1", "archived")
        await shown(pilot, "✓ archived")
        assert keys(app, "arriving") == ["pre_aaaaaaa1"]


async def test_what_is_missing_is_told_before_the_build() -> None:
    facts = Facts()
    seen = {"status": Status.RECEIVING, "last_object": NOW, "scans": 0, "arriving": 11}
    facts.keep(session(1, **seen, missing=0))
    facts.senders.append(
        SenderSeen(
            calling="US_OB2", receiver="ANTEROOM", last=NOW - timedelta(days=7), today=0, week=2
        )
    )
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, " 11 in 5 m: no gaps ", "Last seen", "· US_OB2             7d")
        facts.keep(session(1, **seen, missing=212))
        await facts.tell("session", "pre_aaaaaaa1", "objects arrived, RECEIVING")
        await shown(pilot, " 11 in 5 m: lacks 212 ")
        facts.keep(session(1, **seen, missing=None))
        await facts.tell("session", "pre_aaaaaaa1", "objects arrived, RECEIVING")
        await shown(pilot, " 11 builds in 5 m")


async def test_time_alone_makes_a_transfer_stall() -> None:
    facts, clock = Facts(), Clock()
    facts.transfers.append(transfer(1, last_object=clock(), sessions=()))
    app = console(facts, clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "● live")
        clock.goes_on(34)
        await shown(pilot, "! stalled", "silent for 34 s")


async def test_a_gap_loads_everything_again() -> None:
    facts = Facts()
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, facts.waited.is_set)
        facts.keep(session(1))
        facts.epoch = "second"
        await facts.tell("engine", "node", "engine started")
        await opened(pilot, 1)
        await shown(pilot, "engine started")


async def test_what_happened_before_and_meanwhile_is_told() -> None:
    facts = Facts()
    await facts.tell("ledger", "WS-044", "1 association refused: called AE X", "warning")
    facts.ledger.append(refused())
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "! ledger  WS-044", "✗ refused", "called AE X is unkn")
        await pilot.press("2")
        await until(pilot, lambda: not isinstance(app.screen, LiveScreen))
        await facts.tell("configuration", "", "configuration 31 in force")
        await settled(pilot)
        await pilot.press("1")
        await shown(pilot, "configuration 31 in force")


def refused(**changes: Any) -> LedgerEntry:
    made = LedgerEntry(
        id=1,
        transfer="tr_9",
        outcome="refused",
        reason="called AE X is unknown",
        rule="",
        session="",
        receiver="X",
        calling="WS-044",
        peer="10.3.1.44",
        first=NOON,
        last=NOW,
        count=1,
    )
    return replace(made, **changes)


async def test_the_ledger_is_asked_again_when_there_is_news_of_it() -> None:
    facts = busy()
    asked: Any = Asked(HostInMemory(facts).acting("me"))
    app = ConsoleApp(asked, clock=Clock())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await settled(pilot)
        asked.forget()
        facts.ledger.append(refused(outcome="duplicate", reason="it is there", count=1_204))
        await facts.tell("ledger", "WS-044", "1204 objects received twice from WS-044")
        await shown(pilot, "≡ double", "it is there: 10.3.1", "1 204")
        assert asked.questions["live.ledger"] == 1
        # What needs nobody does not stand above what moves.
        assert keys(app, "arriving")[0] == "pre_aaaaaaa1"


async def test_what_was_cut_short_stands_first_until_somebody_opens_it() -> None:
    facts = busy()
    facts.keep(session(3, cut_short="connection lost"))
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "! cut short", "connection lost; bu")
        assert keys(app, "arriving")[0] == "pre_aaaaaaa3"
        await pilot.press("g", "enter")
        await shown(pilot, "! ready, cut", "Cut short connection lost; seen")
        assert facts.sessions["pre_aaaaaaa3"].cut_short == ""
        await pilot.press("escape")
        await until(pilot, lambda: "cut short" not in painted(app))
        assert keys(app, "arriving")[0] != "pre_aaaaaaa3"


async def test_those_who_only_watch_have_not_looked() -> None:
    facts = busy()
    facts.keep(session(3, cut_short="connection lost"))
    app = console(facts, watching=True)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "! cut short")
        await app.push_screen(SessionScreen(app.context, "pre_aaaaaaa3"))
        await shown(pilot, "! ready, cut")
        await settled(pilot)
        assert facts.sessions["pre_aaaaaaa3"].cut_short == "connection lost"


async def test_what_is_held_stays_until_a_person_has_decided() -> None:
    facts = Facts()
    facts.held.append(
        HeldObject(
            id="h",
            transfer="tr_1",
            at=NOON - timedelta(days=2),
            reason="cannot be read",
            rule="",
            size=1,
        )
    )
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "✗ held", "cannot be read")
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.context.notices.all))
        assert "this row is no session" in app.context.notices.all[0].text


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    facts = Facts()
    facts.keep(session(1, label=HOSTILE, subject=HOSTILE, project=HOSTILE, calling=HOSTILE))
    facts.transfers.append(
        transfer(1, calling=HOSTILE, peer=HOSTILE, series=HOSTILE, sessions=(), last_object=NOW)
    )
    facts.receivers[("A", 1)] = ReceiverStatus(
        ae_title=HOSTILE, port=1, enabled=True, listening=True, origin="added", note=HOSTILE
    )
    await facts.tell("session", "pre_aaaaaaa1", HOSTILE)
    app = console(facts)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "DOE^" in painted(app) or size[0] < 80)
        await opened(pilot, 2)
        text = painted(app)
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
        assert len(text.splitlines()) == size[1]
        await pilot.press("f", "f", "slash", "x", "escape", "tab", "j", "k", "G", "g", "p", "p")
        assert app.is_running


async def test_labels_of_what_has_no_project_are_masked_until_they_are_revealed() -> None:
    facts = busy()
    facts.keep(session(4, project=None, label="LABEL_4", subject="SUBJECT4"))
    await facts.tell("session", "pre_aaaaaaa4", "built, READY")
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "! no project", "Unassigned (o: why)", f"✓ session {glyphs.MASK}")
        assert "LABEL_4" not in painted(app) and "SUBJECT4" not in painted(app)
        app.context.revealed_until = NOW + timedelta(minutes=1)
        await facts.tell("session", "pre_aaaaaaa4", "moved")
        await shown(pilot, "SUBJECT4", "LABEL_4")


async def test_a_watcher_sees_no_labels_and_opens_nothing() -> None:
    facts = busy()
    facts.keep(session(3, label="LABEL_3", subject="SUBJECT_3"))
    await facts.tell("session", "pre_aaaaaaa3", "built, READY")
    memory = StateFile(None)
    memory.state.mode = "prearchive"
    app = console(facts, watching=True, memory=memory)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "✓ ready", glyphs.MASK, "✓ session")
        text = painted(app)
        assert "LABEL_3" not in text and "SUBJECT" not in text and "SUB-" not in text
        assert "Prearchive" not in text and "open  " not in text and "why there" not in text
        for key in ("enter", "o", "2", "e", "y"):
            await pilot.press(key)
        await settled(pilot)
        # What can be copied is offered, and nothing else has opened.
        assert "anteroom prearchive show" in painted(app)
        assert "LABEL_3" not in painted(app) and "SUBJECT_3" not in painted(app)
        await pilot.press("escape")
        assert isinstance(app.screen, LiveScreen)


@pytest.mark.parametrize("watching", [True, False])
async def test_what_headers_say_is_not_shown_on_a_wall(watching: bool) -> None:
    facts = Facts()
    facts.transfers.append(
        transfer(1, calling="CT_ER1", last_object=NOW, sessions=(), series="DESCRIBED")
    )
    app = console(facts, watching=watching)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "● live", "CT_ER1" if watching else "DESCRIBED")
        await settled(pilot)
        assert ("DESCRIBED" in painted(app)) is not watching


async def test_a_session_that_is_opened_from_here_says_so() -> None:
    app = console(busy())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "▐1 Live", "Live ▸ MR_")


async def test_the_cursor_stays_on_its_object() -> None:
    facts = busy()
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("j")
        assert table(app, "arriving").cursor_key == "pre_aaaaaaa2"
        facts.keep(session(9, status=Status.RECEIVING, uploaded=NOW, last_object=NOW))
        facts.transfers.append(transfer(9, sessions=("pre_aaaaaaa9",), last_object=NOW))
        await facts.tell("session", "pre_aaaaaaa9")
        await opened(pilot, 4)
        assert keys(app, "arriving")[0] == "pre_aaaaaaa9"
        assert table(app, "arriving").cursor_key == "pre_aaaaaaa2"


async def test_the_cursor_goes_from_an_association_to_the_session_that_it_feeds() -> None:
    facts = Facts()
    facts.transfers += [transfer(n, last_object=NOW, sessions=()) for n in (1, 2, 3)]
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("G")
        assert table(app, "arriving").cursor_key == "tr_1"
        facts.keep(session(1, status=Status.RECEIVING, uploaded=NOW, last_object=NOW))
        facts.transfers[0] = transfer(1, last_object=NOW)
        await facts.tell("transfer", "tr_1")
        await until(pilot, lambda: keys(app, "arriving")[0] == "pre_aaaaaaa1")
        assert table(app, "arriving").cursor_key == "pre_aaaaaaa1"


async def test_f_follows_the_newest_until_the_cursor_is_moved() -> None:
    facts = busy()
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("G", "f")
        await shown(pilot, "follows the newest")
        await until(pilot, lambda: table(app, "arriving").cursor_key == "pre_aaaaaaa1")
        later = NOW + timedelta(seconds=1)
        facts.keep(session(9, uploaded=later))
        await facts.tell("session", "pre_aaaaaaa9")
        await until(pilot, lambda: table(app, "arriving").cursor_key == "pre_aaaaaaa9")
        await pilot.press("k")
        await shown(pilot, "what needs you first")
        facts.keep(session(8, uploaded=later + timedelta(seconds=1)))
        await facts.tell("session", "pre_aaaaaaa8")
        await opened(pilot, 5)
        assert table(app, "arriving").cursor_key not in ("pre_aaaaaaa8", "pre_aaaaaaa9")


async def test_a_live_number_repaints_its_line_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = busy()
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await facts.tell("transfer", "tr_1", "4710 objects so far")
        await shown(pilot, "4710 objects so far")
        await settled(pilot)
        with painting(app, monkeypatch) as found:
            facts.keep(replace(facts.sessions["pre_aaaaaaa1"], objects=4711))
            await facts.tell("transfer", "tr_1", "4711 objects so far")
            await shown(pilot, "4 711", "4711 objects so far")
            await settled(pilot)
        assert {region.height for region in found.regions} == {1}
        # The row, again once its new number is no longer bright, and the line of the event.
        assert found.lines <= 4


async def test_news_that_come_quickly_cost_one_round_of_questions() -> None:
    facts = busy()
    asked: Any = Asked(HostInMemory(facts).acting("me"))
    app = ConsoleApp(asked, clock=Clock())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await settled(pilot)
        asked.forget()
        for number in range(5):
            await facts.tell("transfer", "tr_1", f"{number} objects so far")
        await shown(pilot, "4 objects so far")
        # News are shown as they come, whether the questions have been asked by then or not.
        wanted = {"live.transfers", "live.held", "prearchive.list"}
        await until(pilot, lambda: set(asked.questions) == wanted)
        await settled(pilot)
        # The first at once, the others together with the next picture.
        assert max(asked.questions.values()) <= 2
        asked.forget()
        await facts.tell("configuration", "", "configuration 31 in force")
        await shown(pilot, "configuration 31 in force")
        assert not asked.questions


async def test_a_paused_picture_holds_still_and_counts_what_comes() -> None:
    facts = Facts()
    asked: Any = Asked(HostInMemory(facts).acting("me"))
    app = ConsoleApp(asked, clock=Clock())
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "nothing is arriving")
        await pilot.press("p")
        await shown(pilot, "PAUSED +0")
        asked.forget()
        facts.keep(session(1))
        await facts.tell("session", "pre_aaaaaaa1", "built, READY")
        await facts.tell("session", "pre_aaaaaaa1", "objects arrived, RECEIVING")
        await shown(pilot, "PAUSED +1")
        await settled(pilot)
        assert "nothing is arriving" in painted(app) and "built, READY" not in painted(app)
        assert not asked.questions
        await pilot.press("p")
        await shown(pilot, "✓ ready", "built, READY")
        assert "PAUSED" not in painted(app)


async def test_a_filter_narrows_the_rows_and_esc_drops_it() -> None:
    app = console(busy())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("slash", *"state", "colon", *"ready", "enter")
        await until(pilot, lambda: keys(app, "arriving") == ["pre_aaaaaaa3"])
        await shown(pilot, "1 of 3 rows")
        assert table(app, "arriving").has_focus
        await pilot.press("escape")
        await opened(pilot, 3)


async def test_events_are_narrowed_by_severity() -> None:
    facts = busy()
    await facts.tell("engine", "node", "engine started")
    await facts.tell("ledger", "WS-044", "1 association refused: no", "warning")
    facts.ledger.append(refused())
    app = console(facts)
    async with app.run_test(size=SMALL) as pilot:
        await opened(pilot, 4)
        await pilot.press("tab", "slash", *"sev", "colon", "exclamation_mark", "enter")
        await until(pilot, lambda: len(keys(app, "events")) == 1)
        assert table(app, "events").has_focus
        assert len(keys(app, "arriving")) == 4


async def test_enter_opens_the_session_with_the_others_beside_it() -> None:
    app = console(busy())
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "(2/3)")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        assert table(app, "arriving").cursor_key == "pre_aaaaaaa2"


async def test_enter_on_an_event_opens_its_session() -> None:
    facts = busy()
    await facts.tell("session", "pre_aaaaaaa3", "built, READY")
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        await until(pilot, lambda: len(keys(app, "events")) == 1)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, SessionScreen))
        await shown(pilot, "MR_3")


async def test_o_says_why_something_is_where_it_is() -> None:
    facts = Facts()
    facts.keep(session(1), session(2, project=None))
    for one in facts.sessions.values():
        facts.routes[one.id] = Route(
            project=one.project,
            subject="DOE_JANE",
            session="DOE_JANE_1",
            auto_archive=None,
            trace=(
                TraceStep(
                    concept=Concept.PROJECT,
                    extractor="site rule 1",
                    element="(0010,0010)",
                    saw="DOE^JANE",
                    verdict=Verdict.NO_MATCH,
                ),
            ),
        )
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 2)
        await pilot.press("o")
        await shown(pilot, "Why pre_aaaaaaa2", "site rule 1", "(0010,0010)", "none: Unassigned")
        assert isinstance(app.screen, TextScreen)
        assert "DOE" not in painted(app)
        await pilot.press("escape", "j", "o")
        await shown(pilot, "Why pre_aaaaaaa1", "DOE^JANE", "DOE_JANE_1")


async def test_the_right_column_says_how_fast_and_who() -> None:
    facts = busy()
    facts.receivers[("ANTEROOM", 8104)] = ReceiverStatus(
        ae_title="ANTEROOM", port=8104, enabled=True, listening=True, origin="settings"
    )
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Last 10 minutes", "peak 0", "● ANTEROOM", "1 open", "● MR3T_A")
        await pilot.press("c")
        await until(pilot, lambda: not app.screen.query_one(Chart).is_on_screen)
        assert app.context.memory.state.list("live").card is False
        await pilot.press("c")
        await shown(pilot, "Last 10 minutes")
        assert "ANTEROOM" in app.screen.query_one(TextLines).text + painted(app)


async def test_a_small_terminal_shows_all_rows_and_four_events() -> None:
    facts = busy()
    for number in range(6):
        await facts.tell("engine", f"n{number}", f"told {'abcdef'[number]}")
    app = console(facts)
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "● live", "◐ waiting", "✓ ready", "told f", "told c")
        await shown(pilot, "received 12 = 10 waiting 2 other ✓ · 1 refused")
        assert "told b" not in painted(app)
        assert "Last 10 minutes" not in painted(app)
        assert "Project" not in painted(app).split("Receiving now")[1]
        await pilot.press("c")
        (said,) = app.context.notices.all
        assert said.text == "not now: the right column needs 110 columns"


async def test_an_engine_that_is_gone_is_said_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = busy()
    engine = HostInMemory(facts).acting("me")
    app = ConsoleApp(engine, clock=Clock())

    async def fails(*args: object, **kwargs: object) -> Any:
        raise Unavailable("no engine is running on this home")

    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 3)
        with monkeypatch.context() as patch:
            patch.setattr(engine.live, "transfers", fails)
            patch.setattr(engine.system, "status", fails)
            await facts.tell("transfer", "tr_1", "13 objects so far")
            await shown(pilot, "no engine is running on this home; what is shown is old")
            assert len(keys(app, "arriving")) == 3
        await facts.tell("transfer", "tr_1", "14 objects so far")
        await until(pilot, lambda: "what is shown is old" not in painted(app))


async def test_the_rows_on_show_are_offered_for_a_file_as_they_are_masked() -> None:
    facts = busy()
    facts.keep(session(4, project=None, subject="SUBJECT4"))
    app = console(facts)
    async with app.run_test(size=WIDE) as pilot:
        await opened(pilot, 4)
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        offered = screen.exports()
        assert offered is not None and not callable(offered.rows)
        assert [row[3] for row in offered.rows] == [glyphs.MASK, "SUB-1", "SUB-2", "SUB-3"]
