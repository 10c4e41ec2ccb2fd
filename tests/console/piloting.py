# SPDX-License-Identifier: Apache-2.0
"""How tests drive the console: an app on an engine in memory, waiting for what shall come to hold,
and the screen as it is sent to the terminal. It asserts nothing itself."""

from __future__ import annotations

import asyncio
import string
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.style import Style
from textual._context import active_app
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.runtime.memory import StateFile
from console.runtime.preferences import Preferences
from console.runtime.typeahead import ON_THEIR_OWN, is_idle
from console.widgets.table import RecordTable
from engine.model.people import Actor
from tests.memory import NOON, Facts, HostInMemory

HOSTILE = "\x1b]52;c;cHdu\x1b\\DOE^JANE[/b][@click=app.exit]x\x9b31m\u202e\ud800\nz"
"""Acts on a terminal, is markup, and turns the direction of writing, if nobody looks at it."""

WIDE, SMALL, TINY = (120, 36), (80, 24), (40, 10)
SIZES = [WIDE, SMALL, TINY]
"""Terminals: a full one, the smallest that shows all, and one that shows too little."""

FROM_THE_FIRST = ("events", "status", "typed")
"""Groups of workers that go on as long as the app."""

LOOK_EVERY = 0.002
ROUNDS = 3
LONG = 150
"""Looks at an app: seconds between two, how many in a row find one that is done, and how many one
whose workers wait."""

SOON = 1.0
"""A timer of so many seconds, or fewer, is waited for; one of more is for later."""

TYPING = (
    *("console.widgets.filter_line.PAUSE", "console.screens.rule_editing.CHECK_PAUSE"),
    *("console.screens.session_choice.PAUSE", "console.screens.script_checking.CHECK_PAUSE"),
)
"""What waits for the end of the typing: half a text would find other things."""

RESTS = (
    *("console.runtime.status.STATUS_REST", "console.runtime.events.PACE"),
    *("console.screens.live.REST", "console.screens.base.session.REST"),
)
"""What rests between two looks at what goes on changing."""

TIMERS = (
    *TYPING,
    *("console.screens.base.list.CARD_PAUSE", "console.screens.base.session.CURSOR_PAUSE"),
    *("console.screens.base.screen.BaseScreen.REST", "console.screens.projects.PAUSE"),
    *("console.screens.system.SystemScreen.REST", "console.screens.system.PAUSE"),
    *("console.screens.filed.PAUSE", "console.screens.base.short_list.PAUSE"),
    *("console.screens.base.short_list.ShortListScreen.REST", "console.screens.ledger.PAUSE"),
)
"""What waits for the end of the typing, or for a cursor to rest: whoever types slowly has waited
for all of it."""


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
    """Make a console that begins in a mode; `options` are for its context, `reaction`, and
    as whom it asks `asking`: everything is allowed if that is not given."""
    options.setdefault("clock", Clock())
    options.setdefault("memory", StateFile(None))
    preferences = options.get("preferences", Preferences())
    # Who drives it here acts as soon as something is painted.
    reaction = options.pop("reaction", 0.0)
    options["preferences"] = msgspec.structs.replace(preferences, reaction=reaction)
    # Its module is where Textual looks for its style sheets.
    begins = {"DEFAULT_MODE": mode, "__module__": ConsoleApp.__module__}
    kind: type[ConsoleApp] = type("ConsoleApp", (ConsoleApp,), begins)
    asking: Actor | str = options.pop("asking", "me")
    return kind(HostInMemory(facts).acting(asking), **options)


async def until(pilot: Pilot[Any], holds: Callable[[], bool]) -> None:
    """Let the app go on until something holds."""
    app: Any = pilot.app
    for _ in range(4_000):
        if holds():
            return
        # Cheaper than a pause of the pilot, which asks every widget whether it is done.
        await asyncio.sleep(0.005)
        if app.is_running and _to_paint(app.screen):
            app.screen._on_timer_update()
    raise AssertionError(f"it never came to hold:\n{painted(app)}")


async def turned(pilot: Pilot[Any], tab: str) -> None:
    """Press `>` until a tab is on show."""
    app: Any = pilot.app
    for _ in range(20):
        before = painted(app)
        if f"‹{tab}›" in before or f"▐{tab}▌" in before:
            return
        await pilot.press(">")
        await until(pilot, lambda before=before: painted(app) != before)  # type: ignore[misc]
    raise AssertionError(f"there is no tab {tab}:\n{painted(app)}")


async def shown(pilot: Pilot[Any], *texts: str) -> None:
    """Let the app go on until all of these stand on the screen."""
    await until(pilot, lambda: all(text in painted(pilot.app) for text in texts))


async def idle(*_: float) -> None:
    """Let the app go on until nothing is left that it could do at once, or has to paint."""
    app: Any = active_app.get()
    still = 0
    while still < ROUNDS and app.is_running:
        await asyncio.sleep(LOOK_EVERY)
        still = still + 1 if _is_still(app) else 0


async def settled(pilot: Pilot[Any]) -> None:
    """Let the app go on until it stays as it is: nothing is asked, begun or to be painted. A worker
    for which nothing happens waits for what the test holds back: it is not waited for."""
    app: Any = pilot.app
    still = 0
    while still < (LONG if _works(app) else ROUNDS) and app.is_running:
        await asyncio.sleep(LOOK_EVERY)
        still = still + 1 if _is_still(app) and not _timer_runs(app) else 0


def _is_still(app: Any) -> bool:
    """Whether neither the app nor any part of it has anything to do; paint what is to be painted,
    sooner than the app would."""
    loop: Any = asyncio.get_running_loop()
    if not _to_paint(app.screen):
        return not loop._ready and all(map(is_idle, _nodes(app)))
    app.screen._on_timer_update()
    return False


def _works(app: Any) -> bool:
    """Whether a worker is at work that waits for neither news nor a person, or a key for it."""
    # A widget under test may stand in an app of its own.
    ahead = getattr(app, "ahead", None)
    groups = (*ON_THEIR_OWN, *FROM_THE_FIRST)
    at_work = [worker for worker in app.workers if worker.group not in groups]
    if ahead is None:
        return bool(at_work)
    resting = (one in ahead._resting or ahead._waits_for_person(one) for one in at_work)
    return ahead._busy or not all(resting)


def _timer_runs(app: Any) -> bool:
    """Whether something is put off for a moment, not for later."""
    return any(
        timer._repeat == 0 and timer._interval <= SOON and not timer._task.done()
        for node in _nodes(app)
        for timer in node._timers
        if timer._task is not None
    )


def _nodes(app: Any) -> Iterator[Any]:
    yield app
    for screen in app.screen_stack:
        yield from screen.walk_children(with_self=True)


def _to_paint(screen: Any) -> bool:
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


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
