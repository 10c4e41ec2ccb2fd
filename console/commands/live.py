# SPDX-License-Identifier: Apache-2.0
"""`anteroom live`: associations, how much came within each hour, and who has sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit
from console.commands.output import Column, columns_of, none_found, say_json, say_rows, size
from console.views import figures, throughput
from console.views.arrivals import SILENT
from engine.model.live import SenderSeen, Throughput, ThroughputBy, Transfer
from engine.service.api import EngineApi

app = typer.Typer(
    name="live", help="What arrives: associations, throughput, senders.", no_args_is_help=True
)

_BAR = 40

TRANSFERS = (
    Column[Transfer]("OPENED", lambda row: row.opened),
    Column[Transfer]("FROM", lambda row: row.calling),
    Column[Transfer]("PEER", lambda row: row.peer),
    Column[Transfer]("CALLED", lambda row: f"{row.receiver}:{row.port}" if row.port else ""),
    Column[Transfer]("STATE", lambda row: _state(row, _now())),
    Column[Transfer]("OBJECTS", lambda row: row.objects, right=True),
    Column[Transfer]("SIZE", lambda row: size(row.bytes), right=True),
    Column[Transfer]("IMG/S", lambda row: figures.rate(_rate(row)), right=True),
    Column[Transfer]("SERIES", lambda row: row.series),
    Column[Transfer]("ERROR", lambda row: row.last_error),
)
SENDERS = (
    Column[SenderSeen]("FROM", lambda row: row.calling),
    Column[SenderSeen]("TO", lambda row: row.receiver),
    Column[SenderSeen]("LAST", lambda row: row.last),
    Column[SenderSeen]("TODAY", lambda row: row.today, right=True),
    Column[SenderSeen]("7 DAYS", lambda row: row.week, right=True),
)


@asks(app, "transfers", alone=True)
async def transfers(
    engine: EngineApi,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List associations, the newest first: from whom, how they stand, and what they bring."""
    rows, now = await engine.live.transfers(limit=limit, open_only=open_only), _now()

    def built(row: Transfer) -> object:
        return columns_of(row) | {"state": _state(row, now), "rate": round(_rate(row), 2)}

    none = none_found("no association is known", filtered=open_only)
    say_rows(rows, TRANSFERS, none=none, as_json=as_json, built=built)


@asks(app, "throughput", alone=True)
async def throughput_(
    engine: EngineApi,
    hours: Annotated[int, typer.Option("--hours", min=1, help="So many, this one too.")] = 24,
    by: Annotated[
        ThroughputBy, typer.Option("--by", help="What is told apart.")
    ] = ThroughputBy.ALL,
    as_json: Json = False,
) -> None:
    """Say how much came within each of the last hours, as it was received."""
    rows = await engine.live.throughput(hours, by)
    if as_json:
        say_json(rows)
        return
    shown = throughput.whole(rows, hours, _now()) if by is ThroughputBy.ALL else rows
    most = max((row.objects for row in shown), default=0)
    named = {
        ThroughputBy.RECEIVER: Column[Throughput]("TO", lambda row: row.receiver),
        ThroughputBy.SENDER: Column[Throughput]("FROM", lambda row: row.calling),
    }
    columns = (
        Column[Throughput]("HOUR", lambda row: row.hour.astimezone().strftime("%Y-%m-%d %H:%M")),
        *([named[by]] if by in named else []),
        Column[Throughput]("OBJECTS", lambda row: row.objects, right=True),
        Column[Throughput]("SIZE", lambda row: size(row.bytes), right=True),
        Column[Throughput]("REFUSED", lambda row: row.refused or "", right=True),
        Column[Throughput]("", lambda row: throughput.bar(row.objects, most, _BAR)),
    )
    say_rows(shown, columns, none="nothing came", as_json=False)


@asks(app, "senders", alone=True)
async def senders(
    engine: EngineApi,
    days: Annotated[int, typer.Option("--days", min=1, help="Seen within so many.")] = 31,
    as_json: Json = False,
) -> None:
    """List who has sent, the last one first, and how much of late."""
    rows = await engine.live.senders(days)
    say_rows(rows, SENDERS, none="nobody has sent anything", as_json=as_json)


def _now() -> datetime:
    return datetime.now(UTC)


def _state(row: Transfer, now: datetime) -> str:
    if row.closed is not None:
        return row.ended or "closed"
    return "stalled" if now - (row.last_object or row.opened) >= SILENT else "open"


def _rate(row: Transfer) -> float:
    """Return the objects a second from its beginning to its last object."""
    seconds = ((row.last_object or row.opened) - row.opened).total_seconds()
    return row.objects / seconds if seconds > 0 else 0.0
