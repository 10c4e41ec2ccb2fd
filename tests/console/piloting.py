# SPDX-License-Identifier: Apache-2.0
"""How tests drive the console: an app on an engine in memory, waiting for what shall come to hold,
and the screen as it is sent to the terminal. It asserts nothing itself."""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.style import Style
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.runtime.preferences import Preferences
from console.widgets.table import RecordTable
from tests.memory import NOON, Facts, HostInMemory

HOSTILE = "\x1b]52;c;cHdu\x1b\\DOE^JANE[/b][@click=app.exit]x\x9b31m\u202e\ud800\nz"
"""Acts on a terminal, is markup, and turns the direction of writing, if nobody looks at it."""

WIDE, SMALL, TINY = (120, 36), (80, 24), (40, 10)
SIZES = [WIDE, SMALL, TINY]
"""Terminals: a full one, the smallest that shows all, and one that shows too little."""


class Clock:
    """A time of day that goes on only when it is told to."""

    def __init__(self, now: datetime = NOON + timedelta(minutes=1)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def goes_on(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)


def console(facts: Facts, mode: str = "live", **options: Any) -> ConsoleApp:
    """Make a console that begins in a mode; `options` are those of `Desk`, and `reaction`."""
    options.setdefault("clock", Clock())
    options.setdefault("memory", StateFile(None))
    preferences = options.get("preferences", Preferences())
    # Who drives it here acts as soon as something is painted.
    reaction = options.pop("reaction", 0.0)
    options["preferences"] = msgspec.structs.replace(preferences, reaction=reaction)
    # Its module is where Textual looks for its style sheets.
    begins = {"DEFAULT_MODE": mode, "__module__": ConsoleApp.__module__}
    kind: type[ConsoleApp] = type("ConsoleApp", (ConsoleApp,), begins)
    return kind(HostInMemory(facts).acting("me"), **options)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Let the app go on until something holds."""
    for _ in range(1_000):
        if holds():
            return
        await pilot.pause(0.005)
    raise AssertionError(f"it never came to hold:\n{painted(pilot.app)}")


async def shown(pilot: Pilot[Any], *texts: str) -> None:
    """Let the app go on until all of these stand on the screen."""
    await until(pilot, lambda: all(text in painted(pilot.app) for text in texts))


async def settled(pilot: Pilot[Any]) -> None:
    """Let the app go on until the screen stays as it is."""
    before: list[object] = []
    same = 0
    # Longer than a cursor has to rest until a card is filled.
    while same < 3:
        await pilot.pause(0.1)
        now: list[object] = list(_lines(pilot.app))
        before, same = now, same + 1 if now == before else 0


def table(app: Any, name: str) -> RecordTable:
    """Return a table of the screen on show."""
    found: RecordTable = app.screen.query_one(f"#{name}", RecordTable)
    return found


def keys(app: Any, name: str) -> list[str]:
    """Return the keys of the rows that a table knows."""
    return [row.key for row in table(app, name).rows]


def painted(app: Any) -> str:
    """Return the text of the whole screen as it is sent to the terminal."""
    return "\n".join("".join(text for text, _ in line) for line in _lines(app))


def styled(app: Any) -> str:
    """Return the styles of the whole screen: a letter for each run of cells, and what they mean.

    Letters are given in the order in which styles come, so that a picture is the same each time.
    """
    names: dict[str, str] = {}
    letters = iter(string.ascii_lowercase + string.ascii_uppercase + string.digits)
    picture = []
    for line in _lines(app):
        runs: list[list[Any]] = []
        for text, style in line:
            said = _said(style)
            if said not in names:
                names[said] = next(letters)
            if runs and runs[-1][0] == names[said]:
                runs[-1][1] += cell_len(text)
            else:
                runs.append([names[said], cell_len(text)])
        picture.append(" ".join(f"{letter}{length}" for letter, length in runs))
    legend = [f"{letter}: {said}" for said, letter in names.items()]
    return "\n".join([*legend, "", *picture])


def _lines(app: Any) -> Iterator[list[tuple[str, Style]]]:
    for strip in app.screen._compositor.render_strips():
        yield [(segment.text, segment.style or Style()) for segment in strip if segment.text]


def _said(style: Style) -> str:
    words = [
        word
        for word in ("bold", "dim", "italic", "underline", "reverse", "strike")
        if getattr(style, word)
    ]
    front = "-" if style.color is None else style.color.name
    back = "-" if style.bgcolor is None else style.bgcolor.name
    return " ".join([f"{front} on {back}", *words])
