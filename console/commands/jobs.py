# SPDX-License-Identifier: Apache-2.0
"""`anteroom jobs`: runs of workflows."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit
from console.commands.output import Column, none_found, say, say_rows
from engine.model.live import Job
from engine.service.api import EngineApi

app = typer.Typer(name="jobs", help="Runs of workflows.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="ID", help="Job, as `jobs list` shows it.")]

COLUMNS = (
    Column[Job]("ID", lambda row: row.id),
    Column[Job]("VERB", lambda row: row.verb),
    Column[Job]("SESSION", lambda row: row.session),
    Column[Job]("STATUS", lambda row: row.status),
    Column[Job]("QUEUED", lambda row: row.queued),
    Column[Job]("UPDATED", lambda row: row.updated),
    Column[Job]("ERROR", lambda row: row.error),
)


@asks(app, "list")
async def list_(
    engine: EngineApi,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Only those.")] = False,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List the jobs."""
    rows = await engine.jobs.list(limit=limit, unfinished=unfinished)
    say_rows(rows, COLUMNS, none=none_found("no job", filtered=unfinished), as_json=as_json)


@asks(app, "cancel")
async def cancel(engine: EngineApi, id: JobId) -> None:
    """Cancel a job; the step that runs goes on to its end."""
    await engine.jobs.cancel(id)
    say(f"{id} is cancelled")


@asks(app, "retry")
async def retry(engine: EngineApi, id: JobId) -> None:
    """Run a job again from the step that failed."""
    await engine.jobs.retry(id)
    say(f"{id} runs again")
