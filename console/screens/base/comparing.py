# SPDX-License-Identifier: Apache-2.0
"""What is set beside what is on show: another version of it, another scan, or another session,
wherever that is."""

from __future__ import annotations

from collections.abc import Sequence

from console.screens.base.form import fill_in
from console.screens.base.screen import BaseScreen
from console.views import comparison
from console.views.comparison import Side
from console.widgets.dialogs import ChooseScreen
from engine.model.comparison import Part
from engine.model.errors import NotFound


async def choose_sides(
    screen: BaseScreen, here: Side, scans: Sequence[str] = ()
) -> tuple[Side, Side] | None:
    """Ask with what something is compared; None where nothing was chosen. Must be called from a
    worker that is not exclusive."""
    choices = comparison.choices(here, scans)
    key = await screen.app.push_screen_wait(ChooseScreen("Compare", choices, labelled=True))
    if key is None:
        return None
    if key != comparison.OTHER:
        return comparison.sides(key, here)
    beside = await fill_in(
        screen, comparison.OTHER_QUESTION, lambda given: _found(screen, given["name"].strip())
    )
    return None if beside is None else (here, beside)


async def _found(screen: BaseScreen, typed: str) -> Side:
    """Return what is named: `SESSION`, `SESSION#SCAN` or `SESSION#PATH`."""
    name, _, of = typed.partition("#")
    part = Part(file=of) if "/" in of else Part(scan=of)
    project, slash, label = name.rpartition("/")
    if slash and "/" not in project:
        return Side(session=await screen.engine.archive.show(label, project), part=part)
    try:
        id = await screen.engine.prearchive.find(name)
    except NotFound:
        return Side(session=await screen.engine.archive.show(name), part=part)
    return Side(session=await screen.engine.prearchive.show(id), part=part)
