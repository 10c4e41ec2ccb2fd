"""A folded header on the screen: a tree to fold and search, the values of a row in full, and what
can be copied of it. Whoever shows it asks the engine and says whose header it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input, Static

from console import figures, headers
from console.plain import plain
from console.screens.overlays import TextScreen
from console.screens.skeleton import Copyable
from console.widgets.dialogs import PlainInput
from console.widgets.table import RecordTable
from engine.model.contents import FoldedHeader


class HeaderView(Vertical):
    """Shows one folded header. What was unfolded stays so when another header is shown; so does the
    cursor. The screen opens the search; esc ends it."""

    DEFAULT_CSS = """
    HeaderView {
        & > #header-search { height: 1; display: none; }
        &.searching > #header-search { display: block; }
        & .slash { width: 3; color: $accent; }
        & PlainInput { width: 1fr; background: $background; }
        & > #header-rows { height: 1fr; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "end_search", show=False)]

    @dataclass
    class Changed(Message):
        """What `said` says has changed: the cursor moved, or something else was searched for."""

        view: HeaderView

        @property
        def control(self) -> HeaderView:
            """The view."""
            return self.view

    def __init__(self, *, id: str) -> None:
        """Make an empty view."""
        super().__init__(id=id)
        self._tree = headers.HeaderTree(FoldedHeader(rows=(), files=0))
        self._header: FoldedHeader | None = None
        self._unfolded: set[str] = set()
        self._words = ""
        self._found: list[str] = []
        self._left: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the search and the rows."""
        with Horizontal(id="header-search"):
            yield Static(plain(" / "), classes="slash")
            yield PlainInput(compact=True, select_on_focus=False)
        yield RecordTable(headers.COLUMNS, empty="asking the engine …", id="header-rows", tree=True)

    @property
    def table(self) -> RecordTable:
        """The rows: what takes the focus, and whose border has the title."""
        return self.query_one(RecordTable)

    @property
    def header(self) -> FoldedHeader | None:
        """What is shown."""
        return self._header

    @property
    def said(self) -> str:
        """Say how far the search has come; empty when nothing is searched for."""
        if not self._words:
            return ""
        if not self._found:
            return "nothing found"
        key = self.table.cursor_key
        many = figures.grouped(len(self._found))
        if key not in self._found:
            return f"{many} found"
        return f"{figures.grouped(self._found.index(key) + 1)} of {many} found"

    @property
    def searches(self) -> bool:
        """Whether there is something that `n` and `N` can go to."""
        return bool(self._found)

    def show(self, header: FoldedHeader | None, empty: str = "no header could be read") -> None:
        """Show a header; `empty` stands for one without rows, or for none."""
        self.table.empty = empty
        if header == self._header:
            return
        # The cursor comes back to its element when the next header has it too.
        self._left = self.table.cursor_key or self._left
        self._header = header
        self._tree = headers.HeaderTree(header or FoldedHeader(rows=(), files=0))
        self._found = self._tree.found(self._words)
        self._draw()
        if self._left is not None:
            self.table.go_to_key(self._left)

    def open_search(self) -> None:
        """Let the person type what to search for."""
        self.add_class("searching")
        self.query_one(PlainInput).focus()

    def go_on(self, direction: int) -> None:
        """Go to the next place that was found (1), or the one before (-1)."""
        self._go(self._tree.step(self._found, self.table.cursor_key, direction))

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

    def copies(self) -> tuple[Copyable, ...]:
        """Give what can be copied of the row under the cursor."""
        branch = self._tree[self.table.cursor_key or ""]
        if branch is None:
            return ()
        texts = [value.text for value in branch.row.values] if branch.row is not None else []
        offered = [
            Copyable(title="value", text="\n".join(texts)),
            Copyable(title="tag", text=branch.key if branch.row is not None else branch.tag),
            Copyable(title="name", text=branch.name),
            Copyable(title="row", text=headers.as_text(branch)),
        ]
        return tuple(one for one in offered if one.text)

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
        self._found = self._tree.found(self._words)
        self._go(self._tree.step(self._found, self.table.cursor_key, 0))
        self.post_message(self.Changed(self))

    @on(Input.Submitted)
    def leave_search(self, message: Input.Submitted) -> None:
        """Go back to the rows; `n` and `N` go on."""
        message.stop()
        self.set_class(bool(self._words), "searching")
        self.table.focus()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self, message: RecordTable.CursorMoved) -> None:
        """Say so."""
        message.stop()
        self.post_message(self.Changed(self))

    @on(RecordTable.Sideways)
    def sideways(self, message: RecordTable.Sideways) -> None:
        """Fold or unfold; left on what cannot be folded goes to what it stands under."""
        message.stop()
        branch = self._tree[message.key]
        if branch is None:
            return
        if message.direction > 0:
            if branch.foldable and branch.key not in self._unfolded:
                self._fold(branch.key)
        elif branch.foldable and branch.key in self._unfolded:
            self._fold(branch.key)
        elif above := self._tree.above(branch.key):
            self.table.go_to_key(above[0])

    @on(RecordTable.RowChosen)
    def choose(self, message: RecordTable.RowChosen) -> None:
        """Fold or unfold a branch; show the values of an element."""
        message.stop()
        branch = self._tree[message.key]
        if branch is None:
            return
        if branch.foldable:
            self._fold(branch.key)
        elif branch.row is not None:
            lines = headers.values_of(branch.row)
            title = f"{branch.tag} {branch.name}".strip()
            self.app.push_screen(TextScreen(title, lines, empty="it has no value"))

    def _fold(self, key: str) -> None:
        self._unfolded ^= {key}
        self._draw()

    def _go(self, key: str | None) -> None:
        if key is None:
            return
        if folded := set(self._tree.above(key)) - self._unfolded:
            self._unfolded |= folded
            self._draw()
        self.table.go_to_key(key)

    def _draw(self) -> None:
        self.table.show(self._tree.rows(self._unfolded))
        self.post_message(self.Changed(self))
