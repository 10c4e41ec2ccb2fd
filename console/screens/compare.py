# SPDX-License-Identifier: Apache-2.0
"""Two sessions, scans, files or versions side by side: only what differs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.overlays import TextScreen
from console.screens.base.screen import BaseScreen, Copyable
from console.transfer.export import Exportable
from console.views import comparison
from console.views.comparison import Side
from console.widgets.table import RecordTable
from engine.model.comparison import ComparedRow, Comparison, Version
from engine.model.errors import EngineError


class CompareScreen(BaseScreen):
    """What differs between two headers."""

    NAME = "compare"
    CSS_PATH = sheets("compare.tcss")
    BINDINGS = bindings("compare")

    def __init__(self, context: ConsoleContext, left: Side, right: Side) -> None:
        """Compare two sides."""
        super().__init__(context)
        self._ours, self._theirs = left, right
        self._found: Comparison | None = None
        self._rows: dict[str, ComparedRow] = {}

    def content(self) -> ComposeResult:
        """Lay out the rows."""
        yield RecordTable(
            comparison.columns("Left", "Right"), empty="asking the engine …", id="differences"
        )

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table.focus()
        self._tell_sides()
        self.look()

    def crumb(self) -> str:
        """Say what it is: sessions may wait or be filed."""
        return "Compare"

    def look(self) -> None:
        """Ask what differs."""
        self._fetch()

    def masks_changed(self) -> None:
        """Draw values again: masks do not wait for the engine."""
        self._tell_sides()
        self._draw()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "open" and not self._rows:
            return "nothing differs"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the command that tells the same, and the element under the cursor."""
        one, other = self._ours, self._theirs
        command = f"anteroom compare {_written(one)} {_written(other)}"
        row = self._rows.get(self._table.cursor_key or "")
        if row is None:
            return (Copyable(title="command", text=command),)
        return (
            Copyable(title="tag", text=row.either.path),
            Copyable(title="name", text=row.either.name),
            Copyable(title="command", text=command),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows."""
        if not self._rows:
            return None
        return Exportable(
            name="comparison",
            titles=comparison.EXPORTED,
            rows=[comparison.exported(one) for one in self._rows.values()],
        )

    def do_open(self) -> None:
        """Tell all of the element under the cursor."""
        self._table.action_choose()

    @on(RecordTable.RowChosen)
    def row_chosen(self, message: RecordTable.RowChosen) -> None:
        """Tell all of an element."""
        row = self._rows.get(message.key)
        if row is not None:
            lines = comparison.card(row)
            self.app.push_screen(TextScreen("Both sides", lines, empty="", labelled=True))

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _fetch(self) -> None:
        left, right = self._ours, self._theirs
        try:
            found = await self.engine.comparison.headers(left.id, right.id, left.part, right.part)
        except EngineError as error:
            self._table.empty = f"{error.message}; {error.hint}" if error.hint else error.message
            self._table.show([])
            self.failed(error)
            return
        self._found = found
        self._draw()
        self.keys_changed()

    def _draw(self) -> None:
        if self._found is None:
            return
        shown = self.context.masks.compared(self._found, self._ours.waiting, self._theirs.waiting)
        self._rows = {one.either.path: one for one in shown.rows}
        self._table.empty = "nothing differs"
        self._table.show(comparison.rows(shown))
        self._table.border_subtitle = plain(comparison.totals(shown))
        self.say((comparison.read(shown), "muted"))

    def _tell_sides(self) -> None:
        masks = self.context.masks
        left, right = (comparison.side(one, masks) for one in (self._ours, self._theirs))
        self._table.border_title = plain(f"{left}  │  {right}")

    @property
    def _table(self) -> RecordTable:
        return self.query_one(RecordTable)


def _written(side: Side) -> str:
    part = side.part
    of = part.file or part.scan
    version = "" if part.version is Version.STORED else f"@{part.version}"
    return f"{side.id}{f'#{of}' if of else ''}{version}"
