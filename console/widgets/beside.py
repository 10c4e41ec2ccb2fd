# SPDX-License-Identifier: Apache-2.0
"""What stands beside the rows of the live screen: the rate of the last minutes, the receivers, and
who sends. It draws what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from textual.app import ComposeResult
from textual.containers import Vertical

from console.views import live
from console.views.rows import Piece
from console.views.status import KEPT, STEP, StatusView
from console.widgets.chart import Chart, TextLines
from engine.model.live import SenderSeen, Transfer

CHARTED = STEP * KEPT


class Beside(Vertical):
    """Shows the rate, and below it receivers and senders."""

    def compose(self) -> ComposeResult:
        """Lay out the chart and the lines."""
        yield Chart(id="chart")
        yield TextLines(id="receivers")

    def on_mount(self) -> None:
        """Name both."""
        self.query_one(Chart).border_title = "Last 10 minutes, img/s"
        self._below.border_title = "Receivers and senders"

    def show(
        self,
        view: StatusView,
        opened: Sequence[Transfer],
        transfers: Sequence[Transfer],
        senders: Sequence[SenderSeen],
        now: datetime,
    ) -> None:
        """Draw what is known of the engine as a whole, and of the transfers, those that are open
        and all."""
        if view.status is None:
            return
        self.query_one(Chart).draw(view.history(), view.rate(now), view.peak(now), CHARTED, now)
        lines: list[tuple[Piece, ...]] = live.receiver_lines(view.status.receivers, opened)
        if view.lost:
            lines = [((view.lost, "bad"),)]
        # It has no height until it was laid out for the first time.
        below = self._below
        room = below.content_size.height - len(lines) - 2 if below.size else live.ROOM
        if who := live.sender_lines(transfers, now, senders, room):
            lines = [*lines, (), (("Last seen", "muted"),), *who]
        below.show(lines)

    @property
    def _below(self) -> TextLines:
        return self.query_one("#receivers", TextLines)
