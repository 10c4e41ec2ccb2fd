# SPDX-License-Identifier: Apache-2.0
"""Words of DICOM: tags, keywords and value representations (PS3.6). They are pydicom's, which is
slow to import: it is imported when the first word is asked for. Reading Explicit VR needs none."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import import_module
from typing import Any

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
    return str(_dictionary().keyword_for_tag(tag))


@lru_cache(maxsize=8192)
def tag_of(keyword: str) -> int | None:
    """Return the tag of a keyword; None when the standard does not know it."""
    if not _KEYWORD.fullmatch(keyword):
        return None
    tag = _dictionary().tag_for_keyword(keyword)
    return None if tag is None else int(tag)


@lru_cache(maxsize=8192)
def vr_of(tag: int, creator: str = "") -> str:
    """Return the value representation that Implicit VR data sets mean (PS3.5 6.2, PS3.6).

    Where the standard leaves a choice it is US of US and SS, and OW of OB and OW.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if element == 0:
        return "UL"
    try:
        if not group & 1:
            vr = str(_dictionary().dictionary_VR(tag))
        elif 0x10 <= element <= 0xFF:
            vr = "LO"
        elif creator:
            vr = str(_dictionary().private_dictionary_VR(tag, creator))
        else:
            vr = "UN"
    except KeyError:
        vr = "UN"
    return _AMBIGUOUS.get(vr, vr)


@lru_cache(maxsize=8192)
def private_name(tag: int, creator: str) -> str:
    """Return what a private element is called; empty when no dictionary knows it."""
    try:
        name = str(_dictionary().private_dictionary_description(tag, creator))
    except KeyError:
        return ""
    return "" if name == "Unknown" else name


@lru_cache(maxsize=1)
def _dictionary() -> Any:
    return import_module("pydicom.datadict")
