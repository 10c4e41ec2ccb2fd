# SPDX-License-Identifier: Apache-2.0
"""What comes before a screen opens: what its person has set, and what he left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import attach
from console.app import ConsoleApp
from console.demo import run
from console.runtime.memory import state_file
from console.runtime.preferences import preferences_file
from console.screens.base.quit import Leave
from engine.model.errors import InvalidSettings
from engine.model.home import Home
from engine.server.http import Listeners

pytestmark = pytest.mark.usefixtures("own")


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Provide the person empty folders of his own."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    preferences_file().parent.mkdir(parents=True)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[ConsoleApp]:
    """Provide the consoles that were opened; each is left at once."""
    apps: list[ConsoleApp] = []

    async def open(self: ConsoleApp) -> Leave:
        apps.append(self)
        self.context.memory.state.theme = "nord"
        self.context.memory.save()
        return Leave.RUNNING

    monkeypatch.setattr(ConsoleApp, "open", open)
    return apps


async def test_wrong_preferences_are_said_before_anything_opens_or_starts(
    home: Path, opened: list[ConsoleApp], monkeypatch: pytest.MonkeyPatch
) -> None:
    preferences_file().write_text("mouse: sometimes\n", "utf-8")
    found = Home.find(home, {})

    async def never(home: Home) -> bool:
        raise AssertionError("the home was looked at")

    monkeypatch.setattr(attach, "runs", never)
    for begun in (attach.console(found), attach.watch(found), run.demo()):
        with pytest.raises(InvalidSettings, match=r"console\.yaml"):
            await begun
    assert not opened


async def test_a_console_wears_what_its_person_has_set_and_remembers(
    served: Listeners, home: Path, opened: list[ConsoleApp]
) -> None:
    preferences_file().write_text("mouse: off\n", "utf-8")
    await attach.console(Home.find(home, {}))
    await attach.console(Home.find(home, {}))
    first, second = opened
    assert not first.context.preferences.uses_mouse
    assert (first.context.owner, first.context.watching) == (False, False)
    assert state_file().exists()
    # An engine that hangs is told of on the screen.
    assert first.context.engine.silent == first.silent  # type: ignore[attr-defined]
    assert second.theme == "nord"


async def test_a_watching_console_only_watches(
    served: Listeners, home: Path, opened: list[ConsoleApp]
) -> None:
    await attach.watch(Home.find(home, {}))
    (app,) = opened
    assert app.context.watching and not app.context.owner
    assert app.context.engine.silent == app.silent  # type: ignore[attr-defined]
