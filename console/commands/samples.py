# SPDX-License-Identifier: Apache-2.0
"""`anteroom script sample`: objects of archived sessions that are tried whenever a script is
saved."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks
from console.commands.options import Json
from console.commands.output import Column, say, say_json, say_rows
from console.commands.source import read_source
from console.views.text import plain_text
from engine.model.samples import Sample
from engine.model.scripts import SITE, project_scope
from engine.service.api import EngineApi

app = typer.Typer(name="sample", help="Samples kept with a script.", no_args_is_help=True)

Project = Annotated[
    str, typer.Option("--project", metavar="P", help="Of a project's script; else the site's.")
]
Name = Annotated[str, typer.Argument(metavar="NAME", help="Such as pt-ct.")]
COLUMNS = (
    Column[Sample]("NAME", lambda row: row.name),
    Column[Sample]("EXPECTED", lambda row: row.outcome),
    Column[Sample]("SESSION", lambda row: row.session),
    Column[Sample]("FILE", lambda row: row.file),
    Column[Sample]("AT", lambda row: row.at),
    Column[Sample]("AUTHOR", lambda row: row.author),
)


@app.callback()
def sample() -> None:
    """Samples kept with a script."""


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, project: Project = "", as_json: Json = False) -> None:
    """List the samples of a script, with what is expected of them."""
    found = await engine.scripts.samples(_scope(project))
    say_rows(found, COLUMNS, none="no samples are kept", as_json=as_json)


@asks(app, "add", alone=True)
async def add(
    engine: EngineApi,
    name: Name,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="Accession ID.")],
    file: Annotated[str, typer.Argument(metavar="FILE", help="Path below the session.")],
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Keep an object of an archived session; what the active version makes of it is expected."""
    added = await engine.scripts.add_sample(_scope(project), name, session, file)
    if as_json:
        say_json(added)
    else:
        say(f"{added.name}: {added.outcome} is expected")


@asks(app, "run", alone=True)
async def run(
    engine: EngineApi,
    source: Annotated[
        str, typer.Argument(metavar="[FILE]", help="The active version if not given.")
    ] = "",
    lookup: Annotated[
        Path | None, typer.Option("--lookup", metavar="FILE", help="Its lookup table.")
    ] = None,
    project: Project = "",
    as_json: Json = False,
) -> None:
    """Try a script over its samples; it ends with an error where one is not as expected."""
    scope = _scope(project)
    if source:
        text, lookups = read_source(source), read_source(str(lookup)) if lookup else ""
    else:
        active = await engine.scripts.show(scope)
        text, lookups = active.text, active.lookups
    found = await engine.scripts.run_samples(scope, text, lookups)
    if as_json:
        say_json(found)
    else:
        for one in found:
            say(plain_text(str(one)))
        if not found:
            say("no samples are kept")
    if not all(one.is_as_expected for one in found):
        raise typer.Exit(FAILED)


@asks(app, "remove", alone=True)
async def remove(engine: EngineApi, name: Name, project: Project = "") -> None:
    """Keep a sample no longer."""
    await engine.scripts.remove_sample(_scope(project), name)
    say(f"{name} is no sample any more")


def _scope(project: str) -> str:
    return project_scope(project) if project else SITE
