"""The live screen: what is being received, and the sessions of the prearchive. It shows; it does
not act. Facts come from the engine, rows from `console.arriving`."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Static

from console import arriving
from console.bridge import EngineEvents, EngineLost
from console.plain import plain
from console.widgets.table import RecordTable
from engine.model.errors import EngineError
from engine.model.live import EngineStatus, Transfer
from engine.model.prearchive import PrearchiveQuery, PrearchiveSession
from engine.service.api import EngineApi

SHOWN = 200
"""Transfers and sessions that are asked for."""

REST = 0.5
"""Seconds between two repaints of live data."""

STATUS_EVERY = 5.0
NEWEST = PrearchiveQuery(sort="uploaded")
"""Not by the last object: rows that change places all the time cannot be read."""

KEYS = " q quit  tab pane  j k move  g G first, last  p pause"


class LiveScreen(Screen[None]):
    """Transfers above, sessions below, the engine's health in the title, accounts in the foot."""

    CSS_PATH = "live.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("p", "pause", show=False)]

    def __init__(self, engine: EngineApi, *, watching: bool = False) -> None:
        """Show what `engine` knows; labels are masked for those who only watch."""
        super().__init__()
        self._engine = engine
        self._watching = watching
        self._paused = False
        self._stale = asyncio.Event()
        self._ailing = asyncio.Event()
        self._engine_words = ""
        self._transfers: tuple[Transfer, ...] = ()
        self._sessions: tuple[PrearchiveSession, ...] = ()
        self._total = 0

    def compose(self) -> ComposeResult:
        """Lay the screen out."""
        yield Static(plain(" ANTEROOM ▸ Live"), id="title")
        yield RecordTable(
            arriving.TRANSFER_COLUMNS, empty="nothing is being received", id="transfers"
        )
        yield RecordTable(arriving.SESSION_COLUMNS, empty="the prearchive is empty", id="sessions")
        yield Static(plain(" asking the engine …"), id="status")
        yield Static(plain(KEYS), id="keys")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table("transfers").border_title = "Receiving now"
        self._table("sessions").border_title = "Prearchive"
        self._table("transfers").focus()
        self._stale.set()
        self._load()
        self._look_at_engine()
        self.set_interval(1.0, self._draw)

    @on(EngineEvents)
    def look_again(self, message: EngineEvents) -> None:
        """Ask again after news."""
        self._stale.set()
        if self.query_one("#status").has_class("bad"):
            self._ailing.set()

    @on(EngineLost)
    def say_lost(self, message: EngineLost) -> None:
        """Say that what is on show is old; stays until the engine answers."""
        self._say(f" ! {message.error.message}; what is shown is old", bad=True)

    def action_pause(self) -> None:
        """Hold the picture still, or let it go on."""
        self._paused = not self._paused
        self._title()
        self._draw()

    @work(group="live", exit_on_error=True)
    async def _load(self) -> None:
        while True:
            await self._stale.wait()
            self._stale.clear()
            try:
                self._transfers, page = await asyncio.gather(
                    self._engine.live.transfers(limit=SHOWN),
                    self._engine.prearchive.list(NEWEST, limit=SHOWN),
                )
            except EngineError as error:
                self._say(f" ! {error.message}", bad=True)
            else:
                self._sessions = page.rows
                self._total = page.total
                self._draw()
            await asyncio.sleep(REST)

    @work(group="status", exit_on_error=True)
    async def _look_at_engine(self) -> None:
        while True:
            try:
                status = await self._engine.system.status()
            except EngineError as error:
                self._say(f" ! {error.message}", bad=True)
            else:
                self._title(status)
                self._say(f" {arriving.accounts_line(status.accounts)}")
            self._ailing.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ailing.wait(), STATUS_EVERY)

    def _draw(self) -> None:
        if self._paused:
            return
        now = datetime.now(UTC)
        shown = arriving.transfers_on_show(self._transfers, now)
        transfers, sessions = self._table("transfers"), self._table("sessions")
        transfers.show([arriving.transfer_row(one, now) for one in shown])
        sessions.show(
            [arriving.session_row(one, now, masked=self._watching) for one in self._sessions]
        )
        opened = sum(one.closed is None for one in shown)
        _subtitle(transfers, f"{opened} open")
        _subtitle(sessions, f"{len(self._sessions)} of {self._total}")

    def _title(self, status: EngineStatus | None = None) -> None:
        paused = "  PAUSED" if self._paused else ""
        if status is not None:
            self._engine_words = arriving.engine_line(status)
        self.query_one("#title", Static).update(
            plain(f" ANTEROOM ▸ Live{paused}   {self._engine_words}")
        )

    def _say(self, line: str, *, bad: bool = False) -> None:
        foot = self.query_one("#status", Static)
        foot.set_class(bad, "bad")
        foot.update(plain(line))

    def _table(self, name: str) -> RecordTable:
        return self.query_one(f"#{name}", RecordTable)


def _subtitle(table: RecordTable, words: str) -> None:
    # Setting a title repaints the whole border, also when it is the same.
    if table.border_subtitle != words:
        table.border_subtitle = words
