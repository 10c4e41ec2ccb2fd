# SPDX-License-Identifier: Apache-2.0
"""The Unix socket of a home: how it is bound, and who is at the other end. The kernel gives the
peer's uid (SO_PEERCRED), so there is no login."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from pathlib import Path

from uvicorn.protocols.http.h11_impl import H11Protocol

from engine.model.errors import InvalidInput

MODE = 0o660
LONGEST_PATH = 107
"""Bytes of a socket's path that the kernel takes."""

BACKLOG = 128
_CREDENTIALS = struct.Struct("iII")


class PeerProtocol(H11Protocol):
    """HTTP/1.1 that puts the peer's uid into the state of each request, as `peer_uid`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Ask the kernel for the peer before the first request is read."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "peer_uid": peer_uid(transport)}


def peer_uid(transport: asyncio.BaseTransport) -> int | None:
    """Return the uid at the other end; None where the kernel does not say."""
    peer = transport.get_extra_info("socket")
    if peer is None or peer.family != socket.AF_UNIX:
        return None
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(credentials)
    return int(uid)


def bind(path: Path) -> socket.socket:
    """Bind and listen with mode 0660, replacing the socket of an engine that has gone.

    The socket appears under its name only when its mode is right. The caller holds the home's lock.
    """
    if len(os.fsencode(path)) > LONGEST_PATH - len(".new"):
        raise InvalidInput(
            "the path of the home is too long for a Unix socket",
            hint=f"choose a home of at most {LONGEST_PATH - len('/engine.sock.new')} bytes",
        )
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(str(fresh))
        os.chmod(fresh, MODE)
        listener.listen(BACKLOG)
        os.rename(fresh, path)
    except BaseException:
        listener.close()
        raise
    return listener
