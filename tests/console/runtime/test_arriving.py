# SPDX-License-Identifier: Apache-2.0
"""When it is asked what arrives, and what becomes of events that were missed."""

from __future__ import annotations

from typing import Any

import pytest

from console.runtime.arriving import SENDERS_EVERY, SHOWN, Arriving
from console.runtime.context import ConsoleContext
from engine.model.errors import Unavailable
from engine.model.live import Event, EventBatch
from tests.console.counting import Asked
from tests.console.piloting import Clock
from tests.memory import NOON, Facts, HostInMemory, session


def known(facts: Facts) -> tuple[Arriving, Any, Clock]:
    """Return what is to be tested, the engine that counts its questions, and the time."""
    asked: Any = Asked(HostInMemory(facts).acting("me"))
    clock = Clock()
    return Arriving(ConsoleContext(engine=asked, clock=clock)), asked, clock


def batch(*numbers: int, kind: str = "session", epoch: str = "one") -> EventBatch:
    events = tuple(
        Event(number=number, at=NOON, kind=kind, object="pre_aaaaaaa1", text="built")
        for number in numbers
    )
    return EventBatch(epoch=epoch, events=events, last=max(numbers, default=0), gap=False)


async def test_it_is_asked_once_for_all_news() -> None:
    facts = Facts()
    facts.keep(session(1))
    arriving, asked, clock = known(facts)
    assert not await arriving.ask()
    arriving.outdate()
    assert await arriving.ask()
    assert not await arriving.ask()
    assert [one.key for one in arriving.arrivals.on_show(clock())] == ["pre_aaaaaaa1"]
    assert asked.questions["live.ledger"] == asked.questions["live.senders"] == 1
    arriving.outdate()
    await arriving.ask()
    # Neither is asked for again before there is reason to.
    assert asked.questions["live.ledger"] == asked.questions["live.senders"] == 1
    clock.goes_on(SENDERS_EVERY.total_seconds())
    arriving.hear(batch(1, kind="ledger"))
    arriving.outdate()
    await arriving.ask()
    assert asked.questions["live.ledger"] == asked.questions["live.senders"] == 2


async def test_after_an_answer_that_did_not_come_all_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arriving, asked, _clock = known(Facts())

    async def lost(*_: object) -> Any:
        raise Unavailable("the engine does not answer")

    with monkeypatch.context() as patch:
        patch.setattr("tests.memory.live.Live.held", lost)
        arriving.outdate()
        with pytest.raises(Unavailable):
            await arriving.ask()
    asked.forget()
    arriving.outdate()
    assert await arriving.ask()
    assert asked.questions["live.ledger"] == asked.questions["live.senders"] == 1


async def test_events_that_were_missed_are_asked_for() -> None:
    facts = Facts()
    arriving, _asked, _clock = known(facts)
    for number in range(SHOWN + 9):
        await facts.tell("session", f"pre_{number}", "built")
    # What is older than that is not asked for.
    assert await arriving.catch_up() == SHOWN
    last, epoch = facts.events[-1].number, facts.epoch
    assert arriving.follows(batch(last + 1, epoch=epoch))
    assert not arriving.follows(batch(last + 2, epoch=epoch))
    assert not arriving.follows(batch(last + 1, epoch="another"))
    assert arriving.hear(batch(last, last + 1, epoch=epoch)) == 1
    # Numbers begin anew.
    assert arriving.hear(batch(1, epoch="another")) == 1
