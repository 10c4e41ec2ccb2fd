# SPDX-License-Identifier: Apache-2.0
"""The commands that open a screen: `anteroom` alone, and `anteroom watch`. Textual is loaded only
when one of them runs."""

from __future__ import annotations

import os

import typer

from console.commands.asking import before, find_home, run
from console.commands.options import HomeOption


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("watch")(watch)


def watch(context: typer.Context, home: HomeOption = None) -> None:
    """Show what arrives, read only and without labels: for a wall. Needs a running engine."""
    from console.attach import watch as show  # noqa: PLC0415 (only this loads Textual)
    from console.runtime.identity import Identity  # noqa: PLC0415 (slow to load)

    run(show(find_home(context, home), Identity.of(before(context).user, os.environ)))


def open_console(context: typer.Context) -> None:
    """Open the console, on the running engine of the home or on one that is started for it."""
    from console.attach import console  # noqa: PLC0415 (only this loads Textual)
    from console.runtime.identity import Identity  # noqa: PLC0415 (slow to load)

    run(console(find_home(context, None), Identity.of(before(context).user, os.environ)))
