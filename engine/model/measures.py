# SPDX-License-Identifier: Apache-2.0
"""Quantities as users type and read them: ages, sizes, numbers and days. Each list defines what
they are compared with."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from engine.model.errors import InvalidInput

_SPAN = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([smhdw])", re.ASCII | re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)([kmgt]?)b?", re.ASCII | re.IGNORECASE)
_TIMES = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}
_PERIOD = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_MOST = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Period:
    """A year, a month or a day: its first day, and the first that is no longer in it."""

    first: date
    after: date
    is_day: bool

    def begins(self) -> datetime:
        """Return the moment at which it begins, in the time zone of this machine."""
        return _midnight(self.first)

    def ends(self) -> datetime:
        """Return the moment at which it has ended, in the time zone of this machine."""
        return _midnight(self.after)


def read_span(text: str) -> timedelta:
    """Read a span of time such as `7d`.

    Raises:
        InvalidInput: it is none.
    """
    match = _SPAN.fullmatch(text)
    if match is not None:
        seconds = float(match[1]) * _SECONDS[match[2].lower()]
        # Longer than anything is old; more would leave the calendar.
        return timedelta(seconds=min(seconds, 1000 * 365 * 86_400.0))
    raise InvalidInput(f"{text!r} is no span of time", hint="write it as 30s, 15m, 12h, 7d or 2w")


def read_amount(text: str) -> int:
    """Read a number such as `250` or `1.5G`; K, M, G and T are thousands.

    Raises:
        InvalidInput: it is none.
    """
    match = _AMOUNT.fullmatch(text)
    if match is not None:
        return min(round(float(match[1]) * _TIMES[match[2].lower()]), _MOST)
    raise InvalidInput(f"{text!r} is no number", hint="write it as 250, 20K, 300M or 1.5G")


def read_period(text: str) -> Period:
    """Read a year, a month or a day such as `2026-09`.

    Raises:
        InvalidInput: it is none.
    """
    match = _PERIOD.fullmatch(text)
    try:
        if match is not None:
            return _period(*(int(part) if part else None for part in match.groups()))
    except (ValueError, OverflowError):
        pass
    raise InvalidInput(f"{text!r} is no date", hint="write it as 2026-09-11, 2026-09 or 2026")


def read_day(text: str) -> Period:
    """Read a day such as `2026-09-11`.

    Raises:
        InvalidInput: it is none.
    """
    period = read_period(text)
    if not period.is_day:
        raise InvalidInput(f"{text!r} is no day", hint="write it as 2026-09-11")
    return period


def read_moment(text: str, now: datetime, *, is_end: bool = False) -> datetime:
    """Read a moment: a span before `now` such as `7d`, a year, a month or a day (its beginning, or
    its end), or a day with a time such as `2026-09-11T14:00`, in the time zone of this machine.

    Raises:
        InvalidInput: it is none.
    """
    if _SPAN.fullmatch(text):
        return now - read_span(text)
    with suppress(InvalidInput):
        period = read_period(text)
        return period.ends() - timedelta(microseconds=1) if is_end else period.begins()
    with suppress(ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone()
    raise InvalidInput(
        f"{text!r} is no time", hint="write it as 7d, 2026-09-11 or 2026-09-11T14:00"
    )


def _period(year: int | None, month: int | None, day: int | None) -> Period:
    if year is None or not 1000 <= year < 9999:
        raise ValueError(year)
    first = date(year, 1 if month is None else month, 1 if day is None else day)
    if day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = date(year + month // 12, month % 12 + 1, 1)
    else:
        after = date(year + 1, 1, 1)
    return Period(first=first, after=after, is_day=day is not None)


def _midnight(day: date) -> datetime:
    # Without a time zone it is a time of this machine, as lists show it.
    return datetime(day.year, day.month, day.day).astimezone()


def say_size(number: int) -> str:
    """Say a number of bytes."""
    amount = float(number)
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1000:
            whole = unit == "B" or amount >= 100
            return f"{amount:.0f} {unit}" if whole else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def say_span(span: timedelta) -> str:
    """Say how long something lasts, in its greatest whole unit."""
    seconds = max(0, int(span.total_seconds()))
    for length, unit in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= length:
            return say_count(seconds // length, unit)
    return say_count(seconds, "second")


def say_count(number: int, one: str, many: str = "") -> str:
    """Say how many there are of something."""
    return f"{number} {one}" if number == 1 else f"{number} {many or f'{one}s'}"
