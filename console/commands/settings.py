# SPDX-License-Identifier: Apache-2.0
"""`anteroom settings`: how the site is set up, and changing it while the engine runs."""

from __future__ import annotations

import textwrap
from typing import Annotated

import typer

from console.commands.asking import asks, pairs
from console.commands.options import Json, Reason
from console.commands.output import Column, say, say_facts, say_json, say_rows
from console.views.site_settings import ORIGINS
from engine.model.errors import NotFound
from engine.model.site_settings import SiteSetting
from engine.service.api import EngineApi

app = typer.Typer(
    name="settings",
    help="Settings of the site, of which most change while the engine runs.",
    no_args_is_help=True,
)

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="e.g. session.build_after")]
Values = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help="e.g. session.build_after=600 trash.prearchive_days=60; written as in the file.",
    ),
]

COLUMNS = (
    Column[SiteSetting]("SETTING", lambda row: row.name),
    Column[SiteSetting]("VALUE", lambda row: row.value),
    Column[SiteSetting]("FROM", lambda row: ORIGINS[row.origin]),
    Column[SiteSetting]("BY", lambda row: row.by),
    Column[SiteSetting]("CHANGED", lambda row: row.at),
    Column[SiteSetting]("NOTE", lambda row: row.fault),
)


@asks(app, "list")
async def list_(
    engine: EngineApi,
    changed: Annotated[
        bool, typer.Option("--changed", help="Only those that are not the default.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List all settings, and where each value comes from."""
    rows = [row for row in await engine.settings.list() if not changed or row.origin != "default"]
    say_rows(rows, COLUMNS, none="every setting has its default", as_json=as_json)


@asks(app, "show")
async def show(engine: EngineApi, name: Names, as_json: Json = False) -> None:
    """Say what settings mean, what they take, and who has changed them."""
    found = {row.name: row for row in await engine.settings.list()}
    for one in name:
        if one not in found:
            raise NotFound(f"there is no setting {one}", hint="list them: anteroom settings list")
    chosen = [found[one] for one in name]
    if as_json:
        say_json(chosen)
        return
    for number, row in enumerate(chosen):
        if number:
            say()
        say_facts(
            {
                "setting": row.name,
                "value": row.value,
                "default": row.default,
                "from": ORIGINS[row.origin],
                "takes": row.takes,
                "changes": "at once" if row.changeable else "in the file, with the next start",
                "by": row.by,
                "changed": row.at,
                "reason": row.reason,
                "note": row.fault,
            }
        )
        for line in textwrap.wrap(row.meaning, width=78):
            say(f"  {line}")


@asks(app, "set")
async def set_(
    engine: EngineApi, values: Values, reason: Reason = "", as_json: Json = False
) -> None:
    """Change settings; they are in force at once, on every node."""
    wanted = pairs(values)
    after = await engine.settings.set(wanted, reason)
    _say_changed([row for row in after if row.name in wanted], as_json)


@asks(app, "reset")
async def reset(engine: EngineApi, name: Names, reason: Reason = "", as_json: Json = False) -> None:
    """Let the settings file hold again."""
    after = await engine.settings.reset(tuple(name), reason)
    _say_changed([row for row in after if row.name in name], as_json)


def _say_changed(rows: list[SiteSetting], as_json: bool) -> None:
    if as_json:
        say_json(rows)
        return
    for row in rows:
        say(f"{row.name} is {row.value} ({ORIGINS[row.origin]})")
