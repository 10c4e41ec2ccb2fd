# SPDX-License-Identifier: Apache-2.0
"""Translates Java regular expressions to the syntax of the `regex` module. Constructs with a
different meaning are rewritten, and constructs that only `regex` has are rejected, so that a
pattern means the same here as in XNAT. Nothing is matched here."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import cast

import regex  # type: ignore[import-untyped]

from engine.anonymize.java_regex.characters import (
    PREDEFINED,
    PREDEFINED_UNICODE,
    either_case,
    property_set,
)

DEEPEST = 50
"""Groups and sets inside each other: far more than a pattern needs, far less than Python's stack
bears."""

HEAVIEST = 100_000
"""Characters that a pattern may ask for at least; `regex` writes counts out when it compiles."""

_ENDS = r"\r\x85\u2028\u2029"
# Java's `$` and `\Z`: at the end, or before a line end that ends the text. `\r\n` is one line end,
# so there is no match between its two characters.
_BEFORE_LAST_END = rf"(?=(?:\r\n|(?<!\r)\n|[{_ENDS}])?\Z)"
# In a set `regex` reads `&&`, `||`, `~~` and `--` as operations and `[:` as the start of a class.
_ESCAPED_IN_SET = frozenset("\\[]^-&|~:")
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_ANCHORS = {
    "b": r"\b",
    "B": r"\B",
    "A": r"\A",
    "G": r"\G",
    # Python's `\Z` is Java's `\z`, the very end; Java's `\Z` is `_last_end`.
    "z": r"\Z",
    "R": r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])",
    "X": r"\X",
}
_LOOKS = ("(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!")
_BLANKS = frozenset(" \t\n\x0b\f\r")
_QUANTIFIER = regex.compile(r"[*+?]|\{([0-9]{1,9})(?:,([0-9]{0,9}))?\}")
_GROUP_NAME = regex.compile(r"\(\?<([A-Za-z][A-Za-z0-9]*)>")
_GROUP_REFERENCE = regex.compile(r"k<([A-Za-z][A-Za-z0-9]*)>")
_FLAGS = regex.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
_PROPERTY = regex.compile(r"[pP](?:\{([A-Za-z0-9_ =]+)\}|([A-Za-z]))")
_PAIR = regex.compile(r"u(D[89AB][0-9A-F]{2})\\u(D[C-F][0-9A-F]{2})", regex.IGNORECASE)
_CODE_POINT = regex.compile(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}")
_OCTAL = regex.compile(r"0([0-3][0-7]{2}|[0-7]{1,2})")


class PatternFault(ValueError):
    """The pattern is not one of Java's, or uses a part that is missing here.

    `offset` counts characters of the pattern from 0. The reason quotes at most a few of them.
    """

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mode:
    """The flags of Java that hold at one place."""

    i: bool = False
    m: bool = False
    s: bool = False
    d: bool = False
    x: bool = False
    u: bool = False
    U: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Characters:
    """What an escape or a plain character stands for: one character, or a class of them."""

    content: str
    length: int
    single: bool = True
    negated: bool = False


class Translation:
    """One pass over a pattern."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.groups = 0
        self.names: dict[str, int] = {}
        self._at = 0
        self._out: list[str] = []
        self._written = 0
        self._marks: list[tuple[int, int]] = []
        self._mode = _Mode()
        # Per open group: where it opens, the flags around it, the characters that what is around it
        # asks for so far.
        self._opened: list[tuple[int, _Mode, int]] = []
        self._weight = 0
        self._last_weight = 0
        self._repeatable = False

    def run(self) -> str:
        """Return the pattern in the words of `regex`, or raise `PatternFault`."""
        while self._at < len(self.text):
            self._token()
        if self._opened:
            raise PatternFault("a “(” is not closed", self._opened[-1][0])
        return "".join(self._out)

    def source_of(self, written: int) -> int:
        """Return the offset in the pattern as written for one in the translation."""
        index = bisect_right(self._marks, (written, len(self.text))) - 1
        return self._marks[index][1] if index >= 0 else 0

    def _emit(self, piece: str, advance: int = 0) -> None:
        self._marks.append((self._written, self._at))
        self._out.append(piece)
        self._written += len(piece)
        self._at += advance

    def _atom(self, piece: str, advance: int) -> None:
        self._weigh(1)
        self._emit(piece, advance)
        self._repeatable = True

    def _peek(self, count: int = 1) -> str:
        return self.text[self._at : self._at + count]

    def _skip_comments(self) -> None:
        ends = "\n" if self._mode.d else "\n\r\x85\u2028\u2029"
        while self._mode.x and (char := self._peek()):
            if char == "#":
                while self._peek() and self._peek() not in ends:
                    self._at += 1
            elif char in _BLANKS:
                self._at += 1
            else:
                return

    def _token(self) -> None:
        self._skip_comments()
        char = self._peek()
        if char == "\\":
            self._escape()
        elif char == "[":
            self._whole_set()
        elif char == "(":
            self._open()
        elif char == ")":
            self._close()
        elif char == "|":
            self._emit("|", 1)
            self._repeatable = False
        elif char == ".":
            ends = r"\n" if self._mode.d else r"\n" + _ENDS
            self._atom("(?s:.)" if self._mode.s else f"[^{ends}]", 1)
        elif char == "^":
            self._atom(self._line_start() if self._mode.m else r"\A", 1)
        elif char == "$":
            self._atom(self._line_end() if self._mode.m else self._last_end(), 1)
        elif char and char in "*+?{":
            self._quantifier()
        elif char:
            self._literal(char, 1)

    def _line_start(self) -> str:
        if self._mode.d:
            return r"(?:(?:\A|(?<=\n))(?!\Z))"
        # For Java no line starts after a line end that is the last of the text: hence `(?!\Z)`.
        return r"(?:(?:\A|(?<=[\n\x85\u2028\u2029])|(?<=\r)(?!\n))(?!\Z))"

    def _line_end(self) -> str:
        return r"(?=\n|\Z)" if self._mode.d else rf"(?=\Z|(?<!\r)\n|[{_ENDS}])"

    def _last_end(self) -> str:
        return r"(?=\n?\Z)" if self._mode.d else _BEFORE_LAST_END

    def _quantifier(self) -> None:
        count = _QUANTIFIER.match(self.text, self._at)
        # `regex` reads braces that are no count as fuzzy matching.
        if count is None:
            raise PatternFault("a “{” starts no count such as {2,3}; write \\{", self._at)
        if not self._repeatable:
            raise PatternFault(f"“{count[0][0]}” repeats nothing", self._at)
        if count[2] and int(count[2]) < int(count[1]):
            raise PatternFault("a count must not end below its start", self._at)
        # `(ab){3}` weighs 2, and 2 * (3 - 1) more for its count: 6 in all. `((ab){3}){4}` weighs
        # 24. `regex` does not write out `*`, `+` and `?`, which therefore add nothing.
        if count[1]:
            self._weigh(self._last_weight * (max(int(count[1]), 1) - 1))
        self._emit(count[0], len(count[0]))
        self._skip_comments()
        if self._peek() in ("?", "+"):
            self._emit(self._peek(), 1)
        self._repeatable = False

    def _weigh(self, weight: int) -> None:
        if self._weight + weight > HEAVIEST:
            raise PatternFault(f"the counts add up to more than {HEAVIEST:,} characters", self._at)
        self._weight += weight
        self._last_weight = weight

    def _open(self) -> None:
        if self._peek(2) != "(?":
            self.groups += 1
            return self._enter("(", 1, self._mode)
        for look in _LOOKS:
            if self.text.startswith(look, self._at):
                return self._enter(look, len(look), self._mode)
        if name := _GROUP_NAME.match(self.text, self._at):
            if name[1] in self.names:
                raise PatternFault("a group of this name is there already", self._at)
            self.groups += 1
            self.names[name[1]] = self.groups
            return self._enter("(", len(name[0]), self._mode)
        if flags := _FLAGS.match(self.text, self._at):
            return self._flags(flags[1], flags[2] or "", flags[3], len(flags[0]))
        raise PatternFault("this kind of group “(?” is not known", self._at)

    def _enter(self, opening: str, length: int, mode: _Mode) -> None:
        if len(self._opened) == DEEPEST:
            raise PatternFault(f"more than {DEEPEST} groups lie inside each other", self._at)
        self._opened.append((self._at, self._mode, self._weight))
        self._mode = mode
        self._weight = 0
        self._repeatable = False
        self._emit(opening, length)

    def _close(self) -> None:
        if not self._opened:
            raise PatternFault("a “)” has no “(”", self._at)
        _, self._mode, around = self._opened.pop()
        inner, self._weight = self._weight, around
        self._weigh(max(inner, 1))
        self._emit(")", 1)
        self._repeatable = True

    def _flags(self, on: str, off: str, close: str, length: int) -> None:
        for flag in on + off:
            if flag not in "imsdxuU":
                raise PatternFault(f"the flag “{flag}” is not known", self._at)
        mode = replace(self._mode, **dict.fromkeys(on, True), **dict.fromkeys(set(off), False))
        if close == ":":
            return self._enter("(?:", length, mode)
        self._mode = mode
        self._at += length
        self._repeatable = False

    def _escape(self) -> None:
        letter = self.text[self._at + 1 : self._at + 2]
        if letter == "Q":
            return self._quoted(in_set=False)
        if letter == "Z":
            return self._atom(self._last_end(), 2)
        if letter in _ANCHORS:
            return self._atom(_ANCHORS[letter], 2)
        if letter and letter in "123456789":
            return self._reference()
        if letter == "k":
            name = _GROUP_REFERENCE.match(self.text, self._at + 1)
            if name is None or name[1] not in self.names:
                raise PatternFault("“\\k” needs the name of an earlier group", self._at)
            return self._back(self.names[name[1]], len(name[0]) + 1)
        found = self._escaped()
        if found.single:
            return self._literal(found.content, found.length)
        return self._atom(f"[{self._class(found)}]", found.length)

    def _reference(self) -> None:
        # Java takes as many digits as there are groups for: after eleven groups `\11` is group 11,
        # otherwise it is group 1 and the digit 1.
        end = self._at + 2
        while (
            self.text[end : end + 1] in set("0123456789")
            and int(self.text[self._at + 1 : end + 1]) <= self.groups
        ):
            end += 1
        number = int(self.text[self._at + 1 : end])
        if number > self.groups:
            raise PatternFault(f"“\\{number}” refers to a group that is not there", self._at)
        self._back(number, end - self._at)

    def _back(self, number: int, length: int) -> None:
        # A group that took no part fails in both; ignoring case is Unicode's here, also without u.
        self._atom(f"(?i-f:\\{number})" if self._mode.i else f"(?:\\{number})", length)

    def _literal(self, char: str, length: int) -> None:
        escaped = cast(str, regex.escape(char, special_only=True, literal_spaces=True))
        if not self._mode.i:
            self._atom(escaped, length)
        elif self._mode.u:
            self._atom(f"(?i-f:{escaped})", length)
        else:
            # Without the flag u Java ignores the case of ASCII letters only, `regex` that of
            # all letters: both cases are written out. With u, `-f` keeps `regex` from matching
            # ß with ss.
            twin = _twin(char)
            self._atom(f"[{char}{twin}]" if twin else escaped, length)

    def _quoted(self, *, in_set: bool) -> None:
        end = self.text.find("\\E", self._at + 2)
        closing = 2 if end >= 0 else 0
        self._at += 2
        for char in self.text[self._at : end if end >= 0 else None]:
            if in_set:
                self._emit(self._range(char, char), 1)
            else:
                self._literal(char, 1)
        self._at += closing
        if in_set and self._peek() == "-" and self._peek(2) != "-]":
            raise PatternFault("a range in a set cannot start in a quotation", self._at)

    def _escaped(self) -> _Characters:
        """Read an escape that stands for characters, in a set or outside of one."""
        start = self._at
        letter = self.text[start + 1 : start + 2]
        if not letter:
            raise PatternFault("a “\\” at the end escapes nothing", start)
        if letter in _CONTROLS:
            return _Characters(content=_CONTROLS[letter], length=2)
        classes = PREDEFINED_UNICODE if self._mode.U else PREDEFINED
        if content := classes.get(letter.lower()):
            negated = letter.isupper()
            return _Characters(content=content, length=2, single=False, negated=negated)
        if pair := _PAIR.match(self.text, start + 1):
            units = bytes.fromhex(pair[1] + pair[2])
            return _Characters(content=units.decode("utf-16-be"), length=12)
        if code := _CODE_POINT.match(self.text, start + 1):
            value = int(code[1] or code[2] or code[3], 16)
            if value > 0x10FFFF:
                raise PatternFault("there is no such character", start)
            return _Characters(content=chr(value), length=len(code[0]) + 1)
        if letter == "c" and (control := self.text[start + 2 : start + 3]).isascii() and control:
            return _Characters(content=chr(ord(control) ^ 0x40), length=3)
        if octal := _OCTAL.match(self.text, start + 1):
            return _Characters(content=chr(int(octal[1], 8)), length=len(octal[0]) + 1)
        if named := _PROPERTY.match(self.text, start + 1):
            content = property_set(named[1] or named[2], unicode=self._mode.U)
            if content is None:
                raise PatternFault("there is no class of characters of this name", start)
            length = len(named[0]) + 1
            return _Characters(content=content, length=length, single=False, negated=letter == "P")
        if letter.isascii() and letter.isalnum():
            raise PatternFault(f"“\\{letter}” is not known", start)
        return _Characters(content=letter, length=2)

    def _class(self, found: _Characters) -> str:
        content = either_case(found.content) if self._mode.i else found.content
        return f"^{content}" if found.negated else content

    def _whole_set(self) -> None:
        wrapped = self._mode.i and self._mode.u
        if wrapped:
            self._emit("(?i-f:")
        self._set(1)
        if wrapped:
            self._emit(")")
        self._weigh(1)
        self._repeatable = True

    def _set(self, depth: int) -> None:
        opened = self._at
        if depth > DEEPEST:
            raise PatternFault(f"more than {DEEPEST} sets lie inside each other", opened)
        self._emit("[", 1)
        if self._peek() == "^":
            self._emit("^", 1)
        first = True
        while True:
            self._skip_comments()
            char = self._peek()
            if not char:
                raise PatternFault("a “[” is not closed", opened)
            if char == "]" and not first:
                return self._emit("]", 1)
            if char == "[":
                self._set(depth + 1)
            elif self._peek(2) == "&&":
                self._emit("&&", 2)
                if self._peek() == "]":
                    raise PatternFault("“&&” needs something after it", self._at - 2)
            elif self._peek(2) == "\\Q":
                self._quoted(in_set=True)
            else:
                self._member()
            first = False

    def _member(self) -> None:
        """Write one member of a set: a class, a character, or a range."""
        start = self._at
        found = self._character()
        if not found.single:
            content = self._class(found)
            return self._emit(f"[{content}]" if found.negated else content, found.length)
        self._at += found.length
        self._skip_comments()
        following = self.text[self._at + 1 : self._at + 3]
        if self._peek() != "-" or following[:1] in ("", "]", "[") or following == "&&":
            self._at, end = start, self._at
            return self._emit(self._range(found.content, found.content), end - start)
        self._at += 1
        self._skip_comments()
        last = self._character()
        if not last.single:
            raise PatternFault("a range in a set must end in a character", self._at)
        if last.content < found.content:
            raise PatternFault("a range in a set must not end before its start", self._at)
        self._at, end = start, self._at + last.length
        return self._emit(self._range(found.content, last.content), end - start)

    def _character(self) -> _Characters:
        if self._peek() == "\\":
            return self._escaped()
        return _Characters(content=self._peek(), length=1)

    def _range(self, first: str, last: str) -> str:
        written = _in_set(first) if first == last else f"{_in_set(first)}-{_in_set(last)}"
        if not self._mode.i or self._mode.u:
            return written
        for letters in ("az", "AZ"):
            low, high = max(first, letters[0]), min(last, letters[1])
            if low <= high:
                written += f"{_twin(low)}-{_twin(high)}"
        return written


def _twin(char: str) -> str:
    return char.swapcase() if char.isascii() and char.isalpha() else ""


def _in_set(char: str) -> str:
    return "\\" + char if char in _ESCAPED_IN_SET else char
