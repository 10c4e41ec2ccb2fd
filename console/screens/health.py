# SPDX-License-Identifier: Apache-2.0
"""The health of the engine on any screen that shows it: its checks of itself, which are made again
once they are old, and how much came within each hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from textual import work

from console.runtime.context import ConsoleContext
from console.screens.base.screen import BaseScreen, Copyable
from console.views import figures, system, throughput
from console.views.rows import Piece
from console.widgets.chart import Chart
from console.widgets.table import RecordTable
from engine.model.health import Check
from engine.model.live import Event

STALE = timedelta(minutes=1)
"""Checks that are older are made again with the next news."""

HOURS = 24
CHART_EVERY = timedelta(seconds=30)
"""How old the chart of hours may be."""


class HealthScreen(BaseScreen):
    """A screen with the checks (`#checks`) and the chart of hours (`#day`)."""

    def __init__(self, context: ConsoleContext) -> None:
        """Begin with nothing looked at."""
        super().__init__(context)
        self._checks: dict[str, Check] = {}
        self._checking = ""
        """What is being looked at; empty while nothing is."""
        self._checked: datetime | None = None
        self._checked_all: datetime | None = None
        self._recheck = False
        """Something has happened after which the checks are made again."""
        self._charted: datetime | None = None
        """When it was asked last how much came by the hour."""

    @property
    def check(self) -> Check | None:
        """The check under the cursor."""
        return self._checks.get(self.pane(RecordTable, "checks").cursor_key or "")

    def health_changed(self) -> None:
        """Go on after checks have begun or ended."""

    def concerns(self, event: Event) -> bool:
        """Whether an event may have changed what is shown; the checks too for some."""
        self._recheck |= event.kind in ("engine", "configuration")
        return super().concerns(event)

    def look_at_health(self) -> None:
        """Make the checks again where they are old, or where something was changed."""
        old = self._checked is None or self.context.clock() - self._checked > STALE
        if self._recheck or old:
            self.look_at_itself(thorough=False)

    def why_not_health(self, action: str) -> str:
        """Say why a verb is not possible for the checks now."""
        if action == "check" and self._checking:
            return "the checks are running"
        if action in ("start", "stop", "echo", "limits", "storing", "tls"):
            return "that is for receivers and jobs: > shows them"
        return ""

    def copies_of_check(self, check: Check) -> Sequence[Copyable]:
        """Return what can be copied of a check."""
        return (
            Copyable(title="found", text=f"{check.name}: {check.found}"),
            Copyable(title="command", text="anteroom doctor --thorough"),
        )

    def health_said(self) -> list[Piece]:
        """Say how the checks ended, and when they were made."""
        if self._checking:
            return [(self._checking, "look")]
        pieces = [system.findings(tuple(self._checks.values()))]
        if self._checked is not None:
            pieces.append((f" · checked {figures.clock(self._checked)}", "muted"))
            whole = f"the long ones {figures.clock(self._checked_all)}" if self._checked_all else ""
            pieces.append((f", {whole or 'r makes the long ones too'}", "muted"))
        return pieces

    @work(group="checks", exit_on_error=False)
    async def look_at_itself(self, *, thorough: bool) -> None:
        """Have the engine check itself, unless it is at that already."""
        if self._checking:
            return
        self._recheck = False
        self._checking = "running all checks, the long ones too …" if thorough else "checking …"
        self.health_changed()
        try:
            self.refusal = ""
            checks = await self.permitted(self.engine.system.checks(thorough), ())
        finally:
            self._checking = ""
        if checks is not None:
            self._checked = self.context.clock()
            self._checked_all = self._checked if thorough else self._checked_all
            self._checks = {one.name: one for one in checks}
            table = self.pane(RecordTable, "checks")
            table.empty = self.refusal or "the engine has no check"
            table.show([system.check_row(one) for one in checks])
        self.health_changed()

    @work(group="chart", exit_on_error=False)
    async def draw_hours(self) -> None:
        """Draw how much came within each hour, now and then, where that is on show."""
        day, now = self.pane(Chart, "day"), self.context.clock()
        if not (self.is_current and day.display):
            return
        if self._charted is not None and now - self._charted < CHART_EVERY:
            return
        self._charted = now
        rows = await self.permitted(self.engine.live.throughput(HOURS), ())
        if rows is None:
            self._charted = None
            return
        hours = throughput.whole(rows, HOURS, now)
        counts = [hour.objects for hour in hours]
        day.draw_hours(counts, throughput.said(hours), now)
