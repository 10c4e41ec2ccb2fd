# SPDX-License-Identifier: Apache-2.0
"""Lists whose rows can be marked: marks stay with what they were set on while the list is filtered,
and go with what leaves it. What can be done to the marked is up to the screen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on, work

from console.runtime.context import ConsoleContext
from console.screens.base.list import ListScreen
from console.views import figures
from console.widgets.filter_line import FilterLine
from console.widgets.records import LOOKED_FOR
from console.widgets.table import RecordTable, Row


class MarkingScreen(ListScreen):
    """A list with marks."""

    def __init__(self, context: ConsoleContext) -> None:
        """Begin without marks."""
        super().__init__(context)
        self._note = ""
        self.narrowed = False
        """The filter was changed while rows were marked, which it may hide."""

    # What a screen brings.

    async def every_row(self) -> Sequence[Row] | None:
        """Ask for as many rows as can be marked; None where another list is shown by then."""
        raise NotImplementedError

    def tell_list(self) -> None:
        """Say below the list what it shows."""
        raise NotImplementedError

    # What it uses.

    @property
    def note(self) -> str:
        """What happened to marks last."""
        return self._note

    def note_of_marks(self) -> str:
        """Say what the filter has unmarked."""
        return self._note if self.table.marks else ""

    def unmark_missing(self) -> None:
        """Unmark what is not in the list any more; where not all rows are known, ask for them."""
        known = {row.key for row in self.table.rows}
        if known.issuperset(self.table.marks.keys):
            self.narrowed = False
        elif self.table.records.whole:
            self._keep_marks(known)
        elif self.narrowed or len(self.table.marks) <= LOOKED_FOR:
            self._find_marks()

    # How it works.

    @on(RecordTable.MarksChanged)
    def marks_changed(self, message: RecordTable.MarksChanged) -> None:
        """Say how many are marked."""
        self._note = message.note
        self.tell_list()
        self.keys_changed()

    @on(FilterLine.Changed)
    def list_narrowed(self) -> None:
        """Note that the filter may hide what is marked."""
        self.narrowed = bool(self.table.marks)

    @on(RecordTable.AllWanted)
    @work(exclusive=True, group="marks", exit_on_error=False)
    async def mark_all(self) -> None:
        """Mark all that the list shows."""
        rows = await self.every_row()
        if rows is not None:
            self.table.mark_rows(rows)

    @work(exclusive=True, group="marks", exit_on_error=False)
    async def _find_marks(self) -> None:
        rows = await self.every_row()
        if rows is not None:
            self._keep_marks(row.key for row in rows)

    def _keep_marks(self, ids: Iterable[str]) -> None:
        if gone := self.table.marks.keep(ids):
            rows = figures.plural(gone, "row")
            hidden, left = f"the filter unmarked {rows} when it hid them", f"{rows} left the list"
            self._note = hidden if self.narrowed else f"{left}, marked before"
            self.table.refresh()
            self.tell_list()
        self.narrowed = False
