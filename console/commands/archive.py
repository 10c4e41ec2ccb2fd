# SPDX-License-Identifier: Apache-2.0
"""`anteroom archive`: archived sessions."""

from __future__ import annotations

import sys
from collections.abc import Awaitable
from dataclasses import replace
from typing import Annotated, Any

import typer

from console.commands import contents, export, pictures, verify
from console.commands.asking import asks
from console.commands.faults import fail_for
from console.commands.options import Json, Where
from console.commands.output import (
    Column,
    columns_of,
    local_time,
    say,
    say_facts,
    say_json,
    say_rows,
    say_table,
    size,
)
from console.transfer import windows
from engine.model.archive import (
    ARCHIVE_FIELDS,
    HistoryEntry,
    ScanSummary,
    SessionCard,
    SessionPage,
    SessionQuery,
    SessionSummary,
)
from engine.model.configured import Applied
from engine.model.contents import FiledContents
from engine.model.errors import NotFound
from engine.model.filters import parse_filter
from engine.model.verification import Faults
from engine.service.api import EngineApi

app = typer.Typer(name="archive", help="Filed sessions.", no_args_is_help=True)

WINDOW = 500

Session = Annotated[str, typer.Argument(metavar="ID", help="Accession ID, or label with --project")]
OfProject = Annotated[str, typer.Option("--project", metavar="PROJECT")]
Some = Annotated[int, typer.Option("--limit", min=0, help="Write at most so many rows; 0: all.")]

COLUMNS = (
    Column[SessionSummary]("ID", lambda row: row.accession),
    Column[SessionSummary]("PROJECT", lambda row: row.project),
    Column[SessionSummary]("SUBJECT", lambda row: row.subject),
    Column[SessionSummary]("SESSION", lambda row: row.label),
    Column[SessionSummary]("DATE", lambda row: row.date),
    Column[SessionSummary]("MODALITY", lambda row: row.modality),
    Column[SessionSummary]("SCANS", lambda row: row.scans, right=True),
    Column[SessionSummary]("FILES", lambda row: row.files, right=True),
    Column[SessionSummary]("SIZE", lambda row: size(row.bytes), right=True),
    Column[SessionSummary]("STATUS", lambda row: row.status),
    Column[SessionSummary]("ADDED", lambda row: row.added),
)
SCANS = (
    Column[ScanSummary]("SCAN", lambda row: row.id),
    Column[ScanSummary]("TYPE", lambda row: row.type),
    Column[ScanSummary]("DESCRIPTION", lambda row: row.series_description),
    Column[ScanSummary]("MODALITY", lambda row: row.modality),
    Column[ScanSummary]("QUALITY", lambda row: row.quality),
    Column[ScanSummary]("FILES", lambda row: row.files, right=True),
    Column[ScanSummary]("SIZE", lambda row: size(row.bytes), right=True),
)
VERSIONS = (
    Column[Applied]("WHEN", lambda row: row.step.value),
    Column[Applied]("WHAT", lambda row: row.kind),
    Column[Applied]("OF", lambda row: row.name),
    Column[Applied]("VERSION", lambda row: row.version),
    Column[Applied]("MOMENT", lambda row: row.at),
)
HISTORY = (
    Column[HistoryEntry]("AT", lambda row: row.at),
    Column[HistoryEntry]("ACTOR", lambda row: row.actor),
    Column[HistoryEntry]("CHANGE", lambda row: row.change),
    Column[HistoryEntry]("REASON", lambda row: row.reason),
    Column[HistoryEntry](
        "BEFORE", lambda row: " ".join(f"{name}={value}" for name, value in row.before.items())
    ),
)


@asks(app, "list", alone=True)
async def list_(
    engine: EngineApi,
    project: OfProject = "",
    subject: Annotated[str, typer.Option("--subject", help="Label or ID; * is anything.")] = "",
    label: Annotated[str, typer.Option("--label", help="Label; * is anything.")] = "",
    modality: Annotated[str, typer.Option("--modality")] = "",
    since: Annotated[str, typer.Option("--from", metavar="DATE", help="Scanned since.")] = "",
    until: Annotated[str, typer.Option("--to", metavar="DATE", help="Scanned until.")] = "",
    scanner: Annotated[str, typer.Option("--scanner", help="Scanner; * is anything.")] = "",
    status: Annotated[
        str, typer.Option("--status", help="A status, or * for all; else all but obsolete.")
    ] = "",
    where: Where = "",
    limit: Some = 0,
    as_json: Json = False,
) -> None:
    """List filed sessions, newest first."""
    found = parse_filter(where, ARCHIVE_FIELDS)
    query = SessionQuery(
        project=project,
        subject=subject,
        label=label,
        modality=modality,
        date_from=since,
        date_to=until,
        scanner=scanner,
        status=status,
        text=found.text,
        where=found.conditions,
    )
    await _list(engine, query, limit, as_json)


