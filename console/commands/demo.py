# SPDX-License-Identifier: Apache-2.0
"""`anteroom demo`: the console on a throw-away home, with sample data being sent to it."""

from __future__ import annotations

import sys

import typer

from console.commands.asking import run


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo")(demo)


def demo() -> None:
    """Open the console on a throw-away home while sample studies arrive; nothing stays behind."""
    from console.demo.run import demo as show  # noqa: PLC0415 (only this loads Textual)

    # It takes a few seconds until there is a screen.
    sys.stderr.write("starting an engine on a home that is thrown away afterwards\n")
    run(show())
