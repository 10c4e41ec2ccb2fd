# SPDX-License-Identifier: Apache-2.0
"""The live view of an engine: transfers, the ledger, held objects, jobs, events and health. Pure
data; the console decides how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.model.accounts import Accounts, Imbalance
from engine.model.archive import ClientCertificates, Durability, OnScriptError

RELEASED, REJECTED = "released", "rejected"
"""How a transfer ends that its sender has ended, and one that never began."""


def broke_off(ended: str) -> bool:
    """Whether a transfer that ended so was cut short: whatever was still to come is missing."""
    return ended not in ("", RELEASED, REJECTED)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """One association, upload or inbox run. Sizes are bytes."""

    id: str
    kind: str
    receiver: str
    port: int
    calling: str
    peer: str
    opened: datetime
    closed: datetime | None
    ended: str
    last_object: datetime | None
    objects: int
    bytes: int
    series: str
    last_error: str
    sessions: tuple[str, ...] = ()
    """Ids of the prearchive sessions that hold objects of it."""
    account: str = ""
    """The account of its receiver: the actor of what becomes of its sessions by themselves."""
    certificate: str = ""
    """The subject of the certificate that its sender has shown; empty without one."""
    echoes: int = 0
    """C-ECHOs that were answered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrivingSeries:
    """What is known of a series from the objects of it that have come."""

    scan: str
    """Its folder until a build looks at it."""
    objects: int
    missing: int | None
    """How many it lacks: numbers in its gaps, or what its sender has stated and is still to come;
    None where that is not known."""
    gaps: str
    """The instance numbers that are missing between others, such as `17,120-124`; empty where there
    are none, where they are too many, and where they are not known."""
    stated: int | None
    """How many objects its sender says that it holds."""
    last: datetime


class ThroughputBy(StrEnum):
    """What hours are told apart by."""

    ALL = "all"
    RECEIVER = "receiver"
    SENDER = "sender"


@dataclass(frozen=True, kw_only=True, slots=True)
class Throughput:
    """What came within an hour, as it was received. Sizes are bytes."""

    hour: datetime
    """When it began."""
    receiver: str
    """Empty where receivers are not told apart; so the next, for senders."""
    calling: str
    objects: int
    bytes: int
    refused: int
    """Objects that were answered with a failure."""
    last: datetime
    """When the last object came."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SenderSeen:
    """A sender, and what it has brought to a receiver of late."""

    calling: str
    receiver: str
    last: datetime
    today: int
    """Objects since the day began where the engine runs."""
    week: int
    """Objects of the last seven days."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerEntry:
    """Objects or associations that were dropped, refused or counted only, folded by reason."""

    id: int
    transfer: str
    outcome: str
    reason: str
    rule: str
    session: str
    receiver: str
    calling: str
    peer: str
    first: datetime
    last: datetime
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldObject:
    """An object that was answered with success and waits in staging for review."""

    id: str
    transfer: str
    at: datetime
    reason: str
    rule: str
    size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """One run of a workflow: ids only, never names or values."""

    id: str
    verb: str
    session: str
    status: str
    queued: datetime | None
    updated: datetime | None
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something to look at again. Losing one costs a poll, never a wrong screen."""

    number: int
    at: datetime
    kind: str
    """`session`, `transfer`, `ledger`, `job`, `archive`, `configuration`, `engine`, `remote`,
    `send`, `commitment`, `acceptance`."""
    object: str
    text: str
    """One sentence without patient data."""
    severity: str = "info"
    """`info`, `warning` or `error`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventBatch:
    """Events after a number; `epoch` changes when the engine starts anew."""

    epoch: str
    events: tuple[Event, ...]
    last: int
    gap: bool
    """True when events were lost or the epoch changed: reload what is shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceiverStatus:
    """A receiver and whether it listens."""

    ae_title: str
    port: int
    enabled: bool
    listening: bool
    origin: str
    """`settings` for the one of the settings file, `added` for others."""
    anonymize: bool = True
    allow_enabled: bool = False
    allow: tuple[str, ...] = ()
    rules_enabled: bool = False
    script_error: OnScriptError = OnScriptError.HOLD
    transfer_syntaxes: tuple[str, ...] = ()
    """Keywords of those that are preferred, in this order; empty: what the sender has."""
    max_pdu: int = 0
    """Bytes; 0 for what the settings file says, as in the next."""
    max_associations: int = 0
    max_per_peer: int = 0
    """Associations of one calling address at once; 0 for any number."""
    idle_timeout: float = 0.0
    """Seconds; 0 for what the settings file says."""
    tls: bool = False
    certificate: str = ""
    """Path of a PEM file, as in the next two."""
    key: str = ""
    client_ca: str = ""
    client_certificates: ClientCertificates = ClientCertificates.NONE
    certificate_ends: datetime | None = None
    """When the certificate in force ends; None without TLS."""
    crl: str = ""
    account: str = ""
    """The actor of what becomes of its sessions by themselves; empty: the engine's own names."""
    file_name_template: str = ""
    """Empty for what the settings file says, as in the next."""
    durability: Durability | None = None
    storage_classes: tuple[str, ...] = ()
    """UIDs that it accepts beside what every receiver accepts."""
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineStatus:
    """The state of a running engine."""

    version: str
    pid: int
    node: str
    home: str
    started: datetime
    receivers: tuple[ReceiverStatus, ...]
    workers: int
    associations: int
    accounts: Accounts
    sessions: dict[str, int] = field(default_factory=dict)
    """Prearchive sessions by status."""
    archived: int = 0
    disk_free: int = 0
    disk_total: int = 0
    disk_keep: int = 0
    """Bytes that receiving leaves free of it."""
    disk_full_in: float | None = None
    """Seconds until only these are left, at the rate at which the free space of the disk has shrunk
    within the last hour, whoever wrote there; None where it does not fill, or where that is not
    known yet."""
    snapshot: int = 0
    problems: tuple[str, ...] = ()
    imbalances: tuple[Imbalance, ...] = ()
    """What of the accounts did not add up at the last look."""
    actor: str = ""
    """Who asks, as the audit trail will name them."""
    build_after: float = 0.0
    """Seconds without an object after which a session is built."""
    build_after_of: dict[str, float] = field(default_factory=dict)
    """The same by project, where it differs."""
    unfinished_jobs: int = 0
    staged: int = 0
    """Objects that are answered and counted as waiting, and that the script is yet to run over."""
    trash_days: int = 0
    """How long a deleted prearchive session can be put back."""
