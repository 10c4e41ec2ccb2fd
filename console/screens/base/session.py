# SPDX-License-Identifier: Apache-2.0
"""Following one session of the prearchive: asking for what is shown of it, asking again when there
is news, and dropping answers to questions that are no longer of interest. The layout and the verbs
are up to the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from textual import on, work
from textual.worker import Worker

from console.actions import fates
from console.runtime.context import ConsoleContext
from console.screens.base.presence import PresentScreen
from console.screens.base.session_panes import ASKING, CHANGES, SessionPanes
from console.views import figures, files, headers, scans
from console.views.masking import LASTING
from console.views.rows import Row
from console.views.session import about, place
from console.widgets.card import Card
from console.widgets.debounce import Debounce
from console.widgets.table import RecordTable
from engine.model.changes import SessionChanges
from engine.model.contents import FileEntry, FoldedHeader, SessionContents, Timeline
from engine.model.desk import Desk
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused
from engine.model.live import Event
from engine.model.prearchive import LogEntry, PrearchiveSession
from engine.model.routing import Route
from engine.model.states import RECEIVING

__all__ = ["ASKING", "FollowingScreen"]

CURSOR_PAUSE = 0.2
"""Seconds that the cursor has to rest on a scan until its header is asked for."""

CHANGES_WAIT = 10.0
"""Seconds that the engine may take for the next files of a session."""

REST = 0.5
"""Seconds between two looks at a session while there is news of it."""

WATCHED = "what headers hold is not shown to those who only watch"


class FollowingScreen(PresentScreen):
    """A screen of one session, with its scans (`#scans`), a card (`#about`) and `SessionPanes`
    (`#panes`)."""

    KINDS = frozenset({"session"})

    def __init__(self, context: ConsoleContext, id: str) -> None:
        """Follow the session `id`."""
        super().__init__(context)
        self.followed = id
        self.session: PrearchiveSession | None = None
        self.contents: SessionContents | None = None
        self.entries: tuple[LogEntry, ...] = ()
        self.known: Desk | None = None
        """What was said of it; None to who may not know."""
        self.route: Route | None = None
        self.timeline: Timeline | None = None
        self.header: FoldedHeader | None = None
        """The header on show, as the engine gave it."""
        self.gone = ""
        """What became of a session that is not there any more."""
        self.cut_short = ""
        """How the transfer ended that cut the session short; said as long as this is open."""
        self.scan = ""
        """The scan on show; empty for the whole session."""
        self.file = ""
        """The one file whose header is on show; empty for those of the scan."""
        self._header_of: tuple[object, ...] = ()
        self._changes_of: dict[str, tuple[object, ...]] = {}
        self._looks = 0
        """How often the session was looked at; not counted while objects arrive."""
        self._changes: dict[str, SessionChanges] = {}
        """By pane, as the engine gave them."""
        self._files: dict[str, FileEntry] = {}
        """Those that are listed, by their paths, as the engine gave them."""
        self._old: set[str] = set()
        self._told = asyncio.Event()
        self._following: Worker[None] | None = None
        self._select_soon = Debounce(self)

    # What the screen brings.

    def turned_to(self) -> str:
        """Return the name of the pane on show; empty for none."""
        raise NotImplementedError

    def tell_session(self) -> None:
        """Say in the status line what is on show."""
        raise NotImplementedError

    # What it uses.

    @property
    def scans(self) -> RecordTable:
        """The tree of scans."""
        return self.pane(RecordTable, "scans")

    @property
    def panes(self) -> SessionPanes:
        """The panes."""
        return self.pane(SessionPanes, "panes")

    def open(self, id: str) -> None:
        """Follow another session."""
        self.followed, self.gone, self.file, self.cut_short = id, "", "", ""
        self._forget(ASKING)
        self._told.set()
        self._following = self._follow(id)

    def fill(self) -> None:
        """Ask for what is on show and not known."""
        pane, session = self.turned_to(), self.session
        if session is None:
            return
        if self.context.watching and pane in ("header", "routing", "findings", *CHANGES):
            self.panes.table(pane).empty = WATCHED
            return
        # While objects arrive nothing is folded over and over; ctrl+r folds it again.
        objects = 0 if session.status in RECEIVING else session.objects
        if pane in CHANGES:
            of = (self.followed, self.scan, self._looks)
            if of != self._changes_of.get(pane):
                self._changes_of[pane] = of
                self._fetch_changes(pane, of)
        elif pane == "header":
            wanted = (self.followed, self.scan, self.file, session.status, objects)
            if wanted != self._header_of:
                self._header_of = wanted
                self._fetch_header(wanted, self.followed, self.scan, self.file)
        elif pane in self._old:
            self._old.discard(pane)
            if self.fetch_pane(pane):
                return
            if pane == "routing":
                self._fetch_route(self.followed)
            elif pane == "time":
                self._fetch_timeline(self.followed)
            elif self.panes.table(pane).total:
                self.panes.table(pane).outdate()
            else:
                self._fetch_files(0)

    def fetch_pane(self, pane: str) -> bool:
        """Ask for what a pane shows that is not of this class; False where it is."""
        return False

    def forget_panes(self) -> None:
        """Know nothing of a session any more in panes that are not of this class."""

    def select(self) -> None:
        """Show what is in the scan under the cursor."""
        if not self.scans.total:
            return
        scan = scans.scan_of(self.scans.cursor_key)
        if scan != self.scan:
            self.scan, self.file = scan, ""
            self._old.add("files")
            self.panes.table("files").show([])
            self.tell_session()
            self.fill()

    # How it follows.

    def chosen(self) -> Sequence[PrearchiveSession]:
        """Return the session."""
        return (self.session,) if self.session is not None else ()

    def concerns(self, event: Event) -> bool:
        """Whether an event is about this session, or about the rules that route it."""
        return event.kind == "configuration" or (
            super().concerns(event) and event.object == self.followed
        )

    def on_mount(self) -> None:
        """Begin to ask."""
        self.look()

    def look_again(self) -> None:
        """Ask again: looks at a session have a pace of their own."""
        self.look()

    def look(self) -> None:
        """Ask about the session again, twice a second at most."""
        self._told.set()
        if self._following is None or self._following.is_finished:
            self._following = self._follow(self.followed)

    def do_reload(self) -> None:
        """Ask the engine again, for the header too."""
        self._header_of, self._changes_of = (), {}
        super().do_reload()

    def masks_changed(self) -> None:
        """Draw labels again from what is known: masks do not wait for the engine."""
        if self.session is None:
            return
        self._draw(self.session)
        self._mask_files()
        if self.header is not None:
            self._show_header(self.header)
        for pane in self._changes:
            self._show_changes(pane)
        if self.route is not None:
            self.panes.show_route(self.context.masks.route(self.route, self.session))
        if self.timeline is not None:
            self.show_time()

    def show_time(self) -> None:
        """Show how the session came together, at the width that there is."""
        if self.session is not None and self.timeline is not None:
            masks = self.context.masks
            timeline = masks.timeline(self.timeline, self.session)
            self.panes.show_time(timeline, masks.log(self.entries, self.session))

    def _show_header(self, header: FoldedHeader) -> None:
        if self.session is not None:
            masks, lasting = self.context.masks, not LASTING.hides(self.session)
            self.panes.header.show(masks.header(header, self.session), labelled=not lasting)

    def _show_changes(self, pane: str, empty: str = "") -> None:
        """Show what scripts did, or will do, as it may be shown now."""
        if self.session is None:
            return
        done = pane == "done"
        told = self._changes.get(pane, SessionChanges())
        shown = self.context.masks.changes(told, self.session, originals=done)
        nothing = (
            "no script has changed anything here" if done else "no script will change anything"
        )
        self.panes.changes_of(pane).show_changes(shown, empty=empty or nothing)
        self.caption_changes(pane)

    def caption_changes(self, pane: str) -> None:
        """Say below a pane what its changes come to."""
        said = self.panes.changes_of(pane).said
        self.panes.caption(pane, f"{self._what(self.scan)} · {said}" if said else "")

    def file_row(self, file: FileEntry, of: PrearchiveSession) -> Row:
        """Show a file of the session as it may be shown now."""
        return files.row(self.context.masks.file(file, of), file.path)

    def _mask_files(self) -> None:
        """Draw the names of files again; of one on show alone, too."""
        session = self.session
        if session is None:
            return
        known = self._files
        self.panes.table("files").remake(
            lambda row: self.file_row(known[row.key], session) if row.key in known else row
        )
        if self.file and self.header is not None:
            self.panes.caption("header", self._alone(self.file))

    def _alone(self, path: str) -> str:
        """Say whose header is on show, where it is that of one file."""
        file = self._files.get(path)
        if file is None or self.session is None:
            return "one file alone"
        return f"{files.name_of(self.context.masks.file(file, self.session).path)} alone"

    @on(RecordTable.CursorMoved, "#scans")
    def scan_moved(self) -> None:
        """Show what is in a scan once the cursor rests on it."""
        self._select_soon.after(CURSOR_PAUSE, self.select)

    @on(RecordTable.WindowWanted, "#files")
    def files_wanted(self, message: RecordTable.WindowWanted) -> None:
        """Ask for files that are not known."""
        self._fetch_files(message.offset)

    @work(exclusive=True, group="session", exit_on_error=False)
    async def _follow(self, id: str) -> None:
        while True:
            self._told.clear()
            await self._look(id)
            with self.host.ahead.resting():
                await asyncio.sleep(REST)
                await self._told.wait()

    async def _look(self, id: str) -> None:
        api = self.engine.prearchive
        try:
            session = await api.show(id)
        except NotFound:
            words = await fates.fate(self.engine, id, self.session)
            if id == self.followed:
                self.gone = f"{id}: {words}"
                self._forget(words)
            return
        except EngineError as error:
            self.failed(error)
            return
        contents = await self.asked(api.contents(id))
        entries = await self.asked(api.log(id))
        known = await self.known_of(session)
        if id != self.followed:
            return
        if session.cut_short and not self.context.watching:
            self.cut_short = session.cut_short
            await self.asked(api.look((id,)))
        session = replace(session, cut_short=self.cut_short or session.cut_short)
        hides = self.context.masks.hides
        hidden = self.session is not None and hides(self.session)
        self.gone, self.session = "", session
        self.contents = contents or self.contents
        self.entries = entries if entries is not None else self.entries
        self.known = known
        self._old |= {"findings", "routing", "time", "files"}
        if session.status not in RECEIVING:
            # Files, labels or a script may be others; what is known is not found out again.
            self._looks += 1
        self._draw(session)
        self.opened(id)
        if self.header is not None and hides(session) is not hidden:
            self._show_header(self.header)
        if hides(session) is not hidden:
            self._mask_files()
        self.fill()

    def _forget(self, empty: str) -> None:
        self.session, self.contents, self.entries, self.known = None, None, (), None
        self.route, self.timeline, self.header = None, None, None
        self._header_of, self._changes_of = (), {}
        self._changes.clear()
        self._files.clear()
        self.scans.empty = empty
        self.scans.show([])
        self.query_one(Card).show("", ())
        self.forget_panes()
        self.panes.forget(empty)
        self.tell_session()
        self.draw_lines()

    def _draw(self, session: PrearchiveSession) -> None:
        masks = self.context.masks
        shown, entries = masks.session(session), masks.log(self.entries, session)
        contents = self.contents and masks.contents(self.contents, session)
        said = self.said_of(session, self.known)
        fresh = not self.scans.total
        if contents is not None:
            self.scans.show(
                scans.rows(
                    contents.scans,
                    place=place(shown),
                    label=shown.label,
                    files=session.objects,
                    marked=scans.warned(contents.warnings),
                )
            )
            if fresh and not (self.scan and self.scans.go_to_key(scans.key_of(self.scan))):
                self.scan = ""
                self.scans.go_to_key(scans.WHOLE)
        self.query_one(Card).show("Session", about(shown, contents, entries, said))
        self.panes.show_log(entries, shown.reason)
        self.tell_session()
        self.draw_lines()

    @work(exclusive=True, group="header", exit_on_error=False)
    async def _fetch_header(
        self, wanted: tuple[object, ...], id: str, scan: str, file: str
    ) -> None:
        header = await self.asked(self.engine.prearchive.header(id, scan, file))
        if wanted != self._header_of:
            return
        if header is None:
            self._header_of, self.header = (), None
            self.panes.header.show(None, "the engine gave no header")
            self.panes.caption("header", "")
            return
        self.header = header
        self._show_header(header)
        if file:
            self.panes.caption("header", self._alone(file))
        else:
            self.panes.caption("header", f"{self._what(scan)} · {headers.folded_over(header)}")

    @work(group="changes", exit_on_error=False)
    async def _fetch_changes(self, pane: str, of: tuple[object, ...]) -> None:
        """Ask until all files have been read, and show what is known meanwhile."""
        id, scan, api = self.followed, self.scan, self.engine.prearchive
        ask = api.done if pane == "done" else api.to_come
        told, seen, empty = SessionChanges(), 0, ""
        while True:
            try:
                told = await ask(id, scan, seen, CHANGES_WAIT)
            except (Conflict, InvalidInput, Refused) as error:
                told = SessionChanges()
                empty = f"{error.message}; {error.hint}" if error.hint else error.message
            except EngineError as error:
                self.failed(error)
                self._changes_of.pop(pane, None)
                return
            if of != self._changes_of.get(pane):
                return
            self._changes[pane] = told
            self._show_changes(pane, empty)
            self.keys_changed()
            if told.is_whole:
                return
            if self.turned_to() != pane:
                # It is asked for again when somebody looks.
                self._changes_of.pop(pane, None)
                return
            # Some ten pictures until all is known.
            seen = told.read + told.files // 10

    @work(exclusive=True, group="route", exit_on_error=False)
    async def _fetch_route(self, id: str) -> None:
        route = await self.asked(self.engine.prearchive.route(id))
        if route is not None and id == self.followed:
            self.route = route
            if self.session is not None:
                self.panes.show_route(self.context.masks.route(route, self.session))

    @work(exclusive=True, group="timeline", exit_on_error=False)
    async def _fetch_timeline(self, id: str) -> None:
        timeline = await self.asked(self.engine.prearchive.timeline(id))
        if timeline is None or id != self.followed:
            return
        self.timeline = timeline
        self.show_time()

    @work(group="files", exit_on_error=False)
    async def _fetch_files(self, offset: int) -> None:
        id, scan = self.followed, self.scan
        page = await self.asked(self.engine.prearchive.files(id, scan, offset))
        session = self.session
        if page is None or session is None or (id, scan) != (self.followed, self.scan):
            return
        table = self.panes.table("files")
        table.empty = "there is no file"
        table.put(offset, [self.file_row(one, session) for one in page.rows], page.total)
        known = self._files | {one.path: one for one in page.rows}
        self._files = {row.key: known[row.key] for row in table.rows if row.key in known}
        self.panes.caption("files", f"{figures.plural(page.total, 'file')} of {self._what(scan)}")

    def _what(self, scan: str) -> str:
        return f"scan {scan}" if scan else "all scans"
