# SPDX-License-Identifier: Apache-2.0
"""One held object: why it is held, and its header as it was received."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.actions.held import HeldAct
from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.header_view import HeaderView
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.screens.held_acts import act_on
from console.views import headers, ledger
from console.widgets.card import Card
from console.widgets.chrome import entitle
from console.widgets.table import RecordTable
from engine.model.contents import FoldedHeader
from engine.model.held import HeldDetail
from engine.model.ledger import HeldEntry


class HeldScreen(BaseScreen):
    """A held object, over the ledger."""

    NAME = "held"
    KINDS = frozenset({"ledger"})
    CSS_PATH = sheets("held.tcss")
    BINDINGS = bindings("held")

    def __init__(self, context: ConsoleContext, one: HeldEntry) -> None:
        """Show an object of a list."""
        super().__init__(context)
        self._entry = one
        self._detail: HeldDetail | None = None
        self._header: FoldedHeader | None = None

    def content(self) -> ComposeResult:
        """Lay out why it is held, and the header."""
        with Horizontal(id="halves"):
            yield Card(id="why", names=8)
            yield HeaderView(id="header")

    def on_mount(self) -> None:
        """Begin to ask."""
        entitle(self._view.table, "Header as received")
        self._view.table.focus()
        self.look()

    def crumb(self) -> str:
        """Say where the person is."""
        return f"Ledger ▸ held {self._entry.id}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "rule" and ledger.place_of(self._entry.rule) is None:
            return "no line of a script holds it"
        if action in ("next", "previous") and not self._view.searches:
            return "nothing was searched for: / does"
        if action == "reveal" and self.context.me is not None and not self._sees:
            return "values of originals are for those who may see originals"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the id, the commands, and the element under the cursor."""
        id = self._entry.id
        return (
            Copyable(title="id", text=id),
            Copyable(title="command", text=f"anteroom held show {id}"),
            Copyable(title="its header", text=f"anteroom held header {id}"),
            *self._view.copies(),
        )

    def masks_changed(self) -> None:
        """Show or hide the values."""
        self._draw()

    def do_open(self) -> None:
        """Fold, unfold, or show the values."""
        self._view.table.action_choose()

    def do_search(self) -> None:
        """Search the header."""
        self._view.open_search()

    def do_next(self) -> None:
        """Go to the next place that was found."""
        self._view.go_on(1)

    def do_previous(self) -> None:
        """Go to the place before."""
        self._view.go_on(-1)

    async def do_rule(self) -> None:
        """Open the line of the script."""
        if (place := ledger.place_of(self._entry.rule)) is not None:
            scope, version, line = place
            await self.host.open_script(scope, version=version, line=line)

    def do_retry(self) -> None:
        """Run the script in force over it."""
        self._act(HeldAct.RETRY)

    def do_drop(self) -> None:
        """Drop it."""
        self._act(HeldAct.DROP)

    def leave_part(self) -> bool:
        """Leave a search, or a zoomed pane."""
        return super().leave_part() or self._view.end_search()

    def look(self) -> None:
        """Ask for the object."""
        self._fetch()

    @work(exclusive=True, group="header", exit_on_error=False)
    async def _fetch(self) -> None:
        """Ask; where it has left staging, go back."""
        id = self._entry.id
        detail = await self.asked(self.engine.held.show(id))
        if detail is None:
            if not self.context.status_view.lost and self.is_current:
                self.do_leave_screen()
            return
        self._detail = detail
        self._draw()
        header = await self.asked(self.engine.held.header(id))
        if header is not None:
            self._header = header
            self._draw()

    @on(HeaderView.Changed)
    def searched(self) -> None:
        """Say how far the search has come."""
        self._say()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Draw which keys are possible."""
        self.keys_changed()

    @property
    def _view(self) -> HeaderView:
        return self.pane(HeaderView, "header")

    @property
    def _sees(self) -> bool:
        me = self.context.me
        return me is None or me.sees_originals

    def _draw(self) -> None:
        header = self._header
        if self._detail is not None:
            unread = header.unread if header is not None else ()
            self.pane(Card, "why").show("Held", ledger.held_card(self._detail, unread))
        if header is not None:
            shown = ledger.hidden(header, revealed=self.context.masks.revealed)
            why = header.unread[0] if header.unread else "the header is empty"
            self._view.show(shown, f"it cannot be read: {why}", labelled=True)
        self._say()

    def _say(self) -> None:
        if self._header is None:
            self.say(("asking the engine …", "muted"))
            return
        shown = "values are shown for a minute" if self.context.masks.revealed else "# shows values"
        if not self._sees:
            shown = "values are for those who may see originals"
        said = [self._view.said, headers.folded_over(self._header), shown]
        self.say((" · ".join(one for one in said if one), "muted"))

    @work(group=QUESTION, exit_on_error=False)
    async def _act(self, act: HeldAct) -> None:
        if await act_on(self, act, (self._entry,)) and self.is_open:
            self.look()
