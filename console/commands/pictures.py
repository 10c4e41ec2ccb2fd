# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive picture` and `anteroom archive picture`: one frame, in the terminal or as a
PNG file. It may show a patient."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from shutil import get_terminal_size
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import say, say_json
from console.views import halfblocks, pictures
from console.views.halfblocks import HALF, Run
from engine.model.errors import Conflict, InvalidInput
from engine.model.pictures import MOST_SIDE, Picture, PictureRequest, Region, Window
from engine.service.api import EngineApi

Session = Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")]
Filed = Annotated[str, typer.Argument(metavar="ID", help="Accession ID, or label with --project")]
OfProject = Annotated[str, typer.Option("--project", metavar="PROJECT")]
Scan = Annotated[str, typer.Option("--scan", metavar="SCAN", help="Only of this scan.")]
File = Annotated[str, typer.Option("--file", metavar="PATH", help="This file, see files.")]
Slice = Annotated[
    int | None,
    typer.Option("--slice", metavar="N", min=1, help="Which object, in the order of slices."),
]
Frame = Annotated[
    int | None, typer.Option("--frame", metavar="N", min=1, help="Which frame; else the middle.")
]
Levels = Annotated[
    tuple[float, float] | None,
    typer.Option("--window", metavar="CENTRE WIDTH", help="Else that of the header."),
]
Zoom = Annotated[
    tuple[int, int, int, int] | None,
    typer.Option("--region", metavar="L T R B", help="A rectangle of the image, in pixels."),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Write a PNG instead of showing it."),
]

_PRIVATE = 0o600


def add_to_waiting(noun: typer.Typer) -> None:
    """Add the command to the noun of sessions that wait."""
    asks(noun, "picture")(waiting)


def add_to_filed(noun: typer.Typer) -> None:
    """Add the command to the noun of sessions that are filed."""
    asks(noun, "picture")(filed)


async def waiting(
    engine: EngineApi,
    session: Session,
    scan: Scan = "",
    file: File = "",
    slice_: Slice = None,
    frame: Frame = None,
    window: Levels = None,
    region: Zoom = None,
    output: Out = None,
    as_json: Json = False,
) -> None:
    """Show a frame of a session; without options the middle one."""
    asked = _request(scan, file, slice_, frame, window, region, output)
    found = await engine.pictures.waiting(await engine.prearchive.find(session), asked)
    await _say(found, output, as_json)


async def filed(
    engine: EngineApi,
    id: Filed,
    project: OfProject = "",
    scan: Scan = "",
    file: File = "",
    slice_: Slice = None,
    frame: Frame = None,
    window: Levels = None,
    region: Zoom = None,
    output: Out = None,
    as_json: Json = False,
) -> None:
    """Show a frame of a filed session; without options the middle one."""
    accession = (await engine.archive.show(id, project)).accession
    asked = _request(scan, file, slice_, frame, window, region, output)
    await _say(await engine.pictures.filed(accession, asked), output, as_json)


def _request(
    scan: str,
    file: str,
    number: int | None,
    frame: int | None,
    window: tuple[float, float] | None,
    region: tuple[int, int, int, int] | None,
    output: Path | None,
) -> PictureRequest:
    columns, rows = get_terminal_size()
    across, down = (MOST_SIDE, MOST_SIDE) if output else (columns, 2 * (rows - 2))
    return PictureRequest(
        scan=scan,
        file=file,
        number=None if number is None else number - 1,
        frame=None if frame is None else frame - 1,
        window=Window(centre=window[0], width=window[1]) if window else None,
        region=Region(left=region[0], top=region[1], right=region[2], bottom=region[3])
        if region
        else None,
        across=across,
        down=max(2, down),
    )


async def _say(found: Picture, output: Path | None, as_json: bool) -> None:
    if output is not None and not found.why:
        await asyncio.to_thread(_write, found, output)
    if as_json:
        say_json(found)
        return
    if found.why:
        raise Conflict(f"no picture of {found.file or 'this'}: {found.why}")
    if output is None:
        columns, rows = get_terminal_size()
        high = max(1, min(rows - 2, (found.height + 1) // 2))
        for line in halfblocks.lines(found, columns, high):
            # Past `say`, which lets no sign of a terminal through: these are ours.
            typer.echo("".join(_painted(run) for run in line) + "\x1b[0m", color=True)
    say(f"{pictures.place(found)}  {pictures.figures(found)}")
    if found.may_contain_text:
        say(pictures.MAY_CONTAIN_TEXT)


def _painted(run: Run) -> str:
    upper, lower = (";".join(str(one) for one in colour) for colour in (run.upper, run.lower))
    return f"\x1b[38;2;{upper};48;2;{lower}m{HALF * run.cells}"


def _write(found: Picture, output: Path) -> None:
    import imagecodecs  # noqa: PLC0415 (large, and only this writes files)
    import numpy as np  # noqa: PLC0415 (slow to import)

    pixels = np.frombuffer(found.pixels, np.uint8)
    shape = (found.height, found.width, found.channels)[: 2 if found.channels == 1 else 3]
    data = bytes(imagecodecs.png_encode(pixels.reshape(shape)))
    try:
        with open(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE), "wb") as file:
            file.write(data)
    except FileExistsError:
        raise InvalidInput(f"{output} exists", hint="name another file") from None
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}") from None
