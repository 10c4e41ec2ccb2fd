# SPDX-License-Identifier: Apache-2.0
"""The table of records: what it draws and repaints, where its cursor is, and what is marked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Offset, Region
from textual.pilot import Pilot
from textual.selection import Selection

from console.views.glyphs import MARK, POINTER
from console.widgets.lines import LineTable
from console.widgets.records import MOST_MARKS, WINDOW
from console.widgets.table import RecordTable, Row, TableColumn
from tests.console.piloting import HOSTILE, painted, settled, until

COLUMNS = (
    TableColumn(title="State", width=6),
    TableColumn(title="Name", width=8, grows=True, sort="name"),
    TableColumn(title="Extra", width=10, priority=2),
    TableColumn(title="Count", width=6, right=True, sort="count", falling=True, live=True),
)
SIZE = (50, 10)


class Owner(Container):
    """Hears all that a table tells."""

    def __init__(self, table: RecordTable) -> None:
        super().__init__(table)
        self.table = table
        self.heard: list[LineTable.Told] = []

    def on_line_table_row_chosen(self, message: LineTable.Told) -> None:
        assert message.control is self.table
        self.heard.append(message)

    on_line_table_cursor_moved = on_line_table_row_chosen
    on_line_table_window_wanted = on_line_table_row_chosen
    on_record_table_sort_asked = on_line_table_row_chosen
    on_record_table_marks_changed = on_line_table_row_chosen
    on_record_table_all_wanted = on_line_table_row_chosen
    on_record_table_sideways = on_line_table_row_chosen


class TableApp(App[None]):
    """A table alone."""

    CSS: ClassVar[str] = "RecordTable { height: 8; border: round white; }"

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.animation_level = "none"
        options = {"marking": True, "sort": "name", **options}
        self.table = RecordTable(COLUMNS, empty="nothing here", id="table", **options)
        self.owner = Owner(self.table)

    def compose(self) -> ComposeResult:
        yield self.owner

    def on_mount(self) -> None:
        self.table.focus()

    def lines(self) -> list[str]:
        """Return what the table draws."""
        height = self.table.size.height
        return [self.table.render_line(y).text for y in range(height)]

    def told(self, kind: type[LineTable.Told]) -> list[Any]:
        """Return what was told of one kind."""
        return [each for each in self.owner.heard if type(each) is kind]


def chosen(app: TableApp) -> list[str]:
    """Return the keys of what an act would be about."""
    return list(app.table.chosen_keys)


def row(number: int, count: int = 0) -> Row:
    return Row(key=str(number), cells=("ok", f"name{number}", "extra", str(count)))


def rows(number: int, first: int = 0) -> list[Row]:
    return [row(one) for one in range(first, first + number)]


@contextmanager
def repainted(table: RecordTable) -> Iterator[list[tuple[Region, ...]]]:
    """Note the regions that are painted again; an empty tuple is the whole table."""
    found: list[tuple[Region, ...]] = []
    refresh = table.refresh

    def noted(*regions: Region, **options: Any) -> Any:
        found.append(regions)
        return refresh(*regions, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table, "refresh", noted)
        yield found


async def test_rows_stand_under_their_titles() -> None:
    app = TableApp(marking=False)
    async with app.run_test(size=SIZE):
        assert app.lines()[1].strip() == "nothing here"
        app.table.show([row(1, 12), row(2, 3456)])
        head, first, second, *rest = app.lines()
        assert head.split() == ["State", "Name↑", "Extra", "Count"]
        assert first.split() == [POINTER, "ok", "name1", "extra", "12"]
        assert second.split() == ["ok", "name2", "extra", "3456"]
        assert not "".join(rest).strip()
        assert {cell_len(line) for line in app.lines()} == {48}


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (50, ["State", "Name↑", "Extra", "Count"]),
        (36, ["State", "Name↑", "Count"]),
        (12, ["State"]),
        (4, []),
        (2, []),
    ],
)
async def test_columns_go_by_priority(width: int, titles: list[str]) -> None:
    app = TableApp()
    async with app.run_test(size=(width, 10)):
        app.table.show(rows(3))
        assert [word for word in app.lines()[0].split() if len(word) > 1 or titles] == titles
        assert {cell_len(line) for line in app.lines()} <= {width - 2}


async def test_what_did_not_fit_comes_in_from_the_right() -> None:
    app = TableApp()
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show(rows(3))
        assert "Extra" not in app.lines()[0]
        await pilot.press("l")
        assert "Extra" in app.lines()[0]
        for _ in range(9):
            await pilot.press("right")
        assert app.lines()[0].split() == ["State", "Count"]
        for _ in range(9):
            await pilot.press("h")
        assert app.lines()[0].split()[:2] == ["State", "Name↑"]
        assert {cell_len(line) for line in app.lines()} == {28}


async def test_only_what_changed_is_repainted() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(4))
        await pilot.pause()
        with repainted(app.table) as regions:
            app.table.show([row(0), row(1, 7), row(2), row(3)])
        assert regions == [(Region(0, 2, 48, 1),)]
        # A value that has changed was bright until now.
        with repainted(app.table) as regions:
            app.table.show([row(0), row(1, 7), row(2), row(3)])
        assert regions == [(Region(0, 2, 48, 1),)]
        with repainted(app.table) as regions:
            app.table.show([row(0), row(1, 7), row(2), row(3)])
        assert regions == []


async def test_a_live_value_that_changed_is_bright_once() -> None:
    app = TableApp()

    def bold() -> list[str]:
        strip = app.table.render_line(2)
        return [each.text.strip() for each in strip if each.style and each.style.bold]

    async with app.run_test(size=SIZE):
        app.table.show(rows(3))
        app.table.show([row(0), row(1, 7), row(2)])
        assert bold() == ["7"]
        app.table.show([row(0), row(1, 7), row(2)])
        assert bold() == []


async def test_a_cursor_that_moves_repaints_two_lines() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(4))
        await pilot.press("j")
        with repainted(app.table) as regions:
            await pilot.press("j")
        assert regions == [(Region(0, 2, 48, 1),), (Region(0, 3, 48, 1),)]


async def test_a_repaint_lies_on_the_line_of_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(4))
        await settled(pilot)
        dirty: list[Region] = []
        compositor = app.screen._compositor
        render = compositor.render_update

        def noted(**options: Any) -> Any:
            dirty.extend(compositor._dirty_regions)
            return render(**options)

        monkeypatch.setattr(compositor, "render_update", noted)
        app.table.show([row(0), row(1), row(2, 7), row(3)])
        await until(pilot, lambda: bool(dirty))
        # The border and the header are above the first row.
        assert {(region.y, region.height) for region in dirty} == {(4, 1)}
        assert painted(app).splitlines()[4].split()[-2] == "7"


async def test_keys_move_the_cursor_and_the_window_follows() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(100))
        seen = []
        for key in ("j", "down", "k", "pagedown", "ctrl+d", "G", "pageup", "home", "up", "ctrl+u"):
            await pilot.press(key)
            await pilot.pause()
            seen.append(app.table.cursor_key)
            assert any(POINTER in line for line in app.lines()), key
        assert seen == ["1", "2", "1", "5", "9", "99", "95", "0", "0", "0"]
        await pilot.press("end", "enter")
        assert [each.key for each in app.told(LineTable.RowChosen)] == ["99"]
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
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        await pilot.press("j", "j")
        app.table.show(after)
        assert app.table.cursor_key == cursor
        await pilot.press("enter")
        assert [each.key for each in app.told(LineTable.RowChosen)] == ([cursor] if cursor else [])


async def test_every_object_is_told_once() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        app.table.show(rows(5))
        await pilot.press("j", "j", "k", "home", "home")
        app.table.show([row(8), *rows(5)])
        app.table.show([row(1), row(2)])
        app.table.show([])
        app.table.show([])
        await pilot.pause()
        told = [each.key for each in app.told(LineTable.CursorMoved)]
        assert told == ["0", "1", "2", "1", "0", "2", None]


async def test_the_end_of_a_long_list_is_asked_for_and_known_once_it_comes() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.put(0, rows(WINDOW), 50_000)
        await pilot.press("G")
        await until(pilot, lambda: len(app.told(LineTable.WindowWanted)) > 0)
        wanted = [(each.offset, each.limit) for each in app.told(LineTable.WindowWanted)]
        assert wanted == [(49_900, WINDOW)]
        assert app.lines()[-1].strip() == "…"
        assert chosen(app) == []
        app.table.put(49_900, rows(WINDOW, 49_900), 50_000)
        await pilot.pause()
        assert app.table.cursor_key == "49999"
        assert app.lines()[-1].split()[:3] == [POINTER, "ok", "name49999"]
        await pilot.press("home")
        await pilot.pause()
        assert [each.key for each in app.told(LineTable.CursorMoved)] == ["0", None, "49999", "0"]
        assert len(app.told(LineTable.WindowWanted)) == 1


async def test_rows_at_the_border_of_two_windows_are_asked_for_once() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.put(0, rows(WINDOW), 250)
        app.table.go_to(101)
        await until(pilot, lambda: len(app.told(LineTable.WindowWanted)) > 0)
        app.lines()
        await pilot.pause()
        assert [each.offset for each in app.told(LineTable.WindowWanted)] == [100]
        app.table.put(100, rows(WINDOW, 100), 250)
        assert [line.split()[-3] for line in app.lines()[1:]] == [
            f"name{place}" for place in range(97, 102)
        ]


async def test_a_list_that_was_outdated_keeps_what_is_seen_and_the_cursor() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        for offset in (0, 100, 200):
            app.table.put(offset, rows(WINDOW, offset), 300)
        app.table.go_to(250)
        await pilot.pause()
        app.table.scroll_to(y=120, animate=False)
        await pilot.pause()
        app.table.outdate()
        await pilot.pause()
        assert [each.offset for each in app.told(LineTable.WindowWanted)] == [100, 200]
        assert app.table.cursor_key == "250"
        assert {int(each.key) // 100 for each in app.table.rows} == {1, 2}
        # Two rows have come in above: the cursor goes with its object.
        app.table.put(200, rows(WINDOW, 198), 302)
        assert (app.table.cursor, app.table.cursor_key) == (252, "250")
        assert app.table.scroll_offset.y == 120


async def end_seen_before_news(app: TableApp, pilot: Pilot[None]) -> None:
    """Know a list of two windows, hear of news, and go to its end."""
    for offset in (0, 100):
        app.table.put(offset, rows(WINDOW, offset), 200)
    app.table.outdate()
    await pilot.pause()
    app.table.put(0, rows(WINDOW), 200)
    app.owner.heard.clear()
    await pilot.press("G")
    await until(pilot, lambda: len(app.told(LineTable.WindowWanted)) > 0)


async def test_what_was_known_before_news_is_seen_at_once_but_nothing_is_done_with_it() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        await end_seen_before_news(app, pilot)
        assert app.lines()[-1].split()[:3] == [POINTER, "ok", "name199"]
        assert [each.offset for each in app.told(LineTable.WindowWanted)] == [100]
        assert app.table.cursor_key is None
        await pilot.press("enter", "space")
        assert chosen(app) == [] == app.told(LineTable.RowChosen)
        with repainted(app.table) as regions:
            assert app.table.put(100, [*rows(99, 100), row(199, 7)], 200)
        assert [region.height for each in regions for region in each] == [1]
        assert chosen(app) == ["199"]


async def test_the_cursor_follows_what_was_seen_under_it_where_it_is_near() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        await end_seen_before_news(app, pilot)
        # The answer for a window that nobody looks at any more.
        assert app.table.put(0, [row(199), *rows(99)], 200)
        assert app.table.cursor == 199
        assert app.table.put(100, [*rows(98, 100), row(199), row(198)], 200)
        assert (app.table.cursor, chosen(app)) == (198, ["199"])


async def test_another_object_under_the_cursor_than_was_seen_is_told() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        await end_seen_before_news(app, pilot)
        assert not app.table.put(100, rows(WINDOW, 99), 200)
        assert (app.table.cursor, chosen(app)) == (199, ["198"])
        assert app.table.put(100, rows(WINDOW, 100), 200)


async def test_another_list_replaces_all_that_was_known() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        for offset in (0, 100):
            app.table.put(offset, rows(WINDOW, offset), 200)
        app.table.go_to(150)
        app.table.renew()
        await pilot.pause()
        # What was there is there until the other list comes.
        assert app.lines()[1].split()[-3] == "name0"
        assert [each.offset for each in app.told(LineTable.WindowWanted)] == [0]
        app.table.put(0, rows(WINDOW, 500), 200)
        assert {int(each.key) for each in app.table.rows} == set(range(500, 600))
        app.table.go_to(150)
        await until(pilot, lambda: len(app.told(LineTable.WindowWanted)) == 2)
        assert app.told(LineTable.WindowWanted)[1].offset == 100


async def test_no_row_is_drawn_beyond_the_end() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE):
        app.table.put(0, rows(5), 5)
        app.table.put(100, rows(WINDOW, 100), 3)
        assert app.table.total == 3
        assert not "".join(app.lines()[4:]).strip()
        app.table.put(0, [], 0)
        assert app.table.cursor_key is None
        assert app.lines()[1].strip() == "nothing here"


async def test_a_click_puts_the_cursor_there_and_a_second_chooses() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(3))
        await pilot.click(RecordTable, offset=(5, 3))
        assert app.table.cursor_key == "1"
        for beside in ((5, 6), (0, 2), (5, 0), (5, 7)):
            await pilot.click(RecordTable, offset=beside)
        assert app.table.cursor_key == "1"
        assert not app.told(LineTable.RowChosen)
        await pilot.click(RecordTable, offset=(5, 3))
        assert [each.key for each in app.told(LineTable.RowChosen)] == ["1"]


async def test_a_click_on_a_scrolled_table_finds_its_row() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(100))
        await pilot.press("G")
        await pilot.pause()
        await pilot.click(RecordTable, offset=(5, 2))
        assert app.table.cursor_key == "95"


async def test_titles_and_keys_ask_for_an_order() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(3))
        await pilot.press("s", "S")
        await pilot.click(RecordTable, offset=(14, 1))
        await pilot.click(RecordTable, offset=(7, 1))
        await pilot.click(RecordTable, offset=(46, 1))
        await pilot.pause()
        asked = [(each.sort, each.descending) for each in app.told(RecordTable.SortAsked)]
        assert asked == [("count", True), ("name", True), ("name", True), ("count", True)]
        app.table.order("count", True)
        assert "Count↓" in app.lines()[0]
        await pilot.press("s", "S")
        await pilot.pause()
        asked = [(each.sort, each.descending) for each in app.told(RecordTable.SortAsked)]
        assert asked[4:] == [("name", False), ("count", False)]


async def test_marks_are_set_taken_away_and_told() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        assert chosen(app) == ["0"]
        await pilot.press("space", "j", "space")
        assert chosen(app) == ["0", "2"]
        assert [MARK in line for line in app.lines()[1:]] == [True, False, True, False, False]
        assert app.table.cursor == 3
        await pilot.press("home", "space")
        assert chosen(app) == ["2"]
        await pilot.press("backslash")
        assert chosen(app) == ["1"]
        assert len(app.told(RecordTable.MarksChanged)) == 4


async def test_a_range_is_what_an_act_is_about_until_it_is_dropped() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        await pilot.press("j", "v", "j", "j")
        assert chosen(app) == ["1", "2", "3"]
        # To look at it does not end it.
        assert app.table.marks.anchor == 1
        assert sum(MARK in line for line in app.lines()) == 3
        await pilot.press("k", "k", "k")
        assert chosen(app) == ["0", "1"]
        assert app.table.drop_range()
        assert chosen(app) == ["0"]
        assert not app.table.drop_range()
        await pilot.press("v", "j", "v")
        assert [*app.table.marks.keys] == ["0", "1"]
        await pilot.press("j", "v", "j", "space")
        assert [*app.table.marks.keys] == ["0", "1", "2", "3"]
        assert app.table.marks.anchor is None


async def test_a_range_over_rows_that_are_not_known_says_so() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.put(0, rows(WINDOW), 500)
        await pilot.press("v", "G", "v")
        await pilot.pause()
        assert len(app.table.marks) == WINDOW
        assert app.told(RecordTable.MarksChanged)[-1].note == (
            "rows that were never shown are not marked"
        )


async def test_all_are_marked_where_all_are_known_and_else_asked_for() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(150))
        await pilot.press("asterisk")
        assert len(app.table.marks) == 150
        app.table.drop_marks()
        app.table.renew()
        app.table.put(0, rows(WINDOW), MOST_MARKS)
        await pilot.press("asterisk")
        await pilot.pause()
        assert len(app.told(RecordTable.AllWanted)) == 1
        assert not app.table.marks
        app.table.mark_rows(rows(MOST_MARKS))
        assert len(app.table.marks) == MOST_MARKS


async def test_no_more_are_marked_than_a_question_can_be_about() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.put(0, rows(WINDOW), MOST_MARKS + 1)
        await pilot.press("asterisk")
        await pilot.pause()
        assert not app.table.marks
        assert app.told(RecordTable.MarksChanged)[-1].note == (
            "10 001 rows are too many to mark; narrow the list with /"
        )
        app.table.show(rows(MOST_MARKS + 1))
        await pilot.press("asterisk")
        await pilot.pause()
        assert len(app.table.marks) == MOST_MARKS
        note = "at most 10 000 rows can be marked"
        assert app.told(RecordTable.MarksChanged)[-1].note == note
        await pilot.press("G", "space")
        await pilot.pause()
        assert len(app.table.marks) == MOST_MARKS
        assert app.told(RecordTable.MarksChanged)[-1].note == note


async def test_marks_never_reach_beyond_what_is_shown() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        await pilot.press("asterisk")
        app.table.show(rows(3))
        await pilot.pause()
        assert chosen(app) == ["0", "1", "2"]
        notes = [each.note for each in app.told(RecordTable.MarksChanged)]
        assert notes == ["", "2 marked rows have left the list"]


async def test_a_table_without_marks_has_none() -> None:
    app = TableApp(marking=False)
    async with app.run_test(size=SIZE) as pilot:
        app.table.show(rows(5))
        await pilot.press("space", "v", "asterisk", "j")
        assert chosen(app) == ["1"]
        assert not app.told(RecordTable.MarksChanged)


async def test_a_tree_is_folded_instead_of_shifted() -> None:
    app = TableApp(tree=True)
    async with app.run_test(size=(30, 10)) as pilot:
        app.table.show(rows(3))
        before = app.lines()
        await pilot.press("l", "j", "h")
        told = [(each.key, each.direction) for each in app.told(RecordTable.Sideways)]
        assert told == [("0", 1), ("1", -1)]
        assert before[0] == app.lines()[0]


async def test_hostile_and_wide_texts_keep_their_columns() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE):
        texts = (HOSTILE, "山田^太郎" * 9, "e\u0301" * 60_000, "[bold]x[/bold]", "")
        app.table.show(
            [Row(key=HOSTILE + text[:9], cells=(text, text, text, text)) for text in texts]
        )
        assert {cell_len(line) for line in app.lines()} == {48}
        assert not {"\x1b", "\x9b", "\u202e", "\ud800", "\n"} & set("".join(app.lines()))


async def test_selected_text_is_what_was_selected() -> None:
    app = TableApp()
    async with app.run_test(size=SIZE) as pilot:
        app.table.put(0, [Row(key="0", cells=("山田", "太郎", "x", "1")), *rows(99, 1)], 5_000)
        # Of the first row the second word, of the row below all up to the same place.
        begin = app.table.render_line(1).text.index("太")
        app.screen.selections = {app.table: Selection(Offset(begin, 1), Offset(begin + 2, 2))}
        await pilot.pause()
        text, _ = app.table.get_selection(app.screen.selections[app.table]) or ("", "")
        assert text.splitlines()[0].split() == ["太郎", "x", "1"]
        assert text.splitlines()[1].split()[0] == "ok"
        style = app.screen.get_component_rich_style("screen--selection")
        chosen = [each.text for each in app.table.render_line(1) if _has(each.style, style)]
        assert "".join(chosen).split() == ["太郎", "x", "1"]
        # Rows that are not known are not asked for because they are selected.
        app.table.get_selection(Selection(None, None))
        await pilot.pause()
        assert not app.told(LineTable.WindowWanted)


async def test_a_terminal_that_shrinks_keeps_the_cursor_in_view() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 30)) as pilot:
        app.table.styles.height = "1fr"
        app.table.show(rows(100))
        app.table.go_to(20)
        await pilot.resize_terminal(20, 8)
        await until(pilot, lambda: any(POINTER in line for line in app.lines()))
        assert app.table.cursor_key == "20"
        assert {cell_len(line) for line in app.lines()} == {app.table.size.width}


def _has(style: Any, wanted: Any) -> bool:
    return style is not None and style.bgcolor == wanted.bgcolor
