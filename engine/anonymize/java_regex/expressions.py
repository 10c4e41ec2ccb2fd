# SPDX-License-Identifier: Apache-2.0
"""Regular expressions of scripts: Java syntax, a time limit, and errors of scripts. The syntax is
translated in `engine.anonymize.java_regex.patterns`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar, cast

import regex  # type: ignore[import-untyped]

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.texts import bounded
from engine.anonymize.java_regex.patterns import PatternFault, Translation

SECONDS = 0.25
"""Time limit of one match. A sound expression takes some millionths of this."""

LONGEST_PATTERN = 10_000
"""Characters; the longest that people write are some hundred."""

_SHOWN = 60
_Found = TypeVar("_Found")


class BrokenExpression(ScriptError):
    """The text is no regular expression of Java. `offset` counts characters of it from 0."""

    def __init__(self, message: str, *, reason: str, offset: int) -> None:
        super().__init__(message)
        self.reason = reason
        self.offset = offset


class Match(Protocol):
    """What a run found."""

    def group(self, index: int, /) -> str | None:
        """Return what a group captured, in its last round; None when it took no part."""

    def span(self) -> tuple[int, int]:
        """Return where the match begins and ends."""


class _Runs(Protocol):
    def fullmatch(self, text: str, /, *, timeout: float) -> Match | None: ...
    def search(self, text: str, /, *, timeout: float) -> Match | None: ...
    def sub(self, replace: Callable[[Match], str], text: str, /, *, timeout: float) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Pattern:
    """A compiled pattern. Every run raises `TimeoutError` when its seconds are over."""

    groups: int
    """How many groups it has; group 0 is the whole match and not counted."""

    names: dict[str, int]
    runs: _Runs

    def fullmatch(self, text: str, *, timeout: float) -> Match | None:
        """Match the whole text."""
        return self.runs.fullmatch(text, timeout=timeout)

    def search(self, text: str, *, timeout: float) -> Match | None:
        """Find the first place that matches."""
        return self.runs.search(text, timeout=timeout)

    def sub(self, replace: Callable[[Match], str], text: str, *, timeout: float) -> str:
        """Replace every hit."""
        return self.runs.sub(replace, text, timeout=timeout)


@dataclass(frozen=True, kw_only=True, slots=True)
class Expression:
    """A compiled expression. Every run has a time limit; one that exceeds it is a `ScriptError`."""

    title: str
    """How messages name it."""

    compiled: Pattern

    @property
    def groups(self) -> int:
        """How many groups it has; group 0 is the whole match and not counted."""
        return self.compiled.groups

    @property
    def names(self) -> dict[str, int]:
        """The numbers of the groups that have names."""
        return self.compiled.names

    def fullmatch(self, text: str, *, timeout: float = SECONDS) -> Match | None:
        """Match the whole text."""
        return self._run(lambda: self.compiled.fullmatch(text, timeout=timeout))

    def search(self, text: str, *, timeout: float = SECONDS) -> Match | None:
        """Find the first place that matches."""
        return self._run(lambda: self.compiled.search(text, timeout=timeout))

    def first_group(self, text: str, index: int, *, timeout: float = SECONDS) -> str | None:
        """Return a group of the first hit; None where nothing is hit or the group took no part."""
        if not 0 <= index <= self.groups:
            raise ScriptError(f"{self.title} has no group {index}: it has {self.groups}")
        found = self.search(text, timeout=timeout)
        return found.group(index) if found else None

    def replace(self, text: str, replacement: str, *, timeout: float = SECONDS) -> str:
        """Replace every hit by a replacement text of Java, with `$1`, `${name}` and `\\$`."""
        parts = self._parts(replacement)
        length = 0

        def expand(match: Match) -> str:
            nonlocal length
            filled = "".join(
                part if isinstance(part, str) else match.group(part) or "" for part in parts
            )
            length += len(filled)
            bounded(length)
            return filled

        return self._run(lambda: self.compiled.sub(expand, text, timeout=timeout))

    def _parts(self, replacement: str) -> list[str | int]:
        parts: list[str | int] = []
        at = 0
        while at < len(replacement):
            char = replacement[at]
            if char == "\\":
                if at + 1 == len(replacement):
                    raise ScriptError("a “\\” at the end of a replacement escapes nothing")
                parts.append(replacement[at + 1])
                at += 2
            elif char == "$":
                number, length = self._reference(replacement, at)
                parts.append(number)
                at += length
            else:
                parts.append(char)
                at += 1
        return parts

    def _reference(self, replacement: str, at: int) -> tuple[int, int]:
        """Read the number of the group that a `$` names, and the length as written."""
        if replacement.startswith("{", at + 1):
            name, brace, _ = replacement[at + 2 :].partition("}")
            if not brace or name not in self.names:
                raise ScriptError(f"a replacement names a group that {self.title} has not")
            return self.names[name], len(name) + 3
        digits = replacement[at + 1 : at + 2]
        if not (digits.isascii() and digits.isdigit()):
            raise ScriptError("a “$” in a replacement must name a group, such as $1; write \\$")
        if int(digits) > self.groups:
            raise ScriptError(f"{self.title} has no group {digits}: it has {self.groups}")
        # Java takes as many digits as still name a group.
        while (more := replacement[at + 1 + len(digits) : at + 2 + len(digits)]) and (
            more.isascii() and more.isdigit() and int(digits + more) <= self.groups
        ):
            digits += more
        return int(digits), len(digits) + 1

    def _run(self, match: Callable[[], _Found]) -> _Found:
        try:
            return match()
        except TimeoutError:
            raise ScriptError(
                f"{self.title} took too long on a value",
                hint="Repetitions inside repetitions, such as (a+)+, may take for ever.",
            ) from None


def compile_java(pattern: str, *, quotable: bool = True) -> Expression:
    """Compile a regular expression of Java, or raise `BrokenExpression`.

    A pattern that was put together from values of an object is not quotable: no message then
    holds any of it.
    """
    shown = pattern if len(pattern) <= _SHOWN else pattern[:_SHOWN] + "…"
    title = f"the regular expression “{shown}”" if quotable else "a regular expression"
    try:
        compiled = compile_pattern(pattern)
    except PatternFault as fault:
        reason = fault.reason if quotable else "it cannot be read"
        message = f"{title} is broken at its character {fault.offset + 1}: {reason}"
        raise BrokenExpression(message, reason=reason, offset=fault.offset) from None
    return Expression(title=title, compiled=compiled)


# Patterns made of values differ from object to object; the others are few.
@lru_cache(maxsize=256)
def compile_pattern(pattern: str) -> Pattern:
    """Compile a regular expression of Java for a caller with messages of its own.

    Raises:
        PatternFault: if it is none, with the place.
    """
    if len(pattern) > LONGEST_PATTERN:
        raise PatternFault(f"it may have at most {LONGEST_PATTERN:,} characters", LONGEST_PATTERN)
    translation = Translation(pattern)
    translated = translation.run()
    try:
        runs = cast(_Runs, regex.compile(translated, regex.VERSION1))
    except regex.error as error:
        raise PatternFault(error.msg, translation.source_of(error.pos or 0)) from None
    return Pattern(groups=translation.groups, names=translation.names, runs=runs)
