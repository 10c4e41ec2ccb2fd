# SPDX-License-Identifier: Apache-2.0
"""How tests type as terminals do: a text in one write, through the parser of escape sequences and
the driver, before the app has dealt with any of it; and what comes of it. It asserts nothing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from textual import events
from textual._xterm_parser import XTermParser
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from console.runtime.typeahead import ON_THEIR_OWN, is_idle
from console.widgets.table import RecordTable
from engine.service.api import EngineApi
from tests.console.piloting import FROM_THE_FIRST

ESCAPE = "\x1b"
PASTE = re.compile(r"\x1b\[200~.*?\x1b\[201~", re.DOTALL)
KEYS = re.compile(PASTE.pattern + r"|\x1b\[[0-9;<]*[A-Za-z~]|.", re.DOTALL)
"""What a terminal sends at once: a paste, a key or a button of the mouse, a letter."""

ACTS = frozenset({"archive", "move", "relabel", "rebuild", "delete", "restore", "reset"}) | {
    *("add", "set", "edit", "remove", "start", "stop", "retry", "cancel", "note", "drop"),
    *("enable", "disable", "activate", "export_begun"),
}
"""Verbs of the engine that change something."""


@dataclass
class NotingEngine(EngineApi):
    """Another engine, of which it is noted what was done."""

    engine: Any
    done: list[str] = field(default_factory=list)

    def __getattr__(self, noun: str) -> Any:
        return _Noun(getattr(self.engine, noun), noun, self.done)


@dataclass
class _Noun:
    noun: Any
    name: str
    done: list[str]

    def __getattr__(self, verb: str) -> Any:
        asked = getattr(self.noun, verb)
        if verb not in ACTS:
            return asked

        def noted(*given: Any, **named: Any) -> Any:
            self.done.append(f"{self.name}.{verb} {given} {named}")
            return asked(*given, **named)

        return noted


def write(app: Any, text: str) -> None:
    """Type a text in one write; a lone escape is no part of what follows it."""
    parser = XTermParser()
    for key in KEYS.findall(text):
        alone: Iterable[Any] = [events.Key("escape", ESCAPE)]
        for event in alone if key == ESCAPE else parser.feed(key):
            app._driver.process_message(event)


async def calm(pilot: Pilot[Any]) -> None:
    """Wait until nothing that was typed, nor anything that it has begun, is on its way, and what
    has opened is on show."""
    app: Any = pilot.app
    still = 0
    while still < 3 and app.is_running:
        await asyncio.sleep(0.002)
        nodes = [app, *(each for one in app.screen_stack for each in one.walk_children())]
        working = any(
            one.group not in (*ON_THEIR_OWN, *FROM_THE_FIRST) and not _rests(app, one)
            for one in app.workers
        )
        hidden = isinstance(app.screen, ModalScreen) and app.screen not in app.ahead._seen
        on_its_way = working or hidden or app.ahead._busy
        still = still + 1 if not on_its_way and all(map(is_idle, nodes)) else 0


def stand(app: Any) -> dict[str, Any]:
    """Say what an app shows now, and what was done with it."""
    if not app.is_running:
        return {"ended": True, "done": list(app.context.engine.done)}
    focused, stack = app.screen.focused, app.screen_stack
    tables = [one for each in stack for one in each.query(RecordTable)]
    return {
        "screens": [type(one).__name__ for one in stack],
        "mode": app.current_mode,
        "focus": None if focused is None else (type(focused).__name__, focused.id),
        "row": focused.cursor_key if isinstance(focused, RecordTable) else None,
        "typed": [
            *(one.value for each in stack for one in each.query(Input)),
            *(one.text for each in stack for one in each.query(TextArea)),
        ],
        "marks": [sorted(one.marks.keys) for one in tables],
        "order": [(one.sort, one.descending) for one in tables],
        "done": list(app.context.engine.done),
    }


async def typed_slowly(pilot: Pilot[Any], text: str) -> None:
    """Type a text key by key, each once the one before has had its effect; but leave out what the
    console says that it drops of a text that comes in one write: of what is typed ahead, whatever
    has opened in front takes text for its input only, and a command line the command; and nothing
    is done of what stands behind a key that is refused."""
    app: Any = pilot.app
    before = app.screen
    for key in KEYS.findall(text):
        if not app.is_running:
            return
        if isinstance(app.screen, ModalScreen) and app.screen is not before:
            field: Any = app.screen.focused
            writes = isinstance(field, (Input, TextArea))
            command = type(app.screen).__name__ == "CommandPalette" and key == "\r"
            if command:
                writes = bool(field.value)
            letter = key.isprintable() or key == "\x7f" or PASTE.match(key) is not None
            if not writes or not (letter or command):
                return
        write(app, key)
        await calm(pilot)
        if app.ahead._refused is not None:
            return


def _rests(app: Any, worker: Any) -> bool:
    return worker in app.ahead._resting or app.ahead._waits_for_person(worker)
