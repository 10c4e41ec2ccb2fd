# SPDX-License-Identifier: Apache-2.0
"""The data dictionary: tags, keywords and value representations (PS3.6). The tables are read on
first use. Reading Explicit VR needs none."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from engine.dicom import tables

_HEX = re.compile(r"\(?\s*([0-9A-Fa-f]{4})\s*,?\s*([0-9A-Fa-f]{4})\s*\)?")
_KEYWORD = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_AMBIGUOUS = {"US or SS": "US", "OB or OW": "OW", "US or SS or OW": "OW", "US or OW": "OW"}


def parse_tag(text: str) -> int:
    """Read `(0010,0010)`, `00100010` or a keyword.

    Raises:
        ValueError: saying what was expected.
    """
    stripped = text.strip()
    match = _HEX.fullmatch(stripped)
    if match:
        return int(match[1] + match[2], 16)
    tag = tag_of(stripped)
    if tag is None:
        raise ValueError(f"{stripped[:40]!r} is neither a tag such as (0010,0010) nor a keyword")
    return tag


def format_tag(tag: int) -> str:
    """Write a tag as `(0010,0010)`."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@lru_cache(maxsize=8192)
def keyword(tag: int) -> str:
    """Return the keyword of a tag; empty when the standard does not know it."""
    entry = _entry(tag)
    return entry[4] if entry else ""


@lru_cache(maxsize=8192)
def tag_of(keyword: str) -> int | None:
    """Return the tag of a keyword; None when the standard does not know it."""
    if not _KEYWORD.fullmatch(keyword):
        return None
    return _tags().get(keyword)


@lru_cache(maxsize=8192)
def vr_of(tag: int, creator: str = "") -> str:
    """Return the value representation that Implicit VR data sets mean (PS3.5 6.2, PS3.6).

    Where the standard leaves a choice it is US of US and SS, and OW of OB and OW.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if element == 0:
        return "UL"
    vr = "UN"
    if not group & 1:
        if entry := _entry(tag):
            vr = entry[0]
    elif 0x10 <= element <= 0xFF:
        vr = "LO"
    elif creator and (known := _private_entry(tag, creator)):
        vr = known[0]
    return _AMBIGUOUS.get(vr, vr)


@lru_cache(maxsize=8192)
def private_name(tag: int, creator: str) -> str:
    """Return what a private element is called; empty when no dictionary knows it."""
    entry = _private_entry(tag, creator)
    return "" if entry is None or entry[2] == "Unknown" else entry[2]


def _entry(tag: int) -> tables.Element | None:
    """Find an element of the standard."""
    entry = tables.elements().get(tag)
    if entry is None and not tag >> 16 & 1:
        for mask, value, repeated in _masks():
            if tag & mask == value:
                return repeated
    return entry


def _private_entry(tag: int, creator: str) -> tables.PrivateElement | None:
    """Find a private element. Its block, and rarely a part of its group, stand for any number."""
    known = tables.private().get(creator)
    if known is None:
        return None
    text = f"{tag:08X}"
    for name in (text, f"{text[:4]}xx{text[6:]}", f"{text[:2]}xxxx{text[6:]}"):
        if name in known:
            return known[name]
    return None


@cache
def _tags() -> dict[str, int]:
    """Return the tags of the standard by keyword."""
    return {entry[4]: tag for tag, entry in tables.elements().items()}


@cache
def _masks() -> tuple[tuple[int, int, tables.Element], ...]:
    """Return for each element that stands in many groups what is compared, with what, and it."""
    return tuple(
        (
            int("".join("0" if digit == "x" else "F" for digit in name), 16),
            int(name.replace("x", "0"), 16),
            entry,
        )
        for name, entry in tables.repeated().items()
    )
