# SPDX-License-Identifier: Apache-2.0
"""The system screen: the engine's checks of itself, its receivers, the remote AEs, the jobs and the
settings of the site, and what can be done with them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.keys.table import bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable, StatusTaken
from console.screens.health import HOURS, HealthScreen
from console.screens.job_acts import JobScreen
from console.screens.receiver_acts import ReceiverScreen
from console.screens.remote_acts import RemoteScreen
from console.screens.setting_acts import SettingScreen
from console.transfer.export import Exportable
from console.views import figures, remotes, site_settings, system
from console.views.rows import Piece
from console.widgets.card import Card
from console.widgets.chart import Chart
from console.widgets.chrome import Line
from console.widgets.debounce import Debounce
from console.widgets.tab_line import TabLine
from console.widgets.table import RecordTable
from engine.model.health import Check
from engine.model.live import Job, ReceiverStatus, Transfer
from engine.model.remotes import Remote
from engine.model.site_settings import SiteSetting

HEALTH, RECEIVERS, JOBS, SETTINGS = TABS = ("Health", "Receivers", "Jobs", "Settings")

PAUSE = 0.2
"""Seconds that the cursor has to rest until the detail is drawn."""

SHOWN_JOBS = 200

_AT_RECEIVERS = frozenset({"start", "limits", "tls", "echo", "storing"})
_ELSEWHERE = {
    HEALTH: _AT_RECEIVERS | {"stop"},
    RECEIVERS: frozenset({"check"}),
    JOBS: _AT_RECEIVERS | {"new"},
    SETTINGS: _AT_RECEIVERS | {"new", "check"},
}
"""What the keys of other tabs do: in the key line they would take the room of those of this one."""

_LINES = 4


class SystemScreen(HealthScreen, ReceiverScreen, RemoteScreen, JobScreen, SettingScreen):
    """Health, receivers with the remotes below them, jobs, and settings."""

    NAME = "system"
    KINDS = frozenset({"configuration", "engine", "job", "remote", "send", "session", "transfer"})
    CSS_PATH = sheets("system.tcss")
    BINDINGS = bindings("system")
    REST = 1.0

    def __init__(self, context: ConsoleContext) -> None:
        """Show the engine of `context`."""
        super().__init__(context)
        self._tab = HEALTH
        self._receivers: dict[str, ReceiverStatus] = {}
        self._remotes: dict[str, Remote] = {}
        self._open: tuple[Transfer, ...] = ()
        self._held = False
        self._draw_soon = Debounce(self)

    def content(self) -> ComposeResult:
        """Lay out the facts, the lists and the detail."""
        with Horizontal(id="tiles"):
            for place in range(len(system.TILES)):
                with Vertical(id=f"tile-{place}", classes="pane tile"):
                    for line in range(_LINES):
                        yield Line(id=f"tile-{place}-{line}")
        with Vertical(id="facts"):
            for place in range(len(system.TILES)):
                yield Line(id=f"fact-{place}")
        yield TabLine(id="tabs")
        with Horizontal(id="halves"):
            asking = "asking the engine …"
            yield RecordTable(system.CHECK_COLUMNS, empty=asking, id="checks")
            yield RecordTable(system.RECEIVER_COLUMNS, empty=asking, id="receivers")
            yield RecordTable(system.JOB_COLUMNS, empty=asking, id="jobs")
            yield RecordTable(site_settings.COLUMNS, empty=asking, id="settings")
            yield Card(id="detail")
        yield Chart(id="day")

    def on_mount(self) -> None:
        """Begin to ask."""
        for place, name in enumerate(system.TILES):
            self.pane(Vertical, f"tile-{place}").border_title = plain(name)
        for name in TABS:
            self._table(name).border_title = plain("Checks" if name == HEALTH else name)
        self.pane(RecordTable, "checks").border_subtitle = "worst first"
        self.pane(RecordTable, "jobs").border_subtitle = "newest first"
        day = self.pane(Chart, "day")
        day.border_title, day.border_subtitle = f"Last {HOURS} hours", "images per hour"
        self._show_tab(HEALTH)
        self._draw_tiles()
        self._look()
        self.look_at_itself(thorough=False)

    def crumb(self) -> str:
        """Say which tab is on show."""
        return f"System ▸ {self._tab}"

    def look(self) -> None:
        """Ask again, unless the picture is held."""
        if self._held:
            return
        self._look()
        self.look_at_health()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("open", "copy", "export") and self._table(self._tab).cursor_key is None:
            return "the list is empty"
        if self._tab == HEALTH:
            return self.why_not_health(action)
        if self._tab == JOBS:
            return self.why_not_job(action)
        if self._tab == SETTINGS:
            return self.why_not_setting(action)
        if action == "check":
            return "that is for checks and jobs: < and > show them"
        if self._at_remotes:
            return self.why_not_remote(action)
        return self.why_not_receiver(action)

    def hinted(self, action: str) -> bool:
        """Whether a key is for what the tab shows."""
        return action not in _ELSEWHERE[self._tab]

    def leave_part(self) -> bool:
        """Go back to the list."""
        if super().leave_part():
            return True
        table = self._table(self._tab)
        if self.has_class("detail") or self.focused is not table:
            self.remove_class("detail")
            table.focus()
            return True
        return False

    def copies(self) -> Sequence[Copyable]:
        """Offer ids and commands."""
        if (receiver := self.receiver) is not None:
            return self.copies_of_receiver(receiver)
        if (remote := self.remote) is not None:
            return self.copies_of_remote(remote)
        if (job := self.job) is not None:
            return self.copies_of_job(job, self.send)
        if (check := self.check) is not None:
            return self.copies_of_check(check)
        if (setting := self.setting) is not None:
            return self.copies_of_setting(setting)
        return ()

    def exports(self) -> Exportable | None:
        """Offer the rows of the list; of receivers and remotes those at which the cursor is."""
        table = self._table(self._tab)
        if self._at_remotes:
            titles, rows = remotes.exported(tuple(self._remotes.values()))
            return Exportable(name="remotes", titles=titles, rows=rows)
        others = {remotes.HEADING, *self._remotes}
        return Exportable(
            name="checks" if self._tab == HEALTH else self._tab.lower(),
            titles=tuple(column.title for column in table.painter.columns),
            rows=[row.cells for row in table.rows if row.key not in others],
        )

    def do_tab(self, step: int) -> None:
        """Show the next tab."""
        self._show_tab(TABS[(TABS.index(self._tab) + step) % len(TABS)])

    def do_reload(self) -> None:
        """Ask for everything now."""
        self._look()
        self.look_at_itself(thorough=False)

    def do_pause(self) -> None:
        """Hold the picture, or let it go on."""
        self._held = not self._held
        if not self._held:
            self._look()
        self._tell_tab()

    def do_open(self) -> None:
        """Show all of a check or a job; ask for other values of the rest."""
        if self._tab == SETTINGS:
            self.edit_setting()
            return
        if self._tab == RECEIVERS:
            (self.edit_remote if self._at_remotes else self.edit_receiver)()
            return
        self.add_class("detail")
        self._draw_detail()
        self.call_after_refresh(self.pane(Card, "detail").focus)

    def do_check(self) -> None:
        """Make all checks, or try a job again."""
        if self._tab == HEALTH:
            self.look_at_itself(thorough=True)
        else:
            self.retry_job()

    def do_new(self) -> None:
        """Add a receiver; where the cursor is at the remotes, one of these."""
        at_remotes = self._at_remotes
        self._show_tab(RECEIVERS)
        (self.add_remote if at_remotes else self.add_receiver)()

    def do_start(self) -> None:
        """Let a receiver take associations, or enable a remote."""
        (self.enable_remote if self._at_remotes else self.start_receiver)()

    def do_stop(self) -> None:
        """Stop a receiver, delete a remote, take a job out of the queue, or a setting back."""
        if self._at_remotes:
            self.delete_remote()
        elif self._tab == SETTINGS:
            self.reset_setting()
        elif self._tab == JOBS:
            self.cancel_job()
        else:
            self.stop_receiver()

    def do_limits(self) -> None:
        """Ask for other limits of a receiver or a remote."""
        (self.limit_remote if self._at_remotes else self.limit_receiver)()

    def do_storing(self) -> None:
        """Ask how a receiver is to keep what it gets."""
        self.store_receiver()

    def do_tls(self) -> None:
        """Ask for other TLS settings of a receiver or a remote."""
        (self.secure_remote if self._at_remotes else self.secure_receiver)()

    def do_scanners(self) -> None:
        """Show the acceptances of scanners."""
        self.host.open_acceptances("System")

    def do_people(self) -> None:
        """Show who may do what."""
        self.host.open_people()

    def do_echo(self) -> None:
        """Ask a receiver or a remote for a C-ECHO."""
        (self.echo_remote if self._at_remotes else self.echo_receiver)()

    def health_changed(self) -> None:
        """Show how the checks stand now."""
        self._draw_detail()
        self._tell_tab()
        self.keys_changed()

    def jobs_changed(self) -> None:
        """Show how the jobs stand now."""
        self._look()

    def settings_read(self, empty: str) -> None:
        """Show how the settings stand now."""
        table = self.pane(RecordTable, "settings")
        table.empty = empty
        table.show([site_settings.row(one) for one in self.settings.values()])
        self._draw_detail()
        self._tell_tab()
        self.keys_changed()

    def failures_read(self) -> None:
        """Show the failures of a send."""
        self._draw_detail()

    async def receivers_changed(self, receiver: ReceiverStatus) -> None:
        """Show how the receivers stand now."""
        await self._fetch()
        self.pane(RecordTable, "receivers").go_to_key(system.receiver_key(receiver))

    async def remotes_changed(self, name: str) -> None:
        """Show how the remotes stand now."""
        await self._fetch()
        self.pane(RecordTable, "receivers").go_to_key(remotes.remote_key(name))

    @on(RecordTable.RowChosen)
    async def row_chosen(self) -> None:
        """Open the row, or say why not."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Draw the detail once the cursor rests."""
        self.keys_changed()
        self._draw_soon.after(PAUSE, self._draw_detail)

    @on(StatusTaken)
    def status_taken(self) -> None:
        """Draw the facts anew, and the chart where it is old: hours pass without news, too."""
        self._draw_tiles()
        if not self._held:
            self.draw_hours()

    @property
    def check(self) -> Check | None:
        """The check under the cursor."""
        return super().check if self._tab == HEALTH else None

    @property
    def receiver(self) -> ReceiverStatus | None:
        """The receiver under the cursor."""
        key = self.pane(RecordTable, "receivers").cursor_key
        return self._receivers.get(key or "") if self._tab == RECEIVERS else None

    @property
    def remote(self) -> Remote | None:
        """The remote under the cursor."""
        key = self.pane(RecordTable, "receivers").cursor_key
        return self._remotes.get(key or "") if self._tab == RECEIVERS else None

    @property
    def _at_remotes(self) -> bool:
        """Whether the cursor is at the remotes, or at what stands above them."""
        heading = self.pane(RecordTable, "receivers").cursor_key == remotes.HEADING
        return self._tab == RECEIVERS and (heading or self.remote is not None)

    @property
    def job(self) -> Job | None:
        """The job under the cursor."""
        key = self.pane(RecordTable, "jobs").cursor_key
        return self.jobs.get(key or "") if self._tab == JOBS else None

    @property
    def setting(self) -> SiteSetting | None:
        """The setting under the cursor."""
        key = self.pane(RecordTable, "settings").cursor_key
        return self.settings.get(key or "") if self._tab == SETTINGS else None

    def _table(self, tab: str) -> RecordTable:
        return self.pane(RecordTable, "checks" if tab == HEALTH else tab.lower())

    @work(exclusive=True, group="system", exit_on_error=False)
    async def _look(self) -> None:
        await self._fetch()
        if self._tab == SETTINGS:
            self.look_at_settings()

    async def _fetch(self) -> None:
        receivers = await self.permitted(self.engine.receivers.list(), ())
        known = await self.permitted(self.engine.remotes.list(), ())
        transfers = await self.permitted(self.engine.live.transfers(1000, open_only=True), ())
        jobs = await self.permitted(self.engine.jobs.list(SHOWN_JOBS), ())
        sends = await self.permitted(self.engine.remotes.sends(SHOWN_JOBS), ())
        if receivers is None or known is None or transfers is None or jobs is None or sends is None:
            return
        self._remotes = {remotes.remote_key(one.name): one for one in known}
        self.sends = {one.id: one for one in sends}
        self._receivers = {system.receiver_key(one): one for one in receivers}
        self.jobs = {one.id: one for one in jobs}
        self._open = transfers
        table, now = self.pane(RecordTable, "receivers"), self.context.clock()
        table.empty = "no receiver: n adds one"
        table.show(
            [
                system.receiver_row(one, system.open_at(transfers, one))
                for one in self._receivers.values()
            ]
            + remotes.remote_rows(known)
        )
        table = self.pane(RecordTable, "jobs")
        table.empty = "no job was run yet"
        table.show([system.job_row(one, now, self.sends.get(one.session)) for one in jobs])
        self._draw_tiles()
        self._draw_detail()
        self._tell_tab()
        self.keys_changed()
        self.draw_hours()

    def _show_tab(self, tab: str) -> None:
        self._tab = tab
        chosen = {f"on-{one.lower()}": one == tab for one in TABS}
        self.update_classes({"detail": False} | chosen)
        self.pane(TabLine, "tabs").show(TABS, tab)
        self._table(tab).focus()
        if tab == SETTINGS:
            self.look_at_settings()
        self._draw_detail()
        self._tell_tab()
        self.draw_lines()
        # Whether the chart is on show is known once the classes hold.
        self.call_after_refresh(self.draw_hours)

    def _draw_tiles(self) -> None:
        now = self.context.clock()
        jobs, sends = tuple(self.jobs.values()), tuple(self.sends.values())
        told = system.tiles(self.context.status_view, jobs, now, sends)
        for place, tile in enumerate(told):
            empty: Piece = ("", "plain")
            for line, piece in enumerate((*tile.lines, *[empty] * _LINES)[:_LINES]):
                self.pane(Line, f"tile-{place}-{line}").say((piece,))
            pieces: list[Piece] = [(f" {tile.name:<10}", "muted"), tile.lines[0]]
            pieces += [(f" · {text}", tone) for text, tone in tile.lines[1:] if text]
            self.pane(Line, f"fact-{place}").say(pieces)

    def _draw_detail(self) -> None:
        card = self.pane(Card, "detail")
        if (check := self.check) is not None:
            card.show(check.name, system.check_card(check))
        elif (receiver := self.receiver) is not None:
            opened = system.open_at(self._open, receiver)
            card.show(receiver.ae_title, system.receiver_card(receiver, opened))
        elif (remote := self.remote) is not None:
            card.show(remote.name, remotes.remote_card(remote))
        elif (job := self.job) is not None:
            card.show(*self.job_card(job, self.send))
        elif (setting := self.setting) is not None:
            card.show(setting.name, site_settings.card(setting))
        else:
            card.show("", ())

    def _tell_tab(self) -> None:
        pieces: list[Piece] = [("PAUSED: p goes on · ", "look")] if self._held else []
        if self._tab == HEALTH:
            pieces += self.health_said()
        elif self._tab == RECEIVERS:
            pieces.append(system.receivers_said(tuple(self._receivers.values())))
            said = remotes.remotes_said(tuple(self._remotes.values()))
            shared = "several AE titles may share a port"
            pieces.append((f" · {said if self._remotes else shared}", "muted"))
        elif self._tab == SETTINGS:
            pieces.append((site_settings.said(tuple(self.settings.values())), "muted"))
        else:
            waiting = sum(one.status in system.UNFINISHED for one in self.jobs.values())
            shown = figures.plural(len(self.jobs), "job")
            pieces.append((f"{waiting} unfinished of {shown} shown", "muted"))
        self.say(*pieces)
