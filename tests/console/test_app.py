# SPDX-License-Identifier: Apache-2.0
"""What all screens of the console share: how it ends, what it says, what it takes back, and what it
does when the engine is gone or nobody is there."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.drivers.linux_driver import LinuxDriver
from textual.pilot import Pilot

from console.actions.triage import Act
from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.runtime.preferences import Glyphs, Preferences, Switch
from console.screens.base.overlays import BlankScreen, NoticesScreen, TextScreen
from console.screens.base.quit import Leave, QuitScreen, UnsavedScreen
from console.screens.prearchive import PrearchiveScreen
from console.theme import OFFERED, STOCK
from console.transfer.outgoing import Running
from console.views import glyphs
from console.widgets import scrollbars
from console.widgets.dialogs import AskScreen, PlainInput
from console.widgets.table import RecordTable
from engine.model.errors import Unavailable
from engine.model.prearchive import ActOutcome
from engine.model.states import Status, Verb
from tests.console.piloting import (
    HOSTILE,
    SMALL,
    TINY,
    WIDE,
    Clock,
    console,
    painted,
    settled,
    shown,
    table,
    until,
)
from tests.console.scenes import normal
from tests.memory import Facts, session

PROCESS = 1
"""Of the engine in memory."""


def ready(*numbers: int, **changes: Any) -> Facts:
    """Return an engine with sessions that something can be done to, and two projects."""
    facts = normal()
    facts.sessions.clear()
    facts.keep(*(session(number, **changes) for number in numbers))
    return facts


async def test_q_leaves_an_engine_that_others_started() -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert app.return_value is Leave.RUNNING


async def test_it_opens_alike_where_tasks_begin_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual asks for that on Python 3.12 and newer, and not when it is driven by tests."""

    def begin_later(loop: Any, coroutine: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coroutine, loop=loop, **options)

    if not hasattr(asyncio, "eager_task_factory"):
        monkeypatch.setattr(asyncio, "eager_task_factory", begin_later, raising=False)
    app = console(Facts(), "prearchive")
    factories = []

    async def look(pilot: Pilot[object]) -> None:
        factories.append(asyncio.get_running_loop().get_task_factory())
        await pilot.press("q")

    assert await app.run_async(headless=True, size=WIDE, auto_pilot=look) is Leave.RUNNING
    assert factories == [None]


@pytest.mark.parametrize(
    ("key", "how"), [("s", Leave.STOPPED), ("l", Leave.RUNNING), ("enter", Leave.RUNNING)]
)
async def test_q_asks_what_becomes_of_an_engine_that_it_started(key: str, how: Leave) -> None:
    app = console(Facts(), "prearchive", started=PROCESS)
    async with app.run_test() as pilot:
        await pilot.press("q")
        assert kind(app) is QuitScreen
        await pilot.press("escape")
        assert kind(app) is PrearchiveScreen
        # Not asked twice, and no mode is changed while it is asked.
        await pilot.press("ctrl+q", "ctrl+q", "1")
        assert kind(app) is QuitScreen
        assert app.current_mode == "prearchive"
        await pilot.press(key)
    assert app.return_value is how


async def test_nothing_is_asked_of_an_engine_that_took_the_place_of_the_one_it_started() -> None:
    app = console(Facts(), "prearchive", started=PROCESS + 1)
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.context.status_view.status is not None)
        await pilot.press("q")
    assert app.return_value is Leave.RUNNING


async def test_a_download_that_goes_on_is_not_ended_without_a_question() -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test(size=SMALL) as pilot:
        app.context.outgoing.download = Running(label="MR_1", shown="3/155")
        await pilot.press("q")
        await shown(pilot, "Leave, and end a download?", "MR_1: 3/155")
        await pilot.press("enter")
        await until(pilot, lambda: kind(app) is PrearchiveScreen)
        await pilot.press("q")
        await until(pilot, lambda: kind(app) is UnsavedScreen)
        app.screen.query_one("#act").focus()
        await pilot.press("enter")
    assert app.return_value is Leave.RUNNING


