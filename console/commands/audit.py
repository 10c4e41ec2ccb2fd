# SPDX-License-Identifier: Apache-2.0
"""`anteroom audit`: the audit trail."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json, Limit, Offset
from console.commands.output import Column, say, say_json, say_rows
from engine.model.archive import AuditEvent
from engine.service.api import EngineApi

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
async def verify(engine: EngineApi, as_json: Json = False) -> None:
    """Verify the chain of all events; exits with 1 when a link does not hold."""
    report = await engine.audit.verify()
    if as_json:
        say_json(report)
    else:
        say(f"{report.message} ({report.checked} events)")
    if not report.ok:
        raise typer.Exit(FAILED)
