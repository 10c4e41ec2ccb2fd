# SPDX-License-Identifier: Apache-2.0
"""When objects came: by the times of their files, over the scans that they are in now."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from engine.model.contents import ARRIVAL_STEPS
from engine.model.imaging import CatalogEntry, ResourceDocument
from engine.sessions.arrivals import arrivals
from engine.sessions.build.catalog import write_catalog

NOON = 1_789_128_000


def arrive(folder: Path, scan: str, *seconds: int) -> None:
    place = folder / "SCANS" / scan / "DICOM"
    place.mkdir(parents=True, exist_ok=True)
    for number, second in enumerate(seconds):
        file = place / f"{number}.dcm"
        file.write_bytes(b"x")
        os.utime(file, (NOON + second, NOON + second))


def number(folder: Path, scan: str, *numbers: str) -> None:
    entries = tuple(
        CatalogEntry(uri=f"{at}.dcm", uid=f"1.{at}", instance_number=text)
        for at, text in enumerate(numbers)
    )
    resource = ResourceDocument(label="DICOM", catalog="", uid="1.2", entries=entries)
    catalog = folder / "SCANS" / scan / "DICOM" / f"scan_{scan}_catalog.xml"
    catalog.write_bytes(write_catalog(resource))


def test_scans_stand_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    arrive(tmp_path, "9", 0, 10, 20)
    arrive(tmp_path, "1", 47, 48)
    found = arrivals(tmp_path, tmp_path / "none.xml")
    assert found.first == datetime.fromtimestamp(NOON, UTC)
    assert found.last == datetime.fromtimestamp(NOON + 48, UTC)
    first, second = found.series
    assert (first.scan, first.objects, second.scan, second.objects) == ("9", 3, "1", 2)
    assert len(first.counts) == ARRIVAL_STEPS
    assert [step for step, count in enumerate(first.counts) if count] == [0, 10, 20]
    assert [(step, count) for step, count in enumerate(second.counts) if count] == [(47, 2)]
    assert second.first == datetime.fromtimestamp(NOON + 47, UTC)


def test_objects_that_came_at_once_stand_in_one_step(tmp_path: Path) -> None:
    arrive(tmp_path, "1", 5, 5, 5)
    (series,) = arrivals(tmp_path, tmp_path / "none.xml").series
    assert series.counts[0] == sum(series.counts) == 3


def test_instances_that_are_missing_are_counted_where_catalogs_number_them(tmp_path: Path) -> None:
    arrive(tmp_path, "1", 0, 1, 2)
    arrive(tmp_path, "2", 0, 1)
    arrive(tmp_path, "3", 0)
    number(tmp_path, "1", "3", "5", "9")
    number(tmp_path, "2", "1", "9000000000000000000")
    found = arrivals(tmp_path, tmp_path / "none.xml")
    assert {series.scan: series.missing for series in found.series} == {"1": 4, "2": 0, "3": 0}
    assert sum(series.objects for series in found.series) == 6


def test_a_session_without_objects_came_never(tmp_path: Path) -> None:
    found = arrivals(tmp_path, tmp_path / "none.xml")
    assert (found.first, found.last, found.series) == (None, None, ())
