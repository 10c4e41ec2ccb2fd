# SPDX-License-Identifier: Apache-2.0
"""Running the script in force again over waiting sessions that another version has made: asked from
the list of scripts and from the editor in the same way."""

from __future__ import annotations

from console.screens.base.form import fill_in
from console.screens.base.screen import BaseScreen
from console.views import script_waiting
from console.views.question import Answers
from engine.model.prearchive import ActOutcome


async def rerun(screen: BaseScreen, scope: str) -> bool:
    """Ask, and queue the runs; False where nothing was done. Must be called from a worker of the
    group `QUESTION`."""
    waiting = await screen.asked(screen.engine.scripts.waiting(scope))
    if waiting is None:
        return False
    if not waiting.behind:
        screen.tell(f"nothing to run again: {waiting}")
        return False

    async def run(given: Answers) -> tuple[ActOutcome, ...]:
        return await screen.host.carry_out(
            lambda: screen.engine.scripts.rerun(scope, given["reason"])
        )

    outcomes = await fill_in(screen, script_waiting.question(waiting), run)
    if outcomes is None:
        return False
    screen.tell(*script_waiting.told(outcomes))
    return True
