# SPDX-License-Identifier: Apache-2.0
"""`anteroom remote`: the remote application entities that sessions can be sent to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from console.commands.asking import FAILED, asks, pairs
from console.commands.options import Json, Limit, Reason
from console.commands.output import (
    Column,
    none_found,
    say,
    say_facts,
    say_json,
    say_rows,
    size,
    warn,
    words,
)
from console.commands.waiting import PATIENCE
from console.views import figures
from engine.model.remotes import UNFINISHED, Echo, Remote, Send, SendFailure, SendState
from engine.service.api import EngineApi

app = typer.Typer(
    name="remote",
    help="Remote application entities: where sessions can be sent.",
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the remote, e.g. PACS1.")]
Values = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help="e.g. ae_title=PACS host=10.3.1.5 port=104 calling=ANTEROOM enabled=false "
        "connect_timeout=10 answer_timeout=60 max_pdu=65536 description=... "
        "tls=on ca=/PATH certificate=/PATH key=/PATH tls_name=HOST",
    ),
]
FirstValues = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE...]", help="Other values from the start, as for edit."),
]


def _answered(echo: Echo | None) -> str:
    if echo is None:
        return "never asked"
    return f"yes, {figures.took(echo.milliseconds)}" if echo.ok else "no"


def _noted(remote: Remote) -> str:
    return remote.last_echo.reason if remote.last_echo else ""


COLUMNS = (
    Column[Remote]("NAME", lambda row: row.name),
    Column[Remote]("AE TITLE", lambda row: row.ae_title),
    Column[Remote]("HOST", lambda row: row.host),
    Column[Remote]("PORT", lambda row: row.port, right=True),
    Column[Remote]("CALLING", lambda row: row.calling or "our own"),
    Column[Remote]("ENABLED", lambda row: row.enabled),
    Column[Remote]("TLS", lambda row: row.tls),
    Column[Remote]("ANSWERED", lambda row: _answered(row.last_echo)),
    Column[Remote]("ASKED", lambda row: row.last_echo.at if row.last_echo else None),
    Column[Remote]("DESCRIPTION", lambda row: row.description),
    Column[Remote]("NOTE", _noted),
)


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the remotes."""
    say_rows(
        await engine.remotes.list(),
        COLUMNS,
        none="no remote; add one: anteroom remote add NAME AE HOST PORT",
        as_json=as_json,
    )


@asks(app, "show", alone=True)
async def show(engine: EngineApi, name: Name, as_json: Json = False) -> None:
    """Show all values of a remote."""
    _say(await engine.remotes.show(name), as_json)


@asks(app, "add", alone=True)
async def add(
    engine: EngineApi,
    name: Name,
    ae_title: Annotated[str, typer.Argument(metavar="AE", help="AE title that is called there.")],
    host: Annotated[str, typer.Argument(metavar="HOST", help="Name or address of the machine.")],
    port: Annotated[int, typer.Argument(metavar="PORT", help="Port that it listens on.")],
    values: FirstValues = None,
    as_json: Json = False,
) -> None:
    """Add a remote; `echo` tries it."""
    _say(await engine.remotes.add(name, ae_title, host, port, pairs(values or [])), as_json)


@asks(app, "edit", alone=True)
async def edit(engine: EngineApi, name: Name, values: Values, as_json: Json = False) -> None:
    """Change values of a remote."""
    _say(await engine.remotes.edit(name, pairs(values)), as_json)


@asks(app, "delete", alone=True)
async def delete(engine: EngineApi, name: Name) -> None:
    """Delete a remote."""
    await engine.remotes.delete(name)
    say(f"{name} is deleted")


@asks(app, "echo")
async def echo(engine: EngineApi, name: Name, as_json: Json = False) -> None:
    """Send a C-ECHO to a remote; exits with 1 where it does not answer."""
    answer = await engine.remotes.echo(name)
    if as_json:
        say_json(answer)
    elif answer.ok:
        say(f"{name} answered in {figures.took(answer.milliseconds)}")
    else:
        say(f"{name} does not answer: {answer.reason}")
    if not answer.ok:
        raise typer.Exit(FAILED)


def _of_all(row: Send) -> str:
    return f"{row.sent} of {row.objects}" if row.objects else ""


