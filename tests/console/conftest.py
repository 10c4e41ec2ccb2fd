# SPDX-License-Identifier: Apache-2.0
"""A home whose engine is in memory, and the command line run against it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from typer.testing import CliRunner

from console.cli import app
from engine.model.home import Home
from engine.server.http import Listeners
from tests.console.piloting import RESTS, TIMERS, idle
from tests.memory import Facts, HostInMemory


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it wrote, as JSON."""
        return json.loads(self.out)


class CommandLine:
    """Runs commands on a home, in a thread: each command has an event loop of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    async def __call__(self, *words: str, stdin: str | None = None) -> Ran:
        """Run `anteroom --home HOME words...`."""
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["--home", str(self.home), *words], input=stdin
        )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Ran(code=done.exit_code, out=done.stdout, err=done.stderr)


@pytest.fixture
def home() -> Any:
    """Provide a folder whose path is short enough for a socket."""
    with TemporaryDirectory(prefix="anteroom-") as folder:
        yield Path(folder)


@pytest.fixture
def facts() -> Facts:
    """Provide what the engine knows."""
    return Facts()


@pytest.fixture
async def served(home: Path, facts: Facts) -> AsyncIterator[Listeners]:
    """Serve an engine in memory on the home."""
    listeners = await Listeners.open(
        HostInMemory(facts), Home.find(home, {}).claim_socket(os.environ)
    )
    yield listeners
    await listeners.close()


@pytest.fixture
def alone(home: Path) -> CommandLine:
    """Run commands on a home without an engine."""
    return CommandLine(home)


@pytest.fixture
def anteroom(served: Listeners, home: Path) -> CommandLine:
    """Run commands on a home whose engine runs."""
    return CommandLine(home)


@pytest.fixture(autouse=True, scope="session")
def _parsed_once() -> Iterator[None]:
    """Let all apps of these tests share what their style sheets are parsed to: to parse them is a
    good part of what it costs to open a screen."""
    known: dict[object, list[RuleSet]] = {}
    parse = Stylesheet._parse_rules

    def parsed(sheet: Any, *given: Any, **named: Any) -> list[RuleSet]:
        key = (tuple(sheet._variables.items()), given, tuple(named.items()))
        if key not in known:
            known[key] = parse(sheet, *given, **named)
        return known[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parsed)
        yield


@pytest.fixture(autouse=True)
def _idle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pilot wait until an app is idle, not until the processor is: that costs a fiftieth of
    a second each time, and up to a second on a busy machine."""
    for where in ("textual.app", "textual.pilot"):
        monkeypatch.setattr(f"{where}.wait_for_idle", idle)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the console wait for no end of the typing, no cursor, and no rest between two looks."""
    for timer in (*TIMERS, *RESTS):
        monkeypatch.setattr(timer, 0.001)
