# SPDX-License-Identifier: Apache-2.0
"""The settings of one installation, their meaning and their allowed values. The docstring of each
field is shown in the settings file, which is read and written in `settings_file`. What changes
while the engine runs (projects, receivers, rules, scripts) is stored in the databases."""

from __future__ import annotations

import re
import shlex
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any

from engine.model.archive import ClientCertificates, Durability, OnScriptError
from engine.model.errors import InvalidInput, Problem
from engine.model.expectations import (
    ACCOUNT,
    AE_TITLE,
    FILE_NAMES,
    HOST,
    PORT,
    STORAGE_CLASSES,
    URL,
    Expect,
    between,
    matching,
    rule_of,
)
from engine.model.reserve import RESERVED, Watermark

_MIB = 1024 * 1024


class FileNames(StrEnum):
    """From which header the name of a received file is made."""

    AS_STORED = "as_stored"
    AS_RECEIVED = "as_received"


class KeepOriginals(StrEnum):
    """How long is kept what the site script changes."""

    TRIAGE = "triage"
    OFF = "off"


class Vendor(StrEnum):
    """A vendor whose private storage classes are known."""

    AGFA = "agfa"
    FUJI = "fuji"
    GE = "ge"
    PHILIPS = "philips"
    SIEMENS = "siemens"
    TOSHIBA = "toshiba"


class PetMr(StrEnum):
    """What becomes of a session that holds both PET and MR."""

    UNSET = ""
    PET = "pet"
    PETMR = "petmr"
    SEPARATE = "separate"


class NodeRole(StrEnum):
    """A part of the work that a node takes."""

    RECEIVER = "receiver"
    WORKER = "worker"
    API = "api"


# What works so far. Made here, for annotations are read where the names of this module are not
# seen.
_PET_MR = Expect(
    words="pet, petmr or nothing; separate, which makes two sessions, does not work yet",
    holds=lambda value: value is not PetMr.SEPARATE,
)
_ROLES = Expect(
    words="receiver and worker among the roles: every node still receives and runs jobs, "
    "and only api can be left out",
    holds=lambda roles: {NodeRole.RECEIVER, NodeRole.WORKER} <= set(roles),
)
_CODES = Expect(
    words="0 or 4; 5, archiving that replaces what is there, does not work yet",
    holds=lambda value: value in (0, 4),
)


