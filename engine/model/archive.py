# SPDX-License-Identifier: Apache-2.0
"""The archive as clients see it: projects, subjects, filed sessions, receivers, rules, the history
of rows and the audit trail. Pure data; no database and no screen is known here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.model.filters import Condition
from engine.model.verification import LastVerification


class SessionStatus(StrEnum):
    """The status of a filed session."""

    ACTIVE = "active"
    QUARANTINE = "quarantine"
    LOCKED = "locked"
    OBSOLETE = "obsolete"


@dataclass(frozen=True, kw_only=True, slots=True)
class Project:
    """A project; routing finds it by its ID or by an alias, exactly as written."""

    id: str
    title: str
    description: str
    aliases: tuple[str, ...]
    prearchive_code: int
    """0 waits for review, 4 archives by itself. 5, which would overwrite, is that of an older home
    and does what 4 does."""
    quarantine_code: int
    """1 puts every newly archived session into quarantine, 0 none."""
    build_after: int = 0
    """After how many seconds without a new object its sessions are built; 0 for what the site has,
    as in the next."""
    trash_days: int = 0
    """For how many days what was deleted of it in the prearchive can be put back."""
    review_hours: int = 0
    """Within how many hours somebody is to decide on its sessions."""
    release_people: int = 1
    """How many different people have to agree to a release from quarantine."""
    release_by: str = "owner"
    """The least role that releases: `owner`, `member` or `collaborator`."""
    findings_limit: str = "none"
    """The level from which on open findings keep its sessions out of the archive; `none` where none
    do."""
    accessibility: str
    """`private`. `protected` and `public` have no effect yet."""
    current_arc: str
    created: datetime
    created_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A subject of a project."""

    id: str
    project: str
    label: str
    gender: str = ""
    handedness: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanSummary:
    """A scan of a filed session. Sizes are bytes."""

    id: str
    xsi_type: str
    uid: str = ""
    type: str = ""
    series_description: str = ""
    modality: str = ""
    quality: str = "usable"
    frames: int = 0
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class NewSession:
    """What is known of a session when it is filed. Sizes are bytes."""

    project: str
    subject: str
    """Accession ID of the subject."""
    label: str
    xsi_type: str
    folder: str
    """Path of the session folder below the archive root."""
    modality: str = ""
    uid: str = ""
    received_study: str = ""
    """HMAC of the Study Instance UID as received; late arrivals find the session by it."""
    status: SessionStatus = SessionStatus.ACTIVE
    date: str = ""
    """ISO date, or empty."""
    time: str = ""
    age: str = ""
    scanner: str = ""
    manufacturer: str = ""
    model: str = ""
    acquisition_site: str = ""
    description: str = ""
    files: int = 0
    bytes: int = 0
    received_from: datetime | None = None
    """When its first object came."""
    received_to: datetime | None = None
    receiver: str = ""
    """AE title of the receiver that its first object came to."""
    reviewed: datetime | None = None
    """When somebody has reviewed it as it was archived; None where nobody has."""
    reviewed_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """How far the archive knows of a session that is being filed: by its prearchive id only, until
    it is filed."""

    origin: str
    """The prearchive id."""
    project: str
    accession: str = ""
    """Drawn when the session is filed; before that of one only that an earlier version reserved."""
    folder: str = ""
    """Where it stands below the archive's root, once it is filed."""
    label: str = ""
    """Its label, once it is filed."""

    @property
    def filed(self) -> bool:
        """Whether the session of this origin stands in the archive."""
        return bool(self.folder)


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionCard:
    """All that the card of a filed session shows. Sizes are bytes."""

    accession: str
    label: str
    project: str
    subject: str
    """Label of the subject."""
    subject_id: str
    gender: str
    handedness: str
    age: str
    date: str
    time: str
    scanner: str
    manufacturer: str
    model: str
    acquisition_site: str
    modality: str
    xsi_type: str
    description: str
    uid: str
    status: SessionStatus
    origin: str
    added: datetime
    added_by: str
    files: int
    bytes: int
    scans: tuple[ScanSummary, ...]
    folder: str
    verified: LastVerification | None = None
    """What the last verification of its files found; None where there was none."""
    withheld: bool = False
    """Whether only those may see it who may release it from quarantine."""
    reviewed: datetime | None = None
    """When somebody has reviewed it before it was archived; None where nobody has."""
    reviewed_by: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSummary:
    """A filed session as a row of a list. Sizes are bytes."""

    accession: str
    label: str
    project: str
    subject: str
    subject_id: str
    date: str
    modality: str
    xsi_type: str
    scanner: str
    description: str
    status: SessionStatus
    scans: int
    files: int
    bytes: int
    added: datetime
    added_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """Which part of a list to give."""

    offset: int = 0
    limit: int = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionQuery:
    """Which filed sessions to list. Empty fields match everything.

    Subject, label, accession and scanner match without regard to case; `*` stands for anything.
    """

    project: str = ""
    subject: str = ""
    """Label or accession ID of the subject."""
    label: str = ""
    accession: str = ""
    modality: str = ""
    date_from: str = ""
    """ISO date, inclusive."""
    date_to: str = ""
    """ISO date, inclusive."""
    scanner: str = ""
    text: str = ""
    """Words of which each begins some word of the session's searchable text."""
    status: str = ""
    """A status; empty for all but obsolete sessions, `*` for all."""
    where: tuple[Condition, ...] = ()
    """Further conditions, on the fields of `ARCHIVE_FIELDS`; all of them hold."""
    sort: str = "added"
    descending: bool = True


