# SPDX-License-Identifier: Apache-2.0
"""Reads single frames of image files. Where the frames of a file are is found out once and kept, so
that stepping through a long file reads what is shown. It decodes hostile data and therefore must
run in a process with limits (`engine.pictures.guard`), never in one that serves."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from struct import unpack
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.blanking import MAX_FRAME
from engine.anonymize.pixels.codecs import CODECS, decode, name_of
from engine.anonymize.pixels.file import BIG_PIXELS, EXPLICIT, PixelElement, open_pixel_file
from engine.anonymize.pixels.frames import (
    EXTENDED_OFFSETS,
    Fragment,
    frames_of,
    read_fragments,
    read_frame,
)
from engine.anonymize.pixels.raster import PIXELS, Raster, read_raster
from engine.dicom.header import Header
from engine.dicom.normal import normal_head
from engine.dicom.part10 import (
    BIG_ENDIAN,
    DEFLATED_SYNTAXES,
    IMPLICIT_SYNTAXES,
    is_explicit,
    read_meta,
)
from engine.dicom.walk import UNDEFINED

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_NATIVE = IMPLICIT_SYNTAXES | DEFLATED_SYNTAXES | {EXPLICIT, BIG_ENDIAN}
_KEPT = 8
_FIRST_READ = 64 * 1024
_BULK = 1024 * 1024


@dataclass(kw_only=True, slots=True)
class Image:
    """What is known of a file: how its pixels lie, and where."""

    syntax: str
    header: Dataset
    """As pydicom reads it: what says how pixels are shown."""
    raster: Raster
    start: int
    length: int
    """`UNDEFINED` where the pixels are compressed."""
    extended: bytes = b""
    size: int = 0
    frames: list[tuple[Fragment, ...]] | None = None
    """Of compressed pixels, once they were looked for."""

    @property
    def big(self) -> bool:
        """Whether the words of the pixels are big endian."""
        return self.syntax in (BIG_PIXELS, BIG_ENDIAN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Frame:
    """The stored values of one frame, by rows, columns and samples."""

    array: NDArray[Any]
    photometric: str
    bits: int


class NoImage(Exception):
    """The file has no pixels, or none that are decoded here; `header` says what it is instead."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Images:
    """The last files that were looked at."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int, int], Image] = OrderedDict()

    @contextmanager
    def open(self, path: Path, scratch: Path) -> Iterator[tuple[Image, BinaryIO]]:
        """Open a file.

        Raises:
            OSError: if it cannot be read.
            NoImage: if it has no pixels.
            Exception: what the readers of headers raise.
        """
        told = os.stat(path)
        key = (str(path), told.st_size, told.st_mtime_ns)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            with path.open("rb") as file:
                yield known, file
            return
        with path.open("rb") as file:
            meta = read_meta(file.read(_FIRST_READ))
            if meta.transfer_syntax == BIG_ENDIAN:
                image = _big_endian(path, file, meta.dataset_offset)
                self._keep(key, image)
                yield image, file
                return
        with open_pixel_file(path, scratch) as opened:
            pixels, syntax = opened.pixels, opened.meta.transfer_syntax
            if pixels is None:
                raise NoImage("the object has no pixels")
            inflated = syntax in DEFLATED_SYNTAXES
            start = 0 if inflated else opened.meta.dataset_offset
            image = Image(
                syntax=syntax,
                header=_shown(opened.file, start, explicit=is_explicit(syntax), little=True),
                raster=read_raster(opened.header, pixels.tag),
                start=pixels.value,
                length=pixels.length,
                extended=opened.value(EXTENDED_OFFSETS) or b"",
                size=opened.size,
            )
            if not inflated:
                self._keep(key, image)
            yield image, opened.file

    def _keep(self, key: tuple[str, int, int], image: Image) -> None:
        self._kept[key] = image
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)


def read(image: Image, file: BinaryIO, number: int) -> Frame:
    """Read one frame.

    Raises:
        NoImage: if its transfer syntax is none that is decoded.
        ScriptError: if it cannot be found for sure.
        Unclear: if it is damaged.
    """
    if image.syntax in _NATIVE:
        return _native(image, file, number)
    if image.syntax not in CODECS:
        raise NoImage(f"pixels in the transfer syntax {name_of(image.syntax)} are not decoded")
    if image.length != UNDEFINED:
        raise ScriptError("the pixels are not compressed as the file says")
    raster = image.raster.fully_sampled()
    if raster.allocated == 1:
        raise ScriptError("compressed pixels of one bit are not supported")
    if raster.frame_bits // 8 > MAX_FRAME:
        raise ScriptError("a frame is larger than allowed")
    if image.frames is None:
        extended = image.extended
        offsets = unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8])
        found = read_fragments(file, image.start, image.size)
        image.frames = frames_of(file, found, raster.frames, offsets)
    data = read_frame(file, image.frames[number], MAX_FRAME)
    picture = decode(data, image.syntax, raster)
    colours = replace(raster, planar=False, photometric=picture.photometric)
    words = np.frombuffer(picture.native(raster), _word(raster, big=False))
    return _frame(words.reshape(picture.array.shape), colours)


def _native(image: Image, file: BinaryIO, number: int) -> Frame:
    raster = image.raster
    if image.length == UNDEFINED:
        raise ScriptError("the pixels are compressed, but the file denies it")
    # The header may say 422 where each pixel has its own colour: the number of bytes decides.
    if raster.subsampled and image.length >= raster.fully_sampled().native_length:
        raster = raster.fully_sampled()
    if raster.subsampled and (raster.columns % 2 or raster.planar):
        raise ScriptError("the pixels do not come in pairs, as their kind does")
    if raster.frame_bits // 8 > MAX_FRAME:
        raise ScriptError("a frame is larger than allowed")
    first, end = number * raster.frame_bits, (number + 1) * raster.frame_bits
    if (end + 7) // 8 > image.length:
        raise ScriptError("there are fewer pixels than the header says")
    file.seek(image.start + first // 8)
    data = file.read((end + 7) // 8 - first // 8)
    rows, columns, samples = raster.rows, raster.columns, raster.samples
    if raster.allocated == 1:
        # Frames of one bit follow each other without a gap, the first pixel lowest.
        bits = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
        return Frame(
            array=bits[first % 8 : first % 8 + rows * columns].reshape(rows, columns, 1),
            photometric=raster.photometric,
            bits=1,
        )
    words = np.frombuffer(data, _word(raster, big=image.big))
    if raster.subsampled:
        pairs = words.reshape(rows, columns // 2, 4)
        array = np.empty((rows, columns, 3), words.dtype)
        array[:, :, 0] = pairs[:, :, :2].reshape(rows, columns)
        array[:, :, 1:] = np.repeat(pairs[:, :, 2:], 2, axis=1)
    elif raster.planar:
        array = words.reshape(samples, rows, columns).transpose(1, 2, 0)
    else:
        array = words.reshape(rows, columns, samples)
    return _frame(array, raster)


def _frame(array: NDArray[Any], raster: Raster) -> Frame:
    if raster.floating:
        array = array.view(array.dtype.str.replace("u", "f"))
    elif raster.stored < raster.allocated or raster.signed:
        kept = (array.astype(np.int64) >> raster.shift) & ((1 << raster.stored) - 1)
        if raster.signed:
            sign = 1 << raster.stored - 1
            kept = (kept ^ sign) - sign
        array = kept
    return Frame(array=array, photometric=raster.fully_sampled().photometric, bits=raster.stored)


def _word(raster: Raster, *, big: bool) -> np.dtype[Any]:
    return np.dtype(f"{'>' if big else '<'}u{raster.allocated // 8}")


def _big_endian(path: Path, file: BinaryIO, offset: int) -> Image:
    head, end, _ = normal_head(str(path), BIG_ENDIAN, offset)
    file.seek(offset + end)
    start = file.read(12)
    size = os.fstat(file.fileno()).st_size
    if len(start) < 12:
        raise NoImage("the object has no pixels")
    group, element, _, length = unpack(">HH4sI", start)
    pixels = PixelElement(
        tag=group << 16 | element, vr="", start=offset + end, value=file.tell(), length=length
    )
    if pixels.tag != PIXELS:
        raise NoImage("the object has no pixels")
    if pixels.value + length > size:
        raise ScriptError("the file ends within its pixels")
    return Image(
        syntax=BIG_ENDIAN,
        header=_shown(file, offset, explicit=True, little=False),
        raster=read_raster(Header.index(head, explicit=True), pixels.tag),
        start=pixels.value,
        length=length,
        size=size,
    )


def _shown(file: BinaryIO, start: int, *, explicit: bool, little: bool) -> Dataset:
    from pydicom.filereader import read_dataset  # noqa: PLC0415 (slow to import)

    file.seek(start)
    return read_dataset(
        file,
        not explicit,
        little,
        stop_when=lambda tag, vr, length: tag >= 0x7FE00000,
        defer_size=_BULK,
    )
