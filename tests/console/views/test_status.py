# SPDX-License-Identifier: Apache-2.0
"""What is known of the engine's state: rates over the last moments, and what waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.views.status import StatusView
from engine.model.accounts import Accounts, Place
from engine.model.live import EngineStatus, ReceiverStatus
from tests.memory import NOON

LISTENS = ReceiverStatus(
    ae_title="ANTEROOM", port=8104, enabled=True, listening=True, origin="settings"
)
STATUS = EngineStatus(
    version="0.1.0",
    pid=1,
    node="node",
    home="/home",
    started=NOON,
    receivers=(LISTENS,),
    workers=1,
    associations=0,
    accounts=Accounts(counts={Place.WAITING: 0}),
    sessions={"READY": 2, "ERROR": 1, "CONFLICT": 4, "RECEIVING": 8},
    disk_free=25,
    disk_total=100,
)


def received(number: int) -> EngineStatus:
    return replace(STATUS, accounts=Accounts(counts={Place.WAITING: number}))


def fed(*points: tuple[float, int]) -> StatusView:
    """Return a view that was told what had been received at which second."""
    view = StatusView()
    for seconds, number in points:
        view.take(received(number), NOON + timedelta(seconds=seconds))
    return view


def test_nothing_is_known_at_first() -> None:
    view = StatusView()
    assert (view.rate(NOON), view.history(), view.waiting, view.disk_used) == (0, [], 0, 0)
    assert view.count("prearchive") == ""
    assert not view.troubled


@pytest.mark.parametrize(
    ("points", "now", "rate"),
    [
        (((0, 0),), 0, 0.0),
        (((0, 0), (1, 10)), 1, 10.0),
        (((0, 0), (1, 10), (2, 20), (3, 20), (4, 20), (5, 20), (6, 20)), 6, 0.0),
        (((0, 0), (1, 10)), 60, 0.0),
        (((0, 10), (0, 20)), 0, 0.0),
        (((0, 50), (1, 10)), 1, 0.0),
    ],
)
def test_the_rate_is_that_of_the_last_moments(
    points: tuple[tuple[float, int], ...], now: float, rate: float
) -> None:
    assert fed(*points).rate(NOON + timedelta(seconds=now)) == pytest.approx(rate)


def test_the_history_has_a_bar_for_each_step() -> None:
    view = fed(*((5 * number, 100 * number) for number in range(11)))
    assert view.history() == [20.0] * 5
    long = fed(*((10 * number, number) for number in range(500)))
    assert len(long.history()) == 60


def test_an_engine_that_begins_anew_begins_to_count_anew() -> None:
    view = fed((0, 0), (1, 1000))
    again = replace(received(0), started=NOON + timedelta(seconds=2))
    view.take(again, NOON + timedelta(seconds=3))
    assert view.rate(NOON + timedelta(seconds=3)) == 0.0
    assert view.history() == []


def test_an_engine_that_answers_is_not_lost() -> None:
    view = StatusView(lost="no engine is running")
    assert view.troubled
    view.take(STATUS, NOON)
    assert not view.lost
    assert not view.troubled


def test_what_waits_is_counted_by_mode() -> None:
    view = fed((0, 0))
    assert (view.waiting, view.count("prearchive"), view.count("live")) == (7, "7", "")
    view.take(replace(STATUS, associations=3), NOON)
    assert view.count("live") == "3"
    assert view.count("archive") == view.count("system") == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"problems": ("a problem",)},
        {"receivers": (replace(LISTENS, listening=False),)},
        {"receivers": ()},
        {"disk_free": 9},
    ],
)
def test_trouble_is_marked_at_the_system(changes: dict[str, object]) -> None:
    view = StatusView()
    view.take(replace(STATUS, **changes), NOON)  # type: ignore[arg-type]
    assert view.troubled
    assert view.count("system") == "!"


def test_the_peak_is_the_highest_that_was_told_and_no_level_of_a_step() -> None:
    points = [(second, 0) for second in range(30)] + [(30, 600), (31, 600)]
    view = fed(*points, *((second, 600) for second in range(32, 60)))
    now = NOON + timedelta(seconds=59)
    told = [fed(*points[:count]).rate(NOON + timedelta(seconds=count - 1)) for count in (31, 32)]
    assert view.rate(now) == 0
    assert view.peak(now) == pytest.approx(max(told))
    assert view.peak(now) > max(view.history())
    # And it is that of the ten minutes that are drawn.
    assert view.peak(NOON + timedelta(minutes=10, seconds=35)) <= max(view.history())
