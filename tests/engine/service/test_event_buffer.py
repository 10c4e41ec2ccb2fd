# SPDX-License-Identifier: Apache-2.0
"""The ring of events: whoever follows it misses nothing without being told to reload."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.identifiers import new_send_id
from engine.service.event_buffer import EventBuffer


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def texts(ring: EventBuffer) -> list[str]:
    return [event.text for event in ring._events]


async def test_events_follow_a_number() -> None:
    ring = EventBuffer()
    for text in ("a", "b", "c"):
        ring.tell("session", "pre_a", text)
    batch = await ring.after(ring.epoch, 1)
    assert ([event.text for event in batch.events], batch.last, batch.gap) == (["b", "c"], 3, False)
    nothing = await ring.after(ring.epoch, 3)
    assert (nothing.events, nothing.last, nothing.gap) == ((), 3, False)


async def test_a_job_that_waits_is_told_of_its_session_or_its_send() -> None:
    ring = EventBuffer()
    ring.job_waits("pre_aaaaaaaa", "the disk is full")
    ring.job_waits(new_send_id(), "the disk is full")
    events = (await ring.after(ring.epoch, 0)).events
    assert [event.kind for event in events] == ["session", "send"]
    assert {(event.text, event.severity) for event in events} == {
        ("its job waits: the disk is full", "error")
    }


async def test_another_epoch_means_reload() -> None:
    ring = EventBuffer()
    ring.tell("session", "pre_a", "a")
    batch = await ring.after("of another engine", 7, wait=30)
    assert (batch.events, batch.last, batch.gap) == ((), 1, True)
    assert batch.epoch == ring.epoch != EventBuffer().epoch


async def test_who_waits_hears_at_once() -> None:
    ring = EventBuffer()
    waiting = [asyncio.create_task(ring.after(ring.epoch, 0, wait=30)) for _ in range(3)]
    await asyncio.sleep(0)
    ring.tell("session", "pre_a", "a")
    for task in waiting:
        assert [event.text for event in (await task).events] == ["a"]


async def test_who_waits_in_vain_is_told_so() -> None:
    ring = EventBuffer()
    ring.tell("session", "pre_a", "a")
    batch = await ring.after(ring.epoch, 1, wait=0.001)
    assert (batch.events, batch.last, batch.gap) == ((), 1, False)


async def test_an_event_just_when_the_time_is_up_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ring = EventBuffer()

    async def up(waiting: Awaitable[object], seconds: float) -> None:
        asyncio.ensure_future(waiting).cancel()
        ring.tell("session", "pre_a", "a")
        raise TimeoutError

    monkeypatch.setattr(asyncio, "wait_for", up)
    batch = await ring.after(ring.epoch, 0, wait=1)
    assert ([event.text for event in batch.events], batch.last) == (["a"], 1)


@settings(max_examples=30)
@given(steps=st.lists(st.integers(0, 1500), min_size=1, max_size=12), seed=st.integers(0, 99))
def test_no_event_is_lost_without_a_gap(steps: list[int], seed: int) -> None:
    """A follower that is slow at times: what it has seen is all there was, unless it was told."""

    async def follow() -> None:
        ring = EventBuffer()
        dice = random.Random(seed)
        seen, told = 0, 0
        for step in steps:
            for _ in range(step):
                told += 1
                ring.tell("session", "pre_a", str(told))
            for _ in range(dice.randrange(4)):
                batch = await ring.after(ring.epoch, seen)
                if batch.gap:
                    assert told - seen > 4096
                    assert batch.events == ()
                else:
                    numbers = [event.number for event in batch.events]
                    assert numbers == list(range(seen + 1, batch.last + 1))
                    assert numbers or seen == told
                seen = batch.last
        while seen < told:
            seen = (await ring.after(ring.epoch, seen)).last
        assert seen == told

    asyncio.run(follow())


async def test_the_first_news_goes_at_once_then_with_the_rhythm() -> None:
    clock = Clock()
    ring = EventBuffer(clock=clock)
    ring.progress("transfer", "tr_1", "1")
    assert texts(ring) == ["1"]
    for number in range(2, 10):
        clock.now += 0.01
        ring.progress("transfer", "tr_1", str(number))
    ring.progress("transfer", "tr_2", "another")
    assert texts(ring) == ["1", "another"]
    # The last word, from a timer that this loop really has.
    batch = await ring.after(ring.epoch, 2, wait=30)
    assert [event.text for event in batch.events] == ["9"]
    clock.now += 0.25
    ring.progress("transfer", "tr_1", "10")
    assert texts(ring)[-1] == "10"


async def test_news_that_is_overtaken_is_not_told_twice() -> None:
    clock = Clock()
    ring = EventBuffer(clock=clock)
    ring.progress("transfer", "tr_1", "1")
    ring.progress("transfer", "tr_1", "2")
    clock.now += 1
    ring.progress("transfer", "tr_1", "3")
    ring._flush(("transfer", "tr_1", ""))
    assert texts(ring) == ["1", "3"]


async def test_what_was_told_long_ago_is_forgotten() -> None:
    clock = Clock()
    ring = EventBuffer(clock=clock)
    for number in range(20_000):
        clock.now += 0.01
        ring.progress("session", f"pre_{number}", "objects arrived")
    assert len(ring._told) <= 4096
    assert len(ring._events) == 4096
