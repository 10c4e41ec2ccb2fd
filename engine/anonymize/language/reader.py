# SPDX-License-Identifier: Apache-2.0
"""The common part of both parsers: walking over tokens, collecting errors and continuing after
them, and reading tags and strings. Statements are defined in the parsers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NoReturn

from engine.anonymize.language.lexer import KEYWORDS, KEYWORDS_42, Source, Token, TokenKind
from engine.anonymize.language.tree import Position, Script, TagPattern, Text
from engine.model.errors import Problem

MOST = 50
"""Problems that are told of one script."""

DEEPEST = 50
"""Blocks, calls and lists inside each other; far more than a script needs."""

LONGEST = 256 * 1024
"""Characters of a script."""

_TAG = re.compile(
    r"\((\s*)([^\s,]*)\s*,\s*(?:(\{)(.*)\}([^\s)]*)|([^\s)]*))(.*)\)",
    re.DOTALL,
)
_CREATOR = re.compile(r"[A-Za-z][A-Za-z0-9 \-_.:]*")
_DIGITS = re.compile(r"[0-9A-FX@#]+")
_PARITY = "02468ACE@"
_ESCAPES_42 = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The part of a script that could be parsed, and all its errors."""

    script: Script
    problems: tuple[Problem, ...] = ()
    whole: bool = True
    """Whether every statement is in the tree; those that are told but understood are."""


class Fault(Exception):
    """The statement cannot be read on; its problem is noted already."""


class Enough(Exception):
    """The script cannot be read on, or so many problems are noted that more would not help."""


