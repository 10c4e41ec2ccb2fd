# SPDX-License-Identifier: Apache-2.0
"""Changes uncompressed pixels in place in a file, strip by strip: fills rectangles and clears bits.
The memory needed does not depend on the number and size of frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.anonymize.pixels.raster import Raster
from engine.anonymize.pixels.regions import Blanking

STRIP = 8 * 1024 * 1024
"""So many bytes are in memory at a time, or one row."""


def fill(array: NDArray[np.generic], blanking: Blanking, words: Sequence[int]) -> None:
    """Fill a clipped rectangle of an array of rows, columns and samples."""
    part = array[blanking.top : blanking.bottom, blanking.left : blanking.right]
    part[...] = np.array(words, dtype=object).astype(array.dtype)


def blank_native(
    file: BinaryIO, offset: int, raster: Raster, blankings: Sequence[Blanking], *, big: bool = False
) -> None:
    """Fill clipped rectangles in all frames of a file that holds native pixels from `offset` on.

    Raises:
        ScriptError: if a filling is no pixel of this image.
    """
    filled = [(blanking, raster.words(blanking)) for blanking in blankings]
    for frame in range(raster.frames):
        for blanking, words in filled:
            if raster.allocated == 1:
                _fill_bits(file, offset, frame, raster, blanking, words[0])
            elif raster.subsampled:
                _fill_pairs(file, offset, frame, raster, blanking, words, big=big)
            elif raster.planar:
                for plane, word in enumerate(words):
                    number = frame * raster.samples + plane
                    _fill_plane(file, offset, number, raster, blanking, (word,), big=big)
            else:
                _fill_plane(file, offset, frame, raster, blanking, words, big=big)


def clear_bits(
    file: BinaryIO, offset: int, length: int, allocated: int, mask: int, *, big: bool = False
) -> bool:
    """Clear the bits of `mask` in all words of `length` bytes from `offset` on. Say whether any was
    set."""
    kind = np.dtype(f"{'>' if big else '<'}u{allocated // 8}")
    keep = kind.type((1 << allocated) - 1 - mask)
    found = False
    end = offset + length - length % kind.itemsize
    for start in range(offset, end, STRIP):
        strip = _read(file, start, min(STRIP, end - start), kind)
        cleared = (strip & keep).astype(kind)
        if (cleared != strip).any():
            found = True
            _write(file, start, cleared)
    return found


def _fill_plane(
    file: BinaryIO,
    offset: int,
    number: int,
    raster: Raster,
    blanking: Blanking,
    words: Sequence[int],
    *,
    big: bool,
) -> None:
    kind = _word(raster, big=big)
    row = raster.columns * len(words) * kind.itemsize
    start = offset + number * raster.rows * row
    for first, count in _strips(blanking, row):
        strip = _read(file, start + first * row, count * row, kind)
        fill(strip.reshape(count, raster.columns, len(words)), _down(blanking, count), words)
        _write(file, start + first * row, strip)


def _fill_pairs(
    file: BinaryIO,
    offset: int,
    frame: int,
    raster: Raster,
    blanking: Blanking,
    words: Sequence[int],
    *,
    big: bool,
) -> None:
    # Two pixels are four words: both lumas, then the colour that they share. The colour of what is
    # blanked must not stay, so a neighbour outside may lose its own.
    kind = _word(raster, big=big)
    row = raster.columns * 2 * kind.itemsize
    start = offset + frame * raster.rows * row
    luma, *chroma = words
    for first, count in _strips(blanking, row):
        strip = _read(file, start + first * row, count * row, kind)
        pairs = strip.reshape(count, raster.columns // 2, 4)
        for column in (0, 1):
            from_pair = (blanking.left - column + 1) // 2
            pairs[:, from_pair : (blanking.right - column + 1) // 2, column] = luma
        pairs[:, blanking.left // 2 : (blanking.right + 1) // 2, 2:] = chroma
        _write(file, start + first * row, strip)


def _fill_bits(
    file: BinaryIO, offset: int, frame: int, raster: Raster, blanking: Blanking, word: int
) -> None:
    # Frames of one bit follow each other without a gap (PS3.5 8.1.1), the first pixel lowest.
    for first, count in _strips(blanking, raster.columns):
        begin = (frame * raster.rows + first) * raster.columns
        end = begin + count * raster.columns
        byte = offset + begin // 8
        packed = _read(file, byte, (end + 7) // 8 - begin // 8, np.dtype("u1")).view(np.uint8)
        bits = np.unpackbits(packed, bitorder="little")
        part = bits[begin % 8 : begin % 8 + end - begin].reshape(count, raster.columns)
        part[:, blanking.left : blanking.right] = word
        _write(file, byte, np.packbits(bits, bitorder="little"))


def _strips(blanking: Blanking, row: int) -> Iterator[tuple[int, int]]:
    step = max(1, STRIP // row)
    for first in range(blanking.top, blanking.bottom, step):
        yield first, min(step, blanking.bottom - first)


def _down(blanking: Blanking, count: int) -> Blanking:
    return Blanking(
        left=blanking.left, top=0, right=blanking.right, bottom=count, values=blanking.values
    )


def _word(raster: Raster, *, big: bool) -> np.dtype[np.generic]:
    return np.dtype(f"{'>' if big else '<'}u{raster.allocated // 8}")


def _read(
    file: BinaryIO, offset: int, length: int, kind: np.dtype[np.generic]
) -> NDArray[np.generic]:
    data = bytearray(length)
    file.seek(offset)
    if file.readinto(data) != length:  # type: ignore[attr-defined]
        raise EOFError("the pixels end too early")
    return np.frombuffer(data, kind)


def _write(file: BinaryIO, offset: int, array: NDArray[np.generic]) -> None:
    file.seek(offset)
    file.write(array.tobytes())
