# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with DICOM dates and times, as scripts shift them: a missing part of a value counts as
the middle of its range, and the result is as precise as the input. Also how far the age of an old
patient is moved towards 89. Time zones and clocks are not involved."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import MINYEAR, datetime, timedelta

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import whole_number

OLDEST = 89
"""Whole years; who is older could be found by age alone."""

OLDEST_AGE = f"{OLDEST:03}Y"
OLDEST_DAYS = 32_506
"""89 years of 365.24 days."""

UNIT_SECONDS = {
    "years": 365 * 86_400,
    "days": 86_400,
    "hours": 3_600,
    "minutes": 60,
    "seconds": 1,
}

_MOMENT = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})([0-9]{2})?)?)?)?)?"
    r"((?:\.[0-9]{1,6})?(?:[+-][0-9]{4})?)"
)
_LAST_SECOND, _LEAP_SECOND = 59, 60
_LEAP_MINUTES = frozenset((14, 29, 44, 59))
"""A leap second ends a day of UTC, and zones are quarters of an hour away from that."""
_AGE = re.compile(r"([0-9]{1,4})([DWMYdwmy])")
_EXPECTED = "Failed to parse a date: expected YYYY[MM[DD[HH[MM[SS]]]]]"

_REAL_YEARS = range(1800, 2100)
PLACEHOLDER = "19000101"
"""What the confidentiality profile writes for a date, and others for one that nobody knows."""
_PLACEHOLDERS = frozenset((PLACEHOLDER, f"{PLACEHOLDER}000000"))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Moment:
    middle: datetime
    digits: int
    rest: str
    leap: bool = False
    """Whether it is a leap second, which counts as the one before (PS3.5 6.2: SS is 00 to 60)."""

    def write(self, moment: datetime) -> str:
        # strftime does not pad years before 1000 everywhere.
        written = f"{moment.year:04}{moment:%m%d%H%M%S}"
        if self.leap and moment.second == _LAST_SECOND:
            written = written[:-2] + str(_LEAP_SECOND)
        return written[: self.digits] + self.rest


def shift(text: str | None, increment: int, unit: str) -> str:
    """Move a date or a date and time by so many units; fraction and zone are copied."""
    seconds = increment * unit_seconds(unit)
    moment = _read(text or "")
    if moment is None:
        raise ScriptError(_EXPECTED, hint="Guard dates that may be missing with a condition.")
    try:
        return moment.write(moment.middle + timedelta(seconds=seconds))
    except OverflowError:
        raise ScriptError("the shifted date is not within the years 1 to 9999") from None


def is_moment(text: str | None) -> bool:
    """Tell whether a text is a date, or a date and time, that can be shifted."""
    return _read(text or "") is not None


def shifted_days(text: str, days: int) -> str | None:
    """Move each of the dates of a text by so many days; None where one of them is no date.

    What stands for a date that nobody knows is none either: the dummy of the confidentiality
    profile, and years that no image was taken in. Of a date that is known beforehand, the shift
    could be read off.
    """
    values = text.split("\\")
    moments = [_read(value) for value in values if value]
    if any(moment is None or moment.middle.year not in _REAL_YEARS for moment in moments):
        return None
    if not _PLACEHOLDERS.isdisjoint(values):
        return None
    try:
        return "\\".join(value and shift(value, days, "days") for value in values)
    except ScriptError:
        return None


def unit_seconds(unit: str) -> int:
    """Return the seconds of a unit, written in any case."""
    seconds = UNIT_SECONDS.get(unit.lower())
    if seconds is None:
        raise ScriptError(f"the unit of a shift must be one of {', '.join(UNIT_SECONDS)}")
    return seconds


def read_increment(text: str | None) -> int:
    """Read how far to shift: a whole number, negative or not."""
    return whole_number(text or "", "the increment of a shift")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """What to do so that nobody looks older than 89."""

    days: int = 0
    """How far every birth date moves forward, each from its own value; 0 leaves all."""

    age: str | None = None
    """The age that every age becomes; None leaves all."""


def scaling(birth_date: str | None, study_date: str | None, age: str | None) -> Scaling:
    """Work out the scaling from birth date, study date and age of the object itself.

    With a birth date but no study date nothing changes, not even the age. A birth date that cannot
    be read counts as missing.
    """
    born, studied = _read(birth_date or ""), _read(study_date or "")
    days = 0
    if born is not None:
        if studied is None:
            return Scaling()
        days = max(0, (studied.middle - born.middle).days - OLDEST_DAYS)
    return Scaling(days=days, age=OLDEST_AGE if age and _years(age) > OLDEST else None)


def _years(age: str) -> int:
    """Return the whole years of an age; those in days, weeks and months count as none."""
    found = _AGE.fullmatch(age)
    if found is None:
        raise ScriptError("Failed to parse an age: expected nnnD, nnnW, nnnM or nnnY")
    return int(found[1]) if found[2].upper() == "Y" else 0


def _read(text: str) -> _Moment | None:
    found = _MOMENT.fullmatch(text)
    if found is None:
        return None
    *parts, rest = found.groups()
    given = [int(part) for part in parts if part is not None]
    leap = given[5:] == [_LEAP_SECOND] and given[4] in _LEAP_MINUTES
    if leap:
        given[5] = _LAST_SECOND
    if given[0] < MINYEAR or (len(given) > 1 and not 1 <= given[1] <= 12):
        return None
    try:
        middle = datetime(*_filled(given))  # noqa: DTZ001 - no zone takes part
    except ValueError:
        return None
    return _Moment(middle=middle, digits=2 + 2 * len(given), rest=rest, leap=leap)


def _filled(given: list[int]) -> tuple[int, int, int, int, int, int]:
    match given:
        case [year]:
            return year, 7, 1, 0, 0, 0
        case [year, month]:
            days = monthrange(year, month)[1]
            return year, month, days // 2 + 1, 12 * (days % 2), 0, 0
        case [year, month, day]:
            return year, month, day, 12, 0, 0
        case [year, month, day, hour]:
            return year, month, day, hour, 30, 0
        case [year, month, day, hour, minute]:
            return year, month, day, hour, minute, 30
    year, month, day, hour, minute, second = given
    return year, month, day, hour, minute, second
