# SPDX-License-Identifier: Apache-2.0
"""`anteroom queue`: what waits for whom, and since when."""

from __future__ import annotations

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say_rows
from engine.model.queues import Queue
from engine.service.api import EngineApi

COLUMNS = (
    Column[Queue]("WAITS FOR", lambda row: row.kind.value),
    Column[Queue]("PROJECT", lambda row: row.project),
    Column[Queue]("PERSON", lambda row: row.person),
    Column[Queue]("COUNT", lambda row: row.waiting, right=True),
    Column[Queue]("OVERDUE", lambda row: row.overdue if row.goal_hours else "–", right=True),
    Column[Queue]("GOAL", lambda row: f"{row.goal_hours} h" if row.goal_hours else ""),
    Column[Queue]("OLDEST", lambda row: row.oldest),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "queue", alone=True)(queue)


async def queue(engine: EngineApi, as_json: Json = False) -> None:
    """What waits for whom, and since when."""
    rows = await engine.desk.queues()
    say_rows(rows, COLUMNS, none="nothing waits for anybody", as_json=as_json)
