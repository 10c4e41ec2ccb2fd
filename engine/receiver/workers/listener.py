# SPDX-License-Identifier: Apache-2.0
"""Accepts connections on sockets that the engine has bound and shares among its workers. The set of
sockets may change at any time; a callback serves the connections."""

from __future__ import annotations

import array
import json
import os
import select
import socket
import threading
from collections.abc import Callable, Mapping

import structlog

_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_MESSAGE = 8192
_MOST_PORTS = 250
"""One message carries at most 253 descriptors on Linux."""

BACK_OFF = 0.25
"""Seconds of rest after a connection could not be taken: it waits in the backlog meanwhile."""

_log = structlog.get_logger(__name__)


def give_sockets(control: socket.socket, sockets: Mapping[int, socket.socket]) -> None:
    """Tell a worker over its control socket to listen on exactly these, by port.

    Raises:
        OSError: if the worker cannot be told.
        ValueError: if there are more ports than one message can carry.
    """
    if len(sockets) > _MOST_PORTS:
        raise ValueError(f"more than {_MOST_PORTS} receiver ports")
    descriptors = array.array("i", [sock.fileno() for sock in sockets.values()])
    ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if sockets else []
    control.sendmsg([json.dumps(list(sockets)).encode()], ancillary)


def control_pair() -> tuple[socket.socket, socket.socket]:
    """Make both ends over which a worker is given its sockets; one datagram is one full list."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


class Listener:
    """A thread that accepts. `serve(connection, peer address, port)` starts what serves it and may
    raise OSError when it cannot; `listening(ports)` answers each message of the engine."""

    def __init__(
        self,
        control: socket.socket,
        *,
        serve: Callable[[socket.socket, str, int], None],
        listening: Callable[[tuple[int, ...]], None],
    ) -> None:
        """Listen on what comes through `control`; nothing is accepted before that."""
        self._control = control
        self._serve = serve
        self._told = listening
        self._sockets: dict[int, tuple[int, socket.socket]] = {}
        self._poll = select.poll()
        self._stop, self._stopper = os.pipe()
        self._poll.register(self._stop, select.POLLIN)
        self._poll.register(control, select.POLLIN)
        control.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more: when this returns, no new connection is served. Call it once."""
        os.write(self._stopper, b"\0")
        self._thread.join()
        for descriptor in (self._stop, self._stopper):
            os.close(descriptor)
        self._control.close()

    def _run(self) -> None:
        while True:
            ready = [descriptor for descriptor, _ in self._poll.poll()]
            if self._stop in ready:
                break
            if self._control.fileno() in ready:
                # This may close sockets that are still in `ready`: poll again instead
                # of using them.
                self._take_sockets()
                continue
            for descriptor in ready:
                if not self._accept(*self._sockets[descriptor]) and self._rest():
                    self._drop_sockets()
                    return
        self._drop_sockets()

    def _accept(self, port: int, listening: socket.socket) -> bool:
        """Take one connection; false when there is reason to rest before the next."""
        try:
            connection, address = listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return True  # another worker was faster, or the peer has gone again
        except OSError as error:
            _log.warning("accept_failed", port=port, reason=os.strerror(error.errno or 0))
            return False
        try:
            self._serve(connection, str(address[0]), port)
        except OSError as error:
            connection.close()
            _log.warning("connection_dropped", port=port, reason=os.strerror(error.errno or 0))
            return False
        return True

    def _rest(self) -> bool:
        """Let descriptors become free; true when told to stop meanwhile."""
        # A connection that could not be accepted stays readable: without a rest, poll would return
        # at once, and a worker that is out of descriptors would burn a core.
        stop = select.poll()
        stop.register(self._stop, select.POLLIN)
        return bool(stop.poll(int(BACK_OFF * 1000)))

    def _take_sockets(self) -> None:
        try:
            data, descriptors, flags, _ = socket.recv_fds(
                self._control, _MESSAGE, _MOST_PORTS, _CLOEXEC
            )
        except BlockingIOError:
            return
        except OSError:
            data, descriptors, flags = b"", [], 0
        sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        if not data:
            # The engine has hung up, which poll would report for ever. The sockets stay: it is the
            # channel that tells a worker to end.
            self._poll.unregister(self._control)
            return
        ports = json.loads(data)
        if flags & socket.MSG_CTRUNC or len(ports) != len(sockets):
            # Out of descriptors: the old ones stay, and the engine hears that they did.
            for sock in sockets:
                sock.close()
            _log.error("sockets_not_taken", ports=len(ports), arrived=len(sockets))
        else:
            self._drop_sockets()
            for port, sock in zip(ports, sockets, strict=True):
                sock.setblocking(False)
                self._sockets[sock.fileno()] = (port, sock)
                self._poll.register(sock, select.POLLIN)
        self._told(tuple(port for port, _ in self._sockets.values()))

    def _drop_sockets(self) -> None:
        for descriptor, (_, sock) in self._sockets.items():
            self._poll.unregister(descriptor)
            sock.close()
        self._sockets.clear()
