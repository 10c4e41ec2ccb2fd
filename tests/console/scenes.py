# SPDX-License-Identifier: Apache-2.0
"""What an engine in memory knows in pictures of screens: nothing, a day like any other, trouble, or
texts that mean harm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from datetime import timedelta
from itertools import cycle
from typing import Any, TypeVar
from zlib import crc32

from engine.model.acceptance import Acceptance, Judgement, Step, StepName, StepState
from engine.model.archive import (
    AuditEvent,
    HistoryEntry,
    Project,
    RuleText,
    ScanSummary,
    SessionStatus,
)
from engine.model.changes import SessionChanges
from engine.model.configured import Applied, ConfigurationChange, Configured, Difference
from engine.model.configured import Step as Applying
from engine.model.contents import SessionContents
from engine.model.findings import Findings
from engine.model.health import Check, Finding
from engine.model.live import Event, Job, LedgerEntry, ReceiverStatus, SenderSeen, Throughput
from engine.model.people import AccessRequest, Grant, Role, User
from engine.model.quarantine import Yes
from engine.model.remotes import Echo, Remote
from engine.model.states import Status, Verb
from tests.console.piloting import HOSTILE
from tests.console.scripted import write_scripts
from tests.memory import NOON, Facts, card, session, transfer
from tests.memory.changes import done, to_come
from tests.memory.comparison import differences
from tests.memory.contents import SAMPLE_ROUTE, header, timeline_of
from tests.memory.findings import several

T = TypeVar("T")

TEXTS = (
    HOSTILE,
    "\u202e\u2066DOE\u2069^JANE\u200b\u00ad",
    "山田^太郎" * 30,
    "e\u0301" * 30 + "z" + "\u0301" * 50,
    "[bold red]x[/] [link=https://x.y]y[/link] $(id)",
    "\x1b[2J\x1b[H\x1b]0;title\x07\x9d52;c;cHdu\x9c",
    "A" * 60_000,
)
"""Each is what a header may hold."""


def empty() -> Facts:
    """Return an engine on its first day: nothing has come yet."""
    facts = Facts()
    _receivers(facts)
    return facts


def normal() -> Facts:
    """Return an engine on a day like any other."""
    facts = empty()
    answers = Echo(at=NOON, ok=True, milliseconds=12.0)
    for name, host, echo in (("PACS1", "10.3.1.5", answers), ("VNA", "vna.example.org", None)):
        facts.remotes[name] = Remote(name=name, ae_title=name, host=host, port=104, last_echo=echo)
    statuses = (
        *(Status.RECEIVING, Status.READY, Status.READY, Status.BUILDING),
        *(Status.QUEUED_ARCHIVING, Status.ARCHIVING, Status.READY, Status.QUEUED_BUILDING),
        *(Status.READY, Status.RECEIVING, Status.QUEUED_MOVING, Status.READY),
    )
    projects = ("NEURO3", "NEURO3", "CARDIO", "NEURO3", "ONC-2", "CARDIO")
    for number, status in enumerate(statuses, 1):
        facts.keep(
            session(
                number,
                status=status,
                locked=status in (Status.BUILDING, Status.ARCHIVING),
                project=None if number in (7, 10) else projects[number % 6],
                calling=("MR3T_A", "CT_64", "PET_1")[number % 3],
                modality=("MR", "CT", "PT")[number % 3],
                objects=number * number * 17,
                bytes=number * number * 9_400_000,
                scans=2,
            )
        )
    facts.differences = differences()
    for row in facts.sessions.values():
        facts.done[row.id] = done(row.objects)
        facts.to_come[row.id] = to_come(row.objects)
        facts.findings[row.id] = Findings(
            session=row.id, looked=NOON, files=row.objects, rows=several()
        )
    for number in (1, 2):
        facts.transfers.append(transfer(number, calling=("MR3T_A", "CT_64")[number % 2]))
    ended = NOON + timedelta(seconds=40)
    facts.transfers.append(transfer(3, closed=ended, ended="released", objects=340))
    for back in range(23):
        at = NOON - timedelta(hours=back)
        objects = 97 * (13 - abs(back - 13)) ** 2
        facts.throughput.append(
            Throughput(
                hour=at,
                receiver="",
                calling="",
                objects=objects,
                bytes=500_000 * objects,
                refused=int(back == 3),
                last=at,
            )
        )
    for calling, days in (("MR3T_A", 0), ("US_OB2", 7), ("PET_1", 1)):
        at = NOON - timedelta(days=days)
        facts.senders.append(
            SenderSeen(calling=calling, receiver="ANTEROOM", last=at, today=0, week=9_000)
        )
    for number in range(1, 7):
        row = session(number, label=f"FILED_{number}", project=projects[number % 6])
        facts.filed[f"XNAT_E0000{number}"] = card(row)
    for number in (8, 9):
        facts.trashed[f"pre_trashed{number}"] = replace(session(number), label=f"GONE_{number}")
    for number, (id, code) in enumerate((("NEURO3", 4), ("CARDIO", 0), ("ONC-2", 4))):
        facts.projects[id] = Project(
            id=id,
            title=f"The study of {id}",
            description="",
            aliases=(f"{id}_OLD",) if number else (),
            prearchive_code=code,
            quarantine_code=0,
            accessibility="private",
            current_arc="arc001",
            created=NOON,
            created_by="admin",
        )
    facts.rules["site", "project"] = RuleText(
        scope="site",
        concept="project",
        version=3,
        text="(0008,1030):(\\w+).*:1",
        at=NOON,
        author="admin",
        reason="names of studies",
    )
    for number, verb in enumerate((Verb.REBUILD, Verb.ARCHIVE, Verb.MOVE), 1):
        facts.jobs[f"job_{number}"] = Job(
            id=f"job_{number}",
            verb=verb,
            session=f"pre_aaaaaaa{number}",
            status=("done", "running", "queued")[number - 1],
            queued=NOON,
            updated=NOON + timedelta(seconds=number),
            error="",
        )
    _states(facts)
    _acceptances(facts)
    _people(facts)
    _versions(facts)
    write_scripts(facts)
    _past(facts)
    _trail(facts)
    for number, words in enumerate(("2 objects arrived", "built", "filed in the archive"), 1):
        kind = ("transfer", "session", "archive")[number - 1]
        facts.events.append(
            Event(number=number, at=NOON, kind=kind, object=f"pre_aaaaaaa{number}", text=words)
        )
    return facts


def trouble() -> Facts:
    """Return an engine with all that can go wrong."""
    facts = normal()
    wrong = {2: Status.CONFLICT, 3: Status.ERROR, 9: Status.ERROR, 12: Status.CONFLICT}
    for number, status in wrong.items():
        id = f"pre_aaaaaaa{number}"
        reason = "two objects have one UID and other bytes" if status is Status.CONFLICT else ""
        facts.sessions[id] = replace(
            facts.sessions[id], status=status, reason=reason or "the disk is full"
        )
    facts.transfers += [
        transfer(4, last_object=NOON - timedelta(minutes=9), opened=NOON - timedelta(minutes=10)),
        transfer(5, closed=NOON, ended="connection lost", last_error="0xA700 out of resources"),
    ]
    for number, outcome in enumerate(("REFUSED", "DROPPED", "REFUSED"), 1):
        facts.ledger.append(
            LedgerEntry(
                id=number,
                transfer=f"tr_{number}",
                outcome=outcome,
                reason="the calling AE title is not allowed",
                rule="",
                session="",
                receiver="ANTEROOM",
                calling="UNKNOWN",
                peer="10.9.9.9",
                first=NOON,
                last=NOON + timedelta(seconds=number),
                count=number * 7,
            )
        )
    stopped = facts.receivers["CT", 8105]
    facts.receivers["CT", 8105] = replace(
        stopped, enabled=True, listening=False, note="port 8105 is in use"
    )
    facts.jobs["job_9"] = Job(
        id="job_9",
        verb="archive",
        session="pre_aaaaaaa3",
        status="failed",
        queued=NOON,
        updated=NOON + timedelta(seconds=9),
        error="the disk is full",
    )
    stuck = facts.acceptances["acc_aaaaaaa4"]
    wrong_steps = (
        stuck.steps[0],
        stuck.steps[1],
        Step(
            name=StepName.SERIES,
            state=StepState.WRONG,
            said="2 objects could not be taken",
            details=("2 failed: the disk is full",),
        ),
        *stuck.steps[3:],
    )
    facts.acceptances[stuck.id] = replace(stuck, steps=wrong_steps)
    facts.checks = [
        Check(
            name="accounts",
            finding=Finding.FAILED,
            found="12 received, 11 in their places",
            consequence="an object may be lost",
            remedy=("run anteroom doctor --thorough", "send the study again"),
        ),
        Check(
            name="disk",
            finding=Finding.LOOK,
            found="93 % of the disk is used",
            consequence="receiving stops at 97 %",
            remedy=("make room",),
        ),
        *facts.checks,
    ]
    facts.events.append(
        Event(
            number=4,
            at=NOON + timedelta(seconds=50),
            kind="job",
            object="job_9",
            text="archive failed: the disk is full",
            severity="error",
        )
    )
    return facts


def hostile(texts: tuple[str, ...] = TEXTS) -> Facts:
    """Return an engine in which every text from outside means harm."""
    facts, spoiled = trouble(), _Spoiler(texts)
    facts.sessions = {id: spoiled(one, "id") for id, one in facts.sessions.items()}
    facts.trashed = {id: spoiled(one, "id") for id, one in facts.trashed.items()}
    for id, row in facts.sessions.items():
        facts.contents[id] = SessionContents(
            scans=tuple(spoiled(one) for _ in range(3) for one in card(row).scans), built=True
        )
    for id, row in facts.sessions.items():
        facts.routes[id] = spoiled(SAMPLE_ROUTE)
        facts.timelines[id] = spoiled(timeline_of(facts, row))
        if id in facts.findings:
            found = tuple(spoiled(one, "key", "kind", "level") for one in several())
            facts.findings[id] = replace(facts.findings[id], rows=found)
        for known in (facts.done, facts.to_come):
            told = spoiled(known.get(id, SessionChanges()), "rows")
            rows = tuple(
                replace(spoiled(one, "change"), change=spoiled(one.change, "kind"))
                for one in told.rows
            )
            known[id] = replace(told, rows=rows)
        _spoil_headers(facts, id, facts.contents[id].scans, spoiled)
    facts.filed = {id: spoiled(one, "accession") for id, one in facts.filed.items()}
    facts.differences = tuple(
        replace(
            one,
            left=one.left and spoiled(one.left, "path", "tag"),
            right=one.right and spoiled(one.right, "path", "tag"),
        )
        for one in facts.differences
    )
    facts.transfers = [spoiled(one, "id", "kind") for one in facts.transfers]
    facts.ledger = [spoiled(one, "outcome") for one in facts.ledger]
    facts.jobs = {id: spoiled(one, "id", "verb", "status") for id, one in facts.jobs.items()}
    facts.events = [spoiled(one, "kind", "severity") for one in facts.events]
    facts.checks = [spoiled(one) for one in facts.checks]
    facts.receivers = {key: spoiled(one, "origin") for key, one in facts.receivers.items()}
    changed = [
        spoiled(one, "accessibility", "release_by", "findings_limit")
        for one in facts.projects.values()
    ]
    facts.projects = {one.id: one for one in changed}
    facts.rules = {key: spoiled(one, "scope", "concept") for key, one in facts.rules.items()}
    for id, filed in facts.filed.items():
        facts.documents[id] = "\n".join(texts)
        _spoil_headers(facts, id, filed.scans, spoiled)
    facts.remotes = {key: spoiled(one) for key, one in facts.remotes.items()}
    facts.senders = [spoiled(one) for one in facts.senders]
    facts.audit = [
        replace(spoiled(one, "id", "hash", "previous"), detail={"reason": text, text[:9]: text})
        for one, text in zip(facts.audit, cycle(texts))
    ]
    facts.acceptances = {id: spoiled(one, "id") for id, one in facts.acceptances.items()}
    for id, entries in facts.histories.items():
        facts.histories[id] = tuple(spoiled(one) for one in entries)
    facts.agreed = {id: tuple(spoiled(one) for one in all) for id, all in facts.agreed.items()}
    facts.applied = {
        key: tuple(spoiled(one, "step", "kind") for one in all)
        for key, all in facts.applied.items()
    }
    facts.configured = tuple(spoiled(one, "kind") for one in facts.configured)
    facts.samples = [
        replace(one, sample=spoiled(one.sample, "scope", "outcome")) for one in facts.samples
    ]
    facts.trials = {id: spoiled(one, "scope") for id, one in facts.trials.items()}
    facts.scripts = {
        key: [spoiled(one, "scope") for one in all] for key, all in facts.scripts.items()
    }
    facts.users = {key: spoiled(one, "grants") for key, one in facts.users.items()}
    facts.access_requests = [spoiled(one, "id", "role") for one in facts.access_requests]
    return facts


SCENES: dict[str, Callable[[], Facts]] = {
    "empty": empty,
    "normal": normal,
    "trouble": trouble,
    "hostile": hostile,
}


def _receivers(facts: Facts) -> None:
    for ae_title, port, origin in (("ANTEROOM", 8104, "settings"), ("CT", 8105, "added")):
        facts.receivers[ae_title, port] = ReceiverStatus(
            ae_title=ae_title, port=port, enabled=True, listening=True, origin=origin
        )


def _states(facts: Facts) -> None:
    facts.projects["CARDIO"] = replace(facts.projects["CARDIO"], release_people=2)
    for number, (status, hours, by) in enumerate(
        (
            (SessionStatus.QUARANTINE, 2, "timer"),
            (SessionStatus.QUARANTINE, 290, "mk"),
            (SessionStatus.LOCKED, 504, "ada"),
            (SessionStatus.OBSOLETE, 2160, "tj"),
        ),
        1,
    ):
        row = session(number, label=f"HELD_{number}", project=("NEURO3", "CARDIO")[number % 2])
        id, at = f"XNAT_E0010{number}", NOON - timedelta(hours=hours)
        filed = replace(card(row), accession=id, status=status)
        facts.filed[id] = replace(filed, withheld=status is SessionStatus.QUARANTINE)
        facts.states[id] = (at, by, None)
        facts.histories[id] = (
            HistoryEntry(at=at, actor=by, change="Added", before={}),
            HistoryEntry(at=at, actor=by, change="Quarantined", before={}, reason="project code 1"),
        )
    first = HistoryEntry(
        at=NOON, actor="ak", change="Released 1 of 2", before={}, reason="motion in scan 4, t1 fine"
    )
    facts.histories["XNAT_E00101"] = (*facts.histories["XNAT_E00101"], first)
    facts.agreed["XNAT_E00101"] = (Yes(actor="ak", at=NOON, reason=first.reason),)


def _versions(facts: Facts) -> None:
    came = NOON - timedelta(hours=3)
    for accession in facts.filed:
        facts.applied[accession] = (
            Applied(
                step=Applying.RECEIVED, kind="rules", name="site/project", version="3", at=came
            ),
            Applied(step=Applying.RECEIVED, kind="script", name="site", version="7", at=came),
            Applied(
                step=Applying.RECEIVED,
                kind="setting",
                name="session.build_after",
                version="600",
                at=came,
            ),
            Applied(
                step=Applying.FILED, kind="script", name="project:NEURO3", version="2", at=NOON
            ),
        )


def _past(facts: Facts) -> None:
    values = {"enabled": "true", "max_pdu": "131072", "anonymize": "true"}
    facts.configured = (
        Configured(kind="setting", name="session.build_after", values={"value": "300"}),
        Configured(kind="receiver", name="CT:8105", values=values),
        Configured(kind="script", name="site/anonymization script", values={"active": "6"}),
    )
    facts.reconfigured = (
        ConfigurationChange(
            kind="script",
            name="site/anonymization script",
            difference=Difference.CHANGED,
            before={"active": "6"},
            after={"active": "7"},
            by="ada",
            at=NOON - timedelta(hours=2),
        ),
        ConfigurationChange(
            kind="role",
            name="mk reviewer of NEURO3",
            difference=Difference.ADDED,
            before={},
            after={"role": "reviewer", "project": "NEURO3"},
            by="hale",
            at=NOON - timedelta(hours=1),
        ),
    )


def _trail(facts: Facts) -> None:
    did: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("receiver", "Began receiving", "pre_aaaaaaa1", {"remote": "MR3T_A", "receiver": "CT"}),
        ("timer", "Queued rebuild", "pre_aaaaaaa1", {}),
        ("ada", "Modified receiver", "CT:8105", {"port": {"from": 8104, "to": 8105}}),
        ("tj", "Moved", "pre_aaaaaaa2", {"from": "CARDIO", "to": "NEURO3", "known": "token 3f"}),
        ("–", "Refused", "receiver ANTEROOM", {"known": "address"}),
        ("ada", "Transferred", "XNAT_E00001", {"project": "NEURO3", "files": 1_204}),
        ("mk", "Exported", "XNAT_E00001", {"files": 1_204, "reason": "asked by the owner"}),
        ("timer", "Queued rebuild", "pre_aaaaaaa4", {}),
    )
    previous = "0" * 64
    for number, (actor, action, object, detail) in enumerate(did, 1):
        hash = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}" * 4
        facts.audit.append(
            AuditEvent(
                number=number,
                id=f"event_{number}",
                at=NOON - timedelta(minutes=9 * (len(did) - number)),
                actor=actor,
                action=action,
                object=object,
                detail=dict(detail),
                hash=hash,
                previous=previous,
                project=str(detail.get("project", "")),
            )
        )
        previous = hash


def _people(facts: Facts) -> None:
    people: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
        ("ada", "A. King", (("admin", ""),)),
        ("hale", "H. Ale", (("owner", "NEURO3"), ("owner", "CARDIO"))),
        ("mk", "M. Kolb", (("reviewer", "NEURO3"), ("watcher", "ONC-2"))),
        ("tj", "T. Jansen", ()),
    )
    for number, (login, name, roles) in enumerate(people):
        facts.users[login] = User(
            login=login,
            name=name,
            uid=1000 + number,
            sees_originals=login == "hale",
            disabled=login == "tj",
            last_seen=NOON - timedelta(hours=30 * number) if roles else None,
            added=NOON - timedelta(days=90),
            added_by="ada",
            grants=tuple(
                Grant(role=role, project=project, by="ada", at=NOON - timedelta(days=60))
                for role, project in roles
            ),
        )
    reads = Grant(role="collaborator", project="NEURO3", by="hale", at=NOON - timedelta(days=9))
    facts.groups["radiology"] = (reads,)
    facts.access_requests.append(
        AccessRequest(
            id=1,
            login="mk",
            project="CARDIO",
            role=Role.MEMBER,
            reason="the follow-up of spring",
            at=NOON - timedelta(hours=5),
        )
    )


def _acceptances(facts: Facts) -> None:
    done = {
        StepName.CONNECTION: "2 associations from 10.3.1.11 to ANTEROOM",
        StepName.ECHO: "1 echo answered",
        StepName.SERIES: "124 objects, 63.1 MB",
        StepName.ROUTING: "1 session found a project",
        StepName.SCRIPT: "ran",
        StepName.COUNTS: "124 of 124 are here",
    }
    details = {
        StepName.ROUTING: ("pre_aaaaaaa2: NEURO3 (project: site rule 1)",),
        StepName.SCRIPT: ("site v1 changed 31 elements",),
        StepName.COUNTS: ("waiting: 124",),
    }
    steps = tuple(
        Step(
            name=name,
            state=StepState.DONE,
            said=said,
            details=details.get(name, ()),
            sessions=("pre_aaaaaaa2",) if name is StepName.ROUTING else (),
        )
        for name, said in done.items()
    )
    half = tuple(
        one if place < 2 else Step(name=one.name, state=StepState.WAITING, said="let it send")
        for place, one in enumerate(steps)
    )
    closed = (Judgement.REJECTED, Judgement.ABANDONED, Judgement.ACCEPTED, Judgement.OPEN)
    for number, verdict in enumerate(closed, 1):
        is_open = verdict is Judgement.OPEN
        facts.acceptances[f"acc_aaaaaaa{number}"] = Acceptance(
            id=f"acc_aaaaaaa{number}",
            calling=("CT1", "US_OB2", "MR3T_A", "CT_64")[number - 1],
            receiver="ANTEROOM" if number % 2 == 0 else "",
            expected=0 if is_open else 124,
            started=NOON - timedelta(days=4 - number),
            started_by="mk",
            verdict=verdict,
            closed=None if is_open else NOON - timedelta(days=4 - number, hours=-1),
            closed_by="" if is_open else "hale",
            note="three images short" if verdict is Judgement.REJECTED else "",
            steps=half if is_open else steps,
        )


def _spoil_headers(
    facts: Facts, id: str, scans: tuple[ScanSummary, ...], spoiled: _Spoiler
) -> None:
    folded = header()
    rows = tuple(spoiled(one, "path", "tag", "vr") for one in folded.rows)
    for scan in ("", *(one.id for one in scans)):
        facts.headers[id, scan] = replace(folded, rows=rows)


class _Spoiler:
    """Puts texts that mean harm into fields that hold a text, each time others."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        self._texts = texts
        self._used: Counter[str] = Counter()

    def __call__(self, one: T, *kept: str) -> T:
        """Spoil all fields but those that are kept."""
        changes: dict[str, Any] = {}
        for each in fields(one):  # type: ignore[arg-type]
            value = getattr(one, each.name)
            if each.name in kept:
                continue
            if type(value) is str:
                changes[each.name] = self._next(one, each.name)
            elif isinstance(value, tuple) and value and type(value[0]) is str:
                changes[each.name] = tuple(self._next(one, each.name) for _ in value)
            elif isinstance(value, tuple) and value and is_dataclass(value[0]):
                changes[each.name] = tuple(self(inner) for inner in value)
        return replace(one, **changes)  # type: ignore[type-var]

    def _next(self, one: object, name: str) -> str:
        # Every field goes through the texts by itself: a new one changes no other picture.
        field = f"{type(one).__name__}.{name}"
        self._used[field] += 1
        return self._texts[(crc32(field.encode()) + self._used[field]) % len(self._texts)]
