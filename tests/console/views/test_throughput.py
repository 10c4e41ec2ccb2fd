# SPDX-License-Identifier: Apache-2.0
"""How much came within each hour: hours without anything are there, and bars are true."""

from __future__ import annotations

from datetime import timedelta

from console.views import throughput
from engine.model.live import Throughput
from tests.memory import NOON


def hour(back: int, objects: int, **changes: int) -> Throughput:
    at = NOON - timedelta(hours=back)
    made = {"bytes": 1000 * objects, "refused": 0} | changes
    return Throughput(hour=at, receiver="", calling="", objects=objects, last=at, **made)


def test_hours_in_which_nothing_came_are_there() -> None:
    now = NOON + timedelta(minutes=59)
    rows = throughput.whole([hour(30, 9), hour(2, 5), hour(0, 7), hour(0, 1)], 4, now)
    assert [row.objects for row in rows] == [0, 5, 0, 8]
    assert [(row.hour - NOON) / timedelta(hours=1) for row in rows] == [-3, -2, -1, 0]


def test_what_came_in_all() -> None:
    assert throughput.said([hour(1, 1200), hour(0, 1)]) == "1 201 images, 1 M   refused: none"
    assert throughput.said([hour(0, 1, refused=3)]) == "1 image, 1 K   refused: 3"


def test_a_bar_is_as_long_as_its_count() -> None:
    assert throughput.bar(0, 10, 4) == ""
    assert throughput.bar(10, 10, 4) == "████"
    assert throughput.bar(5, 10, 4) == "██"
    assert throughput.bar(1, 10_000, 4) == "▏"
    assert throughput.bar(0, 0, 4) == ""
