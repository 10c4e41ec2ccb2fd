"""The live screen, driven by keys against an engine in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Static

from console import arriving
from console.app import ConsoleApp
from console.screens.live import LiveScreen
from console.screens.quit import Leave, QuitScreen
from console.widgets.table import RecordTable
from engine.model.accounts import Accounts, Place
from engine.model.errors import Unavailable
from engine.model.states import Status
from tests.memory import NOON, Facts, HostInMemory, session, transfer

HOSTILE = "\x1b]52;c;cHdu\x1b\\DOE^JANE[/b][@click=app.exit]x\x9b31m\u202e\ud800\nz"
SIZES = [(120, 36), (80, 24), (40, 10)]


def console(facts: Facts, **options: Any) -> ConsoleApp:
    return ConsoleApp(HostInMemory(facts).acting("me"), **options)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Let the app go on until something holds; the test's own time limit ends it otherwise."""
    for _ in range(2_000):
        if holds():
            return
        await pilot.pause(0.005)
    raise AssertionError("it never came to hold")


def table(app: ConsoleApp, name: str) -> RecordTable:
    return app.screen_stack[0].query_one(f"#{name}", RecordTable)


def keys(app: ConsoleApp, name: str) -> list[str]:
    return [row.key for row in table(app, name).rows]


