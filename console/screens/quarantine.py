# SPDX-License-Identifier: Apache-2.0
"""Quarantine: the archived sessions that are not active, and what is decided on them: released,
held, locked, obsolete. It says all the time that it is no gate for patients' data."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.actions import states
from console.keys.table import bindings
from console.plain import plain_text
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.marking import MarkingScreen
from console.screens.base.saved_views import ViewChoice
from console.screens.base.screen import Copyable
from console.transfer.export import Cells, Exportable, Told, in_windows
from console.transfer.windows import whole
from console.views import figures, quarantine
from console.views.rows import Piece
from console.views.text import wrapped
from console.widgets.card import Card
from console.widgets.chart import TextLines
from console.widgets.dialogs import AskScreen
from console.widgets.filter_line import FilterLine
from console.widgets.records import MOST_MARKS
from console.widgets.table import RecordTable, Row
from engine.model.archive import ARCHIVE_FIELDS
from engine.model.people import WhoAmI
from engine.model.quarantine import Act, QuarantinedSession, QuarantinePage, QuarantineQuery

DATES = 13
"""Cells of the dates of the history."""


class QuarantineScreen(MarkingScreen):
    """The list of what is not active, the history of the session under the cursor and its card."""

    NAME = "quarantine"
    KINDS = frozenset({"archive", "configuration", "session"})
    CSS_PATH = sheets("quarantine.tcss")
    BINDINGS = bindings("quarantine")
    COLUMNS = quarantine.COLUMNS
    LISTED = "Sessions that are not active"
    NEWEST = "since"
    VIEWS = (
        ViewChoice(name="not active", filter="", says="in quarantine, locked or obsolete"),
        ViewChoice(name="quarantine", filter="status:quarantine", says="wait for a release"),
        ViewChoice(name="locked", filter="status:locked", says="nobody may change them"),
        ViewChoice(name="obsolete", filter="status:obsolete", says="not to be used"),
        ViewChoice(
            name="active",
            filter="status:active",
            sort="since",
            descending=True,
            says="released, or never held; the newest first",
        ),
    )

    def __init__(self, context: ConsoleContext) -> None:
        """Show what is not active, what has come there last first."""
        super().__init__(context)
        self._sessions: dict[str, QuarantinedSession] = {}
        self._page = QuarantinePage(rows=(), total=0)
        self._me: WhoAmI | None = None
        """Who asks, and what they may do; None until the engine has said so."""

    def content(self) -> ComposeResult:
        """Lay out the filter, the list, the history and the card."""
        yield FilterLine(ARCHIVE_FIELDS, id="filter")
        with Horizontal():
            with Vertical(id="left"):
                yield RecordTable(
                    self.COLUMNS,
                    empty="asking the engine …",
                    id="states",
                    marking=True,
                    sort=self.order,
                    descending=self.descending,
                )
                yield Card(id="history", names=DATES)
                yield TextLines(id="gate", classes="")
            yield Card(id="card")

    def on_mount(self) -> None:
        """Ask who is here."""
        self._know_me()

    @property
    def note_is_whole(self) -> bool:
        """Whether all of what quarantine is not stands on the screen."""
        return bool(self.pane(TextLines, "gate").display)

    def chosen(self) -> Sequence[QuarantinedSession]:
        """Return the marked sessions, else the one under the cursor."""
        keys = self.table.chosen_keys
        return [self._sessions[key] for key in keys if key in self._sessions]

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "images" and self.table.cursor_key is None:
            return "there is no session"
        act = self._acts().get(action)
        if act is None:
            return super().why_not(action)
        if self.narrowed:
            return "it is not known yet which marked rows the filter leaves"
        return states.why_none(act, self.chosen(), self._me)

    def copies(self) -> Sequence[Copyable]:
        """Offer the names of the session under the cursor, and what shows it elsewhere."""
        session = self._session
        if session is None:
            return ()
        row = Copyable(title="row", text="\t".join(map(plain_text, quarantine.exported(session))))
        found = quarantine.names(session)
        return (*(Copyable(title=title, text=text) for title, text in found), row)

    def exports(self) -> Exportable | None:
        """Offer all rows that the filter finds."""
        if not self.table.total:
            return None
        query, list_ = self._query, self.engine.quarantine.list

        async def rows(told: Told) -> list[Cells]:
            return await in_windows(
                lambda offset, limit: list_(query, offset=offset, limit=limit),
                quarantine.exported,
                told,
            )

        return Exportable(
            name="quarantine",
            titles=quarantine.EXPORTED,
            rows=rows,
            says=str(self.filter_line.filter),
        )

    def open_key(self, key: str) -> None:
        """Open the archived session."""
        from console.screens.filed import FiledScreen  # noqa: PLC0415 (loaded when shown)

        among = tuple(row.key for row in self.table.rows)
        self.app.push_screen(FiledScreen(self.context, key, among=among))

    @work(group=QUESTION, exit_on_error=False)
    async def do_images(self) -> None:
        """Look at the images of the session under the cursor."""
        from console.screens.images import ImagesScreen, Viewed  # noqa: PLC0415 (when shown)

        if (key := self.table.cursor_key) is None:
            return
        card = await self.asked(self.engine.archive.show(key))
        if card is not None:
            ids = tuple(one.id for one in card.scans)
            self.app.push_screen(ImagesScreen(self.context, Viewed(id=card.accession, scans=ids)))

    def do_accept(self) -> None:
        """Release the sessions, or bring obsolete ones back."""
        self._ask(states.accepting(self.chosen()))

    def do_hold(self) -> None:
        """Put the sessions into quarantine."""
        self._ask(Act.HOLD)

    def do_lock(self) -> None:
        """Lock the sessions, or unlock those that are locked."""
        self._ask(states.locking(self.chosen()))

    def do_obsolete(self) -> None:
        """Mark the sessions as not to be used."""
        self._ask(Act.OBSOLETE)

    def look(self) -> None:
        """Ask for the rows on show again, and for what may be done: roles may have changed."""
        self._know_me()
        super().look()

    async def every_row(self) -> Sequence[Row] | None:
        """Ask for as many rows as can be marked."""
        query = self._query
        list_ = self.engine.quarantine.list
        found = await self.asked(
            whole(lambda offset, limit: list_(query, offset=offset, limit=limit), most=MOST_MARKS)
        )
        if found is None or query != self._query:
            return None
        self._sessions |= {one.accession: one for one in found}
        return [self._row(one) for one in found]

    @work(exclusive=True, group="me", exit_on_error=False)
    async def _know_me(self) -> None:
        me = await self.asked(self.engine.people.who_am_i())
        if me is not None:
            self._me = me
            self.keys_changed()

    @work(group="list", exit_on_error=False)
    async def fetch(self, offset: int) -> None:
        """Ask for the rows from `offset` on."""
        query = self._query
        page = await self.listed(self.engine.quarantine.list(query, offset=offset))
        if page is None or query != self._query:
            # Somebody asks for something else by now.
            return
        self._page = page
        self._sessions |= {one.accession: one for one in page.rows}
        narrowed = bool(query.where or query.text)
        self.table.empty = (
            "nothing fits the filter; esc drops it"
            if narrowed
            else "every session that you may see is active; f shows those, too"
        )
        self.put(offset, [self._row(one) for one in page.rows], page.total)
        kept = {*(row.key for row in self.table.rows), *self.table.marks.keys}
        self._sessions = {key: one for key, one in self._sessions.items() if key in kept}
        self.unmark_missing()
        self.tell_list()
        self.keys_changed()
        self.fill_card()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def fill_card(self) -> None:
        """Show history and card of the session under the cursor."""
        card, history, session = self.pane(Card, "card"), self.pane(Card, "history"), self._session
        if session is None:
            card.show("", ())
            history.show("History", ())
            return
        if history.display:
            entries = await self.asked(self.engine.archive.history(session.accession))
            if entries is not None:
                history.show(f"History of {session.label}", quarantine.history(entries))
        if card.display:
            found = await self.asked(self.engine.archive.show(session.accession))
            if found is not None:
                card.show(session.label, quarantine.card(session, found))

    def tell_list(self) -> None:
        """Say how many wait, and for how long; where its note has no room, that it is no gate."""
        table, now = self.table, self.context.clock()
        pieces: list[Piece] = []
        if not self.note_is_whole:
            # First: what has no room goes at the end.
            pieces.append((f"{states.NO_GATE_SHORT} · ", "look"))
        if marks := len(table.marks):
            pieces.append((f"{figures.plural(marks, 'session')} marked · ", "accent"))
        pieces += quarantine.told(self._page, now)
        if table.marks.anchor is not None:
            pieces.append((" · a range is being marked: v ends it, esc drops it", "look"))
        if self.note:
            pieces.append((f" · {self.note}", "look"))
        self.say(*pieces)
        self.draw_order()

    def on_resize(self) -> None:
        """Say what quarantine is not: all of it, or where that has no room, the short note."""
        self.call_after_refresh(self._tell_gate)

    @property
    def _session(self) -> QuarantinedSession | None:
        return self._sessions.get(self.table.cursor_key or "")

    @property
    def _query(self) -> QuarantineQuery:
        found = self.filter_line.filter
        return QuarantineQuery(
            text=found.text,
            where=found.conditions,
            sort=self.order,
            descending=self.descending,
        )

    def _tell_gate(self) -> None:
        gate = self.pane(TextLines, "gate")
        lines = wrapped(states.NO_GATE, max(20, gate.size.width - 2))
        gate.show([((f" {line}", "look"),) for line in lines])
        self.tell_list()

    def _acts(self) -> dict[str, Act]:
        """Return what each key does to the sessions that are chosen now."""
        chosen = self.chosen()
        return {
            "accept": states.accepting(chosen),
            "hold": Act.HOLD,
            "lock": states.locking(chosen),
            "obsolete": Act.OBSOLETE,
        }

    def _row(self, session: QuarantinedSession) -> Row:
        return quarantine.row(session, self.context.clock())

    @work(group=QUESTION, exit_on_error=False)
    async def _ask(self, act: Act) -> None:
        # Ask again: what the screen knows may be a moment old, and so may a role.
        me = await self.asked(self.engine.people.who_am_i())
        await self.every_row()
        if me is None or not self.is_open:
            return
        self._me = me
        sessions = self.chosen()
        possible, refused = states.sort_out(act, sessions, me)
        if not possible:
            if sessions:
                self.tell(f"not now: {states.why_none(act, sessions, me)}", "warning")
            return
        asked = states.question(act, possible, refused, me, self.note_of_marks())
        given = await self.app.push_screen_wait(AskScreen(asked))
        if given is None:
            return
        if await self.host.act(states.answered(act, possible, given)):
            self.table.drop_marks()
        self.look()
