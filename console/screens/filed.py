# SPDX-License-Identifier: Apache-2.0
"""One archived session: its card and scans at the left, header, files, history and document beside
them. It shows and exports; nothing here changes a session."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on, work

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.comparing import choose_sides
from console.screens.base.lines import sheets
from console.screens.base.overlays import TextScreen
from console.screens.filed_contents import (
    CARD,
    FILES,
    HEADER,
    MAIN,
    SCANS,
    FiledContentsScreen,
)
from console.views import figures
from console.views.comparison import Side
from console.widgets.card import Card
from console.widgets.debounce import Debounce
from console.widgets.searchable import Searchable
from console.widgets.searched import SearchedLines
from console.widgets.tab_line import TabLine
from console.widgets.table import RecordTable
from engine.model.comparison import Part
from engine.model.live import Event

PAUSE = 0.2
"""Seconds that the cursor has to rest on a scan until what is in it is asked for."""


class FiledScreen(FiledContentsScreen):
    """Looks into one filed session."""

    NAME = "filed"
    KINDS = frozenset({"archive", "session"})
    CSS_PATH = sheets("filed.tcss")
    BINDINGS = bindings("filed")

    def __init__(self, context: ConsoleContext, accession: str, among: Sequence[str] = ()) -> None:
        """Show the session with an accession ID, one of those of a list."""
        super().__init__(context, accession, among)
        self._fill_soon = Debounce(self)

    def on_mount(self) -> None:
        """Begin to ask."""
        self._scans.border_title = "Scans"
        self.pane(RecordTable, "files").border_title = "Files"
        self.pane(SearchedLines, "history").table.border_title = "History"
        self.pane(SearchedLines, "document").table.border_title = "Document"
        self._go_to_tab(HEADER)
        if SCANS in self._tabs:
            self._focus_tab()
        else:
            self._scans.focus()
        self._load()

    def crumb(self) -> str:
        """Say which session it is, and of how many."""
        name = self._card.label if self._card is not None else self._accession
        place = ""
        if self._accession in self._among:
            place = f" ({self._among.index(self._accession) + 1}/{len(self._among)})"
        # On a narrow terminal the mode line already says that this is the archive.
        return f"{name}{place}" if SCANS in self._tabs else f"Archive ▸ {name}{place}"

    def concerns(self, event: Event) -> bool:
        """Whether an event is about this session, by either of its names."""
        origin = self._card.origin if self._card is not None else ""
        return super().concerns(event) and event.object in (self._accession, origin)

    def look_again(self) -> None:
        """Ask for everything again."""
        self._headers.clear()
        self._history, self._document = None, None
        if self._files_of is not None:
            self._files.outdate()
        self._load()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "object" and len(self._among) < 2:
            return "the session was not opened from a list of several"
        if action == "search" and self._tab in (FILES, SCANS, CARD):
            return "header, history and document can be searched"
        if action in ("next", "previous") and not self._searches:
            return "nothing was found; / searches"
        if action == "compare" and self._card is None:
            return "the engine has not answered yet"
        return super().why_not(action)

    def leave_part(self) -> bool:
        """Leave what is open: zoom, search, a single file's header."""
        if super().leave_part():
            return True
        view = self._searched
        if view is not None and view.end_search():
            return True
        if self._file:
            self._file = ""
            self._go_to_tab(FILES, focus=True)
            return True
        return False

    def do_tab(self, direction: int) -> None:
        """Go to the next tab (1), or the one before (-1)."""
        tabs = self._tabs
        place = tabs.index(self._tab) if self._tab in tabs else 0
        self._file = ""
        self._go_to_tab(tabs[(place + direction) % len(tabs)], focus=True)

    def do_object(self, direction: int) -> None:
        """Go to the next session of the list (1), or the one before (-1)."""
        here = self._among.index(self._accession) if self._accession in self._among else 0
        place = here + direction
        if not 0 <= place < len(self._among):
            end = "first" if direction < 0 else "last"
            self.tell(f"this is the {end} session of the list as it was opened", "warning")
            return
        self._accession, self._card = self._among[place], None
        self._forget()
        self._load()
        self.draw_lines()

    @work(group=QUESTION, exit_on_error=False)
    async def do_compare(self) -> None:
        """Set the session, scan or file on show beside another."""
        from console.screens.compare import CompareScreen  # noqa: PLC0415 (loaded when shown)

        card = self._card
        if card is None:
            return
        here = Side(session=card, part=Part(scan=self._scan_id, file=self._file))
        sides = await choose_sides(self, here, [one.id for one in card.scans])
        if sides is not None:
            self.app.push_screen(CompareScreen(self.context, *sides))

    def do_images(self) -> None:
        """Look at the images of the scan under the cursor."""
        from console.screens.images import ImagesScreen, Viewed  # noqa: PLC0415 (when shown)

        if self._card is not None:
            ids = tuple(one.id for one in self._card.scans)
            viewed = Viewed(id=self._card.accession, scans=ids, scan=self._scan_id)
            self.app.push_screen(ImagesScreen(self.context, viewed))

    def do_open(self) -> None:
        """Go on into what is beside."""
        self._go_to_tab(self._tab if self._tab in MAIN else HEADER, focus=True)

    def do_search(self) -> None:
        """Search what is on show."""
        if (view := self._searched) is not None:
            view.open_search()

    def do_next(self) -> None:
        """Go to the next place that was found."""
        if (view := self._searched) is not None:
            view.go_on(1)

    def do_previous(self) -> None:
        """Go to the place before that was found."""
        if (view := self._searched) is not None:
            view.go_on(-1)

    @on(events.Resize)
    def fit(self) -> None:
        """Show tabs for what has no room beside."""
        self._go_to_tab(self._tab if self._tab in self._tabs else HEADER)

    @on(RecordTable.CursorMoved, "#scans")
    def scan_moved(self) -> None:
        """Ask for what is in the scan once the cursor rests."""
        self._file = ""
        self.keys_changed()
        self._fill_soon.after(PAUSE, self._fill)

    @on(RecordTable.RowChosen, "#scans")
    def scan_chosen(self) -> None:
        """Go to what is in the scan."""
        self.do_open()

    @on(RecordTable.RowChosen, "#files")
    def file_chosen(self, message: RecordTable.RowChosen) -> None:
        """Show the header of one file alone."""
        self._file = message.key
        self._go_to_tab(HEADER, focus=True)

    @on(RecordTable.WindowWanted, "#files")
    def files_wanted(self, message: RecordTable.WindowWanted) -> None:
        """Ask for files that are not known."""
        self._fetch_files(message.offset)

    @on(RecordTable.RowChosen, "#history-rows")
    def change_chosen(self, message: RecordTable.RowChosen) -> None:
        """Show what a change has replaced, in full."""
        entry = (self._history or ())[int(message.key)]
        lines = [(name, str(value)) for name, value in entry.before.items()]
        if entry.reason:
            lines.insert(0, ("reason", entry.reason))
        title = f"{entry.change}, {figures.moment(entry.at)}"
        self.app.push_screen(TextScreen(title, lines, empty="nothing was there before"))

    @on(RecordTable.RowChosen, "#document-rows")
    def line_chosen(self, message: RecordTable.RowChosen) -> None:
        """Show a line of the document in full."""
        lines = (self._document or "").splitlines()
        number = int(message.key)
        self.app.push_screen(
            TextScreen(f"Line {number}", [(message.key, lines[number - 1].strip())], empty="")
        )

    @on(Searchable.Changed)
    def search_told(self) -> None:
        """Say how far a search has come."""
        self._tell()

    def _go_to_tab(self, tab: str, *, focus: bool = False) -> None:
        self._tab = tab
        self.update_classes({f"tab-{one.lower()}": one == tab for one in (SCANS, CARD, *MAIN)})
        self.pane(TabLine, "tabs").show(self._tabs, tab)
        if focus:
            self._focus_tab()
        self.keys_changed()
        self._fill()

    def _focus_tab(self) -> None:
        if self._tab == CARD:
            self.query_one(Card).focus()
        elif self._tab == SCANS:
            self._scans.focus()
        elif self._tab == FILES:
            self._files.focus()
        elif (view := self._searched) is not None:
            view.table.focus()
