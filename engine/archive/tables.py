# SPDX-License-Identifier: Apache-2.0
"""The tables of `archive.db`, which are permanent. Nothing that identifies a patient is stored here
before a reviewer or a project's code has approved the session; until then a session is named by its
prearchive id."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from engine.database.columns import ArchiveTable, BigKey, OutboxColumns


class ProjectRow(ArchiveTable):
    """A project. Its ID is never used again after it has been deleted."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    prearchive_code: Mapped[int] = mapped_column(default=4)
    quarantine_code: Mapped[int] = mapped_column(default=0)
    release_people: Mapped[int] = mapped_column(default=1, server_default="1")
    build_after: Mapped[int] = mapped_column(default=0, server_default="0")
    """Seconds. 0 in this and the next: what holds for the site."""
    trash_days: Mapped[int] = mapped_column(default=0, server_default="0")
    review_hours: Mapped[int] = mapped_column(default=0, server_default="0")
    """How many different people have to agree to a release from quarantine."""
    release_by: Mapped[str] = mapped_column(String(16), default="owner", server_default="owner")
    """The least role that releases."""
    findings_limit: Mapped[str] = mapped_column(String(8), default="none", server_default="none")
    """The level from which on open findings keep sessions out of the archive."""
    accessibility: Mapped[str] = mapped_column(String(16), default="private")
    current_arc: Mapped[str] = mapped_column(String(16), default="arc001")
    created: Mapped[datetime]
    created_by: Mapped[str] = mapped_column(String(64))
    deleted: Mapped[datetime | None]


class AliasRow(ArchiveTable):
    """Another name by which routing finds a project."""

    __tablename__ = "project_aliases"

    alias: Mapped[str] = mapped_column(String(160), primary_key=True)
    project: Mapped[str] = mapped_column(ForeignKey("projects.id"), index=True)


class SubjectRow(ArchiveTable):
    """A subject of a project."""

    __tablename__ = "subjects"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Accession ID of the subject, `{SITE}_S00001`."""
    project: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    label: Mapped[str] = mapped_column(String(160))
    folded_label: Mapped[str] = mapped_column(String(160))
    """The label in lower case: labels match without regard to case."""
    gender: Mapped[str] = mapped_column(String(16), default="")
    handedness: Mapped[str] = mapped_column(String(16), default="")
    added: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(64))

    __table_args__ = (UniqueConstraint("project", "folded_label"),)


class ArchivedSessionRow(ArchiveTable):
    """An archived image session (XNAT: experiment)."""

    __tablename__ = "sessions"

    key: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    """The private ID, for the system's own reference only."""
    id: Mapped[str] = mapped_column(String(64), unique=True)
    """The accession ID."""
    project: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    subject: Mapped[str] = mapped_column(ForeignKey("subjects.id"), index=True)
    label: Mapped[str] = mapped_column(String(160))
    origin: Mapped[str] = mapped_column(String(16), unique=True)
    """The prearchive id that it was filed from: makes filing idempotent."""
    xsi_type: Mapped[str] = mapped_column(String(64))
    modality: Mapped[str] = mapped_column(String(16), default="")
    uid: Mapped[str] = mapped_column(String(128), default="")
    received_study: Mapped[str] = mapped_column(String(64), default="", index=True)
    """HMAC(secret, received study UID), by which late arrivals find the session."""
    status: Mapped[str] = mapped_column(String(16), default="active")
    status_before: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """Of one that is obsolete, what it was before; else empty."""
    status_at: Mapped[datetime | None]
    """When the status was set; empty: when it was filed."""
    status_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    date: Mapped[str] = mapped_column(String(10), default="")
    time: Mapped[str] = mapped_column(String(16), default="")
    age: Mapped[str] = mapped_column(String(16), default="")
    scanner: Mapped[str] = mapped_column(String(255), default="")
    manufacturer: Mapped[str] = mapped_column(String(255), default="")
    model: Mapped[str] = mapped_column(String(255), default="")
    acquisition_site: Mapped[str] = mapped_column(String(255), default="")
    description: Mapped[str] = mapped_column(String(255), default="")
    folder: Mapped[str] = mapped_column(String(400))
    """Path of the session folder below the archive root."""
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    added: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(64))
    received_from: Mapped[datetime | None]
    """When its first object came, and its last; empty where it was filed before that was kept."""
    received_to: Mapped[datetime | None]
    receiver: Mapped[str] = mapped_column(String(16), default="", server_default="")
    reviewed: Mapped[datetime | None]
    """When somebody has reviewed it before it was filed; empty where nobody has."""
    reviewed_by: Mapped[str] = mapped_column(String(64), default="", server_default="")

    __table_args__ = (
        UniqueConstraint("project", "label"),
        Index("ix_sessions_added", "added"),
        Index("ix_sessions_date", "date"),
        Index("ix_sessions_modality", "modality"),
        Index("ix_sessions_uid", "uid"),
        Index("ix_sessions_status", "status"),
    )