SYSLOG_TARGET = re.compile(
    r"unix://(?P<path>/[!-~]+)"
    r"|(?P<scheme>udp|tcp|tls)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)
"""Where messages may go by syslog."""

_SYSLOG = Expect(
    words="nothing, tls://HOST:PORT, tcp://HOST:PORT, udp://HOST:PORT or unix:///dev/log",
    holds=lambda text: not text or SYSLOG_TARGET.fullmatch(text) is not None,
)


def _is_command(text: str) -> bool:
    try:
        return not text or bool(shlex.split(text))
    except ValueError:
        return False


_COMMAND = Expect(words="a command with its arguments, quotes closed", holds=_is_command)


class LogLevel(StrEnum):
    """The least important news that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True, slots=True)
class PathSettings:
    """Where files are kept. A relative path starts at the home."""

    prearchive: Path = Path("prearchive")
    """Everything that is not yet approved. May hold patient data: only this user may read it."""

    archive: Path = Path("archive")
    """The permanent store."""

    trash: Path = Path("trash")
    """For what is deleted or replaced in the archive. Nothing comes here yet: filed sessions cannot
    be deleted or replaced so far."""

    inbox: Path = Path("inbox")
    """For files to be imported. Nothing is taken from here yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseSettings:
    """Where the two databases are: SQLite files, or PostgreSQL for more than one node."""

    archive_url: Annotated[str, URL] = "sqlite+aiosqlite:///archive.db"
    """Projects, people, scripts, filed sessions and the audit trail; kept for ever. A relative
    file starts at the home. On PostgreSQL, ?schema=NAME chooses a schema."""

    prearchive_url: Annotated[str, URL] = "sqlite+aiosqlite:///prearchive/prearchive.db"
    """What waits for approval, and the jobs. May hold patient data; never the same database as
    the archive's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DicomSettings:
    """How images are received. Further receivers are added while the engine runs."""

    ae_title: Annotated[str, AE_TITLE] = "ANTEROOM"
    """The AE title of the first receiver."""

    host: Annotated[str, HOST] = "0.0.0.0"
    """The address to listen on; 0.0.0.0 is every address of this machine."""

    port: Annotated[int, PORT] = 8104
    """The port of the first receiver; 0 takes any free one."""

    workers: Annotated[int, between(1, 64)] = 2
    """How many processes receive; about one for each core."""

    max_associations: Annotated[int, between(1, 10_000)] = 100
    """How many associations may be open at once; one more is told to come back later."""

    max_pdu: Annotated[int, between(4096, 4 * _MIB, "bytes")] = 131072
    """The largest PDU that senders are offered, in bytes."""

    idle_timeout: Annotated[float, between(1, 86_400, "seconds")] = 60.0
    """After how many seconds of silence an association is ended."""

    artim_timeout: Annotated[float, between(1, 3600, "seconds")] = 30.0
    """How many seconds a caller has to ask for an association, or to hang up after one."""

    durability: Durability = Durability.GROUP
    """When success is answered. group: once the object is safe on disk. none: once it is written,
    so that a power cut may lose it; for measuring only."""

    storage_commitment: bool = True
    """Whether senders may ask for a commitment to keep what they have sent, and are answered."""

    file_name_template: Annotated[str, FILE_NAMES] = (
        "${StudyInstanceUID}-${SeriesNumber}-${InstanceNumber}-${HashSOPClassUIDWithSOPInstanceUID}"
    )
    """How received files are named: DICOM keywords in ${}; HashAWithB is a short hash of both."""

    file_names: FileNames = FileNames.AS_STORED
    """Which header gives the names. as_stored: the one on disk, after anonymization.
    as_received: the one that was sent, as XNAT does; UIDs that a script replaces then stay
    readable in file names."""

    script_error: OnScriptError = OnScriptError.HOLD
    """What becomes of objects of the first receiver for which the site script fails. hold: they are
    kept for review, and success is answered. refuse: nothing is kept, and failure is answered."""

    tls: bool = False
    """Whether senders have to use TLS at the first receiver."""

    tls_certificate: str = ""
    """The PEM file with the certificate of the first receiver and those between it and its CA. A
    relative path starts at the home, as in the next two."""

    tls_key: str = ""
    """The PEM file with the key of that certificate. Only the engine's user may read it."""

    tls_client_ca: str = ""
    """The PEM file with the CA that the certificates of senders come from."""

    tls_client_certificates: ClientCertificates = ClientCertificates.NONE
    """Whether senders need a certificate. none: they are not asked. optional: one that they have
    must be of that CA. required: without one they get no association."""

    tls_crl: str = ""
    """The PEM file with the CA's list of revoked certificates. Empty: no certificate counts as
    revoked."""

    account: Annotated[str, ACCOUNT] = ""
    """Who is the actor of what becomes of sessions of the first receiver by themselves. Empty: the
    engine's own names, such as timer and auto-archive."""

    private_storage: tuple[Vendor, ...] = tuple(Vendor)
    """The vendors whose known private storage classes are accepted by all receivers."""

    storage_classes: Annotated[tuple[str, ...], STORAGE_CLASSES] = ()
    """UIDs of further private storage classes that all receivers accept. A class that is neither
    standard nor named here or at a receiver is refused when an association is negotiated."""

    max_header: Annotated[int, between(64 * 1024, 1024 * _MIB, "bytes")] = 16 * _MIB
    """The largest header that is worked on in memory, in bytes; larger ones are slower."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpSettings:
    """Where the XNAT-compatible REST interface listens."""

    host: Annotated[str, HOST] = "127.0.0.1"
    """The address to listen on; 127.0.0.1 serves this machine only. Passwords cross the network in
    the clear: put a proxy with TLS in front before opening it to others."""

    port: Annotated[int, PORT] = 8080
    """The port; 0 takes any free one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionSettings:
    """When a session that is being received counts as whole."""

    build_after: Annotated[float, between(0.05, 604_800, "seconds")] = 300.0
    """After how many seconds without a new object a session is built."""

    check_every: Annotated[float, between(0.05, 86_400, "seconds")] = 60.0
    """Every how many seconds sessions are looked at for this."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProjectSettings:
    """What new projects begin with."""

    default_prearchive_code: Annotated[int, _CODES] = 4
    """What becomes of built sessions. 0: they wait in the prearchive. 4: they are archived."""

    allow_auto_archive: bool = True
    """Whether any session may be archived without a person; no: all of them wait."""

    review_hours: Annotated[int, between(0, 87_600, "hours")] = 0
    """Within how many hours somebody is to decide on a session, from its last object on; 0 for no
    such goal. Projects may have their own."""

    claim_unassigned: bool = False
    """Whether those who decide on sessions of a project may see that there are Unassigned ones,
    masked, and claim them for it; no: only administrators do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildSettings:
    """How a received session is put together."""

    separate_secondary: bool = True
    """Whether secondary captures, reports and the like go to a folder of their own."""

    checksums: bool = True
    """Whether catalogs carry the MD5 of each file."""

    scan_type_mapping: bool = True
    """Whether scan types given to earlier series of the same description are taken over."""

    pet_mr: Annotated[PetMr, _PET_MR] = PetMr.UNSET
    """A session with both PET and MR: pet makes it a PET session, petmr a PET/MR session.
    Empty: a PET/MR session."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSettings:
    """This machine, where several share the work."""

    name: Annotated[
        str, matching(r"[A-Za-z0-9._-]{0,64}", "at most 64 letters, digits, '.', '_' and '-'")
    ] = ""
    """The name of this node, different on each. Empty: the name of the host."""

    roles: Annotated[tuple[NodeRole, ...], _ROLES] = (
        NodeRole.RECEIVER,
        NodeRole.WORKER,
        NodeRole.API,
    )
    """What this node does: receiver takes images, worker runs jobs, api answers REST. Without api
    there is no HTTP port; the other two cannot be left out yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AnonymizationSettings:
    """What new homes begin with, and what is kept of what the site script changes."""

    site_script: bool = True
    """Whether the site script that comes with the program runs in a new home. Later it is turned
    on and off by: anteroom script enable site, anteroom script disable site."""

    url_hosts: tuple[str, ...] = ()
    """The hosts that scripts may fetch a text from with getURL, as [terms.example.org]; with none
    of them getURL fails. What is fetched for each object delays it."""

    keep_originals: KeepOriginals = KeepOriginals.TRIAGE
    """triage: what elements were before is kept beside a session while it waits, for those who may
    see it; it goes when the session is archived or deleted. off: it is never written to disk."""

    originals_days: Annotated[int, between(1, 36_500, "days")] = 30
    """For how many days at most it is kept."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrashSettings:
    """How long deleted things stay. What is deleted in the archive stays for ever."""

    prearchive_days: Annotated[int, between(0, 36_500, "days")] = 30
    """For how many days a session deleted in the prearchive can be put back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DiskSettings:
    """How much of the prearchive's disk receiving leaves free. Beyond that, senders are refused."""

    keep_free: Annotated[int, between(RESERVED, 1024 * 1024 * _MIB, "bytes")] = 1024 * _MIB
    """So many bytes, but not more than a tenth of the disk."""

    keep_free_percent: Annotated[float, between(0, 90, "percent")] = 1.0
    """So much of the disk, if that is more."""

    @property
    def watermark(self) -> Watermark:
        """Return both as what a disk is measured by."""
        return Watermark(keep=self.keep_free, percent=self.keep_free_percent)


@dataclass(frozen=True, kw_only=True, slots=True)
class RetentionSettings:
    """How long is remembered what came and went. Counts stay for ever."""

    transfers_days: Annotated[int, between(1, 36_500, "days")] = 365
    """For how many days a transfer is listed after its end. One of which objects wait stays."""

    ledger_days: Annotated[int, between(1, 36_500, "days")] = 365
    """For how many days a line of the ledger is listed after it was last counted."""

    receipts_days: Annotated[int, between(1, 36_500, "days")] = 400
    """For how many days it is known object by object what has left the prearchive, and where to.
    A sender that asks later whether an object is safe is told that it is not known."""

    throughput_days: Annotated[int, between(7, 36_500, "days")] = 365
    """For how many days it is known how much each sender has brought within each hour."""

    sends_days: Annotated[int, between(1, 36_500, "days")] = 30
    """For how many days a send to a remote is listed after its end."""

    commitments_days: Annotated[int, between(1, 36_500, "days")] = 30
    """For how many days a request for a storage commitment is listed after its end, but never more
    than 10,000 of them."""

    departures_days: Annotated[int, between(31, 36_500, "days")] = 800
    """For how many days it is known when each session came and left, for the report of a month."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSettings:
    """Where the audit trail is noted outside the databases: who changes it is found out."""

    head_file: str = "audit.heads"
    """The file that it is added to, a line each time; best on another machine's disk. A relative
    path starts at the home. Empty: no file."""

    head_syslog: Annotated[str, _SYSLOG] = ""
    """The syslog target that it is sent to: tls://HOST:PORT, tcp://HOST:PORT, udp://HOST:PORT or
    unix:///dev/log."""

    head_command: Annotated[str, _COMMAND] = ""
    """The command that gets it as a line on its standard input. It is run without a shell."""

    head_every: Annotated[float, between(1, 604_800, "seconds")] = 3600.0
    """Every how many seconds, when there are new events."""

    syslog: Annotated[str, _SYSLOG] = ""
    """The syslog target that all new events are sent to as DICOM audit messages, such as
    tls://HOST:6514 (RFC 5425). Empty: none are sent."""

    syslog_ca: str = ""
    """The PEM file with the CA of targets with tls://. Empty: those that this machine trusts. A
    relative path starts at the home, as in the next two."""

    syslog_certificate: str = ""
    """The PEM file with the certificate that is shown to targets with tls://. Empty: none is."""

    syslog_key: str = ""
    """The PEM file with the key of that certificate. Only the engine's user may read it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogSettings:
    """What is logged, in the home's folder logs."""

    level: LogLevel = LogLevel.INFO
    """The least important news that is logged: debug, info, warning or error."""

    max_size: Annotated[int, between(64 * 1024, 10 * 1024 * _MIB, "bytes")] = 10_000_000
    """The size at which a log file is begun anew, in bytes."""

    days: Annotated[int, between(1, 36_500, "days")] = 30
    """After how many days it is begun anew, if it is not too large before."""

    keep: Annotated[int, between(1, 1000, "files")] = 5
    """How many former files are kept of each log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """All settings of one installation."""

    site_id: Annotated[
        str, matching(r"[A-Za-z][A-Za-z0-9_-]{0,31}", "a letter, then letters, digits, '_' or '-'")
    ] = "ANTEROOM"
    """The short name of this installation; accession numbers begin with it."""

    paths: PathSettings = field(default_factory=PathSettings)
    databases: DatabaseSettings = field(default_factory=DatabaseSettings)
    dicom: DicomSettings = field(default_factory=DicomSettings)
    http: HttpSettings = field(default_factory=HttpSettings)
    session: SessionSettings = field(default_factory=SessionSettings)
    projects: ProjectSettings = field(default_factory=ProjectSettings)
    build: BuildSettings = field(default_factory=BuildSettings)
    node: NodeSettings = field(default_factory=NodeSettings)
    anonymization: AnonymizationSettings = field(default_factory=AnonymizationSettings)
    trash: TrashSettings = field(default_factory=TrashSettings)
    disk: DiskSettings = field(default_factory=DiskSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    audit: AuditSettings = field(default_factory=AuditSettings)
    log: LogSettings = field(default_factory=LogSettings)

    def resolved(self, home: Path) -> Settings:
        """Return the same settings with paths made absolute below `home` and no name left empty."""
        node = self.node.name or re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64]
        return replace(
            self,
            paths=PathSettings(
                **{part.name: home / getattr(self.paths, part.name) for part in fields(self.paths)}
            ),
            databases=DatabaseSettings(
                archive_url=_below(self.databases.archive_url, home),
                prearchive_url=_below(self.databases.prearchive_url, home),
            ),
            dicom=replace(
                self.dicom,
                tls_certificate=_from(home, self.dicom.tls_certificate),
                tls_key=_from(home, self.dicom.tls_key),
                tls_client_ca=_from(home, self.dicom.tls_client_ca),
                tls_crl=_from(home, self.dicom.tls_crl),
            ),
            audit=replace(
                self.audit,
                head_file=_from(home, self.audit.head_file),
                syslog_ca=_from(home, self.audit.syslog_ca),
                syslog_certificate=_from(home, self.audit.syslog_certificate),
                syslog_key=_from(home, self.audit.syslog_key),
            ),
            node=replace(self.node, name=node),
        )

    def override(self, changes: Mapping[str, object]) -> Settings:
        """Return the same settings with some changed for this run, by names such as `dicom.port`.

        Raises:
            InvalidInput: a value that the settings file would not be allowed either.
        """
        changed = self
        problems = []
        for name, value in changes.items():
            section, _, key = name.rpartition(".")
            rule = rule_of(type(getattr(self, section) if section else self), key)
            if rule is not None and not rule.holds(value):
                problems.append(Problem(message=f"{name}: expected {rule.words}"))
                continue
            new: Any = value
            if section:
                new = replace(getattr(changed, section), **{key: value})
            changed = replace(changed, **{section or key: new})
        problems += [Problem(message=f"{name}: {message}") for name, message in changed.clashes()]
        if problems:
            raise InvalidInput(str(problems[0]), problems=tuple(problems))
        return changed

    def clashes(self) -> Iterator[tuple[str, str]]:
        """Find settings that are each right but not together, as (name, what is wrong)."""
        if self.databases.archive_url == self.databases.prearchive_url:
            yield (
                "databases.prearchive_url",
                "the prearchive needs a database of its own, not the archive's",
            )
        if self.retention.receipts_days <= self.trash.prearchive_days:
            yield (
                "retention.receipts_days",
                "receipts are kept longer than what is in the trash (trash.prearchive_days)",
            )
        for one, other in combinations((part.name for part in fields(self.paths)), 2):
            first, second = getattr(self.paths, one), getattr(self.paths, other)
            if first == second or first in second.parents or second in first.parents:
                yield f"paths.{other}", f"{other} and {one} may not be the same or inside another"


def _from(home: Path, path: str) -> str:
    """Make a path absolute that may be empty."""
    return str(home / path) if path else ""


def _below(url: str, home: Path) -> str:
    """Make the file of a SQLite address absolute."""
    scheme, separator, place = url.partition(":///")
    if not separator or not scheme.startswith("sqlite"):
        return url
    return f"{scheme}:///{home / place}"
