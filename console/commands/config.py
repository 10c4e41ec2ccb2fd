# SPDX-License-Identifier: Apache-2.0
"""`anteroom config`: the configuration written as files, which `anteroom apply` brings back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import say, say_json
from console.configuration import applying
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
