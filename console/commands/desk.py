# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk as part of `anteroom prearchive`: notes, whose a session is, and reviews."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say, say_facts, say_json, say_rows
from console.commands.selection import All, Some, selected
from console.commands.waiting import say_ends
from console.transfer.capsule import packed
from console.transfer.export import keep
from engine.model.desk import Desk
from engine.model.prearchive import UNASSIGNED, PrearchiveSession
from engine.service.api import EngineApi


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of the prearchive."""
    for name, command in (
        ("desk", desk),
        ("look-up", look_up),
        ("capsule", capsule),
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


async def capsule(
    engine: EngineApi,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")],
    to: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Where to: a .tar.gz.")
    ],
    as_json: Json = False,
) -> None:
    """Write a bundle about a session for whoever helps you: history, routing, versions, jobs and
    figures, and nothing that may name a patient."""
    found = await engine.desk.capsule(await engine.prearchive.find(session))
    data = packed(found)
    await asyncio.to_thread(keep, data, to, overwrite=False)
    if as_json:
        say_json({"file": str(to), "bytes": len(data), "files": [one.name for one in found.files]})
    else:
        say(f"{to}: {', '.join(one.name for one in found.files)}")


async def look_up(engine: EngineApi, as_json: Json = False) -> None:
    """Find sessions by a name, an id or an accession number that you have on paper: it is asked
    for, or read from stdin, and is kept nowhere."""
    # Not an argument: those are seen by everybody on the machine, and stay in a shell's history.
    found = await engine.desk.look_up(_typed().strip())
    say_rows(found, FOUND, none="no session that waits came under it", as_json=as_json, built=_id)


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


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    return str(typer.prompt("Name or number", err=True))


def _id(row: PrearchiveSession) -> dict[str, object]:
    """Return what is told of a session that was found: nothing of what it was found by."""
    return {
        "id": row.id,
        "project": row.project or UNASSIGNED,
        "status": row.shown_status,
        "last_object": row.last_object.isoformat(),
    }


FOUND = (
    Column[PrearchiveSession]("ID", lambda row: row.id),
    Column[PrearchiveSession]("STATUS", lambda row: row.shown_status),
    Column[PrearchiveSession]("PROJECT", lambda row: row.project or UNASSIGNED),
    Column[PrearchiveSession]("LAST OBJECT", lambda row: row.last_object),
)


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
