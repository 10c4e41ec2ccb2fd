# SPDX-License-Identifier: Apache-2.0
"""The console in a real terminal, on `anteroom serve` in a process of its own, with dcmtk sending:
the whole way of a session by keys, and terminals that are closed, resized and left."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from engine.model.accounts import Place
from tests.line.sending import make_study, send
from tests.line.serving import LONGEST_WAIT, Served, until
from tests.line.terminal import Terminal
from tests.line.walk import LABEL, PROJECT, walk

pytestmark = pytest.mark.alone

OBJECTS = 60


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    made = Terminal(tmp_path)
    yield made
    await made.close()


async def gone(process: int) -> None:
    """Wait until a process has ended."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(process)
    try:
        loop.add_reader(descriptor, ended.set)
        await asyncio.wait_for(ended.wait(), LONGEST_WAIT)
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


async def test_a_session_goes_from_dcmtk_to_the_archive_by_keys(
    serve: Callable[..., Served], terminal: Terminal, tmp_path: Path
) -> None:
    served = serve(build_after=3.0)
    await served.start()
    stops: list[str] = []

    async def shown(stop: str) -> None:
        screen = await terminal.screen()
        assert len(screen.splitlines()) <= 36
        stops.append(stop)

    await walk(served, terminal, tmp_path, shown)
    assert stops[0] == "live"
    assert stops[-1] == "system"
    await terminal.press("q")
    await terminal.until("ended with 0")
    async with served.asked() as engine:
        (filed,) = (await engine.archive.list()).rows
        assert (filed.project, filed.label) == (PROJECT, LABEL)
        waiting = (await engine.prearchive.list()).rows
        status = await engine.system.status()
        assert status.accounts.at(Place.ARCHIVED) == filed.files
        assert status.accounts.at(Place.WAITING) == sum(row.objects for row in waiting)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_what_is_typed_in_one_write_is_obeyed_as_if_it_were_typed_slowly(
    serve: Callable[..., Served], tmp_path: Path, size: tuple[int, int]
) -> None:
    served, terminal = serve(build_after=0.05), Terminal(tmp_path, *size)
    await served.start()
    try:
        await asyncio.to_thread(send, served.port, make_study(1, 2), lambda _: None)
        await terminal.run("--home", str(served.home))
        await terminal.until("Receiving now")
        # The lists of two modes, a filter of words that are verbs too, and a question that waits.
        await terminal.type("2/status:archiving axr\r4/a\r2")
        await terminal.until("/ status:archiving axr")
        await terminal.type("\x1b")
        # Until it is built its question is refused, and what is typed behind that with it.
        await terminal.until(lambda screen: "axr" not in screen and "ready" in screen.lower())
        await terminal.type("gx\r\rnot wanted\r\r")
        await terminal.until("Delete 1 session")
        await terminal.press("Escape")
        await terminal.until(lambda screen: "Delete 1 session" not in screen)
        await terminal.type(":go to system\r")
        await terminal.until("Checks")
        await terminal.type(":\r\r\r")
        await terminal.until("Search for commands")
        async with served.asked() as engine:
            page = await engine.prearchive.list()
            assert (page.total, (await engine.archive.list()).total) == (1, 0)
            assert await engine.prearchive.trash() == ()
        await terminal.type("\x1b")
        await terminal.until("Checks")
        await terminal.press("C-q")
        await terminal.until("ended with 0")
    finally:
        await terminal.close()


async def test_a_terminal_may_shrink_be_left_and_close_while_a_scanner_sends(
    serve: Callable[..., Served], terminal: Terminal
) -> None:
    served = serve()
    await served.start()
    await terminal.run("--home", str(served.home))
    await terminal.until("Receiving now")
    process = await terminal.process()
    loop, halves = asyncio.get_running_loop(), [asyncio.Event() for _ in range(4)]
    goes_on = [asyncio.Event() for _ in range(4)]
    taken = 0

    def answered(_: str) -> None:
        nonlocal taken
        taken += 1
        if taken % (OBJECTS // 4) == 0:
            step = taken // (OBJECTS // 4) - 1
            loop.call_soon_threadsafe(halves[step].set)
            # The scanner waits for us here, in the middle of its association.
            asyncio.run_coroutine_threadsafe(goes_on[step].wait(), loop).result()

    sending = asyncio.create_task(
        asyncio.to_thread(send, served.port, make_study(1, OBJECTS), answered)
    )
    await halves[0].wait()
    await terminal.resize(40, 10)
    await terminal.until("larger")
    goes_on[0].set()
    await halves[1].wait()
    await terminal.resize(120, 36)
    await terminal.until("SENDER")
    viewer = await terminal.attach()
    await terminal.until("SENDER")
    goes_on[1].set()
    await halves[2].wait()
    # The line drops: the console lives on in tmux, and whoever comes back finds it.
    await viewer.leave()
    await terminal.until("SENDER")
    goes_on[2].set()
    await halves[3].wait()
    await terminal.close()
    await gone(process)
    goes_on[3].set()
    assert len(await sending) == OBJECTS
    async with served.asked() as engine:

        async def counted() -> bool:
            return (await engine.system.status()).accounts.at(Place.WAITING) == OBJECTS

        await until(engine, counted)


async def test_a_terminal_that_closes_leaves_the_engine_that_its_console_started(
    tmp_path: Path, terminal: Terminal
) -> None:
    served = Served(tmp_path / "home", {"dicom": {"port": 0, "workers": 1}, "http": {"port": 0}})
    served.ready = {"socket": str(served.home / "engine.sock")}
    await terminal.run("--home", str(served.home))
    try:
        await terminal.until("Receiving now")
        process = await terminal.process()
        await terminal.close()
        await gone(process)
    finally:
        async with served.asked() as engine:
            status = await engine.system.status()
            await engine.system.stop()
            await gone(status.pid)
    assert any(one.listening for one in status.receivers)
