# SPDX-License-Identifier: Apache-2.0
"""The audit trail: what was done, by whom, on what; the whole life of one object; and whether the
chain holds. Nothing can be changed here."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.list import ListScreen
from console.screens.base.saved_views import ViewChoice
from console.screens.base.screen import Copyable
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.views import audit, moments
from console.widgets.card import Card
from console.widgets.chart import TextLines
from console.widgets.chrome import entitle
from console.widgets.dialogs import AskScreen
from console.widgets.filter_line import FilterLine
from console.widgets.table import RecordTable
from engine.model.archive import AuditCount, AuditEvent, AuditPage, AuditReport
from engine.model.errors import InvalidInput
from engine.model.filters import Condition
from engine.model.measures import read_moment

DAYS = 7
"""How far the counts go back."""


class AuditScreen(ListScreen):
    """A filter, the events that it finds, and the card of the one under the cursor."""

    NAME = "audit"
    # Whatever happens is an event; they enter the trail a moment later.
    KINDS = frozenset({"archive", "configuration", "engine", "job", "remote", "session"})
    REST = 2.0
    CSS_PATH = sheets("audit.tcss")
    BINDINGS = bindings("audit")
    COLUMNS = audit.COLUMNS
    VIEWS = (
        ViewChoice(name="all", filter="", says="everything, the newest first"),
        ViewChoice(name="today", filter="since:1d", says="the last 24 hours"),
        ViewChoice(name="this week", filter="since:7d", says="the last seven days"),
        ViewChoice(name="this month", filter="since:30d", says="the last thirty days"),
        ViewChoice(name="exports", filter="action:Exported", says="what left the archive"),
    )
    LISTED = "Entries"
    NEWEST = ""

    def __init__(self, context: ConsoleContext) -> None:
        """Show the trail."""
        super().__init__(context)
        self._events: dict[str, AuditEvent] = {}
        self._page = AuditPage(rows=(), total=0)
        self._counts: tuple[AuditCount, ...] = ()
        self._fault = ""
        """What is wrong with the filter; the rows are those of the one before it."""
        self._verified: tuple[AuditReport, datetime] | None = None

    def content(self) -> ComposeResult:
        """Lay out the filter, the list, the card and the counts."""
        yield FilterLine(audit.FIELDS, id="query")
        with Horizontal():
            yield RecordTable(self.COLUMNS, empty="asking the engine …", id="trail")
            with Vertical(id="beside"):
                yield Card(id="card")
                yield TextLines(id="week")

    def on_mount(self) -> None:
        """Say what can be typed."""
        self.filter_line.note("words, or who:tj since:1d project:NEURO3")
        self.query_one(TextLines).border_title = plain(f"Last {DAYS} days")

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "life" and self._event is None:
            return "the list is empty"
        return super().why_not(action)

    def leave_part(self) -> bool:
        """Leave the card that lies over the list, then what else is open."""
        if self.has_class("detail"):
            self.remove_class("detail")
            self.table.focus()
            return True
        return super().leave_part()

    def copies(self) -> Sequence[Copyable]:
        """Offer the names of the event under the cursor, and what follows its object elsewhere."""
        event = self._event
        if event is None:
            return ()
        command = shlex.join(["anteroom", "audit", "list", "--life", event.object])
        return (
            Copyable(title="number", text=str(event.number)),
            Copyable(title="object", text=event.object),
            Copyable(title="hash", text=event.hash),
            Copyable(title="command", text=command),
            Copyable(title="row", text="\t".join(audit.exported(event))),
        )

    def exports(self) -> Exportable | None:
        """Offer all rows that the filter finds."""
        if not self.table.total:
            return None
        typed, find = self.filter_line.filter, self.engine.audit.list
        query = audit.query(typed, self.context.clock())

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: find(query, offset=offset, limit=limit),
                audit.exported,
                told,
            )

        return Exportable(name="audit", titles=audit.EXPORTED, rows=rows, says=str(typed))

    def open_key(self, key: str) -> None:
        """Go to the card; in a small terminal it lies over the list."""
        self.add_class("detail")
        self.fill_card()
        self.call_after_refresh(self.query_one(Card).focus)

    @work(group=QUESTION, exit_on_error=False)
    async def do_moment(self) -> None:
        """Ask for a moment, that of the event first, and show what was configured then."""
        from console.screens.moment import MomentScreen  # noqa: PLC0415 (loaded when shown)

        now = self.context.clock()
        offered = self._event.at if self._event is not None else now
        question = moments.question(offered, now)
        given = await self.app.push_screen_wait(AskScreen(question))
        if given is not None:
            self.app.push_screen(MomentScreen(self.context, read_moment(given["when"], now)))

    def do_life(self) -> None:
        """Follow the object of the event through its whole life, under all its names."""
        if (event := self._event) is None:
            return
        if '"' in event.object or not event.object.isprintable():
            self.tell("the name of this object cannot be typed into a filter", "warning")
            return
        self.narrow(str(Condition(field="life", value=event.object)))

    def narrow(self, typed: str) -> None:
        """Let a filter hold that was not typed here."""
        self.remove_class("detail")
        self.table.focus()
        self.filter_line.set(typed)

    @work(group=QUESTION, exit_on_error=False)
    async def do_verify(self) -> None:
        """Verify what is new in the chain, and say how it stands."""
        report = await self.asked(self.engine.audit.verify())
        if report is None:
            return
        self._verified = report, self.context.clock()
        self.tell(report.message, "information" if report.ok else "error")
        self._tell_list()

    @work(group="list", exit_on_error=False)
    async def fetch(self, offset: int) -> None:
        """Ask for the rows from `offset` on; rows of the last good filter stay beside a fault."""
        typed = self.filter_line.filter
        try:
            query = audit.query(typed, self.context.clock())
            page = await self.listed(self.engine.audit.list(query, offset=offset))
        except InvalidInput as error:
            if typed == self.filter_line.filter:
                self._fault = error.message
                self._tell_list()
            return
        if page is None or typed != self.filter_line.filter:
            # Somebody asks for something else by now.
            return
        # They are of the whole site: whoever reads a part of the trail does without them.
        counts = await self.permitted(self.engine.audit.counts(DAYS), ()) if offset == 0 else None
        counts = self._counts if counts is None else counts
        self._fault, self._page, self._counts = "", page, counts
        self._events |= {str(one.number): one for one in page.rows}
        narrowed = bool(typed.conditions or typed.text)
        self.table.empty = (
            "nothing fits the filter; esc drops it" if narrowed else "nothing has happened yet"
        )
        self.put(offset, [audit.row(one) for one in page.rows], page.total)
        kept = {row.key for row in self.table.rows}
        self._events = {key: one for key, one in self._events.items() if key in kept}
        self._tell_list()
        self.keys_changed()
        self.fill_card()

    def fill_card(self) -> None:
        """Show the event under the cursor, and the counts below."""
        card, event = self.query_one(Card), self._event
        if event is None:
            card.show("", ())
        else:
            before = self._events.get(str(event.number - 1))
            follows = None if before is None else before.hash == event.previous
            card.show(f"#{event.number}", audit.card(event, follows))
        week = self.query_one(TextLines)
        if week.size:
            week.show(audit.week(self._counts, week.size.width)[: week.size.height])

    def draw_order(self) -> None:
        """Say below the rows in what order they come."""
        entitle(self.table, subtitle="newest first")

    @property
    def _event(self) -> AuditEvent | None:
        return self._events.get(self.table.cursor_key or "")

    def _tell_list(self) -> None:
        if self._fault:
            old = " · the rows are those of the filter before"
            self.say((f"! {self._fault}", "look"), (old, "muted"))
        else:
            chain = ("t verifies the chain", "muted")
            if self._verified is not None:
                chain = audit.verified(*self._verified)
            self.say((f"{audit.matches(self._page)} · ", "muted"), chain)
        self.draw_order()
