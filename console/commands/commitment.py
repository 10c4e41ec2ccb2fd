# SPDX-License-Identifier: Apache-2.0
"""`anteroom commitment`: requests of senders for a storage commitment."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit, Reason
from console.commands.output import Column, none_found, say_facts, say_json, say_rows, words
from console.commands.waiting import say_ends
from engine.model.commitments import Commitment, CommitmentDetail, FailedObject
from engine.service.api import EngineApi

app = typer.Typer(
    name="commitment",
    help="Storage commitment: what senders asked for, and whether they were told.",
    no_args_is_help=True,
)

Requests = Annotated[list[str], typer.Argument(metavar="ID...", help="As the list names them.")]

COLUMNS = (
    Column[Commitment]("ID", lambda row: row.id),
    Column[Commitment]("ASKED", lambda row: row.at),
    Column[Commitment]("BY", lambda row: row.calling),
    Column[Commitment]("AT", lambda row: row.receiver),
    Column[Commitment]("OBJECTS", lambda row: row.objects, right=True),
    Column[Commitment]("FAILED", lambda row: row.failed, right=True),
    Column[Commitment]("STATE", lambda row: row.state.value),
    Column[Commitment]("TRIES", lambda row: row.attempts, right=True),
    Column[Commitment]("AGAIN", lambda row: row.due),
    Column[Commitment]("REASON", lambda row: row.reason),
)

FAILURES = (
    Column[FailedObject]("SOP CLASS", lambda row: row.sop_class),
    Column[FailedObject]("SOP INSTANCE", lambda row: row.sop_instance),
    Column[FailedObject]("REASON", lambda row: row.reason),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    state: Annotated[
        str, typer.Option("--state", help="Only these: waiting, reported or 'given up'.")
    ] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List requests for a storage commitment, the newest first."""
    rows = await engine.commitments.list(limit=limit, state=state)
    none = none_found("nobody has asked for a storage commitment", filtered=bool(state))
    say_rows(rows, COLUMNS, none=none, as_json=as_json)


@asks(app, "show", alone=True)
async def show(
    engine: EngineApi,
    id: Annotated[str, typer.Argument(metavar="ID", help="As the list names it.")],
    as_json: Json = False,
) -> None:
    """Show a request, and the first of its objects that are not committed."""
    row = await engine.commitments.show(id)
    if as_json:
        say_json(row)
        return
    say_facts(_facts(row))
    if row.failures:
        say_rows(row.failures, FAILURES, none="", as_json=False)


@asks(app, "retry")
async def retry(
    engine: EngineApi, requests: Requests, reason: Reason = "", as_json: Json = False
) -> None:
    """Decide anew and tell the senders, now and as often as for a new request."""
    say_ends(await engine.commitments.retry(tuple(requests), reason), as_json)


def _facts(row: CommitmentDetail) -> dict[str, object]:
    return {
        "id": row.id,
        "asked": words(row.at),
        "by": f"{row.calling} ({row.peer})",
        "at": row.receiver,
        "transaction": row.transaction_uid,
        "objects": row.objects,
        "failed": row.failed,
        "state": row.state.value,
        "reason": row.reason,
        "tries": row.attempts,
        "decided": words(row.decided),
        "ended": words(row.ended),
        "again": words(row.due),
    }