async def test_a_mode_that_was_not_on_show_looks_again_when_it_comes_back() -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await pilot.press("4")
        await shown(pilot, "▐4 Archive▌")
        facts.keep(session(2))
        await facts.tell("session", "pre_aaaaaaa2")
        await until(pilot, lambda: app.context.news > 0)
        await pilot.press("2")
        await shown(pilot, "MR_2")


async def test_labels_are_masked_again_also_where_nobody_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = console(ready(1, project=None, label="MR_DOE", subject="DOE"), "prearchive")

    async def fails(*args: object, **options: object) -> Any:
        raise Unavailable("no engine is running on this home")

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, glyphs.MASK)
        app.context.revealed_until = app.context.clock() + timedelta(minutes=1)
        app.masks_changed()
        await shown(pilot, "MR_DOE")
        hidden = app.screen
        await pilot.press("4")
        await until(pilot, lambda: app.current_mode == "archive")
        # Nor does it wait for an engine that does not answer.
        monkeypatch.setattr(app.context.engine.prearchive, "list", fails)
        app.context.revealed_until = None
        app.masks_changed()
        rows = hidden.query_one("#sessions", RecordTable).rows
        assert "DOE" not in str([row.cells for row in rows])


async def test_what_was_opened_over_labels_does_not_keep_them() -> None:
    app = console(ready(1, project=None, label="MR_DOE", subject="DOE"), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, glyphs.MASK)
        app.context.revealed_until = app.context.clock() + timedelta(minutes=1)
        await pilot.press("y")
        await shown(pilot, "Copy", "MR_DOE")
        below = app.screen
        app.push_screen(TextScreen("Log", [("12:00", "MR_DOE")], empty="", labelled=True))
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        app.context.revealed_until = None
        app.masks_changed()
        await shown(pilot, "the masks have changed")
        assert "DOE" not in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is below)
        assert "DOE" not in painted(app)
        await pilot.press("escape", "y")
        await until(pilot, lambda: "anteroom prearchive" in painted(app))
        app.masks_changed()
        await until(pilot, lambda: kind(app) is PrearchiveScreen)


async def test_sessions_opened_by_name_do_not_pile_up() -> None:
    app = console(ready(1, 2), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        for number in (1, 2, 1):
            await app.open_session(f"pre_aaaaaaa{number}")
            await shown(pilot, f"▸ MR_{number}")
        await pilot.press("escape")
        await until(pilot, lambda: kind(app) is PrearchiveScreen)


async def test_ctrl_q_leaves_from_anywhere() -> None:
    app = console(ready(1), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("ctrl+q")
    assert app.return_value is Leave.RUNNING


async def test_the_thread_that_reads_the_terminal_is_told_to_end() -> None:
    app = console(Facts())
    app.end_input()  # there is none yet
    app._driver = LinuxDriver(app, size=(80, 24))
    app.end_input()
    # The loop of `LinuxDriver.run_input_thread` goes by this.
    assert app._driver.exit_event.is_set()


async def test_a_crash_shows_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    app = console(Facts(), "prearchive")

    def fail() -> None:
        name = "DOE^JANE"
        raise ValueError(name)

    with pytest.raises(ValueError, match="DOE"):
        async with app.run_test() as pilot:
            app.call_later(fail)
            await until(pilot, lambda: app._exception is not None)
    said = "".join(str(each) for one in app._exit_renderables for each in vars(one)["segments"])
    shown = said + "".join(capsys.readouterr())
    assert "the console failed (reference " in shown
    assert "DOE" not in shown


async def test_a_part_that_fails_is_said_without_values_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = console(ready(1), "prearchive")

    async def fails(*args: object, **options: object) -> Any:
        raise ValueError("DOE^JANE")

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        monkeypatch.setattr(app.context.engine.prearchive, "show", fails)
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, TextScreen))
        assert "DOE" not in painted(app)
        await pilot.press("escape")
        assert isinstance(app.screen, PrearchiveScreen)


