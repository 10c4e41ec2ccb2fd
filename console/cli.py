# SPDX-License-Identifier: Apache-2.0
"""The `anteroom` command: its nouns, and the few commands that belong to none. What each does is in
`console.commands`, and only the one that is asked for is loaded: Textual for a screen, a database
for `serve`, and for the help nothing."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from console.commands.options import Before, HomeOption, UserOption

COMMANDS = {
    "watch": "Show what arrives, read only and without labels: for a wall. Needs a running engine.",
    "serve": "Run the engine until it is told to stop; options override the settings for this run.",
    "demo": (
        "Open the console on a throw-away home while sample studies arrive; nothing stays behind."
    ),
    "init": "Make a home with commented settings; one that is there is left as it is.",
    "backup": "Make a checked copy of the home, while an engine serves it or without one.",
    "restore": "Make a new home of a backup, once all of it has been checked.",
    "config": "The configuration as files.",
    "apply": "Bring the configuration to what files say; the difference is shown first.",
    "status": "Say how the engine is: receivers, sessions, accounts, disk, problems.",
    "doctor": (
        "Look whether all is well, the worst first; exits with 1 when something has failed."
    ),
    "route": "Say where files would land, and why. Nothing is sent or stored.",
    "anonymize": (
        "Run a script over files and write the results elsewhere; what goes in is never changed."
    ),
    "live": "What arrives: associations, throughput, senders.",
    "receiver": "DICOM receivers.",
    "remote": "Remote application entities: where sessions can be sent.",
    "acceptance": "Try a scanner, step by step, before it is relied on, and sign what was seen.",
    "settings": "Settings of the site, of which most change while the engine runs.",
    "project": "Projects.",
    "rules": "Routing rule lines.",
    "script": "Anonymization scripts.",
    "prearchive": "Sessions that wait for review.",
    "queue": "What waits for whom, and since when.",
    "report": "How the sessions of each project fared in a month.",
    "findings": "Where patients may still shine through in sessions that wait.",
    "trash": "Deleted prearchive sessions that can be put back.",
    "held": "Objects that are held for review.",
    "commitment": "Storage commitment: what senders asked for, and whether they were told.",
    "archive": "Filed sessions.",
    "quarantine": "Filed sessions in quarantine, locked or obsolete. It is no PHI gate.",
    "compare": "Say in what two sessions, scans, files or versions differ.",
    "ledger": "Dropped and refused objects.",
    "jobs": "Runs of workflows.",
    "user": "Who may do what: users, their roles, passwords and tokens.",
    "audit": "The audit trail.",
}
"""What each command is for, as the help lists them. A test compares it with what they say."""

_MODULES = {"watch": "screens"}
"""Modules that are not called like their command."""

_PLAIN: dict[str, Any] = {"rich_markup_mode": None, "pretty_exceptions_enable": False}


class Commands(TyperGroup):
    """Commands that are loaded once they are asked for."""

    def __init__(self, **named: Any) -> None:
        """Know all of them by name."""
        super().__init__(**named)
        # Only what the help shows of them, and what a misspelt name is compared with.
        self.commands = {name: TyperCommand(name, help=help) for name, help in COMMANDS.items()}

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command itself; None where there is none of this name."""
        return loaded(cmd_name) if cmd_name in COMMANDS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without loading them."""
        limit = formatter.width - 6 - max(map(len, self.commands))
        rows = [(name, one.get_short_help_str(limit)) for name, one in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@cache
def loaded(name: str) -> Any:
    """Return a command with all that belongs to it."""
    module = import_module(f"console.commands.{_MODULES.get(name, name)}")
    made = typer.Typer(**_PLAIN)
    # With this a group is made of it, also where it has one command only.
    made.callback()(lambda: None)
    if hasattr(module, "app"):
        made.add_typer(module.app)
    else:
        module.add_to(made)
    group: Any = get_command(made)
    return group.commands[name]


app = typer.Typer(
    name="anteroom",
    cls=Commands,
    help="The room in front of an imaging archive. Alone it opens the console.",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    **_PLAIN,
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"anteroom {version('anteroom')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def anteroom(
    context: typer.Context,
    home: HomeOption = None,
    user: UserOption = "",
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", is_eager=True, callback=_say_version
        ),
    ] = False,
) -> None:
    """Open the console; starts an engine when none is running on the home."""
    context.obj = Before(home=home, user=user)
    if context.invoked_subcommand is None:
        from console.commands.screens import open_console  # noqa: PLC0415 (the help needs no engine)

        open_console(context)
