# SPDX-License-Identifier: Apache-2.0
"""`anteroom config`: the configuration written as files, which `anteroom apply` brings back, and
the configuration of the past."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks, find_home, finishing
from console.commands.options import HomeOption, Json
from console.commands.output import Column, say, say_json, say_rows
from console.configuration import applying, systemd
from engine.model import settings_file
from engine.model.configured import ConfigurationChange, Configured
from engine.model.measures import read_moment
from engine.service.api import EngineApi

app = typer.Typer(name="config", help="The configuration as files.", no_args_is_help=True)


@asks(app, "export", alone=True)
async def export(
    engine: EngineApi,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the files go.")],
    as_json: Json = False,
) -> None:
    """Write projects, scripts, rules, remotes and receivers as YAML files; no secrets."""
    counts = await applying.export(engine, folder)
    if as_json:
        say_json(counts)
        return
    for name, count in counts.items():
        say(f"{folder / name}.yaml: {count}")


When = Annotated[
    str, typer.Argument(metavar="WHEN", help="A time (2026-09-11 14:00), a day, or an age (7d).")
]

CONFIGURED = (
    Column[Configured]("KIND", lambda row: row.kind),
    Column[Configured]("NAME", lambda row: row.name),
    Column[Configured]("VALUES", lambda row: _values(row.values)),
)
CHANGES = (
    Column[ConfigurationChange]("KIND", lambda row: row.kind),
    Column[ConfigurationChange]("NAME", lambda row: row.name),
    Column[ConfigurationChange]("IS", lambda row: row.difference.value),
    Column[ConfigurationChange]("BEFORE", lambda row: _values(row.before)),
    Column[ConfigurationChange]("AFTER", lambda row: _values(row.after)),
    Column[ConfigurationChange]("BY", lambda row: row.by),
    Column[ConfigurationChange]("CHANGED", lambda row: row.at),
)


@asks(app, "at", alone=True)
async def at(
    engine: EngineApi,
    when: When,
    kind: Annotated[
        str, typer.Option("--kind", help="Only these: setting, receiver, project, role, ...")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say what was configured at a moment."""
    rows = [row for row in await engine.moments.at(_moment(when)) if kind in ("", row.kind)]
    say_rows(rows, CONFIGURED, none="nothing of this was configured then", as_json=as_json)


@asks(app, "diff", alone=True)
async def diff(
    engine: EngineApi,
    old: When,
    new: Annotated[
        str, typer.Argument(metavar="[WHEN]", help="The later moment; now if not given.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say what has changed between two moments, who has changed it last, and when."""
    until = _moment(new) if new else None
    say_rows(
        await engine.moments.diff(_moment(old), until),
        CHANGES,
        none="nothing is configured otherwise",
        as_json=as_json,
    )


def _moment(text: str) -> datetime:
    return read_moment(text, datetime.now().astimezone())


def _values(values: dict[str, str]) -> str:
    return ", ".join(f"{name}={text}" for name, text in values.items() if text not in ("", '""'))


@app.command("systemd")
def systemd_(
    context: typer.Context,
    user: Annotated[
        str, typer.Option("--user", help="Who runs the engine and owns the home.")
    ] = "anteroom",
    home: HomeOption = None,
) -> None:
    """Write a systemd unit for the engine of the home; nothing is installed."""
    with finishing("left"):
        found = find_home(context, home)
        settings = settings_file.load(found.settings_file) if found.exists else None
        sys.stdout.write(systemd.unit(found, settings, user=user, program=_program()))


def _program() -> str:
    """Return the path of this program, as a unit needs it."""
    beside = Path(sys.executable).with_name("anteroom")
    return str(beside) if beside.exists() else f"{sys.executable} -m console"
