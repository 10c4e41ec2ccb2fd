# SPDX-License-Identifier: Apache-2.0
"""`anteroom rules`: the routing rule lines of the site and of single receivers."""

from __future__ import annotations

import re
import sys
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks, failing
from console.commands.options import Json, Reason
from console.commands.output import Column, say, say_json, say_rows
from console.commands.source import Source, read_source
from engine.model.errors import InvalidInput
from engine.model.prearchive import UNASSIGNED
from engine.model.routing import Concept
from engine.model.what_if import Destination, Rerouted
from engine.service.api import EngineApi
from engine.service.offline import check_rules

app = typer.Typer(name="rules", help="Routing rule lines.", no_args_is_help=True)

Which = Annotated[Concept, typer.Argument(metavar="CONCEPT", help="What the lines find.")]
Words = Annotated[
    list[str], typer.Argument(metavar="[CONCEPT] FILE", help="A file, or - for stdin.")
]
Site = Annotated[bool, typer.Option("--site", help="The lines of the site (default).")]
Receiver = Annotated[str, typer.Option("--receiver", metavar="AE", help="Those of a receiver.")]


@asks(app, "show", alone=True)
async def show(
    engine: EngineApi,
    concept: Which,
    site: Site = False,
    receiver: Receiver = "",
    as_json: Json = False,
) -> None:
    """Write the lines as they are, so that they can be edited and set again."""
    text = await engine.rules.show(_scope(site, receiver), concept)
    if as_json:
        say_json(text)
        return
    for line in text.text.splitlines():
        say(line)
    if not text.enabled:
        sys.stderr.write("these lines are not enabled\n")


@asks(app, "set", alone=True)
async def set_(
    engine: EngineApi,
    concept: Which,
    source: Source,
    site: Site = False,
    receiver: Receiver = "",
    enabled: Annotated[bool, typer.Option("--enable/--disable")] = True,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Save a new version of the lines; it is in force when the receivers have acknowledged it."""
    text = await engine.rules.set(
        _scope(site, receiver), concept, _read(source), enabled=enabled, reason=reason
    )
    if as_json:
        say_json(text)
    else:
        state = "in force" if text.enabled else "kept, not enabled"
        say(f"{text.scope} {text.concept} rules, version {text.version}: {state}")


MOVED = (
    Column[Rerouted]("ID", lambda row: row.id),
    Column[Rerouted]("SESSION", lambda row: row.label),
    Column[Rerouted]("IN", lambda row: row.project or UNASSIGNED),
    Column[Rerouted]("BY WHAT HOLDS", lambda row: _said(row.now)),
    Column[Rerouted]("BY THIS", lambda row: _said(row.then)),
)


@asks(app, "try", alone=True)
async def try_(
    engine: EngineApi,
    words: Words,
    site: Site = False,
    receiver: Receiver = "",
    last: Annotated[int, typer.Option("--last", help="Sessions that are tried.")] = 100,
    as_json: Json = False,
) -> None:
    """Say which of the last sessions would have gone elsewhere by a file of rule lines; without
    CONCEPT the lines find projects. Nothing is saved or moved."""
    concept, source = _concept(words)
    found = await engine.rules.what_if(_scope(site, receiver), concept, _read(source), last=last)
    if as_json:
        say_json(found)
        return
    say_rows(found.moved, MOVED, none="none would have gone elsewhere", as_json=False)
    say(f"{len(found.moved)} of {found.tried} sessions would have gone elsewhere")
    if found.adrift:
        say(
            f"{found.adrift} are not where the rules in force would bring them: a script has "
            "removed what was read, or a person has moved them"
        )
    if found.unread:
        say(f"of {found.unread} no object could be read")


def _said(to: Destination) -> str:
    auto = {True: ", archived by itself", False: ", held for review", None: ""}[to.auto_archive]
    return f"{to.project or UNASSIGNED} / {to.subject or '-'} / {to.session}{auto}"


@app.command("check")
def check(
    words: Words,
    site: Site = False,
    receiver: Receiver = "",
) -> None:
    """Look for faults in a file of rule lines, without an engine: path:line:column: message."""
    _, source = _concept(words)
    with failing():
        problems = check_rules(_read(source), path=source)
    for problem in problems:
        say(str(problem))
    if problems:
        raise typer.Exit(FAILED)


def _concept(words: list[str]) -> tuple[Concept, str]:
    """Read what the lines find, and the file that they are in."""
    *concepts, source = words
    if len(concepts) > 1 or set(concepts) - set(Concept):
        raise typer.BadParameter(f"one of {', '.join(Concept)} and a file", param_hint="CONCEPT")
    return Concept(concepts[0]) if concepts else Concept.PROJECT, source


def _scope(site: bool, receiver: str) -> str:
    if site and receiver:
        raise InvalidInput("rules are of the site or of a receiver, not of both")
    return f"receiver:{receiver}" if receiver else "site"


def _read(source: str) -> str:
    """Read lines; those of other systems end otherwise."""
    return re.sub("\r\n?", "\n", read_source(source))
