# SPDX-License-Identifier: Apache-2.0
"""`anteroom held`: objects that a script error or a limit keeps in staging."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Reason
from console.commands.output import Column, columns_of, say_facts, say_json, say_rows, size
from console.commands.waiting import say_ends
from engine.model.live import HeldObject
from engine.service.api import EngineApi

app = typer.Typer(name="held", help="Objects that are held for review.", no_args_is_help=True)

Objects = Annotated[list[str], typer.Argument(metavar="ID...", help="As the list names them.")]

COLUMNS = (
    Column[HeldObject]("ID", lambda row: row.id),
    Column[HeldObject]("SINCE", lambda row: row.at),
    Column[HeldObject]("TRANSFER", lambda row: row.transfer),
    Column[HeldObject]("SIZE", lambda row: size(row.size), right=True),
    Column[HeldObject]("REASON", lambda row: row.reason),
    Column[HeldObject]("RULE", lambda row: row.rule),
)


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the held objects."""
    rows = await engine.live.held()
    say_rows(rows, COLUMNS, none="nothing is held", as_json=as_json)


@asks(app, "show", alone=True)
async def show(
    engine: EngineApi,
    id: Annotated[str, typer.Argument(metavar="ID", help="As the list names it.")],
    as_json: Json = False,
) -> None:
    """Show a held object: why it is held, and where it came from."""
    row = await engine.held.show(id)
    if as_json:
        say_json(row)
    else:
        say_facts(columns_of(row) | {"at": row.at, "size": size(row.size)})


@asks(app, "retry")
async def retry(
    engine: EngineApi, objects: Objects, reason: Reason = "", as_json: Json = False
) -> None:
    """Run the script in force over held objects, and publish what comes of them."""
    outcomes = await engine.held.retry(tuple(objects), reason)
    say_ends(outcomes, as_json)


@asks(app, "drop")
async def drop(
    engine: EngineApi, objects: Objects, reason: Reason = "", as_json: Json = False
) -> None:
    """Drop held objects: they are counted as deleted, and their files are gone."""
    outcomes = await engine.held.drop(tuple(objects), reason)
    say_ends(outcomes, as_json)
