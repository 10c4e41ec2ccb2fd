# SPDX-License-Identifier: Apache-2.0
"""`anteroom script try`: what a script would do, before anybody saves it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json
from console.commands.output import Column, say, say_json, say_table
from console.commands.source import Source, read_source
from console.views.text import plain_text
from engine.model.errors import InvalidInput, NotFound
from engine.model.measures import say_count
from engine.model.scripts import SITE, project_scope
from engine.model.trials import Standing, Trial, TrialRow
from engine.service.api import EngineApi

COLUMNS = (
    Column[TrialRow]("DIFFERS", lambda row: "" if row.standing is Standing.SAME else row.standing),
    Column[TrialRow]("ELEMENT", lambda row: row.row.change.path or "the object"),
    Column[TrialRow]("NAME", lambda row: row.row.change.name),
    Column[TrialRow]("CHANGE", lambda row: row.row.change.kind),
    Column[TrialRow]("BEFORE", lambda row: row.row.change.before),
    Column[TrialRow]("AFTER", lambda row: row.row.change.after),
    Column[TrialRow]("IN FORCE", lambda row: "" if row.was is None else row.was.after),
    Column[TrialRow]("FILES", lambda row: row.row.files, right=True),
    Column[TrialRow]("LINE", lambda row: row.row.change.statement.line, right=True),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @asks(app, "try")
    async def try_(
        engine: EngineApi,
        source: Source,
        on: Annotated[
            str,
            typer.Option(
                "--on",
                metavar="SESSION",
                help="A waiting session (id, URL or label) or the accession ID of a filed one.",
            ),
        ],
        site: Annotated[bool, typer.Option("--site", help="As the site's (default).")] = False,
        project: Annotated[
            str, typer.Option("--project", metavar="P", help="As that of a project.")
        ] = "",
        scan: Annotated[
            str, typer.Option("--scan", metavar="SCAN", help="Over this scan only.")
        ] = "",
        file: Annotated[
            str, typer.Option("--file", metavar="PATH", help="Over this file of it only.")
        ] = "",
        lookup: Annotated[
            Path | None, typer.Option("--lookup", metavar="FILE", help="Its lookup table.")
        ] = None,
        as_json: Json = False,
    ) -> None:
        """Tell what a script would do to a session, beside the version in force; nothing changes.

        It ends with an error where the script fails or is stopped.
        """
        if site and project:
            raise InvalidInput("a script is of the site or of a project, not of both")
        scope = project_scope(project) if project else SITE
        table = read_source(str(lookup)) if lookup is not None else ""
        found = await engine.scripts.try_out(
            scope, read_source(source), await _session(engine, on), table, scan, file
        )
        if as_json:
            say_json(
                msgspec.to_builtins(found)
                | {"outcomes": found.outcomes, "standings": found.standings}
            )
        else:
            say_table(found.rows, COLUMNS, none="nothing would be changed")
            for line in about(found):
                say(line)
        if found.failures or found.stopped:
            raise typer.Exit(FAILED)


async def _session(engine: EngineApi, name: str) -> str:
    try:
        return await engine.prearchive.find(name)
    except NotFound:
        return name


def about(found: Trial) -> list[str]:
    """Say in sentences what the rows do not."""
    lines = []
    if found.stopped:
        lines.append(f"stopped: {plain_text(found.stopped)}")
    for failure in found.failures:
        lines.append(f"fails with {say_count(failure.files, 'file')}: {failure.problem}")
    for kind in found.kinds:
        tried = ", ".join(f"{count:,} {name}" for name, count in sorted(kind.tried.items()))
        lines.append(f"{kind.modality or 'no modality'}: {tried}")
    if found.version and not found.stopped:
        standings = found.standings
        told = ", ".join(f"{standings[one]} {one}" for one in Standing)
        lines.append(f"beside version {found.version}: {told}")
    if found.read < found.files and not found.stopped:
        lines.append(f"tried with {found.read:,} of {found.files:,} files")
    if found.left_out:
        lines.append(f"{found.left_out:,} rows are left out")
    if found.as_received:
        lines.append(f"{say_count(found.as_received, 'file')} tried as received")
    return lines
