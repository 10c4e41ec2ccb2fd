# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk as part of `anteroom prearchive`: notes, whose a session is, and reviews."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import say_facts, say_json
from console.commands.selection import All, Some, selected
from console.commands.waiting import say_ends
from engine.model.desk import Desk
from engine.service.api import EngineApi


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the prearchive."""
    for name, command in (
        ("desk", desk),
        ("note", note),
        ("assign", assign),
        ("review", review),
    ):
        asks(app, name)(command)


async def desk(
    engine: EngineApi,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")],
    as_json: Json = False,
) -> None:
    """Show what was said of a session: the note, whose it is, and who has reviewed it."""
    found = await engine.desk.show(await engine.prearchive.find(session))
    if as_json:
        say_json(found)
    else:
        say_facts(_facts(found))


async def note(
    engine: EngineApi,
    sessions: Some = None,
    text: Annotated[
        str, typer.Option("--text", help="The note, for those who may see labels; empty: none.")
    ] = "",
    where: All = "",
    as_json: Json = False,
) -> None:
    """Leave a note on sessions, in the place of the one that is there."""
    ids = await selected(engine, sessions, where)
    say_ends(await engine.desk.note(ids, text), as_json)


async def assign(
    engine: EngineApi,
    sessions: Some = None,
    to: Annotated[
        str, typer.Option("--to", metavar="LOGIN", help="Who is to look at it; empty: nobody.")
    ] = "",
    where: All = "",
    as_json: Json = False,
) -> None:
    """Say who is to look at sessions."""
    ids = await selected(engine, sessions, where)
    say_ends(await engine.desk.assign(ids, to), as_json)


async def review(
    engine: EngineApi,
    sessions: Some = None,
    withdraw: Annotated[bool, typer.Option("--withdraw", help="Take the mark away.")] = False,
    where: All = "",
    as_json: Json = False,
) -> None:
    """Mark sessions as reviewed by you; the mark falls when what stands there changes."""
    ids = await selected(engine, sessions, where)
    do = engine.desk.withdraw if withdraw else engine.desk.review
    say_ends(await do(ids), as_json)


def _facts(found: Desk) -> dict[str, object]:
    return {
        "session": found.session,
        "note": found.note,
        "noted": found.noted,
        "noted by": found.noted_by,
        "assigned to": found.assigned or "nobody",
        "assigned by": found.assigned_by,
        "reviewed": found.reviewed or "no",
        "reviewed by": found.reviewed_by,
        "fell": found.fell,
        "open": ", ".join(one.login for one in found.opened),
    }
