# SPDX-License-Identifier: Apache-2.0
"""The findings of a followed session: asked for, acknowledged, and led from to the line of a script
that mends them, or would."""

from __future__ import annotations

from textual import on, work

from console.runtime.typeahead import QUESTION
from console.screens.base.form import fill_in
from console.screens.base.overlays import TextScreen
from console.screens.base.script_line import open_line
from console.screens.base.session import FollowingScreen
from console.views import findings as views
from console.views.question import Answers
from console.widgets.table import RecordTable
from engine.model.findings import Finding, Findings
from engine.model.scripts import SITE, project_scope

PANE = "findings"


class FindingsScreen(FollowingScreen):
    """A screen of one session with a pane of findings."""

    findings: Findings | None = None
    """As the engine gave them."""

    @property
    def finding(self) -> Finding | None:
        """The finding under the cursor."""
        key = self.panes.table(PANE).cursor_key
        rows = self.findings.rows if self.findings is not None else ()
        return next((one for one in rows if one.key == key), None)

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action == "acknowledge":
            if self.panes.shown != PANE:
                return "it is for Findings: < and > go there"
            if (one := self.finding) is None:
                return "there is no finding here"
            if not one.left:
                return "the project's script mends it"
        return super().why_not(action)

    @work(group=QUESTION, exit_on_error=False)
    async def do_acknowledge(self) -> None:
        """Ask why the finding under the cursor is none, and say so; or open it again."""
        one, id = self.finding, self.followed
        if one is None:
            return

        async def say(given: Answers) -> Findings:
            api, keys = self.engine.findings, (one.key,)
            if one.acknowledged is not None:
                return await api.reopen(id, keys, given["reason"])
            return await api.acknowledge(id, keys, given["reason"])

        found = await fill_in(
            self,
            views.question(id, (one,)),
            lambda given: self.host.carry_out(lambda: say(given)),
        )
        if found is not None and id == self.followed:
            self.tell("it is open again" if one.acknowledged is not None else "acknowledged")
            self._show_findings(found)

    async def open_behind(self) -> None:
        """Open the line that mends a finding, or put one into the draft that would."""
        one = self.finding
        if one is None:
            self.tell("there is no finding here")
        elif one.mended_by is not None:
            await open_line(self, one.mended_by)
        elif one.remedy and self.session is not None:
            project = self.session.project
            scope = SITE if project is None else project_scope(project)
            await self.host.open_script(scope, proposed=one.remedy)
        else:
            self.tell("no line of a script mends this by itself")

    def fetch_pane(self, pane: str) -> bool:
        """Ask for what a pane shows, if it is this one."""
        if pane != PANE:
            return super().fetch_pane(pane)
        self._fetch_findings(self.followed)
        return True

    def forget_panes(self) -> None:
        """Know nothing of a session any more."""
        super().forget_panes()
        self.findings = None

    def masks_changed(self) -> None:
        """Draw values again as they may be shown now."""
        super().masks_changed()
        if self.findings is not None:
            self._show_findings(self.findings)

    @on(RecordTable.RowChosen, "#findings")
    def finding_chosen(self) -> None:
        """Show a finding in full."""
        if (one := self.finding) is not None and self.session is not None:
            shown = self.context.masks.finding(one, self.session)
            lines = views.card(shown)
            # What is masked at other times may stand here.
            self.app.push_screen(TextScreen("Finding", lines, empty="", labelled=True))

    @work(exclusive=True, group="findings", exit_on_error=False)
    async def _fetch_findings(self, id: str) -> None:
        found = await self.asked(self.engine.findings.list(id))
        if found is not None and id == self.followed:
            self._show_findings(found)

    def _show_findings(self, found: Findings) -> None:
        self.findings = found
        if self.session is None:
            return
        table, masks = self.panes.table(PANE), self.context.masks
        table.empty = views.empty(found)
        shown = [masks.finding(one, self.session) for one in found.rows]
        table.show([views.row(one) for one in shown])
        self.panes.caption(PANE, views.said(found))
        self.keys_changed()
