# SPDX-License-Identifier: Apache-2.0
"""Ranges of instance numbers: what is added is there, however it comes, and a text that grows too
long says that it does not know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import ranges

NUMBERS = st.lists(st.integers(0, 400))


def members(of: ranges.Ranges) -> set[int]:
    return {number for first, last in of for number in range(first, last + 1)}


@given(st.lists(NUMBERS))
def test_what_was_added_in_parts_is_there_and_nothing_else(parts: list[list[int]]) -> None:
    text = ""
    for part in parts:
        text = ranges.written(ranges.joined(ranges.parse(text), part))
        assert text or not part
    found = ranges.parse(text)
    added = {number for part in parts for number in part}
    assert members(found) == added
    assert ranges.count(found) == len(added)
    assert ranges.written(ranges.joined([], sorted(added))) == text


@given(NUMBERS)
def test_gaps_are_what_lies_between_and_is_not_there(numbers: list[int]) -> None:
    found = ranges.joined([], numbers)
    between = members(ranges.gaps(found))
    if not numbers:
        assert not between
        return
    assert between == set(range(min(numbers), max(numbers) + 1)) - set(numbers)
    assert not ranges.gaps(ranges.joined(found, between))
    assert ranges.missing(found, objects=len(numbers), stated=0) == len(between)


@given(st.integers(1, 2 * ranges.MOST_RANGES))
def test_a_text_is_bounded(many: int) -> None:
    text = ranges.written(ranges.joined([], range(0, 2 * many, 2)))
    assert bool(text) == (many <= ranges.MOST_RANGES)
    assert len(ranges.parse(text)) == (many if many <= ranges.MOST_RANGES else 0)


def test_neighbours_become_one_range() -> None:
    assert ranges.written(ranges.joined([(1, 2), (5, 5)], [3, 4, 9])) == "1-5,9"
    assert ranges.parse("1-5,9") == [(1, 5), (9, 9)]


@pytest.mark.parametrize(
    ("text", "objects", "stated", "missing"),
    [
        ("", 7, 20, None),
        ("1-7", 7, 0, 0),
        ("1-7", 7, 7, 0),
        ("1-7", 7, 5, 0),
        ("1-7", 7, 20, 13),
        # Numbers in gaps are among those that are still to come.
        ("1-5,8-9", 7, 10, 3),
        ("1,8", 2, 3, 6),
        (f"1,{ranges.MOST_MISSING + 3}", 2, 0, None),
        ("1-2", 2, ranges.MOST_MISSING + 3, None),
    ],
)
def test_what_a_series_lacks(text: str, objects: int, stated: int, missing: int | None) -> None:
    assert ranges.missing(ranges.parse(text), objects=objects, stated=stated) == missing
