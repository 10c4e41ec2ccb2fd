# SPDX-License-Identifier: Apache-2.0
"""The changes of scripts on the screen: a row for each element that was changed, with those between
them that stay if these are wanted. Its owner asks the engine and says whose changes they are."""

from __future__ import annotations

from console.screens.base.screen import Copyable
from console.views import changes, figures
from console.widgets.table import RecordTable
from engine.model.changes import FoldedChange, SessionChanges


class ChangesView(RecordTable):
    """Shows what was changed, or will be."""

    def __init__(self, was: str, now: str, *, id: str) -> None:
        """Make an empty view; `was` and `now` head the two sides of each change."""
        super().__init__(changes.columns(was, now), empty="asking the engine …", id=id)
        self.same = False
        """Elements that stay are on show, too."""
        self._told = SessionChanges()
        self._rows: dict[str, FoldedChange] = {}

    @property
    def chosen(self) -> FoldedChange | None:
        """The element under the cursor; None on a row that is of none."""
        return self._rows.get(self.cursor_key or "")

    @property
    def told(self) -> SessionChanges:
        """What is shown."""
        return self._told

    @property
    def changes(self) -> tuple[FoldedChange, ...]:
        """The elements that do not stay in all files."""
        return changes.changed(self._told)

    @property
    def said(self) -> str:
        """What the rows come to."""
        if not self._told.rows:
            return ""
        stay = sum(map(changes.stays, self._told.rows))
        hint = "= hides" if self.same else "= shows"
        return f"{changes.totals(self._told)} · {figures.grouped(stay)} same ({hint})"

    def show_changes(self, told: SessionChanges, *, empty: str) -> None:
        """Show what scripts do; `empty` stands for nothing."""
        self.empty = empty if told.is_whole else f"{changes.progress(told)} …"
        self._told = told
        self._rows = {changes.key(one): one for one in told.rows}
        self._draw()

    def toggle_same(self) -> None:
        """Show the elements that stay, or hide them again."""
        self.same = not self.same
        self._draw()

    def step(self, direction: int) -> bool:
        """Go to the next change, or to the one before; False where there is none."""
        keys = {changes.key(one) for one in self.changes}
        places = [place for place, row in enumerate(self.rows) if row.key in keys]
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
        self.show(changes.rows(self._told, same=self.same))
