# SPDX-License-Identifier: Apache-2.0
"""Message formats as in Java's MessageFormat, for texts only: `{0}` is the first argument, an
apostrophe quotes, two apostrophes are one. Formats for numbers, dates and choices are rejected,
because scripts have only texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import bounded

_TYPES = ("number", "date", "time", "choice")
_HIGHEST = 2**31 - 1


class MessageFault(ScriptError):
    """The pattern is no message format. `offset` counts characters of the pattern from 0."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(f"the format is wrong at its character {offset + 1}: {reason}")
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """A checked format: literal texts, and numbers that stand for arguments."""

    parts: tuple[str | int, ...]

    @property
    def highest(self) -> int:
        """Return the highest argument that it asks for, counted from 0; -1 when it asks for
        none."""
        return max((part for part in self.parts if isinstance(part, int)), default=-1)

    def fill(self, arguments: Sequence[str | None]) -> str:
        """Put in the arguments; null prints as `null`, one that is not there stays as written."""
        filled = [
            part if isinstance(part, str) else _argument(part, arguments) for part in self.parts
        ]
        bounded(sum(map(len, filled)))
        return "".join(filled)


def compile_message(pattern: str) -> Message:
    """Read a format, or raise `MessageFault`."""
    parts: list[str | int] = []
    literal: list[str] = []
    quoting = False
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "'" and pattern.startswith("''", at):
            literal.append(char)
            at += 1
        elif char == "'":
            quoting = not quoting
        elif char == "{" and not quoting:
            if literal:
                parts.append("".join(literal))
                literal.clear()
            end = _closing(pattern, at)
            parts.append(_index(pattern, at, end))
            at = end
        else:
            literal.append(char)
        at += 1
    if literal:
        parts.append("".join(literal))
    return Message(parts=tuple(parts))


def _argument(index: int, arguments: Sequence[str | None]) -> str:
    if index >= len(arguments):
        return f"{{{index}}}"
    argument = arguments[index]
    return "null" if argument is None else argument


def _closing(pattern: str, opening: int) -> int:
    """Find the brace that closes; braces may lie inside it, quoted ones do not count."""
    depth = 0
    quoting = False
    for at in range(opening, len(pattern)):
        char = pattern[at]
        if char == "'":
            quoting = not quoting
        elif char == "{" and not quoting:
            depth += 1
        elif char == "}" and not quoting:
            depth -= 1
            if depth == 0:
                return at
    raise MessageFault("a “{” is not closed", opening)


def _index(pattern: str, opening: int, closing: int) -> int:
    number, _, rest = pattern[opening + 1 : closing].partition(",")
    digits = number.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > len(str(_HIGHEST)):
        raise MessageFault("braces must hold the number of an argument, such as {0}", opening)
    if int(digits) > _HIGHEST:
        raise MessageFault("there cannot be so many arguments", opening)
    kind = rest.partition(",")[0].strip(" ")
    if kind.lower() in _TYPES:
        raise MessageFault(f"the format type “{kind.lower()}” is not supported", opening)
    if kind:
        raise MessageFault("this format type is not known", opening)
    return int(digits)
