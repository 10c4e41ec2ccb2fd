# SPDX-License-Identifier: Apache-2.0
"""Which elements of a header identify the patient, so that screens can mask them. Nothing is
changed here, and what scripts remove is decided elsewhere."""

from __future__ import annotations

import re
from functools import cache

from engine.anonymize.profile.table import Option, Row, rows

_PATIENT = 0x0010
"""The group of the patient (PS3.6): whatever stands in it."""

_COMMENTS = 0x4000
"""The element of free comments in every group that has them."""

_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")
_CLEANED = frozenset({Option.CLEAN_STRUCTURED, Option.CLEAN_GRAPHICS})
"""Options that keep nothing as it is."""


def identifies(tag: int, vr: str = "") -> bool:
    """Whether an element says who the patient is: names of persons, the patient's group, comments,
    private elements, and what the table of the Basic Profile removes (PS3.15 E.1-1) and no option
    keeps, such as identifiers, addresses and telephone numbers.

    Dates of the study, descriptions, devices, institutions and UIDs do not: they say what was done
    where, which is what a person needs who finds out where an object belongs.
    """
    group, element = tag >> 16, tag & 0xFFFF
    if group & 1:
        return not 0x10 <= element <= 0xFF
    return vr == "PN" or group == _PATIENT or element == _COMMENTS or tag in _listed()


@cache
def _listed() -> frozenset[int]:
    # Tags with digits that stand for several are those of curves and overlays: no texts.
    plain = (_TAG.fullmatch(row.tag) for row in rows() if _says_who(row))
    return frozenset(int(tag[1] + tag[2], 16) for tag in plain if tag is not None)


def _says_who(row: Row) -> bool:
    return row.vr != "UI" and row.codes.keys() <= _CLEANED
