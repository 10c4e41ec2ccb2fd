# SPDX-License-Identifier: Apache-2.0
"""Who may open an association: the called and calling AE titles, the allow-list, and the limits.
The association sends the A-ASSOCIATE-RJ and reports the rejection."""

from __future__ import annotations

import ipaddress
import threading
from collections import Counter
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from engine.receiver.protocol.associate import APPLICATION_CONTEXT, AssociateRequest

if TYPE_CHECKING:
    from engine.intake.snapshot import ReceiverConfig

_K = TypeVar("_K")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HALF_OPEN_PER_PEER = 128
"""Connections of one address that may be without an association at the same time, in each worker. A
router or a PACS may open all associations that a receiver allows at once: a connection above this
limit is closed without a word, which no sender understands as "later"."""

HALF_OPEN = 256
"""The same over all addresses: each costs a thread until its ARTIM timer ends it."""


class RejectReason(Enum):
    """Why an association is refused: result, source, reason (PS3.8 9.3.4) and a sentence."""

    # PS3.8 table 9-21. Result 1 is permanent, 2 transient: only after 2 may a sender expect success
    # from trying again. Source 1 is the service user, 2 the provider's ACSE, 3 its presentation
    # layer; the same reason number means something else for each source.
    PROTOCOL_VERSION = (1, 2, 2, "protocol version not supported")
    APPLICATION_CONTEXT = (1, 1, 2, "application context not supported")
    CALLED_UNKNOWN = (1, 1, 7, "called AE title not recognised")
    CALLING_UNKNOWN = (1, 1, 3, "calling AE title or address not on the allow-list")
    LOCAL_LIMIT = (2, 3, 2, "local limit of associations exceeded")
    PEER_LIMIT = (2, 3, 2, "too many associations of this address at once")

    @property
    def codes(self) -> tuple[int, int, int]:
        """Result, source and reason as they go into the A-ASSOCIATE-RJ."""
        return self.value[:3]

    @property
    def sentence(self) -> str:
        """The reason in words, without peer data."""
        return self.value[3]


class Slots:
    """Count half-open connections and established associations; thread-safe.

    Only asked when a connection or an association begins or ends, never per object."""

    def __init__(
        self, *, half_open_per_peer: int = HALF_OPEN_PER_PEER, half_open: int = HALF_OPEN
    ) -> None:
        self._lock = threading.Lock()
        self._per_peer = half_open_per_peer
        self._all = half_open
        self._half_open: Counter[str] = Counter()
        self._established: Counter[tuple[str, int]] = Counter()
        self._of_peers: Counter[tuple[str, int, str]] = Counter()

    def arrive(self, peer: str) -> bool:
        """Count a new connection; false when its address or all together have too many."""
        with self._lock:
            if self._half_open[peer] >= self._per_peer or self._half_open.total() >= self._all:
                return False
            self._half_open[peer] += 1
            return True

    def depart(self, peer: str) -> None:
        """Uncount a connection that got its association, or ended without one."""
        with self._lock:
            _lower(self._half_open, peer)

    def take(self, receiver: ReceiverConfig) -> bool:
        """Count an association; false when the receiver's limit is reached."""
        key = (receiver.ae_title, receiver.port)
        with self._lock:
            if self._established[key] >= receiver.max_associations:
                return False
            self._established[key] += 1
            return True

    def give_back(self, receiver: ReceiverConfig) -> None:
        """Uncount an association that ended."""
        with self._lock:
            _lower(self._established, (receiver.ae_title, receiver.port))

    def take_peer(self, receiver: ReceiverConfig, peer: str) -> bool:
        """Count an association of an address; false when the receiver's limit is reached.

        It is counted without a limit too: one that is set later holds for all that are open."""
        key = (receiver.ae_title, receiver.port, peer)
        with self._lock:
            if receiver.max_per_peer and self._of_peers[key] >= receiver.max_per_peer:
                return False
            self._of_peers[key] += 1
            return True

    def give_back_peer(self, receiver: ReceiverConfig, peer: str) -> None:
        """Uncount an association of an address that ended."""
        with self._lock:
            _lower(self._of_peers, (receiver.ae_title, receiver.port, peer))

    def half_open(self, peer: str) -> int:
        """Connections of one address that have no association."""
        with self._lock:
            return self._half_open[peer]

    def established(self, receiver: ReceiverConfig) -> int:
        """Associations of a receiver now."""
        with self._lock:
            return self._established[(receiver.ae_title, receiver.port)]


def _lower(counter: Counter[_K], key: _K) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def admit(
    request: AssociateRequest, *, peer: str, port: int, receivers: Sequence[ReceiverConfig]
) -> ReceiverConfig | RejectReason:
    """Judge a request by everything but the local limit.

    `peer` is the sender's numeric address, `port` ours, on which it called."""
    # A bit field: bit 0 is version 1, and other bits may be set beside it (PS3.8 9.3.2).
    if not request.protocol_version & 1:
        return RejectReason.PROTOCOL_VERSION
    if request.application_context != APPLICATION_CONTEXT:
        return RejectReason.APPLICATION_CONTEXT
    for receiver in receivers:
        if receiver.ae_title == request.called and receiver.port == port and receiver.enabled:
            break
    else:
        return RejectReason.CALLED_UNKNOWN
    if receiver.allow_enabled and not is_allowed(request.calling, peer, receiver.allow):
        return RejectReason.CALLING_UNKNOWN
    return receiver


def is_allowed(calling: str, peer: str, allow: tuple[str, ...]) -> bool:
    """Look a caller up in an allow-list of `AE`, `address or CIDR` and `AE@address or CIDR`."""
    try:
        # fe80::1%eth0: the zone names an interface of this machine and is no part of the address.
        address = _unmapped(ipaddress.ip_address(peer.partition("%")[0]))
    except ValueError:
        address = None
    return any(
        (title is None or title == calling)
        and (network is None or (address is not None and address in network))
        for title, network in _entries(allow)
    )


def _unmapped(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    # A dual-stack socket shows IPv4 senders as ::ffff:a.b.c.d, which no list names so.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=64)
def _entries(allow: tuple[str, ...]) -> tuple[tuple[str | None, Network | None], ...]:
    return tuple(_entry(text.strip()) for text in allow if text.strip())


def _entry(text: str) -> tuple[str | None, Network | None]:
    if (network := _network(text)) is not None:
        return None, network
    title, at, place = text.rpartition("@")
    # An AE title may itself hold an "@": without an address behind it, the whole is the title.
    if at and (network := _network(place)) is not None:
        return title.strip(), network
    return text, None


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
