# SPDX-License-Identifier: Apache-2.0
"""`anteroom route`: where files would land, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import columns_of, say, say_json
from engine.service.api import EngineApi
from engine.service.offline import explain_route


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "route", alone=True)(route)


async def route(
    engine: EngineApi,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="DICOM files.")],
    receiver: Annotated[
        str, typer.Option("--receiver", metavar="AE", help="As if this receiver had received them.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say where files would land, and why. Nothing is sent or stored."""
    found = [(file, await engine.routing.explain(str(file.absolute()), receiver)) for file in files]
    if as_json:
        say_json([{"file": str(file)} | columns_of(one) for file, one in found])
        return
    for number, (file, one) in enumerate(found):
        if len(found) > 1:
            if number:
                say()
            say(f"{file}:")
        for line in explain_route(one):
            say(line)
