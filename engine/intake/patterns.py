"""Regular expressions as rule lines write them: the Java flavour, run by the `regex` module with a
time limit. This is the only module that knows `regex`. What differs in meaning between the two
flavours is rewritten; what `regex` has and Java has not is refused, so that a rule means here what
it means in XNAT."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Protocol, cast

import regex  # type: ignore[import-untyped]

SECONDS = 0.05
"""Time limit of one match. A sound rule takes some millionths of this."""

DEEPEST = 50
"""Groups and sets inside each other; far more than a rule needs, far less than Python's stack."""

HEAVIEST = 100_000
"""Characters that a pattern may ask for at least; `regex` writes counts out when it compiles."""

_LINE_ENDS = r"\n\r\x85\u2028\u2029"
_AT_END = rf"(?=(?:\r\n|[{_LINE_ENDS}])?\Z)"
_ESCAPED_IN_SET = frozenset("\\[]^-&|~:")
_SETS = {
    "d": "0-9",
    "w": "A-Za-z0-9_",
    "s": r" \t\n\x0b\f\r",
    "h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
    "v": r"\n\x0b\f\r\x85\u2028\u2029",
}
_POSIX_SETS = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "A-Za-z",
    "Digit": "0-9",
    "Alnum": "A-Za-z0-9",
    "Punct": r"!-/\:-@\[-`{-\~",
    "Graph": r"!-\~",
    "Print": r" -\~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9A-Fa-f",
    "Space": _SETS["s"],
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "a": "\a", "e": "\x1b"}
_ANCHORS = {
    "b": r"\b",
    "B": r"\B",
    "A": r"\A",
    "G": r"\G",
    "z": r"\Z",
    "Z": _AT_END,
    "R": r"(?:\r\n|[\n\x0b\f\r\x85\u2028\u2029])",
    "X": r"\X",
}
_LOOKS = ("(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!")
_COUNT = regex.compile(r"\{(\d{1,9})(?:,\d{0,9})?\}")
_GROUP_NAME = regex.compile(r"\(\?<([A-Za-z][A-Za-z0-9]*)>")
_GROUP_REFERENCE = regex.compile(r"k<([A-Za-z][A-Za-z0-9]*)>")
_FLAGS = regex.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
_PROPERTY = regex.compile(r"[pP](?:\{([A-Za-z0-9_ =]+)\}|([A-Z]))")
_CODE_POINT = regex.compile(r"u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}")
_OCTAL = regex.compile(r"0([0-3][0-7]{2}|[0-7]{1,2})")


class Match(Protocol):
    """The part of a match that rules use."""

    def group(self, index: int, /) -> str | None:
        """Give what a group captured; None when it took no part."""


class Pattern(Protocol):
    """The part of a compiled pattern that rules use."""

    @property
    def groups(self) -> int: ...
    @property
    def groupindex(self) -> dict[str, int]: ...
    def fullmatch(self, text: str, /, *, timeout: float) -> Match | None:
        """Match the whole text, or raise `TimeoutError`."""

    def sub(self, replace: Callable[[Match], str], text: str, /, *, timeout: float) -> str:
        """Replace every occurrence, or raise `TimeoutError`."""


class PatternFault(ValueError):
    """The pattern is not a regular expression of the Java flavour, or uses a part that is missing
    here. `offset` counts characters of the pattern as written."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.offset = offset


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern of the Java flavour, or raise `PatternFault`."""
    translation = _Translation(text)
    translated = translation.run()
    try:
        return cast(Pattern, regex.compile(translated, regex.VERSION1))
    except regex.error as error:
        raise PatternFault(error.msg, translation.source_of(error.pos or 0)) from None