class Reader:
    """A walk over the tokens of a script that notes what is wrong."""

    def __init__(self, text: str, *, language: int) -> None:
        self.source = Source(text[:LONGEST], language=language)
        self.language = language
        self.keywords = KEYWORDS_42 if language == 4 else KEYWORDS
        self.problems: list[Problem] = []
        self.tokens = self.source.tokens()
        self.index = 0
        self.depth = 0
        self.whole = True
        self.too_long = len(text) > LONGEST

    # -------------------------------------------------------------------------------- walking

    @property
    def now(self) -> Token:
        """The token that is looked at."""
        return self.tokens[self.index]

    def ahead(self, count: int = 1) -> Token:
        """Return a token further on; the end again behind the end."""
        return self.tokens[min(self.index + count, len(self.tokens) - 1)]

    def step(self) -> Token:
        """Go on behind the token that is looked at, and return it."""
        token = self.now
        if token.kind is not TokenKind.END:
            self.index += 1
        return token

    def sees(self, *signs: str) -> bool:
        """Say whether one of these signs stands here."""
        return self.now.kind is TokenKind.SIGN and self.now.text in signs

    def sees_word(self, *words: str) -> bool:
        """Say whether one of these words stands here."""
        return self.now.kind is TokenKind.WORD and self.now.text in words

    def takes(self, sign: str) -> bool:
        """Go on behind a sign if it stands here."""
        if self.sees(sign):
            self.index += 1
            return True
        return False

    def skip_lines(self) -> None:
        """Go on behind line ends."""
        while self.now.kind is TokenKind.NEWLINE:
            self.index += 1

    def place(self, token: Token) -> Position:
        """Tell where a token starts."""
        return self.source.place(token.start)

    # --------------------------------------------------------------------------------- faults

    def note(self, token: Token, message: str, *, inside: int = 0) -> None:
        """Note a problem and go on as if it were none; `inside` counts characters of the token."""
        at = self.source.place(token.start + inside)
        if self.problems and (self.problems[-1].line, self.problems[-1].column) == (
            at.line,
            at.column,
        ):
            return
        self.problems.append(Problem(message=message, line=at.line, column=at.column))
        if len(self.problems) >= MOST:
            self.whole = False
            raise Enough

    def fail(self, token: Token, message: str) -> NoReturn:
        """Note a problem behind which the statement cannot be read."""
        self.whole = False
        self.note(token, message)
        raise Fault

    def expect(self, sign: str, message: str) -> Token:
        """Go on behind a sign that has to stand here."""
        if not self.sees(sign):
            self.fail(self.now, f"{message}, but here is {told(self.now)}")
        return self.step()

    def enter(self, token: Token) -> None:
        """Go one level deeper."""
        self.depth += 1
        if self.depth > DEEPEST:
            self.whole = False
            self.note(token, f"this is nested more than {DEEPEST} levels deep")
            raise Enough

    # --------------------------------------------------------------------------------- pieces

    def name(self, what: str) -> str:
        """Read the name of a variable."""
        token = self.now
        if token.kind is not TokenKind.WORD:
            self.fail(token, f"{what} is expected, but here is {told(token)}")
        if token.text in self.keywords:
            self.fail(token, f"“{token.text}” is a word of the language and cannot be a name")
        self.step()
        return token.text.lower() if self.language == 4 else token.text

    def string(self) -> Text:
        """Read a string, sound or not, and resolve its escapes."""
        token = self.step()
        if token.kind is TokenKind.BAD_STRING:
            self._note_string(token)
            return Text(at=self.place(token), value=token.text.strip("\"'“”„"))
        inner = token.text[1:-1]
        if "\\" not in inner:
            value = inner
        elif self.language == 4:
            value = re.sub(
                r"\\(.)", lambda found: _ESCAPES_42.get(found[1], found[1]), inner, flags=re.DOTALL
            )
        else:
            value = inner.replace("\\\\", "\\")
        return Text(at=self.place(token), value=value)

    def _note_string(self, token: Token) -> None:
        text = token.text
        if not text.startswith('"'):
            self.note(token, 'strings stand in straight double quotes: "…"')
            return
        if len(text) == 1 or not text.endswith('"'):
            self.note(token, "this string is not closed: it ends on the line on which it starts")
            return
        allowed = "btnfr\"'\\" if self.language == 4 else "nrtbf()\\"
        offset = 1
        while offset < len(text) - 1:
            if text[offset] != "\\":
                offset += 1
                continue
            escaped = text[offset + 1]
            if self.language != 4 and re.match(r"[0-7]{3}", text[offset + 1 :]):
                offset += 4
            elif escaped in allowed and (escaped != '"' or offset < len(text) - 2):
                offset += 2
            else:
                break
        escaped = text[offset + 1 : offset + 2]
        if escaped == '"' and offset == len(text) - 2:
            message = "a string cannot end with one backslash: write two for one"
        elif escaped == '"':
            message = 'a double quote cannot stand in a string, not even as \\"'
        else:
            message = (
                f"“\\{escaped}” is no escape: write “\\\\{escaped}” for a backslash and {escaped}"
            )
        self.note(token, message, inside=offset)

    def tag(self) -> TagPattern:
        """Read a tag, sound or not."""
        token = self.step()
        found = _TAG.fullmatch(token.text)
        assert found is not None
        blank, group, brace, creator, low, element, rest = found.groups()
        digits = low if brace else element
        message, inside = "", 0
        if self.language == 4:
            message, inside = self._fault_42(token.text, group, digits, bool(brace))
        if not message and blank:
            message, inside = "no blank may follow the “(” of a tag", 1
        elif not message and rest.strip():
            message, inside = (
                f"“)” is expected in the tag, not “{rest.strip()[:20]}”",
                found.start(7),
            )
        elif not message and rest:
            message, inside = "no blank may stand before the “)” of a tag", found.start(7)
        if not message:
            message, inside = self._fault_of_digits(found)
        if not message and self.language != 4:
            message, inside = self._fault_of_kind(found)
        if message:
            self.note(token, message, inside=inside)
        return TagPattern(
            at=self.place(token),
            group=_sane(group, 4),
            element=_sane(digits, 2 if brace else 4),
            creator=creator if brace else None,
        )

    def _fault_of_digits(self, found: re.Match[str]) -> tuple[str, int]:
        group, brace, low, element = found[2], found[3], found[5], found[6]
        if len(group) != 4 or not _DIGITS.fullmatch(group.upper()):
            return (
                f"the group of a tag has four hexadecimal digits or wildcards X @ #, not “{group}”",
                found.start(2),
            )
        if brace and (len(low) != 2 or not _DIGITS.fullmatch(low.upper())):
            return (
                "behind the creator of a private tag stand the low two digits of the element, "
                f"such as {{{found[4]}}}10, not “{low}”",
                found.start(5),
            )
        if not brace and (len(element) != 4 or not _DIGITS.fullmatch(element.upper())):
            return (
                "the element of a tag has four hexadecimal digits or wildcards X @ #, "
                f"not “{element}”",
                found.start(6),
            )
        return "", 0

    def _fault_of_kind(self, found: re.Match[str]) -> tuple[str, int]:
        group, brace, creator, element = found[2].upper(), found[3], found[4], found[6]
        even = group[3] in _PARITY
        if group[3] == "X":
            return (
                "the last digit of a group says whether the tag is private: X cannot stand here, "
                "but @ (even, public) and # (odd, private) can",
                found.start(2) + 3,
            )
        if not brace and not even:
            return (
                f"group {group} is odd, so the tag is private: write its creator and the low two "
                f"digits, such as ({group},{{CREATOR}}{element[2:].upper()})",
                0,
            )
        if brace and even:
            return f"group {group} is even, so the tag is public and has no creator", found.start(3)
        if brace and not _CREATOR.fullmatch(creator):
            return (
                "a creator starts with a letter; letters, digits, blanks and - _ . : may follow",
                found.start(4),
            )
        return "", 0

    @staticmethod
    def _fault_42(text: str, group: str, digits: str, brace: bool) -> tuple[str, int]:
        if brace:
            return "DicomEdit 4.2 knows no creators: write the real number of a private tag", 0
        blank = re.search(r"\s", text)
        if blank:
            return "no blank may stand in a tag of DicomEdit 4.2", blank.start()
        lower = re.search("x", group + "," + digits)
        if lower:
            return "the wildcard X is written in upper case", lower.start() + 1
        return "", 0


def _sane(digits: str, count: int) -> str:
    upper = digits.upper()
    return upper if len(upper) == count and _DIGITS.fullmatch(upper) else "0" * count


def told(token: Token) -> str:
    """Say in words what stands here."""
    if token.kind is TokenKind.END:
        return "the end of the script"
    if token.kind is TokenKind.NEWLINE:
        return "the end of the line"
    text = token.text if len(token.text) <= 30 else token.text[:29] + "…"
    if token.kind is TokenKind.WORD and token.text in KEYWORDS:
        return f"the word {text}"
    return (
        text
        if token.kind in (TokenKind.TAG, TokenKind.STRING, TokenKind.BAD_STRING)
        else f"“{text}”"
    )
