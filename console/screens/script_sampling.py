# SPDX-License-Identifier: Apache-2.0
"""The part of the script editor that runs the text over the samples kept with a script, and
shows which of them are not as expected."""

from __future__ import annotations

from textual import on, work

from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.script_trying import ScriptTryingScreen
from console.views import script_samples
from console.widgets.chrome import entitle
from console.widgets.table import RecordTable
from engine.model.samples import SampleResult

NO_SAMPLES = "none is kept: anteroom script sample add"
NOT_RUN = "ctrl+t runs the text over the samples that are kept with the script"


class ScriptSamplingScreen(ScriptTryingScreen):
    """A screen with a script editor and a pane `samples`."""

    def __init__(self, context: ConsoleContext) -> None:
        """Have run nothing yet."""
        super().__init__(context)
        self._results: tuple[SampleResult, ...] = ()
        self._sampled: str | None = None
        """The text that the results are of."""

    # What a screen brings.

    def show_samples(self) -> None:
        """Bring the pane on show."""

    # What it uses.

    def samples_pane(self) -> RecordTable:
        """Make the pane."""
        return RecordTable(script_samples.COLUMNS, empty=NOT_RUN, id="samples")

    @work(group=QUESTION, exit_on_error=False)
    async def do_samples(self) -> None:
        """Run the text, as it stands, over the samples."""
        self.show_samples()
        if await self.sound():
            await self.run_samples()

    async def run_samples(self) -> tuple[SampleResult, ...]:
        """Run the text, which has no error, over the samples; return what came of it."""
        text = self.editor.text
        found = await self.asked(self.engine.scripts.run_samples(self.scope, text, self.table.text))
        if found is not None:
            self._results, self._sampled = found, text
        self.draw_samples()
        return found or ()

    def draw_samples(self) -> None:
        """Draw what came of it."""
        table = self.pane(RecordTable, "samples")
        table.empty = NOT_RUN if self._sampled is None else NO_SAMPLES
        table.show(script_samples.rows(self._results))
        earlier = self._sampled not in (None, self.editor.text)
        title = "Samples · of an earlier text" if earlier else "Samples"
        entitle(table, title, script_samples.summary(self._results))

    @on(RecordTable.RowChosen, "#samples")
    def sample_chosen(self, message: RecordTable.RowChosen) -> None:
        """Say all of it; go to the line that fails."""
        one = next((each for each in self._results if each.sample.name == message.key), None)
        if one is None:
            return
        self.tell(str(one), "information" if one.is_as_expected else "warning")
        if one.problem is not None and one.problem.line and self._sampled == self.editor.text:
            self.remove_class("detail")
            self.editor.go_to(one.problem.line, max(1, one.problem.column))
            self.editor.focus()
