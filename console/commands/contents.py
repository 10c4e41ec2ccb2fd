# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive contents|files|header|route|timeline` and `anteroom archive files|header`:
what is in a session. The values in headers may be a patient's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.faults import fail_for
from console.commands.options import Json
from console.commands.output import Column, local_time, say, say_json, say_rows, say_table, size
from console.transfer import windows
from console.views.text import plain_text
from engine.model.archive import ScanSummary
from engine.model.contents import (
    Contribution,
    FileEntry,
    FilePage,
    FoldedHeader,
    HeaderRow,
    RowKind,
    SeriesArrival,
)
from engine.model.prearchive import LogEntry
from engine.service.api import EngineApi
from engine.service.offline import explain_route

WINDOW = 1_000

Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")]
Filed = Annotated[str, typer.Argument(metavar="ID", help="Accession ID, or label with --project")]
OfProject = Annotated[str, typer.Option("--project", metavar="PROJECT")]
Scan = Annotated[str, typer.Option("--scan", metavar="SCAN", help="Only of this scan.")]
File = Annotated[str, typer.Option("--file", metavar="PATH", help="Only of this file, see files.")]

_LONGEST = 120
_BARS = " ▁▂▃▄▅▆▇█"

SCANS = (
    Column[ScanSummary]("SCAN", lambda row: row.id),
    Column[ScanSummary]("TYPE", lambda row: row.type),
    Column[ScanSummary]("DESCRIPTION", lambda row: row.series_description),
    Column[ScanSummary]("MODALITY", lambda row: row.modality),
    Column[ScanSummary]("FRAMES", lambda row: row.frames or "", right=True),
    Column[ScanSummary]("FILES", lambda row: row.files, right=True),
    Column[ScanSummary]("SIZE", lambda row: size(row.bytes), right=True),
)
FILES = (
    Column[FileEntry]("SCAN", lambda row: row.scan),
    Column[FileEntry]("RESOURCE", lambda row: row.resource),
    Column[FileEntry]("INSTANCE", lambda row: row.instance_number, right=True),
    Column[FileEntry]("SIZE", lambda row: size(row.size), right=True),
    Column[FileEntry]("PATH", lambda row: row.path),
)
HEADER = (
    Column[HeaderRow]("TAG", lambda row: "  " * row.depth + (row.tag or _item(row))),
    Column[HeaderRow]("VR", lambda row: row.vr),
    Column[HeaderRow]("NAME", lambda row: plain_text(_name(row), 48)),
    Column[HeaderRow]("FILES", lambda row: row.files, right=True),
    Column[HeaderRow]("VALUES", lambda row: row.distinct or "", right=True),
    Column[HeaderRow]("VALUE", lambda row: plain_text(_values(row), _LONGEST)),
)
CONTRIBUTIONS = (
    Column[Contribution]("OPENED", lambda row: row.opened),
    Column[Contribution]("FROM", lambda row: row.calling),
    Column[Contribution]("PEER", lambda row: row.peer),
    Column[Contribution]("RECEIVER", lambda row: row.receiver),
    Column[Contribution]("OBJECTS", lambda row: row.objects, right=True),
    Column[Contribution]("DUPLICATES", lambda row: row.duplicates, right=True),
    Column[Contribution]("ENDED", lambda row: row.ended or "open"),
    Column[Contribution]("CERTIFICATE", lambda row: row.certificate),
    Column[Contribution]("ACCOUNT", lambda row: row.account),
)
SERIES = (
    Column[SeriesArrival]("SCAN", lambda row: row.scan),
    Column[SeriesArrival]("DESCRIPTION", lambda row: row.description),
    Column[SeriesArrival]("FIRST", lambda row: row.first),
    Column[SeriesArrival]("LAST", lambda row: row.last),
    Column[SeriesArrival]("OBJECTS", lambda row: row.objects, right=True),
    Column[SeriesArrival]("MISSING", lambda row: row.missing, right=True),
    Column[SeriesArrival]("ARRIVED", lambda row: _bars(row.counts)),
)


def add_to_waiting(noun: typer.Typer) -> None:
    """Add the commands to the noun of sessions that wait."""
    for word in (contents, files, header, route, timeline):
        asks(noun, word.__name__)(word)


