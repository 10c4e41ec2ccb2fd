# SPDX-License-Identifier: Apache-2.0
"""Filters as users type them: `age<7d !status:ready doe` is two conditions and a word. There is one
grammar for all lists; each list defines its fields."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from engine.model.errors import InvalidInput, Problem

LONGEST = 1_000
"""Characters of a filter, or of one value of a query."""
MOST_CONDITIONS = 100
MOST_WORDS = 100


class Comparison(StrEnum):
    """How a value is compared; `IS` of a text allows `*` for anything, without regard to case."""

    IS = ":"
    BELOW = "<"
    ABOVE = ">"


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """One condition on one field. Several of one list all hold."""

    field: str
    comparison: Comparison = Comparison.IS
    value: str
    negated: bool = False

    def __str__(self) -> str:
        value = f'"{self.value}"' if re.search(r"\s", self.value) else self.value
        return f"{'!' if self.negated else ''}{self.field}{self.comparison.value}{value}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What was typed: conditions, and words that are looked for anywhere."""

    conditions: tuple[Condition, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The words as one text."""
        return " ".join(self.words)

    def __str__(self) -> str:
        # A word that looks like a condition was quoted by the user.
        words = (f'"{word}"' if _NEEDS_QUOTES.search(word) else word for word in self.words)
        return " ".join((*map(str, self.conditions), *words))


_NEEDS_QUOTES = re.compile(r"\s|^!|^[A-Za-z_]+[:<>]")
_TERM = re.compile(
    r"""(?P<negated>!)?(?:(?P<field>[A-Za-z_]+)(?P<comparison>[:<>]))?
        (?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]*))""",
    re.VERBOSE,
)


def parse_filter(text: str, fields: frozenset[str] | None = None) -> Filter:
    """Read a filter; `fields` are the names that the list knows. Quotation marks hold blanks
    together, or keep a word from being read as a condition; they are never part of a value.

    Raises:
        InvalidInput: a field is not known or has no value, a word is negated, or there is too much
            of it; says where.
    """
    check_length(text)
    conditions: list[Condition] = []
    words: list[str] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position)
        # All that is no blank is a term: each takes one character at least.
        assert match is not None and match.end() > position
        value = match["quoted"] if match["quoted"] is not None else match["bare"]
        _add(match, value, position, fields, conditions, words)
        position = match.end()
    return Filter(conditions=tuple(conditions), words=tuple(words))


def check_length(text: str) -> None:
    """Refuse a text that no person has typed, before a database chokes on it."""
    if len(text) > LONGEST:
        raise InvalidInput(
            f"a filter has at most {LONGEST} characters, not {len(text)}",
            hint="ask in several steps",
        )


def check_count(count: int, most: int, what: str) -> None:
    """Refuse more conditions or words than a list can be asked for at once."""
    if count > most:
        raise InvalidInput(
            f"a filter has at most {most} {what}, not {count}", hint="ask in several steps"
        )


def _add(
    match: re.Match[str],
    value: str,
    position: int,
    fields: frozenset[str] | None,
    conditions: list[Condition],
    words: list[str],
) -> None:
    field = (match["field"] or "").lower()
    if not field:
        if match["negated"]:
            raise _problem("only a field can be negated, as in !status:ready", position)
        if value:
            words.append(value)
        return
    if fields is not None and field not in fields:
        raise _problem(f"there is no field {field}; use {', '.join(sorted(fields))}", position)
    if not value:
        raise _problem(f"{field} has no value", match.end())
    conditions.append(
        Condition(
            field=field,
            comparison=Comparison(match["comparison"]),
            value=value,
            negated=bool(match["negated"]),
        )
    )


def _problem(message: str, position: int) -> InvalidInput:
    return InvalidInput(message, problems=(Problem(message=message, line=1, column=position + 1),))
