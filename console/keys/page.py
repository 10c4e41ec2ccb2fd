# SPDX-License-Identifier: Apache-2.0
"""The reference of all keys, `docs/keys.md`, generated from the key table. `make keys` writes it,
and a test keeps the two in step."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from console.keys.key import GLOBAL, MARKING, MOVING, SORTING, Key
from console.keys.table import MODES, SCREENS

_BEGIN = """# Keys

`?` shows the keys of the screen that is open, and says which are off now and why. `:` finds
everything by name, also what has no key. Every verb of a session is a command of `anteroom` too.

Keys are obeyed one after the other, however fast they come: text after a key that opens a field
(`/`, `:`, a question with one) is written into that field, and a paste onto a list does nothing.
What opens in front of a screen takes no key that was typed before it was on show, but for text into
its field; `:` takes a command and `enter` typed ahead. Where a key is refused ("not now: ..."),
what was typed behind it at once is dropped, and that is said: it may have been for a question.

This page is made from the key table: `make keys` writes it anew.
"""


def page() -> str:
    """Return the page."""
    parts = [
        _BEGIN,
        _section("Modes", ((number, f"go to {title}") for number, _, title in MODES)),
        _section("Everywhere", _told(GLOBAL)),
        _section("In lists", _told((*MOVING, *SORTING))),
        _section("In lists whose rows can be marked", _told(MARKING)),
        *(_section(screen.title, _told(screen.keys)) for screen in SCREENS.values()),
    ]
    return "\n".join(parts)


def _told(keys: Iterable[Key]) -> Iterable[tuple[str, str]]:
    return ((one.shown, f"{one.label.rstrip('…')}: {one.help}") for one in keys)


def _section(title: str, keys: Iterable[tuple[str, str]]) -> str:
    rows = "".join(f"| {_cell(shown)} | {_cell(does, code=False)} |\n" for shown, does in keys)
    return f"## {title}\n\n| Key | Does |\n| --- | --- |\n{rows}"


def _cell(text: str, *, code: bool = True) -> str:
    text = text.replace("|", "\\|")
    return f"`{text}`" if code else text.replace("<", "\\<").replace("*", "\\*")


if __name__ == "__main__":
    sys.stdout.write(page())
