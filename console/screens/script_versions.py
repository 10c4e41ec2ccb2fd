# SPDX-License-Identifier: Apache-2.0
"""One version of a script to be read, with what differs from the text that is edited, or with one
of its lines pointed at."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual import work
from textual.app import ComposeResult

from console.keys.table import bindings
from console.runtime.context import ConsoleContext
from console.screens.base.lines import sheets
from console.screens.base.screen import BaseScreen, Copyable
from console.views import figures, script_diff, scripts
from console.views.script_diff import DiffLine
from console.widgets.chrome import entitle
from console.widgets.script_view import ScriptView
from engine.model.scripts import ScriptText


class ScriptVersionScreen(BaseScreen):
    """A version, or what differs from it."""

    NAME = "script version"
    CSS_PATH = sheets("script_versions.tcss")
    BINDINGS = bindings("script version")

    def __init__(
        self,
        context: ConsoleContext,
        version: ScriptText,
        *,
        against: str | None = None,
        called: str = "",
        line: int = 0,
    ) -> None:
        """Show `version`, or what differs `against` a text that is `called` something."""
        super().__init__(context)
        self._version = version
        self._against = against
        self._called = called
        self._line = line
        self._changes: list[int] = []

    def content(self) -> ComposeResult:
        """Lay out the text."""
        yield ScriptView(id="text")

    def on_mount(self) -> None:
        """Work out what differs."""
        one = self._version
        compared = f"v{one.version} → {self._called}" if self._against is not None else ""
        entitle(self._view, compared or f"v{one.version} of {scripts.owner(one.scope)}")
        self._view.focus()
        self._fill()

    def crumb(self) -> str:
        """Say which version it is."""
        return f"Scripts ▸ {scripts.owner(self._version.scope)} ▸ v{self._version.version}"

    def why_not(self, action: str) -> str:
        """Say why a verb is not possible now."""
        if action in ("next", "previous") and not self._changes:
            return "nothing differs" if self._against is not None else "nothing is compared"
        return super().why_not(action)

    def copies(self) -> Sequence[Copyable]:
        """Offer the id, and the command that shows the version."""
        one = self._version
        command = scripts.command("show", one.scope, "--version", str(one.version))
        shows = Copyable(title="command", text=command)
        return (Copyable(title="id", text=one.id), shows) if one.id else (shows,)

    def do_next(self) -> None:
        """Go to the next change."""
        here = self._view.here
        self._point(next((at for at in self._changes if at > here), self._changes[0]))

    def do_previous(self) -> None:
        """Go to the change before."""
        here = self._view.here
        before = [at for at in self._changes if at < here]
        self._point(before[-1] if before else self._changes[-1])

    async def do_edit(self) -> None:
        """Open the active version in the editor."""
        self.do_leave_screen()
        if self._against is None:
            await self.host.open_script(self._version.scope)

    @property
    def _view(self) -> ScriptView:
        return self.pane(ScriptView, "text")

    @work(exclusive=True, group="text", exit_on_error=False)
    async def _fill(self) -> None:
        one, against = self._version, self._against
        lines: list[DiffLine]
        if against is None:
            lines = script_diff.whole(one.text)
        else:
            lines = await asyncio.to_thread(script_diff.compared, one.text, against)
        self._changes = script_diff.changes(lines)
        self._view.show(lines, language=one.language, empty=f"nothing differs from {self._called}")
        if against is None and 0 < self._line <= len(lines):
            self.call_after_refresh(self._view.point, self._line - 1)
        self._say()
        self.keys_changed()

    def _point(self, at: int) -> None:
        self._view.point(at)
        self._say()

    def _say(self) -> None:
        one, here = self._version, self._view.here
        why = f" “{one.reason}”" if one.reason else ""
        by = f"v{one.version} by {one.author}, {figures.moment(one.at)[:16]}{why}"
        if self._against is None:
            old = "" if one.active else "not the active version · "
            self.say((old, "look"), (by, "muted"))
            return
        many = figures.plural(len(self._changes), "change")
        if here in self._changes:
            many = f"{self._changes.index(here) + 1} of {many}"
        # First: what has no room goes at the end.
        self.say((many, "plain"), (f" to {self._called} since {by}", "muted"))
