# SPDX-License-Identifier: Apache-2.0
"""The live screen: what is arriving and settling, how fast, from whom, and what has happened.
Nothing can be changed here. What is shown comes from `console.views.arrivals` and
`console.views.events`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import ScreenResume
from textual.worker import Worker

from console.keys.table import bindings
from console.runtime.arriving import Arriving
from console.runtime.context import ConsoleContext
from console.runtime.events import EngineEvents
from console.screens.base.lines import sheets
from console.screens.base.overlays import TextScreen
from console.screens.base.screen import BaseScreen, Copyable, StatusTaken
from console.transfer.export import Exportable
from console.views import events, figures, glyphs, live, routing
from console.views.arrivals import Arrival, Arrivals
from console.views.masking import LASTING
from console.widgets.beside import Beside
from console.widgets.chrome import entitle
from console.widgets.filter_line import FilterLine
from console.widgets.table import RecordTable
from engine.model.live import EngineStatus, Event
from engine.model.prearchive import PrearchiveSession

REST = 0.5
"""Seconds between two pictures."""

TICK = 1.0
"""Seconds until ages are drawn again where there is no news."""


class LiveScreen(BaseScreen):
    """What arrives above, rates and receivers beside it, events below."""

    NAME = "live"
    KINDS = frozenset({"session", "transfer", "ledger", "archive"})
    CSS_PATH = sheets("live.tcss")
    BINDINGS = bindings("live")

    def __init__(self, context: ConsoleContext) -> None:
        """Show what arrives."""
        super().__init__(context)
        self._arriving = Arriving(context)
        self._shown: dict[str, Arrival] = {}
        self._news_came = asyncio.Event()
        self._going_on: Worker[None] | None = None
        self._built_after: tuple[float, dict[str, float]] = (0.0, {})
        """Seconds of silence after which the engine builds; 0 where that is not known."""
        self._paused = False
        self._held_back = 0
        self._follows = False
        self._newest: str | None = None

    def content(self) -> ComposeResult:
        """Lay out the filters, the rows, what stands beside, and the events."""
        yield FilterLine(live.FIELDS, id="filter")
        with Horizontal(id="above"):
            yield RecordTable(live.COLUMNS, empty="asking the engine …", id="arriving")
            yield Beside(id="beside")
        yield FilterLine(events.FIELDS, id="event-filter")
        yield RecordTable(
            events.COLUMNS, empty="nothing has happened yet", id="events", header=False
        )

    def on_mount(self) -> None:
        """Begin to ask."""
        self._events.border_title = "Events"
        self._events.border_subtitle = "newest first"
        self.set_class(self.context.memory.state.list(self.NAME).card is False, "card-closed")
        self._rows.focus()
        self._going_on = self._go_on()

    @on(ScreenResume)
    def come_back(self) -> None:
        """Learn what happened while another mode was on show."""
        self._catch_up()
        self.look()

    def crumb(self) -> str:
        """Say that the picture is held still, and how much has come meanwhile."""
        if not self._paused:
            return super().crumb()
        held = figures.grouped(self._held_back)
        # A narrow title has more to say at its right.
        return (
            f"Live PAUSED +{held}"
            if self.app.size.width < 100
            else f"Live  PAUSED, {held} held back"
        )

    def look_again(self) -> None:
        """Ask again: pictures have a pace of their own."""
        self.look()

    def look(self) -> None:
        """Ask again with the next picture."""
        if self._going_on is not None and self._going_on.is_finished:
            # One picture could not be drawn; the next may.
            self._going_on = self._go_on()
        self._arriving.outdate()
        self._news_came.set()

    def masks_changed(self) -> None:
        """Draw labels again: they are masked now, or no longer."""
        self._news_came.set()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("open", "why"):
            if (session := self._session) is None:
                return "this row is no session of the prearchive"
            if session.id in self._shown and self._arrivals.has_left(session.id):
                return "the session is no longer in the prearchive"
        if action == "card" and not self.has_class("-wide"):
            return "the right column needs 110 columns"
        return super().why_not(action)

    def leave_part(self) -> bool:
        """Leave what is open: zoom, then filters."""
        filters = self.query(FilterLine)
        return super().leave_part() or any([one.clear() for one in filters])

    def copies(self) -> Sequence[Copyable]:
        """Offer the session under the cursor."""
        session = self._session
        if session is None:
            return ()
        hidden = self.context.masks.hides(session)
        label = () if hidden else (Copyable(title="label", text=session.label),)
        return (
            Copyable(title="id", text=session.id),
            *label,
            Copyable(title="command", text=f"anteroom prearchive show {session.id}"),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows on show."""
        return Exportable(
            name="live",
            titles=tuple(column.title for column in live.COLUMNS),
            rows=[row.cells for row in self._rows.rows],
            says=str(self._filter.filter),
        )

    def do_filter(self) -> None:
        """Let the person narrow the pane with focus."""
        (self._event_filter if self._events.has_focus else self._filter).open()

    def do_open(self) -> None:
        """Open the session under the cursor."""
        from console.screens.session import SessionScreen  # noqa: PLC0415 (loaded when shown)

        if (session := self._session) is not None:
            here = tuple(
                key
                for key, one in self._shown.items()
                if one.session is not None and not self._arrivals.has_left(key)
            )
            self.app.push_screen(SessionScreen(self.context, session.id, among=here))

    @work(exclusive=True, group="why", exit_on_error=False)
    async def do_why(self) -> None:
        """Show how routing found where the session belongs."""
        session = self._session
        if session is None:
            return
        route = await self.asked(self.engine.prearchive.route(session.id))
        if route is None or not self.is_open:
            return
        rows = routing.rows(self.context.masks.route(route, session))
        lines = [(row.cells[0], row.cells[1]) for row in rows]
        title = f"Why {session.id} is where it is"
        self.app.push_screen(
            TextScreen(
                title, lines, empty="nothing is known of it", labelled=LASTING.hides(session)
            )
        )

    def do_scanners(self) -> None:
        """Show the acceptances of scanners; that under the cursor is offered for another."""
        arrival = self._shown.get(self._rows.cursor_key or "")
        self.host.open_acceptances("Live", arrival.calling if arrival is not None else "")

    def do_follow(self) -> None:
        """Keep the cursor on the newest row, or leave it alone again."""
        self._follows = not self._follows
        self._news_came.set()

    def do_pause(self) -> None:
        """Hold the picture still, or let it go on."""
        self._paused = not self._paused
        self._held_back = 0
        self.draw_lines()
        self._news_came.set()

    def do_card(self) -> None:
        """Show or hide the right column."""
        closed = not self.has_class("card-closed")
        self.set_class(closed, "card-closed")
        self.context.memory.state.list(self.NAME).card = not closed

    @on(EngineEvents)
    def hear_events(self, message: EngineEvents) -> None:
        """Take what happened; ask for what was missed."""
        if self._arriving.follows(message.batch):
            self._heard(self._arriving.hear(message.batch))
        else:
            self._catch_up()

    @on(StatusTaken)
    def status_taken(self) -> None:
        """Draw what is known of the engine as a whole; the rows too, once it is known when it
        builds."""
        status = self.context.status_view.status
        if status is not None and self._builds(status) != self._built_after:
            self._draw()
        else:
            self._draw_engine()

    @on(RecordTable.RowChosen)
    async def open_row(self) -> None:
        """Open a session, where that is possible."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Say what is possible there; moving the cursor by hand ends following."""
        if self._follows and self._rows.cursor_key != self._newest:
            self._follows = False
            self._draw_titles()
        self.keys_changed()

    @on(FilterLine.Changed)
    def filter_changed(self) -> None:
        """Show what fits."""
        self._draw()

    @on(FilterLine.Left, "#filter")
    def filter_left(self) -> None:
        """Go back to the rows."""
        self._rows.focus()

    @on(FilterLine.Left, "#event-filter")
    def event_filter_left(self) -> None:
        """Go back to the events."""
        self._events.focus()

    @property
    def _arrivals(self) -> Arrivals:
        return self._arriving.arrivals

    @property
    def _rows(self) -> RecordTable:
        return self.pane(RecordTable, "arriving")

    @property
    def _events(self) -> RecordTable:
        return self.pane(RecordTable, "events")

    @property
    def _filter(self) -> FilterLine:
        return self.pane(FilterLine, "filter")

    @property
    def _event_filter(self) -> FilterLine:
        return self.pane(FilterLine, "event-filter")

    @property
    def _session(self) -> PrearchiveSession | None:
        """The session that the cursor of the pane with focus is on."""
        if self._events.has_focus:
            object = self._arriving.event_lines.object_of(self._events.cursor_key or "")
            return self._arrivals.session(object)
        arrival = self._shown.get(self._rows.cursor_key or "")
        return None if arrival is None else arrival.session

    @work(group="live", exit_on_error=False)
    async def _go_on(self) -> None:
        """Draw after news, the first at once, then twice a second at most."""
        while True:
            with contextlib.suppress(TimeoutError), self.host.ahead.resting():
                await asyncio.wait_for(self._news_came.wait(), TICK)
            if self._paused:
                self._news_came.clear()
                continue
            if self._news_came.is_set():
                self._news_came.clear()
                self.refusal = ""
                if await self.permitted(self._arriving.ask(), otherwise=True):
                    self._rows.empty = self.refusal or "nothing is arriving"
                self._draw()
                with self.host.ahead.resting():
                    await asyncio.sleep(REST)
            elif self.is_current:
                self._draw()

    @work(exclusive=True, group="events", exit_on_error=False)
    async def _catch_up(self) -> None:
        told = await self.asked(self._arriving.catch_up())
        if told is not None:
            self._heard(told)

    def _heard(self, told: int) -> None:
        """Draw what events have changed; `told` lines of them."""
        if self._paused and told:
            self._held_back += told
            self.draw_lines()
        self._news_came.set()

    @staticmethod
    def _builds(status: EngineStatus | None) -> tuple[float, dict[str, float]]:
        """Return after how many seconds a session is built, and where it differs by project."""
        return (status.build_after, status.build_after_of) if status is not None else (0.0, {})

    def _draw(self) -> None:
        if self._paused or not self.is_mounted:
            return
        now, masks = self.context.clock(), self.context.masks
        status = self.context.status_view.status
        self._shown = {one.key: one for one in self._arrivals.on_show(now)}
        self._built_after = self._builds(status)
        site, of_projects = self._built_after
        made = [
            live.row(
                masks.arrival(one),
                now,
                build_after=of_projects.get(one.session.project or "" if one.session else "", site),
                asks=not self.context.watching,
            )
            for one in self._shown.values()
        ]
        table, pointed = self._rows, self._rows.cursor_key
        table.show([row for row in made if live.fits(row, self._filter.filter)])
        if self._follows:
            self._newest = max(
                (row.key for row in table.rows),
                key=lambda key: self._shown[key].begun,
                default=None,
            )
            table.go_to_key(self._newest or "")
        elif pointed is not None and table.cursor_key != pointed:
            # An association has become the session that it feeds.
            table.go_to_key(self._arrivals.fed_by(pointed))
        at_top = self._events.cursor == 0
        self._events.show(self._arriving.event_lines.rows(self._told, self._event_filter.filter))
        if at_top:
            self._events.go_to(0)
        self._draw_titles()
        self._draw_engine()
        self.keys_changed()

    def _draw_titles(self) -> None:
        shown, narrow = self._rows, not self.has_class("-wide")
        words = live.counts(list(self._shown.values()), len(self._arrivals.open))
        history = self.context.status_view.history()
        if narrow and history:
            # The rate of the last step, not of the moment: a new title repaints the whole pane.
            rate = figures.rate(history[-1]) or "0"
            words += f" · {rate} img/s {glyphs.sparkline(history, 8)}"
        fit = shown.total
        below = "follows the newest" if self._follows else "what needs you first"
        if fit < len(self._shown):
            below = f"{fit} of {figures.plural(len(self._shown), 'row')} · {below}"
        entitle(shown, f"Receiving now · {words}", below)

    def _draw_engine(self) -> None:
        status = self.context.status_view.status
        if self._paused or not self.is_mounted or status is None:
            return
        now, view = self.context.clock(), self.context.status_view
        short = self.app.size.width < 100
        line = live.accounts_line(status.accounts, staged=status.staged, short=short)
        self.say((line, "muted"))
        if self.has_class("-wide"):
            arrivals, senders = self._arrivals, self._arriving.senders
            beside = self.pane(Beside, "beside")
            beside.show(view, arrivals.open, arrivals.transfers, senders, now)

    def _told(self, event: Event) -> tuple[str, str]:
        """Say of whom an event is, and what may be said of it."""
        if event.kind == "transfer":
            return self._arrivals.sender(event.object) or event.object, event.text
        session = self._arrivals.session(event.object) if event.kind == "session" else None
        if session is None:
            return event.object, event.text
        masks = self.context.masks
        return masks.session(session).label, masks.text(event.text, session)
