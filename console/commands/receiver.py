# SPDX-License-Identifier: Apache-2.0
"""`anteroom receiver`: the DICOM receivers of an engine."""

from __future__ import annotations

from typing import Annotated

import typer

from console.commands.asking import asks, pairs
from console.commands.options import Json
from console.commands.output import Column, say, say_json, say_rows
from engine.model.archive import ClientCertificates, OnScriptError
from engine.model.errors import InvalidInput, NotFound
from engine.model.live import ReceiverStatus
from engine.service.api import EngineApi

app = typer.Typer(name="receiver", help="DICOM receivers.", no_args_is_help=True)

AeTitle = Annotated[str, typer.Argument(metavar="AE", help="AE title of the receiver.")]
Port = Annotated[
    int | None, typer.Option("--port", help="Port; needed where the AE title has several.")
]
Allow = Annotated[
    list[str] | None,
    typer.Option("--allow", help="Who may send: AE, address/CIDR or AE@address. May be repeated."),
]
Values = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME=VALUE...",
        help="e.g. anonymize=false script_error=refuse allow=CT1,MR1 max_per_peer=4 "
        "idle_timeout=120 transfer_syntaxes=JPEGLSLossless,ExplicitVRLittleEndian "
        "tls=on certificate=/PATH key=/PATH client_ca=/PATH crl=/PATH account=NAME "
        "file_name_template='${SOPInstanceUID}' durability=group storage_classes=UID,UID",
    ),
]
FirstValues = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE...]", help="Other values from the start, as for edit."),
]

_NUMBERS = ("max_pdu", "max_associations", "max_per_peer", "idle_timeout")


def _state(row: ReceiverStatus) -> str:
    if row.listening:
        return "listening"
    return "enabled, not listening" if row.enabled else "stopped"


def _own(row: ReceiverStatus) -> str:
    """Name the values that are not the usual ones, as `edit` takes them."""
    refuses = row.script_error is not OnScriptError.HOLD
    pairs = [("script_error", row.script_error.value if refuses else "")]
    pairs += [("transfer_syntaxes", ",".join(row.transfer_syntaxes))]
    pairs += [(name, f"{getattr(row, name)}") for name in _NUMBERS if getattr(row, name)]
    pairs += [("storage_classes", ",".join(row.storage_classes))]
    pairs += [("durability", row.durability.value if row.durability is not None else "")]
    pairs += [(name, getattr(row, name)) for name in ("file_name_template", "account")]
    return " ".join(f"{name}={text}" for name, text in pairs if text)


def _tls(row: ReceiverStatus) -> str:
    if not row.tls:
        return "no"
    ends = f"until {row.certificate_ends:%Y-%m-%d}" if row.certificate_ends else "yes"
    asks = row.client_certificates is not ClientCertificates.NONE
    return f"{ends}, client certificates {row.client_certificates}" if asks else ends


COLUMNS = (
    Column[ReceiverStatus]("AE TITLE", lambda row: row.ae_title),
    Column[ReceiverStatus]("PORT", lambda row: row.port, right=True),
    Column[ReceiverStatus]("STATE", _state),
    Column[ReceiverStatus]("ORIGIN", lambda row: row.origin),
    Column[ReceiverStatus]("ANONYMIZE", lambda row: row.anonymize),
    Column[ReceiverStatus]("RULES", lambda row: row.rules_enabled),
    Column[ReceiverStatus]("ALLOW", lambda row: row.allow if row.allow_enabled else "everybody"),
    Column[ReceiverStatus]("TLS", _tls),
    Column[ReceiverStatus]("OWN", _own),
    Column[ReceiverStatus]("NOTE", lambda row: row.note),
)


@asks(app, "list", alone=True)
async def list_(engine: EngineApi, as_json: Json = False) -> None:
    """List the receivers."""
    rows = await engine.receivers.list()
    say_rows(
        rows,
        COLUMNS,
        none="no receiver; add one: anteroom receiver add AE --port N",
        as_json=as_json,
    )


@asks(app, "add", alone=True)
async def add(
    engine: EngineApi,
    ae_title: AeTitle,
    port: Annotated[int, typer.Option("--port", help="Port to listen on.")],
    allow: Allow = None,
    anonymize: Annotated[bool, typer.Option(help="Run the site script on what arrives.")] = True,
    rules: Annotated[bool, typer.Option(help="Ask the receiver's own routing rules.")] = False,
    values: FirstValues = None,
    as_json: Json = False,
) -> None:
    """Add a receiver and start it."""
    row = await engine.receivers.add(
        ae_title,
        port,
        allow=tuple(allow or ()),
        anonymize=anonymize,
        rules=rules,
        values=pairs(values or []),
    )
    _say(row, as_json)


@asks(app, "edit", alone=True)
async def edit(
    engine: EngineApi, ae_title: AeTitle, values: Values, port: Port = None, as_json: Json = False
) -> None:
    """Change settings of a receiver."""
    found = await _port(engine, ae_title, port)
    _say(await engine.receivers.edit(ae_title, found, pairs(values)), as_json)


@asks(app, "start", alone=True)
async def start(
    engine: EngineApi, ae_title: AeTitle, port: Port = None, as_json: Json = False
) -> None:
    """Let a receiver listen."""
    _say(await engine.receivers.start(ae_title, await _port(engine, ae_title, port)), as_json)


@asks(app, "stop", alone=True)
async def stop(
    engine: EngineApi, ae_title: AeTitle, port: Port = None, as_json: Json = False
) -> None:
    """Let a receiver listen no more; what is being received goes on to its end."""
    _say(await engine.receivers.stop(ae_title, await _port(engine, ae_title, port)), as_json)


@asks(app, "reload")
async def reload(
    engine: EngineApi, ae_title: AeTitle, port: Port = None, as_json: Json = False
) -> None:
    """Read the certificates of a receiver again; open associations go on."""
    _say(await engine.receivers.reload(ae_title, await _port(engine, ae_title, port)), as_json)


@asks(app, "remove", alone=True)
async def remove(engine: EngineApi, ae_title: AeTitle, port: Port = None) -> None:
    """Remove a receiver."""
    found = await _port(engine, ae_title, port)
    await engine.receivers.remove(ae_title, found)
    say(f"{ae_title} on port {found} is removed")


@asks(app, "echo")
async def echo(engine: EngineApi, ae_title: AeTitle, port: Port = None) -> None:
    """Send a C-ECHO to a receiver of this engine."""
    found = await _port(engine, ae_title, port)
    say(await engine.receivers.echo(ae_title, found))


async def _port(engine: EngineApi, ae_title: str, port: int | None) -> int:
    if port is not None:
        return port
    ports = [row.port for row in await engine.receivers.list() if row.ae_title == ae_title]
    if not ports:
        raise NotFound("no such receiver", hint="list them: anteroom receiver list")
    if len(ports) > 1:
        raise InvalidInput(
            "several receivers have this AE title",
            hint=f"name one by --port: {', '.join(map(str, ports))}",
        )
    return ports[0]


def _say(row: ReceiverStatus, as_json: bool) -> None:
    if as_json:
        say_json(row)
    else:
        say(f"{row.ae_title} on port {row.port} is {_state(row)}{row.note and f': {row.note}'}")