ARCHIVE_FIELDS = frozenset(
    {
        "accession",
        "added",
        "by",
        "date",
        "files",
        "project",
        "scanner",
        "session",
        "size",
        "status",
        "subject",
        "type",
    }
)
"""What a condition may be on. `type` is the modality, `by` who archived it; `date` and `added` take
a day (`date:2026-09-11`, `date>2026-09-01`) or, with `:`, a beginning of one (`date:2026-09`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionPage:
    """A window of filed sessions and how many there are in all."""

    rows: tuple[SessionSummary, ...]
    total: int


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEntry:
    """The state of something before a change."""

    at: datetime
    actor: str
    change: str
    before: dict[str, Any]
    """Empty where the change created it."""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEvent:
    """One link of the audit chain."""

    number: int
    id: str
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    hash: str
    previous: str = ""
    project: str = ""
    """Empty where it is of none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditQuery:
    """Which audit events to list, newest first. Empty fields match everything."""

    object: str = ""
    actor: str = ""
    action: str = ""
    project: str = ""
    text: str = ""
    """Words, each of which begins some word of action, object or reason."""
    life: str = ""
    """A session by any of its ids: what it went through under all of them."""
    since: datetime | None = None
    until: datetime | None = None


EVERY_EVENT = AuditQuery()


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditPage:
    """A window of audit events and how many there are in all."""

    rows: tuple[AuditEvent, ...]
    total: int
    exact: bool = True
    """False: there are more than `total`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditCount:
    """How often something was done."""

    action: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditReport:
    """What a verification of the audit chain found."""

    ok: bool
    checked: int
    """Links that were read."""
    message: str
    """One sentence: what is wrong first, or that all is well."""
    broken: int | None = None
    """Number of the first link that does not hold."""
    missing: tuple[int, ...] = ()
    """The first numbers that are gone, at most a hundred."""
    last: int = 0
    """Number of the newest link, to be kept elsewhere with `head`: a chain that was cut short
    looks whole from within."""
    head: str = ""
    """Hash of the newest link."""
    start: int = 0
    """The link after which reading began: a checkpoint that vouches for all before it."""
    heads: int = 0
    """Checkpoints and noted heads that it was compared with."""


class OnScriptError(StrEnum):
    """What becomes of an object for which the site script fails."""

    HOLD = "hold"
    """It is kept for review, and its sender gets success."""
    REFUSE = "refuse"
    """Nothing of it is kept, and its sender is told of a failure."""


class Durability(StrEnum):
    """When an object is answered with success."""

    GROUP = "group"
    NONE = "none"


class ClientCertificates(StrEnum):
    """Whether a receiver with TLS asks senders for certificates."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """What TLS on a port is made of: paths of PEM files."""

    certificate: str
    key: str
    client_ca: str = ""
    client_certificates: ClientCertificates = ClientCertificates.NONE
    crl: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Receiver:
    """A DICOM receiver that was added beside the one of the settings file."""

    ae_title: str
    port: int
    enabled: bool = True
    anonymize: bool = True
    allow_enabled: bool = False
    allow: tuple[str, ...] = ()
    """AE title, address or CIDR, or AE@address."""
    rules_enabled: bool = False
    script_error: OnScriptError = OnScriptError.HOLD
    transfer_syntaxes: tuple[str, ...] = ()
    """UIDs of those that are preferred, in this order. Empty: what the sender has, but Explicit VR
    before Implicit VR."""
    max_pdu: int = 0
    """Bytes; 0 for what the settings file says, as in the next."""
    max_associations: int = 0
    max_per_peer: int = 0
    """Associations of one calling address at once; 0 for any number."""
    idle_timeout: float = 0.0
    """Seconds; 0 for what the settings file says."""
    tls: bool = False
    certificate: str = ""
    """Path of a PEM file, as in the next two: the receiver's certificate and those between it and
    its CA."""
    key: str = ""
    client_ca: str = ""
    """The CA that client certificates come from."""
    client_certificates: ClientCertificates = ClientCertificates.NONE
    crl: str = ""
    """The CA's list of client certificates that it has revoked; empty: none is looked at."""
    account: str = ""
    """Who is the actor of what becomes of its sessions by themselves; empty: the engine's own
    names, such as `timer`."""
    file_name_template: str = ""
    """Empty: what the settings file says, as in the next."""
    durability: Durability | None = None
    storage_classes: tuple[str, ...] = ()
    """UIDs of storage classes that are accepted beside those that every receiver accepts."""

    @property
    def tls_files(self) -> TlsFiles | None:
        """What TLS is made of; None where TLS is off."""
        if not self.tls:
            return None
        return TlsFiles(
            certificate=self.certificate,
            key=self.key,
            client_ca=self.client_ca,
            client_certificates=self.client_certificates,
            crl=self.crl,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleText:
    """One version of a routing rule text; version 0 is the empty one that nobody has written."""

    scope: str
    """`site` or `receiver:{AE}`."""
    concept: str
    """`project`, `subject`, `session` or `autoarchive`."""
    version: int = 0
    text: str = ""
    enabled: bool = True
    at: datetime | None = None
    author: str = ""
    reason: str = ""
