# SPDX-License-Identifier: Apache-2.0
"""The addresses that an engine serves: its nouns and verbs over the Unix socket, and only a sign of
life over TCP. Connections are accepted in `engine.server.unix` and `engine.server.http`."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
from typing import Any, Protocol

import msgspec
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.model.errors import (
    Conflict,
    EngineError,
    InvalidInput,
    NotFound,
    Outage,
    Refused,
    Unavailable,
)
from engine.model.outage import store_outage
from engine.service.api import EngineApi
from engine.service.wire import Verb, encode_error, find_verb

log = structlog.get_logger(__name__)

LARGEST_CALL = 4 * 1024 * 1024
"""Bytes of the arguments of one call; a rule text is the longest of them."""

_STATUS = {
    InvalidInput.code: 400,
    Refused.code: 403,
    NotFound.code: 404,
    Conflict.code: 409,
    Unavailable.code: 503,
    Outage.code: 503,
}


class Acting(Protocol):
    """What can be asked on behalf of somebody."""

    def acting(self, actor: str) -> EngineApi:
        """Return the engine as one actor sees it."""
        ...


def rpc_app(engine: Acting, closing: asyncio.Event) -> Starlette:
    """Make the application of the Unix socket; waiting verbs end when `closing` is set."""
    owner = os.geteuid()

    async def call(request: Request) -> Response:
        try:
            verb = find_verb(request.path_params["address"])
            actor = actor_of(getattr(request.state, "peer_uid", None), owner)
            arguments = verb.decode_call(await _body(request))
            result = await _answer(verb, engine.acting(actor), arguments, closing)
        except EngineError as error:
            return _json(encode_error(error), _STATUS.get(error.code, 500))
        except Exception as error:
            told = _told(error)
            return _json(encode_error(told), _STATUS.get(told.code, 500))
        return _json(verb.encode_result(result))

    return Starlette(
        routes=[
            Route("/rpc/{address}", call, methods=["POST"]),
            Route("/{rest:path}", _nothing_here, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )


def health_app() -> Starlette:
    """Make the application of the TCP port: that an engine is there, and nothing else."""

    async def alive(request: Request) -> Response:
        return _json(msgspec.json.encode({"name": "anteroom", "ready": True}))

    return Starlette(routes=[Route("/", alive, methods=["GET"])])


def actor_of(uid: int | None, owner: int) -> str:
    """Name the actor of a peer; raise `Refused` for all but root and the engine's own user."""
    if uid is None:
        raise Refused("the engine could not determine who is calling")
    if uid not in (0, owner):
        raise Refused(
            "this Unix user has no role on this engine",
            hint="ask the user who runs the engine",
        )
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid:{uid}"


async def _answer(
    verb: Verb, engine: EngineApi, arguments: dict[str, Any], closing: asyncio.Event
) -> Any:
    ask = getattr(getattr(engine, verb.noun), verb.name)
    if not verb.waits:
        return await ask(**arguments)
    asking = asyncio.ensure_future(ask(**arguments))
    closed = asyncio.ensure_future(closing.wait())
    try:
        await asyncio.wait((asking, closed), return_when=asyncio.FIRST_COMPLETED)
        if asking.done():
            return asking.result()
        raise Unavailable("the engine is stopping")
    finally:
        asking.cancel()
        closed.cancel()


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_CALL:
            raise InvalidInput(f"a call may hold at most {LARGEST_CALL} bytes")
    return bytes(body)


def _told(error: Exception) -> EngineError:
    """Return what a fault that no part has put into words is for who asked."""
    if isinstance(error, OSError) and (known := store_outage(error)) is not None:
        log.warning("store fails", action="rpc", error=error.strerror)
        return known
    reference = secrets.token_hex(4)
    log.error("unexpected", action="rpc", reference=reference, exc_info=error)
    return EngineError(
        f"the engine failed at this (reference {reference})",
        hint="the log of the home has the details under this reference",
    )


async def _nothing_here(request: Request) -> Response:
    return _json(encode_error(NotFound("the engine has no such address")), 404)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status_code=status, media_type="application/json")
