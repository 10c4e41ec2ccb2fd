# SPDX-License-Identifier: Apache-2.0
"""What an engine in memory knows, and samples to fill it with."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.model.acceptance import Acceptance
from engine.model.archive import (
    AuditEvent,
    HistoryEntry,
    Project,
    RuleText,
    ScanSummary,
    SessionCard,
    SessionStatus,
)
from engine.model.changes import SessionChanges
from engine.model.commitments import CommitmentDetail
from engine.model.comparison import ComparedRow, Part
from engine.model.configured import Applied, ConfigurationChange, Configured
from engine.model.contents import (
    FiledContents,
    FileEntry,
    FoldedHeader,
    SessionContents,
    Timeline,
    Tombstone,
)
from engine.model.contradictions import Choice, Contradiction
from engine.model.desk import Desk, Opened
from engine.model.errors import NotFound
from engine.model.findings import Findings
from engine.model.health import Check, Finding
from engine.model.identifiers import PrearchiveId
from engine.model.ledger import DayAccounts
from engine.model.live import (
    ArrivingSeries,
    Event,
    HeldObject,
    Job,
    LedgerEntry,
    ReceiverStatus,
    SenderSeen,
    Throughput,
    Transfer,
)
from engine.model.people import AccessRequest, Grant, NewToken, User
from engine.model.pictures import PictureRequest
from engine.model.prearchive import (
    PrearchiveSession,
)
from engine.model.quarantine import Yes
from engine.model.queues import MonthLine, Queue
from engine.model.remotes import Remote, Send
from engine.model.routing import Route
from engine.model.samples import SampleResult
from engine.model.scripts import ScriptText, WaitingForScript
from engine.model.site_settings import Given
from engine.model.states import Status
from engine.model.trials import Trial
from engine.model.what_if import WhatIf

NOON = datetime(2026, 9, 11, 12, 0, tzinfo=UTC)
NOTHING_TRIED = WhatIf(tried=0, unread=0, adrift=0, moved=())
NO_ACCOUNTS = DayAccounts(since=NOON.replace(hour=0), senders=())


def session(number: int = 1, **changes: object) -> PrearchiveSession:
    """Make a prearchive session."""
    made = PrearchiveSession(
        id=PrearchiveId(f"pre_aaaaaaa{number}"),
        project="NEURO3",
        timestamp=f"20260911_12000000{number}",
        folder=f"MR_{number}",
        label=f"MR_{number}",
        subject=f"SUB-{number}",
        tag=f"1.2.3.{number}",
        status=Status.READY,
        locked=False,
        reason="",
        autoarchive=None,
        prevent_anon=False,
        prevent_auto_commit=False,
        source="",
        visit="",
        protocol="",
        timezone="",
        scan_date="2026-09-11",
        scan_time="11:00:00",
        uploaded=NOON,
        lastmod=NOON + timedelta(seconds=number),
        last_object=NOON + timedelta(seconds=number),
        receiver="ANTEROOM",
        calling="MR3T_A",
        session_type="xnat:mrSessionData",
        modality="MR",
        scans=2,
        objects=10 * number,
        bytes=1024 * number,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def transfer(number: int = 1, **changes: object) -> Transfer:
    """Make an open transfer."""
    made = Transfer(
        id=f"tr_{number}",
        kind="association",
        receiver="ANTEROOM",
        port=8104,
        calling="MR3T_A",
        peer="10.3.1.44",
        opened=NOON + timedelta(seconds=number),
        closed=None,
        ended="",
        last_object=NOON + timedelta(seconds=number),
        objects=12,
        bytes=4096,
        series="t1_mprage_sag",
        last_error="",
        sessions=("pre_aaaaaaa1",),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def card(row: PrearchiveSession) -> SessionCard:
    """Make the card that a session has once it is filed."""
    return SessionCard(
        accession=f"XNAT_E0000{row.id[-1]}",
        label=row.label,
        project=row.project or "",
        subject=row.subject or "",
        subject_id="XNAT_S00001",
        gender="",
        handedness="",
        age="",
        date="2026-09-11",
        time="11:00:00",
        scanner="MR3T_A",
        manufacturer="",
        model="",
        acquisition_site="",
        modality=row.modality,
        xsi_type=row.session_type,
        description="",
        uid=row.tag,
        status=SessionStatus.ACTIVE,
        origin=row.id,
        added=NOON,
        added_by="admin",
        files=row.objects,
        bytes=row.bytes,
        scans=(ScanSummary(id="4", xsi_type="xnat:mrScanData", files=row.objects),),
        folder=f"{row.project}/arc001/{row.label}",
    )


def all_well() -> list[Check]:
    """Make the checks of an engine that is well."""
    return [
        Check(name="receivers", finding=Finding.GOOD, found="1 receiver listens"),
        Check(name="accounts", finding=Finding.GOOD, found="12 received, the sum of their places"),
    ]


@dataclass
class Facts:
    """What an engine in memory knows."""

    sessions: dict[str, PrearchiveSession] = field(default_factory=dict)
    desks: dict[str, Desk] = field(default_factory=dict)
    opened: list[Opened] = field(default_factory=list)
    """What others have open."""
    here: dict[str, str] = field(default_factory=dict)
    """What consoles have open, by console."""
    queues: list[Queue] = field(default_factory=list)
    months: dict[str, tuple[MonthLine, ...]] = field(default_factory=dict)
    findings: dict[str, Findings] = field(default_factory=dict)
    on_paper: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Ids of sessions by what somebody may have on paper."""
    filed: dict[str, SessionCard] = field(default_factory=dict)
    quarantined: set[str] = field(default_factory=set)
    """Prearchive ids of what was asked to be archived into quarantine."""
    trashed: dict[str, PrearchiveSession] = field(default_factory=dict)
    tombstones: list[Tombstone] = field(default_factory=list)
    contradictions: dict[str, tuple[Contradiction, ...]] = field(default_factory=dict)
    decided: list[tuple[str, tuple[Choice, ...], str]] = field(default_factory=list)
    """Deleted sessions, the one deleted last at the end."""
    projects: dict[str, Project] = field(default_factory=dict)
    rules: dict[tuple[str, str], RuleText] = field(default_factory=dict)
    scripts: dict[str, list[ScriptText]] = field(default_factory=dict)
    samples: list[SampleResult] = field(default_factory=list)
    script_waiting: dict[str, WaitingForScript] = field(default_factory=dict)
    trials: dict[str, Trial] = field(default_factory=dict)
    """By session: what a text that is not saved would do."""
    """By scope, the first version first."""
    receivers: dict[tuple[str, int], ReceiverStatus] = field(default_factory=dict)
    settings: dict[str, Given] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    groups: dict[str, tuple[Grant, ...]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    """By login."""
    tokens: dict[str, NewToken] = field(default_factory=dict)
    """By alias."""
    signed_in: dict[str, str] = field(default_factory=dict)
    """Logins by key."""
    access_requests: list[AccessRequest] = field(default_factory=list)
    remotes: dict[str, Remote] = field(default_factory=dict)
    sends: dict[str, Send] = field(default_factory=dict)
    acceptances: dict[str, Acceptance] = field(default_factory=dict)
    takes_all: bool = False
    """Whether what is sent arrives at once."""
    mute: dict[str, str] = field(default_factory=dict)
    """Remotes that answer no echo, by name, and why."""
    transfers: list[Transfer] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    held: list[HeldObject] = field(default_factory=list)
    held_headers: dict[str, FoldedHeader] = field(default_factory=dict)
    accounts: DayAccounts = NO_ACCOUNTS
    what_if: WhatIf = NOTHING_TRIED
    series: dict[str, tuple[ArrivingSeries, ...]] = field(default_factory=dict)
    """By prearchive id, as their objects told."""
    throughput: list[Throughput] = field(default_factory=list)
    senders: list[SenderSeen] = field(default_factory=list)
    commitments: list[CommitmentDetail] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    audit: list[AuditEvent] = field(default_factory=list)
    most_counted: int = 10_000
    """Events of a filtered trail that are counted."""
    events: list[Event] = field(default_factory=list)
    epoch: str = "first"
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    unbuildable: set[str] = field(default_factory=set)
    """Ids of sessions whose build ends in ERROR."""
    waited: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody waits for news."""
    contents: dict[str, SessionContents] = field(default_factory=dict)
    """By prearchive id; what is not told here is generated, and so are the next five."""
    seen: dict[str, FiledContents] = field(default_factory=dict)
    """By accession ID; what is not told here is as the card has it."""
    files: dict[str, tuple[FileEntry, ...]] = field(default_factory=dict)
    """By prearchive id or accession ID."""
    data: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """By accession ID and path of the file."""
    headers: dict[tuple[str, str], FoldedHeader] = field(default_factory=dict)
    """By prearchive id or accession ID, and scan."""
    states: dict[str, tuple[datetime, str, SessionStatus | None]] = field(default_factory=dict)
    """By accession ID since when and by whom it is in its state, and of one that is obsolete what
    it was before; what is not told here is so since it was archived."""
    agreed: dict[str, tuple[Yes, ...]] = field(default_factory=dict)
    """By accession ID who has agreed to a release."""
    histories: dict[str, tuple[HistoryEntry, ...]] = field(default_factory=dict)
    applied: dict[str, tuple[Applied, ...]] = field(default_factory=dict)
    configured: tuple[Configured, ...] = ()
    reconfigured: tuple[ConfigurationChange, ...] = ()
    """By accession ID; what is not told here was archived, and no more."""
    documents: dict[str, str] = field(default_factory=dict)
    """By accession ID."""
    routes: dict[str, Route] = field(default_factory=dict)
    timelines: dict[str, Timeline] = field(default_factory=dict)
    differences: tuple[ComparedRow, ...] = ()
    """What any two sessions differ in."""
    pictured: list[tuple[str, PictureRequest]] = field(default_factory=list)
    """Which pictures were asked for."""
    picture: dict[str, Any] = field(default_factory=dict)
    """What is otherwise about all of them."""
    compared: list[tuple[str, str, Part, Part]] = field(default_factory=list)
    """What was asked to be compared."""
    done: dict[str, SessionChanges] = field(default_factory=dict)
    """By session: what its scripts did."""
    done_in_parts: dict[str, list[SessionChanges]] = field(default_factory=dict)
    """What is answered one after the other, while it is being found out."""
    to_come: dict[str, SessionChanges] = field(default_factory=dict)
    stubborn: dict[str, str] = field(default_factory=dict)
    """Held objects for which the script fails again, and why."""
    checks: list[Check] = field(default_factory=all_well)
    status: dict[str, Any] = field(default_factory=dict)
    """What is different in the status of the engine."""
    stopped: bool = False

    def keep(self, *sessions: PrearchiveSession) -> None:
        """Put sessions into the prearchive."""
        self.sessions |= {one.id: one for one in sessions}

    def sender_of(self, one: HeldObject) -> str:
        """Return who sent a held object, as far as its transfer is known."""
        found = (each.calling for each in self.transfers if each.id == one.transfer)
        return next(found, "MR3T_A")

    def found(self, id: str) -> PrearchiveSession:
        """Return a session by id."""
        if id not in self.sessions:
            raise NotFound("no such prearchive session", hint="list them: anteroom prearchive list")
        return self.sessions[id]

    async def tell(self, kind: str, object: str, text: str = "", severity: str = "info") -> None:
        """Make an event."""
        number = len(self.events) + 1
        self.events.append(
            Event(number=number, at=NOON, kind=kind, object=object, text=text, severity=severity)
        )
        async with self.news:
            self.news.notify_all()


@dataclass
class Asked:
    """A noun: the facts, and who asks."""

    facts: Facts
    actor: str
