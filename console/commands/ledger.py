# SPDX-License-Identifier: Apache-2.0
"""`anteroom ledger`: objects that were dropped, refused or only counted, and why."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit, Offset
from console.commands.output import Column, none_found, say_json, say_rows
from engine.model.accounts import Place
from engine.model.filters import parse_filter
from engine.model.ledger import (
    LEDGER_FIELDS,
    GroupBy,
    LedgerGroup,
    LedgerQuery,
    SenderAccounts,
)
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

GROUP_COLUMNS = (
    Column[LedgerGroup]("LAST", lambda row: row.last),
    Column[LedgerGroup]("COUNT", lambda row: row.objects, right=True),
    Column[LedgerGroup]("HELD", lambda row: row.held or None, right=True),
    Column[LedgerGroup]("FROM", lambda row: row.sender or f"{row.senders} senders"),
)
_KEYS = {
    GroupBy.REASON: (
        Column[LedgerGroup]("OUTCOME", lambda row: row.key.outcome),
        Column[LedgerGroup]("REASON", lambda row: row.key.reason),
        Column[LedgerGroup]("RULE", lambda row: row.key.rule),
    ),
    GroupBy.SENDER: (),
    GroupBy.PROJECT: (Column[LedgerGroup]("PROJECT", lambda row: row.key.project),),
    GroupBy.DAY: (Column[LedgerGroup]("DAY", lambda row: row.key.day),),
}


def _count(place: Place) -> Column[SenderAccounts]:
    return Column(place.value.upper(), lambda row: row.counts.get(place, 0), right=True)


ACCOUNTS = (
    Column[SenderAccounts]("FROM", lambda row: row.calling),
    Column[SenderAccounts]("RECEIVED", lambda row: row.received, right=True),
    *(_count(place) for place in Place),
    Column[SenderAccounts]("ADDS UP", lambda row: row.adds_up),
)


@asks(app, "groups", alone=True)
async def groups(
    engine: EngineApi,
    filter: Annotated[
        str, typer.Argument(metavar="[FILTER]", help="Words, or from: outcome: rule: reason: …")
    ] = "",
    by: Annotated[GroupBy, typer.Option("--by", help="What is counted together.")] = GroupBy.REASON,
    days: Annotated[int, typer.Option("--days", help="Today is one; 0 for all.")] = 1,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """Group the ledger and what is held; what is held now is always among it."""
    typed = parse_filter(filter, LEDGER_FIELDS)
    query = LedgerQuery(days=days, text=typed.text, where=typed.conditions)
    found = await engine.live.ledger_groups(query, by=by, limit=limit)
    none = none_found("nothing was dropped or refused", filtered=bool(filter or days))
    columns = (*GROUP_COLUMNS, *_KEYS[by])
    say_rows(found.rows, columns, none=none, as_json=as_json)


@asks(app, "accounts", alone=True)
async def accounts(
    engine: EngineApi,
    days: Annotated[int, typer.Option("--days", help="Today is one.")] = 1,
    as_json: Json = False,
) -> None:
    """Say for each sender where the objects are that came within the last days."""
    found = await engine.live.accounts(days=days)
    if as_json:
        say_json(found)
    else:
        say_rows(found.senders, ACCOUNTS, none="nothing has come", as_json=False)


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
