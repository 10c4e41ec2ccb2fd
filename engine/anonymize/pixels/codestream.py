# SPDX-License-Identifier: Apache-2.0
"""The properties of a compressed frame that can be read before it is decoded: size, samples,
precision, and how it was compressed. Nothing is decoded here; a decoder only gets frames whose size
was checked here first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from struct import error as StructError
from struct import unpack_from


class CodestreamKind(StrEnum):
    """The families of compressed frames that are told apart."""

    JPEG = "JPEG"
    JPEG_LOSSLESS = "lossless JPEG"
    JPEG_LS = "JPEG-LS"
    JPEG_2000 = "JPEG 2000"
    HTJ2K = "HTJ2K"


@dataclass(frozen=True, kw_only=True, slots=True)
class Codestream:
    """The facts of one compressed frame."""

    kind: CodestreamKind
    rows: int
    columns: int
    samples: int
    precision: int
    signed: bool = False
    lossy: bool = False
    """Whether decoding gives something else than what went in."""
    transformed: bool = False
    """Whether the decoder turns colours into RGB by itself (JPEG 2000)."""
    colour: str = ""
    """What the markers of a JPEG say of its colours: `RGB`, `YBR_FULL` or nothing."""


class Unclear(ValueError):
    """Bytes that are no compressed frame of a known family, or one that is cut off."""


# Markers that start a frame: C0 to CB except C4 (Huffman tables) and C8 (reserved), and F7 of
# JPEG-LS. The markers in `_BARE` (TEM, RST, SOI) have no length.
_FRAMES_OF_JPEG = frozenset((0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xF7))
_BARE = frozenset((0x01, 0xD8, *range(0xD0, 0xD8)))
_LONGEST_SEARCH = 1024 * 1024
_JP2 = b"\x00\x00\x00\x0cjP  "


def read_codestream(data: bytes) -> Codestream:
    """Read the markers at the start of a frame.

    Raises:
        Unclear: if they cannot be made out.
    """
    try:
        if data[:2] == b"\xff\xd8":
            found = _jpeg(data)
        elif data[:4] == b"\xff\x4f\xff\x51":
            found = _jpeg_2000(data)
        elif data[:8] == _JP2:
            start = data.find(b"\xff\x4f\xff\x51", 0, _LONGEST_SEARCH)
            if start < 0:
                raise Unclear("no codestream in its wrapping")
            found = _jpeg_2000(data[start:])
        else:
            raise Unclear("it does not begin as a compressed frame")
    except (IndexError, StructError):
        raise Unclear("its markers are cut off") from None
    if not data.rstrip(b"\0").endswith(b"\xff\xd9") and not data.endswith(b"\xff\xd9\xff"):
        raise Unclear("its end is missing")
    return found


def _jpeg(data: bytes) -> Codestream:
    position = 2
    jfif, adobe = False, -1
    frame: tuple[int, int] | None = None
    while True:
        if data[position] != 0xFF:
            raise Unclear("a marker is missing")
        while data[position + 1] == 0xFF:
            position += 1
        marker = data[position + 1]
        position += 2
        if marker in _BARE:
            continue
        length = int(unpack_from(">H", data, position)[0])
        if marker == 0xE0 and data[position + 2 : position + 6] == b"JFIF":
            jfif = True
        elif marker == 0xEE and data[position + 2 : position + 7] == b"Adobe" and length >= 14:
            adobe = data[position + 13]
        elif marker in _FRAMES_OF_JPEG:
            if frame is not None:
                raise Unclear("there are two frames in one")
            frame = marker, position
        elif marker == 0xDA:
            break
        elif marker == 0xD9:
            raise Unclear("there is no picture in it")
        position += length
    if frame is None:
        raise Unclear("there is no frame in it")
    kind, start = frame
    precision, rows, columns, samples = unpack_from(">BHHB", data, start + 2)
    names = bytes(data[start + 8 + 3 * number] for number in range(samples))
    colour = ""
    if names in (b"RGB", b"rgb"):
        colour = "RGB"
    elif jfif:
        colour = "YBR_FULL"
    elif adobe >= 0:
        colour = "RGB" if adobe == 0 else "YBR_FULL"
    if kind == 0xF7:
        # NEAR follows two bytes for each component in the scan header; 0 is lossless.
        near = data[position + 3 + 2 * data[position + 2]]
        family, lossy = CodestreamKind.JPEG_LS, near > 0
    elif kind in (0xC3, 0xC7, 0xCB):
        family, lossy = CodestreamKind.JPEG_LOSSLESS, False
    else:
        family, lossy = CodestreamKind.JPEG, True
    return Codestream(
        kind=family,
        rows=rows,
        columns=columns,
        samples=samples,
        precision=precision,
        lossy=lossy,
        colour=colour,
    )


def _jpeg_2000(data: bytes) -> Codestream:
    # SIZ comes first (ISO/IEC 15444-1 A.5.1): its length at 4, the right and lower edges at 8, the
    # left and upper edges at 16, the number of components at 40. Each component has 3 bytes: its
    # depth less 1 (bit 7: signed) and its subsampling in both directions.
    length, _, right, bottom, left, top = unpack_from(">HHIIII", data, 4)
    samples = int(unpack_from(">H", data, 40)[0])
    sizes = {data[42 + 3 * number] for number in range(samples)}
    if len(sizes) != 1:
        raise Unclear("its samples differ in precision")
    if any(data[43 + 3 * number : 45 + 3 * number] != b"\x01\x01" for number in range(samples)):
        raise Unclear("its samples differ in size")
    size = sizes.pop()
    position = 4 + length
    high_throughput = transformed = lossy = False
    coded = False
    while data[position : position + 2] not in (b"\xff\x90", b"\xff\xd9"):
        marker, length = unpack_from(">HH", data, position)
        if marker >> 8 != 0xFF:
            raise Unclear("a marker is missing")
        if marker == 0xFF50:
            # CAP, capabilities beyond Part 1: HTJ2K (Part 15) must announce itself here.
            high_throughput = True
        elif marker == 0xFF52:
            coded = True
            # COD (A.6.1): the component transformation at 8, the wavelet at 13 (0: irreversible).
            transformed = data[position + 8] == 1
            lossy = data[position + 13] == 0
        position += 2 + length
    if not coded:
        raise Unclear("it does not say how it was coded")
    return Codestream(
        kind=CodestreamKind.HTJ2K if high_throughput else CodestreamKind.JPEG_2000,
        rows=bottom - top,
        columns=right - left,
        samples=samples,
        precision=(size & 0x7F) + 1,
        signed=bool(size & 0x80),
        lossy=lossy,
        transformed=transformed,
    )
