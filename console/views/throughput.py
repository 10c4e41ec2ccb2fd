# SPDX-License-Identifier: Apache-2.0
"""How much came within each hour, for charts and tables. Pure: the time of day is an argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from console.views import figures
from engine.model.live import Throughput

_FULL, _PARTS = "█", " ▏▎▍▌▋▊▉"


def whole(rows: Sequence[Throughput], hours: int, now: datetime) -> list[Throughput]:
    """Return the last hours, this one too, the oldest first, with those in which nothing came."""
    this = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    found: dict[datetime, Throughput] = {}
    for row in rows:
        summed = found.get(row.hour)
        found[row.hour] = row if summed is None else _sum(summed, row)
    every = (this - timedelta(hours=back) for back in reversed(range(hours)))
    return [found.get(hour) or _nothing(hour) for hour in every]


def said(rows: Sequence[Throughput]) -> str:
    """Say how much came in all, and how much was refused."""
    objects, size = sum(row.objects for row in rows), sum(row.bytes for row in rows)
    refused = sum(row.refused for row in rows)
    total = f"{figures.plural(objects, 'image')}, {figures.size(size)}"
    return f"{total}   refused: {figures.grouped(refused) if refused else 'none'}"


def bar(count: int, most: int, width: int) -> str:
    """Draw a count as a bar of at most `width` cells; what is there at all is seen."""
    if count <= 0 or most <= 0:
        return ""
    eighths = max(1, round(8 * width * count / most))
    return (_FULL * (eighths // 8) + _PARTS[eighths % 8]).rstrip()


def _sum(one: Throughput, other: Throughput) -> Throughput:
    return replace(
        one,
        objects=one.objects + other.objects,
        bytes=one.bytes + other.bytes,
        refused=one.refused + other.refused,
        last=max(one.last, other.last),
    )


def _nothing(hour: datetime) -> Throughput:
    return Throughput(hour=hour, receiver="", calling="", objects=0, bytes=0, refused=0, last=hour)