class ReleaseRow(ArchiveTable):
    """Somebody who has agreed to the release of a session that needs more than one; gone once the
    session leaves quarantine, or is held again."""

    __tablename__ = "releases"

    session: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    actor: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text, default="")


class ScanRow(ArchiveTable):
    """A scan of an archived session."""

    __tablename__ = "scans"

    session: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    id: Mapped[str] = mapped_column(String(160), primary_key=True)
    position: Mapped[int]
    xsi_type: Mapped[str] = mapped_column(String(64))
    uid: Mapped[str] = mapped_column(String(128), default="")
    type: Mapped[str] = mapped_column(String(255), default="")
    series_description: Mapped[str] = mapped_column(String(255), default="")
    modality: Mapped[str] = mapped_column(String(16), default="")
    quality: Mapped[str] = mapped_column(String(32), default="usable")
    frames: Mapped[int] = mapped_column(default=0)
    files: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)


class ScanTypeRow(ArchiveTable):
    """How a project has named the type of scans before, by normal series description."""

    __tablename__ = "scan_types"

    project: Mapped[str] = mapped_column(ForeignKey("projects.id"), primary_key=True)
    description: Mapped[str] = mapped_column(String(255), primary_key=True)
    type: Mapped[str] = mapped_column(String(255))


class DocumentRow(ArchiveTable):
    """The session document as XML, the same as beside the files."""

    __tablename__ = "documents"

    session: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    xml: Mapped[str] = mapped_column(Text)


class VerificationRow(ArchiveTable):
    """What the last verification of a session's files found; each session has a row from the moment
    it is filed, so that the ones that were never verified come first."""

    __tablename__ = "verifications"

    session: Mapped[str] = mapped_column(ForeignKey("sessions.id"), primary_key=True)
    at: Mapped[datetime | None]
    files: Mapped[int] = mapped_column(default=0)
    missing: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    stray: Mapped[int] = mapped_column(default=0)
    damaged: Mapped[int] = mapped_column(default=0)
    faults: Mapped[int] = mapped_column(default=0)
    """All of them."""

    __table_args__ = (
        Index("ix_verifications_at", "at", "session"),
        Index("ix_verifications_faults", "faults"),
    )


