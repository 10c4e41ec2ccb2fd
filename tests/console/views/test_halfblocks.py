# SPDX-License-Identifier: Apache-2.0
"""Pictures as half-blocks."""

from __future__ import annotations

from console.views.halfblocks import FRAME, GREYS, Run, lines, quantised
from engine.model.pictures import Picture, Region


def made(width: int, height: int, pixels: bytes, channels: int = 1) -> Picture:
    region = Region(left=0, top=0, right=width, bottom=height)
    return Picture(width=width, height=height, pixels=pixels, channels=channels, region=region)


def test_two_pixels_a_cell_and_runs_of_what_is_alike() -> None:
    white, black = (255, 255, 255), (0, 0, 0)
    found = lines(made(4, 2, bytes((255, 255, 255, 0, 0, 0, 0, 0))), 4, 1)
    assert found == [[Run(3, white, black), Run(1, black, black)]]


def test_there_are_24_greys_from_black_to_white() -> None:
    levels = {quantised(grey) for grey in range(256)}
    assert len(levels) == GREYS
    assert (min(levels), max(levels)) == (0, 255)


def test_it_keeps_its_shape_in_the_middle() -> None:
    found = lines(made(2, 2, b"\xff" * 4), 8, 2)
    assert [[run.cells for run in line] for line in found] == [[2, 4, 2]] * 2
    assert found[0][1].upper == (255, 255, 255)


def test_colours_are_kept() -> None:
    (line,) = lines(made(1, 2, bytes((255, 0, 0, 0, 0, 255)), 3), 1, 1)
    assert line == [Run(1, (255, 0, 0), (0, 0, 255))]


def test_a_rectangle_is_outlined_and_its_inside_stays() -> None:
    box = Region(left=1, top=1, right=7, bottom=7)
    found = lines(made(8, 8, bytes(64)), 8, 4, (box,))
    cells = [[run for run in line for _ in range(run.cells)] for line in found]
    drawn = [[cell.upper == FRAME for cell in line] for line in cells]
    assert drawn[1] == [False, True, False, False, False, False, True, False]
    assert cells[0][3].lower == FRAME and cells[3][3].upper == FRAME
    assert cells[1][3].upper == (0, 0, 0)


def test_nothing_is_black() -> None:
    assert lines(Picture(), 3, 1) == [[Run(3, (0, 0, 0), (0, 0, 0))]]
