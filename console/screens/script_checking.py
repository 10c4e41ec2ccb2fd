# SPDX-License-Identifier: Apache-2.0
"""The half of a screen on which a script is edited: problems as it is typed, the draft that is kept
meanwhile, words that are completed or found. What becomes of the text is up to the screen."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static, TextArea

from console.plain import plain
from console.runtime.context import ConsoleContext
from console.screens.base.screen import BaseScreen
from console.views import script_draft
from console.views.script_draft import ScriptDraft
from console.widgets.chrome import Line, entitle
from console.widgets.debounce import Debounce
from console.widgets.dialogs import PlainInput
from console.widgets.lookup_editor import LookupEditor
from console.widgets.script_editor import ScriptEditor
from console.widgets.table import RecordTable, Row, TableColumn
from engine.model.remarks import Remark, Severity
from engine.model.scripts import ScriptText
from engine.service.script_words import language_of, words

CHECK_PAUSE = 0.2
"""Seconds without a key until the text is checked, and kept as a draft."""

CHOICES = (
    TableColumn(title="Word", width=30, grows=True),
    TableColumn(title="", width=26, priority=1),
)


class ScriptCheckingScreen(BaseScreen):
    """A screen with a script editor."""

    def __init__(self, context: ConsoleContext) -> None:
        """Have no text yet."""
        super().__init__(context)
        # Held here, and not only on the screen: what was typed last is kept when it closes.
        self.editor = ScriptEditor(id="editor")
        self.table = LookupEditor(id="lookups")
        self.scope = ""
        self.home = ""
        """Of the engine that has the script."""
        self.base: ScriptText | None = None
        """The version that the edit began with; None until it is known."""
        self.remarks: tuple[Remark, ...] = ()
        self.edited = 0
        """Lines that differ from the version, those of the lookup table too."""
        self.checked = True
        """The remarks are about the text as it stands."""
        self.editable = False
        self.unkept = False
        """The draft could not be written."""
        self._of_table: tuple[Remark, ...] = ()
        self._checked_table: str | None = None
        self._check_soon = Debounce(self)

    # What a screen brings.

    def drawn(self) -> None:
        """Draw what tells how the text stands."""

    def cursor_placed(self) -> None:
        """Say what is under the cursor."""

    # What it uses.

    def checking_panes(self) -> ComposeResult:
        """Lay out what stands below the editor."""
        yield Line(id="near")
        with Horizontal(id="find"):
            yield Static(plain(" / "), id="slash")
            yield PlainInput(id="words", compact=True, select_on_focus=False)
        yield RecordTable(CHOICES, empty="", id="choices", header=False)
        yield RecordTable(script_draft.PROBLEM_COLUMNS, empty="no problem", id="problems")

    @property
    def near_shown(self) -> bool:
        """Whether a line below the text says the nearest problem: there is no room for all."""
        return bool(self.pane(Line, "near").display)

    @property
    def draft(self) -> ScriptDraft | None:
        """What was edited and not saved; None where nothing was."""
        return self.context.script_drafts.get(self.home, self.scope) if self.edited else None

    def draft_now(self, base: ScriptText) -> ScriptDraft:
        """Return what would be saved. What was not edited stays as it was stored, even where the
        editor shows some of its characters as visible signs."""
        text, table = self.editor.text, self.table.text
        return ScriptDraft(
            scope=self.scope,
            version=base.version,
            id=base.id,
            text=base.text if text == script_draft.tidy(base.text) else text,
            lookups=base.lookups if table == script_draft.tidy(base.lookups) else table,
        )

    def put(self, base: ScriptText, draft: ScriptDraft | None) -> None:
        """Edit a version, or the draft that began with it."""
        self.base = base
        self._checked_table = None
        self.editor.put(base.text if draft is None else draft.text, editable=self.editable)
        self.table.put(base.lookups if draft is None else draft.lookups, editable=self.editable)
        self.keep_draft()
        self.check()

    def saved(self, draft: ScriptDraft, saved: ScriptText) -> None:
        """Go on from the version that a draft has become; what was typed meanwhile stays."""
        self.base = saved
        if self.draft_now(saved).text == draft.text:
            self.forget_draft()
        self.keep_draft()
        self.check()

    def forget_draft(self) -> None:
        """Drop the draft."""
        self.context.script_drafts.drop(self.home, self.scope)
        self.edited = 0

    def keep_draft(self) -> None:
        """Keep what the editor has, where it differs from the version."""
        base = self.base
        if base is None or not self.editable:
            return
        draft = self.draft_now(base)
        if (draft.text, draft.lookups) == (base.text, base.lookups):
            self.forget_draft()
        else:
            self.edited = _edited(base, draft)
            self.unkept = not self.context.script_drafts.keep(self.home, draft)

    def typed(self) -> None:
        """Check and keep the text once nothing more is typed."""
        if self.checked:
            self.checked = False
            self.cursor_placed()
        self._check_soon.after(CHECK_PAUSE, self.check)

    @work(exclusive=True, group="checks", exit_on_error=False)
    async def check(self) -> None:
        """Ask what there is to say about the text; what was typed meanwhile is asked for later."""
        text, table, base = self.editor.text, self.table.text, self.base
        if base is None:
            return
        if self.editable:
            await self._keep(base)
        await self._ask(text, table)
        if (text, table) == (self.editor.text, self.table.text):
            self._show_remarks(text)
        self.drawn()

    async def sound(self) -> bool:
        """Look whether the text can be saved; say what is wrong where it cannot."""
        text = self.editor.text
        if not await self._ask(text, self.table.text):
            return False
        self._show_remarks(text)
        worst = [one for one in self.remarks if one.severity is Severity.ERROR]
        if worst:
            first = worst[0]
            if not first.path:
                self.editor.go_to(first.line, first.column)
                self.editor.focus()
            self.tell(f"not with an error: {first}", "warning")
        self.drawn()
        return not worst

    @work(exclusive=True, group="words", exit_on_error=False)
    async def know_words(self) -> None:
        """Read what can be completed: the dictionary takes a moment."""
        self.editor.words = await asyncio.to_thread(words)

    def do_problem(self, direction: int) -> None:
        """Go to the next problem, or to the one before."""
        number = script_draft.next_problem(self.remarks, self.editor.place, direction)
        if number is None:
            self.tell("there is no problem in the text", "information")
        else:
            self._go_to_problem(number)

    def do_find(self) -> None:
        """Let the person type what to find."""
        self.add_class("finding")
        self.pane(PlainInput, "words").focus()

    def do_found(self, direction: int) -> None:
        """Go to where the words are next."""
        sought = self.pane(PlainInput, "words").value
        if not sought:
            self.do_find()
        elif not self.editor.go_on(sought, direction):
            self.tell("nothing found", "warning")

    def leave_part(self) -> bool:
        """End the search."""
        if super().leave_part():
            return True
        if not self.has_class("finding"):
            return False
        self.remove_class("finding")
        with self.prevent(Input.Changed):
            self.pane(PlainInput, "words").value = ""
        self.editor.search("")
        self.editor.focus()
        return True

    # How it works.

    @on(TextArea.Changed, "#editor")
    def text_typed(self) -> None:
        """Check and keep it soon."""
        self.typed()

    @on(TextArea.SelectionChanged, "#editor")
    def cursor_moved(self) -> None:
        """Say the problem of the line, and what is under the cursor."""
        self._draw_near()
        self.cursor_placed()

    @on(RecordTable.RowChosen, "#problems")
    def problem_chosen(self, message: RecordTable.RowChosen) -> None:
        """Go to it."""
        self._go_to_problem(int(message.key))

    @on(Input.Changed, "#words")
    def words_typed(self, message: Input.Changed) -> None:
        """Find them from the cursor on."""
        self.editor.search(message.value)
        if message.value:
            self.editor.go_on(message.value, 1, here=True)

    @on(Input.Submitted, "#words")
    def words_done(self) -> None:
        """Go back to the text, at what was found."""
        self.editor.focus()

    @on(ScriptEditor.Offered)
    def offered(self, message: ScriptEditor.Offered) -> None:
        """Show what the text may go on with."""
        self.set_class(bool(message.choices), "choosing")
        rows = [
            Row(key=str(place), cells=(one.shown, one.detail))
            for place, one in enumerate(message.choices)
        ]
        table = self.pane(RecordTable, "choices")
        table.show(rows)
        table.go_to(0)
        entitle(table, "Complete", "tab or enter takes it · esc closes")

    @on(ScriptEditor.Stepped)
    def stepped(self, message: ScriptEditor.Stepped) -> None:
        """Take another choice."""
        table = self.pane(RecordTable, "choices")
        table.action_cursor(message.step)
        self.editor.chosen = table.cursor

    @on(RecordTable.RowChosen, "#choices")
    def choice_clicked(self, message: RecordTable.RowChosen) -> None:
        """Take the choice that was clicked."""
        self.editor.take(int(message.key))
        self.editor.focus()

    async def _keep(self, base: ScriptText) -> None:
        draft, drafts = self.draft_now(base), self.context.script_drafts
        if (draft.text, draft.lookups) == (base.text, base.lookups):
            self.edited = 0
            await asyncio.to_thread(drafts.drop, self.home, self.scope)
        else:
            self.edited = await asyncio.to_thread(_edited, base, draft)
            self.unkept = not await asyncio.to_thread(drafts.keep, self.home, draft)

    async def _ask(self, text: str, table: str) -> bool:
        """Have the text checked; the table, which may be long, only where it has changed."""
        found = await self.asked(self.engine.scripts.check(text))
        if found is not None and table != self._checked_table:
            of_both = await self.asked(self.engine.scripts.check("", table)) if table else ()
            if of_both is None:
                return False
            self._of_table = tuple(one for one in of_both if one.path)
            self._checked_table = table
        if found is None:
            return False
        self.remarks = (*found, *self._of_table)
        self.checked = text == self.editor.text
        return True

    def _show_remarks(self, text: str) -> None:
        own = tuple(one for one in self.remarks if not one.path)
        self.editor.mark(own, language_of(text))
        problems = self.pane(RecordTable, "problems")
        problems.show([script_draft.problem_row(*each) for each in enumerate(self.remarks)])
        entitle(problems, "Problems", script_draft.counted(self.remarks) or "enter goes there")
        self._draw_near()

    def _draw_near(self) -> None:
        line = self.editor.line
        here = [one for one in self.remarks if not one.path and one.line == line]
        shown = here or [one for one in self.remarks if one.severity is Severity.ERROR]
        near = self.pane(Line, "near")
        if not shown:
            near.say(())
            return
        first = shown[0]
        bad = first.severity is Severity.ERROR
        more = f"   and {len(self.remarks) - 1} more" if len(self.remarks) > 1 else ""
        sign = "✗" if bad else "!"
        near.say(((f" {sign} {first}{more}", "bad" if bad else "look"),))

    def _go_to_problem(self, number: int) -> None:
        if number >= len(self.remarks):
            return
        one = self.remarks[number]
        if one.path:
            self.table.go_to(one.line)
            self.tell(str(one), "warning")
            return
        self.editor.go_to(one.line, one.column)
        self.editor.focus()
        self.pane(RecordTable, "problems").go_to(number)


def _edited(base: ScriptText, draft: ScriptDraft) -> int:
    """Count the lines that differ, in the text and in the table."""
    lines = script_draft.edited(base.text, draft.text)
    return lines + script_draft.edited(base.lookups, draft.lookups) or 1
