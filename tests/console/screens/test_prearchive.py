# SPDX-License-Identifier: Apache-2.0
"""The prearchive by keys alone: what is shown, narrowed, marked, ordered and remembered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.screens.base.overlays import TextScreen
from console.views.glyphs import MASK
from console.widgets import filter_line
from console.widgets.dialogs import AskScreen, ChooseScreen, PlainInput
from engine.model.prearchive import LogEntry
from engine.model.states import Status
from tests.console.piloting import (
    HOSTILE,
    SIZES,
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
from tests.memory import NOON, Facts, session


def many(number: int) -> Facts:
    facts = Facts()
    facts.keep(*(session(each) for each in range(number)))
    return facts


async def test_news_is_shown_also_what_comes_while_the_list_rests() -> None:
    facts = many(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 session shown")
        for number in range(1, 6):
            facts.keep(session(number))
            await facts.tell("session", f"pre_aaaaaaa{number}")
        await shown(pilot, "6 sessions shown")
        facts.keep(session(1, status=Status.ERROR))
        await facts.tell("session", "pre_aaaaaaa1")
        await shown(pilot, "✗ error")


async def test_a_range_lasts_until_it_is_ended() -> None:
    app = console(many(5), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "5 sessions shown")
        await pilot.press("v", "j", "j")
        await shown(pilot, "a range is being marked")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await shown(pilot, "Delete 3 sessions")
        await pilot.press("escape", "escape")
        await until(pilot, lambda: "a range is being marked" not in painted(app))
        await pilot.press("v", "k", "v")
        await shown(pilot, "2 sessions marked of 5 sessions shown")


async def test_a_filter_unmarks_what_it_hides_and_says_so() -> None:
    facts = many(3)
    facts.keep(session(9, status=Status.ERROR))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "4 sessions shown")
        await pilot.press("asterisk", "slash", *"status:error", "enter")
        await shown(pilot, "the filter unmarked 3 rows when it hid them", "1 session marked of 1")
        assert table(app, "sessions").chosen_keys == ("pre_aaaaaaa9",)
        await pilot.press("escape")
        await shown(pilot, "4 sessions shown")


@pytest.fixture
def typed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a filter hold once it is whole: half of one would find other rows."""
    monkeypatch.setattr(filter_line, "PAUSE", 3600.0)


async def marked_far_and_near(pilot: Any, total: int) -> None:
    """Mark one row at the end of the list, and the first two."""
    await shown(pilot, f"{total} sessions shown")
    await pilot.press("G")
    await until(pilot, lambda: table(pilot.app, "sessions").cursor_key is not None)
    await pilot.press("space", "g", "space", "space")
    await shown(pilot, f"3 sessions marked of {total}")


@pytest.mark.usefixtures("typed_at_once")
@pytest.mark.parametrize("hidden", ["pre_aaaaaaa249", "pre_aaaaaaa0"])
async def test_marks_do_not_reach_beyond_a_filter_that_leaves_more_than_is_loaded(
    hidden: str,
) -> None:
    facts = many(250)
    facts.keep(session(int(hidden.removeprefix("pre_aaaaaaa")), project="CARDIO"))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await marked_far_and_near(pilot, 250)
        marked = set(table(app, "sessions").marks.keys)
        assert hidden in marked
        await pilot.press("slash", *"project:NEURO3", "enter")
        await shown(pilot, "2 sessions marked of 249", "the filter unmarked 1 row when it hid them")
        assert not table(app, "sessions").records.whole
        assert set(table(app, "sessions").marks.keys) == marked - {hidden}
        await pilot.press("x")
        await shown(pilot, "Delete 2 sessions")
        assert set(app.screen_stack[-2].chosen_ids()) == marked - {hidden}  # type: ignore[attr-defined]


@pytest.mark.usefixtures("typed_at_once")
async def test_what_no_longer_fits_the_filter_of_a_long_list_is_unmarked() -> None:
    facts = many(250)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press("slash", *"status:ready", "enter")
        await marked_far_and_near(pilot, 250)
        (far,) = set(table(app, "sessions").marks.keys) - set(keys(app, "sessions")[:2])
        await pilot.press("j")
        facts.keep(session(int(far.removeprefix("pre_aaaaaaa")), status=Status.CONFLICT))
        await facts.tell("session", far)
        await shown(pilot, "2 sessions marked of 249", "1 row left the list")


