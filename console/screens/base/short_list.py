# SPDX-License-Identifier: Apache-2.0
"""Lists that the engine gives whole: rows, the card of the row under the cursor, and questions
whose answer changes them. Lists too long for that are in `console.screens.base.list`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar, Generic, TypeVar

from textual import on

from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.form import fill_in
from console.screens.base.screen import BaseScreen
from console.views.question import Answers, Question
from console.widgets.card import Card
from console.widgets.debounce import Debounce
from console.widgets.table import RecordTable

T = TypeVar("T")
Made = TypeVar("Made")

PAUSE = 0.2
"""Seconds that the cursor has to rest until the card is filled."""


class ShortListScreen(BaseScreen, Generic[T]):
    """A screen with a table `list` and a card `card`."""

    REST: ClassVar[float] = 1.0

    def __init__(self, context: ConsoleContext) -> None:
        """Show nothing until the engine has answered."""
        super().__init__(context)
        self.known: dict[str, T] = {}
        """What the rows stand for, by their keys."""
        self._fill_soon = Debounce(self)

    # What a screen brings.

    def fetch(self) -> object:
        """Ask the engine, and draw."""
        raise NotImplementedError

    def draw_card(self) -> object:
        """Show the card of the row under the cursor."""
        raise NotImplementedError

    # What it uses.

    @property
    def table(self) -> RecordTable:
        """The rows."""
        return self.pane(RecordTable, "list")

    @property
    def card(self) -> Card:
        """What is told of the row under the cursor."""
        return self.pane(Card, "card")

    @property
    def chosen(self) -> T | None:
        """What the row under the cursor stands for."""
        return self.known.get(self.table.cursor_key or "")

    def entitle(self, title: str, subtitle: str = "") -> None:
        """Say what the rows are, and in what order they come."""
        self.table.border_title = plain(title)
        self.table.border_subtitle = plain(subtitle) if subtitle else None

    async def ask(
        self, question: Question, act: Callable[[Answers], Awaitable[Made]]
    ) -> Made | None:
        """Ask, and do it in its turn whatever becomes of this screen; None if it was not done.

        Must be called from a worker of the group `QUESTION`.
        """
        return await fill_in(self, question, lambda given: self.host.carry_out(lambda: act(given)))

    # How it works.

    def on_mount(self) -> None:
        """Begin to ask."""
        self.table.focus()
        self.look()

    def leave_part(self) -> bool:
        """Go back to the list."""
        if super().leave_part():
            return True
        if self.has_class("detail") or self.focused is not self.table:
            self.remove_class("detail")
            self.table.focus()
            return True
        return False

    def look(self) -> None:
        """Ask for the list."""
        self.fetch()

    def do_open(self) -> object:
        """Go to the card; in a small terminal it lies over the list."""
        self.add_class("detail")
        return self.call_after_refresh(self.card.focus)

    @on(RecordTable.RowChosen)
    async def row_chosen(self) -> None:
        """Open the row, or say why not."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Fill the card once the cursor rests."""
        self.keys_changed()
        self._fill_soon.after(PAUSE, self.draw_card)
