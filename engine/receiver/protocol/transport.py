# SPDX-License-Identifier: Apache-2.0
"""The socket of an association: reading with a time limit, one write per answer, waking the reader
from another thread, and closing so that the peer can read the last PDU. PDUs are not known here."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import threading
import time
from collections.abc import Mapping

_QUICKACK = getattr(socket, "TCP_QUICKACK", None)
_CHUNK = 64 * 1024


class Interrupted(Exception):
    """Another thread asked for attention while this one waited to read."""


class Transport:
    """A connected socket, used by one thread; only `interrupt` may be called from others.

    The socket is tried first and polled only when it has nothing, so that a busy peer costs one
    system call per read. Plain and TLS sockets behave alike."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._secured = False
        self._lock = threading.Lock()
        self._closed = False
        sock.setblocking(False)
        # Many senders leave Nagle on: with ours on too, or with delayed ACKs, every object would
        # wait 40 ms for nothing.
        self._quickack = _QUICKACK
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            # Not TCP but a Unix socket, which has no ACKs to hurry.
            self._quickack = None
        self._wake, self._waker = os.pipe()
        self._readers = select.poll()
        self._readers.register(sock, select.POLLIN)
        self._readers.register(self._wake, select.POLLIN)
        self._patience = 0.0
        self._left = 0.0
        self._renewal = 0
        self._unrenewed = 0

    def peek(self) -> int:
        """Return the first byte that the peer has sent without taking it; -1 at the peer's end.

        Raises as `receive` does."""
        while True:
            try:
                found = self._sock.recv(1, socket.MSG_PEEK)
            except BlockingIOError:
                self._await_input()
                continue
            return found[0] if found else -1

    def secure(self, context: ssl.SSLContext) -> None:
        """Go on with TLS, as the server; a call that was interrupted is made again.

        Raises as `receive` does, with ssl.SSLError where the handshake fails."""
        if not isinstance(self._sock, ssl.SSLSocket):
            # The descriptor stays, and so does what is polled.
            self._sock = context.wrap_socket(
                self._sock, server_side=True, do_handshake_on_connect=False
            )
        while True:
            try:
                self._sock.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._await_input()
            except ssl.SSLWantWriteError:
                self._await_output()
        self._secured = True

    def peer_certificate(self) -> Mapping[str, object]:
        """Return the certificate that the peer has shown and that was verified; else nothing."""
        if not isinstance(self._sock, ssl.SSLSocket):
            return {}
        return self._sock.getpeercert() or {}

    def allow(self, patience: float, *, renewal: int = 0) -> None:
        """Let the peer keep us waiting for `patience` seconds in all, from now on.

        Only time spent waiting counts, not our own work. Each `renewal` bytes received buy the
        whole time again; 0: none do."""
        self._patience = patience
        self._renewal = renewal
        self.renew()

    def renew(self) -> None:
        """Start the peer's time limit anew."""
        self._left = self._patience
        self._unrenewed = 0

    def receive(self, target: memoryview) -> int:
        """Read what there is, at least one byte, or 0 at the peer's end.

        Raises TimeoutError when patience is spent, Interrupted, or OSError of the connection."""
        while True:
            try:
                count = self._sock.recv_into(target)
            except (BlockingIOError, ssl.SSLWantReadError):
                self._await_input()
                continue
            except ssl.SSLWantWriteError:
                self._await_output()
                continue
            self._unrenewed += count
            if self._renewal and self._unrenewed >= self._renewal:
                self.renew()
            # The kernel resets this option by itself (tcp(7)): it has to be set for every read.
            if self._quickack is not None:
                with contextlib.suppress(OSError):
                    self._sock.setsockopt(socket.IPPROTO_TCP, self._quickack, 1)
            return count

    def send(self, data: bytes) -> None:
        """Write all of `data`, in one call unless the peer does not read.

        Raises TimeoutError when patience is spent, or OSError of the connection."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._sock.send(rest) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self._await_output()
            except ssl.SSLWantReadError:
                self._await_input()

    def _await_input(self) -> None:
        ready = self._spend(self._readers)
        if any(descriptor == self._wake for descriptor, _ in ready):
            os.read(self._wake, 64)
            raise Interrupted

    def _await_output(self) -> None:
        writers = select.poll()
        writers.register(self._sock, select.POLLOUT)
        self._spend(writers)

    def _spend(self, poll: select.poll) -> list[tuple[int, int]]:
        if self._left <= 0:
            raise TimeoutError
        began = time.monotonic()
        # Rounded up: a wait of 0 ms would spin through the last fraction of patience.
        ready = poll.poll(int(self._left * 1000) + 1)
        self._left -= time.monotonic() - began
        if not ready:
            raise TimeoutError
        return ready

    def interrupt(self) -> None:
        """Make a present or future `receive` that has to wait raise Interrupted, once."""
        with self._lock:
            # Once the pipe is closed its descriptor number may belong to another file.
            if not self._closed:
                os.write(self._waker, b"\0")

    def close(self, linger: float = 0.0) -> None:
        """Close, giving the peer `linger` seconds to read our last words and hang up first.

        Closing over unread input would make the kernel send a reset that overtakes them."""
        if self._secured and isinstance(self._sock, ssl.SSLSocket):
            # Says that nothing was cut off (RFC 8446 6.1); nobody waits for the answer.
            self._secured = False
            with contextlib.suppress(OSError, ValueError):
                self._sock.unwrap()
        if linger > 0:
            with contextlib.suppress(OSError, TimeoutError):
                self._drain(linger)
        with self._lock:
            if self._closed:
                return
            self._closed = True
            os.close(self._wake)
            os.close(self._waker)
        with contextlib.suppress(OSError):
            self._sock.close()

    def _drain(self, linger: float) -> None:
        # The peer reads our last PDU, then the end of the stream, and hangs up.
        self._sock.shutdown(socket.SHUT_WR)
        self.allow(linger)
        # A deadline of its own: patience counts only waiting, and a peer that keeps
        # sending causes none.
        end = time.monotonic() + linger
        target = memoryview(bytearray(_CHUNK))
        while time.monotonic() < end:
            try:
                if not self.receive(target):
                    return
            except Interrupted:
                continue
