# SPDX-License-Identifier: Apache-2.0
"""The tables of `prearchive.db`. The intake contract requires each of them; the numbers beside the
classes are its points. dbos has its own tables in the same database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from engine.database.columns import BigKey, OutboxColumns, PrearchiveTable


class SessionRow(PrearchiveTable):
    """One prearchive session: a folder of objects that arrived under one claim (6)."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    project: Mapped[str | None] = mapped_column(String(64))
    timestamp: Mapped[str] = mapped_column(String(24))
    folder: Mapped[str] = mapped_column(String(160))
    label: Mapped[str] = mapped_column(String(160))
    subject: Mapped[str | None] = mapped_column(String(160))
    received_study_uid: Mapped[str] = mapped_column(String(128))
    study_uid: Mapped[str] = mapped_column(String(128), default="")
    status: Mapped[str] = mapped_column(String(24))
    locked: Mapped[bool] = mapped_column(default=False)
    accepting: Mapped[bool] = mapped_column(default=True)
    working_folder: Mapped[str] = mapped_column(String(400), default="")
    """Where a job has renamed the folder to, below the prearchive; empty when in its place."""
    attempt: Mapped[int] = mapped_column(default=0)
    snapshot: Mapped[int] = mapped_column(default=0)
    autoarchive: Mapped[bool | None]
    prevent_anon: Mapped[bool] = mapped_column(default=False)
    prevent_auto_commit: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(64), default="")
    visit: Mapped[str] = mapped_column(String(64), default="")
    protocol: Mapped[str] = mapped_column(String(64), default="")
    timezone: Mapped[str] = mapped_column(String(64), default="")
    scan_date: Mapped[str] = mapped_column(String(10), default="")
    scan_time: Mapped[str] = mapped_column(String(16), default="")
    uploaded: Mapped[datetime]
    lastmod: Mapped[datetime]
    last_object: Mapped[datetime]
    receiver: Mapped[str] = mapped_column(String(16), default="")
    calling: Mapped[str] = mapped_column(String(64), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why the session is in ERROR or CONFLICT, in words and without patient data."""
    session_type: Mapped[str] = mapped_column(String(64), default="")
    modality: Mapped[str] = mapped_column(String(16), default="")
    scans: Mapped[int] = mapped_column(default=0)
    objects: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    built_objects: Mapped[int] = mapped_column(default=0)
    """How many files the last build has seen; fewer than there are means: build again."""
    commit_after: Mapped[bool] = mapped_column(default=False)
    """True when the build that is queued may go on to archive (timer or commit, not rebuild)."""
    asked_by: Mapped[str] = mapped_column(String(64), default="")
    quarantine: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether somebody asked to archive it into quarantine, whatever its project says."""
    wanted_project: Mapped[str | None] = mapped_column(String(64))
    wanted_label: Mapped[str | None] = mapped_column(String(160))
    wanted_subject: Mapped[str | None] = mapped_column(String(160))
    contradictions: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many the last build has found that nobody has decided on."""
    several_patients: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether one of them is that the objects are of several patients."""
    decision: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What the queued job is to make of them, as JSON of `engine.jobs.decisions`."""
    belongs_to: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The archived session that has the same received study already."""
    cut_short: Mapped[str] = mapped_column(String(160), default="", server_default="")
    """How the transfer ended that broke off while it fed the session; empty once looked at."""
    looked: Mapped[datetime | None]
    """When somebody has looked at it last after that."""
    looked_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    routed: Mapped[str] = mapped_column(Text, default="", server_default="")
    """How it was routed when it came, as JSON of a `Route` with its trace, once somebody has moved
    or relabelled it; empty before."""
    duplicates: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many objects that came for it the archived session holds already."""
    account: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The account of the receiver that its first object came to: the actor of what becomes of it
    by itself."""
    file_name_template: Mapped[str] = mapped_column(Text, default="", server_default="")
    """That of the same receiver; empty where it has none of its own."""
    arriving: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """How many series have been seen of it as objects came."""
    missing: Mapped[int | None]
    """How many objects these lack, as their rows say; empty where that is not known, and then it
    stays so."""

    __table_args__ = (
        Index(
            "uq_sessions_place",
            func.coalesce(text("project"), ""),
            "timestamp",
            "folder",
            unique=True,
        ),
        Index(
            "uq_sessions_claim",
            func.coalesce(text("project"), ""),
            "received_study_uid",
            "label",
            unique=True,
            sqlite_where=text("accepting"),
            postgresql_where=text("accepting"),
        ),
        Index("ix_sessions_status_last_object", "status", "last_object"),
        # The order of every list that nobody has sorted otherwise, its windows far down as well.
        Index("ix_sessions_last_object", "last_object", "id"),
        Index("ix_sessions_received_study_uid", "received_study_uid"),
    )


class ObjectRow(PrearchiveTable):
    """The private index of a session: what each file was when it was received (7, 9)."""

    __tablename__ = "session_index"

    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    received_sop_uid: Mapped[str] = mapped_column(String(128), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Of the data set as it crossed the wire (engine/dicom/digest.py)."""
    file: Mapped[str] = mapped_column(String(400))
    """Path below the session folder."""
    sop_uid: Mapped[str] = mapped_column(String(128), default="")
    size: Mapped[int] = mapped_column(BigInteger)
    transfer: Mapped[str] = mapped_column(String(40), default="")
    recovered: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("ix_session_index_session_file", "session", "file"),)


class ArrivingSeriesRow(PrearchiveTable):
    """What is known of a series of a session from the objects that have come: nothing of it is read
    from files."""

    __tablename__ = "arriving_series"

    session: Mapped[str] = mapped_column(
        ForeignKey("sessions.id", ondelete="CASCADE"), primary_key=True
    )
    series: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Series Instance UID as stored."""
    scan: Mapped[str] = mapped_column(String(128))
    """The folder that its first object went to."""
    objects: Mapped[int]
    ranges: Mapped[str] = mapped_column(Text)
    """Instance numbers, as `engine.model.ranges` writes them; empty where they are not known."""
    stated: Mapped[int]
    """How many objects the sender says that it holds; 0 where it does not say."""
    last: Mapped[datetime]


class ThroughputRow(PrearchiveTable):
    """What a sender has brought to a receiver within an hour, as it was received: it stays when the
    transfers are forgotten."""

    __tablename__ = "throughput"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    """When it began."""
    receiver: Mapped[str] = mapped_column(String(16), primary_key=True)
    calling: Mapped[str] = mapped_column(String(64), primary_key=True)
    objects: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)
    refused: Mapped[int] = mapped_column(BigInteger)
    """Objects that were answered with a failure."""
    last: Mapped[datetime]
    """When the last object came."""


class HeldRow(PrearchiveTable):
    """An object that was answered with success and stays in staging: for review (2),
    or until the helper has run the script over it (11)."""

    __tablename__ = "held"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Name of its file in `.staging/held`, of our own making."""
    transfer: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(String(160), default="")
    sop_class: Mapped[str] = mapped_column(String(128), default="")
    received_sop_uid: Mapped[str] = mapped_column(String(128), default="")
    transfer_syntax: Mapped[str] = mapped_column(String(128), default="")
    digest: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(BigInteger)
    waits: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    """Whether it waits for the helper, and not for review."""
    session: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """The session that it was claimed for while it waits for the helper."""
    node: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The node whose helper it waits for."""


class TransferRow(PrearchiveTable):
    """One association, upload or inbox run; what Live shows."""

    __tablename__ = "transfers"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(64))
    worker: Mapped[str] = mapped_column(String(64), default="")
    kind: Mapped[str] = mapped_column(String(16), default="dicom")
    receiver: Mapped[str] = mapped_column(String(16), default="")
    port: Mapped[int] = mapped_column(default=0)
    calling: Mapped[str] = mapped_column(String(64), default="")
    peer: Mapped[str] = mapped_column(String(64), default="")
    opened: Mapped[datetime]
    closed: Mapped[datetime | None]
    ended: Mapped[str] = mapped_column(String(160), default="")
    """How it ended: released, aborted, ...; empty while it is open."""
    last_object: Mapped[datetime | None]
    objects: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    series: Mapped[str] = mapped_column(String(160), default="")
    last_error: Mapped[str] = mapped_column(Text, default="")
    account: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The account of its receiver."""
    certificate: Mapped[str] = mapped_column(String(160), default="", server_default="")
    """The subject of the certificate that its sender has shown."""
    echoes: Mapped[int] = mapped_column(default=0, server_default="0")
    """C-ECHOs that were answered."""

    __table_args__ = (
        Index("ix_transfers_opened", "opened"),
        # Open ones are few among many: they are listed often and closed at every start.
        Index("ix_transfers_closed", "closed"),
    )


class TallyRow(PrearchiveTable):
    """One count per transfer, row and place (12). `session` is empty where an object has no row."""

    __tablename__ = "tallies"

    transfer: Mapped[str] = mapped_column(String(40), primary_key=True)
    session: Mapped[str] = mapped_column(String(16), primary_key=True, default="")
    place: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (Index("ix_tallies_session_place", "session", "place"),)


class TotalRow(PrearchiveTable):
    """The sum of all tallies of a place, kept beside them: it is asked for at every refresh of
    every screen, and tallies are many."""

    __tablename__ = "totals"

    place: Mapped[str] = mapped_column(String(16), primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)


class LedgerRow(PrearchiveTable):
    """Dropped and refused objects and associations, folded by transfer, outcome and reason."""

    __tablename__ = "ledger"

    id: Mapped[int] = mapped_column(BigKey, primary_key=True, autoincrement=True)
    transfer: Mapped[str] = mapped_column(String(40), default="")
    outcome: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(400))
    rule: Mapped[str] = mapped_column(String(160), default="")
    session: Mapped[str] = mapped_column(String(16), default="")
    receiver: Mapped[str] = mapped_column(String(64), default="")
    calling: Mapped[str] = mapped_column(String(64), default="")
    peer: Mapped[str] = mapped_column(String(64), default="")
    first: Mapped[datetime]
    last: Mapped[datetime]
    count: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (
        UniqueConstraint("transfer", "outcome", "reason", "rule", "session", name="uq_ledger_fold"),
        Index("ix_ledger_last", "last"),
        # A group is read line by line, however many there are of others.
        Index("ix_ledger_reason", "outcome", "reason", "rule", "last", "id"),
        Index("ix_ledger_calling", "calling", "last", "id"),
    )


class JournalRow(PrearchiveTable):
    """How far a worker's journal has been taken into the tables (4)."""

    __tablename__ = "journals"

    name: Mapped[str] = mapped_column(String(160), primary_key=True)
    """File name below `.journals`, unique over nodes."""
    node: Mapped[str] = mapped_column(String(64))
    offset: Mapped[int] = mapped_column(BigInteger, default=0)
    """Bytes that are committed to rows and tallies."""
    damaged: Mapped[int] = mapped_column(default=0)
    """Stretches that no record could be read from."""
    opened: Mapped[datetime]
    finished: Mapped[bool] = mapped_column(default=False)


