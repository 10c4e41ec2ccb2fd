# SPDX-License-Identifier: Apache-2.0
"""`anteroom findings`: where patients may still shine through in sessions that wait."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json
from console.commands.output import Column, say, say_facts, say_json, say_rows
from engine.model.findings import Finding, Findings, Level
from engine.service.api import EngineApi

app = typer.Typer(
    name="findings",
    help="Where patients may still shine through in sessions that wait.",
    no_args_is_help=True,
)

SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="Id, URL or label.")]
Keys = Annotated[
    list[str], typer.Argument(metavar="FINDING...", help="Keys, as “findings list” shows them.")
]
Why = Annotated[str, typer.Option("--reason", help="Why it is none; it is kept with it.")]


def _said(one: Finding) -> str:
    return f"{one.acknowledged_by}: {one.reason}" if one.acknowledged is not None else ""


_COLUMNS = (
    Column[Finding]("KEY", lambda row: row.key),
    Column[Finding]("LEVEL", lambda row: row.level.value),
    Column[Finding]("PLACE", lambda row: row.path),
    Column[Finding]("NAME", lambda row: row.name),
    Column[Finding]("FILES", lambda row: row.files, right=True),
    Column[Finding]("LEFT", lambda row: row.left, right=True),
    Column[Finding]("VALUE", lambda row: row.value),
    Column[Finding]("CAUSE", lambda row: row.cause),
    Column[Finding]("MENDED BY", lambda row: row.mended_by),
    Column[Finding]("ACKNOWLEDGED", _said),
)


@asks(app, "list")
async def list_(
    engine: EngineApi,
    session: SessionName,
    least: Annotated[
        Level, typer.Option("--level", help="Show this level and higher ones.")
    ] = Level.LOW,
    remedies: Annotated[
        bool, typer.Option("--remedies", help="Write the lines of a script that mend them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List the findings of a session, the highest level first: how many files have each now, and
    how many once the project's script has run. Values are patient data."""
    found = await engine.findings.list(await engine.prearchive.find(session))
    rows = tuple(one for one in found.rows if one.level.reaches(least))
    if remedies:
        for line in dict.fromkeys(one.remedy for one in rows if one.remedy and one.is_open):
            say(line)
        return
    if as_json:
        say_json(found)
        return
    if found.looked is None:
        say_facts({"looked": "not yet: it is looked through once it is built"})
        return
    none = f"nothing was found in {found.files} files; that is no proof that nothing is there"
    say_rows(rows, _COLUMNS, none=none, as_json=False)


@asks(app, "acknowledge")
async def acknowledge(
    engine: EngineApi, session: SessionName, keys: Keys, reason: Why, as_json: Json = False
) -> None:
    """Say of findings that they are none; new values open them again."""
    id = await engine.prearchive.find(session)
    _say(await engine.findings.acknowledge(id, tuple(keys), reason), as_json)


@asks(app, "reopen")
async def reopen(
    engine: EngineApi,
    session: SessionName,
    keys: Keys,
    reason: Annotated[str, typer.Option("--reason", help="For the audit trail.")] = "",
    as_json: Json = False,
) -> None:
    """Take back what was said of findings."""
    id = await engine.prearchive.find(session)
    _say(await engine.findings.reopen(id, tuple(keys), reason), as_json)


def _say(found: Findings, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    open = [one for one in found.rows if one.is_open]
    say_facts([("session", found.session), ("open", str(len(open)))])
