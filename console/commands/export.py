# SPDX-License-Identifier: Apache-2.0
"""`anteroom archive export`: write the files of an archived session into a folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json, Reason
from console.commands.output import ProgressLine, columns_of, say, say_json, size
from console.transfer.download import Progress, download
from console.views.text import plain_text
from engine.service.api import EngineApi


def add_to(filed: typer.Typer) -> None:
    """Add the command to the noun of filed sessions."""
    asks(filed, "export")(export)


async def export(
    engine: EngineApi,
    id: Annotated[str, typer.Argument(metavar="ID", help="Accession ID, or label with --project")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Written to DIR/{label}.")],
    project: Annotated[str, typer.Option("--project", metavar="PROJECT")] = "",
    scan: Annotated[
        list[str] | None,
        typer.Option("--scan", metavar="SCAN", help="Only this scan. May be repeated."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace files that are there and differ.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Write the files of a filed session into a folder; it stands in the audit trail."""
    card = await engine.archive.show(id, project)
    with ProgressLine() as line:
        done = await download(
            engine,
            card.accession,
            folder,
            scans=tuple(scan or ()),
            overwrite=overwrite,
            progress=lambda now: line.show(_words(now)),
            reason=reason,
        )
    if as_json:
        say_json(columns_of(done))
    else:
        kept = f", {done.kept} were there" if done.kept else ""
        say(f"{done.written} files, {size(done.bytes)}, written to {done.folder}{kept}")
    for path in done.refused:
        sys.stderr.write(f"{plain_text(path)} is there and differs: kept, see --overwrite\n")
    for told in done.failed:
        sys.stderr.write(f"{plain_text(told)}\n")
    if not done.whole:
        sys.stderr.write("the export is not whole: see the lines above\n")
    for path in done.stray:
        sys.stderr.write(f"{plain_text(path)} stands in no catalog: not exported\n")
    if not done.whole:
        raise typer.Exit(FAILED)


def _words(now: Progress) -> str:
    return f"{now.files} of {now.of} files, {size(now.bytes)} of {size(now.of_bytes)}"
