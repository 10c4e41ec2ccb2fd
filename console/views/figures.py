# SPDX-License-Identifier: Apache-2.0
"""Numbers, sizes, ages and times as screens write them: short, and always in the same way."""

from __future__ import annotations

from datetime import datetime


def grouped(number: int) -> str:
    """Write a number with a thin gap between thousands."""
    return f"{number:,}".replace(",", " ")


def size(number: int) -> str:
    """Write a number of bytes in at most six characters."""
    amount = float(number)
    for unit in ("B", "K", "M", "G"):
        if amount < 1000:
            return f"{amount:.0f} {unit}"
        amount /= 1000
    return f"{amount:.0f} T"


def age(now: datetime, then: datetime) -> str:
    """Say how long ago something was, in at most four characters."""
    return span(int((now - then).total_seconds()))


def span(seconds: int) -> str:
    """Say how long something lasts, in at most four characters."""
    seconds = max(0, seconds)
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def took(milliseconds: float) -> str:
    """Say how long an answer took, in at most six characters."""
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def rate(number: float) -> str:
    """Write a rate: with a decimal place below ten, empty for none."""
    if number < 0.05:
        return ""
    return f"{number:.1f}" if number < 10 else f"{number:.0f}"


def clock(at: datetime) -> str:
    """Write the time of day, where the console runs."""
    return at.astimezone().strftime("%H:%M:%S")


def moment(at: datetime | None) -> str:
    """Write a moment to the second, where the console runs; empty for none."""
    return "" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def time_zone(now: datetime) -> str:
    """Say in which zone times are shown: its name where it has one, and how far it is from UTC."""
    local = now.astimezone()
    offset = local.strftime("%z")
    name = local.tzname() or ""
    from_utc = f"UTC{offset[:3]}:{offset[3:5]}" if offset.strip("+-0") else "UTC"
    return from_utc if name.lstrip("+-").isdigit() or name in ("", "UTC") else f"{name}, {from_utc}"


def plural(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun."""
    return f"{grouped(number)} {one if number == 1 else many or one + 's'}"
