# SPDX-License-Identifier: Apache-2.0
"""Sending sessions to a remote AE from any screen that shows them: where they are to go is asked,
and the engine does the rest. How far it is stands among the jobs."""

from __future__ import annotations

from collections.abc import Sequence

from textual import work

from console.runtime.typeahead import QUESTION
from console.screens.base.form import fill_in
from console.screens.base.screen import BaseScreen
from console.views import figures, remotes
from console.views.project_settings import names
from console.views.question import Answers
from console.views.remotes import Sendable
from engine.model.prearchive import ActOutcome


class SendingScreen(BaseScreen):
    """A screen with sessions that can be sent."""

    def sendable(self) -> Sequence[Sendable]:
        """Return the sessions that would be sent now."""
        raise NotImplementedError

    def not_sendable(self) -> Sequence[str]:
        """Say which of those that are chosen would not be sent, and why."""
        return ()

    def scan_to_send(self) -> str:
        """Return the scan under the cursor, which may go alone; empty for none."""
        return ""

    def why_not(self, action: str) -> str:
        """Say why nothing can be sent now."""
        if action == "send" and not self.sendable():
            return "there is nothing to send here"
        return super().why_not(action)

    @work(group=QUESTION, exit_on_error=False)
    async def do_send(self) -> None:
        """Ask for a remote, and send the sessions there."""
        chosen, left_out = tuple(self.sendable()), tuple(self.not_sendable())
        known = await self.asked(self.engine.remotes.list())
        if known is None or not chosen or not self.is_open:
            return
        if not any(one.enabled for one in known):
            self.tell("there is no enabled remote: System ▸ Receivers, n below them", "warning")
            return

        async def send(given: Answers) -> tuple[ActOutcome, ...]:
            return await self.engine.remotes.send(
                given["remote"],
                tuple(one.id for one in chosen),
                names(given.get("scans", "")),
                given.get("reason", ""),
            )

        question = remotes.send_question(chosen, known, self.scan_to_send(), left_out)
        outcomes = await fill_in(self, question, send)
        if outcomes is None:
            return
        for one in outcomes:
            if not one.done:
                self.tell(f"not sent: {one.message}", "warning")
        if many := sum(one.done for one in outcomes):
            what = figures.plural(many, "session")
            self.tell(f"sending of {what} is queued; System ▸ Jobs says how far it is")
