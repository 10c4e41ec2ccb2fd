# SPDX-License-Identifier: Apache-2.0
"""What was configured at a moment: everything as it was, what differs from now marked, and the
values of both of the thing under the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.transfer.export import Exportable
from console.views import figures, moments
from console.views.moments import Thing
from console.widgets.card import Card
from console.widgets.table import RecordTable
from engine.model.configured import ConfigurationChange, Configured


class MomentScreen(BaseScreen):
    """The configuration of a moment."""

    NAME = "moment"
    # What was does not change; what differs from now does.
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("moment.tcss")
    BINDINGS = bindings("moment")
    REST = 1.0

    def __init__(self, context: ConsoleContext, moment: datetime) -> None:
        """Show a moment."""
        super().__init__(context)
        self._moment = moment
        self._only = False
        self._things: dict[Thing, tuple[Configured, ConfigurationChange | None]] = {}

    def content(self) -> ComposeResult:
        """Lay out the list and the card."""
        with Horizontal(id="halves"):
            yield RecordTable(moments.COLUMNS, empty="asking the engine …", id="things")
            yield Card(id="thing")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table.border_title = plain(f"Configured {figures.moment(self._moment)}")
        self._table.focus()
        self.look()

    def crumb(self) -> str:
        """Say which moment it is."""
        return f"Audit ▸ {figures.moment(self._moment)[:16]}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("export", "open") and not self._things:
            return self.refusal or "the list is empty"
        return ""

    def leave_part(self) -> bool:
        """Go back to the list."""
        if super().leave_part():
            return True
        if self.has_class("detail") or self.focused is not self._table:
            self.remove_class("detail")
            self._table.focus()
            return True
        return False

    def look(self) -> None:
        """Ask what was there, and what differs."""
        self._fetch()

    def copies(self) -> Sequence[Copyable]:
        """Offer the moment and the commands that tell of it."""
        at = f"{self._moment.astimezone():%Y-%m-%dT%H:%M:%S}"
        commands = [shlex.join(["anteroom", "config", verb, at]) for verb in ("at", "diff")]
        return (
            Copyable(title="moment", text=at),
            *(Copyable(title="command", text=command) for command in commands),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows with their values."""
        rows = [moments.exported(*one) for one in self._shown.values()]
        return Exportable(name="configured", titles=moments.EXPORTED, rows=rows) if rows else None

    def do_open(self) -> None:
        """Go to the values; in a small terminal they lie over the list."""
        self.add_class("detail")
        self.call_after_refresh(self.pane(Card, "thing").focus)

    def do_only(self) -> None:
        """Show only what differs from now, or everything again."""
        self._only = not self._only
        self._draw()

    @on(RecordTable.RowChosen)
    async def row_chosen(self) -> None:
        """Go to the values, or say why not."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Show the values of another thing."""
        self._draw_card()

    @property
    def _table(self) -> RecordTable:
        return self.pane(RecordTable, "things")

    @property
    def _shown(self) -> dict[Thing, tuple[Configured, ConfigurationChange | None]]:
        return {
            thing: one
            for thing, one in self._things.items()
            if one[1] is not None or not self._only
        }

    @work(exclusive=True, group="moment", exit_on_error=False)
    async def _fetch(self) -> None:
        self.refusal = ""
        then = await self.permitted(self.engine.moments.at(self._moment), ())
        changes = await self.permitted(self.engine.moments.diff(self._moment), ())
        if then is None or changes is None:
            return
        self._things = moments.merged(then, changes)
        self._draw()

    def _draw(self) -> None:
        self._table.empty = self.refusal or (
            "everything is as it was then" if self._things else "nothing was configured"
        )
        self._table.show([moments.row(key, change) for key, (_, change) in self._shown.items()])
        self.say((moments.said(self._things, self._moment, only=self._only), "muted"))
        self._draw_card()
        self.keys_changed()

    def _draw_card(self) -> None:
        kind, _, name = (self._table.cursor_key or "").partition("\t")
        one, card = self._things.get((kind, name)), self.pane(Card, "thing")
        if one is None:
            card.show("", ())
        else:
            card.show(name, moments.card(*one))
