# SPDX-License-Identifier: Apache-2.0
"""`anteroom backup`: a checked copy of the home in a folder that holds former ones too."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import find_home, finishing
from console.commands.options import HomeOption, Json
from console.commands.output import ProgressLine, say, say_json, size, warn
from engine.model.backups import Backup, Made
from engine.model.measures import say_count

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="Where backups are kept.")]


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup")(backup)


def backup(
    context: typer.Context,
    folder: Folder,
    verify: Annotated[
        bool, typer.Option("--verify", help="Make none: read the newest one, and compare it.")
    ] = False,
    as_json: Json = False,
    home: HomeOption = None,
) -> None:
    """Make a checked copy of the home, while an engine serves it or without one."""
    # Loaded here, so that no other command loads a database.
    from engine.service import backups  # noqa: PLC0415 (slow to load)

    with finishing("left; nothing of this backup stays"), ProgressLine() as line:
        progress = Progress(line)
        if verify:
            found = backups.verify(folder, told=progress.told)
            line.wipe()
            say_json(found) if as_json else _say_checked(found)
            return
        made = backups.back_up(find_home(context, home), folder, told=progress.told)
        line.wipe()
        for warning in made.backup.warnings:
            warn(warning)
        say_json(made) if as_json else _say_made(made)


class Progress:
    """How far a copy is, on one line; told often, shown now and then."""

    def __init__(self, line: ProgressLine) -> None:
        """Show it on a line."""
        self._line = line
        self._shown = ("", 0)

    def told(self, what: str, files: int, done: int) -> None:
        """Hear how far it is."""
        step = (what, files // 100 + done // 10_000_000)
        if step != self._shown:
            self._shown = step
            self._line.show(f"{what}: {say_count(files, 'file')}, {size(done)}")


def _say_made(made: Made) -> None:
    told = made.backup
    say(told.path)
    say(
        f"{say_count(told.files, 'file')}, {size(told.bytes)}: {made.copied} copied and checked, "
        f"{made.linked} linked; jobs waited for {made.stood_still:.1f} s of {made.seconds:.1f} s"
    )
    if made.swept:
        say(f"removed {say_count(made.swept, 'backup')} that had been cut off")


def _say_checked(found: Backup) -> None:
    say(found.path)
    say(f"{say_count(found.files, 'file')}, {size(found.bytes)}: all are as they were written")
