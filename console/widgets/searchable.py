# SPDX-License-Identifier: Apache-2.0
"""Rows with a search line above them: the screen opens it, the search begins at the cursor, `go_on`
finds the next match, esc closes it. What is searched is up to the owner of the rows."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from console.plain import plain
from console.views import figures
from console.widgets.dialogs import PlainInput
from console.widgets.table import RecordTable


class Searchable(Vertical):
    """A table of rows, of which words can be found."""

    DEFAULT_CSS = """
    Searchable {
        & > .search { height: 1; display: none; }
        &.searching > .search { display: block; }
        & .slash { width: 3; color: $accent; }
        & PlainInput { width: 1fr; background: $background; }
        & > RecordTable { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "end_search", show=False)]

    @dataclass
    class Changed(Message):
        """What `said` says has changed: the cursor moved, or something else was searched for."""

        view: Searchable

        @property
        def control(self) -> Searchable:
            """What has the rows."""
            return self.view

    def __init__(self, *, id: str) -> None:
        """Search for nothing."""
        super().__init__(id=id)
        self.words = ""
        self.found: list[str] = []
        """Keys of the rows that were found, in their order."""

    @abstractmethod
    def rows(self) -> RecordTable:
        """Make the table."""

    @abstractmethod
    def find(self) -> list[str]:
        """Return the keys of the rows that hold the words."""

    @abstractmethod
    def next_found(self, direction: int) -> str | None:
        """Return what was found next (1), or before (-1), or at the cursor or next (0)."""

    def go_to(self, key: str) -> None:
        """Put the cursor on a row that was found."""
        self.table.go_to_key(key)

    def compose(self) -> ComposeResult:
        """Lay out the search and the rows."""
        with Horizontal(classes="search"):
            yield Static(plain(" / "), classes="slash")
            yield PlainInput(compact=True, select_on_focus=False)
        yield self.rows()

    @property
    def table(self) -> RecordTable:
        """The rows: what takes the focus, and whose border has the title."""
        return self.query_one(RecordTable)

    @property
    def searches(self) -> bool:
        """Whether there is something that can be gone on to."""
        return bool(self.found)

    @property
    def said(self) -> str:
        """Say how far the search has come; empty when nothing is searched for."""
        if not self.words:
            return ""
        if not self.found:
            return "nothing found"
        many = figures.grouped(len(self.found))
        key = self.table.cursor_key
        if key not in self.found:
            return f"{many} found"
        return f"{figures.grouped(self.found.index(key) + 1)} of {many} found"

    def open_search(self) -> None:
        """Let the person type what to search for."""
        self.add_class("searching")
        self.query_one(PlainInput).focus()

    def go_on(self, direction: int) -> None:
        """Go to the next place that was found (1), or the one before (-1); round the ends."""
        key = self.next_found(direction)
        if key is not None:
            self.go_to(key)
            self.tell()

    def end_search(self) -> bool:
        """Forget what was searched for; False when nothing was."""
        if not self.words and not self.has_class("searching"):
            return False
        self.words, self.found = "", []
        with self.prevent(Input.Changed):
            self.query_one(PlainInput).value = ""
        self.remove_class("searching")
        if not self.table.has_focus:
            self.table.focus()
        self.tell()
        return True

    def tell(self) -> None:
        """Say that something has changed."""
        self.post_message(self.Changed(self))

    def action_end_search(self) -> None:
        """Leave the search."""
        self.end_search()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let esc through to the screen when nothing is searched for."""
        if action == "end_search":
            return bool(self.words) or self.has_class("searching")
        return True

    @on(Input.Changed)
    def search(self, message: Input.Changed) -> None:
        """Find what is typed, from the cursor on."""
        message.stop()
        self.words = message.value.strip()
        self.found = self.find()
        self.go_on(0)
        self.tell()

    @on(Input.Submitted)
    def leave_search(self, message: Input.Submitted) -> None:
        """Go back to the rows, where the search can be gone on with."""
        message.stop()
        self.set_class(bool(self.words), "searching")
        self.table.focus()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self, message: RecordTable.CursorMoved) -> None:
        """Say so."""
        message.stop()
        self.tell()
