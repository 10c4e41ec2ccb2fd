# SPDX-License-Identifier: Apache-2.0
"""The trash of the prearchive: deleted sessions that can still be restored, and below them what is
left of those that were removed for good."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.transfer.export import Exportable
from console.views import figures, trash
from console.views.masking import LASTING
from console.widgets.dialogs import AskScreen
from console.widgets.table import RecordTable
from engine.model.contents import Tombstone, TrashedSession


class TrashScreen(BaseScreen):
    """The deleted sessions, the one deleted last first."""

    NAME = "trash"
    KINDS = frozenset({"session"})
    CSS_PATH = sheets("trash.tcss")
    BINDINGS = bindings("trash")

    def __init__(self, context: ConsoleContext) -> None:
        """Show the trash."""
        super().__init__(context)
        self._sessions: dict[str, TrashedSession] = {}
        self._gone: dict[str, Tombstone] = {}

    def content(self) -> ComposeResult:
        """Lay out the list."""
        yield RecordTable(trash.COLUMNS, empty="asking the engine …", id="deleted")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table.border_title = plain("Deleted sessions")
        self._table.border_subtitle = plain("the one deleted last first")
        self._table.focus()
        self.look()

    def crumb(self) -> str:
        """Say that it is the trash of the prearchive."""
        return "Prearchive ▸ Trash"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "restore" and not self._sessions:
            return "the trash is empty"
        if action == "restore" and self._chosen is None:
            return "it was removed for good: nothing brings it back"
        return super().why_not(action)

    def look(self) -> None:
        """Ask for the list."""
        self._fetch()

    def masks_changed(self) -> None:
        """Draw labels again: masks do not wait for the engine."""
        self._draw()

    def copies(self) -> Sequence[Copyable]:
        """Offer the id, the label and the command that puts it back."""
        one = self._chosen
        if one is None:
            gone = self._table.cursor_key
            return (Copyable(title="id", text=gone),) if gone in self._gone else ()
        label = () if self.context.masks.hides(one) else (Copyable(title="label", text=one.label),)
        command = f"anteroom trash restore {one.id}"
        return (
            Copyable(title="id", text=one.id),
            *label,
            Copyable(title="command", text=command),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows."""
        if not self._table.total:
            return None
        return Exportable(
            name="trash",
            titles=tuple(column.title for column in trash.COLUMNS),
            rows=[row.cells for row in self._table.rows],
        )

    @work(group=QUESTION, exit_on_error=False)
    async def do_restore(self) -> None:
        """Put the session back, after a question."""
        one = self._chosen
        if one is None:
            return
        # Masked even while labels are revealed: the question may stay open for longer.
        question = trash.question(LASTING.trashed(one))
        given = await self.app.push_screen_wait(AskScreen(question))
        if given is None:
            return
        outcomes = await self.asked(self.engine.prearchive.restore((one.id,), given["reason"]))
        for outcome in outcomes or ():
            if outcome.done:
                self.tell(f"{one.id} is being put back")
            else:
                self.tell(f"not put back: {outcome.message}", "warning")
        self.look()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Say how long the session is kept."""
        self._tell_list()
        self.keys_changed()

    @property
    def _table(self) -> RecordTable:
        return self.pane(RecordTable, "deleted")

    @property
    def _chosen(self) -> TrashedSession | None:
        return self._sessions.get(self._table.cursor_key or "")

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _fetch(self) -> None:
        self.refusal = ""
        rows = await self.permitted(self.engine.prearchive.trash(), ())
        gone = await self.permitted(self.engine.prearchive.gone(), ())
        if rows is None or gone is None:
            return
        self._sessions = {one.id: one for one in rows}
        self._gone = {left.id: left for left in gone}
        self._table.empty = self.refusal or "the trash is empty"
        self._draw()

    def _draw(self) -> None:
        sessions = self._sessions.values()
        masks = self.context.masks
        kept = [trash.row(masks.trashed(one)) for one in sessions]
        self._table.show([*kept, *(trash.gone(left) for left in self._gone.values())])
        self._tell_list()
        self.keys_changed()

    def _tell_list(self) -> None:
        many = figures.plural(len(self._sessions), "deleted session")
        one = self._chosen
        left = self._gone.get(self._table.cursor_key or "")
        about = ""
        if one is not None:
            about = f" · {one.id} is kept until {figures.moment(one.until)[:16]}"
        elif left is not None:
            about = f" · {trash.gone_in_words(left)}"
        self.say((f"{many}{about}", "muted"))
