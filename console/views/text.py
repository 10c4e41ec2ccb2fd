# SPDX-License-Identifier: Apache-2.0
"""Making text from data safe for a terminal: nothing in it controls the terminal, hides anything,
or moves what stands beside it. This is the `str` form for the command line; `console.plain` does
the same for widgets."""

from __future__ import annotations

import json
import re
import unicodedata

import msgspec
from rich.cells import cell_len, chop_cells

ELLIPSIS = "…"
UNSEEN = "\N{REPLACEMENT CHARACTER}"
"""Stands for each character that would be invisible or would act: C1, bidi controls, zero-width
characters, tags, lone surrogates, private and unassigned ones."""

_DELETE = "\N{SYMBOL FOR DELETE}"
_PICTURES = 0x2400
"""The block of control pictures: one for each C0 control, at the same distance."""

_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Printable by their category, and yet nothing is seen of them."""

_WORD = re.compile(r"\s*\S+")
_WIDE_SPACE = "\N{IDEOGRAPHIC SPACE}"
_MARKS = 4
"""Combining marks that a character may carry; what is above that draws over other lines."""

_PILED = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{5,}")


def plain_text(text: str, width: int | None = None) -> str:
    """Show what is harmless in one line, a sign for the rest, cut to `width` cells."""
    if width is not None and len(text) > 16 * (width + 1):
        # Long enough to fill the width whatever is in it, short enough to look at quickly.
        text = text[: 16 * (width + 1)]
        return _cut(_seen(text) + ELLIPSIS, width)
    seen = _seen(text)
    return seen if width is None else _cut(seen, width)


def wrapped(text: str, width: int) -> list[str]:
    """Break a text that is plain into lines of at most `width` cells, if it can between words."""
    lines: list[str] = []
    line, room = "", max(2, width)
    for word in _WORD.findall(text):
        if cell_len(line) + cell_len(word) <= room:
            line += word
            continue
        lines += [line] if line else []
        *full, line = chop_cells(word.lstrip() if lines else word, room)
        lines += full
    return [*lines, line] if line or not lines else lines


def _seen(text: str) -> str:
    if not text.isprintable():
        text = "".join(map(_sign, text))
    if text.isascii():
        return text
    text = _INVISIBLE.sub(UNSEEN, text)
    return _PILED.sub(lambda found: found[0][:_MARKS] + UNSEEN, text)


def _sign(character: str) -> str:
    if character.isprintable() or character == _WIDE_SPACE:
        return character
    code = ord(character)
    if code < 0x20:
        return chr(_PICTURES + code)
    if code == 0x7F:
        return _DELETE
    return " " if unicodedata.category(character) == "Zs" else UNSEEN


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    if width <= 0:
        return ""
    cells = 0
    for place, character in enumerate(text):
        cells += cell_len(character)
        if cells > width - 1:
            return text[:place] + ELLIPSIS
    return text


def json_text(value: object) -> str:
    """Return a value as JSON. Only ASCII: some terminals act on C1 characters within JSON too."""
    return json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=True) + "\n"