SENDS = (
    Column[Send]("ID", lambda row: row.id),
    Column[Send]("REMOTE", lambda row: row.remote),
    Column[Send]("SESSION", lambda row: row.session),
    Column[Send]("STATE", lambda row: row.state),
    Column[Send]("SENT", _of_all, right=True),
    Column[Send]("SIZE", lambda row: size(row.sent_bytes) if row.sent else "", right=True),
    Column[Send]("WARNINGS", lambda row: row.warnings or "", right=True),
    Column[Send]("FAILED", lambda row: row.failed or "", right=True),
    Column[Send]("BY", lambda row: row.actor),
    Column[Send]("QUEUED", lambda row: row.queued),
    Column[Send]("NOTE", lambda row: row.reason),
)
FAILURES = (
    Column[SendFailure]("STATUS", lambda row: row.status),
    Column[SendFailure]("FILE", lambda row: row.file),
    Column[SendFailure]("REASON", lambda row: row.reason),
)


@asks(app, "send")
async def send(
    engine: EngineApi,
    name: Name,
    sessions: Annotated[
        list[str],
        typer.Argument(
            metavar="SESSION...", help="Accession ID, or prearchive id, URL or label of one."
        ),
    ],
    scans: Annotated[
        list[str] | None,
        typer.Option("--scan", help="Only this scan. May be repeated."),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait for the end; exits with 1 if not all arrived.")
    ] = False,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Send sessions to a remote, as their files are."""
    outcomes = await engine.remotes.send(name, tuple(sessions), tuple(scans or ()), reason)
    ids = [each.job for each in outcomes if each.done]
    ended = [await _ended(engine, id) for id in ids] if wait else []
    if as_json:
        say_json(ended if wait else outcomes)
        for each in outcomes:
            # What is waited for is written as a list of sends, in which those have no place.
            if wait and not each.done:
                warn(f"{each.id}: {each.message}")
    else:
        for each in outcomes:
            say(f"{each.id}: {f'queued as {each.job}' if each.done else each.message}")
        if ended:
            say_rows(ended, SENDS, none="", as_json=False)
    if len(ids) < len(outcomes) or any(each.state is not SendState.DONE for each in ended):
        raise typer.Exit(FAILED)


@asks(app, "sends")
async def sends(
    engine: EngineApi,
    id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One of them, with its failures.")
    ] = None,
    unfinished: Annotated[bool, typer.Option(help="Only those that have not ended.")] = False,
    session: Annotated[str, typer.Option(help="Only those of a session, by its id.")] = "",
    limit: Limit = 100,
    as_json: Json = False,
) -> None:
    """List what is being sent and was sent, the newest first."""
    if id is None:
        rows = await engine.remotes.sends(limit, unfinished=unfinished, session=session)
        none = none_found("nothing was sent", filtered=unfinished or bool(session))
        say_rows(rows, SENDS, none=none, as_json=as_json)
        return
    one = await engine.remotes.sending(id)
    if as_json:
        say_json(one)
        return
    say_rows((one,), SENDS, none="", as_json=False)
    if one.failures:
        say()
        say_rows(one.failures, FAILURES, none="", as_json=False)
    if (more := one.failed + one.warnings - len(one.failures)) > 0:
        say(f"and {more} more")


@asks(app, "cancel")
async def cancel(
    engine: EngineApi,
    id: Annotated[str, typer.Argument(metavar="ID", help="As `remote sends` lists it.")],
) -> None:
    """End a send after the object that is on its way; the remote keeps what it has."""
    await engine.remotes.cancel(id)
    say(f"{id} is cancelled")


async def _ended(engine: EngineApi, id: str) -> Send:
    """Wait until a send has ended."""
    batch = await engine.events.after("", 0)
    while (found := await engine.remotes.sending(id)).state in UNFINISHED:
        batch = await engine.events.after(batch.epoch, batch.last, PATIENCE)
    return found


def _say(remote: Remote, as_json: bool) -> None:
    if as_json:
        say_json(remote)
        return
    facts: dict[str, object] = asdict(remote)
    del facts["last_echo"]
    facts["answered"] = _answered(remote.last_echo)
    if remote.last_echo is not None:
        facts |= {"asked": words(remote.last_echo.at), "note": remote.last_echo.reason}
    say_facts(facts)
