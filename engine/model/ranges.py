# SPDX-License-Identifier: Apache-2.0
"""Instance numbers as ranges, in one short text such as `1-120,122-240`: which are there, and which
lie in the gaps between. Pure; a text is bounded, and an empty one means that this is not known."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

MOST_RANGES = 200
"""Numbers that lie in more ranges are no longer told."""

MOST_MISSING = 1_000_000
"""Beyond this a gap is how instances were numbered, and no objects that are missing; nor is what is
stated."""

Ranges = list[tuple[int, int]]
"""First and last number of each, rising, with a gap between any two."""


def parse(text: str) -> Ranges:
    """Read a text that `written` has made.

    Raises:
        ValueError: if it is none.
    """
    ranges = []
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        ranges.append((int(first), int(last or first)))
    return ranges


def written(ranges: Ranges) -> str:
    """Write ranges as a text; empty where they are too many."""
    if len(ranges) > MOST_RANGES:
        return ""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def joined(ranges: Ranges, numbers: Iterable[int]) -> Ranges:
    """Return ranges together with numbers, which are not negative; some may be there already."""
    result: Ranges = []
    for first, last in sorted([*ranges, *((number, number) for number in set(numbers))]):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return result


def gaps(ranges: Ranges) -> Ranges:
    """Return what lies between the first and the last number and is not there."""
    return [(before + 1, after - 1) for (_, before), (after, _) in pairwise(ranges)]


def count(ranges: Ranges) -> int:
    """Count the numbers in ranges."""
    return sum(last - first + 1 for first, last in ranges)


def missing(ranges: Ranges, *, objects: int, stated: int) -> int | None:
    """Count what a series lacks: the numbers in its gaps, or what its sender has `stated` and is
    still to come where that is more. None where nothing can be said."""
    if not ranges:
        return None
    between, to_come = count(gaps(ranges)), stated - objects
    if between > MOST_MISSING or to_come > MOST_MISSING:
        return None
    return max(between, to_come)
