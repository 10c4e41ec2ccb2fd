# SPDX-License-Identifier: Apache-2.0
"""An open association with a remote: connected in bounded time, with or without TLS, and ended in
bounded time whatever the remote does. Each failure is an `Unreached` with its reason.

pynetdicom keeps the reason of a failed connection to its log, and waits without a limit for a peer
that does not take in what is sent. So the socket is connected here, and keeps a time-out."""

from __future__ import annotations

import errno
import logging
import socket
import ssl
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from pynetdicom import AE, _config
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import (
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
)
from pynetdicom.presentation import PresentationContext
from pynetdicom.transport import T_CONNECT, AddressInformation, AssociationSocket

from engine.model.remotes import Remote
from engine.remotes.faults import (
    NothingAccepted,
    Unreached,
    of_connection,
    of_rejection,
    of_silence,
)
from engine.remotes.requestor import associate
from engine.remotes.tls import client_context

_TALKATIVE = ("pydicom", "pynetdicom")


def quiet() -> None:
    """Have pydicom and pynetdicom say nothing: of values that they find odd, and of messages, they
    say what is in them. Call it before either gets anything of an object."""
    _config.LOG_HANDLER_LEVEL = "none"
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # What one thread sets holds for all: those of pynetdicom read and write as well.
    warnings.filterwarnings("ignore", module=rf"({'|'.join(_TALKATIVE)})\b")


class Cord:
    """By which a thread cuts the connection of another one, which then ends with a fault."""

    def __init__(self) -> None:
        """Hold no connection yet."""
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._is_cut = False

    def tie(self, connection: socket.socket) -> None:
        """Hold a connection from now on, also one that is still to come about.

        Raises:
            ConnectionAbortedError: if it was cut.
        """
        with self._lock:
            self._connection = connection
            if self._is_cut:
                _shut(connection)
                raise ConnectionAbortedError(errno.ECONNABORTED, "it was cut")

    def cut(self) -> None:
        """Cut the connection that there is, and each that comes."""
        with self._lock:
            self._is_cut = True
            if self._connection is not None:
                _shut(self._connection)


def _shut(connection: socket.socket) -> None:
    """Let nothing go over a connection any more."""
    with suppress(OSError):
        # Not as TLS has it, which gives up the encryption first: what another thread sends in that
        # moment would go in plain text.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Socket(AssociationSocket):
    """A connection to a remote that tells why it did not come about."""

    def __init__(
        self,
        association: Association,
        address: Any,
        entity: _Entity,
        remote: Remote,
        tls: ssl.SSLContext | None,
    ) -> None:
        self._entity = entity
        self._remote = remote
        self._tls = tls
        super().__init__(association, address=address)

    def _create_socket(self, _address: AddressInformation) -> socket.socket:
        # It is made when it is connected, once it is known by which address that works.
        self._is_connected = False
        return None  # type: ignore[return-value]

    def connect(self, primitive: T_CONNECT) -> None:
        """Connect, within the time-out for that."""
        remote = self._remote
        try:
            self.socket = self._entity.connection = self._secured(self._connected())
            self.assoc.requestor.address_info = AddressInformation.from_tuple(
                self.socket.getsockname()
            )
            self._is_connected = True
            primitive.result = "Evt2"
        except (OSError, UnicodeError) as error:
            self._entity.fault = error
            self.socket = None
            primitive.result = "Evt17"
        else:
            # Also of what is sent: a remote that takes in nothing is not waited for for ever.
            self.socket.settimeout(remote.answer_timeout)
        self.provider_queue.put(primitive)
        self._ready.set()

    def recv(self, nr_bytes: int) -> bytearray:
        """Read so many bytes, and have what came acknowledged at once: peers that write an answer
        in two pieces wait for that before the second, some 40 ms for each object."""
        if self.socket is not None and hasattr(socket, "TCP_QUICKACK"):
            # It lasts for a moment only, and the connection may just have ended.
            with suppress(OSError):
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().recv(nr_bytes)

    def _connected(self) -> socket.socket:
        """Connect to the first address of the remote that answers."""
        remote = self._remote
        fault: OSError | None = None
        for family, kind, protocol, _, address in socket.getaddrinfo(
            remote.host, remote.port, type=socket.SOCK_STREAM
        ):
            made = socket.socket(family, kind, protocol)
            try:
                made.settimeout(remote.connect_timeout)
                self._entity.cord.tie(made)
                made.connect(address)
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                # One that was cut in the meantime may pass for connected.
                self._entity.cord.tie(made)
            except ConnectionAbortedError:
                made.close()
                raise
            except OSError as error:
                made.close()
                fault = error
            else:
                return made
        raise fault or OSError(errno.EADDRNOTAVAIL, "no address")

    def _secured(self, made: socket.socket) -> socket.socket:
        """Begin TLS where the remote has it."""
        if self._tls is None:
            return made
        name = self._remote.tls_name or self._remote.host
        secured = made
        try:
            # `wrap_socket` would do it too late, and leave the connection open.
            name.encode("idna")
            secured = self._tls.wrap_socket(
                made, server_hostname=name, do_handshake_on_connect=False
            )
            self._entity.cord.tie(secured)
            secured.do_handshake()
        except (OSError, UnicodeError):
            secured.close()
            raise
        return secured


