# SPDX-License-Identifier: Apache-2.0
"""Binds the ports that receivers listen on. The engine does this, once per port; workers get the
sockets and never bind."""

from __future__ import annotations

import os
import socket

from engine.model.errors import Unavailable

BACKLOG = 128


def bind(host: str, port: int) -> socket.socket:
    """Listen on a port; an empty `host` means every address, IPv4 and IPv6.

    Raises:
        Unavailable: naming the port and why it cannot be had.
    """
    try:
        if not host and socket.has_dualstack_ipv6():
            return _listen(socket.AF_INET6, ("::", port), dualstack=True)
        found = socket.getaddrinfo(
            host or "0.0.0.0",
            port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV,
        )
        family, _, _, _, address = found[0]
        return _listen(family, (str(address[0]), port), dualstack=False)
    except (OSError, OverflowError) as error:
        raise Unavailable(
            f"port {port} cannot be opened on {host or 'any address'}: {_reason(error)}",
            hint="choose another port, or end the program that has it",
        ) from error


def _listen(family: int, address: tuple[str, int], *, dualstack: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dualstack else 1)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def _reason(error: OSError | OverflowError) -> str:
    if isinstance(error, OSError) and error.errno and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return str(error.args[-1])