class _Translation:
    """One pass over a pattern; writes the same expression in the words of `regex`."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._out: list[str] = []
        self._written = 0
        self._marks: list[tuple[int, int]] = []
        self._groups = 0
        # Per open group: does `.` take line ends, do `^` and `$` mean lines.
        self._modes = [(False, False)]
        self._opened: list[int] = []
        # Per open group: the characters it asks for so far, and those of its last part.
        self._weights = [(0, 0)]

    def run(self) -> str:
        while self.at < len(self.text):
            self._token()
        if self._opened:
            raise PatternFault("a “(” is not closed", self._opened[-1])
        return "".join(self._out)

    def source_of(self, written: int) -> int:
        """Give the offset in the pattern as written for one in the translation."""
        index = bisect_right(self._marks, (written, len(self.text))) - 1
        return self._marks[index][1] if index >= 0 else 0

    def _emit(self, piece: str, advance: int = 0) -> None:
        self._marks.append((self._written, self.at))
        self._out.append(piece)
        self._written += len(piece)
        self.at += advance

    def _peek(self, count: int = 1) -> str:
        return self.text[self.at : self.at + count]

    def _token(self) -> None:
        char = self._peek()
        dot_all, lines = self._modes[-1]
        if char not in "(){":
            self._weigh(1)
        if char == "\\":
            self._escape()
        elif char == "[":
            self._set()
        elif char == "(":
            self._open()
        elif char == ")":
            if not self._opened:
                raise PatternFault("a “)” has no “(”", self.at)
            self._opened.pop()
            self._modes.pop()
            weight, _ = self._weights.pop()
            self._weigh(max(weight, 1))
            self._emit(")", 1)
        elif char == ".":
            self._emit("(?s:.)" if dot_all else f"[^{_LINE_ENDS}]", 1)
        elif char == "$":
            self._emit("$" if lines else _AT_END, 1)
        elif char == "{":
            # `regex` reads braces that are no count as fuzzy matching.
            count = _COUNT.match(self.text, self.at)
            if count is None:
                raise PatternFault("a “{” starts no count such as {2,3}; write \\{", self.at)
            _, last = self._weights[-1]
            self._weigh(last * max(int(count[1]), 1))
            self._emit(count[0], len(count[0]))
        else:
            self._emit(char, 1)

    def _weigh(self, weight: int) -> None:
        total, _ = self._weights[-1]
        if total + weight > HEAVIEST:
            raise PatternFault(f"the counts add up to more than {HEAVIEST:,} characters", self.at)
        self._weights[-1] = (total + weight, weight)

    def _open(self) -> None:
        if self._peek(2) == "(*":
            raise PatternFault("“*” repeats nothing", self.at + 1)
        if self._peek(2) != "(?":
            self._groups += 1
            return self._group("(")
        for look in _LOOKS:
            if self.text.startswith(look, self.at):
                return self._group(look)
        if name := _GROUP_NAME.match(self.text, self.at):
            self._groups += 1
            return self._group(name[0])
        if flags := _FLAGS.match(self.text, self.at):
            return self._flags(flags[1], flags[2] or "", flags[3], len(flags[0]))
        raise PatternFault("this kind of group “(?” is not known", self.at)

    def _group(self, opening: str) -> None:
        self._enter(self._modes[-1])
        self._emit(opening, len(opening))

    def _enter(self, mode: tuple[bool, bool]) -> None:
        if len(self._opened) == DEEPEST:
            raise PatternFault(f"more than {DEEPEST} groups lie inside each other", self.at)
        self._opened.append(self.at)
        self._modes.append(mode)
        self._weights.append((0, 0))

    def _flags(self, on: str, off: str, close: str, length: int) -> None:
        for flag in on + off:
            if flag not in "imsuU":
                raise PatternFault(f"the flag “{flag}” is not supported", self.at)
        dot_all, lines = self._modes[-1]
        mode = (
            ("s" in on or dot_all) and "s" not in off,
            ("m" in on or lines) and "m" not in off,
        )
        kept_on = "".join(flag for flag in "im" if flag in on)
        kept_off = "".join(flag for flag in "im" if flag in off)
        words = kept_on + ("-" + kept_off if kept_off else "")
        if close == ":":
            self._enter(mode)
            return self._emit(f"(?{words}:", length)
        self._modes[-1] = mode
        return self._emit(f"(?{words})" if words else "", length)

    def _escape(self) -> None:
        start = self.at
        letter = self.text[start + 1 : start + 2]
        if letter == "Q":
            end = self.text.find("\\E", start + 2)
            quoted = self.text[start + 2 : end if end >= 0 else len(self.text)]
            return self._emit("".join(map(_literal, quoted)), len(quoted) + (4 if end >= 0 else 2))
        if letter in _ANCHORS:
            return self._emit(_ANCHORS[letter], 2)
        if letter in "123456789" and letter:
            return self._reference()
        if letter == "k":
            name = _GROUP_REFERENCE.match(self.text, start + 1)
            if name is None:
                raise PatternFault("“\\k” needs the name of a group: \\k<name>", start)
            return self._emit(f"\\g<{name[1]}>", len(name[0]) + 1)
        content, negated, single, length = self._escaped(start)
        if single:
            return self._emit(_literal(content), length)
        return self._emit(f"[{'^' if negated else ''}{content}]", length)

    def _reference(self) -> None:
        end = self.at + 2
        while (
            self.text[end : end + 1] in set("0123456789")
            and int(self.text[self.at + 1 : end + 1]) <= self._groups
        ):
            end += 1
        number = int(self.text[self.at + 1 : end])
        if number > self._groups:
            raise PatternFault(f"“\\{number}” refers to a group that is not there", self.at)
        self._emit(f"(?:\\{number})", end - self.at)

    def _escaped(self, start: int) -> tuple[str, bool, bool, int]:
        """Read an escape that stands for characters, in a set or outside of one.

        Gives the content, whether it is negated, whether it is one literal character (unescaped),
        and the length as written.
        """
        letter = self.text[start + 1 : start + 2]
        if not letter:
            raise PatternFault("a “\\” at the end escapes nothing", start)
        if letter in _CONTROLS:
            return _CONTROLS[letter], False, True, 2
        if letter.lower() in _SETS:
            return _SETS[letter.lower()], letter.isupper(), False, 2
        if code := _CODE_POINT.match(self.text, start + 1):
            value = int(code[1] or code[2] or code[3], 16)
            if value > 0x10FFFF:
                raise PatternFault("there is no such character", start)
            return chr(value), False, True, len(code[0]) + 1
        if letter == "c" and self.text[start + 2 : start + 3].isascii():
            control = self.text[start + 2 : start + 3]
            if control:
                return chr(ord(control) ^ 0x40), False, True, 3
        if octal := _OCTAL.match(self.text, start + 1):
            return chr(int(octal[1], 8)), False, True, len(octal[0]) + 1
        if named := _PROPERTY.match(self.text, start + 1):
            name = named[1] or named[2]
            negated = letter == "P"
            if name in _POSIX_SETS:
                return _POSIX_SETS[name], negated, False, len(named[0]) + 1
            return f"\\p{{{name}}}", negated, False, len(named[0]) + 1
        if letter.isascii() and letter.isalnum():
            raise PatternFault(f"“\\{letter}” is not known", start)
        return letter, False, True, 2

    def _set(self, depth: int = 1) -> None:
        opened = self.at
        if depth > DEEPEST:
            raise PatternFault(f"more than {DEEPEST} sets lie inside each other", opened)
        self._emit("[", 1)
        if self._peek() == "^":
            self._emit("^", 1)
        first, after_single = True, False
        while True:
            char = self._peek()
            if not char:
                raise PatternFault("a “[” is not closed", opened)
            if char == "]" and not first:
                return self._emit("]", 1)
            if char == "[":
                self._set(depth + 1)
                after_single = False
            elif self._peek(2) == "&&":
                self._emit("&&", 2)
                after_single = False
            elif char == "-" and after_single and self._range_ends():
                self._emit("-", 1)
                self._member(range_end=True)
                after_single = False
            else:
                after_single = self._member()
            first = False

    def _range_ends(self) -> bool:
        following = self.text[self.at + 1 : self.at + 3]
        return following[:1] not in ("", "]", "[") and following != "&&"

    def _member(self, *, range_end: bool = False) -> bool:
        """Write one member of a set; True when it is a single character."""
        if self._peek() != "\\":
            self._emit(_in_set(self._peek()), 1)
            return True
        content, negated, single, length = self._escaped(self.at)
        if range_end and not single:
            raise PatternFault("a range in a set must end in a character", self.at)
        if single:
            self._emit(_in_set(content), length)
        else:
            self._emit(f"[^{content}]" if negated else content, length)
        return single


def _literal(char: str) -> str:
    return cast(str, regex.escape(char, special_only=True, literal_spaces=True))


def _in_set(char: str) -> str:
    return "\\" + char if char in _ESCAPED_IN_SET else char
