# SPDX-License-Identifier: Apache-2.0
"""The ledger: what did not become part of a session, in groups, with the objects of the one under
the cursor, the accounts of the senders, and what can be done about it."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from console.actions import held
from console.actions.held import HeldAct
from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.screens.held import HeldScreen
from console.screens.held_acts import act_on
from console.screens.ledger_entries import MOST_ENTRIES, Entry, LedgerEntries
from console.transfer.export import Exportable
from console.views import figures, ledger
from console.views.rows import Row
from console.widgets.card import Card
from console.widgets.chrome import entitle
from console.widgets.debounce import Debounce
from console.widgets.dialogs import ChooseScreen
from console.widgets.filter_line import FilterLine
from console.widgets.records import WINDOW
from console.widgets.table import RecordTable
from engine.model.ledger import (
    LEDGER_FIELDS,
    DayAccounts,
    GroupBy,
    HeldEntry,
    LedgerGroup,
    LedgerQuery,
)
from engine.model.live import LedgerEntry

PAUSE = 0.2
"""Seconds that the cursor has to rest on a group until its objects are asked for."""


class LedgerScreen(BaseScreen):
    """The groups, the entries of one, the accounts and a card."""

    NAME = "ledger"
    KINDS = frozenset({"ledger"})
    CSS_PATH = sheets("ledger.tcss")
    BINDINGS = bindings("ledger")

    def __init__(self, context: ConsoleContext) -> None:
        """Show today, by reason."""
        super().__init__(context)
        self._by, self._days = GroupBy.REASON, 1
        self._groups: dict[str, LedgerGroup] = {}
        self._held_in_all = 0
        self._accounts: DayAccounts | None = None
        self._entries = LedgerEntries(self)
        self._of = ""
        """The key of the group that the entries are of."""
        self._fill_soon = Debounce(self)

    def content(self) -> ComposeResult:
        """Lay out groups, accounts, card and entries."""
        yield FilterLine(LEDGER_FIELDS, id="filter")
        with Horizontal(id="upper"):
            with Vertical(id="left"):
                yield RecordTable(
                    ledger.columns(self._by), empty="asking the engine …", id="groups"
                )
                yield RecordTable(ledger.ACCOUNTS, empty="nothing came today", id="accounts")
            yield Card(id="card", names=9)
        yield RecordTable(ledger.ENTRIES, empty="no group", id="entries", marking=True)

    def on_mount(self) -> None:
        """Begin to ask."""
        self._table.focus()
        card = self.context.memory.state.list(self.NAME).card
        self.update_classes({"card-open": card is True, "card-closed": card is False})
        entitle(self._rows, "Entries")
        self.look()

    def crumb(self) -> str:
        """Say what is shown."""
        return f"Ledger ▸ by {self._by.value}, {ledger.period(self._days)}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        group = self._group
        if action in ("open", "copy", "export") and group is None:
            return "the list is empty"
        if action in ("retry", "drop"):
            if self._rows.has_focus and not self._chosen:
                return "what is chosen is not held"
            if group is None or not group.held:
                return "nothing of it is held"
        if action == "rule" and ledger.place_of(self._rule) is None and not self._session:
            return "no line of a script decided it"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the entry or the group, and what shows it elsewhere."""
        words = ["anteroom", "ledger", "groups", "--by", self._by.value, "--days", str(self._days)]
        if typed := str(self._filter.filter):
            words.append(typed)
        command = Copyable(title="command", text=shlex.join(words))
        entry, group = self._entry, self._group
        if self._rows.has_focus and isinstance(entry, HeldEntry):
            shows = Copyable(title="command", text=f"anteroom held show {shlex.quote(entry.id)}")
            return (Copyable(title="id", text=entry.id), shows)
        if self._session:
            return (Copyable(title="session", text=self._session), command)
        if group is None:
            return (command,)
        row = Copyable(title="row", text="\t".join(ledger.exported(group)))
        reason = (Copyable(title="reason", text=group.key.reason),) if group.key.reason else ()
        return (*reason, row, command)

    def exports(self) -> Exportable | None:
        """Offer the groups."""
        if not self._groups:
            return None
        return Exportable(
            name="ledger",
            titles=ledger.EXPORTED,
            rows=[ledger.exported(one) for one in self._groups.values()],
            says=str(self._filter.filter),
        )

    def leave_part(self) -> bool:
        """Leave what is open: zoom, a range, the entries, the card, the filter."""
        if super().leave_part() or self._rows.drop_range():
            return True
        if not self._table.has_focus:
            self.remove_class("detail")
            self._table.focus()
            return True
        return self._filter.clear()

    def look(self) -> None:
        """Ask for the groups, and again for the entries."""
        self._fetch()

    def do_filter(self) -> None:
        """Let the person type a filter."""
        self._filter.open()

    def do_open(self) -> None:
        """Go to the entries; from there open one."""
        if not self._rows.has_focus:
            self._rows.focus()
            return
        entry = self._entry
        if isinstance(entry, HeldEntry):
            self.app.push_screen(HeldScreen(self.context, entry))
        elif entry is not None:
            self.tell("nothing of it is kept here but the count", "warning")

    async def do_rule(self) -> None:
        """Open the line of the script, or the session that an entry was for."""
        if (place := ledger.place_of(self._rule)) is not None:
            scope, version, line = place
            await self.host.open_script(scope, version=version, line=line)
        elif self._session:
            await self.host.open_session(self._session)

    def do_retry(self) -> None:
        """Run the script in force over the held objects that are meant."""
        self._act(HeldAct.RETRY)

    def do_drop(self) -> None:
        """Drop the held objects that are meant."""
        self._act(HeldAct.DROP)

    def do_card(self) -> None:
        """Show or hide the card."""
        shown = not self.pane(Card, "card").display
        self.update_classes({"card-open": shown, "card-closed": not shown})
        self.context.memory.state.list(self.NAME).card = shown
        self._draw_card()

    @work(group=QUESTION, exit_on_error=False)
    async def do_views(self) -> None:
        """Group otherwise, or count other days."""
        chosen = await self.app.push_screen_wait(ChooseScreen("Group by", ledger.CHOICES))
        if chosen is None:
            return
        what, _, value = chosen.partition(":")
        if what == "by":
            self._by = GroupBy(value)
            self._table.painter.columns = ledger.columns(self._by)
        else:
            self._days = int(value)
        self._table.show(())
        self.draw_lines()
        self.look()

    @on(RecordTable.RowChosen)
    async def row_chosen(self) -> None:
        """Open the row, or say why not."""
        await self.action_do("open")

    @on(RecordTable.CursorMoved, "#groups")
    def group_moved(self) -> None:
        """Ask for the entries once the cursor rests."""
        self.keys_changed()
        self._fill_soon.after(PAUSE, self._turn_to_group)

    @on(RecordTable.CursorMoved, "#entries")
    def entry_moved(self) -> None:
        """Draw which keys are possible."""
        self.keys_changed()

    @on(RecordTable.MarksChanged)
    def marks_changed(self, message: RecordTable.MarksChanged) -> None:
        """Say how many are marked."""
        self._tell(message.note)
        self.keys_changed()

    @on(RecordTable.AllWanted)
    async def mark_all(self) -> None:
        """Mark all entries, where they are few enough to be known."""
        await self._entries.read_on(held.MOST)
        self._rows.mark_rows([self._row(one) for one in self._entries.known])

    @on(RecordTable.WindowWanted, "#entries")
    def window_wanted(self, message: RecordTable.WindowWanted) -> None:
        """Ask for entries that are not known."""
        self._fill(message.offset)

    @on(FilterLine.Changed)
    def filter_changed(self) -> None:
        """Ask for what the filter finds."""
        self.look()

    @on(FilterLine.Left)
    def filter_left(self) -> None:
        """Go back to the groups."""
        self._table.focus()

    @property
    def _table(self) -> RecordTable:
        return self.pane(RecordTable, "groups")

    @property
    def _rows(self) -> RecordTable:
        return self.pane(RecordTable, "entries")

    @property
    def _filter(self) -> FilterLine:
        return self.pane(FilterLine, "filter")

    @property
    def _query(self) -> LedgerQuery:
        found = self._filter.filter
        return LedgerQuery(days=self._days, text=found.text, where=found.conditions)

    @property
    def _group(self) -> LedgerGroup | None:
        return self._groups.get(self._table.cursor_key or "")

    @property
    def _entry(self) -> Entry | None:
        key = self._rows.cursor_key
        return next((one for one in self._entries.known if self._row(one).key == key), None)

    @property
    def _chosen(self) -> list[HeldEntry]:
        """The held objects that are marked, else the one under the cursor."""
        keys = set(self._rows.chosen_keys)
        held_ones = (one for one in self._entries.known if isinstance(one, HeldEntry))
        return [one for one in held_ones if f"held:{one.id}" in keys]

    @property
    def _session(self) -> str:
        """The session that the entry under the cursor was for."""
        entry = self._entry if self._rows.has_focus else None
        return entry.session if isinstance(entry, LedgerEntry) else ""

    @property
    def _rule(self) -> str:
        if self._rows.has_focus and self._entry is not None:
            return self._entry.rule
        return self._group.key.rule if self._group is not None else ""

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _fetch(self) -> None:
        self.refusal = ""
        query, by = self._query, self._by
        found = await self.permitted(self.engine.live.ledger_groups(query, by), None)
        if self.refusal:
            self._table.empty = self._rows.empty = self.refusal
            self._table.show(())
            self.say()
            return
        if found is None or (query, by) != (self._query, self._by):
            return
        accounts = await self.permitted(self.engine.live.accounts(), None)
        self._accounts = accounts or self._accounts
        self._groups = {ledger.key_of(one): one for one in found.rows}
        self._held_in_all = sum(one.held for one in found.rows)
        narrowed = bool(query.where or query.text)
        nothing = "nothing was dropped, refused or held"
        self._table.empty = (
            "nothing fits the filter; esc drops it"
            if narrowed
            else f"{nothing} today; f counts more days"
            if query.days == 1
            else nothing
        )
        now = self.context.clock()
        self._table.show([ledger.row(one, now) for one in found.rows])
        objects = sum(one.objects for one in found.rows)
        what = f"{figures.plural(objects, 'object')} · {figures.grouped(self._held_in_all)} held"
        entitle(
            self._table,
            f"Not in a session, by {by.value}",
            f"{ledger.period(query.days)} · {what}" if objects else ledger.period(query.days),
        )
        if self._accounts is not None:
            self.pane(RecordTable, "accounts").show(ledger.account_rows(self._accounts))
        self._of = ""
        self._turn_to_group()

    def _turn_to_group(self) -> None:
        """Show the entries of the group under the cursor."""
        key = self._table.cursor_key or ""
        if key and key == self._of:
            return
        fresh, self._of = not self._of, key
        self._entries.begin(self._group, self._query)
        if not fresh:
            self._rows.drop_marks()
        self._draw_card()
        self._tell()
        self.keys_changed()
        if not key:
            self._rows.empty = "no group"
            self._rows.show(())
            entitle(self._rows, "Entries")
        elif fresh:
            self._rows.outdate()
        else:
            self._rows.renew()

    @work(group="entries", exit_on_error=False)
    async def _fill(self, offset: int) -> None:
        if not await self._entries.read_on(offset + WINDOW):
            return
        known, total = self._entries.known, self._entries.total
        self._rows.empty = "what was counted here is counted otherwise by now"
        some = [self._row(one) for one in known[offset : offset + WINDOW]]
        self._rows.put(
            offset, some, len(known) if self._entries.whole else min(total, MOST_ENTRIES)
        )
        more = f" · the newest {figures.grouped(MOST_ENTRIES)}" if total > MOST_ENTRIES else ""
        entitle(self._rows, f"Entries of this group{more}")
        self.keys_changed()

    def _row(self, one: Entry) -> Row:
        return ledger.held_row(one) if isinstance(one, HeldEntry) else ledger.line_row(one)

    def _draw_card(self) -> None:
        group, card = self._group, self.pane(Card, "card")
        if group is None:
            card.show("", ())
            return
        wide = self.pane(RecordTable, "accounts").display
        accounts = None if wide else self._accounts
        card.show(ledger.title(group), ledger.card(group, accounts))

    def _tell(self, note: str = "") -> None:
        marks = len(self._rows.marks)
        said = f"{figures.plural(marks, 'entry', 'entries')} marked" if marks else "as received"
        pieces = ledger.told(self._accounts, self._held_in_all, said)
        if note:
            pieces.append((f" · {note}", "look"))
        self.say(*pieces)

    @work(group=QUESTION, exit_on_error=False)
    async def _act(self, act: HeldAct) -> None:
        group = self._group
        if group is None:
            return
        if self._rows.has_focus:
            objects: Sequence[HeldEntry] = self._chosen
            of = len(objects)
        else:
            # Ask again: what the screen knows may be a moment old.
            page = await self.asked(self.engine.held.list(self._query, group.key, None, held.MOST))
            if page is None:
                return
            objects, of = page.rows, page.total
        if not objects:
            self.tell("not now: nothing of it is held any more", "warning")
            return
        if await act_on(self, act, objects, of):
            self._rows.drop_marks()
            self.look()
