# SPDX-License-Identifier: Apache-2.0
"""Names of files, scan folders and anything else on disk whose name comes from outside. Nothing
here uses the file system."""

from __future__ import annotations

import re
from collections.abc import Callable
from hashlib import sha256
from operator import mul
from struct import unpack
from typing import Protocol

from engine.dicom.dictionary import tag_of

_OUTSIDE = re.compile(r"[^A-Za-z0-9_.-]")
_RESERVED = re.compile(r"(CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(\..*)?", re.IGNORECASE | re.DOTALL)
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,8}$")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_SERIES_NUMBER, _SERIES_UID = 0x00200011, 0x0020000E
_LONGEST_NAME = 200
_SHORTEST_LIMIT = 20


class Texts(Protocol):
    """What names are made of: a header, or what one will say once it is stored."""

    def text(self, tag: int, /) -> str | None:
        """Return the first value as text; None where the element is absent."""
        ...


def safe_name(text: str, *, fallback: str = "NA", limit: int = 128) -> str:
    """Make one name on disk of any text: `[A-Za-z0-9_.-]+`, at most `limit` characters, and nothing
    that a file system or a command line reads as something else. The same text gives the same
    name; two long ones give two.

    Raises:
        ValueError: if the limit leaves no room for a name.
    """
    if limit < _SHORTEST_LIMIT:
        raise ValueError(f"a name needs a limit of at least {_SHORTEST_LIMIT} characters")
    name = _OUTSIDE.sub("_", text.strip())
    if not name:
        return fallback
    if name[0] in "-.":
        name = "_" + name[1:]
    if name[-1] == ".":
        name = name[:-1] + "_"
    if _RESERVED.fullmatch(name):
        name = "_" + name
    if len(name) > limit:
        tail = "-" + sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        name = name[: limit - len(tail)] + tail
    return name


def scan_folder(header: Texts) -> str:
    """Name the folder of a scan while it is received."""
    number = header.text(_SERIES_NUMBER) or ""
    if number.startswith("+"):
        number = "_" + number[1:]
    if number and not _OUTSIDE.search(number):
        return safe_name(number)
    return safe_name(header.text(_SERIES_UID) or "")


def ordered_hash(values: list[str]) -> str:
    """Hash texts in their order to 32 bits, in base 36."""
    total = 1
    for value in values:
        total = (31 * total + _string_hash(value)) & 0xFFFFFFFF
    digits = ""
    while total:
        total, digit = divmod(total, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


class FileNameTemplate:
    """A template of file names, with `${Keyword}` and `${HashKeywordWithKeyword}`."""

    DEFAULT = (
        "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}-${HashSOPClassUIDWithSOPInstanceUID}"
    )

    def __init__(self, text: str = DEFAULT) -> None:
        """Take a template; `check` says whether it is of any use."""
        self.text = text
        found = _EXTENSION.search(text)
        self._extension = found.group() if found else ".dcm"
        self._problems: list[str] = []
        self._unique = False
        self._parts: list[Callable[[Texts], str]] = []
        body = text[: found.start()] if found else text
        position = 0
        for match in _VARIABLE.finditer(body):
            self._literal(body[position : match.start()])
            self._variable(match[1])
            position = match.end()
        self._literal(body[position:])

    def check(self) -> list[str]:
        """Say in sentences what is wrong with the template; nothing when it is good."""
        problems = list(dict.fromkeys(self._problems))
        if not self._unique:
            problems.append(
                "Files would overwrite each other: the template needs ${SOPInstanceUID} "
                "or a hash with SOPInstanceUID."
            )
        return problems

    def name(self, header: Texts) -> str:
        """Name the file of one object."""
        stem = "".join(part(header) for part in self._parts)
        return safe_name(stem, limit=_LONGEST_NAME - len(self._extension)) + self._extension

    def _literal(self, text: str) -> None:
        if not text:
            return
        if _OUTSIDE.search(text):
            self._problems.append("Only letters, digits, '_', '.' and '-' may stand in file names.")
        self._parts.append(lambda _: text)

    def _variable(self, name: str) -> None:
        tag = tag_of(name)
        if tag is not None:
            self._unique |= name == "SOPInstanceUID"
            self._parts.append(lambda header: _value(header, name, tag))
            return
        keywords = _hashed(name)
        if not keywords:
            self._problems.append(f"{name[:40]!r} is not the keyword of a DICOM attribute.")
            self._parts.append(lambda _: f"no-value-for-{name}")
            return
        self._unique |= any(keyword == "SOPInstanceUID" for keyword, _ in keywords)
        self._parts.append(
            lambda header: ordered_hash(
                [_value(header, keyword, tag) for keyword, tag in keywords],
            )
        )


def _value(header: Texts, keyword: str, tag: int) -> str:
    return header.text(tag) or f"no-value-for-{keyword}"


def _hashed(name: str) -> list[tuple[str, int]]:
    """Take `HashAWithB` apart; a keyword may itself hold the word With."""
    if not name.startswith("Hash"):
        return []
    pieces = name[4:].split("With")
    keywords: list[tuple[str, int]] = []
    pending = ""
    for piece in pieces:
        pending = f"{pending}With{piece}" if pending else piece
        tag = tag_of(pending) if pending else None
        if tag is not None:
            keywords.append((pending, tag))
            pending = ""
    return keywords if not pending and len(keywords) > 1 else []


def _string_hash(text: str) -> int:
    data = text.encode("utf-16-le", "surrogatepass")
    units = unpack(f"<{len(data) // 2}H", data)
    # The sum of unit * 31^(how many follow it): one multiplication of two vectors, which is several
    # times as fast as a loop, and asked for twice of each object.
    powers = _POWERS if len(units) <= len(_POWERS) else _powers(len(units))
    total: int = sum(map(mul, reversed(units), powers))
    return total & 0xFFFFFFFF


def _powers(count: int) -> list[int]:
    return [pow(31, exponent, 1 << 32) for exponent in range(count)]


_POWERS = _powers(128)
