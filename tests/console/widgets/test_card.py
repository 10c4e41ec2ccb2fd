# SPDX-License-Identifier: Apache-2.0
"""The card beside a list: whatever stands in it, it keeps its width."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from console.views.text import wrapped
from console.widgets.card import LONGEST, Card, card_lines
from tests.console.piloting import HOSTILE, painted, settled


class CardApp(App[None]):
    """A card alone."""

    def compose(self) -> ComposeResult:
        yield Card(id="card")


@pytest.mark.parametrize("width", [20, 40, 80])
async def test_a_card_wraps_to_its_width(width: int) -> None:
    app = CardApp()
    async with app.run_test(size=(width, 30)) as pilot:
        card = app.query_one(Card)
        card.show(HOSTILE, [("Name", "山田^太郎 " * 20), ("Other", HOSTILE), ("", "A" * 60_000)])
        await settled(pilot)
        lines = painted(app).splitlines()
        assert {cell_len(line) for line in lines} == {width}
        assert not {"\x1b", "\x9b", "\u202e", "\ud800"} & set("".join(lines))
        assert lines[0].startswith("Name") or lines[0].strip().startswith("Name")
        await pilot.resize_terminal(60, 30)
        await settled(pilot)
        assert {cell_len(line) for line in painted(app).splitlines()} == {60}


async def test_a_card_scrolls_only_what_does_not_fit() -> None:
    class Early(CardApp):
        """Fills the card before it is laid out."""

        def on_mount(self) -> None:
            self.query_one(Card).show("Early", [("Name", "one two three " * 10)])

    app = Early()
    async with app.run_test(size=(100, 8)) as pilot:
        await settled(pilot)
        card = app.query_one(Card)
        assert not card.show_vertical_scrollbar
        card.show("Later", [("Name", "one two three " * 40)] * 2)
        await settled(pilot)
        assert card.show_vertical_scrollbar


def test_a_value_stands_beside_its_name_and_under_itself() -> None:
    lines = [line.plain for line in card_lines("Name", "one two three four", 20)]
    assert lines == ["Name      one two", "          three four"]
    assert [line.plain for line in card_lines("", "over all", 20)] == ["over all"]
    assert sum(len(line.plain) for line in card_lines("", "A" * 60_000, 20)) == LONGEST


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 5, [""]),
        ("one two  three", 7, ["one two", "three"]),
        ("山田太郎山", 5, ["山田", "太郎", "山"]),
        ("e\u0301" * 5, 3, ["e\u0301" * 3, "e\u0301" * 2]),
        ("ab xxxxxxx yz", 5, ["ab", "xxxxx", "xx yz"]),
        ("  begins", 20, ["  begins"]),
    ],
)
def test_texts_are_wrapped_by_cells(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines
