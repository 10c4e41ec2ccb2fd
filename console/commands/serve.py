# SPDX-License-Identifier: Apache-2.0
"""`anteroom serve`: the engine alone, with its listeners in the same event loop. Once it listens,
it reports so on stdout in one line of JSON. SIGTERM and SIGINT end it as soon as that is safe."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import structlog
import typer

from console.commands.asking import find_home, run
from console.commands.options import HomeOption
from console.runtime.log import log_to_home
from engine.model.archive import Durability
from engine.model.errors import Outage
from engine.model.home import Home
from engine.model.outage import GOES_ON, named
from engine.model.settings import NodeRole, Settings

if TYPE_CHECKING:
    from engine.service.engine import Engine

log = structlog.get_logger(__name__)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    context: typer.Context,
    ae_title: Annotated[
        str | None, typer.Option("--ae-title", metavar="AE", help="AE title of the receiver.")
    ] = None,
    dicom_port: Annotated[
        int | None, typer.Option("--dicom-port", metavar="N", help="DICOM port; 0: any free one.")
    ] = None,
    http_port: Annotated[
        int | None, typer.Option("--http-port", metavar="N", help="HTTP port; 0: any free one.")
    ] = None,
    durability: Annotated[
        Durability | None, typer.Option("--durability", help="none: for measuring only.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Run the engine until it is told to stop; options override the settings for this run."""
    named = {
        "dicom.ae_title": ae_title,
        "dicom.port": dicom_port,
        "dicom.durability": durability,
        "http.port": http_port,
    }
    changes = {name: value for name, value in named.items() if value is not None}
    run(_serve(find_home(context, home), changes))


async def _serve(home: Home, changes: Mapping[str, object]) -> None:
    # Loaded here, so that no other command loads a database.
    from engine.server.http import Listeners  # noqa: PLC0415 (slow to load)
    from engine.service.engine import Engine  # noqa: PLC0415 (slow to load)

    # Whatever is made without a word about its mode, here and in all processes that are started.
    os.umask(0o077)
    settings = home.ensure().override(changes)
    log_to_home(home, "engine.log", settings.log)
    told = _signals()
    starting = asyncio.ensure_future(Engine.start(home, settings))
    await _first(told, beside=starting)
    if not starting.done():
        # Whatever a start takes in is taken in whole, or again at the next start.
        starting.cancel()
        await asyncio.wait({starting})
        await _end(starting)
        return
    try:
        engine = starting.result()
    except Outage as outage:
        again = outage.hint.replace(GOES_ON, "then start the engine again")
        raise Outage(outage.message, hint=again) from outage
    try:
        listeners = await Listeners.open(
            engine,
            home.claim_socket(os.environ),
            host=settings.http.host,
            port=_http_port(settings),
        )
        try:
            _say_ready(engine.ready(), listeners.http, str(listeners.socket))
            await _first(told, engine.stop_asked)
        finally:
            await listeners.close()
    finally:
        await engine.stop()


async def _end(starting: asyncio.Future[Engine]) -> None:
    """End a start that was to be cancelled, however that has ended."""
    if starting.cancelled():
        return
    if (error := starting.exception()) is None:
        await starting.result().stop()
    else:
        log.warning("the start was given up", action="serve", error=named(error))


def _http_port(settings: Settings) -> int | None:
    return settings.http.port if NodeRole.API in settings.node.roles else None


def _signals() -> asyncio.Event:
    """Set an event at SIGTERM and SIGINT; a terminal that closes does not end an engine."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return told


async def _first(*events: asyncio.Event, beside: asyncio.Future[Any] | None = None) -> None:
    """Wait for the first of some events, or for what goes on beside them to end."""
    waiting = [asyncio.ensure_future(event.wait()) for event in events]
    others = [] if beside is None else [beside]
    try:
        await asyncio.wait([*waiting, *others], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def _say_ready(facts: dict[str, object], http: str, socket: str) -> None:
    line = {"ready": True} | facts | {"http": http, "socket": socket, "pid": os.getpid()}
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
