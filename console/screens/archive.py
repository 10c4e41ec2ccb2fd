"""The archive: all filed sessions, to be found, looked into and taken out."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from console import figures, filed
from console.desk import Desk
from console.export import Cells, Exportable, Told, in_windows
from console.keys import bindings
from console.plain import plain
from console.screens.downloads import DownloadScreen, Wanted
from console.screens.skeleton import Copyable, sheets
from console.screens.views import ARCHIVE_VIEWS, ViewChoice, choose_view
from console.widgets.card import Card
from console.widgets.filterline import FilterLine
from console.widgets.table import RecordTable
from engine.model.archive import ARCHIVE_FIELDS, SessionQuery, SessionSummary
from engine.model.errors import EngineError, InvalidInput

CARD_PAUSE = 0.2
"""Seconds that the cursor has to rest on a session until its card is asked for."""

REST = 0.5
"""Seconds between two questions for the list while there is news."""


class ArchiveScreen(DownloadScreen):
    """A query, the sessions that it finds, and the card of the one under the cursor."""

    NAME = "archive"
    MODE = "archive"
    KINDS = frozenset({"archive", "session"})
    CSS_PATH = sheets("archive.tcss")
    BINDINGS = bindings("archive")

    def __init__(self, desk: Desk) -> None:
        """Show the archive."""
        super().__init__(desk)
        left = desk.memory.state.list(self.NAME)
        self._sort = left.sort or "added"
        self._descending = left.descending if left.sort else True
        self._sessions: dict[str, SessionSummary] = {}
        self._fault = ""
        """What is wrong with the query; the rows are those of the one before it."""
        self._card_timer: Timer | None = None
        self._list_timer: Timer | None = None
        self._stale = False
        """Something happened while the list was left alone."""

    def content(self) -> ComposeResult:
        """Lay out the query, the list and the card."""
        yield FilterLine(ARCHIVE_FIELDS, id="query")
        with Horizontal():
            yield RecordTable(
                filed.COLUMNS,
                empty="asking the engine …",
                id="filed",
                sort=self._sort,
                descending=self._descending,
            )
            yield Card(id="card")

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table.border_title = "Sessions"
        self._table.focus()
        self._line.note("words, or project:NEURO3 type:MR date:2026-06")
        card = self.desk.memory.state.list(self.NAME).card
        self.set_class(card is True, "card-open")
        self.set_class(card is False, "card-closed")
        self._fetch(0)

    def look_again(self) -> None:
        """Ask for the rows on show again, twice a second at most."""
        if self._list_timer is not None:
            self._stale = True
            return
        self._list_timer = self.set_timer(REST, self._rested)
        self._table.outdate()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("open", "copy") and self._table.cursor_key is None:
            return "the list is empty"
        return ""

    def copies(self) -> Sequence[Copyable]:
        """Offer the names of the session under the cursor, and what shows it elsewhere."""
        session = self._session
        if session is None:
            return ()
        row = Copyable(title="row", text="\t".join(filed.exported(session)))
        return (*(Copyable(title=title, text=text) for title, text in filed.names(session)), row)

    def wanted(self) -> Sequence[Wanted]:
        """Give the files of the session under the cursor."""
        session = self._session
        if session is None:
            return ()
        return (
            Wanted(
                accession=session.accession,
                label=session.label,
                files=session.files,
                bytes=session.bytes,
            ),
        )

    def exports(self) -> Exportable | None:
        """Offer all rows that the query finds."""
        if not self._table.total:
            return None
        query, list_ = self._query, self.engine.archive.list

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: list_(query, offset=offset, limit=limit),
                filed.exported,
                told,
            )

        return Exportable(
            name="archive", titles=filed.EXPORTED, rows=rows, says=str(self._line.filter)
        )

    def leave_part(self) -> bool:
        """Leave what is open: zoom, query."""
        return super().leave_part() or self._line.clear()

    def do_filter(self) -> None:
        """Let the person type a query."""
        self._line.open()

    def do_open(self) -> None:
        """Open the session under the cursor."""
        if (key := self._table.cursor_key) is not None:
            self._open(key)

    def do_card(self) -> None:
        """Show or hide the card."""
        shown = not self.query_one(Card).display
        self.set_class(shown, "card-open")
        self.set_class(not shown, "card-closed")
        self.desk.memory.state.list(self.NAME).card = shown
        self._fill_card()

    @work(group="views", exit_on_error=False)
    async def do_views(self) -> None:
        """Choose or save a view."""
        now = ViewChoice(
            filter=str(self._line.filter), sort=self._sort, descending=self._descending
        )
        chosen = await choose_view(self, self.NAME, now, ARCHIVE_VIEWS)
        if chosen is not None:
            self._line.set(chosen.filter)
            if chosen.sort:
                self._order(chosen.sort, chosen.descending)

    @on(RecordTable.RowChosen)
    def open_row(self, message: RecordTable.RowChosen) -> None:
        """Open a session."""
        self._open(message.key)

    @on(RecordTable.WindowWanted)
    def window_wanted(self, message: RecordTable.WindowWanted) -> None:
        """Ask for rows that are not known."""
        self._fetch(message.offset)

    @on(RecordTable.SortAsked)
    def sort_asked(self, message: RecordTable.SortAsked) -> None:
        """Order the list otherwise."""
        self._order(message.sort, message.descending)

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Fill the card once the cursor rests."""
        self.keys_changed()
        if self._card_timer is not None:
            self._card_timer.stop()
        self._card_timer = self.set_timer(CARD_PAUSE, self._fill_card)

    @on(FilterLine.Changed)
    def query_changed(self) -> None:
        """Ask for what the query finds."""
        self._table.renew()

    @on(FilterLine.Left)
    def query_left(self) -> None:
        """Go back to the list."""
        self._table.focus()

    @property
    def _table(self) -> RecordTable:
        return self.pane(RecordTable, "filed")

    @property
    def _line(self) -> FilterLine:
        return self.pane(FilterLine, "query")

    @property
    def _session(self) -> SessionSummary | None:
        return self._sessions.get(self._table.cursor_key or "")

    @property
    def _query(self) -> SessionQuery:
        found = self._line.filter
        return SessionQuery(
            text=found.text,
            where=found.conditions,
            sort=self._sort,
            descending=self._descending,
        )

    def _open(self, accession: str) -> None:
        from console.screens.filed import FiledScreen  # noqa: PLC0415 (loaded when shown)

        among = tuple(row.key for row in self._table.rows)
        self.app.push_screen(FiledScreen(self.desk, accession, among=among))

    def _order(self, sort: str, descending: bool) -> None:
        self._sort, self._descending = sort, descending
        left = self.desk.memory.state.list(self.NAME)
        left.sort, left.descending = sort, descending
        self._table.order(sort, descending)
        self._table.renew()

    def _rested(self) -> None:
        self._list_timer = None
        if self._stale:
            self._stale = False
            self.look_again()

    @work(group="list", exit_on_error=False)
    async def _fetch(self, offset: int) -> None:
        query = self._query
        try:
            page = await self.engine.archive.list(query, offset=offset)
        except InvalidInput as error:
            if query == self._query:
                self._fault = error.message
                self._tell_list()
            return
        except EngineError as error:
            self.failed(error)
            return
        if query != self._query:
            # Somebody asks for something else by now.
            return
        self._fault = ""
        self._sessions |= {one.accession: one for one in page.rows}
        narrowed = bool(query.where or query.text)
        self._table.empty = (
            "nothing fits the query; esc drops it" if narrowed else "the archive is empty"
        )
        self._table.put(offset, [filed.row(one) for one in page.rows], page.total)
        kept = {row.key for row in self._table.rows}
        self._sessions = {key: one for key, one in self._sessions.items() if key in kept}
        self._tell_list()
        self.keys_changed()
        self._fill_card()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def _fill_card(self) -> None:
        card, session = self.query_one(Card), self._session
        if not card.display or session is None:
            card.show("", ())
            return
        found = await self.asked(self.engine.archive.show(session.accession))
        if found is not None:
            card.show(found.label, filed.card(found))

    def _tell_list(self) -> None:
        total, status = self._table.total, self.desk.pulse.status
        if self._fault:
            old = " · the rows are those of the query before"
            self.say((f"! {self._fault}", "look"), (old, "muted"))
        else:
            of = f" of {figures.grouped(status.archived)}" if status is not None else ""
            shown = "session" if total == 1 else "sessions"
            self.say((f"{figures.grouped(total)}{of} {shown}", "muted"))
        arrow = "↓" if self._descending else "↑"
        title = next((c.title for c in filed.COLUMNS if c.sort == self._sort), self._sort)
        subtitle = plain(f"by {title.lower()} {arrow}")
        if self._table.border_subtitle != subtitle.markup:
            self._table.border_subtitle = subtitle
