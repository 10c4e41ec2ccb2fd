"""`anteroom held`: objects that a script error or a limit keeps in staging."""

from __future__ import annotations

import typer

from console.asking import Json, asks
from console.output import Column, say_json, say_table, size
from engine.model.live import HeldObject
from engine.service.api import EngineApi

app = typer.Typer(name="held", help="Objects that wait for a person.", no_args_is_help=True)

COLUMNS = (
    Column[HeldObject]("ID", lambda row: row.id),
    Column[HeldObject]("SINCE", lambda row: row.at),
    Column[HeldObject]("TRANSFER", lambda row: row.transfer),
    Column[HeldObject]("SIZE", lambda row: size(row.size), right=True),
    Column[HeldObject]("REASON", lambda row: row.reason),
    Column[HeldObject]("RULE", lambda row: row.rule),
)


@asks(app, "list")
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the held objects."""
    rows = await engine.live.held()
    if as_json:
        say_json(rows)
    else:
        say_table(rows, COLUMNS, none="nothing is held")