def painted(app: ConsoleApp) -> str:
    """Give the text of the whole screen as it is sent to the terminal."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def test_what_arrives_is_shown_and_followed() -> None:
    facts = Facts()
    app = console(facts)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, LiveScreen))
        await until(pilot, lambda: "nothing is being received" in painted(app))
        now = datetime.now(UTC)
        facts.transfers.append(transfer(1, opened=now, last_object=now))
        facts.keep(session(1, status=Status.RECEIVING))
        await facts.tell("transfer", "tr_1")
        await until(pilot, lambda: keys(app, "transfers") == ["tr_1"])
        await until(pilot, lambda: "● live" in painted(app) and "◐ receiving" in painted(app))
        facts.keep(session(1, status=Status.READY, objects=1234))
        await facts.tell("session", "pre_aaaaaaa1")
        await until(pilot, lambda: "● ready" in painted(app) and "1 234" in painted(app))


async def test_a_gap_loads_everything_again() -> None:
    facts = Facts()
    app = console(facts)
    async with app.run_test() as pilot:
        await until(pilot, facts.waited.is_set)
        facts.keep(session(1))
        facts.epoch = "second"
        await facts.tell("engine", "")
        await until(pilot, lambda: keys(app, "sessions") == ["pre_aaaaaaa1"])


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    facts = Facts()
    facts.keep(session(1, label=HOSTILE, subject=HOSTILE, project=HOSTILE, calling=HOSTILE))
    facts.transfers.append(transfer(1, calling=HOSTILE, peer=HOSTILE, series=HOSTILE))
    app = console(facts)
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: "DOE^" in painted(app) or size[0] < 80)
        await until(pilot, lambda: len(keys(app, "sessions")) == 1)
        text = painted(app)
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
        assert len(text.splitlines()) == size[1]
        await pilot.click(RecordTable)
        await pilot.press("j", "k", "G", "g", "pagedown", "pageup", "enter", "tab")
        assert app.is_running


async def test_a_watcher_sees_no_labels() -> None:
    facts = Facts()
    facts.keep(session(1, label="LABEL_1", subject="SUBJECT_1"))
    app = console(facts, watching=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: arriving.MASK in painted(app))
        assert "LABEL_1" not in painted(app)
        assert "SUBJECT_1" not in painted(app)


async def test_the_cursor_stays_on_its_object() -> None:
    facts = Facts()
    facts.keep(*(session(number) for number in range(1, 6)))
    app = console(facts)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: len(keys(app, "sessions")) == 5)
        await pilot.press("tab", "j", "j")
        chosen = table(app, "sessions").cursor_key
        facts.keep(session(9, uploaded=NOON + timedelta(minutes=1)))
        await facts.tell("session", "pre_aaaaaaa9")
        await until(pilot, lambda: len(keys(app, "sessions")) == 6)
        assert table(app, "sessions").cursor_key == chosen
        assert keys(app, "sessions")[0] == "pre_aaaaaaa9"


async def test_a_live_number_repaints_its_line_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = Facts()
    facts.keep(*(session(number) for number in range(1, 6)))
    facts.transfers.append(transfer(1))
    app = console(facts)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "received 12" in painted(app))
        facts.transfers[0] = transfer(1, objects=4710)
        await facts.tell("transfer", "tr_1")
        await until(pilot, lambda: "4 710" in painted(app))
        await until(pilot, lambda: not app.screen._compositor._dirty_regions)
        repainted: list[Region] = []
        compositor = app.screen._compositor
        render = compositor.render_update

        def noted(**options: Any) -> Any:
            repainted.extend(compositor._dirty_regions)
            return render(**options)

        monkeypatch.setattr(compositor, "render_update", noted)
        facts.transfers[0] = transfer(1, objects=4711)
        await facts.tell("transfer", "tr_1")
        await until(pilot, lambda: "4 711" in painted(app))
        await until(pilot, lambda: bool(repainted))
        assert {region.height for region in repainted} == {1}


async def test_a_paused_picture_holds_still() -> None:
    facts = Facts()
    app = console(facts)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "received 12" in painted(app))
        await pilot.press("p")
        assert "PAUSED" in painted(app)
        facts.keep(session(1))
        await facts.tell("session", "pre_aaaaaaa1")
        await until(pilot, lambda: bool(app.screen_stack[0]._sessions))  # type: ignore[attr-defined]
        assert keys(app, "sessions") == []
        await pilot.press("p")
        assert keys(app, "sessions") == ["pre_aaaaaaa1"]


async def test_an_engine_that_is_gone_is_said_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = Facts()
    engine = HostInMemory(facts).acting("me")
    app = ConsoleApp(engine)
    gone = Unavailable("no engine is running on this home")

    async def fails(*args: object, **kwargs: object) -> Any:
        raise gone

    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, facts.waited.is_set)
        with monkeypatch.context() as patch:
            patch.setattr(engine.events, "after", fails)
            await facts.tell("engine", "")
            await until(pilot, lambda: "what is shown is old" in painted(app))
            assert app.screen.query_one("#status", Static).has_class("bad")
        await until(pilot, lambda: not app.screen.query_one("#status").has_class("bad"))


async def test_q_leaves_an_engine_that_others_started() -> None:
    app = console(Facts())
    async with app.run_test() as pilot:
        await pilot.press("q")
    assert app.return_value is Leave.RUNNING


@pytest.mark.parametrize(
    ("key", "how"), [("s", Leave.STOPPED), ("l", Leave.RUNNING), ("enter", Leave.RUNNING)]
)
async def test_q_asks_what_becomes_of_an_engine_that_it_started(key: str, how: Leave) -> None:
    app = console(Facts(), owner=True)
    async with app.run_test() as pilot:
        await pilot.press("q")
        assert isinstance(app.screen, QuitScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, LiveScreen)
        await pilot.press("ctrl+q", "ctrl+q")
        assert isinstance(app.screen, QuitScreen)
        await pilot.press(key)
    assert app.return_value is how


async def test_the_thread_that_reads_the_terminal_is_told_to_end() -> None:
    app = console(Facts())
    app.end_input()  # there is none yet
    app._driver = LinuxDriver(app, size=(80, 24))
    app.end_input()
    # The loop of `LinuxDriver.run_input_thread` goes by this.
    assert app._driver.exit_event.is_set()


async def test_a_crash_shows_no_values(capsys: pytest.CaptureFixture[str]) -> None:
    app = console(Facts())

    def fail() -> None:
        name = "DOE^JANE"
        raise ValueError(name)

    with pytest.raises(ValueError, match="DOE"):
        async with app.run_test() as pilot:
            app.call_later(fail)
            await pilot.pause()
            await pilot.pause()
    said = "".join(
        segment.text
        for one in app._exit_renderables
        for segment in one.segments  # type: ignore
    )
    shown = said + "".join(capsys.readouterr())
    assert "the console failed (reference " in shown
    assert "DOE" not in shown
    assert "ValueError" not in shown


def test_a_silent_transfer_is_stalled_and_an_ended_one_leaves() -> None:
    row = arriving.transfer_row(transfer(1), NOON + timedelta(seconds=11))
    assert (row.cells[0], row.tone) == ("! stalled", "look")
    live = arriving.transfer_row(transfer(1), NOON + timedelta(seconds=10))
    assert live.cells[0] == "● live"
    ended = transfer(2, closed=NOON, ended="released")
    assert arriving.transfer_row(ended, NOON).cells[0] == "✓ done"
    lost = replace(ended, ended="connection lost")
    row = arriving.transfer_row(lost, NOON)
    assert (row.cells[0], row.cells[4]) == ("✗ ended", "connection lost")
    early, late = NOON + timedelta(minutes=9), NOON + timedelta(minutes=10)
    assert arriving.transfers_on_show((ended, transfer(1)), early) == [transfer(1), ended]
    assert arriving.transfers_on_show((ended,), late) == []


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("locked", [False, True])
def test_every_status_has_a_sign_and_a_word(status: Status, locked: bool) -> None:
    row = arriving.session_row(session(1, status=status, locked=locked), NOON, masked=False)
    sign, _, word = row.cells[0].partition(" ")
    assert len(sign) == 1
    assert word.isascii()


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_400, "1d")],
)
def test_ages(seconds: int, said: str) -> None:
    assert arriving.age(NOON + timedelta(seconds=seconds), NOON) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 K"), (4_096_000, "4 M"), (3 * 10**12, "3 T")],
)
def test_sizes(number: int, said: str) -> None:
    assert arriving.size(number) == said


def test_accounts_are_told_in_one_line() -> None:
    accounts = Accounts(counts={Place.WAITING: 1200, Place.HELD: 0, Place.REFUSED: 3})
    assert arriving.accounts_line(accounts) == "received 1 200 = 1 200 waiting 3 refused"