@pytest.mark.usefixtures("typed_at_once")
async def test_nothing_is_done_to_marks_that_the_filter_may_hide() -> None:
    app = console(many(250), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await marked_far_and_near(pilot, 250)
        never = asyncio.Event()

        async def hangs(*_: Any, **__: Any) -> Any:
            await never.wait()

        app.context.engine.prearchive.list = hangs  # type: ignore[method-assign]
        await pilot.press("slash", *"project:NEURO3")
        await shown(pilot, "/ project:NEURO3")
        # What is typed does not wait for this engine.
        app.ahead.patience = 0
        await pilot.press("enter")
        await until(pilot, lambda: table(app, "sessions").has_focus)
        await pilot.press("x")
        await until(pilot, lambda: bool(app.context.notices.all))
        said = app.context.notices.all[0].text
        assert said == "not now: it is not known yet which marked rows the filter leaves"


async def test_a_key_typed_for_a_row_of_before_news_is_not_for_the_one_in_its_place() -> None:
    facts = many(250)
    app = console(facts, "prearchive", reaction=5.0)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "250 sessions shown")
        await pilot.press("G")
        await until(pilot, lambda: table(app, "sessions").cursor_key is not None)
        last = table(app, "sessions").cursor_key
        assert last is not None
        await pilot.press("g")
        await facts.tell("session", "pre_aaaaaaa1")
        await until(pilot, lambda: table(app, "sessions").records[249] is None)
        await settled(pilot)
        del facts.sessions[last]
        facts.keep(session(1_000))
        goes_on, list_ = asyncio.Event(), app.context.engine.prearchive.list

        async def slowly(*given: Any, **named: Any) -> Any:
            await goes_on.wait()
            return await list_(*given, **named)

        app.context.engine.prearchive.list = slowly  # type: ignore[method-assign]
        app.ahead.patience = 60.0
        await pilot.press("G")
        await until(pilot, lambda: table(app, "sessions").cursor == 249)
        # It is seen, but what an act would be about is not known yet.
        assert table(app, "sessions").chosen_keys == ()
        await pilot.press("x")
        goes_on.set()
        await until(pilot, lambda: bool(app.context.notices.all))
        assert app.context.notices.all[0].text == "what was typed behind that was dropped"
        await settled(pilot)
        assert table(app, "sessions").cursor_key not in (None, last)
        assert not isinstance(app.screen, AskScreen)


async def test_what_leaves_the_list_is_unmarked_and_ranges_stay_on_their_rows() -> None:
    facts = many(4)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "4 sessions shown")
        await pilot.press("asterisk")
        await shown(pilot, "4 sessions marked of 4")
        del facts.sessions["pre_aaaaaaa1"]
        await facts.tell("session", "pre_aaaaaaa1", "archived")
        await shown(pilot, "1 row left the list, marked before", "3 sessions marked of 3")
        await pilot.press("backslash", "g", "v", "j")
        begun = table(app, "sessions").chosen_keys
        facts.keep(session(9))
        await facts.tell("session", "pre_aaaaaaa9")
        await shown(pilot, "4 sessions shown")
        assert set(table(app, "sessions").chosen_keys) == set(begun)
        # Another order has other rows between.
        await pilot.press("S")
        await until(pilot, lambda: "a range is being marked" not in painted(app))
        assert len(table(app, "sessions").chosen_keys) <= 1


async def test_the_log_names_no_label_that_is_masked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = Facts()
    facts.keep(session(1, project=None, label="MR_DOE", subject="DOE"))
    log = (
        LogEntry(id="1", at=NOON, text="label OLDNAME -> MR_DOE; subject OLD -> DOE"),
        LogEntry(id="2", at=NOON, text="MR_DOE was looked at"),
    )
    app = console(facts, "prearchive")

    async def logged(id: str) -> tuple[LogEntry, ...]:
        return log

    monkeypatch.setattr(app.context.engine.prearchive, "log", logged)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "was looked at")
        assert "DOE" not in painted(app) and "OLD" not in painted(app)
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        await shown(pilot, "was looked at")
        assert "DOE" not in painted(app) and "OLD" not in painted(app)


