# SPDX-License-Identifier: Apache-2.0
"""Splits the text of a script into tokens with their positions. Continued lines are joined first,
without losing the original positions. The same expressions highlight single lines in an editor. The
parsers decide whether the tokens make sense together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple

from engine.anonymize.language.tree import Position


class TokenKind(Enum):
    """What a token is. Kinds that begin with `BAD` belong to no language, but are often written."""

    BLANK = "blank"
    CONTINUATION = "continuation"
    NEWLINE = "newline"
    COMMENT = "comment"
    STRING = "string"
    BAD_STRING = "bad_string"
    TAG = "tag"
    NUMBER = "number"
    BAD_NUMBER = "bad_number"
    WORD = "word"
    SIGN = "sign"
    UNKNOWN = "unknown"
    END = "end"


class Token(NamedTuple):
    """A piece of text and where it starts, counted in characters from 0."""

    kind: TokenKind
    text: str
    start: int


class State(Enum):
    """In what a line of an editor starts, when the line above ends with a backslash."""

    PLAIN = "plain"
    STRING = "string"
    COMMENT = "comment"


KEYWORDS = frozenset(
    {"if", "elseif", "else", "describe", "hidden", "const", "immutable", "export", "echo"}
    | {"removeAllPrivateTags", "version"}
)
KEYWORDS_42 = frozenset({"describe", "hidden", "export", "echo", "new"})

# Tags are taken loosely, so that a wrong one is told as a wrong tag; but only so far, as a text of
# nothing but begins of tags would take for ever.
_COMMON = r"""
    (?P<blank>[^\S\n]+)
  | (?P<continuation>\\(?:\n|\Z))
  | (?P<newline>\n)
  | (?P<comment>(?<!http:)(?<!https:)//[^\n]*)
  | (?P<string>{string})
  | (?P<bad_string>"(?:[^"\\\n]|\\.)*(?:"|\\)? | '[^'\n]*' | [“”„][^“”"\n]*[“”"]?)
  | (?P<tag>\([^\S\n]*[\w@\#]{{1,8}}[^\S\n]*,[^\S\n]*
        (?:\{{[^}}"\n]{{0,99}}\}}[^(){{}}"\n]{{0,30}}|[^(){{}}"=~\n]{{0,30}})\))
  | (?P<bad_number>-?0[0-9]+(?:\.[0-9]*)? | -?[0-9]+\.(?![0-9]))
  | (?P<number>-?(?:0|[1-9][0-9]*)\.[0-9]+ | 0 | -?[1-9][0-9]*)
  | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign>{signs})
  | (?P<unknown>.)
"""
_SIX = re.compile(
    _COMMON.format(
        string=r'"(?:[^"\\\n]|\\(?:[nrtbf()\\]|[0-7]{3}))*"',
        signs=r":=|\?=|!=|!~|[-?:=~\[\]{}(),/*+.%]",
    ),
    re.VERBOSE,
)
_FOUR = re.compile(
    _COMMON.format(
        string=r'"(?:[^"\\\n]|\\[btnfr"\'\\])*"',
        signs=r":=|[-:=~\[\],]",
    ),
    re.VERBOSE,
)
_EXPRESSIONS = {6: _SIX, 4: _FOUR}
_REST_OF_STRING = re.compile(r'(?:[^"\\]|\\.)*("|\\?\Z)')
_KINDS = {kind.value: kind for kind in TokenKind}
_LINE_END = re.compile(r"\r\n|\r|\n")
_BYTE_ORDER_MARK = "\ufeff"


class Source:
    """A script as its author wrote it, glued for the lexer; gives the place of any character."""

    def __init__(self, text: str, *, language: int) -> None:
        self.language = language
        self.lines = _LINE_END.split(text.removeprefix(_BYTE_ORDER_MARK))
        self._starts: list[int] = []
        pieces: list[str] = []
        length = 0
        for number, line in enumerate(self.lines, start=1):
            self._starts.append(length)
            last = number == len(self.lines)
            # In 4.2 a continuation is a blank between tokens, so the lexer sees it as it is.
            if language != 4 and line.endswith("\\"):
                piece = line[:-1]
            else:
                piece = line if last else line + "\n"
            pieces.append(piece)
            length += len(piece)
        self.glued = "".join(pieces)

    def place(self, offset: int) -> Position:
        """Tell where a character of the glued text stands in the text as written."""
        line = bisect_right(self._starts, offset)
        return Position(line=line, column=offset - self._starts[line - 1] + 1)

    def scan(self) -> Iterator[Token]:
        """Return every token, blanks and comments too; joined they are the glued text."""
        return _scan(_EXPRESSIONS[self.language], self.glued)

    def tokens(self) -> list[Token]:
        """Return the tokens that mean something, with an end."""
        left_out = {TokenKind.BLANK, TokenKind.COMMENT}
        if self.language == 4:
            left_out.add(TokenKind.CONTINUATION)
        found = [token for token in self.scan() if token.kind not in left_out]
        found.append(Token(TokenKind.END, "", len(self.glued)))
        return found


def tokens(line: str, state: State, *, language: int = 6) -> tuple[list[Token], State]:
    """Split one line for an editor; gives its tokens and the state the next line starts in."""
    found: list[Token] = []
    start = 0
    open_string = False
    if state is State.COMMENT:
        found, start = [Token(TokenKind.COMMENT, line, 0)], len(line)
    elif state is State.STRING:
        rest = _REST_OF_STRING.match(line)
        assert rest is not None
        open_string = rest[1] != '"'
        start = rest.end()
        found = [Token(TokenKind.BAD_STRING if open_string else TokenKind.STRING, rest[0], 0)]
    expression = _EXPRESSIONS[language]
    found += (
        Token(_KINDS[match.lastgroup or ""], match[0], match.start())
        for match in expression.finditer(line, start)
    )
    found = [token for token in found if token.text]
    if language == 4 or not found or not line.endswith("\\"):
        return found, State.PLAIN
    last = found[-1]
    if last.kind is TokenKind.COMMENT:
        return found, State.COMMENT
    opened = open_string if last.start == 0 and start == len(line) else _is_open(last)
    return found, State.STRING if opened else State.PLAIN


def _is_open(token: Token) -> bool:
    return (
        token.kind is TokenKind.BAD_STRING
        and token.text.startswith('"')
        and (token.text == '"' or not token.text.endswith('"'))
    )


def _scan(expression: re.Pattern[str], text: str) -> Iterator[Token]:
    for match in expression.finditer(text):
        yield Token(_KINDS[match.lastgroup or ""], match[0], match.start())
