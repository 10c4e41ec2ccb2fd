# SPDX-License-Identifier: Apache-2.0
"""A folded header on the screen: folding, searching, values in full, hostile and huge ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult

from console.screens.base.header_view import HeaderView
from console.screens.base.overlays import TextScreen
from console.widgets.table import Row
from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind
from tests.console.piloting import HOSTILE, painted, shown
from tests.memory.contents import header


class HeaderApp(App[None]):
    """A header alone."""

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.view = HeaderView(id="header")
        self.changes = 0

    def compose(self) -> ComposeResult:
        yield self.view

    def on_searchable_changed(self, message: HeaderView.Changed) -> None:
        assert message.control is self.view
        self.changes += 1


def strange(text: str) -> FoldedHeader:
    """Make a header of which one element holds a text, and one is called so."""
    row = HeaderRow(
        path="(0010,0010)",
        tag="(0010,0010)",
        kind=RowKind.ELEMENT,
        depth=0,
        vr="PN",
        name="PatientName",
        values=(FoldedValue(text=text, files=1),),
        distinct=1,
        files=1,
    )
    named = replace(row, path="(0011,1001)", tag="(0011,1001)", creator=text, name=text)
    return FoldedHeader(rows=(row, named), files=1, total=1)


async def test_branches_unfold_by_keys_and_stay_so() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(header(3))
        app.view.table.focus()
        app.view.table.go_to_key("(0008,1140)")
        await pilot.press("l", "j", "right", "j", "j")
        assert app.view.table.cursor_key == "(0008,1140)[1].(0008,1155)"
        await shown(pilot, "▾ 0008,1140", "▾ item 1", "▸ item 2", "1.2.9.1")
        await pilot.press("h")
        assert app.view.table.cursor_key == "(0008,1140)[1]"
        await pilot.press("h", "h")
        assert app.view.table.cursor_key == "(0008,1140)"
        app.view.show(header(5))
        await shown(pilot, "▾ 0008,1140", "▸ item 1", "5 values: 1 │ 2 │ 3 …")
        assert app.view.table.cursor_key == "(0008,1140)"
        await pilot.press("enter")
        await shown(pilot, "▸ 0008,1140")


async def test_the_cursor_comes_back_after_no_header() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)):
        app.view.show(header(3))
        app.view.table.go_to_key("(0010,0020)")
        app.view.show(None, "asking")
        assert "asking" in painted(app) or app.view.table.empty == "asking"
        app.view.show(header(4))
        assert app.view.table.cursor_key == "(0010,0020)"


async def test_a_search_goes_into_folded_branches_and_on_and_back() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(header(3))
        app.view.table.focus()
        await pilot.pause()
        app.view.open_search()
        await pilot.press(*"1.2.9")
        assert app.view.table.cursor_key == "(0008,1140)[1].(0008,1155)"
        assert app.view.said == "1 of 2 found"
        await pilot.press("enter")
        assert app.view.table.has_focus
        app.view.go_on(1)
        assert app.view.table.cursor_key == "(0008,1140)[2].(0008,1155)"
        app.view.go_on(1)
        assert app.view.said == "1 of 2 found"
        app.view.go_on(-1)
        assert app.view.said == "2 of 2 found"
        await pilot.press("g")
        assert app.view.said == "2 found"
        changes = app.changes
        await pilot.press("escape")
        assert (app.view.said, app.view.searches) == ("", False)
        assert app.changes > changes
        assert "1.2.9" not in painted(app).splitlines()[0]


async def test_what_is_not_there_is_not_found_and_moves_nothing() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(header(3))
        app.view.table.go_to_key("(0010,0020)")
        app.view.open_search()
        await pilot.press(*"nowhere")
        assert app.view.said == "nothing found"
        assert app.view.table.cursor_key == "(0010,0020)"


async def test_enter_lists_the_values_with_their_counts() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(header(48))
        app.view.table.focus()
        app.view.table.go_to_key("(0020,0013)")
        await pilot.press("enter")
        assert isinstance(app.screen, TextScreen)
        await shown(pilot, "0020,0013 InstanceNumber", "1 file", "… and 40 other values")
        await pilot.press("escape")
        assert not isinstance(app.screen, TextScreen)


async def test_rows_are_copied_in_parts() -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)):
        app.view.show(header(1))
        app.view.table.go_to_key("(0010,0010)")
        offered = {one.title: one.text for one in app.view.copies()}
        assert offered == {
            "value": "DOE^JANE",
            "tag": "(0010,0010)",
            "name": "PatientName",
            "row": "0010,0010\tPatientName\tPN\tDOE^JANE",
        }
        app.view.show(None)
        assert app.view.copies() == ()


@pytest.mark.parametrize("text", [HOSTILE, HOSTILE * 2_000, "x" * 60_000])
async def test_no_value_acts_or_breaks_the_screen(text: str) -> None:
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(strange(text))
        app.view.table.focus()
        await pilot.press("j", "l", "j")
        await shown(pilot, "0011,1001")
        for key in ("enter", "escape", "g", "enter"):
            await pilot.press(key)
            screen = painted(app)
            assert "\x1b" not in screen
            assert "\u202e" not in screen
            assert "\x9b" not in screen
            assert max(map(len, screen.splitlines())) <= 100


async def test_a_long_header_is_laid_out_only_when_something_is_folded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = tuple(
        HeaderRow(
            path=f"(0029,{number:04X})",
            tag=f"(0029,{number:04X})",
            kind=RowKind.ELEMENT,
            depth=0,
            values=(FoldedValue(text=str(number), files=1),),
            distinct=1,
            files=1,
        )
        for number in range(0x1000, 0x1000 + 20_000)
    )
    app = HeaderApp()
    async with app.run_test(size=(100, 40)) as pilot:
        app.view.show(FoldedHeader(rows=rows, files=1))
        app.view.table.focus()
        laid_out: list[int] = []
        show = app.view.table.show

        def noted(rows: Sequence[Row]) -> None:
            laid_out.append(len(rows))
            show(rows)

        monkeypatch.setattr(app.view.table, "show", noted)
        await pilot.press("G", "pageup", "k", "g", "j")
        app.view.open_search()
        await pilot.press(*"19")
        app.view.go_on(1)
        assert app.view.table.total == 20_000
        assert laid_out == []
