"""The table for live rows: what it draws, what it repaints, and where its cursor is."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region

from console.widgets.table import POINTER, RecordTable, Row, TableColumn

COLUMNS = (
    TableColumn(title="State", width=6),
    TableColumn(title="Name", width=8, grows=True),
    TableColumn(title="Extra", width=10, priority=2),
    TableColumn(title="Count", width=6, right=True),
)


class TableApp(App[None]):
    """A table alone."""

    CSS: ClassVar[str] = "RecordTable { height: 6; }"

    def __init__(self) -> None:
        super().__init__()
        self.animation_level = "none"
        self.table = RecordTable(COLUMNS, empty="nothing here", id="table")
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table

    def on_record_table_row_chosen(self, message: RecordTable.RowChosen) -> None:
        assert message.control is self.table
        self.chosen.append(message.key)

    def lines(self) -> list[str]:
        """Give what the table draws."""
        height = self.table.size.height
        return ["".join(s.text for s in self.table.render_line(y)) for y in range(height)]


def row(number: int, count: int = 0) -> Row:
    return Row(key=str(number), cells=("ok", f"name{number}", "extra", str(count)))


def rows(number: int) -> list[Row]:
    return [row(one) for one in range(number)]


async def test_rows_stand_under_their_titles() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)):
        assert app.lines()[1].strip() == "nothing here"
        app.table.show([row(1, 12), row(2, 3456)])
        head, first, second, *rest = app.lines()
        assert head.split() == ["State", "Name", "Extra", "Count"]
        assert first.split() == [POINTER, "ok", "name1", "extra", "12"]
        assert second.split() == ["ok", "name2", "extra", "3456"]
        assert first.rstrip().endswith("    12")
        assert not "".join(rest).strip()
        assert {cell_len(line) for line in app.lines()} == {50}


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (50, ["State", "Name", "Extra", "Count"]),
        (34, ["State", "Name", "Count"]),
        (12, ["State", "Nam"]),
    ],
)
async def test_columns_go_by_priority(width: int, titles: list[str]) -> None:
    app = TableApp()
    async with app.run_test(size=(width, 10)):
        app.table.show(rows(3))
        assert app.lines()[0].split() == titles
        assert {cell_len(line) for line in app.lines()} == {width}


async def test_only_what_changed_is_repainted(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.show(rows(4))
        await pilot.pause()
        dirty: list[Any] = []
        refresh = app.table.refresh

        def noted(*regions: Region, **options: Any) -> Any:
            dirty.append(regions)
            return refresh(*regions, **options)

        monkeypatch.setattr(app.table, "refresh", noted)
        app.table.show([row(0), row(1, 7), row(2), row(3)])
        assert dirty == [(Region(0, 2, 50, 1),)]
        dirty.clear()
        app.table.show([row(0), row(1, 7), row(2), row(3)])
        assert dirty == []


async def test_keys_move_the_cursor_and_the_window_follows() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.show(rows(100))
        app.table.focus()
        await pilot.pause()
        seen = []
        for key in ("j", "down", "k", "pagedown", "ctrl+d", "G", "pageup", "home", "up"):
            await pilot.press(key)
            seen.append(app.table.cursor_key)
            assert any(POINTER in line for line in app.lines()), key
        assert seen == ["1", "2", "1", "5", "9", "99", "95", "0", "0"]
        await pilot.press("end", "enter")
        assert app.chosen == ["99"]
        assert app.lines()[-1].split()[:3] == [POINTER, "ok", "name99"]


@pytest.mark.parametrize(
    ("after", "cursor"),
    [
        ([row(9), *rows(5)], "2"),
        ([row(9), row(0), row(3), row(4)], "3"),
        ([row(9)], "9"),
        ([], None),
    ],
)
async def test_the_cursor_stays_on_its_object_and_else_on_its_line(
    after: list[Row], cursor: str | None
) -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.show(rows(5))
        app.table.focus()
        await pilot.press("j", "j")
        app.table.show(after)
        assert app.table.cursor_key == cursor
        await pilot.press("enter")
        assert app.chosen == ([cursor] if cursor else [])


async def test_a_click_puts_the_cursor_there() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 10)) as pilot:
        app.table.show(rows(3))
        await pilot.click(RecordTable, offset=(5, 2))
        assert app.table.cursor_key == "1"
        await pilot.click(RecordTable, offset=(5, 5))
        assert app.table.cursor_key == "1"
