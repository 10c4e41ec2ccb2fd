# SPDX-License-Identifier: Apache-2.0
"""How a command asks an engine: it finds the home, connects to the socket, runs, and turns an error
into a sentence and an exit code. Commands are written as coroutines that take an `EngineApi`."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import socket
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import typer

from console.commands.options import Before, HomeOption
from console.commands.output import complain, warn
from console.runtime.log import log_to_home
from engine.model.access import user_name
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.home import Home
from engine.model.outage import store_outage
from engine.service.api import EngineApi

FAILED = 1
"""Exit code of what was refused or failed; wrong usage is 2, which Typer gives."""

LEFT = 130
"""Exit code of what the person left with ctrl+c, as shells have it."""

_Command = TypeVar("_Command", bound=Callable[..., Coroutine[Any, Any, None]])


def asks(noun: typer.Typer, name: str, *, alone: bool = False) -> Callable[[_Command], _Command]:
    """Make a command of a coroutine whose first parameter is the engine; it gains `--home`. One
    that works `alone` opens the home itself where no engine serves it."""

    def register(function: _Command) -> _Command:
        hints = get_type_hints(function, include_extras=True)
        _engine, *rest = inspect.signature(function).parameters.values()
        own = [parameter.replace(annotation=hints[parameter.name]) for parameter in rest]
        added = [
            inspect.Parameter(
                "home", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=HomeOption
            ),
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
        ]
        keywords = [
            parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *added)
        ]

        @functools.wraps(function)
        def command(*, home: Path | None, context: typer.Context, **given: Any) -> None:
            run(_connected(context, home, functools.partial(function, **given), alone=alone))

        made: Any = command
        # Typer reads the parameters from here.
        made.__signature__ = inspect.Signature(keywords)
        made.__annotations__ = {one.name: one.annotation for one in keywords}
        del made.__wrapped__
        noun.command(name)(made)
        return function

    return register


def pairs(values: list[str]) -> dict[str, str]:
    """Read `NAME=VALUE` words; raise `InvalidInput` for one that is not."""
    found: dict[str, str] = {}
    for word in values:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{word} is not of the form NAME=VALUE")
        found[name] = value
    return found


@contextmanager
def failing() -> Iterator[None]:
    """Write an error on stderr, and exit with 1."""
    try:
        yield
    except EngineError as error:
        complain(error)
        raise typer.Exit(FAILED) from error


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command; an error is written on stderr and exits with 1, and ctrl+c with 130."""
    with finishing("left; what the engine was asked for may still be done"):
        asyncio.run(work)


@contextmanager
def finishing(when_left: str) -> Iterator[None]:
    """Write an error on stderr and exit with 1; at ctrl+c say what that means, and exit with
    130."""
    try:
        with failing():
            yield
    except OSError as error:
        told = store_outage(error)
        if told is None:
            raise
        complain(told)
        raise typer.Exit(FAILED) from error
    except KeyboardInterrupt:
        warn(when_left)
        raise typer.Exit(LEFT) from None


def find_home(context: typer.Context, named: Path | None) -> Home:
    """Find the home: named after the command, before it, or wherever homes are looked for."""
    return Home.find(named or before(context).home, os.environ)


def before(context: typer.Context) -> Before:
    """Return what was given before the name of the command."""
    given = context.find_root().obj
    return given if isinstance(given, Before) else Before()


async def _connected(
    context: typer.Context,
    named: Path | None,
    ask: Callable[[EngineApi], Awaitable[None]],
    *,
    alone: bool,
) -> None:
    # Loaded here: `serve` and what is done offline start sooner without it.
    from console.runtime.identity import Identity, asked  # noqa: PLC0415 (slow to load)

    home = find_home(context, named)
    identity = Identity.of(before(context).user, os.environ)
    # Whoever is somebody else than this Unix user is so to an engine only.
    if alone and home.exists and not identity.is_shown(home) and not _listens(home):
        try:
            await _by_itself(home, ask)
        except Conflict:
            # One that has started meanwhile can be asked.
            if not _listens(home):
                raise
        else:
            return
    async with asked(home, identity) as engine:
        await ask(engine)


def _listens(home: Home) -> bool:
    """Say whether somebody listens on the socket of a home, or may: who cannot look asks."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(home.socket))
        except (FileNotFoundError, ConnectionRefusedError):
            return not os.access(home.root, os.W_OK)
        except OSError:
            return True
    return True


async def _by_itself(home: Home, ask: Callable[[EngineApi], Awaitable[None]]) -> None:
    """Open a home that no engine serves, ask, and close it again."""
    # Loaded here, so that who asks an engine loads no database.
    from engine.service.engine import Engine  # noqa: PLC0415 (slow to load)

    os.umask(0o077)
    settings = home.ensure()
    log_to_home(home, "commands.log", settings.log)
    engine = await Engine.open_alone(home, settings)
    try:
        await ask(engine.acting(user_name(os.geteuid())))
    finally:
        await engine.stop()