class SearchRow(ArchiveTable):
    """The words by which free text finds a session. The full text index lies over this table: FTS5
    on SQLite, a generated tsvector on PostgreSQL; both are made by the migrations."""

    __tablename__ = "session_search"

    key: Mapped[int] = mapped_column(
        ForeignKey("sessions.key", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    text: Mapped[str] = mapped_column(Text)
    """Folded words with one blank between them, see `engine.archive.search`."""


class FilingRow(ArchiveTable):
    """A session that a running archive job is bringing into a project. It is named by its
    prearchive id only: label and accession ID come with the transaction that files it."""

    __tablename__ = "filings"

    origin: Mapped[str] = mapped_column(String(16), primary_key=True)
    project: Mapped[str] = mapped_column(String(64))
    accession: Mapped[str | None] = mapped_column(String(64), unique=True)
    """Of jobs only that began under a version which drew it before the session was filed."""
    at: Mapped[datetime]


class NumberRow(ArchiveTable):
    """The last number given to each kind of ID (E, S, V). Numbers are never used again."""

    __tablename__ = "numbers"

    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)


class ReceiverRow(ArchiveTable):
    """A receiver that was added beside the one of the settings file."""

    __tablename__ = "receivers"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    ae_title: Mapped[str] = mapped_column(String(16))
    port: Mapped[int]
    enabled: Mapped[bool] = mapped_column(default=True)
    anonymize: Mapped[bool] = mapped_column(default=True)
    allow_enabled: Mapped[bool] = mapped_column(default=False)
    allow: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{"entries": [...]}: AE, address or CIDR, or AE@address."""
    rules_enabled: Mapped[bool] = mapped_column(default=False)
    script_error: Mapped[str] = mapped_column(String(8), default="hold", server_default="hold")
    """`hold` or `refuse`."""
    transfer_syntaxes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """{"uids": [...]}: those that are preferred, in this order."""
    max_pdu: Mapped[int] = mapped_column(default=0, server_default="0")
    """Bytes. 0 in this and the next: what the settings file says."""
    max_associations: Mapped[int] = mapped_column(default=0, server_default="0")
    max_per_peer: Mapped[int] = mapped_column(default=0, server_default="0")
    """Associations of one calling address at once; 0: any number."""
    idle_timeout: Mapped[float] = mapped_column(default=0.0, server_default="0")
    """Seconds. 0: what the settings file says."""
    tls: Mapped[bool] = mapped_column(default=False, server_default=false())
    certificate: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Path of a PEM file, as in the next two."""
    key: Mapped[str] = mapped_column(Text, default="", server_default="")
    client_ca: Mapped[str] = mapped_column(Text, default="", server_default="")
    client_certificates: Mapped[str] = mapped_column(
        String(8), default="none", server_default="none"
    )
    """`none`, `optional` or `required`."""
    crl: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Path of a PEM file."""
    account: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The actor of what it brings in; empty: the engine's own names."""
    file_name_template: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Empty: what the settings file says, as in the next."""
    durability: Mapped[str] = mapped_column(String(8), default="", server_default="")
    """`group`, `none` or empty."""
    storage_classes: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    """{"uids": [...]}: those that are accepted beside what every receiver accepts."""

    __table_args__ = (UniqueConstraint("ae_title", "port"),)


class RemoteRow(ArchiveTable):
    """A remote application entity, and how it answered the last echo."""

    __tablename__ = "remotes"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    ae_title: Mapped[str] = mapped_column(String(16), index=True)
    host: Mapped[str] = mapped_column(String(255))
    port: Mapped[int]
    calling: Mapped[str] = mapped_column(String(16), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    enabled: Mapped[bool] = mapped_column(default=True)
    max_pdu: Mapped[int] = mapped_column(default=0)
    connect_timeout: Mapped[float]
    answer_timeout: Mapped[float]
    tls: Mapped[bool] = mapped_column(default=False)
    ca: Mapped[str] = mapped_column(Text, default="")
    """Path of a PEM file, as in the next two."""
    certificate: Mapped[str] = mapped_column(Text, default="")
    key: Mapped[str] = mapped_column(Text, default="")
    tls_name: Mapped[str] = mapped_column(String(255), default="")
    echo_at: Mapped[datetime | None]
    """When it was asked for an echo; the next three tell how it answered."""
    echo_ok: Mapped[bool] = mapped_column(default=False)
    echo_milliseconds: Mapped[float] = mapped_column(default=0.0)
    echo_reason: Mapped[str] = mapped_column(Text, default="")


class AcceptanceRow(ArchiveTable):
    """The acceptance of a sender, with what was seen of it when that was signed."""

    __tablename__ = "acceptances"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    calling: Mapped[str] = mapped_column(String(16), index=True)
    receiver: Mapped[str] = mapped_column(String(16), default="")
    expected: Mapped[int] = mapped_column(default=0)
    started: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(String(64))
    verdict: Mapped[str] = mapped_column(String(16))
    closed: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(64), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    steps: Mapped[str] = mapped_column(Text, default="")
    """The steps as JSON; empty while it is open."""


class RuleRow(ArchiveTable):
    """One version of a routing rule text. The newest version of a scope and concept is in force."""

    __tablename__ = "rules"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    scope: Mapped[str] = mapped_column(String(32))
    """`site` or `receiver:{AE}`."""
    concept: Mapped[str] = mapped_column(String(16))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    enabled: Mapped[bool] = mapped_column(default=True)
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (UniqueConstraint("scope", "concept", "version"),)


class ScriptRow(ArchiveTable):
    """The state of the anonymization script of a scope: whether it runs, and in which version."""

    __tablename__ = "scripts"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    """`site` or `project:{ID}`."""
    enabled: Mapped[bool]
    active: Mapped[int]


class ScriptVersionRow(ArchiveTable):
    """One version of an anonymization script; none is ever changed or taken away."""

    __tablename__ = "script_versions"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    """What objects carry in (0012,0064) that this version has changed."""
    scope: Mapped[str] = mapped_column(ForeignKey("scripts.scope"))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    lookups: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[int]
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (UniqueConstraint("scope", "version"),)


class SecretRow(ArchiveTable):
    """Keys of this installation: never shown, never exported."""

    __tablename__ = "secrets"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[str] = mapped_column(String(128))


class SettingsVersionRow(ArchiveTable):
    """One row that every change of configuration counts up; nodes watch it (intake contract 5)."""

    __tablename__ = "settings_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class SiteSettingRow(ArchiveTable):
    """A setting that somebody has set while the engine runs; it lies over the settings file."""

    __tablename__ = "site_settings"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)
    """As the settings file would have it."""
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")


class SettingsFileRow(ArchiveTable):
    """What the settings file of a node said when it started last; defaults are in it."""

    __tablename__ = "settings_files"

    node: Mapped[str] = mapped_column(String(64), primary_key=True)
    said: Mapped[dict[str, Any]]
    """Texts by section and name, without passwords."""
    at: Mapped[datetime]
    """Of the first start at which it said so."""


class UserRow(ArchiveTable):
    """Somebody who may have roles. Users are disabled, never deleted: the trail names them."""

    __tablename__ = "users"

    login: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), default="")
    email: Mapped[str] = mapped_column(String(255), default="")
    uid: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    """The Unix user that this is."""
    disabled: Mapped[bool] = mapped_column(default=False)
    sees_originals: Mapped[bool] = mapped_column(default=False)
    password: Mapped[str] = mapped_column(String(255), default="")
    """As argon2 writes it; empty: none is taken."""
    password_set: Mapped[datetime | None]
    wrong: Mapped[int] = mapped_column(default=0)
    """Wrong passwords since the last right one."""
    locked_until: Mapped[datetime | None]
    last_seen: Mapped[datetime | None]
    added: Mapped[datetime]
    added_by: Mapped[str] = mapped_column(String(64))


class GrantRow(ArchiveTable):
    """A role of a user, or of all who are in a Unix group."""

    __tablename__ = "grants"

    holder: Mapped[str] = mapped_column(String(80), primary_key=True)
    """A login, or `@` and the group."""
    project: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Empty for a site role."""
    role: Mapped[str] = mapped_column(String(16), primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(64))

    __table_args__ = (Index("ix_grants_project", "project"),)


class AccessRequestRow(ArchiveTable):
    """A user who asks for a role in a project; gone once it is answered."""

    __tablename__ = "access_requests"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    login: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]

    __table_args__ = (UniqueConstraint("login", "project"),)