class _Entity(AE):
    """Our side of the associations with one remote."""

    def __init__(
        self, remote: Remote, calling: str, tls: ssl.SSLContext | None, cord: Cord
    ) -> None:
        super().__init__(ae_title=calling)
        self.cord = cord
        self._remote = remote
        self._tls = tls
        self.acse_timeout = self.connection_timeout = remote.connect_timeout
        self.dimse_timeout = self.network_timeout = remote.answer_timeout
        self.fault: OSError | UnicodeError | None = None
        """What the connection failed of."""
        self.connection: socket.socket | None = None

    def _create_socket(self, association: Association, address: Any, _tls: Any) -> _Socket:
        return _Socket(association, address, self, self._remote, self._tls)


@contextmanager
def opened(
    remote: Remote,
    contexts: Sequence[PresentationContext],
    *,
    calling: str,
    max_pdu: int,
    cord: Cord | None = None,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = (),
) -> Iterator[Association]:
    """Open an association, and release it at the end; it is aborted where that fails. Another
    thread may cut it with `cord`. `roles` are proposed where we are not the client.

    Raises:
        NothingAccepted: if the remote accepts none of the contexts.
        Unreached: if there is no association, with the reason.
    """
    quiet()
    entity = _Entity(remote, calling, client_context(remote), cord or Cord())
    try:
        association = _associated(entity, remote, contexts, max_pdu, roles)
        try:
            yield association
        except BaseException:
            _end(association, politely=False)
            raise
        _end(association, politely=True)
    finally:
        if entity.connection is not None:
            # Closing gives up the encryption first, too, and a thread may still send.
            _shut(entity.connection)
            entity.connection.close()


def _associated(
    entity: _Entity,
    remote: Remote,
    contexts: Sequence[PresentationContext],
    max_pdu: int,
    roles: Sequence[SCP_SCU_RoleSelectionNegotiation],
) -> Association:
    began = time.monotonic()
    try:
        association = associate(
            entity,
            remote.host,
            remote.port,
            called=remote.ae_title,
            contexts=list(contexts),
            max_pdu=max_pdu,
            ext_neg=list(roles),
        )
    except (socket.gaierror, UnicodeError) as error:
        raise of_connection(remote, error) from error
    if not association.is_established:
        raise _fault(association, entity, remote, time.monotonic() - began)
    _limit(association, max_pdu)
    return association


def _fault(association: Association, entity: _Entity, remote: Remote, seconds: float) -> Unreached:
    """Say why an association was not established."""
    if entity.fault is not None:
        return of_connection(remote, entity.fault)
    answer = association.acceptor.primitive
    if answer is not None and answer.result == 0:
        return NothingAccepted(f"{remote.ae_title} accepts nothing of what was proposed")
    if association.is_rejected and answer is not None:
        return of_rejection(
            remote, entity.ae_title, answer.result, answer.result_source, answer.diagnostic
        )
    return of_silence(remote, limit=remote.connect_timeout, waited=seconds)


def _limit(association: Association, max_pdu: int) -> None:
    """Send no larger PDUs than we would take: a remote without a limit would get each object as a
    whole, which would have to be in memory as a whole."""
    answer = association.acceptor.primitive
    for item in answer.user_information if answer is not None else ():
        if isinstance(item, MaximumLengthNotification):
            theirs = item.maximum_length_received or 0
            item.maximum_length_received = min(theirs, max_pdu) if theirs else max_pdu


def _end(association: Association, *, politely: bool) -> None:
    if politely and association.is_established:
        association.release()
    if not association.is_released:
        association.abort()