def add_to_filed(noun: typer.Typer) -> None:
    """Add the commands to the noun of sessions that are filed."""
    asks(noun, "files")(filed_files)
    asks(noun, "header")(filed_header)


async def contents(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """List the scans of a session."""
    found = await engine.prearchive.contents(await engine.prearchive.find(session))
    if as_json:
        say_json(found)
        return
    say_table(found.scans, SCANS, none="no scan: nothing has arrived")
    if not found.built:
        say("not built yet: these are the folders that there are")
    for warning in found.warnings:
        say(f"warning: {warning}")


async def files(
    engine: EngineApi, session: Session, scan: Scan = "", as_json: Json = False
) -> None:
    """List the files of a session."""
    id = await engine.prearchive.find(session)
    await _say_files(
        lambda offset, limit: engine.prearchive.files(id, scan, offset, limit), as_json
    )


async def header(
    engine: EngineApi, session: Session, scan: Scan = "", file: File = "", as_json: Json = False
) -> None:
    """Show the headers of a session, a scan or a file as one; values may be a patient's."""
    id = await engine.prearchive.find(session)
    say_header(await engine.prearchive.header(id, scan, file), as_json)


async def route(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Say where the first object of a session would land now, and why; of one that was moved, how
    it was routed before."""
    found = await engine.prearchive.route(await engine.prearchive.find(session))
    if as_json:
        say_json(found)
        return
    _say_moves(found.moves)
    if found.before is not None:
        for line in explain_route(found.before):
            say(line)
        say()
        say("by the rules in force now, and its header as it is now:")
    for line in explain_route(found):
        say(line)


async def timeline(engine: EngineApi, session: Session, as_json: Json = False) -> None:
    """Tell when the objects of a session came, and by which transfers."""
    found = await engine.prearchive.timeline(await engine.prearchive.find(session))
    if as_json:
        say_json(found)
        return
    say_table(found.contributions, CONTRIBUTIONS, none="no transfer is known")
    say()
    say_table(found.series, SERIES, none="no object")
    _say_moves(found.moves)


def _say_moves(moves: Sequence[LogEntry]) -> None:
    for one in moves:
        say(f"{local_time(one.at)}  {one.text}")


async def filed_files(
    engine: EngineApi, id: Filed, project: OfProject = "", scan: Scan = "", as_json: Json = False
) -> None:
    """List the files of a filed session, by its catalogs; says what is missing."""
    accession = (await engine.archive.show(id, project)).accession
    await _say_files(
        lambda offset, limit: engine.archive.files(accession, scan, offset, limit), as_json
    )
    fail_for(accession, (await engine.archive.contents(accession)).faults)


async def filed_header(
    engine: EngineApi,
    id: Filed,
    project: OfProject = "",
    scan: Scan = "",
    file: File = "",
    as_json: Json = False,
) -> None:
    """Show the headers of a filed session, a scan or a file as one; values may be a patient's."""
    accession = (await engine.archive.show(id, project)).accession
    say_header(await engine.archive.header(accession, scan, file), as_json)


async def _say_files(ask: Callable[[int, int], Awaitable[FilePage]], as_json: bool) -> None:
    rows = [row async for row in windows.rows(ask, window=WINDOW)]
    say_rows(rows, FILES, none="no file", as_json=as_json)


def say_header(found: FoldedHeader, as_json: bool) -> None:
    """Write a header, and what could not be read."""
    if as_json:
        say_json(found)
        return
    say_table(found.rows, HEADER, none="no header could be read")
    if found.cut:
        say(f"{found.cut} more rows are left out")
    if found.total > found.files:
        say(f"read from {found.files} of {found.total} files")
    for line in found.unread:
        say(f"not read: {line}")


def _item(row: HeaderRow) -> str:
    return f"item {row.path.rpartition('[')[2].rstrip(']')}"


def _name(row: HeaderRow) -> str:
    return f"{row.name or '?'} ({row.creator})" if row.creator else row.name


def _values(row: HeaderRow) -> str:
    if row.kind is RowKind.ITEM:
        return ""
    texts = " | ".join(value.text for value in row.values)
    return f"{texts} | …" if row.distinct > len(row.values) else texts


def _bars(counts: tuple[int, ...]) -> str:
    most = max(counts, default=0) or 1
    # What is there is seen, be it ever so little.
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)
