# SPDX-License-Identifier: Apache-2.0
"""The four texts of `alterPixels` are read as the language says, or refused with a reason."""

from __future__ import annotations

import pytest

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.regions import Blanking, parse_blanking


def _blanking(left: int, top: int, right: int, bottom: int, *values: int) -> Blanking:
    return Blanking(left=left, top=top, right=right, bottom=bottom, values=values)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("rectangle", "l=1,t=2,r=3,b=4", "solid", "v=0"), (1, 2, 3, 4, 0)),
        (("Rectangle", " L = 1 , T=2, R=3,B=4 ", "SOLID", "Value = -7"), (1, 2, 3, 4, -7)),
        (
            ("rectangle", "bottom=4,right=3,top=2,left=-1,depth=x", "solid", "r=1,green=2,b=3"),
            (-1, 2, 3, 4, 1, 2, 3),
        ),
        (("rectangle", "l=5,t=0,r=5,b=9,", "solid", "v=+1,x=2"), (5, 0, 5, 9, 1)),
    ],
)
def test_what_the_texts_say(
    arguments: tuple[str, str, str, str], expected: tuple[int, int, int, int, int]
) -> None:
    assert parse_blanking(*arguments) == _blanking(*expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("circle", "l=1,t=2,r=3,b=4", "solid", "v=0"), "only shape"),
        (("rectangle", "l=1,t=2,r=3,b=4", "striped", "v=0"), "only way to fill"),
        (("rectangle", "l=1,t=2,r=3", "solid", "v=0"), "no bottom"),
        (("rectangle", "", "solid", "v=0"), "no left"),
        (("rectangle", "l=1,t=2,r=3,b=4.5", "solid", "v=0"), "bottom is not a whole number"),
        (("rectangle", "l=1,left=1,t=2,r=3,b=4", "solid", "v=0"), "left is said twice"),
        (("rectangle", "l=9,t=2,r=3,b=4", "solid", "v=0"), "ends before it begins"),
        (("rectangle", "l=1 t=2,r=3,b", "solid", "v=0"), "pairs of name=value"),
        (("rectangle", "l=1,t=2,r=3,b=4", "solid", ""), "one value, or red, green and blue"),
        (("rectangle", "l=1,t=2,r=3,b=4", "solid", "r=0,g=0"), "one value, or red"),
        (("rectangle", "l=1,t=2,r=3,b=4", "solid", "v=0,r=0,g=0,b=0"), "one value, or red"),
        (("rectangle", "l=1,t=2,r=3,b=4", "solid", "v=black"), "value is not a whole number"),
    ],
)
def test_what_is_refused(arguments: tuple[str, str, str, str], message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        parse_blanking(*arguments)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((-5, -5, 3, 4), (0, 0, 3, 4)),
        ((8, 7, 99, 99), (8, 7, 10, 9)),
        ((-1, -1, 99, 99), (0, 0, 10, 9)),
        ((9, 8, 10, 9), (9, 8, 10, 9)),
        ((10, 0, 12, 9), None),
        ((0, 9, 10, 12), None),
        ((-3, 0, 0, 9), None),
        ((4, 4, 4, 9), None),
    ],
)
def test_a_rectangle_is_clipped(
    given: tuple[int, int, int, int], expected: tuple[int, int, int, int] | None
) -> None:
    clipped = _blanking(*given, 5).clipped(columns=10, rows=9)
    assert clipped == (None if expected is None else _blanking(*expected, 5))
