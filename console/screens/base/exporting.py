# SPDX-License-Identifier: Apache-2.0
"""Writing the rows of a list to a file: the question before, and the progress while rows are
fetched. The content of the file is decided in `console.transfer.export`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.transfer.export import Cells, Exportable, Format, Sheet, file_name, keep, written
from console.transfer.outgoing import Pacing, progress
from console.views import figures
from console.views.question import Answers, Field, Option, Question
from console.widgets.dialogs import AskScreen, ChooseScreen
from engine.model.errors import EngineError

if TYPE_CHECKING:
    from console.screens.base.screen import BaseScreen

FORMATS = (
    Option(
        key=Format.CSV, title="CSV", detail="commas; an apostrophe before what may be a formula"
    ),
    Option(key=Format.TSV, title="TSV", detail="tabs, else as CSV"),
    Option(key=Format.JSON, title="JSON", detail="an object: filter, time, user, rows"),
)


_KEPT = "Only you may read the file; it stands in the audit."


def place_of(typed: str) -> Path:
    """Return the path that the user has named; `~` is the user's home."""
    if typed == "~" or typed.startswith("~/"):
        return Path.home() / typed[2:]
    return Path(typed)


def fault_of(typed: str) -> str:
    """Say what is wrong with a place as it is typed, without looking at the disk."""
    if "\0" in typed or not place_of(typed).is_absolute():
        return "a place begins with / or ~/"
    return ""


async def export_rows(screen: BaseScreen, offered: Exportable) -> None:
    """Ask for format and place, then write the rows that a screen offers. To be called from a
    worker of the screen."""
    chosen = await screen.app.push_screen_wait(ChooseScreen("Write rows as", FORMATS))
    if chosen is None:
        return
    format = Format(chosen)
    filtered = f"Filter: {offered.says}" if offered.says else "No filter holds: all rows."
    says = (filtered, f"What is masked stays masked. {_KEPT}")
    name = file_name(offered.name, screen.context.clock(), format)
    typed = await screen.app.push_screen_wait(
        AskScreen(place_question(f"Write the rows of {offered.name}", says, name))
    )
    if typed is None:
        return
    place = place_of(typed["place"])
    rows = await screen.asked(_fetched(screen, offered))
    if rows is None:
        return
    status = screen.context.status_view.status
    sheet = Sheet(
        titles=offered.titles,
        rows=rows,
        filter=offered.says,
        at=screen.context.clock(),
        user=status.actor if status is not None else "",
    )
    try:
        replaced = typed["there"] == "replace"
        await asyncio.to_thread(lambda: keep(written(sheet, format), place, overwrite=replaced))
        await screen.engine.audit.note("exported", object=offered.name, count=len(rows))
    except EngineError as error:
        screen.failed(error)
        return
    screen.tell(f"{figures.plural(len(rows), 'row')} written to {place}")


async def export_record(
    screen: BaseScreen, name: str, ending: str, fetch: Callable[[], Awaitable[str]]
) -> None:
    """Ask for the place, then write one record, which is fetched at that moment. To be called from
    a worker of the screen."""
    named = file_name(name, screen.context.clock(), ending)
    question = place_question(f"Write the record {name}", (_KEPT,), named)
    typed = await screen.app.push_screen_wait(AskScreen(question))
    if typed is None:
        return
    place, replaced = place_of(typed["place"]), typed["there"] == "replace"
    try:
        text = await fetch()
        await asyncio.to_thread(lambda: keep(text, place, overwrite=replaced))
        await screen.engine.audit.note("exported", object=name, count=1)
    except EngineError as error:
        screen.failed(error)
        return
    screen.tell(f"{name} written to {place}")


async def _fetched(screen: BaseScreen, offered: Exportable) -> Sequence[Cells]:
    if not callable(offered.rows):
        return offered.rows
    pacing = Pacing()

    def show(text: str) -> None:
        screen.context.outgoing.rows = text
        screen.host.draw_lines()

    def told(done: int, of: int) -> None:
        if done < of and pacing.due():
            show(progress(done, of))

    try:
        return await offered.rows(told)
    finally:
        show("")


def place_question(title: str, says: tuple[str, ...], name: str) -> Question:
    return Question(
        title=title,
        act="Write",
        says=says,
        fields=(
            Field(name="place", label="File", value=f"~/{name}", needed=True),
            Field(
                name="there",
                label="If it is there",
                value="keep",
                hint="keep or replace",
                choices=("keep", "replace"),
                needed=True,
            ),
        ),
        fault=_fault,
    )


def _fault(answers: Answers) -> str:
    if answers["there"] not in ("keep", "replace"):
        return "a file that is there is kept or replaced"
    return fault_of(answers["place"])
