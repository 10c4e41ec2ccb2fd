# SPDX-License-Identifier: Apache-2.0
"""The bridge: every event reaches the screens once, in few batches, whatever the engine does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from console.runtime import events
from console.runtime.events import EngineEvents, EngineLost, pump
from engine.model.errors import Unavailable
from tests.memory import Facts, HostInMemory


@pytest.fixture
def paused(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let pauses take no time, and note them."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr(events.asyncio, "sleep", noted)  # type: ignore[attr-defined]
    return pauses


async def test_the_first_event_comes_at_once_and_the_rest_in_batches(paused: list[float]) -> None:
    facts = Facts()
    posted: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(pump(HostInMemory(facts).acting("me"), posted.put_nowait))
    first = await posted.get()
    assert (first.batch.gap, first.batch.events) == (True, ())
    await facts.waited.wait()
    for number in range(10):
        await facts.tell("session", f"pre_{number}")
    seen: list[int] = []
    batches = 0
    while len(seen) < 10:
        message = await posted.get()
        seen += [event.number for event in message.batch.events]
        batches += 1
    assert seen == list(range(1, 11))
    assert len(paused) >= batches
    assert set(paused) == {events.PACE}
    task.cancel()


async def test_an_engine_that_comes_back_is_a_gap(
    paused: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = Facts()
    engine = HostInMemory(facts).acting("me")
    after = engine.events.after
    answers = iter([False, True, True])

    async def sometimes(epoch: str, number: int, wait: float = 0.0) -> Any:
        if next(answers, False):
            raise Unavailable("the engine did not answer")
        return await after(epoch, number, wait)

    monkeypatch.setattr(engine.events, "after", sometimes)
    posted: asyncio.Queue[Any] = asyncio.Queue()
    task = asyncio.create_task(pump(engine, posted.put_nowait))
    kinds = [type(await posted.get()) for _ in range(4)]
    assert kinds == [EngineEvents, EngineLost, EngineLost, EngineEvents]
    assert events.RETRY in paused
    task.cancel()
