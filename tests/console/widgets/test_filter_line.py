# SPDX-License-Identifier: Apache-2.0
"""The line in which a list is narrowed."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Static

from console.widgets.dialogs import PlainInput
from console.widgets.filter_line import FilterLine
from tests.console.piloting import until

FIELDS = frozenset({"status", "project"})


class FilterApp(App[None]):
    """A filter line alone, and what it tells."""

    def __init__(self) -> None:
        super().__init__()
        self.line = FilterLine(FIELDS, id="filter")
        self.found: list[str] = []
        self.left = 0

    def compose(self) -> ComposeResult:
        yield self.line

    def on_filter_line_changed(self, message: FilterLine.Changed) -> None:
        assert message.control is self.line
        self.found.append(str(message.filter))

    def on_filter_line_left(self, message: FilterLine.Left) -> None:
        assert message.control is self.line
        self.left += 1


def note(app: FilterApp) -> str:
    return str(app.line.query_one(".note", Static).render()).strip()


async def test_what_is_typed_is_asked_for_once_the_person_stops() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 5)) as pilot:
        assert not app.line.display
        app.line.open()
        await pilot.press(*"status:ready doe")
        await until(pilot, lambda: app.found[-1:] == ["status:ready doe"])
        # Not after every letter.
        assert len(app.found) < 6
        await pilot.press("enter")
        await until(pilot, lambda: app.left == 1)
        assert app.line.display


async def test_enter_does_not_wait() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 5)) as pilot:
        app.line.open()
        app.line.query_one(PlainInput).value = "project:NEURO3"
        await pilot.press("enter")
        await until(pilot, lambda: app.found == ["project:NEURO3"])


@pytest.mark.parametrize("typed", ["nothing:known", "status:", "!word"])
async def test_what_is_wrong_is_said_beside_it_and_not_asked_for(typed: str) -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 5)) as pilot:
        app.line.set("status:ready")
        await until(pilot, lambda: app.found == ["status:ready"])
        app.line.note("3 of 12")
        assert note(app) == "3 of 12"
        app.line.query_one(PlainInput).value = typed
        await until(pilot, lambda: app.line.query_one(".note").has_class("bad"))
        assert note(app)
        assert app.found == ["status:ready"]
        app.line.query_one(PlainInput).value = "status:ready"
        await until(pilot, lambda: note(app) == "3 of 12")


async def test_escape_drops_the_filter_and_down_keeps_it() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 5)) as pilot:
        app.line.open()
        app.line.query_one(PlainInput).value = "doe"
        await pilot.press("down")
        await until(pilot, lambda: app.left == 1)
        await until(pilot, lambda: app.found == ["doe"])
        app.line.open()
        await pilot.press("escape")
        await until(pilot, lambda: app.found == ["doe", ""])
        assert app.left == 2
        assert not app.line.display
        assert not app.line.clear()


async def test_an_empty_line_goes_when_it_is_left() -> None:
    app = FilterApp()
    async with app.run_test(size=(80, 5)) as pilot:
        app.line.open()
        assert app.line.display
        await pilot.press("down")
        await until(pilot, lambda: not app.line.display)
        assert app.found == []
