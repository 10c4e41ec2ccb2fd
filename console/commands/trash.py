# SPDX-License-Identifier: Apache-2.0
"""`anteroom trash`: deleted prearchive sessions, which can be put back for a time."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Reason
from console.commands.output import Column, say_rows, say_table, size
from console.commands.waiting import Wait, end
from engine.model.contents import Tombstone, TrashedSession
from engine.model.errors import Conflict, InvalidInput, Refused
from engine.model.measures import say_count
from engine.model.states import Verb
from engine.service.api import EngineApi

app = typer.Typer(
    name="trash", help="Deleted prearchive sessions that can be put back.", no_args_is_help=True
)

Deleted = Annotated[
    list[str], typer.Argument(metavar="SESSION...", help="Id, or a label that only one has.")
]

COLUMNS = (
    Column[TrashedSession]("ID", lambda row: row.id),
    Column[TrashedSession]("PROJECT", lambda row: row.project or "Unassigned"),
    Column[TrashedSession]("SUBJECT", lambda row: row.subject),
    Column[TrashedSession]("SESSION", lambda row: row.label),
    Column[TrashedSession]("OBJECTS", lambda row: row.objects, right=True),
    Column[TrashedSession]("SIZE", lambda row: size(row.bytes), right=True),
    Column[TrashedSession]("DELETED", lambda row: row.deleted),
    Column[TrashedSession]("BY", lambda row: row.by),
    Column[TrashedSession]("KEPT UNTIL", lambda row: row.until),
)


GONE = (
    Column[Tombstone]("ID", lambda row: row.id),
    Column[Tombstone]("PROJECT", lambda row: row.project or "Unassigned"),
    Column[Tombstone]("OBJECTS", lambda row: row.objects, right=True),
    Column[Tombstone]("SIZE", lambda row: size(row.bytes), right=True),
    Column[Tombstone]("DELETED", lambda row: row.deleted),
    Column[Tombstone]("BY", lambda row: row.by),
    Column[Tombstone]("REMOVED", lambda row: row.gone),
    Column[Tombstone]("BY", lambda row: row.gone_by),
    Column[Tombstone]("REASON", lambda row: row.reason),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    gone: Annotated[
        bool, typer.Option("--gone", help="Those that were removed for good: ids, counts and who.")
    ] = False,
    offset: Annotated[int, typer.Option(min=0, help="With --gone, from which one on.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="With --gone, how many.")] = 100,
    as_json: Json = False,
) -> None:
    """List deleted sessions, the one deleted last first."""
    if gone:
        left = await engine.prearchive.gone(offset, limit)
        say_rows(left, GONE, none="nothing was removed for good", as_json=as_json)
        return
    rows = await engine.prearchive.trash()
    say_rows(rows, COLUMNS, none="the trash of the prearchive is empty", as_json=as_json)


@asks(app, "restore")
async def restore(
    engine: EngineApi,
    sessions: Deleted,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Put deleted sessions back into the prearchive."""
    rows = await engine.prearchive.trash()
    ids = tuple(dict.fromkeys(_id(rows, name) for name in sessions))
    outcomes = await engine.prearchive.restore(ids, reason)
    await end(engine, Verb.RESTORE, outcomes, wait, as_json)


@asks(app, "empty")
async def empty(
    engine: EngineApi,
    sessions: Annotated[
        list[str] | None,
        typer.Argument(metavar="SESSION...", help="Id, or a label that only one has."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that is in the trash.")] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it says what would go.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Remove deleted sessions for good, to make room. Nothing brings them back."""
    rows = await engine.prearchive.trash()
    if bool(sessions) == everything:
        raise InvalidInput(
            "name the sessions to remove, or all of them with --all",
            hint="list them: anteroom trash list",
        )
    named = [row.id for row in rows] if everything else [_id(rows, name) for name in sessions or ()]
    ids = tuple(dict.fromkeys(named))
    if not yes:
        going = [row for row in rows if row.id in ids]
        say_table(going, COLUMNS, none="none of these is in the trash")
        room = size(sum(row.bytes for row in going))
        raise Refused(
            f"{say_count(len(going), 'session')} ({room}) would be removed for good",
            hint="to do it, repeat the command with --yes",
        )
    await end(engine, Verb.DELETE, await engine.prearchive.empty_trash(ids, reason), False, as_json)


def _id(rows: tuple[TrashedSession, ...], name: str) -> str:
    """Return the id that a name means; one that nothing has is left for the engine to refuse."""
    found = [row.id for row in rows if row.label == name]
    if len(found) > 1 and name not in {row.id for row in rows}:
        raise Conflict(
            "several deleted sessions have that label", hint="name one by its id: trash list"
        )
    return found[0] if len(found) == 1 else name
