# SPDX-License-Identifier: Apache-2.0
"""What is asked for of an archived session, and how it gets onto the screen: card, scans, header,
files, history, document; and what can be copied or exported of them. Moving among them is in
`console.screens.filed`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.plain import plain_text
from console.runtime.context import ConsoleContext
from console.screens.base.header_view import HeaderView
from console.screens.base.screen import Copyable
from console.screens.base.sending import SendingScreen
from console.screens.downloads import DownloadScreen, Wanted
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.views import figures, filed, files, scans
from console.views.remotes import Sendable
from console.views.rows import Row
from console.widgets.card import Card
from console.widgets.chrome import entitle
from console.widgets.searched import SearchedLines
from console.widgets.tab_line import TabLine
from console.widgets.table import RecordTable
from engine.model.archive import HistoryEntry, ScanSummary, SessionCard
from engine.model.configured import Applied
from engine.model.contents import FoldedHeader
from engine.model.errors import EngineError, Unavailable
from engine.model.verification import FaultCounts

HEADERS_KEPT = 8

SCANS, CARD = "Scans", "Card"
HEADER, FILES, HISTORY, DOCUMENT = "Header", "Files", "History", "Document"
MAIN = (HEADER, FILES, HISTORY, DOCUMENT)


class FiledContentsScreen(DownloadScreen, SendingScreen):
    """Shows what is in one filed session."""

    def __init__(self, context: ConsoleContext, accession: str, among: Sequence[str] = ()) -> None:
        """Show the session with an accession ID, one of those of a list."""
        super().__init__(context)
        self._accession = accession
        self._among = tuple(among)
        self._card: SessionCard | None = None
        self._wrong = FaultCounts()
        self._tab = HEADER
        self._file = ""
        """The file whose header is shown alone."""
        self._headers: dict[tuple[str, str], FoldedHeader] = {}
        self._header_asked: tuple[str, str, str] | None = None
        self._history: tuple[HistoryEntry, ...] | None = None
        self._applied: tuple[Applied, ...] = ()
        self._document: str | None = None
        self._files_of: tuple[str, str] | None = None
        """Of which session and scan the files are that are listed."""

    def content(self) -> ComposeResult:
        """Lay out the tabs, the scans and the card, and what stands beside them."""
        yield TabLine(id="tabs")
        with Horizontal():
            with Vertical(id="side"):
                yield RecordTable(scans.COLUMNS, empty="asking the engine …", id="scans")
                yield Card(id="card")
            with Vertical(id="main"):
                yield HeaderView(id="header")
                yield RecordTable(files.COLUMNS, empty="asking the engine …", id="files")
                yield SearchedLines(filed.HISTORY_COLUMNS, id="history", empty="asking …")
                yield SearchedLines(filed.DOCUMENT_COLUMNS, id="document", empty="asking …")

    def sendable(self) -> Sequence[Sendable]:
        """Return the session."""
        card = self._card
        if card is None:
            return ()
        return (Sendable(id=card.accession, shown=f"{card.accession}   {card.label}"),)

    def scan_to_send(self) -> str:
        """Return the scan under the cursor."""
        return self._scan.id if self._scan is not None else ""

    def copies(self) -> Sequence[Copyable]:
        """Offer what is under the cursor, and the names of the session."""
        offered: list[Copyable] = []
        if self._tab == HEADER and not self._scans.has_focus:
            offered += self._header.copies()
        if self._tab == FILES and (path := self._files.cursor_key) is not None:
            offered.append(Copyable(title="file", text=path))
        if self._card is not None:
            names = filed.names(self._card)
            offered += [Copyable(title=title, text=text) for title, text in names]
        return offered

    def wanted(self) -> Sequence[Wanted]:
        """Return the files of the session, and those of the scan under the cursor."""
        card, scan = self._card, self._scan
        if card is None:
            return ()
        name, label = card.accession, card.label
        whole = Wanted(accession=name, label=label, files=card.files, bytes=card.bytes)
        if scan is None:
            return (whole,)
        one = Wanted(accession=name, label=label, files=scan.files, bytes=scan.bytes, scan=scan.id)
        return (whole, one)

    def exports(self) -> Exportable | None:
        """Offer the rows of the tab on show."""
        scan = self._scan
        says = f"{self._accession}, scan {scan.id}" if scan is not None else self._accession
        if self._file:
            says += f", {self._file}"
        titles, name = filed.EXPORTED_TITLES.get(self._tab.lower(), ()), self._tab.lower()
        if self._tab == FILES:
            return Exportable(name=name, titles=titles, rows=self._all_files, says=says)
        rows: Sequence[Cells] = ()
        if self._tab == SCANS and self._card is not None:
            rows = [filed.exported_scan(one) for one in self._card.scans]
        elif self._tab == HEADER and self._header.header is not None:
            rows = filed.exported_header(self._header.header)
        elif self._tab == HISTORY and self._history is not None:
            rows = [row.cells for row in self._history_rows()]
        return Exportable(name=name, titles=titles, rows=rows, says=says) if rows else None

    @property
    def _scans(self) -> RecordTable:
        return self.pane(RecordTable, "scans")

    @property
    def _files(self) -> RecordTable:
        return self.pane(RecordTable, "files")

    @property
    def _header(self) -> HeaderView:
        return self.pane(HeaderView, "header")

    @property
    def _searched(self) -> HeaderView | SearchedLines | None:
        if self._tab == HEADER:
            return self._header
        if self._tab in (HISTORY, DOCUMENT):
            return self.pane(SearchedLines, self._tab.lower())
        return None

    @property
    def _searches(self) -> bool:
        return self._searched is not None and self._searched.searches

    @property
    def _scan(self) -> ScanSummary | None:
        id = scans.scan_of(self._scans.cursor_key)
        if not id or self._card is None:
            return None
        return next((one for one in self._card.scans if one.id == id), None)

    @property
    def _tabs(self) -> tuple[str, ...]:
        size = self.app.size
        if size.width < 100:
            return (SCANS, CARD, *MAIN)
        return (CARD, *MAIN) if size.height < 30 else MAIN

    def _forget(self) -> None:
        self._file, self._files_of = "", None
        self._headers.clear()
        self._history, self._document = None, None
        self._wrong = FaultCounts()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def _load(self) -> None:
        accession = self._accession
        card = await self.asked(self.engine.archive.show(accession))
        if card is None or accession != self._accession:
            return
        scan = scans.scan_of(self._scans.cursor_key)
        self._card = card
        self._show_scans(card)
        if not scan or not self._scans.go_to_key(scans.key_of(scan)):
            first = scans.key_of(card.scans[0].id) if card.scans else scans.WHOLE
            self._scans.go_to_key(first)
        self.query_one(Card).show(card.label, filed.card(card))
        self.draw_lines()
        self._fill()
        self._look()

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self) -> None:
        """Count by the catalogs, which may be large, and see what is wrong in the folder."""
        accession = self._accession
        seen = await self.asked(self.engine.archive.contents(accession))
        if seen is None or self._card is None or accession != self._accession:
            return
        self._wrong = seen.faults.counts
        self._card = replace(self._card, scans=seen.scans, files=seen.files, bytes=seen.bytes)
        self._show_scans(self._card)
        self._tell()

    def _show_scans(self, card: SessionCard) -> None:
        self._scans.show(
            scans.rows(
                card.scans,
                place=f"{card.project} / {card.subject}",
                label=card.label,
                files=card.files,
            )
        )

    def _fill(self) -> None:
        """Ask for what the tab on show needs and does not have."""
        self._tell()
        if self._card is None:
            return
        if self._tab == HEADER:
            self._fill_header()
        elif self._tab == FILES:
            now = (self._accession, self._scan_id)
            if now != self._files_of:
                self._files_of = now
                self._files.empty = "asking the engine …"
                self._files.show(())
                self._fetch_files(0)
        elif self._tab == HISTORY:
            self._fill_history()
        elif self._tab == DOCUMENT:
            self._fill_document()

    @property
    def _scan_id(self) -> str:
        scan = self._scan
        return scan.id if scan is not None else ""

    @property
    def _header_wanted(self) -> tuple[str, str, str]:
        return self._accession, self._scan_id, self._file

    def _fill_header(self) -> None:
        header = self._headers.get((self._scan_id, self._file))
        if header is not None:
            self._show_header(header, "")
        elif self._header_asked != self._header_wanted:
            # Folding takes long: do not ask twice for what is being folded.
            self._header_asked = self._header_wanted
            self._fetch_header()

    @work(exclusive=True, group="header", exit_on_error=False)
    async def _fetch_header(self) -> None:
        asked = accession, scan, file = self._header_wanted
        header, why = None, ""
        try:
            header = await self.engine.archive.header(accession, scan, file)
        except Unavailable as error:
            self.failed(error)
        except EngineError as error:
            why = error.message
        finally:
            if self._header_asked == asked:
                self._header_asked = None
        if asked != self._header_wanted:
            return
        if header is not None:
            self._headers[scan, file] = header
            while len(self._headers) > HEADERS_KEPT:
                del self._headers[next(iter(self._headers))]
        if header is not None or why:
            self._show_header(header, why)

    def _show_header(self, header: FoldedHeader | None, why: str) -> None:
        title = f"Header of scan {self._scan_id}" if self._scan_id else "Header"
        if self._file:
            title = f"Header of {files.name_of(self._file)}"
        self._name_header(title)
        self._header.show(header, why or "no header could be read")
        self._tell()

    def _name_header(self, title: str) -> None:
        entitle(self._header.table, plain_text(title, 60))

    @work(group="files", exit_on_error=False)
    async def _fetch_files(self, offset: int) -> None:
        asked = self._files_of
        if asked is None:
            return
        accession, scan = asked
        page = await self.asked(self.engine.archive.files(accession, scan, offset))
        if page is None or asked != self._files_of:
            return
        self._files.empty = "there is no file"
        self._files.put(offset, [files.row(one) for one in page.rows], page.total)
        self._tell()

    async def _all_files(self, told: Told) -> list[Cells]:
        accession, scan = self._accession, self._scan_id
        return await in_windows(
            lambda offset, limit: self.engine.archive.files(accession, scan, offset, limit),
            filed.exported_file,
            told,
        )

    def _history_rows(self) -> list[Row]:
        changes = filed.history_rows(self._history or ())
        return [*changes, *filed.version_rows(self._applied)]

    @work(exclusive=True, group="history", exit_on_error=False)
    async def _fill_history(self) -> None:
        accession = self._accession
        if self._history is None:
            found = await self.asked(self.engine.archive.history(accession))
            if found is None or accession != self._accession:
                return
            applied = await self.permitted(self.engine.archive.versions(accession), ())
            if applied is None or accession != self._accession:
                return
            self._history, self._applied = found, applied
        view = self.pane(SearchedLines, "history")
        view.show(self._history_rows(), "nothing was changed")
        self._tell()

    @work(exclusive=True, group="document", exit_on_error=False)
    async def _fill_document(self) -> None:
        accession = self._accession
        if self._document is None:
            found = await self.asked(self.engine.archive.document(accession))
            if found is None or accession != self._accession:
                return
            self._document = found
        view = self.pane(SearchedLines, "document")
        view.show(filed.document_rows(self._document), "the document is empty")
        self._tell()

    def _tell(self) -> None:
        if self._card is None:
            self.say(("asking the engine …", "muted"))
            return
        scan = self._scan
        total = len(self._card.scans)
        words = figures.plural(total, "scan")
        if scan is not None:
            place = self._card.scans.index(scan) + 1
            words = f"scan {place} of {total} · {figures.plural(scan.files, 'file')}"
        header = self._header.header
        if self._tab == HEADER and header is not None and not self._file:
            words += f" · folded over {figures.plural(header.files, 'file')}"
            if header.unread:
                words += f" · {len(header.unread)} not read"
        if self._tab == FILES:
            words += f" · {figures.plural(self._files.total, 'file')} listed"
        said = self._searched.said if self._searched is not None else ""
        wrong = f" · {self._wrong}: anteroom archive verify" if self._wrong.total else ""
        self.say((words, "muted"), (f" · {said}" if said else "", "accent"), (wrong, "look"))
