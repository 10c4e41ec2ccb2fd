# SPDX-License-Identifier: Apache-2.0
"""The significant part of a text: without padding, and without delimiters at the end of a person's
name (PS3.5 6.2). All code that compares, routes or hashes texts uses this one rule; bytes are
decoded in `engine.dicom.charset`."""

from __future__ import annotations

INSIGNIFICANT = b" \0^="
"""Bytes that do not count at one or the other end of some text."""
UNSPLIT = frozenset(("LT", "ST", "UT", "UR"))
"""Text in which a backslash separates nothing."""
_PADDED = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "SH", "TM", "UI", "UN"))
"""Text in which blanks count on neither side; that of UN is mostly some of it."""

_SEVERAL = _PADDED | {"PN", "UC"}
"""Text of several values, each with its own padding."""


def significant(vr: str, value: str) -> str:
    """Return what counts of one value. Leading blanks of LT, ST, UT and UC do; those of other text
    do not."""
    if vr in _PADDED:
        return value.strip(" \0")
    if vr == "PN":
        return value.rstrip(" \0^=").lstrip(" \0")
    return value.rstrip(" \0")


def significant_text(vr: str, text: str) -> str:
    """Return what counts of each of the values that a text holds, joined again."""
    if "\\" not in text or vr not in _SEVERAL:
        return significant(vr, text)
    return "\\".join([significant(vr, value) for value in text.split("\\")])