class TokenRow(ArchiveTable):
    """An alias and a secret that stand for a user until they expire."""

    __tablename__ = "tokens"

    alias: Mapped[str] = mapped_column(String(36), primary_key=True)
    login: Mapped[str] = mapped_column(String(64), index=True)
    secret: Mapped[str] = mapped_column(String(64))
    """SHA-256 in hex: the secret itself is random and long, and kept nowhere."""
    note: Mapped[str] = mapped_column(String(255), default="")
    created: Mapped[datetime]
    expires: Mapped[datetime]
    single_use: Mapped[bool] = mapped_column(default=False)
    used: Mapped[datetime | None]
    revoked: Mapped[datetime | None]


class SignInRow(ArchiveTable):
    """Somebody who has signed in with a password, until they leave or are silent for too long."""

    __tablename__ = "sign_ins"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 in hex of what the client carries."""
    login: Mapped[str] = mapped_column(String(64), index=True)
    began: Mapped[datetime]
    seen: Mapped[datetime]


class HistoryRow(ArchiveTable):
    """The state of a row before it was changed or deleted."""

    __tablename__ = "history"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(32))
    object: Mapped[str] = mapped_column(String(160))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    change: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    before: Mapped[dict[str, Any]]

    __table_args__ = (Index("ix_history_kind_object", "kind", "object"),)


class ArchiveOutboxRow(OutboxColumns, ArchiveTable):
    """An audit event, written in the transaction of the change that it describes."""

    __tablename__ = "outbox"


class AuditRow(ArchiveTable):
    """One link of the audit chain. Append-only: triggers refuse change and deletion."""

    __tablename__ = "audit"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    event: Mapped[str] = mapped_column(String(40), unique=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    object: Mapped[str] = mapped_column(String(160))
    detail: Mapped[str] = mapped_column(Text)
    """Canonical JSON: what the hash covers, byte for byte."""
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    project: Mapped[str] = mapped_column(String(64), server_default="")
    """As `words` a copy to find events by. No hash covers it: verification compares it with what it
    is a copy of."""
    words: Mapped[str] = mapped_column(Text, server_default="")

    __table_args__ = tuple(
        Index(f"ix_audit_{name}_number", name, "number")
        for name in ("actor", "action", "object", "project", "at")
    )


class AuditCheckpointRow(ArchiveTable):
    """A link up to which the audit chain held, signed with a key that is not in the database."""

    __tablename__ = "audit_checkpoints"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime]
    key: Mapped[str] = mapped_column(String(16))
    """The name of the key, not the key."""
    mac: Mapped[str] = mapped_column(String(64))


class AuditTargetRow(ArchiveTable):
    """How far the audit trail was sent to a syslog target."""

    __tablename__ = "audit_targets"

    target: Mapped[str] = mapped_column(String(1024), primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger)


class ScriptSampleRow(ArchiveTable):
    """An object of an archived session that is tried whenever a script is saved."""

    __tablename__ = "script_samples"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    session: Mapped[str] = mapped_column(String(64))
    """An accession ID. The session may be deleted; the sample then says so."""
    file: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16))
    digest: Mapped[str] = mapped_column(String(64))
    """Of the expected changes, under a key of this installation."""
    at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(64))
