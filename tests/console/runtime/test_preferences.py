# SPDX-License-Identifier: Apache-2.0
"""The file in which a person says what his terminal can do."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from console.runtime.preferences import Glyphs, Preferences, read_preferences, use_time_zone
from console.views import figures
from engine.model.errors import InvalidSettings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Preferences()),
        ("{}", Preferences()),
        ("glyphs: ascii\ntheme: nord\nblank_after: 0\nreaction: 1\n", None),
        ("mouse: off\n", None),
        ("mouse: 'off'\n", None),
    ],
)
def test_what_is_written_holds(text: str, expected: Preferences | None, tmp_path: Path) -> None:
    place = tmp_path / "console.yaml"
    place.write_text(text, "utf-8")
    found = read_preferences(place)
    if expected is not None:
        assert found == expected
        assert found.uses_mouse
    elif "mouse" in text:
        assert not found.uses_mouse
    else:
        assert (found.glyphs, found.theme, found.blank_after) == (Glyphs.ASCII, "nord", 0)
        assert found.reaction == 1


def test_no_file_is_an_empty_one(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "console.yaml") == Preferences()


@pytest.mark.parametrize(
    "text", ["mouse: maybe", "glyphs: 3", "colour: red", "- a list", "mouse: [", "\x00", "'"]
)
def test_what_is_wrong_is_said_with_the_file(text: str, tmp_path: Path) -> None:
    place = tmp_path / "console.yaml"
    place.write_text(text, "utf-8")
    with pytest.raises(InvalidSettings) as caught:
        read_preferences(place)
    assert str(place) in caught.value.message
    assert "mouse (on, off)" in caught.value.hint


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="directory"):
        read_preferences(tmp_path)


def test_a_time_zone_is_one_that_there_is(tmp_path: Path) -> None:
    file = tmp_path / "console.yaml"
    file.write_text("time_zone: Asia/Tokyo\n")
    assert read_preferences(file).time_zone == "Asia/Tokyo"
    for wrong in ("Mars/Olympus", "../../etc/passwd", "/etc/localtime"):
        file.write_text(f"time_zone: {wrong}\n")
        with pytest.raises(InvalidSettings, match="is no time zone"):
            read_preferences(file)


def test_times_are_shown_in_the_zone_that_was_chosen_and_it_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = datetime(2026, 9, 11, 12, 0, tzinfo=UTC)
    try:
        for zone, moment, said in (
            ("Asia/Tokyo", "2026-09-11 21:00:00", "JST, UTC+09:00"),
            ("America/Sao_Paulo", "2026-09-11 09:00:00", "UTC-03:00"),
            ("UTC", "2026-09-11 12:00:00", "UTC"),
        ):
            monkeypatch.setenv("TZ", "Europe/Berlin")
            use_time_zone(Preferences(time_zone=zone))
            assert (figures.moment(now), figures.time_zone(now)) == (moment, said)
    finally:
        monkeypatch.undo()
        time.tzset()