class ReceiptRow(PrearchiveTable):
    """What can still be vouched for once a session has left the prearchive: one row per object,
    the received SOP Instance UID only as HMAC(secret, UID) (9)."""

    __tablename__ = "receipts"

    sop: Mapped[str] = mapped_column(String(64), primary_key=True)
    session: Mapped[str] = mapped_column(String(16), primary_key=True)
    place: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime]
    recovered: Mapped[bool] = mapped_column(default=False)
    """True while the journal record of the object is still to come."""
    object: Mapped[str] = mapped_column(String(32), default="", server_default="")
    """The start of HMAC(secret, UID and digest), in hex, by which an archived session finds the
    file of the object; empty where it left before these were kept."""


class CommitmentRow(PrearchiveTable):
    """A request for a storage commitment: what it asks for, what was decided, and whether its
    sender has been told. The UIDs in it are nowhere else."""

    __tablename__ = "commitments"

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    node: Mapped[str] = mapped_column(String(64))
    """The engine that took it last."""
    transaction_uid: Mapped[str] = mapped_column(String(64))
    """The sender's name for the request."""
    receiver: Mapped[str] = mapped_column(String(16))
    calling: Mapped[str] = mapped_column(String(64))
    peer: Mapped[str] = mapped_column(String(64))
    transfer: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime]
    count: Mapped[int]
    digest: Mapped[str] = mapped_column(String(64))
    """SHA-256 of `objects`, in hex: whether two requests ask for the same."""
    objects: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    """SOP classes and instances, as `engine.dicom.commitment` packs them."""
    reasons: Mapped[bytes] = mapped_column(LargeBinary, deferred=True, default=b"")
    """Two bytes for each object, why it is not committed or zero, compressed; empty until that is
    decided."""
    duplicate: Mapped[bool] = mapped_column(default=False)
    """Whether the sender has used the transaction UID for other objects before."""
    failed: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(Text, default="")
    attempts: Mapped[int] = mapped_column(default=0)
    due: Mapped[datetime | None]
    """When somebody is to look at it next; empty once it has ended."""
    decided: Mapped[datetime | None]
    ended: Mapped[datetime | None]

    __table_args__ = (
        Index("ix_commitments_due", "due"),
        Index("ix_commitments_at", "at", "id"),
        Index("ix_commitments_calling_transaction_uid", "calling", "transaction_uid"),
    )


