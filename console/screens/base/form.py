# SPDX-License-Identifier: Apache-2.0
"""A question that is asked again, with the answers given so far and the engine's objection to them,
until it is answered acceptably or left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from console.views.question import Answers, Question
from console.widgets.dialogs import AskScreen
from engine.model.errors import Conflict, EngineError, InvalidInput, NotFound, Refused

if TYPE_CHECKING:
    from console.screens.base.screen import BaseScreen

T = TypeVar("T")


async def fill_in(
    screen: BaseScreen, question: Question, act: Callable[[Answers], Awaitable[T]]
) -> T | None:
    """Ask until `act` takes the answers; None where the person or the engine gave up.

    Must be called from a worker that is not exclusive.
    """
    while True:
        given = await screen.app.push_screen_wait(AskScreen(question))
        if given is None:
            return None
        try:
            return await act(given)
        except (Conflict, InvalidInput, NotFound, Refused) as error:
            question = objected(question, given, error)
        except EngineError as error:
            screen.failed(error)
            # The strip goes once the engine answers again, but this was not done.
            screen.tell(f"not done: {error.message}", "warning")
            return None


async def edit_values(
    screen: BaseScreen,
    one: T | None,
    asking: Callable[[T], Question],
    edit: Callable[[T, Answers], Awaitable[T]],
) -> T | None:
    """Ask for other values of something, and set them; return it as it is then. None where there is
    nothing, where the person may not or does not want to, or where the engine gave up."""
    if one is None:
        return None
    # The key that leads here opens things for those who only watch as well.
    if why := screen.why_off("new"):
        screen.tell(f"not now: {why}", "warning")
        return None
    return await fill_in(screen, asking(one), lambda given: edit(one, given))


def objected(question: Question, given: Answers, error: EngineError) -> Question:
    """Return the question with what was typed, and the objection for as long as it stays."""
    sentence = f"{error.message} ({error.hint})" if error.hint else error.message
    asked = question.fault
    return replace(
        question,
        fields=tuple(replace(one, value=given.get(one.name, "")) for one in question.fields),
        fault=lambda now: sentence if dict(now) == dict(given) else asked(now),
    )
