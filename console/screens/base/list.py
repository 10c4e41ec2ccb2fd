# SPDX-License-Identifier: Apache-2.0
"""Lists that the engine filters and sorts: a filter line, rows by window, and the card of the row
under the cursor. What the rows are, and what can be done with them, is up to the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import ClassVar, TypeVar

from textual import on, work

from console.plain import plain
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.saved_views import ViewChoice, choose_view
from console.screens.base.screen import BaseScreen
from console.widgets.card import Card
from console.widgets.chrome import entitle
from console.widgets.debounce import Debounce
from console.widgets.filter_line import FilterLine
from console.widgets.table import RecordTable, Row, TableColumn
from engine.model.errors import EngineError, InvalidInput, Refused

T = TypeVar("T")

CARD_PAUSE = 0.2
"""Seconds that the cursor has to rest on a row until its card is asked for."""


class ListScreen(BaseScreen):
    """A screen with one filter line, one table and one card."""

    COLUMNS: ClassVar[tuple[TableColumn, ...]]
    VIEWS: ClassVar[tuple[ViewChoice, ...]]
    """Those that are always there."""
    LISTED: ClassVar[str] = "Sessions"
    """What the rows are."""
    NEWEST: ClassVar[str]
    """The order of a list that nobody has ordered yet; downwards."""

    def __init__(self, context: ConsoleContext) -> None:
        """Show the list in the order in which it was left."""
        super().__init__(context)
        left = context.memory.state.list(self.NAME)
        self.order = left.sort or self.NEWEST
        self.descending = left.descending if left.sort else True
        self._fill_card_soon = Debounce(self)

    # What a screen brings.

    def fetch(self, offset: int) -> object:
        """Ask for the rows from `offset` on."""
        raise NotImplementedError

    def fill_card(self) -> object:
        """Show the card of the row under the cursor."""
        raise NotImplementedError

    def open_key(self, key: str) -> None:
        """Open what a row stands for."""
        raise NotImplementedError

    # What it uses.

    @property
    def table(self) -> RecordTable:
        """The rows."""
        return self.query_one(RecordTable)

    @property
    def filter_line(self) -> FilterLine:
        """What narrows them."""
        return self.query_one(FilterLine)

    async def listed(self, question: Awaitable[T]) -> T | None:
        """Return what the engine answers. Where this person may not ask, the list is empty and says
        so; None then, and when the engine did not answer."""
        try:
            return await question
        except Refused as error:
            self.table.empty = f"{error.message}; {error.hint}" if error.hint else error.message
            self.put(0, [], 0)
            return None
        except InvalidInput:
            raise
        except EngineError as error:
            self.failed(error)
            return None

    def put(self, offset: int, rows: Sequence[Row], total: int) -> None:
        """Show rows that were asked for. Keys that were typed for a row that was seen until then
        are not for the one that has come to its place."""
        if not self.table.put(offset, rows, total):
            self.host.ahead.refused()

    def draw_order(self) -> None:
        """Say below the rows in what order they come."""
        title = next((one.title for one in self.COLUMNS if one.sort == self.order), self.order)
        arrow = "↓" if self.descending else "↑"
        entitle(self.table, subtitle=f"by {title.lower()} {arrow}")

    # How it works.

    def on_mount(self) -> None:
        """Begin to ask."""
        self.table.border_title = plain(self.LISTED)
        self.table.focus()
        card = self.context.memory.state.list(self.NAME).card
        self.update_classes({"card-open": card is True, "card-closed": card is False})
        self.fetch(0)

    def look(self) -> None:
        """Ask for the rows on show again."""
        self.table.outdate()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("open", "log", "copy") and self.table.cursor_key is None:
            return "the list is empty"
        return super().why_not(action)

    def leave_part(self) -> bool:
        """Leave what is open: zoom, range, filter."""
        return super().leave_part() or self.table.drop_range() or self.filter_line.clear()

    def do_filter(self) -> None:
        """Let the person type a filter."""
        self.filter_line.open()

    def do_open(self) -> None:
        """Open what is under the cursor."""
        if (key := self.table.cursor_key) is not None:
            self.open_key(key)

    def do_card(self) -> None:
        """Show or hide the card."""
        shown = not self.query_one(Card).display
        self.update_classes({"card-open": shown, "card-closed": not shown})
        self.context.memory.state.list(self.NAME).card = shown
        self.fill_card()

    @work(group=QUESTION, exit_on_error=False)
    async def do_views(self) -> None:
        """Choose or save a view."""
        now = ViewChoice(
            filter=str(self.filter_line.filter), sort=self.order, descending=self.descending
        )
        chosen = await choose_view(self, self.NAME, now, self.VIEWS)
        if chosen is not None:
            self.filter_line.set(chosen.filter)
            if chosen.sort:
                self._reorder(chosen.sort, chosen.descending)

    @on(RecordTable.RowChosen)
    def open_row(self, message: RecordTable.RowChosen) -> None:
        """Open what was chosen."""
        self.open_key(message.key)

    @on(RecordTable.WindowWanted)
    def window_wanted(self, message: RecordTable.WindowWanted) -> None:
        """Ask for rows that are not known."""
        self.fetch(message.offset)

    @on(RecordTable.SortAsked)
    def sort_asked(self, message: RecordTable.SortAsked) -> None:
        """Order the list otherwise."""
        self._reorder(message.sort, message.descending)

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Fill the card once the cursor rests."""
        self.keys_changed()
        self._fill_card_soon.after(CARD_PAUSE, self.fill_card)

    @on(FilterLine.Changed)
    def filter_changed(self) -> None:
        """Ask for what the filter finds."""
        self.table.renew()

    @on(FilterLine.Left)
    def filter_left(self) -> None:
        """Go back to the list."""
        self.table.focus()

    def _reorder(self, sort: str, descending: bool) -> None:
        self.order, self.descending = sort, descending
        left = self.context.memory.state.list(self.NAME)
        left.sort, left.descending = sort, descending
        self.table.order(sort, descending)
        self.table.renew()