@pytest.mark.parametrize(
    ("mode", "keys"),
    [
        ("prearchive", ()),
        ("prearchive", ("slash", "a")),
        ("prearchive", ("g", "enter")),
        ("prearchive", ("g", "enter", "tab")),
        ("live", ("tab",)),
        ("archive", ("tab",)),
        ("projects", ("g", "j", "enter")),
        ("system", ("tab",)),
        ("prearchive", ("m",)),
    ],
)
async def test_the_focus_survives_terminals_that_are_too_small(
    mode: str, keys: tuple[str, ...]
) -> None:
    app = console(normal(), mode)
    async with app.run_test(size=WIDE) as pilot:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)
        before = app.screen.focused
        assert before is not None
        for size in (SMALL, TINY, (20, 3), SMALL):
            await pilot.resize_terminal(*size)
            await settled(pilot)
        assert app.screen.focused in app.screen.focus_chain
        await pilot.resize_terminal(*WIDE)
        await until(pilot, lambda: app.screen.focused is before)


async def test_a_key_in_a_terminal_that_is_too_small_does_not_lose_the_focus() -> None:
    app = console(ready(1), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await pilot.resize_terminal(*TINY)
        await settled(pilot)
        await pilot.press("j")
        await settled(pilot)
        await pilot.resize_terminal(*SMALL)
        await until(pilot, lambda: app.screen.focused is table(app, "sessions"))
        # Whoever goes on stays where he went.
        await pilot.press("slash")
        await until(pilot, lambda: isinstance(app.screen.focused, PlainInput))
        await pilot.resize_terminal(*WIDE)
        await settled(pilot)
        assert isinstance(app.screen.focused, PlainInput)


async def test_an_engine_that_is_gone_is_said_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    engine = app.context.engine

    async def fails(*args: object, **options: object) -> Any:
        raise Unavailable("no engine is running on this home")

    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, facts.waited.is_set)
        with monkeypatch.context() as patch:
            patch.setattr(engine.events, "after", fails)
            patch.setattr(engine.system, "status", fails)
            await facts.tell("engine", "")
            await shown(pilot, "no engine is running on this home; what is shown is old", "MR_1")
            # A verb says it too, and nothing is lost by it.
            patch.setattr(engine.prearchive, "show", fails)
            await pilot.press("x")
            await settled(pilot)
            assert isinstance(app.screen, PrearchiveScreen)
        facts.keep(session(2))
        await until(pilot, lambda: "what is shown is old" not in painted(app))
        await shown(pilot, "MR_2")


def kind(app: ConsoleApp) -> type[object]:
    """Return the kind of the screen on show."""
    return type(app.screen)


async def said(pilot: Any, app: ConsoleApp, text: str) -> None:
    """Let the app go on until something has been said."""
    await until(pilot, lambda: text in [one.text for one in app.context.notices.all])


async def answer(pilot: Any, app: ConsoleApp, verb: str, **fields: str) -> None:
    """Press a verb, fill in what it asks, and do it."""
    await pilot.press(verb)
    await until(pilot, lambda: isinstance(app.screen, AskScreen))
    for name, text in fields.items():
        field = next(each for each in app.screen.query("PlainInput") if each.name == name)
        field.focus()
        await pilot.press("end", "ctrl+u", *text)
    app.screen.query_one("#act").focus()
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(app.screen, AskScreen))


async def test_a_deleted_session_comes_back() -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await answer(pilot, app, "x", reason="why")
        await until(pilot, lambda: "pre_aaaaaaa1" in facts.trashed)
        await said(pilot, app, "delete: 1 session")
        await pilot.press("u")
        await until(pilot, lambda: "pre_aaaaaaa1" in facts.sessions)
        await said(pilot, app, "taken back: put 1 session back from the trash")
        await pilot.press("u")
        await said(pilot, app, "nothing was done here that could be taken back")


async def test_a_moved_session_goes_back_to_where_it_was() -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await answer(pilot, app, "m", project="CARDIO")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].project == "CARDIO")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].status is Status.READY)
        await pilot.press("u")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].project == "NEURO3")
        await said(pilot, app, "taken back: move 1 session back")


async def test_a_relabelled_session_gets_its_old_labels() -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await answer(pilot, app, "i", label="MR_NEW", subject="S_NEW")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].label == "MR_NEW")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].status is Status.READY)
        await pilot.press("u")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].label == "MR_1")
        assert facts.sessions["pre_aaaaaaa1"].subject == "SUB-1"


