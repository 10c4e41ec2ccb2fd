# SPDX-License-Identifier: Apache-2.0
"""Engines that hang: they take a call and do not answer. Commands and screens say so, wait on, and
can be left; engines that are gone are shown as gone wherever the person is."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.app import ConsoleApp
from console.runtime import identity
from console.screens.prearchive import PrearchiveScreen
from console.widgets.dialogs import AskScreen, PlainInput
from engine.model.errors import Unavailable
from engine.model.home import Home
from engine.model.live import EngineStatus, ReceiverStatus
from engine.server.http import Listeners
from engine.service.remote import RemoteEngine
from tests.console.conftest import CommandLine
from tests.console.piloting import SMALL, WIDE, console, painted, settled, shown, until
from tests.memory import Facts, HostInMemory, session
from tests.memory.live import System

LONGEST_WAIT = 60.0


class Hanging:
    """Stops an engine in memory in the midst of a question for its status."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def status(self, engine: System) -> EngineStatus:
        """Answer once the engine goes on."""
        self.asked.set()
        await self.goes_on.wait()
        return await STATUS(engine)


STATUS = System.status


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Hanging:
    """Let the engine hang."""
    made = Hanging()

    async def status(self: System) -> EngineStatus:
        return await made.status(self)

    monkeypatch.setattr(System, "status", status)
    return made


@pytest.fixture
async def socket(home: Path, facts: Facts, hanging: Hanging) -> AsyncIterator[Path]:
    """Serve the engine that hangs."""
    host, claimed = HostInMemory(facts), Home.find(home, {}).claim_socket({})
    listeners = await Listeners.open(host, claimed)
    yield listeners.socket
    hanging.goes_on.set()
    await listeners.close()


async def test_a_silent_engine_is_told_of_and_waited_for(socket: Path, hanging: Hanging) -> None:
    heard: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def silent(asked: str, error: Unavailable) -> None:
        heard.put_nowait((asked, error.message))

    async with RemoteEngine(socket, silent=silent, silence=0.0) as engine:
        # Who waits for news has asked for silence.
        news = asyncio.create_task(engine.events.after("first", 0, 3600.0))
        status = asyncio.create_task(engine.system.status())
        assert await heard.get() == (
            "system.status",
            "the engine has not answered for 10 seconds",
        )
        assert not status.done()
        hanging.goes_on.set()
        assert (await status).receivers == ()
        assert heard.empty()
        news.cancel()


async def test_an_engine_that_answers_is_not_told_of(socket: Path, hanging: Hanging) -> None:
    hanging.goes_on.set()
    heard: list[str] = []
    async with RemoteEngine(socket, silent=lambda asked, _: heard.append(asked)) as engine:
        await engine.system.status()
    assert heard == []


