# SPDX-License-Identifier: Apache-2.0
"""RLE Lossless frames (PS3.5 annex G): planes of bytes, packed row by row."""

from __future__ import annotations

from itertools import pairwise
from struct import pack, unpack_from

import numpy as np
from numpy.typing import NDArray

from engine.anonymize.pixels.codestream import Unclear

_HEADER = 64
_MOST = 15


def unpack_frame(
    data: bytes, rows: int, columns: int, samples: int, width: int
) -> NDArray[np.generic]:
    """Return rows, columns and samples of unsigned words of `width` bytes.

    Raises:
        Unclear: if the segments do not hold them exactly.
    """
    if len(data) < _HEADER:
        raise Unclear("it is shorter than its own header")
    count, *offsets = unpack_from("<16I", data)
    if count != samples * width:
        raise Unclear("its number of planes is another one")
    starts = [*offsets[:count], len(data)]
    if starts[0] != _HEADER or any(a >= b for a, b in pairwise(starts)):
        raise Unclear("its planes overlap")
    # The most significant byte comes first.
    planes = np.empty((samples, width, rows * columns), np.uint8)
    for number in range(count):
        plane = _unpack(data[starts[number] : starts[number + 1]], rows * columns)
        planes[number // width, width - 1 - number % width] = np.frombuffer(plane, np.uint8)
    words = np.ascontiguousarray(planes.transpose(2, 0, 1))
    return words.view(f"<u{width}").reshape(rows, columns, samples)


def pack_frame(array: NDArray[np.generic]) -> bytes:
    """Pack rows, columns and samples of unsigned little endian words."""
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    rows, columns, samples = array.shape
    width = array.dtype.itemsize
    # Through one form of bytes in memory, whatever the machine and the caller have.
    octets = np.ascontiguousarray(array).astype(f"<u{width}").view(np.uint8)
    planes = octets.reshape(rows, columns, samples, width)
    segments = []
    for sample in range(samples):
        for byte in reversed(range(width)):
            plane = planes[:, :, sample, byte].copy()
            segment = bytes(imagecodecs.packbits_encode(plane, axis=-1))
            segments.append(segment + bytes(len(segment) % 2))
    offsets, position = [], _HEADER
    for segment in segments:
        offsets.append(position)
        position += len(segment)
    offsets += [0] * (_MOST - len(offsets))
    return pack("<16I", len(segments), *offsets) + b"".join(segments)


def _unpack(segment: bytes, length: int) -> bytes:
    import imagecodecs  # noqa: PLC0415 (large, and needed by few)

    try:
        plane = imagecodecs.packbits_decode(segment, out=length)
    except RuntimeError:
        raise Unclear("a plane of it is damaged") from None
    if len(plane) != length:
        raise Unclear("a plane of it ends too early")
    return bytes(plane)
