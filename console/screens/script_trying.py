# SPDX-License-Identifier: Apache-2.0
"""The half of the script editor that tries the text, as it stands, on a session: what it would make
of each element, beside what the version in force makes of it. Nothing is saved for that."""

from __future__ import annotations

from textual import on, work

from console.plain import plain_text
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.overlays import TextScreen
from console.screens.script_checking import ScriptCheckingScreen
from console.screens.session_choice import SessionChoiceScreen
from console.views import script_trial
from console.views.script_trial import Tried
from console.widgets.chrome import entitle
from console.widgets.table import RecordTable
from engine.model.errors import EngineError, InvalidInput
from engine.model.prearchive import PrearchiveSession
from engine.model.trials import Trial, TrialRow

NOTHING_TRIED = "F5 tries the text as it stands on a session of the prearchive"


class ScriptTryingScreen(ScriptCheckingScreen):
    """A screen with a script editor and a pane `trial`."""

    def __init__(self, context: ConsoleContext) -> None:
        """Have tried nothing yet."""
        super().__init__(context)
        self._tries_on: PrearchiveSession | None = None
        """On what it is tried."""
        self._tried: Tried | None = None
        self._on_its_way = False
        self._same = False
        self._rows: dict[str, TrialRow] = {}

    # What a screen brings.

    def show_trial(self) -> None:
        """Bring the pane on show."""

    # What it uses.

    @property
    def trial(self) -> RecordTable:
        """The pane."""
        return self.pane(RecordTable, "trial")

    def trial_pane(self) -> RecordTable:
        """Make the pane."""
        return RecordTable(script_trial.COLUMNS, empty=NOTHING_TRIED, id="trial")

    def why_no_trial(self, action: str) -> str:
        """Say why something about a dry run is not possible now."""
        if action == "trial" and self._on_its_way:
            return "a dry run is on its way"
        if action in ("next", "previous", "same", "line", "other_session"):
            if self.focused is not self.trial:
                return "go to the dry run first: F5"
            if action != "other_session" and self._tried is None:
                return "nothing was tried yet"
        return ""

    @work(group=QUESTION, exit_on_error=False)
    async def do_trial(self) -> None:
        """Try the text on the session of before; ask for one at first."""
        await self._on_session(self._tries_on)

    @work(group=QUESTION, exit_on_error=False)
    async def do_other_session(self) -> None:
        """Try the text on another session."""
        await self._on_session(None)

    def do_same(self) -> None:
        """Show what the draft makes of elements as the version in force does, or hide it."""
        self._same = not self._same
        self.draw_trial()

    def do_next(self) -> None:
        """Go to the next difference."""
        self._step(1)

    def do_previous(self) -> None:
        """Go to the difference before."""
        self._step(-1)

    def do_line(self) -> None:
        """Go to the line that makes the change, or that fails."""
        key, tried = self.trial.cursor_key or "", self._tried
        if tried is None:
            return
        place = script_trial.fault_of(tried.told, key)
        if place is None and (one := self._rows.get(key)) is not None:
            line = script_trial.line_of(one)
            place = (line, 1) if line else None
        if place is None:
            self.tell("no line of the text does this")
            return
        self.remove_class("detail")
        self.editor.go_to(*place)
        self.editor.focus()

    def masks_changed(self) -> None:
        """Show or hide what a dry run has read."""
        super().masks_changed()
        self.draw_trial()

    def draw_trial(self) -> None:
        """Draw what is known of the dry run."""
        if not self.is_mounted:
            return
        tried, table = self._tried, self.trial
        if tried is None:
            table.empty = "running …" if self._on_its_way else NOTHING_TRIED
            table.show(())
            entitle(table, "Dry run", "")
            return
        masks = self.context.masks
        told = script_trial.masked(tried, masks)
        self._rows = {script_trial.key(one): one for one in told.rows}
        table.empty = "nothing differs"
        table.show(script_trial.rows(told, same=self._same))
        label = masks.session(tried.session).label
        words = "running …" if self._on_its_way else script_trial.summary(told)
        entitle(table, plain_text(script_trial.title(tried, label, self.editor.text), 42), words)

    # How it works.

    @on(RecordTable.RowChosen, "#trial")
    def trial_row_chosen(self, message: RecordTable.RowChosen) -> None:
        """Tell all of an element; go to what fails."""
        one, tried = self._rows.get(message.key), self._tried
        if tried is None:
            return
        if one is None:
            self.do_line()
            return
        lines = script_trial.card(one, tried.told)
        self.app.push_screen(TextScreen("One element", lines, empty=""))

    @on(RecordTable.CursorMoved, "#trial")
    def trial_moved(self) -> None:
        """What can be done depends on the row."""
        self.keys_changed()

    async def _on_session(self, session: PrearchiveSession | None) -> None:
        if not await self.sound():
            return
        if session is None:
            session = await self.app.push_screen_wait(
                SessionChoiceScreen(self.context, "Try the text on a session")
            )
        if session is None:
            return
        self._tries_on = session
        self.show_trial()
        self._try(session, self.editor.text, self.table.text)

    @work(group="trials", exclusive=True, exit_on_error=False)
    async def _try(self, session: PrearchiveSession, text: str, lookups: str) -> None:
        self._on_its_way = True
        self.draw_trial()
        try:
            told = await self._answer(session, text, lookups)
        finally:
            self._on_its_way = False
        if told is not None:
            self._tried = Tried(session=session, text=text, told=told)
            if script_trial.went_wrong(told):
                self.tell(f"the dry run went wrong: {script_trial.summary(told)}", "warning")
        self.draw_trial()
        self.keys_changed()

    async def _answer(self, session: PrearchiveSession, text: str, lookups: str) -> Trial | None:
        try:
            return await self.engine.scripts.try_out(self.scope, text, session.id, lookups)
        except InvalidInput as error:
            self.tell(f"not tried: {error.message}", "warning")
        except EngineError as error:
            self.failed(error)
        return None

    def _step(self, direction: int) -> None:
        table = self.trial
        wanted = {key for key, one in self._rows.items() if script_trial.differs(one)}
        places = [
            place
            for place, row in enumerate(table.rows)
            if row.key in wanted or row.key.startswith(script_trial.FAULT)
        ]
        here = table.cursor
        beyond = [place for place in places if (place - here) * direction > 0] or places
        if beyond:
            table.go_to(beyond[0] if direction > 0 else beyond[-1])