async def test_what_is_still_queued_leaves_the_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ready(1)
    app = console(facts, "prearchive")
    begun: list[str] = []

    async def queue(ids: tuple[str, ...], reason: str = "") -> Any:
        begun.extend(ids)
        for id in ids:
            facts.sessions[id] = replace(facts.sessions[id], status=Status.QUEUED_ARCHIVING)
        return tuple(_done(id) for id in ids)

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        monkeypatch.setattr(app.context.engine.prearchive, "archive", queue)
        await answer(pilot, app, "a")
        await until(pilot, lambda: begun == ["pre_aaaaaaa1"])
        await shown(pilot, "q.archiving")
        await pilot.press("u")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].status is Status.READY)
        await said(pilot, app, "taken back: take the archive out of the queue")


async def test_what_cannot_be_taken_back_says_why() -> None:
    facts = ready(1, project=None)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "Unassigned")
        await answer(pilot, app, "m", project="CARDIO")
        await until(pilot, lambda: facts.sessions["pre_aaaaaaa1"].project == "CARDIO")
        await pilot.press("u")
        await said(pilot, app, "nothing is moved back into Unassigned")
        assert len(app.context.done) == 1


async def test_what_cannot_be_taken_back_does_not_stand_before_what_can() -> None:
    first, last = Act(verb=Verb.DELETE, sessions=(session(1),)), Act(verb=Verb.RESET, sessions=())
    app = console(ready(1), "prearchive", done=[first, last])
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await pilot.press("u")
        await until(pilot, lambda: bool(app.context.notices.all))
        said = app.context.notices.all[0].text
        assert said.endswith("u once more would put 1 session back from the trash")
        assert app.context.done == [first]


async def test_an_act_is_brought_to_its_end_where_its_screen_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = console(ready(1), "prearchive")
    goes_on = asyncio.Event()
    rebuild = app.context.engine.prearchive.rebuild

    async def slow(ids: tuple[str, ...], reason: str = "") -> Any:
        await goes_on.wait()
        return await rebuild(ids, reason)

    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await pilot.press("enter")
        await shown(pilot, "▸ MR_1 (1/1)")
        monkeypatch.setattr(app.context.engine.prearchive, "rebuild", slow)
        await pilot.press("r", "escape")
        await until(pilot, lambda: kind(app) is PrearchiveScreen)
        assert not app.context.done
        goes_on.set()
        await said(pilot, app, "rebuild: 1 session")
        assert len(app.context.done) == 1


