# SPDX-License-Identifier: Apache-2.0
"""The acceptances of scanners: one is tried step by step, which can be watched while it sends, and
what was seen is signed and exported. What a step says comes from the engine; how it is shown is in
`console.views.acceptances`."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Sequence

from textual import work
from textual.app import ComposeResult

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.runtime.typeahead import QUESTION
from console.screens.base.exporting import export_record, export_rows
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.base.short_list import ShortListScreen
from console.transfer.export import Exportable
from console.views import acceptances
from console.views.acceptance import record
from console.views.question import Answers, Option, Question
from console.widgets.card import Card
from console.widgets.dialogs import ChooseScreen
from console.widgets.table import RecordTable
from engine.model.acceptance import Acceptance, Judgement

SHOWN = 200

_TEXT, _JSON, _ROWS = "text", "json", "rows"


class AcceptancesScreen(ShortListScreen[Acceptance]):
    """All acceptances, the newest first, and the steps of the one under the cursor."""

    NAME = "acceptances"
    # What arrives changes how the steps stand.
    KINDS = frozenset({"acceptance", "ledger", "session", "transfer"})
    CSS_PATH = sheets("acceptances.tcss")
    BINDINGS = bindings("acceptances")

    def __init__(self, context: ConsoleContext, over: str, sender: str = "") -> None:
        """Show the acceptances over a screen; `sender` is offered for another one."""
        super().__init__(context)
        self._over = over
        self._sender = sender
        self._whole: Acceptance | None = None
        """The one that was asked for last, with its steps."""

    def content(self) -> ComposeResult:
        """Lay out the list and the steps."""
        yield RecordTable(acceptances.COLUMNS, empty="asking the engine …", id="list")
        yield Card(id="card", names=acceptances.NAMES)

    def on_mount(self) -> None:
        """Begin to ask."""
        self.entitle("Acceptances of scanners", "newest first")
        super().on_mount()

    def crumb(self) -> str:
        """Say which screen is below."""
        return f"{self._over} ▸ Acceptances"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action not in ("open", "session", "expect", "sign", "drop", "copy", "export"):
            return ""
        if (one := self.chosen) is None:
            return "there is no acceptance here: n begins one"
        if action == "session":
            none = "it has fed no session that is in the prearchive"
            return "" if acceptances.fed(one) else none
        return acceptances.why_closed(one) if action in ("expect", "sign", "drop") else ""

    def copies(self) -> Sequence[Copyable]:
        """Offer the id, the sender and the command that shows it."""
        if (one := self.chosen) is None:
            return ()
        command = shlex.join(["anteroom", "acceptance", "show", one.id])
        return (
            Copyable(title="id", text=one.id),
            Copyable(title="sender", text=one.calling),
            Copyable(title="command", text=command),
        )

    def exports(self) -> Exportable | None:
        """Offer the rows."""
        if not self.known:
            return None
        rows = acceptances.exported(tuple(self.known.values()))
        return Exportable(name="acceptances", titles=acceptances.EXPORTED, rows=rows)

    def do_session(self) -> None:
        """Open the first session that the sender has fed; the others are the next ones there."""
        from console.screens.session import SessionScreen  # noqa: PLC0415 (loaded when shown)

        if (one := self.chosen) is not None and (fed := acceptances.fed(one)):
            self.app.push_screen(SessionScreen(self.context, fed[0], among=fed))

    @work(group=QUESTION, exit_on_error=False)
    async def do_new(self) -> None:
        """Ask which scanner is tried, and begin."""
        seen = await self.asked(self.engine.live.senders())
        there = await self.asked(self.engine.receivers.list())
        if seen is None or there is None:
            return
        senders = tuple(dict.fromkeys(one.calling for one in seen))
        titles = tuple(dict.fromkeys(one.ae_title for one in there))
        only = titles[0] if len(titles) == 1 else ""
        question = acceptances.new_question(senders, titles, self._sender, only)

        async def begin(given: Answers) -> Acceptance:
            expected = int(given["expected"] or 0)
            return await self.engine.acceptances.start(given["sender"], given["receiver"], expected)

        await self._do(question, begin, "the acceptance of {} has begun")

    @work(group=QUESTION, exit_on_error=False)
    async def do_expect(self) -> None:
        """Ask how many images the scanner counts, and set that."""
        if (one := self.chosen) is not None:
            await self._do(
                acceptances.expect_question(one),
                lambda given: self.engine.acceptances.expect(one.id, int(given["images"])),
                "the number of images of {} is set",
            )

    @work(group=QUESTION, exit_on_error=False)
    async def do_sign(self) -> None:
        """Ask for the verdict, and sign it."""
        if (one := self.chosen) is None:
            return
        # What is signed has to be what is seen, and not what was seen a while ago.
        now = await self.asked(self.engine.acceptances.show(one.id))
        if now is None:
            return
        self._keep(now)
        status = self.context.status_view.status
        question = acceptances.sign_question(now, status.actor if status is not None else "")
        await self._close(now, question)

    @work(group=QUESTION, exit_on_error=False)
    async def do_drop(self) -> None:
        """Ask, and end it without a verdict on the scanner."""
        if (one := self.chosen) is not None:
            await self._close(one, acceptances.drop_question(one))

    @work(group=QUESTION, exit_on_error=False)
    async def do_export(self) -> None:
        """Write the record, or the rows of the list."""
        one, rows = self.chosen, self.exports()
        if one is None or rows is None:
            return
        choices = (
            Option(key=_TEXT, title="record as text…", detail="with lines to sign by hand"),
            Option(key=_JSON, title="record as JSON…", detail="for programs"),
            Option(key=_ROWS, title="rows of the list…", detail="CSV, TSV or JSON"),
        )
        chosen = await self.app.push_screen_wait(ChooseScreen("Export", choices))
        if chosen == _ROWS:
            await export_rows(self, rows)
        elif chosen is not None:
            as_json = chosen == _JSON

            async def written() -> str:
                return record(await self.engine.acceptances.show(one.id), as_json=as_json)

            await export_record(self, one.id, "json" if as_json else "txt", written)

    @property
    def chosen(self) -> Acceptance | None:
        """The one under the cursor, with its steps where they are known."""
        one = super().chosen
        if one is None or self._whole is None or self._whole.id != one.id:
            return one
        return self._whole

    async def _close(self, one: Acceptance, question: Question) -> None:
        async def close(given: Answers) -> Acceptance:
            verdict = given.get("verdict", Judgement.ABANDONED.value)
            return await self.engine.acceptances.close(one.id, verdict, given["note"])

        await self._do(question, close)

    async def _do(
        self,
        question: Question,
        act: Callable[[Answers], Awaitable[Acceptance]],
        done: str = "",
    ) -> None:
        """Ask, do it in its turn whatever becomes of this screen, and show how it stands."""
        made = await self.ask(question, act)
        if made is None:
            return
        self.tell(done.format(made.calling) if done else f"{made.calling} is {made.verdict.value}")
        self._keep(made)
        await self._ask_engine()
        self.table.go_to_key(made.id)
        self._draw()

    @work(exclusive=True, group="acceptances", exit_on_error=False)
    async def fetch(self) -> None:
        """Ask for the list, and for the steps of the one under the cursor."""
        await self._ask_engine()

    @work(exclusive=True, group="steps", exit_on_error=False)
    async def draw_card(self) -> None:
        """Show the steps of the one under the cursor."""
        await self._ask_steps()

    async def _ask_engine(self) -> None:
        listed = await self.permitted(self.engine.acceptances.list(SHOWN), ())
        if listed is None:
            return
        self.known = {one.id: one for one in listed}
        self.table.empty = "no scanner was tried yet: n begins with one"
        self.table.show([acceptances.row(one) for one in listed])
        await self._ask_steps()

    async def _ask_steps(self) -> None:
        one = self.known.get(self.table.cursor_key or "")
        if one is not None and one.verdict is Judgement.OPEN:
            self._draw()
            one = await self.asked(self.engine.acceptances.show(one.id))
        if one is not None:
            self._keep(one)
        self._draw()

    def _keep(self, one: Acceptance) -> None:
        self.known[one.id] = one
        self._whole = one

    def _draw(self) -> None:
        shown = self.known.values()
        self.table.show([acceptances.row(one) for one in shown])
        card, one = self.card, self.chosen
        if one is None:
            card.show("How it goes", acceptances.EMPTY)
        elif one.verdict is Judgement.OPEN and not one.steps:
            card.show(one.calling, (("", "asking the engine …"),))
        else:
            card.show(one.calling, acceptances.card(one))
        self.say((acceptances.said(tuple(shown)), "muted"))
        self.keys_changed()
