# SPDX-License-Identifier: Apache-2.0
"""The addresses that an engine serves: its nouns and verbs over the Unix socket, and only a sign of
life over TCP. Connections are accepted in `engine.server.unix` and `engine.server.http`."""

from __future__ import annotations

import asyncio
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
    NotTaken,
    Outage,
    Refused,
    Unavailable,
)
from engine.model.outage import store_outage
from engine.model.people import Actor
from engine.service.api import EngineApi
from engine.service.wire import Verb, encode_error, find_verb

log = structlog.get_logger(__name__)

LARGEST_CALL = 4 * 1024 * 1024
"""Bytes of the arguments of one call; a rule text is the longest of them."""

_STATUS = {
    InvalidInput.code: 400,
    NotTaken.code: 401,
    Refused.code: 403,
    NotFound.code: 404,
    Conflict.code: 409,
    Unavailable.code: 503,
    Outage.code: 503,
}


class Acting(Protocol):
    """What can be asked on behalf of somebody."""

    @property
    def recognition(self) -> Knows:
        """What tells who is asking."""
        ...

    def acting(self, actor: Actor) -> EngineApi:
        """Return the engine as one actor sees it."""
        ...


class Knows(Protocol):
    """What tells who is asking."""

    async def peer(self, uid: int | None) -> Actor:
        """Return a Unix user as actor."""
        ...

    async def shown(self, authorization: str, place: str = "") -> Actor:
        """Return whoever an Authorization header stands for that came from a place."""
        ...


def rpc_app(engine: Acting, closing: asyncio.Event) -> Starlette:
    """Make the application of the Unix socket; waiting verbs end when `closing` is set."""

    async def call(request: Request) -> Response:
        try:
            verb = find_verb(request.path_params["address"])
            actor = await _actor(engine.recognition, request)
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


async def _actor(knows: Knows, request: Request) -> Actor:
    """Return who is asking: whoever the call says, else the Unix user at the other end."""
    shown = request.headers.get("authorization")
    uid = getattr(request.state, "peer_uid", None)
    if shown is not None:
        address = request.client.host if request.client is not None else ""
        return await knows.shown(shown, f"uid {uid}" if uid is not None else address)
    return await knows.peer(uid)


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
