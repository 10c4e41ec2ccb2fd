# SPDX-License-Identifier: Apache-2.0
"""`anteroom report`: how the sessions of each project fared in a month."""

from __future__ import annotations

import csv
import sys
from dataclasses import fields
from datetime import datetime
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say_rows
from console.transfer.export import harmless
from console.views.text import plain_text
from engine.model.errors import InvalidInput
from engine.model.prearchive import UNASSIGNED
from engine.model.queues import MonthLine
from engine.service.api import EngineApi

COLUMNS = (
    Column[MonthLine]("PROJECT", lambda row: row.project or UNASSIGNED),
    Column[MonthLine]("RECEIVED", lambda row: row.received, right=True),
    Column[MonthLine]("WAITING", lambda row: row.waiting, right=True),
    Column[MonthLine]("REVIEWED", lambda row: row.reviewed, right=True),
    Column[MonthLine]("ARCHIVED", lambda row: row.archived, right=True),
    Column[MonthLine]("REJECTED", lambda row: row.rejected, right=True),
    Column[MonthLine]("MEDIAN H", lambda row: row.median_hours, right=True),
    Column[MonthLine]("P90 H", lambda row: row.p90_hours, right=True),
)

TITLES = tuple(field.name for field in fields(MonthLine))
"""The columns of the CSV."""


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "report", alone=True)(report)


async def report(
    engine: EngineApi,
    month: Annotated[
        str, typer.Option("--month", metavar="MONTH", help="As 2026-11; this one if not given.")
    ] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV.")] = False,
    as_json: Json = False,
) -> None:
    """How the sessions of each project fared in a month."""
    if as_csv and as_json:
        raise InvalidInput("say how it is written: --csv or --json")
    wanted = month or datetime.now().astimezone().strftime("%Y-%m")
    rows = await engine.desk.report(wanted)
    if not as_csv:
        say_rows(rows, COLUMNS, none=f"nothing came or went in {wanted}", as_json=as_json)
        return
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(TITLES)
    for row in rows:
        cells = ("" if (value := getattr(row, name)) is None else str(value) for name in TITLES)
        table.writerow([harmless(plain_text(cell)) for cell in cells])
