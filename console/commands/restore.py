# SPDX-License-Identifier: Apache-2.0
"""`anteroom restore`: a new home, made of a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import find_home, finishing
from console.commands.backup import Progress
from console.commands.options import HomeOption, Json
from console.commands.output import ProgressLine, say, say_json
from engine.model.backups import Restored
from engine.model.measures import say_count

Url = Annotated[str, typer.Option(metavar="URL", help="An empty PostgreSQL database.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore")(restore)


def restore(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A backup, or a folder: its newest one.")
    ],
    archive_url: Url = "",
    prearchive_url: Url = "",
    as_json: Json = False,
    home: HomeOption = None,
) -> None:
    """Make a new home of a backup, once all of it has been checked."""
    # Loaded here, so that no other command loads a database.
    from engine.service import backups  # noqa: PLC0415 (slow to load)

    urls = {"archive_url": archive_url, "prearchive_url": prearchive_url}
    given = {name: url for name, url in urls.items() if url}
    with finishing("left; no home was made"), ProgressLine() as line:
        target = find_home(context, home)
        restored = backups.bring_back(folder, target, told=Progress(line).told, urls=given)
        line.wipe()
        say_json(restored) if as_json else _say(restored)


def _say(restored: Restored) -> None:
    say(f"{restored.home} is as it was at {restored.backup.at.astimezone():%Y-%m-%d %H:%M:%S}")
    say(f"{say_count(restored.backup.files, 'file')} of {restored.backup.path}")
    for name in restored.brought_in:
        say(f"changed in its settings: {name}, which is within the home now")
    say(f"start it: anteroom --home {restored.home} serve")
