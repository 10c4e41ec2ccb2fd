# SPDX-License-Identifier: Apache-2.0
"""Questions in front of a screen: what an act is about, what its consequences are, and what has to
be entered before it is carried out. What is asked is data; nothing here knows the engine."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Static

from console.plain import plain, plain_text
from console.views.question import Field, Option, Question
from console.widgets.table import RecordTable, Row, TableColumn

SHOWN_ROWS = 8
LOW_ROWS = 3
"""Rows that a question names, also in a low terminal; of the others it says how many there are."""

LOW = 30
"""Lines below which a terminal is low."""


LONGEST = 300
"""Cells of a command that are shown; all of it is copied."""


class PlainInput(Input):
    """A field into which nothing that acts on the terminal can be pasted."""

    def on_paste(self, event: events.Paste) -> None:
        """Change what is pasted before the field itself sees it."""
        event.text = plain_text(event.text.splitlines()[0] if event.text else "")


class AskScreen(ModalScreen[dict[str, str] | None]):
    """Asks one question; None means that nothing is done."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "keep", show=False),
        Binding("y,ctrl+y", "copy", show=False),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]

    def __init__(self, question: Question) -> None:
        """Ask `question`."""
        super().__init__()
        self.question = question
        self._lost = ""

    def engine_lost(self, why: str) -> None:
        """Wait with the answer, and keep what was typed, until the engine answers again."""
        lost = "" if self.question.local else why
        if lost != self._lost:
            self._lost = lost
            if self.is_mounted:
                self._judge()

    def compose(self) -> ComposeResult:
        """Lay the question out."""
        asked = self.question
        with Vertical(id="dialog", classes="danger" if asked.danger else ""):
            named = LOW_ROWS if self.app.size.height < LOW else SHOWN_ROWS
            for row in asked.rows[:named]:
                yield Static(plain(row), classes="row")
            if (more := len(asked.rows) - named) > 0:
                yield Static(plain(f"… and {more} more"), classes="row")
            for place, line in enumerate(asked.says):
                yield Static(plain(line), classes="says" if place else "says first")
            if asked.warning:
                yield Static(plain(asked.warning), classes="warning")
            for field in asked.fields:
                yield from self._field(field)
            if asked.confirm:
                typed = f"Type {asked.confirm}"
                yield from self._field(Field(name="confirm", label=typed, hint="to enable it"))
            yield Static(plain(""), id="fault")
            with Horizontal(id="buttons"):
                yield Button(plain(asked.keep), id="keep", compact=True)
                yield Button(plain(asked.act), id="act", compact=True)
            if asked.command is not None:
                yield Static(plain(""), id="command")

    def on_mount(self) -> None:
        """Begin where a hasty enter does no harm."""
        dialog = self.query_one("#dialog", Vertical)
        dialog.border_title = plain(self.question.title)
        asked = self.question
        if asked.danger:
            self.query_one("#keep").focus()
        elif asked.confirm or any(each.needed or each.value for each in asked.fields):
            self.query(PlainInput).first().focus()
        else:
            self.query_one("#act").focus()
        self._judge()

    @on(Input.Changed)
    def judge(self) -> None:
        """See whether what was typed is enough."""
        self._judge()

    @on(Input.Submitted)
    def go_on(self, message: Input.Submitted) -> None:
        """Go on to the next field; after the last to the button that does it."""
        inputs = list(self.query(PlainInput))
        after = inputs[inputs.index(message.input) + 1 :] if message.input in inputs else []
        if after:
            after[0].focus()
        else:
            self.query_one("#keep" if self._fault() else "#act").focus()

    @on(Button.Pressed, "#act")
    def do(self) -> None:
        """Dismiss the question with the answers."""
        if not self._fault() and not self._lost:
            answers = self.answers
            answers.pop("confirm", None)
            self.dismiss(answers)

    @on(Button.Pressed, "#keep")
    def action_keep(self) -> None:
        """Do nothing."""
        self.dismiss(None)

    def action_copy(self) -> None:
        """Copy the command."""
        if self.question.command is not None:
            self.app.copy_to_clipboard(plain_text(self.question.command(self.answers)))

    @property
    def answers(self) -> dict[str, str]:
        """What was typed."""
        return {str(each.name): each.value.strip() for each in self.query(PlainInput)}

    def _field(self, field: Field) -> ComposeResult:
        suggester = SuggestFromList(field.choices, case_sensitive=False) if field.choices else None
        with Horizontal(classes="field"):
            needed = " (needed)" if field.needed else ""
            yield Static(plain(f"{field.label}{needed}"), classes="label")
            yield PlainInput(
                plain_text(field.value), name=field.name, compact=True, suggester=suggester
            )
        if field.hint:
            yield Static(plain(field.hint), classes="hint")

    def _fault(self) -> str:
        answers = self.answers
        for field in self.question.fields:
            if field.needed and not answers[field.name]:
                return f"{field.label.lower()} is needed"
        if self.question.confirm and answers["confirm"] != str(self.question.confirm):
            return f"type {self.question.confirm} to enable it"
        return self.question.fault(answers)

    def _judge(self) -> None:
        fault = self._fault()
        # While the engine is lost the button stays enabled: disabling it would lose the focus.
        self.query_one("#act", Button).disabled = bool(fault)
        self.query_one("#fault", Static).update(plain(self._lost or fault))
        if self.question.command is not None:
            command = plain_text(self.question.command(self.answers), LONGEST)
            command = f"{command}   (y copies{' all of it' if command.endswith('…') else ''})"
            self.query_one("#command", Static).update(plain(command))


class ChooseScreen(ModalScreen[str | None]):
    """Offers things of which one is chosen; None means none."""

    CSS_PATH = "dialogs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "close", show=False)]

    def __init__(
        self,
        title: str,
        choices: tuple[Option, ...],
        *,
        empty: str = "nothing",
        labelled: bool = False,
    ) -> None:
        """Offer `choices`; where they are `labelled` they name what is masked at other times."""
        super().__init__()
        self._labelled = labelled
        self._title = title
        self._choices = choices
        self._empty = empty

    def compose(self) -> ComposeResult:
        """Lay the choices out."""
        columns = (
            TableColumn(title="", width=18),
            TableColumn(title="", width=20, grows=True),
        )
        yield RecordTable(columns, empty=self._empty, id="choices", header=False)

    def on_mount(self) -> None:
        """Show them."""
        table = self.query_one(RecordTable)
        table.border_title = plain(self._title)
        table.border_subtitle = plain("enter chooses · esc closes")
        table.styles.height = min(18, len(self._choices) or 1) + 2
        table.show([Row(key=one.key, cells=(one.title, one.detail)) for one in self._choices])
        table.focus()

    @on(RecordTable.RowChosen)
    def choose(self, message: RecordTable.RowChosen) -> None:
        """Dismiss the question with what was chosen."""
        self.dismiss(message.key)

    def masks_changed(self) -> None:
        """Close what may show labels that are masked by now."""
        if self._labelled and self.is_active:
            self.dismiss(None)
        elif self._labelled and self.is_mounted:
            # Only what is on top can be closed.
            self.query_one(RecordTable).show(())

    def action_close(self) -> None:
        """Choose nothing."""
        self.dismiss(None)
