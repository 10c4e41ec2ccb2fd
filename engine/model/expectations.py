# SPDX-License-Identifier: Apache-2.0
"""Rules for values that people give, in the settings file and elsewhere: each can test a value, and
say in words what passes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True, slots=True)
class Expect:
    """A rule for a value: the test, and in words what passes it."""

    words: str
    holds: Callable[[Any], bool]


def between(low: float, high: float, unit: str = "") -> Expect:
    """Expect a number within limits, both included."""
    words = f"a number from {low} to {high} {unit}".rstrip()
    return Expect(words=words, holds=lambda value: bool(low <= value <= high))


def matching(pattern: str, words: str) -> Expect:
    """Expect a text that matches a pattern as a whole."""
    compiled = re.compile(pattern)
    return Expect(words=words, holds=lambda value: compiled.fullmatch(value) is not None)


_VARIABLE = re.compile(r"\$\{([A-Za-z][A-Za-z0-9]*)\}")


def _is_file_name_template(text: str) -> bool:
    """Say whether names made by a template are plain file names and differ for each object."""
    literal = _VARIABLE.sub("", text)
    variables = _VARIABLE.findall(text)
    plain = re.fullmatch(r"[A-Za-z0-9_.-]*", literal) is not None and not text.startswith(".")
    return plain and any("SOPInstanceUID" in variable for variable in variables)


AE_TITLE = matching(
    r"(?! *$)[ -\[\]-~]{1,16}", "an AE title: 1 to 16 printable ASCII characters, no backslash"
)
ACCOUNT = matching(
    r"([A-Za-z0-9][A-Za-z0-9._@-]{0,63})?",
    "nothing, or at most 64 letters, digits, '.', '_', '@' and '-'",
)
UID = re.compile(r"(?=.{5,64}\Z)[0-2](\.(0|[1-9][0-9]*))+")
"""What a UID looks like (PS3.5 9.1)."""
STORAGE_CLASSES = Expect(
    words="UIDs such as [1.3.12.2.1107.5.9.1]",
    holds=lambda uids: all(UID.fullmatch(uid) for uid in uids),
)
HOST = matching(r"[!-~]+", "a host name or an address")
PORT = between(0, 65535)
URL = matching(
    r"sqlite(\+aiosqlite)?:///[^?#]+|postgresql(\+psycopg)?://.+",
    "sqlite:///FILE or postgresql://USER@HOST/DATABASE",
)
FILE_NAMES = Expect(
    words="a template of ${Keyword} parts, letters, digits, '.', '_' and '-' that holds "
    "SOPInstanceUID, so that no two objects get one name",
    holds=_is_file_name_template,
)


def rule_of(section: type, key: str) -> Expect | None:
    """Return the rule that a value of a settings class must pass beside its type."""
    hint = get_type_hints(section, include_extras=True)[key]
    if get_origin(hint) is not Annotated:
        return None
    return next((extra for extra in get_args(hint) if isinstance(extra, Expect)), None)
