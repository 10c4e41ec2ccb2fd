# SPDX-License-Identifier: Apache-2.0
"""Views of a list: the built-in ones, and those that the user has saved. A saved view has no
condition that may name a patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.runtime.memory import SavedView
from console.views.question import Field, Option, Question
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.errors import InvalidInput

if TYPE_CHECKING:
    from console.screens.base.screen import BaseScreen


@dataclass(frozen=True, kw_only=True, slots=True)
class ViewChoice:
    """A filter and an order."""

    filter: str
    sort: str = ""
    descending: bool = False
    name: str = ""
    says: str = ""


VIEWS = (
    ViewChoice(name="all", filter="", says="every session"),
    ViewChoice(name="mine", filter="mine:yes", says="given to you, or nobody's in your projects"),
    ViewChoice(name="ready", filter="status:ready", says="built, and waiting for a decision"),
    ViewChoice(
        name="to review", filter="status:ready reviewed:no", says="nobody has said that it was seen"
    ),
    ViewChoice(name="overdue", filter="overdue:yes", says="it waits for longer than it is to"),
    ViewChoice(name="late", filter="late:yes", says="what came after its session was archived"),
    ViewChoice(name="problems", filter="status:problem", says="conflicts and errors"),
    ViewChoice(name="unassigned", filter="project:Unassigned", says="nothing named a project"),
    ViewChoice(name="arriving", filter="status:receiving", says="objects still come"),
    ViewChoice(name="at work", filter="status:busy", says="queued, or a job is at work"),
    ViewChoice(name="this week", filter="age<7d", says="the last object is not older"),
)
"""The views of the prearchive that are always there."""

ARCHIVE_VIEWS = (
    ViewChoice(name="all", filter="", sort="added", descending=True, says="the newest first"),
    ViewChoice(name="quarantine", filter="status:quarantine", says="not released yet"),
    ViewChoice(name="locked", filter="status:locked", says="nobody may change them"),
    ViewChoice(name="obsolete", filter="status:obsolete", says="replaced, left out elsewhere"),
)

_SAVE = "save"
_DROP = "drop"


async def choose_view(
    screen: BaseScreen,
    name: str,
    now: ViewChoice,
    fixed: tuple[ViewChoice, ...] = VIEWS,
) -> ViewChoice | None:
    """Let the person choose a view, save what is on show as one, or drop one; None changes nothing.

    Must be called from a worker.
    """
    state = screen.context.memory.state
    saved = [
        ViewChoice(
            name=one.name, filter=one.filter, sort=one.sort, descending=one.descending, says="yours"
        )
        for one in state.views.get(name, [])
    ]
    offered = (*fixed, *saved)
    choices = [
        Option(key=f"view {place}", title=one.name, detail=f"{one.says}   {one.filter}".rstrip())
        for place, one in enumerate(offered)
    ]
    choices.append(Option(key=_SAVE, title="save this one …", detail=now.filter or "no filter"))
    if saved:
        choices.append(Option(key=_DROP, title="forget one …"))
    chosen = await screen.app.push_screen_wait(ChooseScreen("Views", tuple(choices)))
    if chosen is None:
        return None
    if chosen == _SAVE:
        await _save(screen, name, now)
        return None
    if chosen == _DROP:
        await _drop(screen, name, saved)
        return None
    return offered[int(chosen.removeprefix("view "))]


async def _save(screen: BaseScreen, name: str, now: ViewChoice) -> None:
    question = Question(
        title="Save this view",
        act="Save",
        says=(f"Filter: {now.filter or 'none'}", "Words and labels are never saved."),
        fields=(Field(name="name", label="Name", needed=True),),
        local=True,
    )
    given = await screen.app.push_screen_wait(AskScreen(question))
    if given is None:
        return
    view = SavedView(
        name=given["name"], filter=now.filter, sort=now.sort, descending=now.descending
    )
    try:
        screen.context.memory.state.save_view(name, view)
    except InvalidInput as error:
        screen.failed(error)
        return
    screen.context.memory.save()
    screen.tell("the view is saved")


async def _drop(screen: BaseScreen, name: str, saved: list[ViewChoice]) -> None:
    choices = tuple(Option(key=one.name, title=one.name, detail=one.filter) for one in saved)
    chosen = await screen.app.push_screen_wait(ChooseScreen("Forget a view", choices))
    if chosen is not None:
        screen.context.memory.state.drop_view(name, chosen)
        screen.context.memory.save()
        screen.tell("the view is forgotten")
