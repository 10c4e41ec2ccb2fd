# SPDX-License-Identifier: Apache-2.0
"""One session of the prearchive: its scans, headers, routing, arrival and log, and the verbs that
decide on it."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.keys.table import MODES, bindings
from console.plain import plain
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.comparing import choose_sides
from console.screens.base.findings import FindingsScreen
from console.screens.base.header_view import HeaderView
from console.screens.base.lines import sheets
from console.screens.base.overlays import TextScreen
from console.screens.base.screen import Copyable
from console.screens.base.script_line import open_line
from console.screens.base.session import ASKING
from console.screens.base.session_panes import PANES, SessionPanes
from console.screens.base.triage import VERBS
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.views import changes as views
from console.views import figures, scans
from console.views import findings as finding_views
from console.views.comparison import Side
from console.views.masking import LASTING
from console.views.rows import Piece
from console.widgets.card import Card
from console.widgets.chrome import Line
from console.widgets.table import RecordTable
from engine.model.comparison import Part
from engine.model.states import Verb

NARROW, WIDE = 100, 110
"""Cells: below the first the scans are a tab among the others; from the second on there is room for
the mode in the title."""

LEAVING = frozenset({Verb.ARCHIVE, Verb.DELETE})
"""Verbs after which the session is on its way out, and the next one is opened."""


class SessionScreen(FindingsScreen):
    """Review of one session, and of those before and after it in the list it was opened from."""

    NAME = "session"
    CSS_PATH = sheets("session.tcss")
    BINDINGS = bindings("session")

    def __init__(self, context: ConsoleContext, id: str, among: Sequence[str] = ()) -> None:
        """Show the session `id`; `among` are the ids of the list that it comes from."""
        super().__init__(context, id)
        self._among = tuple(among)
        self._tab = ""

    def content(self) -> ComposeResult:
        """Lay out the scans, what is said of the session, and the panes."""
        yield Line(id="tabs")
        with Horizontal():
            with Vertical(id="left"):
                yield RecordTable(scans.COLUMNS, empty=ASKING, id="scans", header=False)
                yield Card(id="about")
            yield SessionPanes(id="panes")

    def on_mount(self) -> None:
        """Show the scans first, beside the header where there is room."""
        self.scans.border_title = plain("Scans")
        self._turn_to("scans")
        self.scans.focus()

    def crumb(self) -> str:
        """Say which session it is, and which of how many."""
        name = self.followed
        if self.session is not None:
            name = self.context.masks.session(self.session).label
        if self.followed in self._among:
            name += f" ({self._among.index(self.followed) + 1}/{len(self._among)})"
        # It may have been opened from the live screen.
        mode = next(title for _, mode, title in MODES if mode == self.app.current_mode)
        return f"{mode} ▸ {name}" if self.app.size.width >= WIDE else name

    def show(self, id: str) -> None:
        """Show another session, one of the same list or of none."""
        self._among = self._among if id in self._among else ()
        self.open(id)

    def acted(self, verb: Verb, ids: tuple[str, ...]) -> None:
        """Go on to the next session once this one is on its way out."""
        if verb not in LEAVING or self.followed not in ids:
            return
        place = self._among.index(self.followed) if self.followed in self._among else 0
        self._among = tuple(one for one in self._among if one != self.followed)
        if place < len(self._among):
            self.open(self._among[place])
        elif self.is_current:
            self.do_leave_screen()

    def scan_to_send(self) -> str:
        """Return the scan on show."""
        return self.scan

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "images" and self.context.watching:
            return "you may not look into it"
        if action in (*VERBS, "send", "compare", "images") and self.session is None:
            return self.gone or "the engine has not answered yet"
        changes = self.panes.changes
        if action == "same" and changes is None:
            return "it is for Done and To come: < and > go there"
        if action in ("next", "previous"):
            if changes is not None:
                return "" if changes.changes else "nothing was changed"
            return "" if self.panes.header.searches else "nothing was searched for; / does"
        if action == "object" and len(self._among) < 2:
            return "the session was not opened from a list of several"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer what is under the cursor, then what the session has."""
        of_session = tuple(super().copies())
        if self.context.watching:
            of_session = tuple(one for one in of_session if one.title in ("id", "command"))
        if self.panes.header.table.has_focus:
            return (*self.panes.header.copies(), *of_session)
        if self.panes.changes is not None:
            return (*self.panes.changes.copies(), *of_session)
        path = self.panes.table().cursor_key if self.panes.shown == "files" else None
        if path and self.session is not None and not self.context.masks.hides(self.session):
            return (Copyable(title="file", text=path), *of_session)
        return of_session

    def exports(self) -> Exportable | None:
        """Offer the rows of the pane on show."""
        table = self.scans if self._tab == "scans" else self.panes.table()
        session = self.session
        if session is None or not table.total:
            return None
        if self._tab == "findings" and self.findings is not None:
            masks = self.context.masks
            return Exportable(
                name=f"findings-{self.followed}",
                titles=finding_views.EXPORTED,
                rows=[
                    finding_views.exported(masks.finding(one, session))
                    for one in self.findings.rows
                ],
            )
        if (shown := self.panes.changes) is not None:
            return Exportable(
                name=f"{self._tab}-{self.followed}",
                titles=views.EXPORTED,
                rows=[views.exported(one) for one in shown.changes],
                says=f"scan {self.scan}" if self.scan else "",
            )
        id, scan = self.followed, self.scan

        async def all_files(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: self.engine.prearchive.files(id, scan, offset, limit),
                lambda file: self.file_row(file, session).cells,
                told,
            )

        return Exportable(
            name=f"{self._tab}-{id}",
            titles=tuple(column.title for column in table.painter.columns),
            rows=all_files if self._tab == "files" else [row.cells for row in table.rows],
            says=f"scan {scan}" if scan else "",
        )

    def leave_part(self) -> bool:
        """Leave what is open: zoom, search, the header of one file."""
        if super().leave_part() or self.panes.header.end_search():
            return True
        if self.file:
            self.file = ""
            self._turn_to("files")
            return True
        return False

    def do_tab(self, step: int) -> None:
        """Show the next pane, or the one before."""
        names = [*(("scans",) if self._narrow else ()), *PANES]
        here = names.index(self._tab) if self._tab in names else 0
        self._turn_to(names[(here + step) % len(names)])

    def do_object(self, step: int) -> None:
        """Open the next session of the list, or the one before."""
        here = self._among.index(self.followed) if self.followed in self._among else -1
        place = here + step
        if 0 <= place < len(self._among):
            self.open(self._among[place])
        else:
            self.tell("this is the last of the list" if step > 0 else "this is the first")

    def do_search(self) -> None:
        """Search the header."""
        self._turn_to("header")
        self.panes.header.open_search()

    def do_next(self) -> None:
        """Go to the next place that was found."""
        self._go_on(1)

    def do_previous(self) -> None:
        """Go to the place before."""
        self._go_on(-1)

    def do_open(self) -> None:
        """Open the row under the cursor of the pane with focus."""
        if isinstance(self.focused, RecordTable):
            self.focused.action_choose()

    @work(group=QUESTION, exit_on_error=False)
    async def do_compare(self) -> None:
        """Set versions of the session, scan or file on show side by side, or two of its scans."""
        from console.screens.compare import CompareScreen  # noqa: PLC0415 (loaded when shown)

        session, contents = self.session, self.contents
        if session is None or contents is None:
            return
        here = Side(session=session, part=Part(scan=self.scan, file=self.file))
        sides = await choose_sides(self, here, [one.id for one in contents.scans])
        if sides is not None:
            self.app.push_screen(CompareScreen(self.context, *sides))

    def do_images(self) -> None:
        """Look at the images of the scan under the cursor."""
        from console.screens.images import ImagesScreen, Viewed  # noqa: PLC0415 (when shown)

        if self.session is not None and self.contents is not None:
            ids = tuple(one.id for one in self.contents.scans)
            viewed = Viewed(id=self.followed, scans=ids, scan=self.scan, waiting=self.session)
            self.app.push_screen(ImagesScreen(self.context, viewed))

    def do_same(self) -> None:
        """Show the elements that stay, or hide them."""
        if (changes := self.panes.changes) is not None:
            changes.toggle_same()
            self.fill()
            self.caption_changes(self.panes.shown)

    @work(exclusive=True, group="log", exit_on_error=False)
    async def do_log(self) -> None:
        """Show the line of a script that made the change under the cursor; elsewhere what happened
        to the session."""
        changes = self.panes.changes
        if self.panes.shown == "findings":
            await self.open_behind()
        elif changes is None:
            self._turn_to("log")
        elif changes.chosen is not None:
            await open_line(self, changes.chosen.change.statement)

    @on(events.Resize)
    def lay_out(self) -> None:
        """Show scans beside the panes, or as one of them."""
        self._turn_to(self._tab)
        if self.timeline is not None:
            self.call_after_refresh(self.show_time)

    @on(RecordTable.RowChosen, "#scans")
    def scan_chosen(self) -> None:
        """Go from a scan to what is in it."""
        self.select()
        self._turn_to("header" if self._tab == "scans" else self._tab)
        self.panes.table().focus()

    @on(RecordTable.RowChosen, "#files")
    def file_chosen(self, message: RecordTable.RowChosen) -> None:
        """Show the header of one file."""
        self.file = message.key
        self._turn_to("header")

    @on(RecordTable.RowChosen, "#routing, #time, #log")
    def line_chosen(self, message: RecordTable.RowChosen) -> None:
        """Show a line in full."""
        row = next((one for one in message.table.rows if one.key == message.key), None)
        if row is not None:
            titles = (column.title for column in message.table.painter.columns)
            lines = [pair for pair in zip(titles, row.cells, strict=True) if pair[1]]
            title = PANES[self.panes.shown]
            labelled = self.session is not None and LASTING.hides(self.session)
            self.app.push_screen(TextScreen(title, lines, empty="", labelled=labelled))

    @on(RecordTable.RowChosen, "#done, #to-come")
    def change_chosen(self) -> None:
        """Show a change in full."""
        changes = self.panes.changes
        if changes is None:
            return
        one = changes.chosen
        lines = views.about(changes.told) if one is None else views.card(one, changes.told.read)
        # What is masked at other times may stand here.
        self.app.push_screen(TextScreen(PANES[changes.id or ""], lines, empty="", labelled=True))

    @on(HeaderView.Changed)
    def header_changed(self) -> None:
        """Say how far the search has come."""
        self.tell_session()
        self.keys_changed()

    def turned_to(self) -> str:
        """Return the pane on show; empty while only the scans are."""
        return "" if self._tab == "scans" else self._tab

    def tell_session(self) -> None:
        """Say in the status line what is on show, and why the session cannot be filed now."""
        if self.session is None or self.contents is None:
            self.say((self.gone or ASKING, "look" if self.gone else "muted"))
            return
        ids = [one.id for one in self.contents.scans]
        place = f"scan {ids.index(self.scan) + 1} of" if self.scan in ids else "all"
        pieces: list[Piece] = [(f"{place} {figures.plural(len(ids), 'scan')}", "muted")]
        if said := self.panes.header.said:
            pieces.append((f" · {said}", "accent"))
        if self._tab == "done" and not self.context.reveals:
            pieces.append((" · originals by kind and length only: # shows them", "muted"))
        if not self.context.watching and (why := self.why_not("archive")):
            pieces.append((f" · a is off: {why}", "look"))
        self.say(*pieces)

    @property
    def _narrow(self) -> bool:
        return self.app.size.width < NARROW

    def _go_on(self, direction: int) -> None:
        if (changes := self.panes.changes) is not None:
            if not changes.step(direction):
                self.tell("that was the last change" if direction > 0 else "that was the first")
            return
        self._turn_to("header")
        self.panes.header.go_on(direction)

    def _turn_to(self, tab: str) -> None:
        narrow, before = self._narrow, self._tab
        self._tab = "header" if tab == "scans" and not narrow else tab
        left = self.query_one("#left")
        left.display = not narrow or self._tab == "scans"
        self.panes.display = self._tab != "scans"
        if self._tab != "scans":
            self.panes.turn_to(self._tab, alone=narrow)
        shown = self.scans if self._tab == "scans" else self.panes.table()
        # At the left the focus stays where it is.
        if before and before != self._tab and (narrow or not self._left_has_focus):
            shown.focus()
        self._draw_tabs()
        self.tell_session()
        self.fill()

    @property
    def _left_has_focus(self) -> bool:
        return self.focused is not None and self.query_one("#left") in self.focused.ancestors

    def _draw_tabs(self) -> None:
        line = self.query_one("#tabs", Line)
        line.display = self._narrow
        pieces: list[Piece] = []
        for name, title in (("scans", "Scans"), *PANES.items()):
            chosen = name == self._tab
            pieces.append(
                (f"▐{title}▌" if chosen else f" {title} ", "accent" if chosen else "muted")
            )
        line.say(pieces)
