# SPDX-License-Identifier: Apache-2.0
"""What the Basic Profile (PS3.15, Table E.1-1) thinks of an attribute: how much a value of it may
tell, and what it does with it."""

from __future__ import annotations

import re
from functools import cache

from engine.anonymize.profile.table import Row, Treatment, rows, without_options
from engine.anonymize.profile.values import DUMMIES
from engine.model.findings import Level

_TAG = re.compile(r"\(([0-9A-F]{4}),([0-9A-F]{4})\)")

_DATES = frozenset(("DA", "DT", "TM"))
_PATIENT = 0x0010

PERSONS = frozenset(
    (
        *(0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00080090, 0x00080092, 0x00081048),
        *(0x00081050, 0x00081060, 0x00081070, 0x00321032, 0x00400006, 0x00402008, 0x00401010),
    )
)
"""The patient, and those who looked after him: what they are called is looked for everywhere."""
NUMBERS = frozenset((0x00080050, 0x00100020, 0x00101000, 0x00100021, 0x00380010, 0x00101090))
"""Ids of the patient and of his visits."""
PLACES = frozenset((0x00080080, 0x00080081, 0x00101040, 0x00102154, 0x00081010, 0x00081040))
"""Institution, department and station, address and telephone of the patient."""
BIRTH_DATE = 0x00100030
STUDY_DATES = frozenset((0x00080020, 0x00080021, 0x00080022, 0x00080023, 0x00080012))
"""Dates of what was done; they tell something only where a script has changed them."""
OWN = PERSONS | NUMBERS | PLACES | STUDY_DATES | {BIRTH_DATE}
"""Attributes that say all this themselves."""

_HIGH = frozenset((*PERSONS, *NUMBERS, BIRTH_DATE, 0x00101040, 0x00102154, 0x00101080, 0x00100032))
_MEDIUM = PLACES | {0x00104000, 0x00204000, 0x00324000, 0x00400280, 0x0018700A}

_LOW_OF_PATIENT = frozenset(
    (0x00100040, 0x00101010, 0x00101020, 0x00101030, 0x001021C0, 0x001021A0, 0x00102160)
)
"""Sex, age, size, weight, pregnancy, smoking, ethnic group: they say what, not who."""

_NEUTRAL = frozenset(DUMMIES.values()) | frozenset(
    ("", "ANON", "ANONYMOUS", "ANONYMIZED", "NONE", "UNKNOWN", "N/A", "N.A.", "NA", "XXXX", "-")
)


@cache
def _rows() -> dict[int, Row]:
    found = {}
    for row in rows():
        match = _TAG.fullmatch(row.tag)
        if match is not None:
            found[int(match[1] + match[2], 16)] = row
    return found


@cache
def is_wanted_gone(tag: int) -> bool:
    """Whether the profile removes or replaces a public attribute."""
    row = _rows().get(tag)
    return row is not None and without_options(row)[0] not in (Treatment.KEEP, Treatment.INSIDE)


@cache
def is_uid(tag: int) -> bool:
    """Whether it is a UID that the profile replaces."""
    row = _rows().get(tag)
    return row is not None and row.vr == "UI"


@cache
def is_time(tag: int) -> bool:
    """Whether it is a date or time that the profile removes or replaces, and not the birth date."""
    row = _rows().get(tag)
    return row is not None and row.vr in _DATES and tag not in _HIGH


@cache
def level_of(tag: int, vr: str) -> Level:
    """Return how much a value of an attribute of the profile may tell."""
    if tag in _LOW_OF_PATIENT:
        return Level.LOW
    if tag in _HIGH or vr == "PN":
        return Level.HIGH
    if tag in _MEDIUM or tag >> 16 == _PATIENT or tag & 0xFFFF == 0x4000:
        return Level.MEDIUM
    return Level.LOW


def is_neutral(value: str) -> bool:
    """Whether a value says nothing: what our own scripts write in place of another."""
    return value.strip().upper() in _NEUTRAL


@cache
def removes(tag: int) -> bool:
    """Whether the profile removes it; else it is emptied."""
    row = _rows().get(tag)
    return row is not None and without_options(row)[0] is Treatment.REMOVE
