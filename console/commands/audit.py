# SPDX-License-Identifier: Apache-2.0
"""`anteroom audit`: the audit trail."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json, Limit, Offset
from console.commands.output import Column, ProgressLine, say, say_json, say_rows
from console.transfer import audit_file
from engine.model.archive import AuditEvent, AuditQuery
from engine.model.audit import AuditHead, read_heads
from engine.model.errors import InvalidInput
from engine.model.measures import read_moment, say_count
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


Object = Annotated[str, typer.Option("--object", help="Only of this object.")]
Actor = Annotated[str, typer.Option("--actor", help="Only by this actor.")]
Action = Annotated[str, typer.Option("--action", help="Only this action, as the trail names it.")]
Project = Annotated[str, typer.Option("--project", help="Only of this project.")]
Since = Annotated[
    str,
    typer.Option("--since", metavar="TIME", help="Only since 7d ago, a day, or a day and time."),
]
Until = Annotated[
    str, typer.Option("--until", metavar="TIME", help="Only until then; a day is meant as a whole.")
]
Text = Annotated[
    str, typer.Option("--text", help="Only with these words in action, object or reason.")
]
Life = Annotated[
    str,
    typer.Option("--life", metavar="ID", help="The whole life of a session, under all its ids."),
]


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    object: Object = "",
    actor: Actor = "",
    action: Action = "",
    project: Project = "",
    since: Since = "",
    until: Until = "",
    text: Text = "",
    life: Life = "",
    before: Annotated[
        int | None, typer.Option("--before", help="Only those before this number.")
    ] = None,
    after: Annotated[
        int | None,
        typer.Option("--after", help="Those that follow this number; 0 begins with the oldest."),
    ] = None,
    offset: Offset = 0,
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List events, newest first."""
    query = _query(object, actor, action, project, since, until, text, life)
    page = await engine.audit.list(query, before, after, offset, limit)
    say_rows(page.rows, COLUMNS, none="no such event", as_json=as_json)


@asks(app, "export", alone=True)
async def export(
    engine: EngineApi,
    file: Annotated[Path, typer.Argument(help="The file that is written; it may not be there.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Write CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write a JSON object a line.")] = False,
    object: Object = "",
    actor: Actor = "",
    action: Action = "",
    project: Project = "",
    since: Since = "",
    until: Until = "",
    text: Text = "",
    life: Life = "",
) -> None:
    """Write events to a file, oldest first; the trail records it."""
    if as_csv == as_json:
        raise InvalidInput("say how it is written: --csv or --json")
    query = _query(object, actor, action, project, since, until, text, life)
    form = audit_file.as_csv if as_csv else audit_file.as_json
    with ProgressLine() as progress, audit_file.opened(file) as written:
        count = await audit_file.export(
            engine.audit.list, query, form, written, lambda n: progress.show(f"{n} events")
        )
        await engine.audit.note("exported", "audit", count=count)
    say(f"{file}: {say_count(count, 'event')}")


def _query(
    object: str,
    actor: str,
    action: str,
    project: str,
    since: str,
    until: str,
    text: str,
    life: str,
) -> AuditQuery:
    now = datetime.now().astimezone()
    return AuditQuery(
        object=object,
        actor=actor,
        action=action,
        project=project,
        since=read_moment(since, now) if since else None,
        until=read_moment(until, now, is_end=True) if until else None,
        text=text,
        life=life,
    )


@asks(app, "verify", alone=True)
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
