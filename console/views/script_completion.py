# SPDX-License-Identifier: Apache-2.0
"""What a script may go on with at a place: tags by keyword or by number, functions, variables,
keywords, creators of private elements. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.service.script_words import Kind, Piece, TagWord, Words

MOST = 50
"""Choices that are offered: whoever has more types on."""

LEAST = 2
"""Letters of a word before anything is offered for it."""

_CREATOR = re.compile(r"\(([0-9A-Fa-f]{3}[13579BDFbdf]),\{([^}\"]*)\Z")
_NUMBER = re.compile(r"\(([0-9A-Fa-f]{2,4}|[0-9A-Fa-f]{4},[0-9A-Fa-f]{0,4})\Z")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SET = re.compile(r"^[ \t]*([A-Za-z_][A-Za-z0-9_]*)[ \t]*:=")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """One way to go on."""

    text: str
    """What stands there then."""
    shown: str
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Offer:
    """The ways to go on from a place, and what of the line each of them replaces."""

    start: int
    end: int
    choices: tuple[Choice, ...]


def variables(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the names that a script sets, in their order."""
    found = (_SET.match(line) for line in lines)
    return tuple(dict.fromkeys(one[1] for one in found if one is not None))


def offer(
    words: Words, line: str, column: int, here: Piece | None, own: Sequence[str], language: int
) -> Offer | None:
    """Return what can be offered in a line at a column; None for nothing. `here` is the piece that
    the column is in, `own` are the variables of the script."""
    if here is not None and here.kind is Kind.COMMENT:
        return None
    before, after = line[:column], line[column:]
    if creator := _CREATOR.search(before):
        end = column + (after.startswith("}"))
        return _made(creator.start(2) - 1, end, _creators(words, creator[2]))
    if number := _NUMBER.search(before):
        end = column + (after.startswith(")"))
        return _made(number.start(), end, _numbered(words, number[1].upper()))
    if here is not None and (here.kind is Kind.STRING or here.text[0] in "\"'"):
        return None
    word = _WORD.search(before)
    if word is None or len(word[0]) < LEAST:
        return None
    return _made(word.start(), column, _named(words, word[0], own, language))


def _made(start: int, end: int, choices: Iterator[Choice]) -> Offer | None:
    found = tuple(choice for choice, _ in zip(choices, range(MOST), strict=False))
    return Offer(start=start, end=end, choices=found) if found else None


def _creators(words: Words, typed: str) -> Iterator[Choice]:
    low = typed.casefold()
    for one in words.creators:
        if one.casefold().startswith(low):
            yield Choice(text=f"{{{one}}}", shown=one, detail="private creator")


def _numbered(words: Words, typed: str) -> Iterator[Choice]:
    for one in words.tags:
        if one.tag.startswith(typed, 1):
            yield _tag(one)


def _named(words: Words, typed: str, own: Sequence[str], language: int) -> Iterator[Choice]:
    low = typed.casefold()

    def begins(name: str) -> bool:
        return name.casefold().startswith(low) and name != typed

    for name in dict.fromkeys((*own, *words.variables)):
        if begins(name):
            yield Choice(text=name, shown=name, detail="variable")
    for name, usage in words.functions[language].items():
        if begins(name) or name == typed:
            yield Choice(text=f"{name}[", shown=name, detail=usage)
    for name in words.keywords[language]:
        if begins(name):
            yield Choice(text=name, shown=name, detail="keyword")
    within = []
    for one in words.tags:
        keyword = one.keyword.casefold()
        if keyword.startswith(low):
            yield _tag(one)
        elif len(low) > LEAST and low in keyword:
            within.append(one)
    yield from map(_tag, within)


def _tag(one: TagWord) -> Choice:
    return Choice(text=one.tag, shown=f"{one.tag} {one.keyword}", detail=one.vr)
