"""Lines that can be searched: all of them are known. The search begins at the cursor, and goes on
with `go_on`. What the lines mean is their owner's affair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from console import figures
from console.plain import plain
from console.widgets.dialogs import PlainInput
from console.widgets.table import RecordTable, Row, TableColumn


class SearchedLines(Vertical):
    """Shows rows, and finds words in them."""

    DEFAULT_CSS = """
    SearchedLines {
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
        """What `said` says has changed."""

        lines: SearchedLines

        @property
        def control(self) -> SearchedLines:
            """The lines."""
            return self.lines

    def __init__(self, columns: Sequence[TableColumn], *, id: str, empty: str) -> None:
        """Make lines under these titles."""
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._empty = empty
        self._words = ""
        self._found: list[int] = []

    def compose(self) -> ComposeResult:
        """Lay out the search and the lines."""
        with Horizontal(classes="search"):
            yield Static(plain(" / "), classes="slash")
            yield PlainInput(compact=True, select_on_focus=False)
        yield RecordTable(self._columns, empty=self._empty, id=f"{self.id}-rows")

    @property
    def table(self) -> RecordTable:
        """The rows: what takes the focus, and whose border has the title."""
        return self.query_one(RecordTable)

    @property
    def searches(self) -> bool:
        """Whether there is something that can be gone on to."""
        return bool(self._found)

    @property
    def said(self) -> str:
        """Say how far the search has come; empty when nothing is searched for."""
        if not self._words:
            return ""
        if not self._found:
            return "nothing found"
        many = figures.grouped(len(self._found))
        if self.table.cursor not in self._found:
            return f"{many} found"
        return f"{figures.grouped(self._found.index(self.table.cursor) + 1)} of {many} found"

    def show(self, rows: Sequence[Row], empty: str) -> None:
        """Show rows; `empty` stands for none."""
        self.table.empty = empty
        self.table.show(rows)
        self._find()

    def open_search(self) -> None:
        """Let the person type what to search for."""
        self.add_class("searching")
        self.query_one(PlainInput).focus()

    def go_on(self, direction: int) -> None:
        """Go to the next place that was found (1), or the one before (-1); round the ends."""
        here = self.table.cursor
        if direction > 0:
            ahead = [place for place in self._found if place > here] or self._found
        else:
            ahead = [place for place in self._found if place < here][::-1] or self._found[::-1]
        if ahead:
            self.table.go_to(ahead[0])
            self.post_message(self.Changed(self))

    def end_search(self) -> bool:
        """Forget what was searched for; False when nothing was."""
        if not self._words and not self.has_class("searching"):
            return False
        self._words, self._found = "", []
        with self.prevent(Input.Changed):
            self.query_one(PlainInput).value = ""
        self.remove_class("searching")
        if not self.table.has_focus:
            self.table.focus()
        self.post_message(self.Changed(self))
        return True

    def action_end_search(self) -> None:
        """Leave the search."""
        self.end_search()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Let esc through to the screen when nothing is searched for."""
        if action == "end_search":
            return bool(self._words) or self.has_class("searching")
        return True

    @on(Input.Changed)
    def search(self, message: Input.Changed) -> None:
        """Find what is typed, from the cursor on."""
        message.stop()
        self._words = message.value.strip()
        self._find()
        if self._found and self.table.cursor not in self._found:
            self.go_on(1)

    @on(Input.Submitted)
    def leave_search(self, message: Input.Submitted) -> None:
        """Go back to the lines, where the search can be gone on with."""
        message.stop()
        self.set_class(bool(self._words), "searching")
        self.table.focus()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self, message: RecordTable.CursorMoved) -> None:
        """Say so."""
        message.stop()
        self.post_message(self.Changed(self))

    def _find(self) -> None:
        words = self._words.casefold()
        # Numbers at the right count lines; nobody looks for them.
        texts = [place for place, column in enumerate(self._columns) if not column.right]
        self._found = [
            place
            for place, row in enumerate(self.table.rows)
            if words and any(words in row.cells[text].casefold() for text in texts)
        ]
        self.post_message(self.Changed(self))
