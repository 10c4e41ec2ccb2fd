# SPDX-License-Identifier: Apache-2.0
"""Pictures of every screen: its text and its colours, in full terminals and small ones, on days of
every kind. `make test ARGS=--snapshot-update` takes them anew; look at what has changed."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import pytest
from rich.cells import cell_len
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from console.app import ConsoleApp
from engine.model.errors import Unavailable
from tests.console import ledgers
from tests.console.piloting import (
    HOSTILE,
    SMALL,
    WIDE,
    console,
    painted,
    settled,
    shown,
    styled,
    turned,
    until,
)
from tests.console.scenes import SCENES
from tests.memory import Facts

MODES = (
    "live",
    "prearchive",
    "quarantine",
    "archive",
    "scripts",
    "projects",
    "ledger",
    "audit",
    "system",
)
OPENED: dict[str, tuple[str, tuple[str, ...]]] = {
    "session": ("prearchive", ("home", "enter")),
    "trash": ("prearchive", ("d",)),
    "filed": ("archive", ("home", "enter")),
    "keys": ("prearchive", ("question_mark",)),
    "delete": ("prearchive", ("asterisk", "x")),
    "acceptances": ("system", ("d",)),
    "palette": ("prearchive", ("colon",)),
    "script": ("scripts", ("home", "j", "enter")),
    "compare": ("prearchive", ("home", "colon", *"compare", "enter", "enter")),
    "desk": ("prearchive", ("home", "full_stop")),
    "session done": ("prearchive", ("home", "enter", "tab:Done")),
    "session same": ("prearchive", ("home", "enter", "tab:Done", "=")),
    "session to come": ("prearchive", ("home", "enter", "tab:To come")),
    "session findings": ("prearchive", ("home", "enter", "tab:Findings")),
    "session routing": ("prearchive", ("home", "enter", "tab:Routing")),
    "session time": ("prearchive", ("home", "enter", "tab:Time")),
    "session log": ("prearchive", ("home", "enter", "tab:Log")),
    "session files": ("prearchive", ("home", "enter", "tab:Files")),
    "filed files": ("archive", ("home", "enter", ">")),
    "filed history": ("archive", ("home", "enter", ">", ">")),
    "filed document": ("archive", ("home", "enter", ">", ">", ">")),
    "rules": ("projects", ("home", "j", "enter")),
    "receivers": ("system", (">",)),
    "jobs": ("system", (">", ">")),
    "settings": ("system", ("<",)),
    "moment": ("audit", ("m", "enter", "enter")),
    "people": ("system", ("u",)),
    "ledger by sender": ("ledger", ("f", "j", "enter")),
    "ledger card": ("ledger", ("c",)),
    "held": ("ledger", ("j", "enter", "enter")),
    "drop": ("ledger", ("j", "x")),
    "members": ("projects", ("G", "k", "m")),
    "sign": ("system", ("d", "a")),
    "script problems": ("scripts", ("home", "enter", *"- (00(", "enter", *"x := y", "f8")),
    "script words": ("scripts", ("home", "enter", "ctrl+end", *"- PatientN", "tab")),
    "script versions": ("scripts", ("home", "enter", "ctrl+o")),
    "script compared": ("scripts", ("home", "enter", *"// a", "enter", "ctrl+o", "G", "enter")),
    "script lookups": ("scripts", ("home", "j", "enter", "f4")),
    "script dry run": ("scripts", ("home", "j", "enter", "f5", "enter")),
    "script samples": ("scripts", ("home", "j", "enter", "ctrl+t")),
    "script saving": ("scripts", ("home", "enter", *"// a", "enter", "ctrl+s")),
    "release": ("quarantine", ("asterisk", "a")),
    "images": ("prearchive", ("home", "enter", "V")),
    "images box": ("prearchive", ("home", "enter", "V", "b", "l", "j")),
}
"""The mode in which a screen is opened, and the keys that open it."""

QUESTIONS = {"keys", "desk", "delete", "palette", "sign", "release", "script saving"}
"""What hides the screen below, and with it that the engine is lost."""

_OF_SESSIONS = ("session", "images", "filed", "delete", "desk", "compare")
NEED_SESSIONS = {name for name in OPENED if name.startswith(_OF_SESSIONS)}
BEFORE = {"filed": 2}
PARTS = set(list(OPENED)[9:])
"""Parts of screens that have a picture already: a day like any other and a hostile one do."""

CASES = [
    (name, scene)
    for name in (*MODES, *OPENED)
    for scene in SCENES
    if (scene != "empty" or name not in NEED_SESSIONS)
    and (scene in ("normal", "hostile") or name not in PARTS)
]

ACTING = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that act or hide."""


class Pictures(SingleFileSnapshotExtension):
    """A picture is a text, in a file of its own."""

    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.fixture
def picture(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Provide what compares a picture with the one that is kept."""
    return snapshot.use_extension(Pictures)


@pytest.fixture(autouse=True)
def _still(hurried: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the time of day be the same everywhere, and no cursor blink."""
    for kind in (Input, TextArea):
        monkeypatch.setattr(kind, "_toggle_cursor", lambda self: None, raising=False)
        monkeypatch.setattr(kind, "_toggle_cursor_blink_visible", lambda self: None, raising=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def taken(app: ConsoleApp) -> str:
    """Take a picture: the text, then the styles, with how often a line is repeated."""
    lines = []
    for line, same in groupby(styled(app).splitlines()):
        times = len(list(same))
        lines.append(line if times == 1 else f"{line}  x{times}")
    return "\n".join([painted(app), "", *lines, ""])


async def lost(pilot: Pilot[Any], app: ConsoleApp, facts: Facts) -> None:
    """Let the engine be gone."""

    failed = set()

    def failing(verb: str) -> Any:
        async def fails(*args: object, **options: object) -> Any:
            failed.add(verb)
            raise Unavailable("no engine is running on this home")

        return fails

    for noun, verb in ((app.context.engine.events, "after"), (app.context.engine.system, "status")):
        setattr(noun, verb, failing(verb))
    await facts.tell("engine", "")
    await until(pilot, lambda: failed == {"after", "status"})
    await shown(pilot, "what is shown is old")


def mode_of(name: str) -> str:
    """Return the mode in which a screen is opened."""
    return OPENED.get(name, (name, ()))[0]


@pytest.mark.parametrize(("name", "scene"), CASES)
@pytest.mark.parametrize("size", [WIDE, SMALL], ids=["120x36", "80x24"])
async def test_a_screen_looks_as_it_did(
    name: str, size: tuple[int, int], scene: str, picture: SnapshotAssertion
) -> None:
    facts = SCENES[scene]()
    if mode_of(name) == "ledger" and scene != "empty":
        ledgers.fill(facts, HOSTILE if scene == "hostile" else "")
    mode, keys = OPENED.get(name, (name, ()))
    if size == SMALL and name in PARTS:
        # What stands beside the tabs elsewhere are tabs before them here.
        keys = (*keys, *(">" * BEFORE.get(name.partition(" ")[0], 0)))
    app = console(facts, mode)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in keys:
            if key.startswith("tab:"):
                await turned(pilot, key.removeprefix("tab:"))
            else:
                await pilot.press(key)
            await settled(pilot)
        if scene == "trouble" and name not in QUESTIONS:
            await lost(pilot, app, facts)
            await settled(pilot)
        text = painted(app)
        assert {cell_len(line) for line in text.splitlines()} == {size[0]}
        assert len(text.splitlines()) == size[1]
        assert not ACTING & {unicodedata.category(each) for each in text.replace("\n", "")}
        assert taken(app) == picture
