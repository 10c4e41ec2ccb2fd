"""The prearchive: all sessions that wait, to be narrowed, marked, and decided about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from console import figures, triaged
from console.desk import Desk
from console.export import Cells, Exportable, Told, in_windows
from console.keys import bindings
from console.plain import plain
from console.screens.skeleton import sheets
from console.screens.triage import TriageScreen
from console.screens.views import VIEWS, ViewChoice, choose_view
from console.widgets.card import Card
from console.widgets.chrome import Piece
from console.widgets.filterline import FilterLine
from console.widgets.records import MOST_MARKS
from console.widgets.table import RecordTable, Row
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery, PrearchiveSession
from engine.model.states import Verb

CARD_PAUSE = 0.2
"""Seconds that the cursor has to rest on a session until its card is asked for."""

REST = 0.5
"""Seconds between two questions for the list while there is news."""


class PrearchiveScreen(TriageScreen):
    """The list of the prearchive, and the card of the session under the cursor."""

    NAME = "prearchive"
    MODE = "prearchive"
    KINDS = frozenset({"session", "archive"})
    CSS_PATH = sheets("prearchive.tcss")
    BINDINGS = bindings("prearchive")

    def __init__(self, desk: Desk) -> None:
        """Show the prearchive."""
        super().__init__(desk)
        left = desk.memory.state.list(self.NAME)
        self._sort = left.sort or "last_object"
        self._descending = left.descending if left.sort else True
        self._sessions: dict[str, PrearchiveSession] = {}
        self._view = VIEWS[0]
        self._note = ""
        self._narrowed = False
        """The filter was changed while rows were marked, which it may hide."""
        self._card_timer: Timer | None = None
        self._list_timer: Timer | None = None
        self._stale = False
        """Something happened while the list was left alone."""

    def content(self) -> ComposeResult:
        """Lay out the filter, the list and the card."""
        yield FilterLine(PREARCHIVE_FIELDS, id="filter")
        with Horizontal():
            yield RecordTable(
                triaged.COLUMNS,
                empty="asking the engine …",
                id="sessions",
                marking=True,
                sort=self._sort,
                descending=self._descending,
            )
            yield Card(id="card")

    def on_mount(self) -> None:
        """Begin to ask."""
        super().on_mount()
        self._table.border_title = "Sessions"
        self._table.focus()
        card = self.desk.memory.state.list(self.NAME).card
        self.set_class(card is True, "card-open")
        self.set_class(card is False, "card-closed")
        self._fetch(0)

    def chosen(self) -> Sequence[PrearchiveSession]:
        """Give the marked sessions, else the one under the cursor."""
        keys = self._table.chosen_keys
        return [self._sessions[key] for key in keys if key in self._sessions]

    def note_of_marks(self) -> str:
        """Say what the filter has unmarked."""
        return self._note if self._table.marks else ""

    def masks_changed(self) -> None:
        """Draw labels again from what is known."""
        self._table.remake(self._remade)
        self.query_one(Card).show("", ())
        self._fill_card()

    def acted(self, verb: Verb, ids: tuple[str, ...]) -> None:
        """Take the marks away: what they stood for is done."""
        self._table.drop_marks()

    def look_again(self) -> None:
        """Ask for the rows on show again, twice a second at most."""
        if self._list_timer is not None:
            self._stale = True
            return
        self._list_timer = self.set_timer(REST, self._rested)
        self._table.outdate()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("open", "log", "copy") and self._table.cursor_key is None:
            return "the list is empty"
        if action == "reveal" and self.desk.reveals:
            return "labels are shown already"
        return super().why_not(action)

    def exports(self) -> Exportable | None:
        """Offer all rows that the filter finds."""
        if not self._table.total:
            return None
        query, list_ = self._query, self.engine.prearchive.list

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: list_(query, offset=offset, limit=limit),
                lambda one: triaged.exported(one, masked=self.masks(one)),
                told,
            )

        return Exportable(
            name="prearchive",
            titles=triaged.EXPORTED,
            rows=rows,
            says=str(self._filter.filter),
        )

    def leave_part(self) -> bool:
        """Leave what is open: zoom, range, filter."""
        return super().leave_part() or self._table.drop_range() or self._filter.clear()

    def do_filter(self) -> None:
        """Let the person type a filter."""
        self._filter.open()

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
            filter=str(self._filter.filter), sort=self._sort, descending=self._descending
        )
        chosen = await choose_view(self, self.NAME, now)
        if chosen is not None:
            self._view = chosen
            self._filter.set(chosen.filter)
            if chosen.sort:
                self._order(chosen.sort, chosen.descending)

    def do_trash(self) -> None:
        """Show deleted sessions."""
        from console.screens.trash import TrashScreen  # noqa: PLC0415 (loaded when shown)

        self.app.push_screen(TrashScreen(self.desk))

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

    @on(RecordTable.MarksChanged)
    def marks_changed(self, message: RecordTable.MarksChanged) -> None:
        """Say how many are marked."""
        self._note = message.note
        self._tell_list()
        self.keys_changed()

    @on(RecordTable.CursorMoved)
    def cursor_moved(self) -> None:
        """Fill the card once the cursor rests."""
        self.keys_changed()
        if self._card_timer is not None:
            self._card_timer.stop()
        self._card_timer = self.set_timer(CARD_PAUSE, self._fill_card)

    @on(FilterLine.Changed)
    def filter_changed(self) -> None:
        """Ask for what the filter finds."""
        self._table.renew()
        self._narrowed = bool(self._table.marks)

    @on(FilterLine.Left)
    def filter_left(self) -> None:
        """Go back to the list."""
        self._table.focus()

    @on(RecordTable.AllWanted)
    @work(exclusive=True, group="marks", exit_on_error=False)
    async def mark_all(self) -> None:
        """Mark all that the list shows."""
        query = self._query
        page = await self.asked(self.engine.prearchive.list(query, limit=MOST_MARKS))
        if page is not None and query == self._query:
            self._take(page.rows)
            self._table.mark_rows([self._row(one) for one in page.rows])

    @property
    def _table(self) -> RecordTable:
        return self.pane(RecordTable, "sessions")

    @property
    def _filter(self) -> FilterLine:
        return self.pane(FilterLine, "filter")

    @property
    def _query(self) -> PrearchiveQuery:
        found = self._filter.filter
        return PrearchiveQuery(
            text=found.text,
            where=found.conditions,
            sort=self._sort,
            descending=self._descending,
        )

    def _open(self, id: str) -> None:
        from console.screens.session import SessionScreen  # noqa: PLC0415 (loaded when shown)

        ids = tuple(row.key for row in self._table.rows)
        self.app.push_screen(SessionScreen(self.desk, id, among=ids))

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
        page = await self.asked(self.engine.prearchive.list(query, offset=offset))
        if page is None or query != self._query:
            # Somebody asks for something else by now.
            return
        self._take(page.rows)
        filtered = bool(query.where or query.text)
        self._table.empty = (
            "nothing fits the filter; esc drops it" if filtered else "the prearchive is empty"
        )
        self._table.put(offset, [self._row(one) for one in page.rows], page.total)
        kept = {*(row.key for row in self._table.rows), *self._table.marks.keys}
        self._sessions = {id: one for id, one in self._sessions.items() if id in kept}
        self._unmark_missing()
        self._tell_list()
        self.keys_changed()
        self._fill_card()

    def _unmark_missing(self) -> None:
        """Unmark what is not in the list any more."""
        if not self._table.marks:
            self._narrowed = False
        elif self._table.records.whole:
            self._keep_marks(row.key for row in self._table.rows)
        elif self._narrowed:
            self._find_marks()

    @work(exclusive=True, group="marks", exit_on_error=False)
    async def _find_marks(self) -> None:
        query = self._query
        page = await self.asked(self.engine.prearchive.list(query, limit=MOST_MARKS))
        if page is not None and query == self._query:
            self._keep_marks(one.id for one in page.rows)

    def _keep_marks(self, ids: Iterable[str]) -> None:
        if gone := self._table.marks.keep(ids):
            rows = figures.plural(gone, "row")
            hidden, left = f"the filter unmarked {rows} when it hid them", f"{rows} left the list"
            self._note = hidden if self._narrowed else f"{left}, marked before"
            self._table.refresh()
            self._tell_list()
        self._narrowed = False

    @work(exclusive=True, group="card", exit_on_error=False)
    async def _fill_card(self) -> None:
        card = self.query_one(Card)
        session = self._sessions.get(self._table.cursor_key or "")
        if not card.display or session is None:
            card.show("", ())
            return
        log = await self.asked(self.engine.prearchive.log(session.id))
        masked = self.masks(session)
        _, label = triaged.labels(session, masked=masked)
        card.show(label, triaged.card(session, log or (), masked=masked))

    def _take(self, sessions: Sequence[PrearchiveSession]) -> None:
        self._sessions |= {one.id: one for one in sessions}

    def _row(self, session: PrearchiveSession) -> Row:
        return triaged.row(session, self.desk.clock(), masked=self.masks(session))

    def _remade(self, row: Row) -> Row:
        session = self._sessions.get(row.key)
        return row if session is None else self._row(session)

    def _tell_list(self) -> None:
        table = self._table
        marks = len(table.marks)
        pieces: list[Piece] = []
        if marks:
            pieces.append((f"{figures.plural(marks, 'session')} marked of ", "accent"))
        pieces.append((f"{figures.plural(table.total, 'session')} shown", "muted"))
        if table.marks.anchor is not None:
            pieces.append((" · a range is being marked: v ends it, esc drops it", "look"))
        if self._note:
            pieces.append((f" · {self._note}", "look"))
        self.say(*pieces)
        arrow = "↓" if self._descending else "↑"
        title = next((c.title for c in triaged.COLUMNS if c.sort == self._sort), self._sort)
        subtitle = plain(f"by {title.lower()} {arrow}")
        if table.border_subtitle != subtitle.markup:
            table.border_subtitle = subtitle
