# SPDX-License-Identifier: Apache-2.0
"""Numbers and tags from the bytes or the text of one element (PS3.5 6.2). Text itself is handled in
`engine.dicom.charset`."""

from __future__ import annotations

import re
from math import isfinite
from struct import iter_unpack, unpack_from

from engine.dicom.dictionary import format_tag
from engine.dicom.walk import Buffer

_FORMATS = {
    "US": ("H", 2),
    "SS": ("h", 2),
    "UL": ("I", 4),
    "SL": ("i", 4),
    "UV": ("Q", 8),
    "SV": ("q", 8),
    "FL": ("f", 4),
    "FD": ("d", 8),
}
BINARY = frozenset(_FORMATS)
"""VRs whose values are binary numbers."""
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_INTEGER = re.compile(r"[+-]?[0-9]{1,64}")
_LONGEST_NUMBER = 64


def binary_numbers(vr: str, data: Buffer, start: int, end: int) -> tuple[int | float, ...]:
    """Return the binary numbers between two offsets; a rest that is too short for one is
    dropped."""
    code, width = _FORMATS[vr]
    return unpack_from(f"<{(end - start) // width}{code}", data, start)


def written_number(text: str) -> float | None:
    """Read a finite number; None where it is not written as one."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    return finite(float(text))


def written_integer(text: str) -> int | None:
    """Read an integer of any size; None where it is not written as one."""
    return int(text) if _INTEGER.fullmatch(text) else None


def finite(number: float) -> float | None:
    """Return the number, or None for what is none or endless."""
    return number if isfinite(number) else None


def tags_of(data: bytes) -> list[str]:
    """Return the tags of a value of VR AT."""
    pairs = iter_unpack("<HH", data[: len(data) & ~3])
    return [format_tag(group << 16 | number) for group, number in pairs]
