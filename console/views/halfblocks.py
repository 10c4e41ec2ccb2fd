# SPDX-License-Identifier: Apache-2.0
"""Pictures as half-blocks: each cell of a terminal shows two pixels, the upper as the colour of `▀`
and the lower as its background. Few greys are enough to look at, and neighbours that are alike are
one run, which costs a third on a slow link."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from engine.model.pictures import Picture, Region

GREYS = 24
HALF = "▀"
FRAME = (255, 170, 0)
"""The colour of the lines around a rectangle."""

Colour = tuple[int, int, int]
_LEVELS = 6
"""Of each colour, in pictures that are not grey."""
_BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Run:
    """Cells that look alike."""

    cells: int
    upper: Colour
    lower: Colour


def lines(
    picture: Picture, columns: int, rows: int, boxes: Sequence[Region] = ()
) -> list[list[Run]]:
    """Return a picture in so many columns and rows of cells, in its shape and in the middle, with
    the outlines of rectangles of the image."""
    pixels = _placed(picture, columns, 2 * rows)
    for box in boxes:
        _outline(pixels, picture, box)
    found = []
    for row in range(rows):
        pairs = zip(pixels[2 * row], pixels[2 * row + 1], strict=True)
        runs = [(pair, sum(1 for _ in same)) for pair, same in groupby(pairs)]
        found.append([Run(cells, *pair) for pair, cells in runs])
    return found


def quantised(grey: int) -> int:
    """Return the nearest of the greys that are shown."""
    return round(grey * (GREYS - 1) / 255) * 255 // (GREYS - 1)


def _placed(picture: Picture, across: int, down: int) -> list[list[Colour]]:
    canvas = [[_BLACK] * across for _ in range(down)]
    if not picture.width or not picture.height:
        return canvas
    left, top, width, height = fitted(picture, across, down)
    colours = _colours(picture)
    from_x = [x * picture.width // width for x in range(width)]
    for y in range(height):
        start = y * picture.height // height * picture.width
        canvas[top + y][left : left + width] = [colours[start + x] for x in from_x]
    return canvas


def fitted(picture: Picture, across: int, down: int) -> tuple[int, int, int, int]:
    """Return left, top, width and height of a picture that is as large as fits, in the middle."""
    scale = min(across / picture.width, down / picture.height)
    width = max(1, min(across, round(picture.width * scale)))
    height = max(1, min(down, round(picture.height * scale)))
    return (across - width) // 2, (down - height) // 2, width, height


def _colours(picture: Picture) -> list[Colour]:
    data = picture.pixels
    if picture.channels == 1:
        ramp = [(level, level, level) for level in (quantised(grey) for grey in range(256))]
        return [ramp[grey] for grey in data]
    level = [round(one * (_LEVELS * 3 - 1) / 255) * 255 // (_LEVELS * 3 - 1) for one in range(256)]
    levels = [level[one] for one in data]
    return list(zip(levels[::3], levels[1::3], levels[2::3], strict=True))


def _outline(pixels: list[list[Colour]], picture: Picture, box: Region) -> None:
    shown = picture.region
    if shown is None or not picture.width:
        return
    across, down = len(pixels[0]), len(pixels)
    left, top, width, height = fitted(picture, across, down)
    wide, high = shown.right - shown.left, shown.bottom - shown.top

    def at_x(x: int) -> int:
        return left + (x - shown.left) * width // wide

    def at_y(y: int) -> int:
        return top + (y - shown.top) * height // high

    first, last = at_x(box.left), at_x(box.right - 1)
    upper, lower = at_y(box.top), at_y(box.bottom - 1)
    for x in range(max(first, left), min(last + 1, left + width)):
        for y in (upper, lower):
            if top <= y < top + height:
                pixels[y][x] = FRAME
    for y in range(max(upper, top), min(lower + 1, top + height)):
        for x in (first, last):
            if left <= x < left + width:
                pixels[y][x] = FRAME
