# SPDX-License-Identifier: Apache-2.0
"""`anteroom ledger`: objects that were dropped, refused or only counted, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit, Offset
from console.commands.output import Column, none_found, say_rows
from engine.model.live import LedgerEntry
from engine.service.api import EngineApi

app = typer.Typer(name="ledger", help="Dropped and refused objects.", no_args_is_help=True)

COLUMNS = (
    Column[LedgerEntry]("LAST", lambda row: row.last),
    Column[LedgerEntry]("COUNT", lambda row: row.count, right=True),
    Column[LedgerEntry]("OUTCOME", lambda row: row.outcome),
    Column[LedgerEntry]("FROM", lambda row: row.calling),
    Column[LedgerEntry]("PEER", lambda row: row.peer),
    Column[LedgerEntry]("TO", lambda row: row.receiver),
    Column[LedgerEntry]("SESSION", lambda row: row.session),
    Column[LedgerEntry]("REASON", lambda row: row.reason),
    Column[LedgerEntry]("RULE", lambda row: row.rule),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    outcome: Annotated[
        str, typer.Option("--outcome", help="Only these, e.g. refused, filtered, duplicate.")
    ] = "",
    offset: Offset = 0,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List the ledger, newest first."""
    rows = await engine.live.ledger(offset=offset, limit=limit, outcome=outcome)
    none = none_found("nothing was dropped or refused", filtered=bool(outcome or offset))
    say_rows(rows, COLUMNS, none=none, as_json=as_json)
