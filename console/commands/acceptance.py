# SPDX-License-Identifier: Apache-2.0
"""`anteroom acceptance`: a scanner is tried, step by step, before it is relied on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.commands.asking import asks
from console.commands.options import Json, Limit
from console.commands.output import Column, none_found, say, say_json, say_rows, words
from console.commands.waiting import PATIENCE
from console.transfer.export import keep
from console.views.acceptance import lines, record, report
from engine.model.acceptance import Acceptance, Judgement
from engine.service.api import EngineApi

app = typer.Typer(
    name="acceptance",
    help="Try a scanner, step by step, before it is relied on, and sign what was seen.",
    no_args_is_help=True,
)

Id = Annotated[str, typer.Argument(metavar="ID", help="As the list names it.")]
Images = Annotated[
    int, typer.Option("--expected", min=0, help="Images, as the scanner's own screen counts them.")
]

COLUMNS = (
    Column[Acceptance]("ID", lambda row: row.id),
    Column[Acceptance]("SENDER", lambda row: row.calling),
    Column[Acceptance]("RECEIVER", lambda row: row.receiver or "any"),
    Column[Acceptance]("STARTED", lambda row: row.started),
    Column[Acceptance]("BY", lambda row: row.started_by),
    Column[Acceptance]("VERDICT", lambda row: row.verdict.value),
    Column[Acceptance]("CLOSED", lambda row: row.closed),
    Column[Acceptance]("BY", lambda row: row.closed_by),
    Column[Acceptance]("NOTE", lambda row: row.note),
)


@asks(app, "start")
async def start(
    engine: EngineApi,
    sender: Annotated[str, typer.Argument(metavar="AE", help="AE title of the sender.")],
    receiver: Annotated[
        str, typer.Option("--receiver", metavar="AE", help="Only what it sends to this receiver.")
    ] = "",
    expected: Images = 0,
    as_json: Json = False,
) -> None:
    """Begin with a sender; what it does from now on counts."""
    _say(await engine.acceptances.start(sender, receiver, expected), as_json)


@asks(app, "list")
async def list_(
    engine: EngineApi,
    limit: Limit = 100,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that are open.")] = False,
    as_json: Json = False,
) -> None:
    """List acceptances, the newest first."""
    none = "no acceptance; begin one: anteroom acceptance start AE"
    say_rows(
        await engine.acceptances.list(limit, open_only),
        COLUMNS,
        none=none_found(none, filtered=open_only),
        as_json=as_json,
    )


@asks(app, "show")
async def show(engine: EngineApi, id: Id, as_json: Json = False) -> None:
    """Show how each step stands, and what to do next."""
    _say(await engine.acceptances.show(id), as_json)


@asks(app, "follow")
async def follow(engine: EngineApi, id: Id) -> None:
    """Show each step as it changes, until all are done or somebody closes it; ctrl+c leaves it."""
    news = await engine.events.after("", 0)
    told: tuple[str, ...] = ()
    while True:
        found = await engine.acceptances.show(id)
        now = lines(found)
        for line in now:
            if line not in told:
                say(line)
        told = now
        if found.verdict is not Judgement.OPEN or not found.lacking:
            return
        news = await engine.events.after(news.epoch, news.last, PATIENCE)


@asks(app, "expect")
async def expect(
    engine: EngineApi,
    id: Id,
    images: Annotated[int, typer.Argument(metavar="IMAGES", min=0)],
    as_json: Json = False,
) -> None:
    """Say how many images the scanner's own screen counts."""
    _say(await engine.acceptances.expect(id, images), as_json)


@asks(app, "close")
async def close(
    engine: EngineApi,
    id: Id,
    verdict: Annotated[
        str, typer.Argument(metavar="VERDICT", help="accepted, rejected or abandoned")
    ],
    note: Annotated[
        str, typer.Option("--note", help="Why; it is kept for ever: no patient belongs there.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Sign what was seen; the record is not changed afterwards."""
    _say(await engine.acceptances.close(id, verdict, note), as_json)


@asks(app, "export")
async def export(
    engine: EngineApi,
    id: Id,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where to; without it, on stdout.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the record as text, with lines to sign, or as JSON."""
    found = await engine.acceptances.show(id)
    if file is None:
        if as_json:
            say_json(found)
        else:
            for line in report(found):
                say(line)
        return
    keep(record(found, as_json=as_json), file, overwrite=False)
    say(f"written to {file}")


def _say(found: Acceptance, as_json: bool) -> None:
    if as_json:
        say_json(found)
        return
    for line in lines(found):
        say(line)
    if found.verdict is Judgement.OPEN:
        follow_it = f"follow it: anteroom acceptance follow {found.id}"
        say(follow_it if found.lacking else "all is done")
        say(f"sign it: anteroom acceptance close {found.id} accepted")
    else:
        say(f"{found.verdict.value} by {found.closed_by} on {words(found.closed)}")
