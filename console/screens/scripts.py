# SPDX-License-Identifier: Apache-2.0
"""The anonymization scripts of the site and of every project: which version runs, whose it is and
why, with the versions of the one under the cursor."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal

from console.keys.table import bindings
from console.runtime.typeahead import QUESTION
from console.screens.base.lines import sheets
from console.screens.base.screen import Copyable
from console.screens.base.short_list import ShortListScreen
from console.screens.script_rerunning import rerun
from console.transfer.export import Exportable
from console.views import scripts
from console.views.question import Answers
from console.widgets.card import Card
from console.widgets.table import RecordTable
from engine.model.people import Permission
from engine.model.scripts import ScriptSummary, ScriptText

NAMES = 9
"""Cells of the names of the card."""


class ScriptsScreen(ShortListScreen[ScriptSummary]):
    """The list of scripts, and the versions of the chosen one."""

    NAME = "scripts"
    KINDS = frozenset({"configuration"})
    CSS_PATH = sheets("scripts.tcss")
    BINDINGS = bindings("scripts")

    def content(self) -> ComposeResult:
        """Lay out the list and the card."""
        with Horizontal():
            yield RecordTable(scripts.COLUMNS, empty="asking the engine …", id="list")
            yield Card(id="card", names=NAMES)

    def on_mount(self) -> None:
        """Begin to ask."""
        self.entitle("Scripts", "the site first")
        super().on_mount()

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        one = self.chosen
        if action in ("open", "turn", "rerun", "copy", "export") and one is None:
            return "there is no script here"
        if action == "open" and one is not None:
            return scripts.may_not_read(self.context.me, one.scope)
        if action == "rerun" and one is not None:
            return scripts.may_not(self.context.me, one.scope)
        if action == "turn" and one is not None:
            none = "" if one.version else "nobody has written one yet"
            return scripts.may_not(self.context.me, one.scope) or none
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the id of the version, and the command that shows its text."""
        if (one := self.chosen) is None:
            return ()
        shows = shlex.join(["anteroom", "script", "show", *scripts.options(one.scope)])
        command = Copyable(title="command", text=shows)
        return (Copyable(title="id", text=one.id), command) if one.id else (command,)

    def exports(self) -> Exportable | None:
        """Offer the rows."""
        if not self.known:
            return None
        rows = [scripts.exported(one) for one in self.known.values()]
        return Exportable(name="scripts", titles=scripts.EXPORTED, rows=rows)

    async def do_open(self) -> None:
        """Open the script in the editor."""
        if (one := self.chosen) is not None:
            await self.host.open_script(one.scope)

    @work(group=QUESTION, exit_on_error=False)
    async def do_turn(self) -> None:
        """Enable the script, or disable it, after a question."""
        if (one := self.chosen) is None:
            return
        # Ask again: what the screen knows may be a moment old.
        now = await self.asked(self.engine.scripts.show(one.scope))
        if now is None:
            return

        async def turn(_given: Answers) -> ScriptText:
            verb = self.engine.scripts.disable if now.enabled else self.engine.scripts.enable
            return await verb(now.scope)

        turned = await self.ask(scripts.turning(now), turn)
        if turned is not None:
            how = "is enabled" if turned.enabled else "is off"
            self.tell(f"the script of {scripts.owner(turned.scope)} {how}")
        self.look()

    @work(group=QUESTION, exit_on_error=False)
    async def do_rerun(self) -> None:
        """Run the script in force over waiting sessions again, after a question."""
        if (one := self.chosen) is not None and await rerun(self, one.scope):
            self.look()

    @work(exclusive=True, group="list", exit_on_error=False)
    async def fetch(self) -> None:
        """Ask for the scripts, and for the projects that have none."""
        self.refusal = ""
        written = await self.permitted(self.engine.scripts.list(), ())
        if written is None:
            return
        refused = self.refusal
        projects = await self.permitted(self.engine.projects.list(), ())
        me = await self.asked(self.engine.people.who_am_i())
        if projects is None or me is None:
            return
        # Of a project that is not theirs to triage, nobody is told whether it has a script.
        theirs = [one for one in projects if me.may(Permission.TRIAGE, one.id)]
        self.known = {} if refused else scripts.scopes(written, theirs)
        self.table.empty = refused
        self.table.show([scripts.row(one) for one in self.known.values()])
        self.say(*(scripts.told(self.known.values()) if self.known else ()))
        self.keys_changed()
        self.draw_card()

    @work(exclusive=True, group="card", exit_on_error=False)
    async def draw_card(self) -> None:
        """Show the versions of the script under the cursor."""
        one = self.chosen
        if one is None:
            self.card.show("", ())
            return
        # Whoever triages a project may see that there is a site script, but not its versions.
        versions = await self.permitted(self.engine.scripts.history(one.scope), ())
        waiting = None
        if one.version and not scripts.may_not(self.context.me, one.scope):
            waiting = await self.permitted(self.engine.scripts.waiting(one.scope), None)
        if versions is not None and one == self.chosen:
            lines = scripts.card(one, versions, waiting)
            self.card.show(f"Script of {scripts.owner(one.scope)}", lines)
