# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive`: sessions that wait for review. Sessions are named by id, by URL, or by a
label that only one of them has."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

import typer

from console.commands import changes, contents, contradictions, desk, pictures
from console.commands.asking import asks
from console.commands.options import Json, Reason, Where
from console.commands.output import Column, columns_of, say_facts, say_json, say_rows, size
from console.commands.selection import All, DryRun, Some, foretell, selected
from console.commands.waiting import Wait, end, say_ends
from console.transfer import windows
from engine.model.errors import Refused
from engine.model.filters import parse_filter
from engine.model.live import ArrivingSeries
from engine.model.prearchive import (
    OF_THE_PATIENT,
    PREARCHIVE_FIELDS,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.states import Status, Verb
from engine.service.api import EngineApi

app = typer.Typer(name="prearchive", help="Sessions that wait for review.", no_args_is_help=True)

WINDOW = 500

Sessions = Annotated[list[str], typer.Argument(metavar="SESSION...", help="Id, URL or label.")]
Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")]


def _status(row: PrearchiveSession) -> str:
    return f"{row.shown_status}, cut short" if row.cut_short else row.shown_status


COLUMNS = (
    Column[PrearchiveSession]("ID", lambda row: row.id),
    Column[PrearchiveSession]("STATUS", _status),
    Column[PrearchiveSession]("PROJECT", lambda row: row.project or "Unassigned"),
    Column[PrearchiveSession]("SUBJECT", lambda row: row.subject),
    Column[PrearchiveSession]("SESSION", lambda row: row.label),
    Column[PrearchiveSession]("SCANS", lambda row: row.scans, right=True),
    Column[PrearchiveSession]("OBJECTS", lambda row: row.objects, right=True),
    Column[PrearchiveSession]("SIZE", lambda row: size(row.bytes), right=True),
    Column[PrearchiveSession]("LAST OBJECT", lambda row: row.last_object),
    Column[PrearchiveSession]("REASON", lambda row: row.reason or row.late),
)
SERIES = (
    Column[ArrivingSeries]("SCAN", lambda row: row.scan),
    Column[ArrivingSeries]("OBJECTS", lambda row: row.objects, right=True),
    Column[ArrivingSeries]("STATED", lambda row: row.stated, right=True),
    Column[ArrivingSeries](
        "MISSING", lambda row: "unknown" if row.missing is None else row.missing, right=True
    ),
    Column[ArrivingSeries]("LAST", lambda row: row.last),
    Column[ArrivingSeries]("NOT THERE", lambda row: row.gaps),
)
LOG = (
    Column[LogEntry]("AT", lambda row: row.at),
    Column[LogEntry]("ENTRY", lambda row: row.text),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    project: Annotated[
        str | None, typer.Option("--project", metavar="PROJECT", help="A project, or Unassigned.")
    ] = None,
    status: Annotated[
        list[Status] | None,
        typer.Option("--status", metavar="STATUS", help="e.g. READY. May be repeated."),
    ] = None,
    text: Annotated[str, typer.Option("--text", help="Found in label, subject, project, id.")] = "",
    tag: Annotated[str, typer.Option("--tag", metavar="UID", help="Study UID as received.")] = "",
    where: Where = "",
    limit: Annotated[int, typer.Option("--limit", min=0, help="At most so many; 0: all.")] = 0,
    as_json: Json = False,
) -> None:
    """List sessions, the one with the newest object first."""
    found = parse_filter(where, PREARCHIVE_FIELDS)
    query = PrearchiveQuery(
        project=project,
        status=tuple(status or ()),
        text=" ".join((text, *found.words)).strip(),
        tag=tag,
        where=found.conditions,
    )

    def ask(offset: int, size: int) -> Awaitable[PrearchivePage]:
        return engine.prearchive.list(query, offset=offset, limit=size)

    rows = [row async for row in windows.rows(ask, window=WINDOW, limit=limit)]
    say_rows(rows, COLUMNS, none="no such session in the prearchive", as_json=as_json, built=_json)


@asks(app, "show", alone=True)
async def show(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Show a session."""
    row = await engine.prearchive.show(await engine.prearchive.find(session))
    if as_json:
        say_json(_json(row))
    else:
        times = {
            name: getattr(row, name)
            for name in ("uploaded", "lastmod", "last_object", "autoarchive")
        }
        say_facts(_json(row) | times | {"bytes": size(row.bytes)})


@asks(app, "series")
async def series(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Say what is known of the series of a session from the objects that have come."""
    rows = await engine.live.series(await engine.prearchive.find(session))
    say_rows(rows, SERIES, none="nothing is known of its series", as_json=as_json)


@asks(app, "log", alone=True)
async def log(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Tell what happened to a session."""
    rows = await engine.prearchive.log(await engine.prearchive.find(session))
    say_rows(rows, LOG, none="nothing was logged", as_json=as_json)


@asks(app, "look")
async def look(engine: EngineApi, sessions: Sessions, as_json: Json = False) -> None:
    """Say that you have looked at sessions that were cut short; their lists say so until then."""
    outcomes = await engine.prearchive.look(await selected(engine, sessions))
    say_ends(outcomes, as_json)


@asks(app, "archive")
async def archive(
    engine: EngineApi,
    sessions: Some = None,
    quarantine: Annotated[
        bool, typer.Option("--quarantine", help="Into quarantine, whatever the project says.")
    ] = False,
    where: All = "",
    dry_run: DryRun = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """File sessions in the archive."""
    ids = await selected(engine, sessions, where)
    if dry_run:
        await foretell(engine, Verb.ARCHIVE, ids, as_json)
        return
    before = {id: await engine.prearchive.show(id) for id in ids}
    outcomes = await engine.prearchive.archive(ids, reason, quarantine)
    await end(engine, Verb.ARCHIVE, outcomes, wait, as_json, before)


@asks(app, "move")
async def move(
    engine: EngineApi,
    project: Annotated[str, typer.Option("--project", metavar="PROJECT", help="Where to.")],
    sessions: Some = None,
    where: All = "",
    dry_run: DryRun = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Take along labels that come from the patient.")
    ] = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Move sessions to another project."""
    ids = await selected(engine, sessions, where)
    if dry_run:
        await foretell(engine, Verb.MOVE, ids, as_json, project)
        return
    rows = [] if yes else [await engine.prearchive.show(id) for id in ids]
    if unassigned := [row.id for row in rows if row.project is None]:
        raise Refused(
            f"nothing was moved: {OF_THE_PATIENT} ({', '.join(unassigned)})",
            hint="to move them, repeat the command with --yes; relabel the sessions after that, "
            "before they are archived",
        )
    outcomes = await engine.prearchive.move(ids, project, reason)
    await end(engine, Verb.MOVE, outcomes, wait, as_json)


@asks(app, "claim")
async def claim(
    engine: EngineApi,
    project: Annotated[str, typer.Option("--project", metavar="PROJECT", help="For which.")],
    sessions: Some = None,
    where: All = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Take along labels that come from the patient.")
    ] = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Claim Unassigned sessions for a project, where the site lets you."""
    ids = await selected(engine, sessions, where)
    if not yes:
        raise Refused(
            f"nothing was claimed: {OF_THE_PATIENT}",
            hint="to claim them, repeat the command with --yes; relabel the sessions after that, "
            "before they are archived",
        )
    outcomes = await engine.prearchive.claim(ids, project, reason)
    await end(engine, Verb.MOVE, outcomes, wait, as_json)


@asks(app, "relabel")
async def relabel(
    engine: EngineApi,
    session: Session,
    label: Annotated[str, typer.Option("--label", help="New label of the session.")] = "",
    subject: Annotated[str, typer.Option("--subject", help="New label of the subject.")] = "",
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Change the label or the subject of a session."""
    if not label and not subject:
        raise typer.BadParameter("name a new --label, a new --subject, or both")
    id = await engine.prearchive.find(session)
    outcome = await engine.prearchive.relabel(id, label=label, subject=subject, reason=reason)
    await end(engine, Verb.RELABEL, (outcome,), wait, as_json)


@asks(app, "rebuild")
async def rebuild(
    engine: EngineApi,
    sessions: Some = None,
    where: All = "",
    dry_run: DryRun = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Build sessions anew from their files; ends the wait for more objects."""
    ids = await selected(engine, sessions, where)
    if dry_run:
        await foretell(engine, Verb.REBUILD, ids, as_json)
        return
    outcomes = await engine.prearchive.rebuild(ids, reason)
    await end(engine, Verb.REBUILD, outcomes, wait, as_json)


@asks(app, "delete")
async def delete(
    engine: EngineApi,
    sessions: Some = None,
    where: All = "",
    dry_run: DryRun = False,
    reason: Reason = "",
    wait: Wait = True,
    as_json: Json = False,
) -> None:
    """Take sessions out of the prearchive, into its trash."""
    ids = await selected(engine, sessions, where)
    if dry_run:
        await foretell(engine, Verb.DELETE, ids, as_json)
        return
    outcomes = await engine.prearchive.delete(ids, reason)
    await end(engine, Verb.DELETE, outcomes, wait, as_json)


@asks(app, "reset")
async def reset(
    engine: EngineApi,
    sessions: Some = None,
    where: All = "",
    dry_run: DryRun = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Take sessions out of the queue and find their status anew from their files."""
    ids = await selected(engine, sessions, where)
    if dry_run:
        await foretell(engine, Verb.RESET, ids, as_json)
        return
    outcomes = await engine.prearchive.reset(ids, reason)
    await end(engine, Verb.RESET, outcomes, False, as_json)


def _json(row: PrearchiveSession) -> dict[str, Any]:
    """Return a row with the keys of `GET /data/prearchive` before our own."""
    built = columns_of(row)
    return {
        "project": row.project or "Unassigned",
        "timestamp": row.timestamp,
        "lastmod": built["lastmod"],
        "uploaded": built["uploaded"],
        "scan_date": row.scan_date,
        "scan_time": row.scan_time,
        "subject": row.subject,
        "folderName": row.folder,
        "name": row.label,
        "tag": row.tag,
        "status": row.shown_status,
        "url": row.url,
        "autoarchive": row.autoarchive,
        "prevent_anon": row.prevent_anon,
        "prevent_auto_commit": row.prevent_auto_commit,
        "SOURCE": row.source,
        "VISIT": row.visit,
        "PROTOCOL": row.protocol,
        "TIMEZONE": row.timezone,
        "id": row.id,
        "locked": row.locked,
        "reason": row.reason,
        "receiver": row.receiver,
        "calling": row.calling,
        "session_type": row.session_type,
        "modality": row.modality,
        "scans": row.scans,
        "objects": row.objects,
        "bytes": row.bytes,
        "last_object": built["last_object"],
        "cut_short": row.cut_short,
        "contradictions": row.contradictions,
        "belongs_to": row.belongs_to,
        "duplicates": row.duplicates,
        "late": row.late,
        "assigned": row.assigned,
        "reviewed_by": row.reviewed_by,
        "reviewed": built["reviewed"],
        "noted": row.noted,
        "due": built["due"],
    }


changes.add_to(app)
contents.add_to_waiting(app)
pictures.add_to_waiting(app)
contradictions.add_to(app)
desk.add_to(app)
