# SPDX-License-Identifier: Apache-2.0
"""Peers to call: dcmtk's storescp, an SCP of pynetdicom that does as it is told, and some that only
know TCP."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pynetdicom import AE
from pynetdicom.transport import ThreadedAssociationServer

STORESCP = "/usr/bin/storescp"
_POLL = 0.02
VERIFICATION = "1.2.840.10008.1.1"


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def storescp(folder: Path, *words: str) -> Iterator[int]:
    """Run dcmtk's storescp, which writes into a folder; its port."""
    port = free_port()
    process = subprocess.Popen(
        [STORESCP, "--output-directory", str(folder), "--promiscuous", *words, str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until_open(port)
        yield port
    finally:
        process.kill()
        process.wait()


def until_open(port: int) -> None:
    """Wait until something listens on a port."""
    pause = threading.Event()
    for _ in range(500):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
            return
        pause.wait(0.02)
    raise AssertionError("nothing listens")


@contextmanager
def scp(
    *,
    contexts: Sequence[str | tuple[str, Sequence[str]]] = (VERIFICATION,),
    handlers: Sequence[Any] = (),
    tls: ssl.SSLContext | None = None,
    require_called: bool = False,
    require_calling: Sequence[str] = (),
    port: int = 0,
    max_pdu: int = 16_382,
) -> Iterator[int]:
    """Run an SCP of pynetdicom; its port."""
    entity = AE(ae_title="PEER")
    entity.maximum_pdu_size = max_pdu
    entity.require_called_aet = require_called
    entity.require_calling_aet = list(require_calling)
    for context in contexts:
        if isinstance(context, str):
            entity.add_supported_context(context)
        else:
            entity.add_supported_context(context[0], list(context[1]))
    server = entity.make_server(
        ("127.0.0.1", port),
        evt_handlers=list(handlers),
        ssl_context=tls,
        server_class=ThreadedAssociationServer,
    )
    assert server.socket is not None
    # As `start_server` does, but for the half second that its end would take.
    thread = threading.Thread(target=server.serve_forever, args=(_POLL,))
    thread.start()
    entity._servers.append(server)
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join()


@contextmanager
def silent(*, hang_up: bool = False) -> Iterator[int]:
    """Listen, and say nothing, or hang up."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                while True:
                    made, _ = listening.accept()
                    if hang_up:
                        made.recv(6)
                        made.close()
                    else:
                        held.append(made)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield int(listening.getsockname()[1])
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()
            for one in held:
                one.close()


class Relay:
    """Stands between a caller and a peer, and keeps what the caller sends as it comes."""

    def __init__(self, port: int) -> None:
        """Go between a caller and what listens on `port`."""
        self.sent = bytearray()
        self._to = port
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Wait until both have hung up."""
        self._thread.join()
        self._listening.close()

    def _serve(self) -> None:
        caller, _ = self._listening.accept()
        peer = socket.create_connection(("127.0.0.1", self._to))
        back = threading.Thread(target=self._pass_on, args=(peer, caller, bytearray()))
        back.start()
        self._pass_on(caller, peer, self.sent)
        back.join()
        caller.close()
        peer.close()

    def _pass_on(self, here: socket.socket, there: socket.socket, kept: bytearray) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                kept += data
                there.sendall(data)
        with suppress(OSError):
            there.shutdown(socket.SHUT_WR)
