# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive diff`: what scripts did to a session, and what the next one will do."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import msgspec
import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say, say_json, say_table
from engine.model.changes import ChangeKind, FoldedChange, SessionChanges
from engine.service.api import EngineApi

_WAIT = 30.0
"""Seconds that the engine may take for the next files."""

Ask = Callable[[str, str, int, float], Awaitable[SessionChanges]]

COLUMNS = (
    Column[FoldedChange]("ELEMENT", lambda row: row.change.path or "the object"),
    Column[FoldedChange]("NAME", lambda row: row.change.name),
    Column[FoldedChange]("CHANGE", lambda row: row.change.kind),
    Column[FoldedChange]("BEFORE", lambda row: row.change.before),
    Column[FoldedChange]("AFTER", lambda row: row.change.after),
    Column[FoldedChange]("FILES", lambda row: row.files, right=True),
    Column[FoldedChange]("BY", lambda row: row.change.statement),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""

    @asks(app, "diff")
    async def diff(
        engine: EngineApi,
        session: Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")],
        to_come: Annotated[
            bool,
            typer.Option("--to-come", help="What the project's script will do, not what was done."),
        ] = False,
        scan: Annotated[
            str, typer.Option("--scan", metavar="SCAN", help="Of this scan only.")
        ] = "",
        same: Annotated[bool, typer.Option("--same", help="Elements that stay, too.")] = False,
        as_json: Json = False,
    ) -> None:
        """Tell what the site script has changed, element by element, or what is still to come."""
        id = await engine.prearchive.find(session)
        found = await whole(
            engine.prearchive.to_come if to_come else engine.prearchive.done, id, scan
        )
        if as_json:
            say_json(msgspec.to_builtins(found) | {"totals": found.totals})
            return
        none = "nothing will be changed" if to_come else "no change is known"
        rows = [one for one in found.rows if same or one.change.kind is not ChangeKind.SAME]
        say_table(rows, COLUMNS, none=none)
        for line in about(found):
            say(line)


async def whole(ask: Ask, id: str, scan: str) -> SessionChanges:
    """Ask until all files have been read; say on a terminal how far it is."""
    found = await ask(id, scan, 0, _WAIT)
    while not found.is_whole:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{found.read:,} of {found.files:,} files")
            sys.stderr.flush()
        found = await ask(id, scan, found.read, _WAIT)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    return found


def about(found: SessionChanges) -> list[str]:
    """Say of how many files it is, which of them are unlike the others, and what failed."""
    lines = []
    changed = found.read - found.unknown - sum(one.files for one in found.failures)
    if changed:
        alike = "all alike" if found.alike == changed else f"{found.alike:,} alike"
        lines.append(f"{_files(found.read)}, {alike}")
    if found.odd:
        others = changed - found.alike
        more = "" if others == len(found.odd) else " and others"
        lines.append(f"unlike those: {', '.join(found.odd)}{more}")
    if found.unknown:
        lines.append(f"of {_files(found.unknown)} is not known what they were")
    for one in found.failures:
        lines.append(f"{_files(one.files)}: {one.said} ({', '.join(one.odd)})")
    if found.left_out:
        lines.append(f"{found.left_out:,} more elements")
    return lines


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
