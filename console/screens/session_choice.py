# SPDX-License-Identifier: Apache-2.0
"""Choosing one session of the prearchive: the newest are offered, then those that match what is
typed. What the choice is for is up to the caller."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from console.plain import plain
from console.runtime.context import ConsoleContext
from console.views import prearchive
from console.widgets.debounce import Debounce
from console.widgets.dialogs import PlainInput
from console.widgets.table import RecordTable
from engine.model.errors import EngineError
from engine.model.prearchive import PrearchiveQuery, PrearchiveSession

OFFERED = 20
PAUSE = 0.25
"""Seconds without a key until what was typed is asked for."""


class SessionChoiceScreen(ModalScreen[PrearchiveSession | None]):
    """Offers sessions of the prearchive; None means none."""

    CSS_PATH = "session_choice.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", show=False)]

    def __init__(self, context: ConsoleContext, title: str) -> None:
        """Offer what the engine of `context` holds."""
        super().__init__()
        self.context = context
        self._title = title
        self._sessions: dict[str, PrearchiveSession] = {}
        self._find_soon = Debounce(self)

    def compose(self) -> ComposeResult:
        """Lay out what is typed and what is found."""
        with Vertical(id="dialog"):
            yield PlainInput(id="words", compact=True, placeholder="part of a label")
            yield RecordTable(prearchive.COLUMNS, empty="asking the engine …", id="sessions")

    def on_mount(self) -> None:
        """Begin with the newest."""
        dialog = self.query_one("#dialog", Vertical)
        dialog.border_title = plain(f" {self._title} ")
        dialog.border_subtitle = plain(f" the newest {OFFERED} · enter chooses · esc closes ")
        self.query_one(PlainInput).focus()
        self._find()

    @on(Input.Changed)
    def typed(self) -> None:
        """Look once nothing more is typed."""
        self._find_soon.after(PAUSE, self._find)

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Take the session under the cursor."""
        self._give(self.query_one(RecordTable).cursor_key)

    @on(RecordTable.RowChosen)
    def chosen(self, message: RecordTable.RowChosen) -> None:
        """Take the session that was chosen."""
        self._give(message.key)

    def on_key(self, event: events.Key) -> None:
        """Let arrows move in the list while words are typed."""
        if event.key in ("down", "up") and isinstance(self.focused, Input):
            self.query_one(RecordTable).action_cursor(1 if event.key == "down" else -1)
            event.stop()

    def action_close(self) -> None:
        """Choose none."""
        self.dismiss(None)

    @work(exclusive=True, group="sessions", exit_on_error=False)
    async def _find(self) -> None:
        words = self.query_one(PlainInput).value.strip()
        table = self.query_one(RecordTable)
        asked = PrearchiveQuery(text=words, sort="last_object", descending=True)
        query = self.context.masks.query(asked)
        try:
            page = await self.context.engine.prearchive.list(query, limit=OFFERED)
        except EngineError as error:
            table.empty = error.message
            self._sessions = {}
            self._draw()
            return
        if words != self.query_one(PlainInput).value.strip() or query != self.context.masks.query(
            asked
        ):
            return
        self._sessions = {one.id: one for one in page.rows}
        table.empty = "nothing fits" if words else "the prearchive is empty"
        self._draw()

    def masks_changed(self) -> None:
        """Draw labels again, and look anew for what may be found now."""
        self._draw()
        self._find()

    def _draw(self) -> None:
        now, masks = self.context.clock(), self.context.masks
        rows = [prearchive.row(masks.session(one), now) for one in self._sessions.values()]
        self.query_one(RecordTable).show(rows)

    def _give(self, id: str | None) -> None:
        if id is not None and id in self._sessions:
            self.dismiss(self._sessions[id])
