# SPDX-License-Identifier: Apache-2.0
"""The archive: all archived sessions, to be found, looked into and exported."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.keys.table import bindings
from console.plain import plain_text
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.list import ListScreen
from console.screens.base.saved_views import ARCHIVE_VIEWS
from console.screens.base.screen import Copyable
from console.screens.base.sending import SendingScreen
from console.screens.downloads import DownloadScreen, Wanted
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.views import figures, filed
from console.views.remotes import Sendable
from console.widgets.card import Card
from console.widgets.filter_line import FilterLine
from console.widgets.table import RecordTable
from engine.model.archive import ARCHIVE_FIELDS, SessionQuery, SessionSummary
from engine.model.errors import InvalidInput


class ArchiveScreen(ListScreen, DownloadScreen, SendingScreen):
    """A query, the sessions that it finds, and the card of the one under the cursor."""

    NAME = "archive"
    KINDS = frozenset({"archive", "session"})
    CSS_PATH = sheets("archive.tcss")
    BINDINGS = bindings("archive")
    COLUMNS = filed.COLUMNS
    VIEWS = ARCHIVE_VIEWS
    NEWEST = "added"

    def __init__(self, context: ConsoleContext) -> None:
        """Show the archive."""
        super().__init__(context)
        self._sessions: dict[str, SessionSummary] = {}
        self._fault = ""
        """What is wrong with the query; the rows are those of the one before it."""

    def content(self) -> ComposeResult:
        """Lay out the query, the list and the card."""
        yield FilterLine(ARCHIVE_FIELDS, id="query")
        with Horizontal():
            yield RecordTable(
                self.COLUMNS,
                empty="asking the engine …",
                id="filed",
                sort=self.order,
                descending=self.descending,
            )
            yield Card(id="card")

    def on_mount(self) -> None:
        """Say what can be typed."""
        self.filter_line.note("words, or project:NEURO3 type:MR date:2026-06")

    def copies(self) -> Sequence[Copyable]:
        """Offer the names of the session under the cursor, and what shows it elsewhere."""
        session = self._session
        if session is None:
            return ()
        row = Copyable(title="row", text="\t".join(map(plain_text, filed.exported(session))))
        return (*(Copyable(title=title, text=text) for title, text in filed.names(session)), row)

    def wanted(self) -> Sequence[Wanted]:
        """Return the files of the session under the cursor."""
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

    def sendable(self) -> Sequence[Sendable]:
        """Return the session under the cursor."""
        one = self._session
        if one is None:
            return ()
        return (Sendable(id=one.accession, shown=f"{one.accession}   {one.label}"),)

    def exports(self) -> Exportable | None:
        """Offer all rows that the query finds."""
        if not self.table.total:
            return None
        query, list_ = self._query, self.engine.archive.list

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: list_(query, offset=offset, limit=limit),
                filed.exported,
                told,
            )

        return Exportable(
            name="archive", titles=filed.EXPORTED, rows=rows, says=str(self.filter_line.filter)
        )

    @property
    def _session(self) -> SessionSummary | None:
        return self._sessions.get(self.table.cursor_key or "")

    @property
    def _query(self) -> SessionQuery:
        found = self.filter_line.filter
        return SessionQuery(
            text=found.text,
            where=found.conditions,
            sort=self.order,
            descending=self.descending,
        )

    def open_key(self, key: str) -> None:
        """Open a session."""
        from console.screens.filed import FiledScreen  # noqa: PLC0415 (loaded when shown)

        among = tuple(row.key for row in self.table.rows)
        self.app.push_screen(FiledScreen(self.context, key, among=among))

    @work(group="list", exit_on_error=False)
    async def fetch(self, offset: int) -> None:
        """Ask for the rows from `offset` on; rows of the last good query stay beside a fault."""
        query = self._query
        try:
            page = await self.listed(self.engine.archive.list(query, offset=offset))
        except InvalidInput as error:
            if query == self._query:
                self._fault = error.message
                self._tell_list()
            return
        if page is None or query != self._query:
            # Somebody asks for something else by now.
            return
        self._fault = ""
        self._sessions |= {one.accession: one for one in page.rows}
        narrowed = bool(query.where or query.text)
        self.table.empty = (
            "nothing fits the query; esc drops it" if narrowed else "the archive is empty"
        )
        self.put(offset, [filed.row(one) for one in page.rows], page.total)
        kept = {row.key for row in self.table.rows}
        self._sessions = {key: one for key, one in self._sessions.items() if key in kept}
        self._tell_list()
        self.keys_changed()
        self.fill_card()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def fill_card(self) -> None:
        """Show the card of the session under the cursor."""
        card, session = self.query_one(Card), self._session
        if not card.display or session is None:
            card.show("", ())
            return
        found = await self.asked(self.engine.archive.show(session.accession))
        if found is not None:
            card.show(found.label, filed.card(found))

    def _tell_list(self) -> None:
        total, status = self.table.total, self.context.status_view.status
        if self._fault:
            old = " · the rows are those of the query before"
            self.say((f"! {self._fault}", "look"), (old, "muted"))
        else:
            of = f" of {figures.grouped(status.archived)}" if status is not None else ""
            shown = "session" if total == 1 else "sessions"
            self.say((f"{figures.grouped(total)}{of} {shown}", "muted"))
        self.draw_order()
