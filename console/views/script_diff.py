# SPDX-License-Identifier: Apache-2.0
"""What differs between two texts of a script, line by line, with some lines around it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from console.views.script_draft import tidy

AROUND = 3
"""Lines that are shown before and after what differs."""

LONG = 400
"""Lines from which on those that come often are no anchors: the exact way would take too long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffLine:
    """One line: of both texts, or of one of them."""

    sign: str
    """`-` in the first text only, `+` in the second only, a blank in both, `…` lines left out."""
    number: int
    """In the text that it is of, the second one where it is of both; 0 for none."""
    text: str


def whole(text: str) -> list[DiffLine]:
    """Return a text without anything to compare it with."""
    lines = tidy(text).split("\n")
    return [DiffLine(sign=" ", number=number, text=one) for number, one in enumerate(lines, 1)]


def compared(before: str, after: str) -> list[DiffLine]:
    """Return what differs between two texts; nothing where they are the same."""
    old, new = tidy(before).split("\n"), tidy(after).split("\n")
    matcher = SequenceMatcher(None, old, new, autojunk=len(old) + len(new) > LONG)
    made: list[DiffLine] = []
    for group in matcher.get_grouped_opcodes(AROUND):
        first = group[0][3]
        if first or made:
            made.append(DiffLine(sign="…", number=0, text=""))
        for kind, old_at, old_end, new_at, new_end in group:
            if kind == "equal":
                made += _lines(" ", new, new_at, new_end)
            else:
                made += _lines("-", old, old_at, old_end)
                made += _lines("+", new, new_at, new_end)
    return made


def changes(lines: Sequence[DiffLine]) -> list[int]:
    """Return where each change begins."""
    return [
        at
        for at, one in enumerate(lines)
        if one.sign in "+-" and (not at or lines[at - 1].sign not in "+-")
    ]


def _lines(sign: str, texts: Sequence[str], start: int, end: int) -> list[DiffLine]:
    return [DiffLine(sign=sign, number=at + 1, text=texts[at]) for at in range(start, end)]
