# SPDX-License-Identifier: Apache-2.0
"""`anteroom quarantine`: the states of filed sessions. Sessions are named by accession ID, or by
label with `--project`."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Reason, Where
from console.commands.output import Column, none_found, say_rows
from console.commands.waiting import say_ends
from console.transfer import windows
from engine.model.archive import ARCHIVE_FIELDS, SessionStatus
from engine.model.filters import parse_filter
from engine.model.quarantine import QuarantinedSession, QuarantinePage, QuarantineQuery
from engine.service.api import EngineApi

app = typer.Typer(
    name="quarantine",
    help="Filed sessions in quarantine, locked or obsolete. It is no PHI gate.",
    no_args_is_help=True,
)

WINDOW = 500

Sessions = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Accession ID, or label with --project.")
]
OfProject = Annotated[str, typer.Option("--project", metavar="PROJECT")]

COLUMNS = (
    Column[QuarantinedSession]("ID", lambda row: row.accession),
    Column[QuarantinedSession]("STATE", lambda row: row.status),
    Column[QuarantinedSession]("PROJECT", lambda row: row.project),
    Column[QuarantinedSession]("SUBJECT", lambda row: row.subject),
    Column[QuarantinedSession]("SESSION", lambda row: row.label),
    Column[QuarantinedSession]("SINCE", lambda row: row.since),
    Column[QuarantinedSession]("BY", lambda row: row.by),
    Column[QuarantinedSession]("YES", lambda row: row.said_yes),
    Column[QuarantinedSession]("AGREED", lambda row: tuple(one.actor for one in row.yes)),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    project: OfProject = "",
    state: Annotated[
        list[SessionStatus] | None,
        typer.Option("--state", help="In this state; may be repeated. Else all but active ones."),
    ] = None,
    where: Where = "",
    as_json: Json = False,
) -> None:
    """List sessions that are not active, those first that have been so for longest."""
    read = parse_filter(where, ARCHIVE_FIELDS)
    query = QuarantineQuery(
        states=tuple(state or ()), project=project, text=read.text, where=read.conditions
    )

    def ask(offset: int, limit: int) -> Awaitable[QuarantinePage]:
        return engine.quarantine.list(query, offset, limit)

    rows = [row async for row in windows.rows(ask, window=WINDOW)]
    filtered = bool(project or state or where)
    none = none_found("every session that you may see is active", filtered=filtered)
    say_rows(rows, COLUMNS, none=none, as_json=as_json)


@asks(app, "release")
async def release(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Release sessions from quarantine; where two people have to, agree to it or be the second."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.release(ids, reason), as_json)


@asks(app, "hold")
async def hold(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Put sessions into quarantine; of those that are in it nobody has agreed to a release then."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.hold(ids, reason), as_json)


@asks(app, "lock")
async def lock(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Keep active sessions from being changed by anybody; they can be read."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.lock(ids, reason), as_json)


@asks(app, "unlock")
async def unlock(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Let locked sessions be changed again."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.unlock(ids, reason), as_json)


@asks(app, "obsolete")
async def obsolete(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Mark sessions as not to be used: lists leave them out unless asked."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.obsolete(ids, reason), as_json)


@asks(app, "activate")
async def activate(
    engine: EngineApi,
    sessions: Sessions,
    project: OfProject = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Bring obsolete sessions back to where they were, be it into quarantine."""
    ids = await _ids(engine, sessions, project)
    say_ends(await engine.quarantine.activate(ids, reason), as_json)


async def _ids(engine: EngineApi, sessions: list[str], project: str) -> tuple[str, ...]:
    if not project:
        return tuple(sessions)
    return tuple([(await engine.archive.show(name, project)).accession for name in sessions])
