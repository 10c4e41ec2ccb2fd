# SPDX-License-Identifier: Apache-2.0
"""`anteroom audit`: the audit trail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json, Limit, Offset
from console.commands.output import Column, say, say_json, say_rows
from engine.model.archive import AuditEvent
from engine.model.audit import AuditHead, read_heads
from engine.model.errors import InvalidInput
from engine.service.api import EngineApi

_MOST_HEADS = 2_000
"""Heads that are compared at once; so many fit into a call."""

app = typer.Typer(name="audit", help="The audit trail.", no_args_is_help=True)

COLUMNS = (
    Column[AuditEvent]("NUMBER", lambda row: row.number, right=True),
    Column[AuditEvent]("AT", lambda row: row.at),
    Column[AuditEvent]("ACTOR", lambda row: row.actor),
    Column[AuditEvent]("ACTION", lambda row: row.action),
    Column[AuditEvent]("OBJECT", lambda row: row.object),
    Column[AuditEvent](
        "DETAIL", lambda row: " ".join(f"{name}={value}" for name, value in row.detail.items())
    ),
)


@asks(app, "list")
async def list_(
    engine: EngineApi,
    object: Annotated[str, typer.Option("--object", help="Only of this object.")] = "",
    actor: Annotated[str, typer.Option("--actor", help="Only by this actor.")] = "",
    action: Annotated[str, typer.Option("--action", help="Only this action.")] = "",
    offset: Offset = 0,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List events, newest first."""
    rows = await engine.audit.list(
        offset=offset, limit=limit, object=object, actor=actor, action=action
    )
    say_rows(rows, COLUMNS, none="no such event", as_json=as_json)


@asks(app, "verify")
async def verify(
    engine: EngineApi,
    whole: Annotated[
        bool, typer.Option("--all", help="Verify every event, not only the new ones.")
    ] = False,
    head: Annotated[
        Path | None,
        typer.Option(
            "--head", metavar="FILE", help="Also compare with the heads noted in a file or a log."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify the chain of events; exits with 1 when a link does not hold."""
    heads = _heads(head) if head is not None else ()
    report = await engine.audit.verify(whole, heads)
    if as_json:
        say_json(report)
    else:
        compared = f"; {report.heads} checkpoints and heads compared" if report.heads else ""
        say(f"{report.message} ({report.checked} events{compared})")
        if report.missing and len(report.missing) > 1:
            say(f"missing: {', '.join(map(str, report.missing))}")
    if not report.ok:
        raise typer.Exit(FAILED)


def _heads(file: Path) -> tuple[AuditHead, ...]:
    """Read the heads of a file; of one that has more than can be sent, some of all times."""
    try:
        found = tuple(read_heads(file.read_text("utf-8", "replace")))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {os.strerror(error.errno or 0)}") from error
    if not found:
        raise InvalidInput(
            f"{file} holds no head of an audit trail",
            hint="name the file of audit.head_file, or a log that audit.head_syslog writes to",
        )
    # The last one of the file always: only it shows that the newest events are gone.
    return found[:: -max(1, -(-len(found) // _MOST_HEADS))]
