# SPDX-License-Identifier: Apache-2.0
"""An engine in another process, called over its Unix socket. The nouns and verbs are generated from
the protocols in `engine.service.api`; nothing here is written per verb."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

import httpx

from engine.model.errors import Refused, Unavailable
from engine.service.api import EngineApi
from engine.service.wire import VERBS, Verb, decode_error

CONNECT_SECONDS = 5.0
ACT_SECONDS = 600.0
"""An act on many sessions may take minutes before it answers."""

SILENT_SECONDS = 10.0
"""How long an engine may be silent before the caller is told."""

MARGIN_SECONDS = 15.0
"""What a waiting verb may take beyond the wait that was asked for."""

IDLE_SECONDS = 5.0
"""An idle connection is dropped before the server drops it, so that no call meets a closing one."""


SILENT = Unavailable(
    f"the engine has not answered for {SILENT_SECONDS:.0f} seconds",
    hint="it is busy or hangs: see the log of its home; keep waiting, or leave",
)
"""What is said of an engine that is connected and silent. No call fails for it."""


Silent = Callable[[str, Unavailable], object]
"""Is told `noun.verb` and what to say."""


def _unheard(_asked: str, _error: Unavailable) -> None:
    """Let a call wait without a word."""


class RemoteEngine(EngineApi):
    """An engine whose actor is the Unix user of this process, or whoever is shown."""

    def __init__(
        self,
        socket: Path,
        *,
        silent: Silent = _unheard,
        silence: float = SILENT_SECONDS,
        shows: str = "",
    ) -> None:
        """Prepare to ask the engine at `socket`; nothing is sent yet.

        Args:
            socket: Where the engine listens.
            silent: Is told, once for each call, which verb the engine does not answer; it waits on.
            silence: Seconds until then; a verb that waits for news has its wait besides.
            shows: What an Authorization header is to say (RFC 7617, RFC 6750); with none the engine
                takes the Unix user of this process.
        """
        self.silent = silent
        self._silence = silence
        self._client = httpx.AsyncClient(
            transport=httpx.AsyncHTTPTransport(
                uds=str(socket),
                limits=httpx.Limits(keepalive_expiry=IDLE_SECONDS),
                verify=False,  # no TLS on a Unix socket; reading the certificates takes 20 ms
            ),
            base_url="http://engine",
            headers={"Authorization": shows} if shows else None,
            trust_env=False,
            timeout=httpx.Timeout(ACT_SECONDS, connect=CONNECT_SECONDS),
        )
        for noun, verbs in VERBS.items():
            asked: dict[str, Callable[..., Awaitable[Any]]] = {
                verb.name: partial(self._ask, verb) for verb in verbs.values()
            }
            setattr(self, noun, SimpleNamespace(**asked))

    async def __aenter__(self) -> RemoteEngine:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _is_silent(self, asked: str) -> None:
        self.silent(asked, SILENT)

    async def _ask(self, verb: Verb, /, *args: Any, **kwargs: Any) -> Any:
        arguments = verb.bind(args, kwargs)
        patience = self._silence + (float(arguments.get("wait", 0.0)) if verb.waits else 0.0)
        silent = asyncio.get_running_loop().call_later(
            patience, self._is_silent, f"{verb.noun}.{verb.name}"
        )
        try:
            response = await self._client.post(
                verb.path, content=verb.encode_call(arguments), timeout=_timeout(verb, arguments)
            )
        except httpx.ConnectError as error:
            if _forbidden(error):
                raise Refused(
                    "this Unix user may not speak to the engine of this home",
                    hint="ask the user who runs the engine",
                ) from error
            raise Unavailable(
                "no engine is running on this home",
                hint="start it with 'anteroom serve' or open 'anteroom'",
            ) from error
        except httpx.TransportError as error:
            raise Unavailable(
                "the engine did not answer",
                hint="look at it with 'anteroom status' and in the log of its home",
            ) from error
        finally:
            silent.cancel()
        if response.status_code == httpx.codes.OK:
            return verb.decode_result(response.content)
        raise decode_error(response.content)


def _forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, PermissionError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _timeout(verb: Verb, arguments: dict[str, Any]) -> httpx.Timeout:
    seconds = ACT_SECONDS
    if verb.waits:
        seconds = float(arguments.get("wait", 0.0)) + MARGIN_SECONDS
    return httpx.Timeout(seconds, connect=CONNECT_SECONDS)
