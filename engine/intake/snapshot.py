# SPDX-License-Identifier: Apache-2.0
"""The snapshot: an immutable, numbered value with everything that a worker needs to receive objects
(intake contract 5). The engine makes it from the databases; workers only read it."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.dicom import private_storage
from engine.model.archive import ClientCertificates
from engine.model.reserve import Watermark
from engine.model.scripts import ScriptInForce
from engine.routing.router import RoutingConfig

DEFAULT_TRANSFER_SYNTAXES: tuple[str, ...] = ()
"""Empty: take what the sender has, but Explicit VR before Implicit VR."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsConfig:
    """TLS on a port, as texts in PEM form: what the engine has read and checked stays in force when
    the files change to something that cannot be used."""

    certificate: str
    """The receiver's certificate, then those between it and its CA."""
    key: str = field(repr=False)
    client_ca: str = ""
    client_certificates: ClientCertificates = ClientCertificates.NONE
    crl: str = ""
    """The CA's lists of revoked certificates; empty where none is looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverConfig:
    """What a worker needs to know of one receiver. Time-outs are in seconds, sizes in bytes."""

    ae_title: str
    port: int
    enabled: bool = True
    anonymize: bool = True
    refuse_failed: bool = False
    """Objects for which the site script fails are refused, instead of held."""
    allow_enabled: bool = False
    allow: tuple[str, ...] = ()
    """AE title, address or CIDR, or AE@address."""
    transfer_syntaxes: tuple[str, ...] = DEFAULT_TRANSFER_SYNTAXES
    """UIDs of those that are preferred, in this order; others are taken too."""
    max_associations: int = 100
    max_per_peer: int = 0
    """Associations of one calling address at once; 0: any number."""
    idle_timeout: float = 60.0
    artim_timeout: float = 30.0
    max_pdu: int = 131072
    account: str = ""
    """The actor of what it brings in."""
    file_name_template: str = ""
    """Empty: that of the snapshot."""
    durable: bool | None = None
    """None: as the snapshot says."""
    storage_classes: tuple[str, ...] = private_storage.of_vendors(private_storage.VENDORS)
    """What is accepted beside the storage classes of the standard."""
    commits: bool = True
    """Whether Storage Commitment is served."""
    tls: TlsConfig | None = None
    """The same for all receivers of a port that are enabled. None: plain connections."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that intake needs, frozen. `number` rises with every change of configuration."""

    number: int
    receivers: tuple[ReceiverConfig, ...]
    routing: RoutingConfig
    file_name_template: str
    names_as_received: bool = False
    """Files are named by the header that was sent, not by the one that is stored."""
    max_header: int = 16 * 1024 * 1024
    durable: bool = True
    site: dict[str, str] = field(default_factory=dict)
    site_script: ScriptInForce | None = None
    """None where none is enabled. Scripts of projects run at archiving, and are read there."""
    keep_originals: bool = True
    """What the site script changes is kept while a session waits (8)."""
    watermark: Watermark = field(default_factory=Watermark)
    """What receiving leaves free on the disk of the prearchive."""
    uid_secret: bytes = field(default=b"", repr=False)
    """What mapped UIDs derive from, the same in every process."""

    def tls_of(self, port: int) -> TlsConfig | None:
        """Return the TLS of a port; None for plain connections."""
        found = (each.tls for each in self.receivers if each.port == port and each.enabled)
        return next(found, None)

    def receiver(self, ae_title: str, port: int) -> ReceiverConfig | None:
        """Find the receiver that answers to an AE title on a port."""
        for receiver in self.receivers:
            if receiver.ae_title == ae_title and receiver.port == port:
                return receiver
        return None
