# SPDX-License-Identifier: Apache-2.0
"""`anteroom compare`: two sessions, scans or files side by side, or one of them before and after
scripts. The values in headers may be a patient's."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say, say_json, say_table
from console.views import comparison
from console.views.text import plain_text
from engine.model.comparison import ComparedRow, ComparedSide, Part, Version
from engine.model.errors import InvalidInput, NotFound
from engine.service.api import EngineApi

_LONGEST = 48

What = Annotated[
    str,
    typer.Argument(
        metavar="WHAT",
        help="SESSION, SESSION#SCAN or SESSION#PATH; @received and @to-come are other versions.",
    ),
]
Other = Annotated[
    str, typer.Argument(metavar="OTHER", help="Likewise; @received alone is of the same session.")
]

ROWS = (
    Column[ComparedRow]("ELEMENT", lambda row: row.either.path),
    Column[ComparedRow]("NAME", lambda row: plain_text(row.either.name, _LONGEST)),
    Column[ComparedRow]("LEFT", lambda row: plain_text(comparison.value(row.left), _LONGEST)),
    Column[ComparedRow]("RIGHT", lambda row: plain_text(comparison.value(row.right), _LONGEST)),
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    asks(app, "compare")(compare)


async def compare(engine: EngineApi, what: What, other: Other, as_json: Json = False) -> None:
    """Say in what two sessions, scans, files or versions differ."""
    left, left_part = parsed(what)
    right, right_part = parsed(other)
    found = await engine.comparison.headers(
        *(await _named(engine, left), await _named(engine, right or left)),
        *(left_part, right_part),
    )
    if as_json:
        say_json(found)
        return
    say_table(found.rows, ROWS, none="nothing differs")
    say(f"left: {_side(found.left)}; right: {_side(found.right)}; {found.same:,} elements the same")
    if found.left_out:
        say(f"{found.left_out:,} more rows")
    for line in (*found.left.unread, *found.right.unread):
        say(f"not read: {line}")


def parsed(text: str) -> tuple[str, Part]:
    """Return the session that is named, and what of it.

    Raises:
        InvalidInput: if the version is none.
    """
    rest, at, version = text.rpartition("@")
    if not at:
        rest, version = text, Version.STORED
    elif version not in set(Version):
        raise InvalidInput(
            f"there is no version {version}", hint=f"versions are {', '.join(Version)}"
        )
    session, _, part = rest.partition("#")
    is_path = "/" in part
    return session, Part(
        scan="" if is_path else part, file=part if is_path else "", version=Version(version)
    )


async def _named(engine: EngineApi, name: str) -> str:
    """Return the id of a session that waits, or the accession ID of one that is filed."""
    project, slash, label = name.rpartition("/")
    if slash and "/" not in project:
        return (await engine.archive.show(label, project)).accession
    try:
        return await engine.prearchive.find(name)
    except NotFound:
        return name


def _side(side: ComparedSide) -> str:
    of = "" if side.files == side.total else f" of {side.total:,}"
    return f"{side.session}, {side.part.version}, {side.files:,}{of} files"