async def test_nothing_that_fits_is_told_from_nothing_there() -> None:
    app = console(many(2), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "2 sessions shown")
        await pilot.press("slash", *"zzz", "enter")
        await shown(pilot, "nothing fits the filter; esc drops it")
        await pilot.press("x")
        await settled(pilot)
        assert not isinstance(app.screen, AskScreen)


async def test_another_order_leaves_no_rows_of_the_old_one() -> None:
    app = console(many(250), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "250 sessions shown")
        await pilot.press("G")
        await until(pilot, lambda: len(keys(app, "sessions")) == 150)
        await pilot.press("S")
        await until(pilot, lambda: len(keys(app, "sessions")) in (100, 150, 200))
        await settled(pilot)
        known = keys(app, "sessions")
        assert len(known) == len(set(known))
        await pilot.press("g")
        await settled(pilot)
        first = await app.context.engine.prearchive.list(app.screen._query, limit=1)  # type: ignore[attr-defined]
        assert table(app, "sessions").cursor_key == first.rows[0].id


async def test_order_and_card_are_remembered() -> None:
    app = console(many(3), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "by last ↓")
        await pilot.press("S", "c")
        await shown(pilot, "by last ↑")
    left = app.context.memory.state.list("prearchive")
    assert (left.sort, left.descending, left.card) == ("last_object", False, False)
    again = console(many(3), "prearchive", memory=app.context.memory)
    async with again.run_test(size=WIDE) as pilot:
        await shown(pilot, "by last ↑")
        assert "Arrived" not in painted(again)


async def test_a_view_is_saved_and_chosen_and_names_no_patient() -> None:
    facts = many(3)
    facts.keep(session(9, status=Status.ERROR))
    app = console(facts, "prearchive")

    async def save(pilot: Any, name: str) -> None:
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        place = keys(app, "choices").index("save")
        await pilot.press("home", *("j" * place), "enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        app.screen.query_one(PlainInput).focus()
        await pilot.press(*name)
        app.screen.query_one("#act").focus()
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, AskScreen))

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "4 sessions shown")
        await pilot.press("slash", *"status:error", "enter")
        await shown(pilot, "1 session shown")
        await save(pilot, "broken")
        assert [one.name for one in app.context.memory.state.views["prearchive"]] == ["broken"]
        await pilot.press("escape", "slash", *"doe", "enter")
        await save(pilot, "doe")
        assert [one.name for one in app.context.memory.state.views["prearchive"]] == ["broken"]
        assert "may name a patient" in app.context.notices.all[0].text
        await pilot.press("escape")
        await shown(pilot, "4 sessions shown")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("end", "k", "k", "enter")
        await shown(pilot, "1 session shown")


async def test_labels_of_unassigned_sessions_stay_masked_everywhere() -> None:
    facts = Facts()
    facts.keep(session(1, project=None, label="MR_DOE", subject="DOE"))
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, MASK, "Unassigned")
        await settled(pilot)
        for opened in ("x", "y", "question_mark", "o", "colon"):
            await pilot.press(opened)
            await settled(pilot)
            assert "DOE" not in painted(app)
            await pilot.press("escape")
            await settled(pilot)
        assert "DOE" not in str(app.screen.copies())  # type: ignore[attr-defined]


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_sessions_can_be_gone_through(size: tuple[int, int]) -> None:
    facts = normal()
    facts.keep(session(1, label=HOSTILE, subject=HOSTILE, calling=HOSTILE, reason=HOSTILE))
    app = console(facts, "prearchive")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 12)
        for key in ("G", "k", "g", "space", "c", "z", "z", "o", "escape", "y", "escape", "l", "h"):
            await pilot.press(key)
            text = painted(app)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
            assert len(text.splitlines()) == size[1]
