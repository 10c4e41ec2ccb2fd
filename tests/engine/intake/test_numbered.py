# SPDX-License-Identifier: Apache-2.0
"""Where an object stands in its series: what its header says of it, and nothing where it does
not."""

from __future__ import annotations

import pytest

from engine.intake.numbered import UNNUMBERED, Numbered, numbered

PET = "1.2.840.10008.5.1.4.1.1.128"
NM = "1.2.840.10008.5.1.4.1.1.20"
SERIES, NUMBER, IN_ACQUISITION, SLICES = 0x0020000E, 0x00200013, 0x00201002, 0x00540081


class Said(dict[int, str]):
    """A header of a few texts."""

    def text(self, tag: int, /) -> str | None:
        return self.get(tag)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        ("0", 0),
        ("007", 7),
        ("", -1),
        ("-7", -1),
        ("7.0", -1),
        ("1_0", -1),
        ("٧", -1),
        ("four", -1),
        ("9" * 9, 999_999_999),
        ("9" * 10, -1),
    ],
)
def test_only_what_counts_is_a_number(text: str, number: int) -> None:
    assert numbered(Said({SERIES: "1.2", NUMBER: text}), PET) == Numbered("1.2", number, 0)


def test_what_has_no_series_tells_nothing() -> None:
    assert numbered(Said({NUMBER: "1"}), PET) == UNNUMBERED
    assert numbered(Said({SERIES: "", NUMBER: "1"}), PET) == UNNUMBERED
    for text in ("1" * 65, "1.2\0.3", "1.2\udc80", "1.２"):
        assert numbered(Said({SERIES: text, NUMBER: "1"}), PET) == UNNUMBERED


def test_what_a_sender_states() -> None:
    series = {SERIES: "1.2", NUMBER: "1"}
    assert numbered(Said(series | {IN_ACQUISITION: "20", SLICES: "30"}), PET).stated == 20
    assert numbered(Said(series | {IN_ACQUISITION: "0", SLICES: "30"}), PET).stated == 30
    assert numbered(Said(series | {IN_ACQUISITION: "many"}), PET).stated == 0
    # These are frames of one object.
    assert numbered(Said(series | {SLICES: "30"}), NM).stated == 0
