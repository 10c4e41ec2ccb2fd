# SPDX-License-Identifier: Apache-2.0
"""The assignment grammar: `Project:P1 Subject:S1` somewhere in a comment. It is
matched by hand in linear time, because comments come from strangers and the grammar as one regular
expression backtracks."""

from __future__ import annotations

import re

LIMIT = 65_536
"""Characters of a comment that are looked at; the longest legal comment (LT) has 10,240."""

NORMALISED = "matched only after newline normalisation"
NOT_CAPTURED = (
    "the keyword is there, but its value is not made of letters, digits, “_” and “-” only"
)
CUT = f"only the first {LIMIT:,} characters were looked at"

_SEPARATOR = r"[ \t\n\x0b\f\r,;]"
_SEPARATORS = frozenset(" \t\n\x0b\f\r,;")
_CAPTURE = re.compile(r"[A-Za-z0-9_-]*")
_BLANKS = re.compile(r"[ \t\n\x0b\f\r]*")
_LINE_END = re.compile("[\n\r\x85\u2028\u2029]")
_LINE_ENDS = ("\n", "\r", "\x85", "\u2028", "\u2029")
_NEWLINES = re.compile(r"[\r\n]+")


class Assignment:
    """Finds the value assigned to one keyword."""

    __slots__ = ("_opening", "keyword")

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword
        # ASCII, because the case of the keyword is ignored for A to Z only: “ſubject” is no match.
        self._opening = re.compile(
            rf"(?:\A|(?<={_SEPARATOR})){re.escape(keyword)}[ \t\n\x0b\f\r]*:",
            re.IGNORECASE | re.ASCII,
        )

    def find(self, text: str) -> tuple[str | None, str]:
        """Return the assigned value and a note; None when the text does not match the grammar.

        A blank value is an answer of its own. Runs of CR and LF count as one blank where the text
        as it is gives nothing, which is a superset of XNAT; the note then says so.
        """
        # Most comments of most scanners hold no assignment at all.
        if ":" not in text:
            return None, ""
        note = ""
        if len(text) > LIMIT:
            text, note = text[:LIMIT], CUT
        found = self.strict(text)
        if not found and ("\n" in text or "\r" in text):
            normalised = self.strict(_NEWLINES.sub(" ", text))
            if normalised:
                return normalised, NORMALISED
        if found is None and not note and self._opening.search(text):
            note = NOT_CAPTURED
        return found, note

    def strict(self, text: str) -> str | None:
        """Match the grammar to the letter, without a limit or normalised newlines."""
        openings = [(match.start(), match.end()) for match in self._opening.finditer(text)]
        if not openings:
            return None
        last_line_end = max(text.rfind(end) for end in _LINE_ENDS)
        if openings[0][0] == 0:
            found = _value(text, openings[0][1], last_line_end)
            if found is not None:
                return found
        first = _LINE_END.search(text)
        first_line_end = first.start() if first else len(text)
        # What stands before the separator is one line; the last keyword that fits wins.
        for start, end in reversed(openings):
            if 0 < start <= first_line_end + 1:
                found = _value(text, end, last_line_end)
                if found is not None:
                    return found
        return None


def _value(text: str, start: int, last_line_end: int) -> str | None:
    """Read the value after the colon at `start`; what follows its separator must be one line."""
    blanks = _BLANKS.match(text, start)
    assert blanks is not None
    capture = _CAPTURE.match(text, blanks.end())
    assert capture is not None
    end = capture.end()
    if end == len(text):
        return capture[0]
    if text[end] in _SEPARATORS and last_line_end <= end:
        return capture[0]
    # The last blank after the colon may itself be the separator, of an empty value.
    if blanks.end() > start and last_line_end < blanks.end():
        return ""
    return None
