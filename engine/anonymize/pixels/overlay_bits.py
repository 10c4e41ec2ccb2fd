# SPDX-License-Identifier: Apache-2.0
"""Clears the bits of removed overlays in the pixels of one Part 10 file. This is possible only in
uncompressed pixels; for others it is an error."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.codecs import name_of
from engine.anonymize.pixels.file import BIG_PIXELS, COPY, EXPLICIT, open_pixel_file
from engine.anonymize.pixels.native import clear_bits
from engine.anonymize.pixels.overlays import unused_bits
from engine.anonymize.pixels.raster import PIXELS
from engine.anonymize.pixels.regions import OverlayBit
from engine.dicom.part10 import IMPLICIT_SYNTAXES
from engine.dicom.walk import UNDEFINED

_NATIVE = IMPLICIT_SYNTAXES | {EXPLICIT}
_WORDS = frozenset((8, 16, 32, 64))


def clear_overlays(source: Path, target: Path, wanted: Sequence[OverlayBit]) -> bool:
    """Write a copy of a file in which the bits of overlays are cleared, unless none of them is set;
    then nothing is written. Bits that hold the image stay. Say whether it was written.

    Raises:
        ScriptError: if they cannot be cleared, or the file cannot be understood exactly.
        OSError: if a file cannot be read or written.
    """
    with open_pixel_file(source, target.parent) as opened:
        pixels, syntax = opened.pixels, opened.meta.transfer_syntax
        mask = unused_bits(opened.header, wanted)
        if pixels is None or pixels.tag != PIXELS or not mask:
            return False
        place = f"the overlay of group {wanted[0].group:04X} lies in the pixels"
        if syntax not in _NATIVE or pixels.length == UNDEFINED:
            raise ScriptError(
                f"{place}, which are compressed ({name_of(syntax)}): it cannot be cleared",
                hint="Have the object sent decompressed.",
            )
        allocated = opened.header.integer(0x00280100) or 0
        if allocated not in _WORDS:
            raise ScriptError(f"{place}, and {allocated} bits allocated cannot be read")
        opened.nothing_more(pixels.value + pixels.length)
        try:
            with target.open("x+b") as file:
                opened.file.seek(0)
                shutil.copyfileobj(opened.file, file, COPY)
                big = syntax == BIG_PIXELS
                found = clear_bits(file, pixels.value, pixels.length, allocated, mask, big=big)
        except FileExistsError:
            raise
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    if not found:
        target.unlink()
    return found
