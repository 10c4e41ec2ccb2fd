# SPDX-License-Identifier: Apache-2.0
"""Health, receivers and jobs, by keys against an engine in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.base.screen import BaseScreen, StatusTaken
from console.widgets.dialogs import AskScreen
from engine.model.archive import Durability, OnScriptError
from engine.model.errors import Conflict, InvalidInput, Unavailable
from engine.model.health import Check, Finding
from engine.model.live import Job, ReceiverStatus, Throughput
from engine.model.remotes import Remote, Send, SendFailure, SendState
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
from tests.memory import NOON, Facts
from tests.memory.configuration import Receivers
from tests.memory.live import Jobs, Live, System
from tests.memory.remotes import Remotes

DISK = Check(
    name="disk",
    finding=Finding.FAILED,
    found="3 % are free",
    consequence="Nothing can be received.",
    remedy=("empty the trash", "make room"),
)


def receiver(ae_title: str, port: int, **changes: Any) -> ReceiverStatus:
    made = ReceiverStatus(
        ae_title=ae_title, port=port, enabled=True, listening=True, origin="added"
    )
    return replace(made, **changes)


def job(number: int, status: str, **changes: Any) -> Job:
    made = Job(
        id=f"job-{number}",
        verb="archive",
        session=f"pre_aaaaaaa{number}",
        status=status,
        queued=NOON,
        updated=NOON,
        error="",
    )
    return replace(made, **changes)


def known() -> Facts:
    facts = Facts()
    for one in (receiver("ANTEROOM", 8104, origin="settings"), receiver("CT1", 8105)):
        facts.receivers[one.ae_title, one.port] = one
    return facts


def told(app: ConsoleApp, text: str) -> bool:
    """Whether something was said; a toast breaks it into lines."""
    return any(text in one.text for one in app.context.notices.all)


async def at_receiver(pilot: Pilot[Any], app: ConsoleApp, moves: str) -> None:
    await until(pilot, lambda: len(keys(app, "receivers")) == 3)
    await pilot.press(">", *moves)
    await shown(pilot, "▐Receivers▌")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_checks_say_what_comes_of_it_and_what_to_do(size: tuple[int, int]) -> None:
    facts = known()
    facts.checks.append(DISK)
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: keys(app, "checks") == ["disk", "receivers", "accounts"])
        await pilot.press("enter")
        await shown(pilot, "Nothing can be received.", "What to do", "2  make room")
        await pilot.press("escape")
        await shown(pilot, "✓ accounts", "1 failed, 0 to look at")


async def test_health_shows_what_came_within_each_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    facts, clock = known(), Clock()
    asked: list[int] = []
    throughput = Live.throughput

    async def noted(self: Live, hours: int = 24) -> tuple[Throughput, ...]:
        asked.append(hours)
        return await throughput(self, hours)

    monkeypatch.setattr(Live, "throughput", noted)
    hour = Throughput(
        hour=NOON, receiver="", calling="", objects=9600, bytes=10**9, refused=3, last=NOON
    )
    facts.throughput.append(hour)
    app = console(facts, "system", clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "images per hour", "9 600 images, 1 G   refused: 3", "█")
        facts.throughput.append(replace(hour, objects=400, bytes=0, refused=0))
        clock.goes_on(30)
        await facts.tell("transfer", "tr_1")
        await shown(pilot, "10 000 images")
        # Hours pass without news, too.
        facts.throughput.append(replace(hour, objects=2_000, bytes=0, refused=0))
        clock.goes_on(30)
        app.screen.post_message(StatusTaken())
        await shown(pilot, "12 000 images")
        await pilot.press(">")
        await until(pilot, lambda: "images per hour" not in painted(app))
        # But not while it is not on show.
        many = len(asked)
        clock.goes_on(30)
        app.screen.post_message(StatusTaken())
        await settled(pilot)
        assert len(asked) == many
        await pilot.press("<")
        await until(pilot, lambda: len(asked) == many + 1)


async def test_all_checks_are_run_again_with_the_long_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = known()
    clock = Clock()
    asked: list[bool] = []
    checks = System.checks

    async def noted(self: System, thorough: bool = False) -> tuple[Check, ...]:
        asked.append(thorough)
        return await checks(self, thorough)

    monkeypatch.setattr(System, "checks", noted)
    app = console(facts, "system", clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "r makes the long ones too", "all is well")
        facts.checks.append(DISK)
        clock.goes_on(60)
        await pilot.press("r")
        await shown(pilot, "1 failed", "the long ones 12:02:00")
        assert asked == [False, True]


async def test_checks_do_not_run_twice_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = asyncio.Event()
    asked: list[bool] = []

    async def slow(self: System, thorough: bool = False) -> tuple[Check, ...]:
        asked.append(thorough)
        if thorough:
            await go_on.wait()
        return (DISK,)

    monkeypatch.setattr(System, "checks", slow)
    app = console(known(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: keys(app, "checks") == ["disk"])
        await pilot.press("r")
        await shown(pilot, "running all checks, the long ones too")
        await pilot.press("r")
        await until(pilot, lambda: told(app, "not now: the checks are running"))
        go_on.set()
        await shown(pilot, "the long ones 12:01:00")
        assert asked == [False, True]


async def test_facts_are_those_of_the_engine() -> None:
    facts = known()
    facts.jobs = {"job-1": job(1, "running"), "job-2": job(2, "failed")}
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await shown(
            pilot, "2 up", "75% of 4 G", "1 unfinished, 1 at work", "1 of the last 2 failed"
        )


async def test_a_receiver_is_added() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "receivers")) == 3)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"MR3", "enter", *"x1")
        await shown(pilot, "the port is a number")
        await pilot.press("backspace", "backspace", *"8107", "enter")
        await pilot.press(*"MR_A, 10.3.2.0/24", "enter", *["enter"] * 4)
        await until(pilot, lambda: ("MR3", 8107) in facts.receivers)
        made = facts.receivers["MR3", 8107]
        assert (made.allow, made.allow_enabled) == (("MR_A", "10.3.2.0/24"), True)
        assert not made.tls
        await until(pilot, lambda: table(app, "receivers").cursor_key == "8107 MR3")
        assert told(app, "MR3 on port 8107 is up")


async def test_values_of_a_receiver_are_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = known()
    got: list[dict[str, str]] = []
    edit = Receivers.edit

    async def noted(
        self: Receivers, ae_title: str, port: int, values: dict[str, str]
    ) -> ReceiverStatus:
        got.append(values)
        if values.get("port") == "8104":
            raise Conflict("the port has this AE title already")
        return await edit(self, ae_title, port, values)

    monkeypatch.setattr(Receivers, "edit", noted)
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter", *"8104", "enter", "enter", *"no", "enter", *"yes", "enter")
        await pilot.press("enter", "enter")
        await shown(pilot, "the port has this AE title already")
        await pilot.press("enter", *"8109", *["enter"] * 6)
        await until(pilot, lambda: ("CT1", 8109) in facts.receivers)
        made = facts.receivers["CT1", 8109]
        assert (made.anonymize, made.rules_enabled) == (False, True)
        assert got[-1] == {"port": "8109", "anonymize": "false", "rules_enabled": "true"}


async def test_a_receiver_is_added_with_tls_in_a_small_terminal() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: len(keys(app, "receivers")) == 3)
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"MR3", "enter", *"2762", "enter", "enter", *"yes", "enter")
        await pilot.press(*"/c")
        await shown(pilot, "TLS needs a certificate and a key")
        await pilot.press("enter", *"/k", "enter")
        await shown(pilot, "add MR3 --port 2762 tls=true", "certificate=/c key=/k")
        await pilot.press("enter")
        await until(pilot, lambda: ("MR3", 2762) in facts.receivers)
        made = facts.receivers["MR3", 2762]
        assert (made.tls, made.certificate, made.key) == (True, "/c", "/k")


async def test_storage_of_a_receiver_is_changed_in_a_small_terminal() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=(80, 24)) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("o")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"a", "enter", *"group", "enter", *"1.2.3.4", "enter", *"mri", "enter")
        await pilot.press(*["backspace"] * 4, *"refuse", "enter")
        await shown(pilot, "durability=group", "storage_classes=1.2.3.4 account=mri")
        # The buttons are in sight, too.
        await shown(pilot, "script_error=refuse", "Change it")
        await pilot.press("enter")
        await until(pilot, lambda: facts.receivers["CT1", 8105].account == "mri")
        made = facts.receivers["CT1", 8105]
        assert (made.file_name_template, made.durability) == ("a", Durability.GROUP)
        assert made.storage_classes == ("1.2.3.4",)
        assert made.script_error is OnScriptError.REFUSE


async def test_limits_of_a_receiver_are_changed() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"RLELossless", "enter", *["enter"] * 2, "4", *["enter"] * 3)
        await until(pilot, lambda: facts.receivers["CT1", 8105].max_per_peer == 4)
        assert facts.receivers["CT1", 8105].transfer_syntaxes == ("RLELossless",)
        assert told(app, "CT1 on port 8105 is up")


async def test_a_receiver_gets_tls_in_a_small_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = known()
    edit = Receivers.edit

    async def judged(
        self: Receivers, ae_title: str, port: int, values: dict[str, str]
    ) -> ReceiverStatus:
        if values["certificate"] == "/c":
            raise InvalidInput("certificate: /c cannot be read", hint="the engine has to read it")
        return await edit(self, ae_title, port, values)

    monkeypatch.setattr(Receivers, "edit", judged)
    app = console(facts, "system")
    async with app.run_test(size=(80, 24)) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"yes", "enter", *"/c", "enter", *"/k", "enter")
        await pilot.press("enter", "enter", "enter", "enter")
        # Objection, buttons and command are all in sight.
        await shown(pilot, "/c cannot be read", "Change it", "tls=true certificate=/c key=/k")
        await pilot.press("enter", *"/d", *["enter"] * 6)
        await until(pilot, lambda: facts.receivers["CT1", 8105].tls)
        made = facts.receivers["CT1", 8105]
        assert (made.certificate, made.key) == ("/d", "/k")


async def test_a_receiver_is_stopped_once_that_is_meant_and_started() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("a")
        await until(pilot, lambda: told(app, "not now: it is up"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, AskScreen))
        assert facts.receivers["CT1", 8105].listening
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not facts.receivers["CT1", 8105].enabled)
        await shown(pilot, "○ CT1", "1 up, 1 stopped")
        await pilot.press("a")
        await until(pilot, lambda: facts.receivers["CT1", 8105].listening)
        await shown(pilot, "● CT1", "2 up")


async def test_the_receiver_of_the_settings_file_says_why_it_stays_as_it_is() -> None:
    app = console(known(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_receiver(pilot, app, "")
        await pilot.press("enter", "i", "w", "a", "x")
        await until(pilot, lambda: len(app.context.notices.all) == 5)
        assert {one.text for one in app.context.notices.all} == {
            "not now: it is the receiver of the settings file: "
            "change it in anteroom.yaml, start the engine again"
        }


async def test_an_echo_says_what_the_engine_says(monkeypatch: pytest.MonkeyPatch) -> None:
    app = console(known(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_receiver(pilot, app, "j")
        await pilot.press("t")
        await until(pilot, lambda: told(app, "CT1 on port 8105: answered 0000"))

        async def silent(self: Receivers, ae_title: str, port: int) -> str:
            raise Conflict(f"{ae_title} accepts no association from here")

        monkeypatch.setattr(Receivers, "echo", silent)
        await pilot.press("t")
        await until(pilot, lambda: told(app, "CT1 accepts no association from here"))


async def test_a_fault_of_a_receiver_is_told() -> None:
    facts = known()
    facts.receivers["CT1", 8105] = receiver("CT1", 8105, listening=False, note="port 8105 is taken")
    app = console(facts, "system")
    async with app.run_test(size=SMALL) as pilot:
        await at_receiver(pilot, app, "j")
        await shown(pilot, "✗ CT1", "fault", "port 8105 is taken")


async def test_jobs_are_retried_and_cancelled_where_that_is_possible() -> None:
    facts = known()
    facts.jobs = {
        "job-1": job(1, "queued"),
        "job-2": job(2, "failed", error="the archive has no room"),
    }
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: keys(app, "jobs") == ["job-1", "job-2"])
        await pilot.press("<", "<")
        await shown(pilot, "▐Jobs▌", "the archive has no room")
        await pilot.press("r")
        await until(pilot, lambda: told(app, "not now: the job is queued: there is nothing to"))
        await pilot.press("x")
        await until(pilot, lambda: facts.jobs["job-1"].status == "CANCELLED")
        assert told(app, "job-1 is cancelled")
        await pilot.press("j", "x")
        await until(pilot, lambda: told(app, "not now: the job is failed: only queued jobs"))
        await pilot.press("r")
        await until(pilot, lambda: facts.jobs["job-2"].status == "PENDING")


async def test_a_job_that_was_faster_is_not_said_to_be_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def begun(self: Jobs, id: str) -> None:
        raise Conflict(f"the job {id} is running: only queued jobs can be cancelled")

    monkeypatch.setattr(Jobs, "cancel", begun)
    facts = known()
    facts.jobs = {"job-1": job(1, "queued")}
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: keys(app, "jobs") == ["job-1"])
        await pilot.press("<", "<", "x")
        await until(pilot, lambda: told(app, "the job job-1 is running"))
        assert not told(app, "is cancelled")


async def test_news_come_into_the_lists_unless_the_picture_is_held() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, facts.waited.is_set)
        facts.jobs["job-1"] = job(1, "queued")
        await facts.tell("job", "job-1")
        await until(pilot, lambda: keys(app, "jobs") == ["job-1"])
        await pilot.press("p")
        await shown(pilot, "PAUSED")
        facts.jobs["job-2"] = job(2, "queued")
        await facts.tell("job", "job-2")
        await pilot.press("p")
        await until(pilot, lambda: keys(app, "jobs") == ["job-1", "job-2"])
        assert "PAUSED" not in painted(app)


async def test_a_change_of_the_configuration_is_looked_at() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: facts.waited.is_set() and len(keys(app, "checks")) == 2)
        facts.checks.append(DISK)
        await facts.tell("configuration", "CT1")
        await until(pilot, lambda: "disk" in keys(app, "checks"))


async def test_a_lost_engine_is_said_and_what_was_known_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def lost(self: object, *_: object, **__: object) -> Any:
        raise Unavailable("the engine does not answer")

    app = console(known(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await until(pilot, lambda: len(keys(app, "checks")) == 2)
        for method in ("checks", "status"):
            monkeypatch.setattr(System, method, lost)
        await pilot.press("r")
        await shown(pilot, "! the engine does not answer; what is shown is old")
        assert len(keys(app, "checks")) == 2
        assert "the long ones 1" not in painted(app)


@pytest.mark.parametrize("size", SIZES)
async def test_hostile_text_stays_text(size: tuple[int, int]) -> None:
    facts = Facts()
    facts.receivers["A", 1] = receiver(HOSTILE, 1, note=HOSTILE, allow=(HOSTILE,))
    facts.receivers["A", 1] = replace(facts.receivers["A", 1], allow_enabled=True)
    facts.jobs["x"] = job(1, HOSTILE, error=HOSTILE, verb=HOSTILE)
    facts.checks.append(replace(DISK, name=HOSTILE, found=HOSTILE, remedy=(HOSTILE,)))
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "checks")) == 3 and keys(app, "jobs") == ["job-1"])
        for press in (("enter",), ("escape", ">"), ("enter",), ("escape", ">"), ("enter",)):
            await pilot.press(*press)
            await settled(pilot)
            text = painted(app)
            assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set(text)
            assert len(text.splitlines()) == size[1]
        assert app.is_running


async def test_ages_go_on_with_the_clock() -> None:
    facts = known()
    clock = Clock(NOON + timedelta(minutes=5))
    facts.jobs["job-1"] = job(1, "running")
    app = console(facts, "system", clock=clock)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "oldest 5m")
        clock.goes_on(120)
        await pilot.press("ctrl+r")
        await shown(pilot, "oldest 7m")


def with_remotes() -> Facts:
    facts = known()
    for name, host in (("PACS1", "10.3.1.5"), ("PACS2", "pacs.example.org")):
        facts.remotes[name] = Remote(name=name, ae_title="PACS", host=host, port=104)
    return facts


async def at_remote(pilot: Pilot[Any], app: ConsoleApp, moves: str) -> None:
    await until(pilot, lambda: len(keys(app, "receivers")) == 5)
    await pilot.press(">", "j", "j", *moves)
    await shown(pilot, "▐Receivers▌")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_a_remote_is_asked_for_an_echo(size: tuple[int, int]) -> None:
    facts = with_remotes()
    facts.mute["PACS2"] = "nothing listens on pacs.example.org port 104 (connection refused)"
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await at_remote(pilot, app, "j")
        await shown(pilot, "Remote AEs", "· PACS1")
        await pilot.press("t")
        await until(pilot, lambda: told(app, "PACS1 answered in 12 ms"))
        await shown(pilot, "● PACS1", "echo ✓", " 12 ms ", "2 remotes")
        await pilot.press("j", "t")
        await until(pilot, lambda: told(app, "PACS2 does not answer: nothing listens"))
        await shown(pilot, "✗ PACS2", "echo ✗", "2 remotes, 1 without an answer")


async def test_a_remote_is_added_changed_and_deleted() -> None:
    facts = known()
    app = console(facts, "system")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(keys(app, "receivers")) == 3)
        await pilot.press(">", "j", "j")
        await shown(pilot, "Remote AEs: n adds one")
        await pilot.press("n")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"PACS1", "enter", *"PACS", "enter", *"10.3.1", "enter", "enter")
        await shown(pilot, "anteroom remote add PACS1 PACS 10.3.1 104")
        await pilot.press("enter")
        await shown(pilot, "neither the name of a host nor an address")
        await pilot.press("enter", "enter", *"10.3.1.5", *["enter"] * 3)
        await until(pilot, lambda: "PACS1" in facts.remotes)
        await until(pilot, lambda: table(app, "receivers").cursor_key == "remote PACS1")
        await shown(pilot, "PACS at 10.3.1.5, port 104", "· PACS1")

        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*["enter"] * 3, *"WE", "enter", "enter", *"no", "enter")
        await shown(pilot, "calling=WE enabled=false")
        await pilot.press("enter")
        await until(pilot, lambda: facts.remotes["PACS1"].calling == "WE")
        await shown(pilot, "○ PACS1", "disabled: nothing is sent there")
        await pilot.press("a")
        await until(pilot, lambda: facts.remotes["PACS1"].enabled)
        await pilot.press("a")
        await until(pilot, lambda: told(app, "not now: it is enabled"))
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"30", *["enter"] * 4)
        await until(pilot, lambda: facts.remotes["PACS1"].connect_timeout == 30)
        await pilot.press("w")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press(*"yes", "enter", *"/ca.pem", *["enter"] * 5)
        await until(pilot, lambda: facts.remotes["PACS1"].ca == "/ca.pem")
        await shown(pilot, "on, by /ca.pem")
        await pilot.press("o")
        await until(pilot, lambda: told(app, "not now: that is for receivers"))
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: not facts.remotes)
        await shown(pilot, "Remote AEs: n adds one")
        await until(pilot, lambda: told(app, "PACS1 is deleted"))


async def test_a_remote_that_cannot_be_deleted_is_not_said_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def used(self: Remotes, name: str) -> None:
        raise Conflict(f"{name} is in use")

    monkeypatch.setattr(Remotes, "delete", used)
    app = console(with_remotes(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await at_remote(pilot, app, "j")
        await pilot.press("x")
        await until(pilot, lambda: isinstance(app.screen, AskScreen))
        await pilot.press("tab", "enter")
        await until(pilot, lambda: told(app, "PACS1 is in use"))
        assert not told(app, "PACS1 is deleted")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_receivers_and_remotes_are_written_under_their_own_titles(
    size: tuple[int, int],
) -> None:
    facts = with_remotes()
    facts.receivers["MR3", 8107] = receiver("MR3", 8107)
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "receivers")) == 6)
        await pilot.press(">")
        # With three receivers a remote is in sight, too.
        await shown(pilot, "AE title", "● MR3", "Remote AEs", "Asked Host", "· PACS1")
        screen = app.screen
        assert isinstance(screen, BaseScreen)
        offered = screen.exports()
        assert offered is not None and not callable(offered.rows)
        assert (offered.name, offered.titles[0]) == ("receivers", "AE title")
        assert [row[0] for row in offered.rows] == ["● ANTEROOM", "● CT1", "● MR3"]
        await pilot.press("j", "j", "j")
        for _ in ("heading", "remote"):
            offered = screen.exports()
            assert offered is not None and not callable(offered.rows)
            assert offered.name == "remotes"
            assert offered.titles == ("Remote AEs", "Port", "Echo", "Took", "Asked", "Host", "TLS")
            assert offered.rows[1] == ("· PACS2", "104", "–", "", "", "pacs.example.org", "off")
            await pilot.press("j")


async def test_the_key_line_has_what_the_tab_is_for() -> None:
    app = console(with_remotes(), "system")
    async with app.run_test(size=SMALL) as pilot:
        await until(pilot, lambda: len(keys(app, "receivers")) == 5)
        await shown(pilot, "n new…  r check, retry")
        await pilot.press(">")
        await shown(pilot, "a start  x stop, delete…")
        await pilot.press(">")
        await shown(pilot, "r check, retry  x stop, delete…")
    app = console(with_remotes(), "system")
    async with app.run_test(size=WIDE) as pilot:
        await pilot.press(">")
        await shown(pilot, "delete…  i limits…  w TLS…")


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_what_is_sent_stands_among_the_jobs_and_is_cancelled(size: tuple[int, int]) -> None:
    facts = with_remotes()
    failure = SendFailure(file="SCANS/4/1.dcm", uid="1.2", status="A700", reason=HOSTILE)
    for number, state in enumerate((SendState.SENDING, SendState.FAILED), start=1):
        id = f"snd_aaaaaaa{number}"
        facts.jobs[id] = job(number, "running", id=f"{id}:send:1", verb="send", session=id)
        facts.sends[id] = Send(
            id=id,
            remote="PACS1",
            session=f"pre_aaaaaaa{number}",
            filed=False,
            state=state,
            actor="ak",
            queued=NOON,
            objects=502,
            sent=120,
            failed=number - 1,
            failures=(failure,) * (number - 1),
        )
    app = console(facts, "system")
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: len(keys(app, "jobs")) == 2)
        await pilot.press(">", ">", "home")
        await pilot.press("enter")
        await shown(pilot, "◑ sending", "120 of 502", "PACS1")
        await pilot.press("escape", "r")
        await until(pilot, lambda: told(app, "not now: a send is asked for anew"))
        await pilot.press("x")
        await until(pilot, lambda: facts.sends["snd_aaaaaaa1"].state is SendState.CANCELLED)
        await shown(pilot, "○ cancelled")
        await pilot.press("j", "enter")
        await shown(pilot, "✗ failed", "A700      1.2 ", "DOE^JANE")
        assert "SCANS/4/1.dcm" not in painted(app)
        await pilot.press("escape", "x")
        await until(pilot, lambda: told(app, "not now: it is failed: nothing to cancel"))
