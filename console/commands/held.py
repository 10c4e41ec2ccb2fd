# SPDX-License-Identifier: Apache-2.0
"""`anteroom held`: objects that a script error or a limit keeps in staging."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.contents import say_header
from console.commands.options import Json, Limit, Reason
from console.commands.output import (
    Column,
    columns_of,
    none_found,
    say_facts,
    say_json,
    say_rows,
    size,
    warn,
)
from console.commands.waiting import say_ends
from engine.model.filters import parse_filter
from engine.model.ledger import LEDGER_FIELDS, HeldEntry, LedgerQuery
from engine.service.api import EngineApi

app = typer.Typer(name="held", help="Objects that are held for review.", no_args_is_help=True)

Filter = Annotated[str, typer.Argument(metavar="[FILTER]", help="Words, or from: rule: reason: …")]
Objects = Annotated[list[str], typer.Argument(metavar="ID...", help="As the list names them.")]

COLUMNS = (
    Column[HeldEntry]("ID", lambda row: row.id),
    Column[HeldEntry]("SINCE", lambda row: row.at),
    Column[HeldEntry]("FROM", lambda row: row.calling),
    Column[HeldEntry]("TRANSFER", lambda row: row.transfer),
    Column[HeldEntry]("SIZE", lambda row: size(row.size), right=True),
    Column[HeldEntry]("REASON", lambda row: row.reason),
    Column[HeldEntry]("RULE", lambda row: row.rule),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi, filter: Filter = "", limit: Limit = 1000, as_json: Json = False
) -> None:
    """List the held objects, the newest first."""
    typed = parse_filter(filter, LEDGER_FIELDS)
    query = LedgerQuery(days=0, text=typed.text, where=typed.conditions)
    found = await engine.held.list(query, limit=limit)
    none = none_found("nothing is held", filtered=bool(filter))
    say_rows(found.rows, COLUMNS, none=none, as_json=as_json)
    if found.total > len(found.rows) and not as_json:
        warn(f"these are {len(found.rows)} of {found.total}")


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


@asks(app, "header", alone=True)
async def header(
    engine: EngineApi,
    id: Annotated[str, typer.Argument(metavar="ID", help="As the list names it.")],
    as_json: Json = False,
) -> None:
    """Write the header as it was received, and why it cannot be read; without see-originals the
    kind and the length of what stands there."""
    say_header(await engine.held.header(id), as_json)


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
