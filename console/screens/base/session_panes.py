# SPDX-License-Identifier: Apache-2.0
"""The panes of the session screen, of which one is shown at a time: header, what scripts did and
will do, findings, routing, time, log, files. They draw what they are given; the screen asks the
engine."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container

from console.plain import plain
from console.screens.base.changes_view import ChangesView
from console.screens.base.header_view import HeaderView
from console.views import files, findings, routing, timeline
from console.widgets.table import RecordTable
from engine.model.changes import SessionChanges
from engine.model.contents import Timeline
from engine.model.prearchive import LogEntry
from engine.model.routing import Route

PANES = {
    "header": "Header",
    "done": "Done",
    "to-come": "To come",
    "findings": "Findings",
    "routing": "Routing",
    "time": "Time",
    "log": "Log",
    "files": "Files",
}
CHANGES = ("done", "to-come")
"""Those that show changes of scripts."""
ASKING = "asking the engine …"


class SessionPanes(Container):
    """Shows one of the panes, with the names of all of them in its title."""

    DEFAULT_CSS = """
    SessionPanes {
        & > * { height: 1fr; }
    }
    """

    def __init__(self, *, id: str) -> None:
        """Show the header first."""
        super().__init__(id=id)
        self._shown = "header"
        self._alone = False
        self._captions: dict[str, tuple[str, str]] = {}
        self._subtitles: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """Lay the panes out, one above the other."""
        yield HeaderView(id="header")
        yield ChangesView("Original", "now", id="done")
        yield ChangesView("Now", "archived", id="to-come")
        yield RecordTable(findings.COLUMNS, empty=ASKING, id="findings")
        yield RecordTable(routing.COLUMNS, empty=ASKING, id="routing")
        yield RecordTable(timeline.COLUMNS, empty=ASKING, id="time")
        yield RecordTable(timeline.LOG_COLUMNS, empty=ASKING, id="log", header=False)
        yield RecordTable(files.COLUMNS, empty=ASKING, id="files")

    @property
    def header(self) -> HeaderView:
        """The header."""
        return self.query_one(HeaderView)

    @property
    def shown(self) -> str:
        """The name of the pane on show."""
        return self._shown

    def table(self, name: str = "") -> RecordTable:
        """Return the rows of a pane; of the one on show without a name."""
        name = name or self._shown
        return self.header.table if name == "header" else self.query_one(f"#{name}", RecordTable)

    @property
    def changes(self) -> ChangesView | None:
        """The changes on show, if that is what is on show."""
        return self.query_one(f"#{self._shown}", ChangesView) if self._shown in CHANGES else None

    def changes_of(self, name: str) -> ChangesView:
        """Return one of the panes that show changes."""
        return self.query_one(f"#{name}", ChangesView)

    def turn_to(self, name: str, *, alone: bool) -> None:
        """Show a pane; `alone` where the names of the others stand elsewhere."""
        self._shown, self._alone = name, alone
        for each in PANES:
            self.query_one(f"#{each}").display = each == name
        self._draw_caption(name)

    def caption(self, name: str, subtitle: str) -> None:
        """Say below a pane what it shows."""
        self._subtitles[name] = subtitle
        self._draw_caption(name)

    def forget(self, empty: str = ASKING) -> None:
        """Show nothing of a session any more."""
        self.header.show(None, empty)
        for name in PANES:
            self.table(name).empty = empty
            if name in CHANGES:
                self.changes_of(name).show_changes(SessionChanges(), empty=empty)
            elif name != "header":
                self.table(name).show([])
            self.caption(name, "")

    def show_route(self, route: Route) -> None:
        """Show how routing found its values."""
        self.table("routing").show(routing.rows(route))
        when = "before it was moved" if route.before else "by the rules in force now"
        self.caption("routing", f"the first object, {when}")

    def show_time(self, shown: Timeline, log: Sequence[LogEntry]) -> None:
        """Show how the session came together."""
        table = self.table("time")
        table.show(timeline.rows(shown, log, table.growing_room))

    def show_log(self, log: Sequence[LogEntry], reason: str) -> None:
        """Show what happened."""
        self.table("log").empty = "nothing was logged"
        self.table("log").show(timeline.log_rows(log, reason))
        self.caption("log", "newest first")

    def _draw_caption(self, name: str) -> None:
        words = (f"‹{title}›" if each == name else title for each, title in PANES.items())
        title = PANES[name] if self._alone else "│".join(words)
        caption = (title, self._subtitles.get(name, ""))
        # Setting them repaints the border even if nothing has changed.
        if caption != self._captions.get(name):
            self._captions[name] = caption
            table = self.table(name)
            table.border_title = plain(caption[0])
            table.border_subtitle = plain(caption[1]) if caption[1] else None
