# SPDX-License-Identifier: Apache-2.0
"""What objects said of their patient, as it is looked for in other places: names in any order,
numbers without separators, dates in the ways people write them. Patient data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from engine.findings.words import folded, is_dense, is_telling, squeezed, tokens

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december"),
)
_SHORT_MONTH = 3
"""Letters."""
_INSIDE = 5
"""Letters from which a name is looked for inside of other words, too."""
_INSIDE_NUMBER = 6
_SHORTEST_NUMBER = 4
_SHORTEST_PLACE = 5
_SHORTEST_BYTES = 4
_OLDEST = 1850
_CODECS = ("utf-8", "latin-1", "utf-16-le", "shift_jis", "euc_kr", "gb18030", "cp1251", "koi8_r")
"""Encodings in which blocks of makers hold text; ISO 2022 is mostly one of these within them."""

_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class Needle:
    """One thing that is looked for."""

    source: str
    """The attribute that said it."""
    word: str
    """Squeezed."""
    inside: bool
    """It is looked for within other words, not only as one of them."""


@dataclass(slots=True)
class Identity:
    """What the objects of a session said."""

    names: dict[str, str] = field(default_factory=dict)
    """Texts of persons, each with the attribute that said it first; likewise the others."""
    numbers: dict[str, str] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def join(self, other: Identity) -> None:
        """Add what other objects said."""
        for mine, theirs in (
            (self.names, other.names),
            (self.numbers, other.numbers),
            (self.dates, other.dates),
            (self.places, other.places),
        ):
            for text, source in theirs.items():
                mine.setdefault(text, source)


class Needles:
    """All that is looked for in one session."""

    def __init__(self, identity: Identity, ours: Iterable[str] = ()) -> None:
        """Look for what objects said; what is `ours`, as labels are, is no finding."""
        known = {squeezed(folded(text)) for text in ours}
        found = {one for one in _all(identity) if one.word not in known}
        self._inside = tuple(sorted((one for one in found if one.inside), key=_order))
        self._words = {one.word: one for one in sorted(found, key=_order) if not one.inside}
        self._bytes = tuple(_encoded(identity, known))
        self.find = lru_cache(maxsize=50_000)(self._find)
        """`find(text)` returns the attribute that said what stands in a text; empty for none."""

    def _find(self, text: str) -> str:
        plain = folded(text)
        if self._words:
            for token in tokens(plain):
                if (one := self._words.get(token)) is not None:
                    return one.source
        whole = squeezed(plain)
        for one in self._inside:
            if one.word in whole:
                return one.source
        return ""

    def find_bytes(self, data: bytes) -> str:
        """Return the attribute that said what stands in a binary value; empty for none."""
        lower = data.lower()
        return next((source for word, source in self._bytes if word in lower), "")


def _all(identity: Identity) -> Iterator[Needle]:
    for text, source in identity.names.items():
        yield from _name(text, source)
    for text, source in identity.numbers.items():
        yield from _number(text, source)
    for text, source in identity.dates.items():
        yield from _date(text, source)
    for text, source in identity.places.items():
        word = squeezed(folded(text))
        if len(word) >= _SHORTEST_PLACE and is_telling(word):
            yield Needle(source, word, True)


def _name(text: str, source: str) -> Iterator[Needle]:
    for group in text.split("="):
        parts = [squeezed(folded(part)) for part in re.split(r"[\^\s,;/]+", group)]
        parts = [part for part in parts if part]
        for part in parts:
            if is_telling(part) and not part.isdigit():
                yield Needle(source, part, is_dense(part) or len(part) >= _INSIDE)
        # Together they are looked for even where each of them is short or common.
        for some in (parts[:2], parts[1::-1]):
            whole = "".join(some)
            if len(some) > 1 and (len(whole) >= _INSIDE + 1 or is_dense(whole)):
                yield Needle(source, whole, True)


def _number(text: str, source: str) -> Iterator[Needle]:
    word = squeezed(folded(text))
    bare = word.lstrip("0")
    if len(bare) >= _SHORTEST_NUMBER and any(char.isdigit() for char in bare):
        yield Needle(source, bare, len(bare) >= _INSIDE_NUMBER)


def _date(text: str, source: str) -> Iterator[Needle]:
    match = _DATE.match(text.replace("-", "").replace(".", ""))
    if match is None:
        return
    try:
        day = date(*(int(part) for part in match.groups()))
    except ValueError:
        return
    if day.year < _OLDEST:
        return
    y, m, d = f"{day.year}", f"{day.month:02}", f"{day.day:02}"
    for word in (y + m + d, d + m + y, m + d + y):
        yield Needle(source, word, True)
    name = _MONTHS[day.month - 1]
    for month in (name, name[:_SHORT_MONTH]):
        for number in {d, str(day.day)}:
            yield Needle(source, number + month + y, True)
            yield Needle(source, month + number + y, True)
    yield Needle(source, f"{y}年{day.month}月{day.day}日", True)
    yield Needle(source, f"{y}年{m}月{d}日", True)


def _encoded(identity: Identity, ours: set[str]) -> Iterator[tuple[bytes, str]]:
    """Yield what is looked for in binary values, as bytes in small letters."""
    seen: set[bytes] = set()
    texts = [
        (part, source)
        for text, source in identity.names.items()
        for group in text.split("=")
        for part in re.split(r"[\^\s,;/]+", group)
        if is_telling(folded(part)) and (is_dense(part) or len(part) >= _SHORTEST_BYTES)
    ]
    texts += [
        (text.strip(), source)
        for known in (identity.numbers, identity.dates, identity.places)
        for text, source in known.items()
        if len(text.strip()) > _SHORTEST_BYTES
    ]
    for text, source in texts:
        if squeezed(folded(text)) in ours:
            continue
        for codec in _CODECS:
            try:
                word = text.encode(codec).lower()
            except UnicodeEncodeError:
                continue
            if word not in seen and len(word) >= _SHORTEST_BYTES:
                seen.add(word)
                yield word, source


def _order(one: Needle) -> tuple[int, str, str]:
    # The longest says most.
    return (-len(one.word), one.word, one.source)
