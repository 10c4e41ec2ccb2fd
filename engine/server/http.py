# SPDX-License-Identifier: Apache-2.0
"""The listeners of one engine, in its own event loop: the Unix socket of its home, and a TCP port.
Requests are answered in `engine.server.app`; signals are handled by the caller."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from engine.model.errors import Unavailable
from engine.server import unix
from engine.server.app import Acting, health_app, rpc_app

GRACE_SECONDS = 10
"""How long a running act may go on once the engine is told to stop."""

KEEP_ALIVE_SECONDS = 30


class _Quiet(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ending = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the owner of the loop."""
        yield

    async def main_loop(self) -> None:
        """Wait for the end. The server's own loop looks ten times a second whether it has come, and
        does nothing else that is wanted here."""
        await self.on_tick(0)
        await self.ending.wait()

    def end(self) -> None:
        """Let the server come to its end."""
        self.should_exit = True
        self.ending.set()


class Listeners:
    """The open doors of an engine. Make them with `open`."""

    def __init__(
        self, path: Path, http: str, closing: asyncio.Event, running: list[_Running]
    ) -> None:
        self.socket = path
        self.http = http
        """Address of the TCP port, empty when there is none."""
        self._closing = closing
        self._running = running

    @classmethod
    async def open(
        cls, engine: Acting, path: Path, *, host: str = "127.0.0.1", port: int | None = None
    ) -> Listeners:
        """Listen on the Unix socket at `path` and, unless `port` is None, on TCP (0: any free)."""
        closing = asyncio.Event()
        tcp = None if port is None else _bind_tcp(host, port)
        running: list[_Running] = []
        http = ""
        try:
            running.append(_serve(rpc_app(engine, closing), unix.bind(path), unix.PeerProtocol))
            if tcp is not None:
                http = f"http://{host}:{tcp.getsockname()[1]}"
                running.append(_serve(health_app(), tcp, "h11"))
        except BaseException:
            if tcp is not None:
                tcp.close()
            await _stop(running)
            raise
        return cls(path, http, closing, running)

    async def close(self) -> None:
        """Let running calls end, waiting ones at once, and remove the socket."""
        self._closing.set()
        # The name is removed first, so that clients do not find an engine that is closing.
        self.socket.unlink(missing_ok=True)
        await _stop(self._running)


class _Running:
    def __init__(self, server: _Quiet, task: asyncio.Task[None]) -> None:
        self.server = server
        self.task = task


def _serve(app: Starlette, listener: socket.socket, protocol: Any) -> _Running:
    # The socket listens already: who connects before the server's task runs waits in the backlog.
    server = _Quiet(
        uvicorn.Config(
            app,
            http=protocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    listener.setblocking(False)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="http")
    return _Running(server, task)


async def _stop(running: list[_Running]) -> None:
    for one in running:
        one.server.end()
    await asyncio.gather(*(one.task for one in running))


def _bind_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(unix.BACKLOG)
    except OSError as error:
        listener.close()
        raise Unavailable(
            f"the HTTP port {port} is in use",
            hint="choose another with --http-port, or 0 for any free one",
        ) from error
    return listener
