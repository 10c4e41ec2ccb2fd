# SPDX-License-Identifier: Apache-2.0
"""What the objects of a session called their patient and their study when they came, so that a
person who has it on paper can find the session. Names are compared as names and numbers as numbers:
without order, case, accents, width, separators and zeros in front. Patient data: it is marked under
a key before it is kept anywhere."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.dicom.guard import Guard, Unreadable
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_header
from engine.intake.originals import Original, Originals
from engine.sessions.contents import object_paths

MOST_FILES = 200
"""Files whose headers are read, evenly spread: what the site script has changed is known of all."""

SHORTEST = 2
"""Characters that a name or a number has: less would find half of the list."""

_CHARSET = 0x00080005
_NAMES = (0x00100010, 0x00101001, 0x00101005)
"""Patient's name, other names, birth name."""
_NUMBERS = (0x00080050, 0x00100020, 0x00101000, 0x00380010)
"""Accession number, patient's id, other ids, admission id."""
_WANTED = frozenset({_CHARSET, *_NAMES, *_NUMBERS})
_GIVEN = 2
"""Components of a name that people write: family and given name. The others are titles."""

_APART = re.compile(r"[\s^,;.·・＝=]+")


@dataclass(frozen=True, slots=True)
class Known:
    """One name or number, without what is insignificant."""

    kind: str
    """`name` or `number`."""
    value: str


def of_name(text: str) -> set[Known]:
    """Return what a name of a header is known as, each way of writing it by itself."""
    found = set()
    for group in text.split("="):
        components = group.split("^")
        for some in (components, components[:_GIVEN]):
            found |= _name(" ".join(some))
    return found


def of_number(text: str) -> set[Known]:
    """Return what an id of a header is known as."""
    number = "".join(char for char in _folded(text) if char.isalnum())
    number = number.lstrip("0") or number
    return {Known("number", number)} if number else set()


def of_paper(text: str) -> set[Known]:
    """Return what something that a person typed may be, a name or a number; empty where it is too
    short to be one."""
    found = _name(text) | of_number(text)
    return {one for one in found if len(one.value.replace(" ", "")) >= SHORTEST}


def known_as(folder: Path, prearchive: Path, session: str) -> frozenset[Known]:
    """Return what the objects of a session said when they came, as far as that is kept. Reads files
    and runs in other processes."""
    found: set[Known] = set()
    charsets: set[bytes] = set()
    for header in _headers(folder):
        found |= _of_header(header)
        charsets.add(_raw(header, _CHARSET))
    for element, sets in _changed(Originals(prearchive).of(session)):
        for charset in sets or charsets or {b""}:
            found |= _of_element(element, charset)
    return frozenset(found)


def _headers(folder: Path) -> Iterator[Header]:
    paths = sorted(object_paths(folder))
    step = max(1, -(-len(paths) // MOST_FILES))
    for path in paths[::step]:
        try:
            yield read_header(folder / path, guard=_guard())[1]
        except (HeaderError, OSError, Unreadable):
            continue


def _changed(originals: Iterable[Original]) -> Iterator[tuple[bytes, frozenset[bytes]]]:
    """Yield the elements that a script has changed, each once, with the character sets that they
    were written in where the script has changed these as well."""
    seen: dict[bytes, set[bytes]] = {}
    for original in originals:
        own = {one.path[0]: one.element for one in original.undo if len(one.path) == 1}
        charset = own.get(_CHARSET)
        for tag in _WANTED - {_CHARSET}:
            element = own.get(tag)
            if element:
                sets = seen.setdefault(element, set())
                if charset:
                    sets.add(charset)
    for element, found in seen.items():
        yield element, frozenset(found)


def _of_element(element: bytes, charset: bytes) -> set[Known]:
    """Read one element as it was, below the character set in force."""
    try:
        head = Header.index(charset + element, explicit=_is_explicit(element))
    except HeaderError:
        return set()
    return _of_header(head)


def _of_header(header: Header) -> set[Known]:
    found: set[Known] = set()
    for tag in _NAMES:
        for text in header.texts(tag):
            found |= of_name(text)
    for tag in _NUMBERS:
        for text in header.texts(tag):
            found |= of_number(text)
    return found


def _raw(header: Header, tag: int) -> bytes:
    """Return an element with its tag and length; empty where there is none."""
    if tag not in header:
        return b""
    element = header[tag]
    return bytes(header.data[element.start : element.end])


def _is_explicit(element: bytes) -> bool:
    """Say whether an element names its value representation: these are two capital letters, which
    no length of a name or a number is."""
    return element[4:6].isalpha() and element[4:6].isupper()


def _name(text: str) -> set[Known]:
    tokens = [token for token in _APART.split(_folded(text)) if token]
    if not tokens:
        return set()
    # Names without blanks are as usual as with them where they are not written in letters.
    return {Known("name", " ".join(sorted(tokens))), Known("name", "".join(tokens))}


def _folded(text: str) -> str:
    """Return a text without case, width and accents."""
    apart = unicodedata.normalize("NFKD", text.strip().casefold())
    plain = "".join(char for char in apart if not _is_accent(char))
    return unicodedata.normalize("NFKC", plain)


def _is_accent(char: str) -> bool:
    # Marks of Japanese and Korean make another letter, and are no accents.
    return unicodedata.combining(char) != 0 and char < "\u2000"


@cache
def _guard() -> Guard:
    return Guard()
