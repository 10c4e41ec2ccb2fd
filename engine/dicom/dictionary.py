"""Words of DICOM: tags, keywords and value representations, from pydicom's data dictionary
(PS3.6)."""

from __future__ import annotations

import re
from functools import lru_cache

from pydicom.datadict import (
    dictionary_VR,
    keyword_for_tag,
    private_dictionary_VR,
    tag_for_keyword,
)

_HEX = re.compile(r"\(?([0-9A-Fa-f]{4}),?\s*([0-9A-Fa-f]{4})\)?")
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


def keyword(tag: int) -> str:
    """Give the keyword of a tag; empty when the standard does not know it."""
    return keyword_for_tag(tag)


def tag_of(keyword: str) -> int | None:
    """Give the tag of a keyword."""
    return tag_for_keyword(keyword)


@lru_cache(maxsize=8192)
def vr_of(tag: int, creator: str = "") -> str:
    """Give the value representation that Implicit VR data sets mean (PS3.5 6.2, PS3.6)."""
    group, element = tag >> 16, tag & 0xFFFF
    if element == 0:
        return "UL"
    if group & 1:
        if 0x10 <= element <= 0xFF:
            return "LO"
        if not creator:
            return "UN"
        try:
            return _one(private_dictionary_VR(tag, creator))
        except KeyError:
            return "UN"
    try:
        return _one(dictionary_VR(tag))
    except KeyError:
        return "UN"


def _one(vr: str) -> str:
    return _AMBIGUOUS.get(vr, vr)
