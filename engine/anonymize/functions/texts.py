# SPDX-License-Identifier: Apache-2.0
"""Operations on texts: join, cut, replace, change case, encode. They work as in Java, but without a
locale, and they count characters. Formats are in `engine.anonymize.language.messages`, regular
expressions in `engine.anonymize.java_regex.expressions`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote_plus

from engine.anonymize.faults import ScriptError

LONGEST = 16 * 1024 * 1024
"""Characters that a text made by a script may have. A text that is joined with itself forty times
would fill any memory."""

_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def bounded(length: int) -> None:
    """Refuse to make a text of that length."""
    if length > LONGEST:
        raise ScriptError(f"the text would be longer than {LONGEST:,} characters")


def whole_number(text: str, what: str) -> int:
    """Read a whole number as scripts write it; `what` names it in the error."""
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ScriptError(f"{what} must be a whole number")
    return int(text)


def concatenate(parts: Sequence[str | None]) -> str:
    """Join the parts; one that is null is an error."""
    if not parts:
        raise ScriptError("concatenate needs at least one part")
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        missing = next(number for number, part in enumerate(parts, 1) if part is None)
        raise ScriptError(f"part {missing} of concatenate has no value")
    bounded(sum(map(len, found)))
    return "".join(found)


def lowercase(text: str | None) -> str:
    """Return the text in lower case, the same in every locale."""
    return _given(text, "lowercase").lower()


def uppercase(text: str | None) -> str:
    """Return the text in upper case, the same in every locale."""
    return _given(text, "uppercase").upper()


def substring(text: str | None, begin: str, end: str) -> str:
    """Return the characters from `begin`, which counts from 0, to before `end`."""
    given = _given(text, "substring")
    first = whole_number(begin, "the begin of substring")
    last = whole_number(end, "the end of substring")
    if not 0 <= first <= last <= len(given):
        raise ScriptError(f"the text has no part from {first} to {last}")
    return given[first:last]


def replace(text: str | None, find: str | None, substitute: str | None) -> str:
    """Replace every occurrence of a literal text."""
    given = _given(text, "replace")
    sought = _given(find, "replace")
    other = _given(substitute, "replace")
    bounded(len(given) + given.count(sought) * max(0, len(other) - len(sought)))
    return given.replace(sought, other)


def normalize_string(text: str | None, substitute: str = "_") -> str | None:
    """Replace every character outside ASCII; null stays null.

    The substitute is meant literally, also where Java reads `$` and the backslash as signs of a
    replacement text. Nothing is decomposed: é becomes the substitute, not e.
    """
    if text is None:
        return None
    strange = len(_NOT_ASCII.findall(text))
    bounded(len(text) + strange * max(0, len(substitute) - 1))
    return _NOT_ASCII.sub(lambda _: substitute, text)


def url_encode(text: str | None) -> str:
    """Encode a text as a form does: a blank becomes `+`, UTF-8 bytes become `%XX`."""
    given = _given(text, "urlEncode")
    bounded(3 * len(given))
    # A form leaves the asterisk and encodes the tilde; Python does the reverse of both.
    return quote_plus(given, safe="*", errors="replace").replace("~", "%7E")


def truth(text: str | None) -> bool:
    """Tell whether a text means true: `true` in any case, and nothing else."""
    return text is not None and text.lower() == "true"


def truth_text(value: bool) -> str:
    """Write a boolean as scripts read it."""
    return "true" if value else "false"


def _given(text: str | None, function: str) -> str:
    if text is None:
        raise ScriptError(f"{function} was given no value")
    return text
