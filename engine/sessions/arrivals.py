# SPDX-License-Identifier: Apache-2.0
"""When the objects of a session arrived, by the times of their files: a file is written when its
object arrives, and later links and renames keep that time. The accounts know which transfer sent an
object. It reads whole sessions and runs in other processes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from engine.model.contents import ARRIVAL_STEPS, SeriesArrival
from engine.model.ranges import MOST_MISSING
from engine.sessions.build.catalog import read_instance_numbers
from engine.sessions.build.layout import LABELS
from engine.sessions.contents import catalogs, read_document, resources, told, walk


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """When the scans of a session came, the first to come first."""

    first: datetime | None
    last: datetime | None
    series: tuple[SeriesArrival, ...]


def arrivals(folder: Path, document: Path) -> Arrivals:
    """Tell when the objects of each scan came."""
    times: dict[str, list[float]] = {}
    instances: dict[str, set[int]] = {}
    for resource in resources(folder):
        if not resource.scan or resource.label not in LABELS:
            continue
        place = folder / resource.path
        times.setdefault(resource.scan, []).extend(_times(walk(place)))
        numbers = instances.setdefault(resource.scan, set())
        for catalog in catalogs(place):
            numbers.update(_numbers(Path(catalog.path)))
    every = [each for found in times.values() for each in found]
    if not every:
        return Arrivals(first=None, last=None, series=())
    described = read_document(document)
    descriptions = {
        scan.id: scan.series_description for scan in (described.scans if described else ())
    }
    first, last = min(every), max(every)
    series = [
        SeriesArrival(
            scan=told(scan),
            description=descriptions.get(scan, ""),
            first=_moment(min(found)),
            last=_moment(max(found)),
            objects=len(found),
            counts=_counts(found, first, last),
            missing=_missing(instances[scan]),
        )
        for scan, found in times.items()
        if found
    ]
    series.sort(key=lambda each: (each.first, each.scan))
    return Arrivals(first=_moment(first), last=_moment(last), series=tuple(series))


def _times(entries: Iterable[os.DirEntry[str]]) -> Iterable[float]:
    for entry in entries:
        try:
            yield entry.stat(follow_symlinks=False).st_mtime
        except OSError:
            # It has just been moved to another scan.
            continue


def _numbers(catalog: Path) -> Iterable[int]:
    try:
        return read_instance_numbers(catalog.read_bytes())
    except (OSError, ValueError):
        return ()


def _counts(times: Iterable[float], first: float, last: float) -> tuple[int, ...]:
    counts = [0] * ARRIVAL_STEPS
    width = (last - first) / ARRIVAL_STEPS
    for time in times:
        step = int((time - first) / width) if width else 0
        counts[min(step, ARRIVAL_STEPS - 1)] += 1
    return tuple(counts)


def _missing(numbers: set[int]) -> int:
    if not numbers:
        return 0
    missing = max(numbers) - min(numbers) + 1 - len(numbers)
    return missing if missing <= MOST_MISSING else 0


def _moment(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
