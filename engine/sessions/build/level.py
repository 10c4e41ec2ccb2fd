# SPDX-License-Identifier: Apache-2.0
"""One level of a session (all its files, or those of one scan) and the values on which its files
agree. If a value differs, it is left out with a warning that names element and count (intake
contract 5.5), never the values, which may identify a patient."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from engine.sessions.build.attributes import INDEX
from engine.sessions.build.facts import ObjectFacts

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})", re.ASCII)
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.\d*)?", re.ASCII)
_AGE = re.compile(r"(\d{1,3})([DWMY])", re.ASCII)
_OLDEST = 150
"""Years beyond which a date of birth is a placeholder."""
_DAYS = {"D": 1, "W": 7, "M": 30.4375, "Y": 365.25}


class FileGroup:
    """The agreed values of some files."""

    def __init__(self, place: str, facts: Iterable[ObjectFacts], warnings: list[str]) -> None:
        self.place = place
        self._warnings = warnings
        self._warned: set[str] = set()
        # Whole series share one tuple of values: this is far shorter than the list of files.
        self._rows = dict.fromkeys(fact.values for fact in facts)

    def values(self, name: str) -> list[str]:
        """Return all different values of `name`, in the order in which they were met."""
        index = INDEX[name]
        return [text for text in dict.fromkeys(row[index] for row in self._rows) if text]

    def value(self, name: str) -> str:
        """Return the one value of `name`; empty, with a warning, when the files differ."""
        found = self.values(name)
        if len(found) < 2:
            return found[0] if found else ""
        self.warn(name, f"has {len(found)} different values and is left out")
        return ""

    def limited(self, name: str, limit: int = 255) -> str:
        """Return the one value of `name`, cut to what the data model holds."""
        text = self.value(name)
        if len(text) <= limit:
            return text
        self.warn(name, f"has {len(text)} characters and is cut to {limit}")
        return text[:limit].rstrip()

    def first(self, *names: str) -> str:
        """Return the value of the first of `names` that has one."""
        return next((text for text in map(self.limited, names) if text), "")

    def numbers(self, name: str) -> list[str]:
        """Return the agreed values of an element of several values."""
        text = self.value(name)
        return text.split("\\") if text else []

    def date(self, name: str) -> str:
        """Return an agreed date as `YYYY-MM-DD` (PS3.5 6.2, DA)."""
        text = self.value(name)
        written = iso_date(text)
        if text and not written:
            self.warn(name, "is not a date and is left out")
        return written

    def time(self, name: str) -> str:
        """Return an agreed time as `HH:MM:SS` (PS3.5 6.2, TM)."""
        text = self.value(name)
        written = iso_time(text)
        if text and not written:
            self.warn(name, "is not a time and is left out")
        return written

    def years(self, name: str) -> str:
        """Return an agreed age in years (PS3.5 6.2, AS)."""
        match = _AGE.fullmatch(self.value(name))
        if match is None:
            return ""
        years = int(match[1]) * _DAYS[match[2]] / _DAYS["Y"]
        return f"{years:.2f}".rstrip("0").rstrip(".")

    def years_between(self, earlier: str, later: str) -> str:
        """Return the whole years from one agreed date to another; empty where they are no age."""
        first, last = iso_date(self.value(earlier)), iso_date(self.value(later))
        if not first or not last:
            return ""
        born, then = date.fromisoformat(first), date.fromisoformat(last)
        years = then.year - born.year - ((then.month, then.day) < (born.month, born.day))
        return str(years) if 0 <= years <= _OLDEST else ""

    def warn(self, name: str, what: str) -> None:
        """Note once that something is wrong with the element `name`."""
        if name not in self._warned:
            self._warned.add(name)
            self._warnings.append(f"{self.place}: {name} {what}")


def iso_date(text: str) -> str:
    """Write a DICOM date as `YYYY-MM-DD`; empty when it is none."""
    match = _DATE.fullmatch(text)
    if match is None:
        return ""
    try:
        return date(int(match[1]), int(match[2]), int(match[3])).isoformat()
    except ValueError:
        return ""


def iso_time(text: str) -> str:
    """Write a DICOM time as `HH:MM:SS`; empty when it is none."""
    match = _TIME.fullmatch(text)
    if match is None:
        return ""
    hour, minute, second = match[1], match[2] or "00", match[3] or "00"
    if int(hour) > 23 or int(minute) > 59 or int(second) > 60:
        return ""
    # PS3.5 allows 60 for a leap second; xs:time does not.
    return f"{hour}:{minute}:{min(int(second), 59):02}"