async def test_a_command_says_that_the_engine_does_not_answer_and_waits_on(
    socket: Path, home: Path, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    def impatient(socket: Path, *, silent: Any, shows: str) -> RemoteEngine:
        def told(asked: str, error: Unavailable) -> None:
            silent(asked, error)
            loop.call_soon_threadsafe(hanging.goes_on.set)

        return RemoteEngine(socket, silent=told, silence=0.0, shows=shows)

    monkeypatch.setattr(identity, "RemoteEngine", impatient)
    ran = await CommandLine(home)("status")
    assert ran.code == 0
    assert ran.err == (
        "anteroom: the engine has not answered for 10 seconds; it is busy or hangs: see the "
        "log of its home; keep waiting, or leave (ctrl+c leaves)\n"
    )


@pytest.mark.parametrize("words", [("status",), ("prearchive", "list"), ("watch",), ()])
async def test_a_command_that_waits_is_left_with_ctrl_c(
    words: tuple[str, ...],
    socket: Path,
    home: Path,
    hanging: Hanging,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words == ("prearchive", "list"):

        async def never(*_: Any, **__: Any) -> Any:
            hanging.asked.set()
            await hanging.goes_on.wait()

        monkeypatch.setattr("tests.memory.prearchive.Prearchive.list", never)
    # A shell without job control lets what it starts in the background ignore Ctrl+C.
    command = ["/usr/bin/env", "--default-signal=INT", sys.executable, "-m", "console"]
    command += ["--home", str(home), *words]
    process = await asyncio.create_subprocess_exec(
        *command, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await asyncio.wait_for(hanging.asked.wait(), LONGEST_WAIT)
    process.send_signal(signal.SIGINT)
    out, error = await asyncio.wait_for(process.communicate(), LONGEST_WAIT)
    assert (process.returncode, out) == (130, b"")
    assert error == b"anteroom: left; what the engine was asked for may still be done\n"


async def test_a_console_shows_that_the_engine_hangs_until_it_goes_on_and_can_be_left(
    socket: Path, hanging: Hanging, facts: Facts
) -> None:
    facts.keep(session(1))
    hanging.goes_on.set()
    async with RemoteEngine(socket, silence=0.0) as engine:
        app = console(facts, "prearchive")
        app.context.engine = engine
        async with app.run_test(size=WIDE) as pilot:
            await shown(pilot, "MR_1", "nobody listens")
            engine.silent = app.silent
            hanging.goes_on.clear()
            hanging.asked.clear()
            await facts.tell("session", "pre_aaaaaaa1")
            await until(pilot, hanging.asked.is_set)
            await shown(pilot, "the engine has not answered for 10 seconds; it is busy or")
            assert "✗ what is shown is old" in painted(app)
            hanging.goes_on.set()
            await until(pilot, lambda: "is old" not in painted(app))
            hanging.goes_on.clear()
            hanging.asked.clear()
            await facts.tell("session", "pre_aaaaaaa1")
            await until(pilot, hanging.asked.is_set)
            await pilot.press("q")
            await until(pilot, lambda: not app.is_running)


RECEIVER = ReceiverStatus(
    ae_title="ANTEROOM",
    port=8104,
    enabled=True,
    listening=True,
    origin="settings",
    anonymize=True,
    allow_enabled=False,
    allow=(),
    rules_enabled=False,
)


class Gone:
    """Lets the engine of an app be gone, and come back."""

    def __init__(self, app: ConsoleApp, facts: Facts) -> None:
        self._facts = facts
        engine = app.context.engine
        self._verbs = [(engine.events, "after"), (engine.system, "status")]
        self._verbs += [(engine.prearchive, name) for name in ("list", "show", "archive")]
        self._patch = pytest.MonkeyPatch()

    async def goes(self) -> None:
        """Die."""

        async def fails(*_: Any, **__: Any) -> Any:
            raise Unavailable(
                "no engine is running on this home", hint="start it with 'anteroom serve'"
            )

        for noun, verb in self._verbs:
            self._patch.setattr(noun, verb, fails)
        await self._facts.tell("engine", "")

    async def comes_back(self) -> None:
        """Answer again."""
        self._patch.undo()


@pytest.mark.parametrize("size", [WIDE, SMALL], ids=str)
@pytest.mark.parametrize("mode", ["live", "prearchive", "archive", "projects", "system"])
async def test_a_dead_engine_is_shown_dead_with_the_way_back(
    mode: str, size: tuple[int, int]
) -> None:
    facts = Facts()
    facts.keep(session(1), session(2))
    facts.receivers["ANTEROOM", 8104] = RECEIVER
    app = console(facts, mode)
    gone = Gone(app, facts)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "● 8104")
        await until(pilot, facts.waited.is_set)
        await gone.goes()
        await shown(pilot, "no engine is running on this home; start it with 'anteroom serve'")
        assert "✗ what is shown is old" in painted(app)
        for alive in ("● 8104", "0 in ", "1 up", "Prearchive·2"):
            await until(pilot, lambda alive=alive: alive not in painted(app))  # type: ignore[misc]
        await gone.comes_back()
        await shown(pilot, "● 8104")
        await until(pilot, lambda: "is old" not in painted(app))


async def test_a_question_waits_while_the_engine_is_dead_and_keeps_what_was_typed() -> None:
    facts = Facts()
    facts.keep(session(1))
    app = console(facts, "prearchive")
    gone = Gone(app, facts)
    async with app.run_test(size=SMALL) as pilot:
        await shown(pilot, "MR_1")
        await until(pilot, facts.waited.is_set)
        await pilot.press("a")
        await shown(pilot, "Archive 1 session?")
        app.screen.query_one(PlainInput).focus()
        await pilot.press(*"seen")
        await gone.goes()
        await shown(pilot, "no engine is running on this home")
        app.screen.query_one("#act").focus()
        await pilot.press("enter")
        await settled(pilot)
        assert isinstance(app.screen, AskScreen)
        await gone.comes_back()
        await until(pilot, lambda: "no engine" not in painted(app))
        assert app.screen.answers["reason"] == "seen"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PrearchiveScreen))
        await until(pilot, lambda: "pre_aaaaaaa1" in facts.filed)


async def test_what_may_have_been_done_is_said_and_undo_does_not_guess() -> None:
    facts = Facts()
    facts.keep(session(1))
    app = console(facts, "prearchive")
    gone = Gone(app, facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1")
        await until(pilot, facts.waited.is_set)
        await pilot.press("r")
        await until(pilot, lambda: bool(app.context.done))
        await gone.goes()
        await shown(pilot, "no engine is running on this home")
        await pilot.press("u")
        await until(pilot, lambda: "not taken back" in app.context.notices.all[0].text)
        assert len(app.context.done) == 1
        await gone.comes_back()
