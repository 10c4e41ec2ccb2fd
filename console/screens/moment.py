# SPDX-License-Identifier: Apache-2.0
"""What was configured at a moment: everything as it was, what differs from now marked, and the
values of both of the thing under the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.base.short_list import ShortListScreen
from console.transfer.export import Exportable
from console.views import figures, moments
from console.views.moments import Dated
from console.widgets.card import Card
from console.widgets.table import RecordTable


class MomentScreen(ShortListScreen[Dated]):
    """The configuration of a moment."""

    NAME = "moment"
    # What was does not change; what differs from now does.
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("moment.tcss")
    BINDINGS = bindings("moment")

    def __init__(self, context: ConsoleContext, moment: datetime) -> None:
        """Show a moment."""
        super().__init__(context)
        self._moment = moment
        self._only = False

    def content(self) -> ComposeResult:
        """Lay out the list and the card."""
        with Horizontal(id="halves"):
            yield RecordTable(moments.COLUMNS, empty="asking the engine …", id="list")
            yield Card(id="card")

    def on_mount(self) -> None:
        """Begin to ask."""
        self.entitle(f"Configured {figures.moment(self._moment)}")
        super().on_mount()

    def crumb(self) -> str:
        """Say which moment it is."""
        return f"Audit ▸ {figures.moment(self._moment)[:16]}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("export", "open") and not self.known:
            return self.refusal or "the list is empty"
        return ""

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

    def do_only(self) -> None:
        """Show only what differs from now, or everything again."""
        self._only = not self._only
        self._draw()

    @property
    def _shown(self) -> dict[str, Dated]:
        return {key: one for key, one in self.known.items() if one[1] is not None or not self._only}

    @work(exclusive=True, group="moment", exit_on_error=False)
    async def fetch(self) -> None:
        """Ask what was there, and what differs."""
        self.refusal = ""
        then = await self.permitted(self.engine.moments.at(self._moment), ())
        changes = await self.permitted(self.engine.moments.diff(self._moment), ())
        if then is None or changes is None:
            return
        self.known = moments.merged(then, changes)
        self._draw()

    def draw_card(self) -> None:
        """Show the values of the thing under the cursor."""
        if self.chosen is None:
            self.card.show("", ())
        else:
            self.card.show(self.chosen[0].name, moments.card(*self.chosen))

    def _draw(self) -> None:
        self.table.empty = self.refusal or (
            "everything is as it was then" if self.known else "nothing was configured"
        )
        self.table.show([moments.row(*one) for one in self._shown.values()])
        self.say((moments.said(self.known.values(), self._moment, only=self._only), "muted"))
        self.draw_card()
        self.keys_changed()