class OutboxRow(OutboxColumns, PrearchiveTable):
    """An audit event, written with the change that it describes (14); the relay removes it."""

    __tablename__ = "outbox"


class SendRow(PrearchiveTable):
    """A session on its way to a remote, and what became of its objects. It stands here because its
    job commits with it, and because names of files may be a patient's."""

    __tablename__ = "sends"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    remote: Mapped[str] = mapped_column(String(32))
    session: Mapped[str] = mapped_column(String(64), index=True)
    filed: Mapped[bool]
    scans: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """{"ids": [...]}; none: all."""
    state: Mapped[str] = mapped_column(String(16))
    actor: Mapped[str] = mapped_column(String(64))
    queued: Mapped[datetime]
    began: Mapped[datetime | None]
    ended: Mapped[datetime | None]
    cancelled_by: Mapped[str] = mapped_column(String(64), default="")
    listing: Mapped[str] = mapped_column(String(64), default="")
    """A digest of the names of the files that go, in their order; the next two count in it."""
    position: Mapped[int] = mapped_column(default=0)
    objects: Mapped[int] = mapped_column(default=0)
    bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    sent: Mapped[int] = mapped_column(default=0)
    sent_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    warnings: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    statuses: Mapped[dict[str, Any]] = mapped_column(default=dict)
    failures: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)
    """{"first": [[file, uid, status, reason], ...]}; read with one send only."""
    tries: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime | None]
    progressed: Mapped[datetime | None]
    """When it has last got on; a remote that cannot be reached is given up some time after that."""
    reason: Mapped[str] = mapped_column(Text, default="")

    __table_args__ = (
        Index("ix_sends_queued", "queued"),
        Index("ix_sends_state", "state", "ended"),
    )


class TombstoneRow(PrearchiveTable):
    """What is left of a session that was removed for good: nothing that names a patient."""

    __tablename__ = "tombstones"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    project: Mapped[str | None] = mapped_column(String(64))
    objects: Mapped[int]
    bytes: Mapped[int] = mapped_column(BigInteger)
    deleted: Mapped[datetime | None]
    deleted_by: Mapped[str] = mapped_column(String(64))
    gone: Mapped[datetime]
    gone_by: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_tombstones_gone", "gone"),)


class NodeRow(PrearchiveTable):
    """A running engine; its heartbeat says whether its jobs may be taken over."""

    __tablename__ = "nodes"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    epoch: Mapped[str] = mapped_column(String(40))
    started: Mapped[datetime]
    heartbeat: Mapped[datetime]
    roles: Mapped[str] = mapped_column(String(64), default="receiver,worker,api")
