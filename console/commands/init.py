# SPDX-License-Identifier: Apache-2.0
"""`anteroom init`: make a home, and record where the system installation of this machine is."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import FAILED, find_home
from console.commands.options import HomeOption
from console.commands.output import complain, say
from engine.model.errors import Conflict, EngineError, Unavailable
from engine.model.home import SYSTEM_HOME, Home

DEFAULT = Path("/var/lib/anteroom")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("init")(init)


def init(
    context: typer.Context,
    system: Annotated[
        bool,
        typer.Option(
            "--system", help=f"Make it the home of this machine, {DEFAULT} if none is named."
        ),
    ] = False,
    home: HomeOption = None,
) -> None:
    """Make a home with commented settings; one that is there is left as it is."""
    try:
        made = _system_home(context, home) if system else find_home(context, home)
        was_there = made.exists
        made.create()
        if system:
            _write_pointer(made.root)
    except EngineError as error:
        complain(error)
        raise typer.Exit(FAILED) from error
    say(f"{made.root} {'is a home already' if was_there else 'is ready'}")
    say(f"settings: {made.settings_file}")


def _system_home(context: typer.Context, named: Path | None) -> Home:
    before = context.find_root().obj
    chosen = named or (before if isinstance(before, Path) else None) or DEFAULT
    if os.path.lexists(SYSTEM_HOME):
        now = Home.find(None, {})
        if now.root != chosen.expanduser().absolute():
            raise Conflict(
                f"this machine has a system home already: {now.root}",
                hint=f"remove {SYSTEM_HOME} first",
            )
    return replace(Home.find(chosen, {}), shared=True)


def _write_pointer(root: Path) -> None:
    if os.path.lexists(SYSTEM_HOME):
        return
    try:
        SYSTEM_HOME.parent.mkdir(mode=0o755, exist_ok=True)
        SYSTEM_HOME.write_text(f"{root}\n", "utf-8")
        SYSTEM_HOME.chmod(0o644)
    except OSError as error:
        raise Unavailable(
            f"{SYSTEM_HOME} cannot be written: {error.strerror}", hint="run this as root"
        ) from error
