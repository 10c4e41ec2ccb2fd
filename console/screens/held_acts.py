# SPDX-License-Identifier: Apache-2.0
"""Acts on held objects from any screen: one question for all of them with their number, one reason,
and the engine is asked for so many at a time that others come to their turn in between."""

from __future__ import annotations

from collections.abc import Sequence

from console.actions import held
from console.actions.held import HeldAct
from console.screens.base.screen import BaseScreen
from console.widgets.dialogs import AskScreen
from engine.model.errors import EngineError
from engine.model.ledger import HeldEntry
from engine.model.prearchive import ActOutcome

AT_ONCE = 20
"""Objects in one request: a script runs over each."""


async def act_on(
    screen: BaseScreen, act: HeldAct, objects: Sequence[HeldEntry], of: int = 0
) -> bool:
    """Ask, and do it; whether it was begun. To be called from a worker of the group `QUESTION`."""
    given = await screen.app.push_screen_wait(AskScreen(held.question(act, objects, of)))
    if given is None:
        return False
    outcomes: list[ActOutcome] = []
    ids = [one.id for one in objects]
    for start in range(0, len(ids), AT_ONCE):
        some = tuple(ids[start : start + AT_ONCE])
        try:
            outcomes += await screen.host.carry_out(
                lambda some=some: _ask(screen, act, some, given["reason"])  # type: ignore[misc]
            )
        except EngineError as error:
            screen.failed(error)
            break
    if outcomes:
        said, refused = held.told(act, outcomes)
        screen.tell(said, "warning" if refused else "information")
    return True


async def _ask(
    screen: BaseScreen, act: HeldAct, ids: tuple[str, ...], reason: str
) -> tuple[ActOutcome, ...]:
    noun = screen.engine.held
    verb = noun.retry if act is HeldAct.RETRY else noun.drop
    return await verb(ids, reason)