@asks(app, "search", alone=True)
async def search(
    engine: EngineApi,
    words: Annotated[list[str], typer.Argument(metavar="WORD...", help="Beginnings of words.")],
    project: OfProject = "",
    where: Where = "",
    limit: Some = 0,
    as_json: Json = False,
) -> None:
    """List filed sessions in whose text each word is found."""
    found = parse_filter(where, ARCHIVE_FIELDS)
    text = " ".join((*words, *found.words))
    query = SessionQuery(project=project, text=text, where=found.conditions)
    await _list(engine, query, limit, as_json)


@asks(app, "show", alone=True)
async def show(
    engine: EngineApi, id: Session, project: OfProject = "", as_json: Json = False
) -> None:
    """Show a filed session and its scans, by its catalogs; says what is missing."""
    card = await engine.archive.show(id, project)
    gone: NotFound | None = None
    try:
        seen = await engine.archive.contents(card.accession)
    except NotFound as error:
        gone, seen = error, FiledContents(scans=(), files=0, bytes=0, faults=Faults())
    card = replace(card, scans=seen.scans, files=seen.files, bytes=seen.bytes)
    if as_json:
        say_json(columns_of(card) | {"faults": columns_of(seen.faults)})
    else:
        _say_card(card)
    if gone is not None:
        raise gone
    fail_for(card.accession, seen.faults)


@asks(app, "history", alone=True)
async def history(
    engine: EngineApi, id: Session, project: OfProject = "", as_json: Json = False
) -> None:
    """Tell what was changed in a filed session, and by whom."""
    rows = await engine.archive.history(await _accession(engine, id, project))
    say_rows(rows, HISTORY, none="no change", as_json=as_json)


@asks(app, "versions", alone=True)
async def versions(
    engine: EngineApi, id: Session, project: OfProject = "", as_json: Json = False
) -> None:
    """Tell which rules, scripts and settings applied to a filed session, in which versions."""
    rows = await engine.archive.versions(await _accession(engine, id, project))
    say_rows(rows, VERSIONS, none="nothing that is kept applied to it", as_json=as_json)


@asks(app, "document", alone=True)
async def document(engine: EngineApi, id: Session, project: OfProject = "") -> None:
    """Write the session document as XML."""
    text = await engine.archive.document(await _accession(engine, id, project))
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def _say_card(card: SessionCard) -> None:
    facts = columns_of(replace(card, scans=()))
    del facts["scans"]
    verified = "never"
    if card.verified is not None:
        verified = f"{local_time(card.verified.at)}, {card.verified.counts}"
    say_facts(facts | {"added": card.added, "bytes": size(card.bytes), "verified": verified})
    say()
    say_table(card.scans, SCANS, none="no scans")


async def _accession(engine: EngineApi, id: str, project: str) -> str:
    return (await engine.archive.show(id, project)).accession if project else id


async def _list(engine: EngineApi, query: SessionQuery, limit: int, as_json: bool) -> None:
    def ask(offset: int, size: int) -> Awaitable[SessionPage]:
        return engine.archive.list(query, offset=offset, limit=size)

    rows = [row async for row in windows.rows(ask, window=WINDOW, limit=limit)]
    say_rows(rows, COLUMNS, none="no such session in the archive", as_json=as_json, built=_json)


def _json(row: SessionSummary) -> dict[str, Any]:
    """Return a row with the keys of `GET /data/experiments` before our own."""
    built = columns_of(row)
    return {
        "ID": row.accession,
        "project": row.project,
        "date": row.date,
        "xsiType": row.xsi_type,
        "label": row.label,
        "insert_date": built["added"],
        "insert_user": row.added_by,
        "URI": f"/data/experiments/{row.accession}",
    } | built


contents.add_to_filed(app)
pictures.add_to_filed(app)
export.add_to(app)
verify.add_to(app)
