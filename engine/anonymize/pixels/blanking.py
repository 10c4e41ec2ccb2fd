# SPDX-License-Identifier: Apache-2.0
"""Changes the pixels of one Part 10 file: blanks rectangles, for `alterPixels`, and clears the bits
of removed overlays. It decodes hostile data and therefore must run in a process with limits
(`engine.anonymize.pixels.guard`), never in one that serves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from struct import pack, unpack
from typing import BinaryIO

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.codecs import CODECS, Picture, decode, encode, name_of
from engine.anonymize.pixels.codestream import CodestreamKind, Unclear
from engine.anonymize.pixels.file import (
    BIG_PIXELS,
    COPY,
    EXPLICIT,
    PixelElement,
    PixelFile,
    open_pixel_file,
    with_transfer_syntax,
)
from engine.anonymize.pixels.frames import (
    EXTENDED_LENGTHS,
    EXTENDED_OFFSETS,
    Fragments,
    frames_of,
    read_fragments,
    read_frame,
    write_fragments,
)
from engine.anonymize.pixels.native import blank_native, fill
from engine.anonymize.pixels.overlay_bits import clear_overlays
from engine.anonymize.pixels.raster import PIXELS, Raster, read_raster
from engine.anonymize.pixels.record import (
    Decompressed,
    left_alone,
    record_blanking,
    record_decompression,
)
from engine.anonymize.pixels.regions import Asked, Blanked, Blanking, OverlayBit, parse_blanking
from engine.dicom.edit import HeaderEdit
from engine.dicom.part10 import DEFLATED_SYNTAXES, IMPLICIT_SYNTAXES
from engine.dicom.walk import UNDEFINED

__all__ = ["Blanked", "Blanking", "blank_file", "parse_blanking"]

MAX_FRAME = 192 * 1024 * 1024
"""The largest frame that is decoded, in bytes; JPEG 2000 takes some fifteen times as much."""

_NATIVE = IMPLICIT_SYNTAXES | DEFLATED_SYNTAXES | {EXPLICIT}
_LONGEST = 0xFFFFFFFE
_METHODS = {
    CodestreamKind.JPEG: "ISO_10918_1",
    CodestreamKind.JPEG_LS: "ISO_14495_1",
    CodestreamKind.JPEG_2000: "ISO_15444_1",
    CodestreamKind.HTJ2K: "ISO_15444_15",
}


class _NotAgain(Exception):
    """A frame that cannot be compressed again exactly."""


def blank_file(
    source: Path,
    target: Path,
    asked: Sequence[Asked],
    *,
    record: bool = True,
    max_frame: int = MAX_FRAME,
) -> Blanked:
    """Write a copy of a file whose pixels are altered in all frames, all else of it untouched but
    for what describes the pixels and, with `record`, that rectangles of them were blanked.

    The target must not exist; nothing of it is left when this fails. It is not synced.

    Raises:
        ScriptError: if the pixels cannot be altered for sure.
        OSError: if a file cannot be read or written.
    """
    bits = [one for one in asked if isinstance(one, OverlayBit)]
    rectangles = [one for one in asked if isinstance(one, Blanking)]
    if not bits:
        return _blanked(source, target, rectangles, record, max_frame)
    if not rectangles:
        with open_pixel_file(source, target.parent) as opened:
            syntax = opened.meta.transfer_syntax
        cleared = clear_overlays(source, target, bits)
        return Blanked(changed=cleared, transfer_syntax=syntax)
    between = target.with_name(f"{target.name}-bits")
    try:
        cleared = clear_overlays(source, between, bits)
        first = between if cleared else source
        blanked = _blanked(first, target, rectangles, record, max_frame)
        if cleared and not blanked.changed:
            between.rename(target)
            blanked = replace(blanked, changed=True)
        return blanked
    finally:
        between.unlink(missing_ok=True)


def _blanked(
    source: Path, target: Path, blankings: list[Blanking], record: bool, max_frame: int
) -> Blanked:
    with open_pixel_file(source, target.parent) as opened:
        syntax, pixels = opened.meta.transfer_syntax, opened.pixels
        if pixels is None:
            note = "alterPixels: the object has no pixels"
            return Blanked(changed=False, transfer_syntax=syntax, notes=(note,))
        if syntax not in _NATIVE and syntax not in CODECS:
            raise ScriptError(
                f"alterPixels: pixels in the transfer syntax {name_of(syntax)} cannot be decoded"
            )
        raster = read_raster(opened.header, pixels.tag)
        clipped = [blanking.clipped(raster.columns, raster.rows) for blanking in blankings]
        inside = [blanking for blanking in clipped if blanking is not None]
        if not inside:
            note = "alterPixels: no rectangle lies within the image"
            return Blanked(changed=False, transfer_syntax=syntax, notes=(note,))
        try:
            with target.open("x+b") as file:
                job = _Blanking(opened, pixels, raster, inside, file, record, max_frame)
                written = job.run()
        # The file was there before: it must not be removed.
        except FileExistsError:
            raise
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        notes = left_alone(opened.header)
        if written != syntax and syntax in CODECS:
            notes = ("alterPixels stored the pixels decompressed", *notes)
        return Blanked(changed=True, transfer_syntax=written, frames=raster.frames, notes=notes)


class _Blanking:
    """One file on its way."""

    def __init__(
        self,
        source: PixelFile,
        pixels: PixelElement,
        raster: Raster,
        blankings: list[Blanking],
        target: BinaryIO,
        record: bool,
        max_frame: int,
    ) -> None:
        self._source = source
        self._pixels = pixels
        self._raster = raster
        self._blankings = blankings
        self._target = target
        self._record = record
        self._max_frame = max_frame

    def run(self) -> str:
        """Write the target; return its transfer syntax."""
        syntax = self._source.meta.transfer_syntax
        if syntax in _NATIVE:
            return self._native()
        if self._pixels.length != UNDEFINED or self._pixels.tag != PIXELS:
            raise ScriptError("alterPixels: the pixels are not compressed as the file says")
        self._raster = raster = self._raster.fully_sampled()
        if raster.allocated == 1:
            raise ScriptError("alterPixels: compressed pixels of one bit are not supported")
        if raster.frame_bits // 8 > self._max_frame:
            raise ScriptError("alterPixels: a frame is larger than allowed")
        found = read_fragments(self._source.file, self._pixels.value, self._source.size)
        self._source.nothing_more(found.end)
        extended = self._source.value(EXTENDED_OFFSETS) or b""
        offsets = unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8])
        frames = frames_of(self._source.file, found, raster.frames, offsets)
        first = self._picture(read_frame(self._source.file, frames[0], self._max_frame))
        pictures: Iterator[Picture] = chain(
            (first,),
            (
                self._picture(read_frame(self._source.file, frame, self._max_frame))
                for frame in frames[1:]
            ),
        )
        if CODECS[syntax].again:
            try:
                self._compressed(pictures, found)
                return syntax
            except _NotAgain:
                # If one frame cannot be compressed again exactly, all are stored native: one
                # element has one encoding. They are decoded again, for the iterator has passed
                # the first ones.
                self._target.seek(0)
                self._target.truncate()
                pictures = (
                    self._picture(read_frame(self._source.file, frame, self._max_frame))
                    for frame in frames
                )
        self._decompressed(first, pictures, found)
        return EXPLICIT

    def _native(self) -> str:
        source, pixels, raster = self._source, self._pixels, self._raster
        if pixels.length == UNDEFINED:
            raise ScriptError("alterPixels: the pixels are compressed, but the file denies it")
        # The header may say 422 where each pixel has its own colour: the number of bytes decides.
        if raster.subsampled and pixels.length >= raster.fully_sampled().native_length:
            raster = raster.fully_sampled()
        if raster.subsampled and (raster.columns % 2 or raster.planar):
            raise ScriptError("alterPixels: the pixels do not come in pairs, as their kind does")
        spare = pixels.length - raster.native_length
        if spare < 0:
            raise ScriptError("alterPixels: there are fewer pixels than the header says")
        # One byte pads an odd length. More null bytes are taken for padding, too.
        if spare > 1 and self._holds_something(pixels.value + raster.native_length, spare):
            raise ScriptError("alterPixels: there are more pixels than the header says")
        syntax = source.meta.transfer_syntax
        changed = syntax in DEFLATED_SYNTAXES
        source.nothing_more(pixels.value + pixels.length)
        self._head(EXPLICIT if changed else syntax, None)
        start = self._target.tell() + pixels.value - source.group[0].start
        self._copy(source.group[0].start, source.size)
        blank_native(self._target, start, raster, self._blankings, big=syntax == BIG_PIXELS)
        self._target.seek(0, 2)
        return EXPLICIT if changed else syntax

    def _compressed(self, pictures: Iterator[Picture], found: Fragments) -> None:
        syntax = self._source.meta.transfer_syntax
        count = self._raster.frames
        self._head(syntax, None)
        extended = self._source.value(EXTENDED_OFFSETS) is not None
        tables = self._target.tell()
        if extended:
            self._tables([0] * count, [0] * count)
        self._target.write(pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED))
        frames = (self._again(picture) for picture in pictures)
        written = write_fragments(self._target, frames, count, table=bool(found.table))
        if extended:
            end = self._target.tell()
            self._target.seek(tables)
            self._tables(*written)
            self._target.seek(end)
        self._copy(found.end, self._source.size)

    def _decompressed(self, first: Picture, pictures: Iterator[Picture], found: Fragments) -> None:
        raster = self._raster
        length = raster.native_length
        if length > _LONGEST:
            raise ScriptError("alterPixels: decompressed, the pixels do not fit into a file")
        stream = first.stream
        self._head(
            EXPLICIT,
            Decompressed(
                photometric=first.photometric,
                lossy=stream is not None and stream.lossy,
                method=_METHODS.get(stream.kind, "") if stream else "",
            ),
        )
        vr = b"OB" if raster.allocated == 8 else b"OW"
        self._target.write(pack("<HH2sHI", 0x7FE0, 0x0010, vr, 0, length + length % 2))
        for picture in pictures:
            if picture.photometric != first.photometric:
                raise ScriptError("alterPixels: the frames differ in their colours")
            self._fill(picture)
            self._target.write(picture.native(raster))
        self._target.write(bytes(length % 2))
        self._copy(found.end, self._source.size)

    def _picture(self, data: bytes) -> Picture:
        syntax = self._source.meta.transfer_syntax
        try:
            return decode(data, syntax, self._raster)
        except Unclear as error:
            raise ScriptError(
                f"alterPixels: a frame in {name_of(syntax)} cannot be decoded: {error}"
            ) from None

    def _again(self, picture: Picture) -> bytes:
        self._fill(picture)
        syntax = self._source.meta.transfer_syntax
        data = encode(picture, syntax)
        if data is None:
            raise _NotAgain
        try:
            # That the encoder is lossless is verified: its output is decoded and compared.
            check = decode(data, syntax, self._raster)
        except Unclear:
            raise _NotAgain from None
        if check.array.dtype != picture.array.dtype or (check.array != picture.array).any():
            raise _NotAgain
        return data

    def _fill(self, picture: Picture) -> None:
        if not picture.array.flags.writeable:
            picture.array = picture.array.copy()
        # A frame may have fewer bits than the header says; its filling must fit into them.
        raster = replace(self._raster, stored=min(self._raster.stored, picture.precision))
        for blanking in self._blankings:
            words = raster.words(blanking, picture.photometric)
            fill(picture.array, blanking, picture.words(words))

    def _head(self, syntax: str, decompressed: Decompressed | None) -> None:
        source, preamble = self._source, self._source.preamble
        if syntax != source.meta.transfer_syntax:
            preamble = with_transfer_syntax(preamble, syntax)
        edit = HeaderEdit(source.header)
        if self._record:
            record_blanking(edit, source.header)
        if decompressed is not None:
            record_decompression(edit, source.header, self._raster, decompressed)
        self._target.write(preamble)
        for piece in edit.write():
            self._target.write(piece)

    def _tables(self, offsets: list[int], lengths: list[int]) -> None:
        for tag, numbers in ((EXTENDED_OFFSETS, offsets), (EXTENDED_LENGTHS, lengths)):
            head = pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"OV", 0, 8 * len(numbers))
            self._target.write(head + pack(f"<{len(numbers)}Q", *numbers))

    def _copy(self, start: int, end: int) -> None:
        file = self._source.file
        file.seek(start)
        while start < end:
            piece = file.read(min(COPY, end - start))
            if not piece:
                raise ScriptError("alterPixels: the file became shorter while it was read")
            self._target.write(piece)
            start += len(piece)

    def _holds_something(self, start: int, length: int) -> bool:
        file = self._source.file
        file.seek(start)
        while length > 0:
            piece = file.read(min(COPY, length))
            if not piece or piece.strip(b"\0"):
                return True
            length -= len(piece)
        return False
