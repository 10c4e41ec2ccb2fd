# SPDX-License-Identifier: Apache-2.0
"""`anteroom project`: the projects of the archive, their aliases and codes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from console.commands.asking import asks, pairs
from console.commands.options import Json, Reason
from console.commands.output import (
    Column,
    columns_of,
    say,
    say_facts,
    say_json,
    say_rows,
)
from engine.model.archive import Project
from engine.model.people import Member
from engine.service.api import EngineApi

app = typer.Typer(name="project", help="Projects.", no_args_is_help=True)

ProjectId = Annotated[str, typer.Argument(metavar="PROJECT", help="Project ID.")]

COLUMNS = (
    Column[Project]("ID", lambda row: row.id),
    Column[Project]("TITLE", lambda row: row.title),
    Column[Project]("ALIASES", lambda row: row.aliases),
    Column[Project]("PREARCHIVE", lambda row: row.prearchive_code, right=True),
    Column[Project]("QUARANTINE", lambda row: row.quarantine_code, right=True),
    Column[Project]("ACCESS", lambda row: row.accessibility),
)


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the projects."""
    rows = await engine.projects.list()
    say_rows(
        rows,
        COLUMNS,
        none="no project; add one: anteroom project add ID",
        as_json=as_json,
        built=_row,
    )


@asks(app, "show", alone=True)
async def show(engine: EngineApi, id: ProjectId, as_json: Json = False) -> None:
    """Show a project."""
    _say(await engine.projects.show(id), as_json)


@asks(app, "add", alone=True)
async def add(
    engine: EngineApi,
    id: ProjectId,
    title: Annotated[str, typer.Option("--title")] = "",
    alias: Annotated[
        list[str] | None,
        typer.Option("--alias", help="Another name that routing finds. May be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add a project."""
    row = await engine.projects.add(id, title=title, aliases=tuple(alias or ()))
    if as_json:
        say_json(_row(row))
    else:
        say(f"project {row.id} is added")


@asks(app, "set", alone=True)
async def set_(
    engine: EngineApi,
    id: ProjectId,
    values: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="title, description, prearchive_code (0 or 4), quarantine_code (0 or 1), "
            "release_people (1 or 2), release_by (owner, member, collaborator), findings_limit "
            "(none, high, medium, low), aliases (comma list).",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Change settings of a project, e.g. `project set P prearchive_code=4 title="Knee study"`."""
    _say(await engine.projects.set(id, pairs(values)), as_json)


MEMBERS = (
    Column[Member]("HOLDER", lambda row: row.holder),
    Column[Member]("ROLE", lambda row: row.role),
    Column[Member]("BY", lambda row: row.by),
    Column[Member]("SINCE", lambda row: row.at),
)


@asks(app, "members", alone=True)
async def members(engine: EngineApi, id: ProjectId, as_json: Json = False) -> None:
    """List who has which role in a project; `user grant` and `user revoke` change it."""
    say_rows(
        await engine.people.members(id),
        MEMBERS,
        none=f"nobody; give a role: anteroom user grant LOGIN ROLE --project {id}",
        as_json=as_json,
    )


@asks(app, "ask")
async def ask(
    engine: EngineApi,
    id: ProjectId,
    role: Annotated[str, typer.Option("--role", help="Which role.")] = "collaborator",
    reason: Reason = "",
) -> None:
    """Ask the owners of a project for a role in it."""
    await engine.people.ask(id, role, reason)
    say(f"the owners of {id} are asked to make you {role}")


def _say(row: Project, as_json: bool) -> None:
    if as_json:
        say_json(_row(row))
    else:
        say_facts(columns_of(row) | {"aliases": row.aliases, "created": row.created})


def _row(row: Project) -> dict[str, Any]:
    """Return a row with the keys of `GET /data/projects` before our own."""
    return {
        "ID": row.id,
        "secondary_ID": row.id,
        "name": row.title,
        "description": row.description,
        "URI": f"/data/projects/{row.id}",
    } | columns_of(row)
