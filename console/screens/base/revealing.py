# SPDX-License-Identifier: Apache-2.0
"""Showing masked labels for a minute: a reason is asked for once an hour, and each time an entry
goes into the audit trail before anything is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console.views.question import Question, reason
from console.widgets.dialogs import AskScreen
from engine.model.errors import EngineError

if TYPE_CHECKING:
    from console.screens.base.screen import BaseScreen

SHOWN = timedelta(seconds=60)
REASON_HOLDS = timedelta(hours=1)


async def reveal(screen: BaseScreen) -> None:
    """Ask why, record it, and show the labels. Must be called from a worker."""
    context, why = screen.context, ""
    if context.reason_given is None or context.clock() - context.reason_given > REASON_HOLDS:
        question = Question(
            title="Show what is masked for a minute?",
            act="Show them",
            says=(
                "Nothing said where these sessions belong: labels and headers are what the scanner",
                "knows of the patient. That they were shown is written to the audit trail.",
            ),
            fields=(reason(needed=True),),
        )
        given = await screen.app.push_screen_wait(AskScreen(question))
        if given is None:
            return
        why = given["reason"]
    try:
        with screen.host.ahead.acting():
            await screen.engine.audit.note("revealed", screen.NAME, why)
    except EngineError as error:
        # What cannot be recorded is not shown.
        screen.failed(error)
        return
    if why:
        context.reason_given = context.clock()
    host = screen.host
    context.revealed_until = until = context.clock() + SHOWN

    def mask() -> None:
        # By a timer, not by the time of day, which may be set back meanwhile.
        if context.revealed_until == until:
            context.revealed_until = None
        host.masks_changed()

    host.masks_changed()
    host.set_timer(SHOWN.total_seconds(), mask)
