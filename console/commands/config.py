# SPDX-License-Identifier: Apache-2.0
"""`anteroom config`: the configuration written as files, which `anteroom apply` brings back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks, find_home, finishing
from console.commands.options import HomeOption, Json
from console.commands.output import say, say_json
from console.configuration import applying, systemd
from engine.model import settings_file
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
