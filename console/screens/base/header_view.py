# SPDX-License-Identifier: Apache-2.0
"""A folded header on the screen: a tree that can be folded and searched, the values of a row in
full, and what can be copied of it. Its owner asks the engine and says whose header it is."""

from __future__ import annotations

from textual import on

from console.screens.base.overlays import TextScreen
from console.screens.base.screen import Copyable
from console.views import headers
from console.widgets.searchable import Searchable
from console.widgets.table import RecordTable
from engine.model.contents import FoldedHeader


class HeaderView(Searchable):
    """Shows one folded header. What was unfolded stays so when another header is shown; so does the
    cursor."""

    def __init__(self, *, id: str) -> None:
        """Make an empty view."""
        super().__init__(id=id)
        self._tree = headers.HeaderTree(FoldedHeader(rows=(), files=0))
        self._header: FoldedHeader | None = None
        self._unfolded: set[str] = set()
        self._left: str | None = None
        self._labelled = False

    def rows(self) -> RecordTable:
        """Make the table."""
        return RecordTable(
            headers.COLUMNS, empty="asking the engine …", id="header-rows", tree=True
        )

    @property
    def header(self) -> FoldedHeader | None:
        """What is shown."""
        return self._header

    def show(
        self,
        header: FoldedHeader | None,
        empty: str = "no header could be read",
        *,
        labelled: bool = False,
    ) -> None:
        """Show a header; `empty` stands for one without rows, or for none. It is `labelled` where
        there may be values in it that are masked at other times."""
        self.table.empty = empty
        self._labelled = labelled
        if header == self._header:
            return
        # The cursor comes back to its element when the next header has it too.
        self._left = self.table.cursor_key or self._left
        self._header = header
        self._tree = headers.HeaderTree(header or FoldedHeader(rows=(), files=0))
        self.found = self.find()
        self._draw()
        if self._left is not None:
            self.table.go_to_key(self._left)

    def find(self) -> list[str]:
        """Return the keys of the elements that hold the words."""
        return self._tree.found(self.words)

    def next_found(self, direction: int) -> str | None:
        """Return what was found next (1), or before (-1), or at the cursor or next (0)."""
        return self._tree.step(self.found, self.table.cursor_key, direction)

    def go_to(self, key: str) -> None:
        """Put the cursor on an element, unfolding what it stands under."""
        if folded := set(self._tree.above(key)) - self._unfolded:
            self._unfolded |= folded
            self._draw()
        self.table.go_to_key(key)

    def copies(self) -> tuple[Copyable, ...]:
        """Return what can be copied of the row under the cursor."""
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
            self.app.push_screen(
                TextScreen(title, lines, empty="it has no value", labelled=self._labelled)
            )

    def _fold(self, key: str) -> None:
        self._unfolded ^= {key}
        self._draw()

    def _draw(self) -> None:
        self.table.show(self._tree.rows(self._unfolded))
        self.tell()