async def test_a_row_is_copied_with_its_tabs(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test() as pilot:
        app.copy(f"a\t{HOSTILE}", "row")
        await pilot.pause()
        assert app.clipboard.startswith("a\t")
        assert not {"\x1b", "\x9b", "\u202e", "\n"} & set(app.clipboard)


async def test_notices_are_kept_and_counted_until_they_are_read() -> None:
    app = console(Facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        app.tell("first")
        app.tell(HOSTILE, "warning")
        await shown(pilot, "!1")
        await pilot.press("exclamation_mark")
        await until(pilot, lambda: isinstance(app.screen, NoticesScreen))
        rows = [row.cells for row in table(app, "list").rows]
        assert [cells[0].split()[0] for cells in rows] == ["!", "·"]
        assert app.context.notices.unseen == 0
        await pilot.press("q")
        await until(pilot, lambda: "!1" not in painted(app))
        assert not {"\x1b", "\x9b", "\u202e"} & set(painted(app))


async def test_a_console_that_nobody_uses_shows_nothing() -> None:
    clock = Clock()
    app = console(ready(1), "prearchive", clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        app._rest_if_unused()
        assert isinstance(app.screen, PrearchiveScreen)
        clock.goes_on(app.context.preferences.blank_after + 1)
        app._rest_if_unused()
        await until(pilot, lambda: isinstance(app.screen, BlankScreen))
        await shown(pilot, "any key goes on")
        assert "MR_1" not in painted(app)
        # The key does nothing but bring it back.
        await pilot.press("x")
        await shown(pilot, "MR_1")
        app._rest_if_unused()
        assert isinstance(app.screen, PrearchiveScreen)


@pytest.mark.parametrize(
    "options", [{"watching": True}, {"preferences": Preferences(blank_after=0)}]
)
async def test_a_wall_and_whoever_wants_it_stay_lit(options: dict[str, Any]) -> None:
    clock = Clock()
    app = console(Facts(), clock=clock, **options)
    async with app.run_test() as pilot:
        clock.goes_on(1_000_000)
        app._rest_if_unused()
        await pilot.pause()
        assert not isinstance(app.screen, BlankScreen)


async def test_the_mode_is_remembered(tmp_path: Path) -> None:
    place = tmp_path / "console.json"
    app = console(Facts(), memory=StateFile(place))
    async with app.run_test() as pilot:
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "prearchive")
    app.context.memory.save()
    again = console(Facts(), memory=StateFile(place))
    async with again.run_test():
        assert again.current_mode == "prearchive"
    watcher = console(Facts(), memory=StateFile(place), watching=True)
    async with watcher.run_test() as pilot:
        assert watcher.current_mode == "live"
        await pilot.press("2")
        assert watcher.current_mode == "live"


async def test_a_mode_that_is_not_known_is_not_gone_to() -> None:
    memory = StateFile(None)
    memory.state.mode = "imaging"
    app = console(Facts(), memory=memory)
    async with app.run_test():
        assert app.current_mode == "live"


async def test_themes_are_remembered_and_preferred(tmp_path: Path) -> None:
    place = tmp_path / "console.json"
    app = console(Facts(), "prearchive", memory=StateFile(place))
    assert set(app.offered_themes) == set(OFFERED)
    async with app.run_test(size=SMALL) as pilot:
        assert app.theme == STOCK
        for theme in app.offered_themes:
            app.wear(theme)
            await pilot.pause()
            assert "Prearchive" in painted(app)
        app.wear("nord")
    assert console(Facts(), memory=StateFile(place)).theme == "nord"
    preferred = Preferences(theme="gruvbox")
    chosen = console(Facts(), memory=StateFile(place), preferences=preferred)
    assert chosen.theme == "gruvbox"
    unknown = console(Facts(), preferences=Preferences(theme="no such"))
    assert unknown.theme == STOCK


@pytest.mark.parametrize(
    ("mouse", "asked"), [(Switch.ON, True), (Switch.OFF, False), (False, False)]
)
async def test_the_mouse_is_asked_for_or_not(
    mouse: Switch | bool, asked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = console(Facts(), preferences=Preferences(mouse=mouse))
    given: list[Any] = []

    async def noted(**options: Any) -> Leave:
        given.append(options["mouse"])
        return Leave.RUNNING

    monkeypatch.setattr(app, "run_async", noted)
    assert await app.open() is Leave.RUNNING
    assert given == [asked]


@pytest.mark.parametrize("mode", ["prearchive", "archive"])
async def test_a_terminal_without_signs_gets_ascii(mode: str) -> None:
    facts = normal()
    facts.keep(*(session(number) for number in range(30, 60)))
    app = console(facts, mode, preferences=Preferences(glyphs=Glyphs.ASCII))
    try:
        async with app.run_test(size=SMALL) as pilot:
            await settled(pilot)
            assert painted(app).isascii()
            await pilot.press("question_mark")
            await settled(pilot)
            assert "enter runs it" in painted(app)
            assert {each for each in painted(app) if not each.isascii()} == set()
    finally:
        glyphs.use_ascii(False)
        scrollbars.use_ascii(False)


async def test_acts_are_done_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ready(1, 2)
    app = console(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_2")
        await pilot.press("asterisk")
        await answer(pilot, app, "r")
        await until(pilot, lambda: len(app.context.done) == 1)
        assert set(app.context.done[0].ids) == {"pre_aaaaaaa1", "pre_aaaaaaa2"}
        # Both presses are about one act: the second finds nothing left.
        await pilot.press("u", "u")
        await until(pilot, lambda: len(app.context.notices.all) >= 3)
        assert app.context.notices.all[0].text == "nothing was done here that could be taken back"


def _done(id: str) -> ActOutcome:
    return ActOutcome(id=id, done=True, job=f"{id}:archive:1")
