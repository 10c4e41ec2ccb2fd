"""An `EngineApi` whose facts are in memory: what the wire, the commands and the screens are tested
against. It keeps the promises of the protocols on a small scale, it does not record calls."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from engine.model.accounts import Accounts, Place
from engine.model.archive import (
    AuditEvent,
    AuditReport,
    HistoryEntry,
    Project,
    RuleText,
    ScanSummary,
    SessionCard,
    SessionPage,
    SessionQuery,
    SessionStatus,
    SessionSummary,
)
from engine.model.errors import InvalidInput, NotFound, Problem
from engine.model.identifiers import PrearchiveId
from engine.model.live import (
    EngineStatus,
    Event,
    EventBatch,
    HeldObject,
    Job,
    LedgerEntry,
    ReceiverStatus,
    Transfer,
)
from engine.model.prearchive import (
    ActOutcome,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.routing import Concept, Route, TraceStep, Verdict
from engine.model.states import Status, Verb, why_not
from engine.service import api

NOON = datetime(2026, 9, 11, 12, 0, tzinfo=UTC)


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
    )
    return replace(made, **changes)  # type: ignore[arg-type]


@dataclass
class Facts:
    """What an engine in memory knows."""

    sessions: dict[str, PrearchiveSession] = field(default_factory=dict)
    filed: dict[str, SessionCard] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    rules: dict[tuple[str, str], RuleText] = field(default_factory=dict)
    receivers: dict[tuple[str, int], ReceiverStatus] = field(default_factory=dict)
    transfers: list[Transfer] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    held: list[HeldObject] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    audit: list[AuditEvent] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    epoch: str = "first"
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    unbuildable: set[str] = field(default_factory=set)
    """Ids of sessions whose build ends in ERROR."""
    waited: asyncio.Event = field(default_factory=asyncio.Event)
    """Set once somebody waits for news."""
    stopped: bool = False

    def keep(self, *sessions: PrearchiveSession) -> None:
        """Put sessions into the prearchive."""
        self.sessions |= {one.id: one for one in sessions}

    def found(self, id: str) -> PrearchiveSession:
        """Give a session by id."""
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


class Prearchive(Asked):
    async def list(
        self, query: PrearchiveQuery = api.ALL_WAITING, offset: int = 0, limit: int = 100
    ) -> PrearchivePage:
        rows = [
            row
            for row in self.facts.sessions.values()
            if query.project in (None, row.project or "Unassigned")
            and (not query.status or row.status in query.status)
            and query.text.lower() in f"{row.label} {row.subject} {row.id}".lower()
        ]
        rows.sort(key=lambda row: str(getattr(row, query.sort)), reverse=query.descending)
        return PrearchivePage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    async def show(self, id: str) -> PrearchiveSession:
        return self.facts.found(id)

    async def find(self, name: str) -> str:
        for row in self.facts.sessions.values():
            if name in (row.id, row.url, row.label):
                return row.id
        raise NotFound("no such prearchive session", hint="list them: anteroom prearchive list")

    async def archive(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(id, Verb.ARCHIVE) for id in ids])

    async def move(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]:
        if project not in self.facts.projects:
            raise NotFound("no such project", hint="list them: anteroom project list")
        return tuple([await self._act(id, Verb.MOVE, project=project) for id in ids])

    async def relabel(
        self, id: str, label: str = "", subject: str = "", reason: str = ""
    ) -> ActOutcome:
        row = self.facts.found(id)
        return await self._act(
            id, Verb.RELABEL, label=label or row.label, subject=subject or row.subject
        )

    async def rebuild(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        ends = {id: Status.ERROR if id in self.facts.unbuildable else Status.READY for id in ids}
        return tuple([await self._act(id, Verb.REBUILD, status=ends[id]) for id in ids])

    async def delete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(id, Verb.DELETE) for id in ids])

    async def reset(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(id, Verb.RESET, status=Status.READY) for id in ids])

    async def log(self, id: str) -> tuple[LogEntry, ...]:
        self.facts.found(id)
        return (LogEntry(id="1", at=NOON, text=f"received, asked by {self.actor}"),)

    async def _act(self, id: str, verb: Verb, **changes: object) -> ActOutcome:
        row = self.facts.found(id)
        refusal = why_not(verb, row.status, locked=row.locked)
        if refusal:
            return ActOutcome(id=id, done=False, message=refusal)
        self.facts.sessions[id] = replace(row, status=Status.QUEUED_MOVING)
        job = Job(
            id=f"{id}:{verb}:1",
            verb=verb,
            session=id,
            status="PENDING",
            queued=NOON,
            updated=NOON,
            error="",
        )
        self.facts.jobs[job.id] = job
        running = asyncio.get_running_loop().create_task(self._finish(row, job, verb, changes))
        _RUNNING.add(running)
        running.add_done_callback(_RUNNING.discard)
        return ActOutcome(id=id, done=True, job=job.id)

    async def _finish(
        self, row: PrearchiveSession, job: Job, verb: Verb, changes: dict[str, object]
    ) -> None:
        await asyncio.sleep(0)
        self.facts.jobs[job.id] = replace(job, status="SUCCESS")
        if verb in (Verb.ARCHIVE, Verb.DELETE):
            del self.facts.sessions[row.id]
            if verb is Verb.ARCHIVE:
                self.facts.filed[row.id] = card(row)
        else:
            self.facts.sessions[row.id] = replace(row, **changes)  # type: ignore[arg-type]
        await self.facts.tell("session", row.id, f"{verb} done")


_RUNNING: set[asyncio.Task[None]] = set()


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


class Archive(Asked):
    async def list(
        self, query: SessionQuery = api.ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage:
        rows = [
            SessionSummary(
                accession=one.accession,
                label=one.label,
                project=one.project,
                subject=one.subject,
                subject_id=one.subject_id,
                date=one.date,
                modality=one.modality,
                xsi_type=one.xsi_type,
                scanner=one.scanner,
                description=one.description,
                status=one.status,
                scans=len(one.scans),
                files=one.files,
                bytes=one.bytes,
                added=one.added,
                added_by=one.added_by,
            )
            for one in self.facts.filed.values()
            if query.project in ("", one.project) and query.text.lower() in one.label.lower()
        ]
        return SessionPage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    async def show(self, id: str, project: str = "") -> SessionCard:
        for one in self.facts.filed.values():
            if id == one.accession or (project, id) == (one.project, one.label):
                return one
        raise NotFound("no such session", hint="list them: anteroom archive list")

    async def document(self, id: str) -> str:
        return f'<MRSession ID="{(await self.show(id)).accession}"/>'

    async def history(self, id: str) -> tuple[HistoryEntry, ...]:
        await self.show(id)
        return (HistoryEntry(at=NOON, actor=self.actor, change="archived", before={}),)


class Projects(Asked):
    async def list(self) -> tuple[Project, ...]:
        return tuple(self.facts.projects.values())

    async def show(self, id: str) -> Project:
        if id not in self.facts.projects:
            raise NotFound("no such project", hint="list them: anteroom project list")
        return self.facts.projects[id]

    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project:
        made = Project(
            id=id,
            title=title,
            description="",
            aliases=aliases,
            prearchive_code=4,
            quarantine_code=0,
            accessibility="private",
            current_arc="arc001",
            created=NOON,
            created_by=self.actor,
        )
        self.facts.projects[id] = made
        return made

    async def set(self, id: str, values: dict[str, str]) -> Project:
        changes: dict[str, object] = {}
        for key, value in values.items():
            if key in ("prearchive_code", "quarantine_code"):
                changes[key] = int(value)
            elif key in ("title", "description"):
                changes[key] = value
            else:
                raise InvalidInput(f"a project has no {key}")
        made = replace(await self.show(id), **changes)  # type: ignore[arg-type]
        self.facts.projects[id] = made
        return made


class Rules(Asked):
    async def show(self, scope: str, concept: str) -> RuleText:
        return self.facts.rules.get((scope, concept), RuleText(scope=scope, concept=concept))

    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText:
        if not text.startswith("("):
            problem = Problem(message="a line begins with (gggg,eeee)", line=1, column=1)
            raise InvalidInput("the rules are not well formed", problems=(problem,))
        before = await self.show(scope, concept)
        made = RuleText(
            scope=scope,
            concept=concept,
            version=before.version + 1,
            text=text,
            enabled=enabled,
            at=NOON,
            author=self.actor,
            reason=reason,
        )
        self.facts.rules[scope, concept] = made
        return made


class Routing(Asked):
    async def explain(self, path: str, receiver: str = "") -> Route:
        step = TraceStep(
            concept=Concept.PROJECT,
            extractor="study description",
            element="(0008,1030)",
            saw="NEURO3",
            found="NEURO3",
            verdict=Verdict.WON,
        )
        return Route(
            project="NEURO3", subject="SUB-1", session="MR_1", auto_archive=None, trace=(step,)
        )


class Receivers(Asked):
    async def list(self) -> tuple[ReceiverStatus, ...]:
        return tuple(self.facts.receivers.values())

    async def add(
        self,
        ae_title: str,
        port: int,
        allow: tuple[str, ...] = (),
        anonymize: bool = True,
        rules: bool = False,
    ) -> ReceiverStatus:
        made = ReceiverStatus(
            ae_title=ae_title,
            port=port,
            enabled=True,
            listening=True,
            origin="added",
            anonymize=anonymize,
            allow_enabled=bool(allow),
            allow=allow,
            rules_enabled=rules,
        )
        return self._keep(made)

    async def edit(self, ae_title: str, port: int, values: dict[str, str]) -> ReceiverStatus:
        now = self._found(ae_title, port)
        return self._keep(replace(now, anonymize=values.get("anonymize", "true") == "true"))

    async def remove(self, ae_title: str, port: int) -> None:
        self._found(ae_title, port)
        del self.facts.receivers[ae_title, port]

    async def start(self, ae_title: str, port: int) -> ReceiverStatus:
        return self._keep(replace(self._found(ae_title, port), enabled=True, listening=True))

    async def stop(self, ae_title: str, port: int) -> ReceiverStatus:
        return self._keep(replace(self._found(ae_title, port), enabled=False, listening=False))

    async def echo(self, ae_title: str, port: int) -> str:
        self._found(ae_title, port)
        return "answered 0000"

    def _found(self, ae_title: str, port: int) -> ReceiverStatus:
        if (ae_title, port) not in self.facts.receivers:
            raise NotFound("no such receiver", hint="list them: anteroom receiver list")
        return self.facts.receivers[ae_title, port]

    def _keep(self, receiver: ReceiverStatus) -> ReceiverStatus:
        self.facts.receivers[receiver.ae_title, receiver.port] = receiver
        return receiver


class Live(Asked):
    async def transfers(self, limit: int = 100, open_only: bool = False) -> tuple[Transfer, ...]:
        rows = [one for one in self.facts.transfers if not open_only or one.closed is None]
        return tuple(sorted(rows, key=lambda one: one.opened, reverse=True)[:limit])

    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]:
        rows = [one for one in self.facts.ledger if outcome in ("", one.outcome)]
        return tuple(rows[offset : offset + limit])

    async def held(self) -> tuple[HeldObject, ...]:
        return tuple(self.facts.held)


class Jobs(Asked):
    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]:
        rows = [
            one for one in self.facts.jobs.values() if not unfinished or one.status == "PENDING"
        ]
        return tuple(rows[:limit])

    async def cancel(self, id: str) -> None:
        self._set(id, "CANCELLED")

    async def retry(self, id: str) -> None:
        self._set(id, "PENDING")

    def _set(self, id: str, status: str) -> None:
        if id not in self.facts.jobs:
            raise NotFound("no such job", hint="list them: anteroom jobs list")
        self.facts.jobs[id] = replace(self.facts.jobs[id], status=status)


class Audit(Asked):
    async def list(
        self, offset: int = 0, limit: int = 100, object: str = "", actor: str = "", action: str = ""
    ) -> tuple[AuditEvent, ...]:
        rows = [one for one in self.facts.audit if object in ("", one.object)]
        return tuple(rows[offset : offset + limit])

    async def verify(self) -> AuditReport:
        holds = all(one.hash for one in self.facts.audit)
        return AuditReport(
            ok=holds,
            checked=len(self.facts.audit),
            message="the chain holds" if holds else "link 1 does not hold",
        )


class Events(Asked):
    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        if epoch != self.facts.epoch:
            return self._batch((), gap=True)
        if wait:
            async with self.facts.news:
                self.facts.waited.set()
                try:
                    await asyncio.wait_for(
                        self.facts.news.wait_for(lambda: len(self.facts.events) > number), wait
                    )
                except TimeoutError:
                    return self._batch(())
        return self._batch(tuple(self.facts.events[number:]))

    def _batch(self, events: tuple[Event, ...], *, gap: bool = False) -> EventBatch:
        return EventBatch(
            epoch=self.facts.epoch, events=events, last=len(self.facts.events), gap=gap
        )


class System(Asked):
    async def status(self) -> EngineStatus:
        return EngineStatus(
            version="0.1.0",
            pid=1,
            node="node",
            home="/home",
            started=NOON,
            receivers=tuple(self.facts.receivers.values()),
            workers=1,
            associations=0,
            accounts=Accounts(counts={Place.WAITING: 10, Place.DUPLICATE: 2, Place.REFUSED: 1}),
            sessions={"READY": len(self.facts.sessions)},
            archived=len(self.facts.filed),
            disk_free=1 << 30,
            disk_total=1 << 32,
        )

    async def stop(self) -> None:
        self.facts.stopped = True


class EngineInMemory:
    """An engine in memory, asked on behalf of one actor."""

    def __init__(self, facts: Facts, actor: str) -> None:
        self.prearchive = Prearchive(facts, actor)
        self.archive = Archive(facts, actor)
        self.projects = Projects(facts, actor)
        self.rules = Rules(facts, actor)
        self.routing = Routing(facts, actor)
        self.receivers = Receivers(facts, actor)
        self.live = Live(facts, actor)
        self.jobs = Jobs(facts, actor)
        self.audit = Audit(facts, actor)
        self.events = Events(facts, actor)
        self.system = System(facts, actor)


class HostInMemory:
    """What a server can serve: an engine in memory for whoever asks."""

    def __init__(self, facts: Facts | None = None) -> None:
        self.facts = facts or Facts()

    def acting(self, actor: str) -> api.EngineApi:
        """Give the engine as one actor sees it."""
        return EngineInMemory(self.facts, actor)
