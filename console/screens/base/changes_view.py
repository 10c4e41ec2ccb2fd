# SPDX-License-Identifier: Apache-2.0
"""The changes of scripts on the screen: a row for each element that was changed, with those between
them that stay if these are wanted. Its owner asks the engine and says whose changes they are."""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.base.screen import Copyable
from console.views import changes, figures
from console.widgets.table import RecordTable
from engine.model.changes import FoldedChange
from engine.model.contents import FoldedHeader


class ChangesView(RecordTable):
    """Shows what was changed, or will be."""

    def __init__(self, was: str, now: str, *, id: str) -> None:
        """Make an empty view; `was` and `now` head the two sides of each change."""
        super().__init__(changes.columns(was, now), empty="asking the engine …", id=id)
        self.same = False
        """Elements that stay are on show, too."""
        self._changes: dict[str, FoldedChange] = {}
        self._files = 0
        self._header: FoldedHeader | None = None

    @property
    def chosen(self) -> FoldedChange | None:
        """The change under the cursor; None on an element that stays."""
        return self._changes.get(self.cursor_key or "")

    @property
    def changes(self) -> tuple[FoldedChange, ...]:
        """What is shown, in its order."""
        return tuple(self._changes.values())

    @property
    def files(self) -> int:
        """How many files the changes are folded over."""
        return self._files

    @property
    def said(self) -> str:
        """What the rows come to."""
        if not self._changes:
            return ""
        rest = ""
        if self._header is not None:
            touched = {one.change.path for one in self._changes.values()}
            stay = sum(not row.depth and row.path not in touched for row in self._header.rows)
            hint = "= hides" if self.same else "= shows"
            rest = f" · {figures.grouped(stay)} same ({hint})"
        return f"{changes.totals(self._changes.values())}{rest}"

    def show_changes(self, found: Sequence[FoldedChange], files: int, *, empty: str) -> None:
        """Show the changes over so many files; `empty` stands for none."""
        self.empty = empty
        self._changes = {changes.key(one): one for one in found}
        self._files = files
        self._draw()

    def show_header(self, header: FoldedHeader | None) -> None:
        """Take the elements that stay from a header of the same files."""
        self._header = header
        self._draw()

    def toggle_same(self) -> None:
        """Show the elements that stay, or hide them again."""
        self.same = not self.same
        self._draw()

    def step(self, direction: int) -> bool:
        """Go to the next change, or to the one before; False where there is none."""
        places = [place for place, row in enumerate(self.rows) if row.key in self._changes]
        here = self.cursor
        beyond = [place for place in places if (place - here) * direction > 0]
        if not beyond:
            return False
        self.go_to_key(self.rows[beyond[0] if direction > 0 else beyond[-1]].key)
        return True

    def copies(self) -> tuple[Copyable, ...]:
        """Return what can be copied of the row under the cursor."""
        if (one := self.chosen) is None:
            return ()
        return (
            Copyable(title="change", text=changes.in_words(one)),
            Copyable(title="tag", text=one.change.path),
            Copyable(title="name", text=one.change.name),
        )

    def _draw(self) -> None:
        header = self._header if self.same else None
        self.show(changes.rows(tuple(self._changes.values()), self._files, header))
