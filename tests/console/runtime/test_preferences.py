# SPDX-License-Identifier: Apache-2.0
"""The file in which a person says what his terminal can do."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.runtime.preferences import Glyphs, Preferences, read_preferences
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
