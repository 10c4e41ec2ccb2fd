# SPDX-License-Identifier: Apache-2.0
"""The `anteroom` command: its nouns, and the few commands that belong to none. What each does is in
`console.commands`. Textual is loaded only for a screen, a database only by `serve`."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from console.commands import (
    anonymize,
    archive,
    audit,
    contents,
    contradictions,
    demo,
    doctor,
    export,
    held,
    init,
    jobs,
    ledger,
    prearchive,
    project,
    receiver,
    route,
    rules,
    screens,
    script,
    serve,
    status,
    trash,
    verify,
)
from console.commands.asking import HomeOption
from console.commands.output import say

app = typer.Typer(
    name="anteroom",
    help="The room in front of an imaging archive. Alone it opens the console.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

contents.add_to(prearchive.app, archive.app)
contradictions.add_to(prearchive.app)
export.add_to(archive.app)
verify.add_to(archive.app)
for noun in (
    receiver,
    project,
    rules,
    script,
    prearchive,
    trash,
    held,
    archive,
    ledger,
    jobs,
    audit,
):
    app.add_typer(noun.app)
for word in (screens, serve, demo, init, status, doctor, route, anonymize):
    word.add_to(app)


def _say_version(asked: bool) -> None:
    if asked:
        say(f"anteroom {version('anteroom')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def anteroom(
    context: typer.Context,
    home: HomeOption = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", is_eager=True, callback=_say_version
        ),
    ] = False,
) -> None:
    """Open the console; starts an engine when none is running on the home."""
    context.obj = home
    if context.invoked_subcommand is None:
        screens.open_console(context)
