# SPDX-License-Identifier: Apache-2.0
"""The prearchive: all sessions that wait for review, to be filtered, marked, and decided on."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.events import Mount

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.comparing import choose_sides
from console.screens.base.lines import sheets
from console.screens.base.marking import MarkingScreen
from console.screens.base.saved_views import VIEWS
from console.screens.base.triage import VERBS, TriageScreen
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.transfer.windows import whole
from console.views import figures, prearchive
from console.views.comparison import Side
from console.views.rows import Piece
from console.widgets.card import Card
from console.widgets.filter_line import FilterLine
from console.widgets.records import MOST_MARKS
from console.widgets.table import RecordTable, Row
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery, PrearchiveSession
from engine.model.states import Verb


class PrearchiveScreen(MarkingScreen, TriageScreen):
    """The list of the prearchive, and the card of the session under the cursor."""

    NAME = "prearchive"
    KINDS = frozenset({"session", "archive"})
    CSS_PATH = sheets("prearchive.tcss")
    BINDINGS = bindings("prearchive")
    COLUMNS = prearchive.COLUMNS
    VIEWS = VIEWS
    NEWEST = "last_object"

    def __init__(self, context: ConsoleContext) -> None:
        """Show the prearchive."""
        super().__init__(context)
        self._sessions: dict[str, PrearchiveSession] = {}
        self._opened: frozenset[str] = frozenset()
        """What others have open."""

    def content(self) -> ComposeResult:
        """Lay out the filter, the list and the card."""
        yield FilterLine(PREARCHIVE_FIELDS, id="filter")
        with Horizontal():
            yield RecordTable(
                self.COLUMNS,
                empty="asking the engine …",
                id="sessions",
                marking=True,
                sort=self.order,
                descending=self.descending,
            )
            yield Card(id="card")

    def chosen(self) -> Sequence[PrearchiveSession]:
        """Return the marked sessions, else the one under the cursor."""
        keys = self.table.chosen_keys
        return [self._sessions[key] for key in keys if key in self._sessions]

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in (*VERBS, "send") and self.narrowed:
            return "it is not known yet which marked rows the filter leaves"
        if action == "compare" and not 0 < len(self.chosen()) < 3:
            return "two sessions are compared, or one with itself in another version"
        return super().why_not(action)

    def look(self) -> None:
        """Ask for the rows on show again, and for who has them open."""
        super().look()
        self.look_who()

    def masks_changed(self) -> None:
        """Draw labels again from what is known, and look anew for what may be found now."""
        self.table.remake(self._remade)
        self.query_one(Card).show("", ())
        self.fill_card()
        self.table.outdate()

    def acted(self, verb: Verb, ids: tuple[str, ...]) -> None:
        """Take the marks away: what they stood for is done."""
        self.table.drop_marks()

    def exports(self) -> Exportable | None:
        """Offer all rows that the filter finds."""
        if not self.table.total:
            return None
        query, list_ = self._query, self.engine.prearchive.list

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: list_(query, offset=offset, limit=limit),
                lambda one: prearchive.exported(self.context.masks.session(one)),
                told,
            )

        return Exportable(
            name="prearchive",
            titles=prearchive.EXPORTED,
            rows=rows,
            says=str(self.filter_line.filter),
        )

    @work(group=QUESTION, exit_on_error=False)
    async def do_compare(self) -> None:
        """Set two sessions side by side, or versions of one."""
        from console.screens.compare import CompareScreen  # noqa: PLC0415 (loaded when shown)

        one, *others = self.chosen()
        here = Side(session=one)
        sides = (here, Side(session=others[0])) if others else await choose_sides(self, here)
        if sides is not None:
            self.app.push_screen(CompareScreen(self.context, *sides))

    def do_trash(self) -> None:
        """Show deleted sessions."""
        from console.screens.trash import TrashScreen  # noqa: PLC0415 (loaded when shown)

        self.app.push_screen(TrashScreen(self.context))

    async def every_row(self) -> Sequence[Row] | None:
        """Ask for as many rows as can be marked."""
        query = self._query
        list_ = self.engine.prearchive.list
        found = await self.asked(
            whole(lambda offset, limit: list_(query, offset=offset, limit=limit), most=MOST_MARKS)
        )
        if found is None or query != self._query:
            return None
        self._take(found)
        return [self._row(one) for one in found]

    @property
    def _query(self) -> PrearchiveQuery:
        found = self.filter_line.filter
        query = PrearchiveQuery(
            text=found.text,
            where=found.conditions,
            sort=self.order,
            descending=self.descending,
        )
        return self.context.masks.query(query)

    def open_key(self, key: str) -> None:
        """Open a session."""
        from console.screens.session import SessionScreen  # noqa: PLC0415 (loaded when shown)

        ids = tuple(row.key for row in self.table.rows)
        self.app.push_screen(SessionScreen(self.context, key, among=ids))

    @work(group="list", exit_on_error=False)
    async def fetch(self, offset: int) -> None:
        """Ask for the rows from `offset` on."""
        query = self._query
        page = await self.listed(self.engine.prearchive.list(query, offset=offset))
        if page is None or query != self._query:
            # Somebody asks for something else by now.
            return
        self._take(page.rows)
        filtered = bool(query.where or query.text)
        self.table.empty = (
            "nothing fits the filter; esc drops it" if filtered else "the prearchive is empty"
        )
        self.put(offset, [self._row(one) for one in page.rows], page.total)
        kept = {*(row.key for row in self.table.rows), *self.table.marks.keys}
        self._sessions = {id: one for id, one in self._sessions.items() if id in kept}
        self.unmark_missing()
        self.tell_list()
        self.keys_changed()
        self.fill_card()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def fill_card(self) -> None:
        """Show the card of the session under the cursor."""
        card = self.query_one(Card)
        session = self._sessions.get(self.table.cursor_key or "")
        if not card.display or session is None:
            card.show("", ())
            return
        log = await self.asked(self.engine.prearchive.log(session.id))
        # Of most sessions nobody has said anything.
        anything = session.noted or session.assigned or session.id in self._opened
        known = await self.known_of(session) if anything else None
        said = self.said_of(session, known)
        masks = self.context.masks
        shown = masks.session(session)
        lines = prearchive.card(shown, masks.log(log or (), session), said)
        card.show(shown.label, lines)

    @on(Mount)
    @work(exclusive=True, group="opened", exit_on_error=False)
    async def look_who(self) -> None:
        """Ask which sessions others have open, and say so in their rows."""
        if self.context.watching:
            return
        found = await self.permitted(self.engine.desk.opened(), ())
        opened = frozenset(one.session for one in found or ())
        if opened != self._opened:
            self._opened = opened
            self.table.remake(self._remade)
            self.fill_card()

    def _take(self, sessions: Sequence[PrearchiveSession]) -> None:
        self._sessions |= {one.id: one for one in sessions}

    def _row(self, session: PrearchiveSession) -> Row:
        shown, now = self.context.masks.session(session), self.context.clock()
        return prearchive.row(shown, now, opened=session.id in self._opened)

    def _remade(self, row: Row) -> Row:
        session = self._sessions.get(row.key)
        return row if session is None else self._row(session)

    def tell_list(self) -> None:
        """Say how many are shown and marked."""
        table = self.table
        marks = len(table.marks)
        pieces: list[Piece] = []
        if marks:
            pieces.append((f"{figures.plural(marks, 'session')} marked of ", "accent"))
        pieces.append((f"{figures.plural(table.total, 'session')} shown", "muted"))
        if table.marks.anchor is not None:
            pieces.append((" · a range is being marked: v ends it, esc drops it", "look"))
        if self.note:
            pieces.append((f" · {self.note}", "look"))
        self.say(*pieces)
        self.draw_order()
