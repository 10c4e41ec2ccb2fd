# SPDX-License-Identifier: Apache-2.0
"""The words of script languages for whoever shows or completes scripts: the pieces of a line, the
tags of the standard, functions, given variables, creators of private elements. No engine has to
run, and nothing here judges a script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import NamedTuple

from engine.anonymize.language.check import HOST
from engine.anonymize.language.lexer import KEYWORDS, KEYWORDS_42, State, TokenKind, tokens
from engine.anonymize.language.parser import language_of
from engine.anonymize.language.signatures import FUNCTIONS
from engine.dicom import dictionary, tables

__all__ = ["Kind", "Piece", "State", "TagWord", "Words", "language_of", "pieces", "told", "words"]


class Kind(Enum):
    """What a piece of a line is, as far as it is worth a colour."""

    COMMENT = "comment"
    STRING = "string"
    TAG = "tag"
    NUMBER = "number"
    KEYWORD = "keyword"
    FUNCTION = "function"
    NAME = "name"
    SIGN = "sign"
    BAD = "bad"


class Piece(NamedTuple):
    """A part of a line, counted in characters from 0."""

    kind: Kind
    start: int
    text: str

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class TagWord:
    """An element of the standard, `(gggg,eeee)`."""

    tag: str
    keyword: str
    vr: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """What a script may be made of."""

    tags: tuple[TagWord, ...]
    """In their order."""
    functions: Mapping[int, Mapping[str, str]]
    """By language and name: how it is called, and what it gives."""
    keywords: Mapping[int, tuple[str, ...]]
    variables: tuple[str, ...]
    """What every script is given."""
    creators: tuple[str, ...]
    """Of private elements that are known."""


_KINDS = {
    TokenKind.COMMENT: Kind.COMMENT,
    TokenKind.STRING: Kind.STRING,
    TokenKind.BAD_STRING: Kind.BAD,
    TokenKind.TAG: Kind.TAG,
    TokenKind.NUMBER: Kind.NUMBER,
    TokenKind.BAD_NUMBER: Kind.BAD,
    TokenKind.SIGN: Kind.SIGN,
    TokenKind.UNKNOWN: Kind.BAD,
}
_KEYWORDS = {6: KEYWORDS, 4: KEYWORDS_42}
_TAG = re.compile(
    r"\(\s*([0-9A-Fa-f]{4})\s*,\s*(?:([0-9A-Fa-f]{4})|\{([^}]*)\}\s*([0-9A-Fa-f]{2}))\s*\)"
)


def pieces(line: str, state: State = State.PLAIN, language: int = 6) -> tuple[list[Piece], State]:
    """Split one line; return its pieces without blanks, and the state that the next one starts
    in."""
    found, after = tokens(line, state, language=language)
    made = []
    for token in found:
        if token.kind is TokenKind.WORD:
            kind = _word(token.text, language)
        elif token.kind in _KINDS:
            kind = _KINDS[token.kind]
        else:
            continue
        made.append(Piece(kind, token.start, token.text))
    return made, after


def told(tag: str) -> tuple[str, str]:
    """Return name and VR of a tag as a script writes it; empty where no dictionary knows it, or
    where it stands for several."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return "", ""
    group, element, creator, low = found.groups()
    if element is not None:
        number = int(group + element, 16)
        name = dictionary.keyword(number)
        return (name, dictionary.vr_of(number)) if name else ("", "")
    number = int(f"{group}10{low}", 16)
    name = dictionary.private_name(number, creator)
    vr = dictionary.vr_of(number, creator)
    return (name, vr) if name or vr != "UN" else ("", "")


@cache
def words() -> Words:
    """Return all words. The first call reads the data dictionary, which takes a moment."""
    standard = sorted(tables.elements().items())
    return Words(
        tags=tuple(
            TagWord(tag=dictionary.format_tag(tag), keyword=entry[4], vr=entry[0])
            for tag, entry in standard
            if entry[4]
        ),
        functions={
            language: {
                one.name: f"{one.usage} gives {one.gives.value}" for one in functions.values()
            }
            for language, functions in FUNCTIONS.items()
        },
        keywords={language: tuple(sorted(all)) for language, all in _KEYWORDS.items()},
        variables=HOST,
        creators=tuple(sorted(tables.private())),
    )


def _word(text: str, language: int) -> Kind:
    if text in _KEYWORDS[language]:
        return Kind.KEYWORD
    return Kind.FUNCTION if text in FUNCTIONS[language] else Kind.NAME
