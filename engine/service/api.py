# SPDX-License-Identifier: Apache-2.0
"""Everything that a client may ask of an engine: typed protocols, one for each noun. The engine in
this process and the remote one both implement `EngineApi`; the remote one is generated from these
signatures. The actor is not an argument: an `EngineApi` is bound to its actor."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, get_type_hints

from engine.model.acceptance import Acceptance
from engine.model.archive import (
    EVERY_EVENT,
    AuditCount,
    AuditPage,
    AuditQuery,
    AuditReport,
    HistoryEntry,
    Project,
    RuleText,
    SessionCard,
    SessionPage,
    SessionQuery,
)
from engine.model.audit import AuditHead
from engine.model.changes import FoldedChange
from engine.model.commitments import Commitment, CommitmentDetail
from engine.model.configured import Applied, ConfigurationChange, Configured
from engine.model.contents import (
    FiledContents,
    FilePage,
    FoldedHeader,
    SessionContents,
    Timeline,
    Tombstone,
    TrashedSession,
)
from engine.model.contradictions import Choice, Contradictions
from engine.model.errors import Problem
from engine.model.health import Check
from engine.model.held import HeldDetail
from engine.model.live import (
    ArrivingSeries,
    EngineStatus,
    EventBatch,
    HeldObject,
    Job,
    LedgerEntry,
    ReceiverStatus,
    SenderSeen,
    Throughput,
    ThroughputBy,
    Transfer,
)
from engine.model.people import (
    AccessRequest,
    Group,
    Member,
    NewToken,
    Token,
    User,
    WhoAmI,
)
from engine.model.prearchive import (
    ActOutcome,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.quarantine import QuarantinePage, QuarantineQuery
from engine.model.remarks import Remark
from engine.model.remotes import Echo, Remote, Send
from engine.model.routing import Route
from engine.model.scripts import ScriptSummary, ScriptText
from engine.model.site_settings import SiteSetting
from engine.model.verification import DueSessions, Verification

ALL_WAITING = PrearchiveQuery()
ALL_FILED = SessionQuery()
NOT_ACTIVE = QuarantineQuery()


class PrearchiveApi(Protocol):
    """Sessions that wait for review. Acts take prearchive ids and answer for each id."""

    async def list(
        self, query: PrearchiveQuery = ALL_WAITING, offset: int = 0, limit: int = 100
    ) -> PrearchivePage: ...
    async def show(self, id: str) -> PrearchiveSession: ...
    async def find(self, name: str) -> str:
        """Return the id for an id, a URL, or a label that only one session has."""
        ...

    async def archive(
        self, ids: tuple[str, ...], reason: str = "", quarantine: bool = False
    ) -> tuple[ActOutcome, ...]:
        """Queue the archiving of sessions, with `quarantine` into quarantine whatever their
        projects say."""
        ...

    async def move(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]: ...
    async def relabel(
        self, id: str, label: str = "", subject: str = "", reason: str = ""
    ) -> ActOutcome: ...
    async def contradictions(self, id: str) -> Contradictions:
        """Return what a person has to decide before a session can be archived: patient data."""
        ...

    async def resolve(
        self,
        id: str,
        choices: tuple[Choice, ...],
        subject: str = "",
        seen: str = "",
        reason: str = "",
    ) -> ActOutcome:
        """Carry out a decision: what is not kept goes into the trash, and where patients were told
        apart the site script runs again. With `seen` it holds for no other contradictions."""
        ...

    async def rebuild(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def delete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def reset(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def look(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Say that the actor has looked at sessions; those that a transfer has cut short are no
        longer told apart from others."""
        ...

    async def log(self, id: str) -> tuple[LogEntry, ...]: ...
    async def changes(self, id: str, scan: str = "") -> tuple[FoldedChange, ...]:
        """Tell what the site script has done to a session's objects, as far as it is kept."""
        ...

    async def preview(self, id: str, scan: str = "") -> tuple[FoldedChange, ...]:
        """Tell what the project's script would do to them on the way to the archive."""
        ...

    async def contents(self, id: str) -> SessionContents: ...
    async def files(
        self, id: str, scan: str = "", offset: int = 0, limit: int = 100
    ) -> FilePage: ...
    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of the whole session into one."""
        ...

    async def route(self, id: str) -> Route:
        """Route the session's first object by what is in force now, with a trace."""
        ...

    async def timeline(self, id: str) -> Timeline: ...
    async def trash(self) -> tuple[TrashedSession, ...]:
        """Return the deleted sessions that can be put back, the newest first."""
        ...

    async def gone(self, offset: int = 0, limit: int = 100) -> tuple[Tombstone, ...]:
        """What was removed for good, the newest first."""
        ...

    async def restore(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Put deleted sessions back to where they were."""
        ...

    async def empty_trash(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Remove deleted sessions for good: nothing brings them back."""
        ...


class ArchiveApi(Protocol):
    """Sessions that are filed."""

    async def list(
        self, query: SessionQuery = ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage: ...
    async def show(self, id: str, project: str = "") -> SessionCard:
        """Return the card by accession ID, or by label within a project."""
        ...

    async def document(self, id: str) -> str:
        """Return the session document as XML."""
        ...

    async def history(self, id: str) -> tuple[HistoryEntry, ...]: ...
    async def versions(self, id: str) -> tuple[Applied, ...]:
        """Which rules, scripts and settings applied to it, in which versions."""
        ...

    async def contents(self, id: str) -> FiledContents:
        """Return the scans by their catalogs, with what is seen to be wrong in the folder."""
        ...

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        """Return a window of the files that the catalogs name."""
        ...

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of the whole session into one."""
        ...

    async def verify(self, id: str, run: str = "", wait: float = 0.0) -> Verification:
        """Begin to compare every file of a session with its catalogs, or with `run` go on with what
        was begun; say after at most `wait` seconds (at most 30) how far it is."""
        ...

    async def due(self, before: datetime, limit: int = 100) -> DueSessions:
        """Return sessions that were not verified since a moment, the least recently verified
        first."""
        ...

    async def read(self, id: str, path: str, offset: int = 0, limit: int = 1_048_576) -> bytes:
        """Return a piece of a file, of at most 4 MiB; none means its end."""
        ...

    async def export_begun(self, id: str, files: int, reason: str = "") -> None:
        """Record in the audit trail that so many files are about to be taken out."""
        ...


class QuarantineApi(Protocol):
    """The states of filed sessions: active, quarantine, locked, obsolete. Acts take accession IDs
    and answer for each; who may do them is a setting of the project."""

    async def list(
        self, query: QuarantineQuery = NOT_ACTIVE, offset: int = 0, limit: int = 100
    ) -> QuarantinePage: ...
    async def release(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Make sessions active that are in quarantine. Where the project demands two people the
        first one agrees, and the second, who is another one, releases."""
        ...

    async def hold(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Put sessions into quarantine; of those that are in it what was agreed to is void."""
        ...

    async def lock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Keep active sessions from being changed by anybody; they can be read."""
        ...

    async def unlock(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]: ...
    async def obsolete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Mark sessions as not to be used: lists show them only where they are asked for."""
        ...

    async def activate(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Bring obsolete sessions back to where they were: active, or in quarantine."""
        ...


class ProjectsApi(Protocol):
    """Projects, their aliases and codes."""

    async def list(self) -> tuple[Project, ...]: ...
    async def show(self, id: str) -> Project: ...
    async def add(self, id: str, title: str = "", aliases: tuple[str, ...] = ()) -> Project: ...
    async def set(self, id: str, values: dict[str, str]) -> Project:
        """Set title, description, accessibility, prearchive_code, quarantine_code, release_people,
        release_by or aliases (comma list)."""
        ...


class RulesApi(Protocol):
    """Routing rule lines; scope is `site` or `receiver:{AE}`; concept is project, subject,
    session or autoarchive."""

    async def show(self, scope: str, concept: str) -> RuleText: ...
    async def set(
        self, scope: str, concept: str, text: str, enabled: bool = True, reason: str = ""
    ) -> RuleText: ...
    async def check(self, text: str) -> tuple[Problem, ...]:
        """Return the faults of a text, by line and column; none when it can be saved."""
        ...


class ScriptsApi(Protocol):
    """Anonymization scripts; scope is `site` or `project:{ID}`."""

    async def list(self) -> tuple[ScriptSummary, ...]:
        """Return the active version of every scope that has a script, that of the site first."""
        ...

    async def show(self, scope: str, version: int = 0) -> ScriptText:
        """Return a version, the active one for 0; version 0 where nobody has written one."""
        ...

    async def set(
        self, scope: str, text: str, lookups: str = "", reason: str = ""
    ) -> ScriptText: ...
    async def check(self, text: str, lookups: str = "") -> tuple[Remark, ...]:
        """Say everything about a script and its lookup table; an error keeps it from being set."""
        ...

    async def enable(self, scope: str) -> ScriptText: ...
    async def disable(self, scope: str) -> ScriptText: ...
    async def activate(self, scope: str, version: int, reason: str = "") -> ScriptText:
        """Make an earlier version the active one again."""
        ...

    async def history(self, scope: str) -> tuple[ScriptSummary, ...]:
        """Return every version, the newest first."""
        ...

    async def diff(self, scope: str, old: int, new: int = 0) -> str:
        """Return what differs between two versions as a unified diff; 0 is the active one."""
        ...


class RoutingApi(Protocol):
    """Where an object would land, and why."""

    async def explain(self, path: str, receiver: str = "") -> Route:
        """Route one file that the engine can read, with a trace."""
        ...

    async def try_rules(self, session: str, scope: str, concept: str, text: str) -> Route:
        """Route a prearchive session's first object as if `text` were in force, with a trace."""
        ...


class ReceiversApi(Protocol):
    """DICOM receivers."""

    async def list(self) -> tuple[ReceiverStatus, ...]: ...
    async def add(
        self,
        ae_title: str,
        port: int,
        allow: tuple[str, ...] = (),
        anonymize: bool = True,
        rules: bool = False,
        values: dict[str, str] | None = None,
    ) -> ReceiverStatus:
        """Add a receiver; `values` are those of `edit`, in force from the first connection."""
        ...

    async def edit(self, ae_title: str, port: int, values: dict[str, str]) -> ReceiverStatus: ...
    async def remove(self, ae_title: str, port: int) -> None: ...
    async def start(self, ae_title: str, port: int) -> ReceiverStatus: ...
    async def stop(self, ae_title: str, port: int) -> ReceiverStatus: ...
    async def reload(self, ae_title: str, port: int) -> ReceiverStatus:
        """Read the certificates of a receiver again and put them into force."""
        ...

    async def echo(self, ae_title: str, port: int) -> str:
        """Send a C-ECHO to a receiver of this engine and say how it answered."""
        ...


class RemotesApi(Protocol):
    """Remote application entities, by name: where sessions can be sent."""

    async def list(self) -> tuple[Remote, ...]: ...
    async def show(self, name: str) -> Remote: ...
    async def add(
        self,
        name: str,
        ae_title: str,
        host: str,
        port: int,
        values: dict[str, str] | None = None,
    ) -> Remote:
        """Add a remote; `values` are those of `edit`. Nothing is asked of it yet."""
        ...

    async def edit(self, name: str, values: dict[str, str]) -> Remote: ...
    async def delete(self, name: str) -> None: ...
    async def echo(self, name: str) -> Echo:
        """Send a C-ECHO, also to a remote that is disabled, and keep how it answered."""
        ...

    async def send(
        self,
        name: str,
        sessions: tuple[str, ...],
        scans: tuple[str, ...] = (),
        reason: str = "",
    ) -> tuple[ActOutcome, ...]:
        """Queue sessions to be sent, by accession ID or as `prearchive.find` takes them; `job` of
        an outcome is the id of the send."""
        ...

    async def sends(
        self, limit: int = 100, unfinished: bool = False, session: str = ""
    ) -> tuple[Send, ...]:
        """Return what is sent and was sent within the last weeks, the newest first."""
        ...

    async def sending(self, id: str) -> Send:
        """Return one send."""
        ...

    async def cancel(self, id: str) -> None:
        """End a send after the object that is on its way."""
        ...


class AcceptancesApi(Protocol):
    """Acceptances of senders: a scanner is tried before it is relied on."""

    async def start(self, calling: str, receiver: str = "", expected: int = 0) -> Acceptance:
        """Begin with the sender of this AE title; what it does from now on counts."""
        ...

    async def list(self, limit: int = 100, open_only: bool = False) -> tuple[Acceptance, ...]:
        """Return acceptances, the newest first; open ones without their steps."""
        ...

    async def show(self, id: str) -> Acceptance: ...
    async def expect(self, id: str, images: int) -> Acceptance:
        """Say how many images the sender's own screen counts."""
        ...

    async def close(self, id: str, verdict: str, note: str = "") -> Acceptance:
        """Sign what was seen: accepted, rejected or abandoned."""
        ...


class LiveApi(Protocol):
    """Transfers, newest first; what is known of what arrives; the ledger; what is held."""

    async def transfers(
        self, limit: int = 100, open_only: bool = False
    ) -> tuple[Transfer, ...]: ...
    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]: ...
    async def held(self) -> tuple[HeldObject, ...]: ...
    async def series(self, session: str) -> tuple[ArrivingSeries, ...]:
        """Return what is known of a prearchive session's series from the objects that have come."""
        ...

    async def throughput(
        self, hours: int = 24, by: ThroughputBy = ThroughputBy.ALL
    ) -> tuple[Throughput, ...]:
        """Return what came within each of the last hours, this one too, the oldest first. Hours in
        which nothing came are left out."""
        ...

    async def senders(self, days: int = 31) -> tuple[SenderSeen, ...]:
        """Return who has sent within the last days, and to which receiver."""
        ...


class HeldApi(Protocol):
    """Objects that a script error or a limit keeps in staging; `live.held` lists them."""

    async def show(self, id: str) -> HeldDetail: ...
    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Run the script in force over them; what comes of it is published, or it stays held."""
        ...

    async def drop(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Take them out of staging, for good."""
        ...


class CommitmentsApi(Protocol):
    """Requests for a storage commitment, the newest first."""

    async def list(
        self, offset: int = 0, limit: int = 100, state: str = ""
    ) -> tuple[Commitment, ...]: ...
    async def show(self, id: str) -> CommitmentDetail: ...
    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Decide anew and tell the senders, now and as often as for a new request."""
        ...


class JobsApi(Protocol):
    """Runs of workflows."""

    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]: ...
    async def cancel(self, id: str) -> None: ...
    async def retry(self, id: str) -> None: ...


class MomentsApi(Protocol):
    """The configuration of the past: settings, receivers, remotes, projects, rules, scripts, users
    and roles. No secret is part of it."""

    async def at(self, moment: datetime) -> tuple[Configured, ...]:
        """Return what was configured at a moment, by kind and name."""
        ...

    async def diff(
        self, old: datetime, new: datetime | None = None
    ) -> tuple[ConfigurationChange, ...]:
        """Return what differs between two moments, or between one and now."""
        ...


class SettingsApi(Protocol):
    """The settings of the site, and those of them that can be changed while the engine runs."""

    async def list(self) -> tuple[SiteSetting, ...]: ...
    async def set(self, values: dict[str, str], reason: str = "") -> tuple[SiteSetting, ...]:
        """Set values by name, written as in the settings file; they are in force at once."""
        ...

    async def reset(self, names: tuple[str, ...], reason: str = "") -> tuple[SiteSetting, ...]:
        """Let the settings file hold again."""
        ...


class PeopleApi(Protocol):
    """Users, their roles, and what they sign in with. A holder of a role is a login, or `@` and the
    name of a Unix group."""

    async def who_am_i(self) -> WhoAmI: ...
    async def list(self) -> tuple[User, ...]: ...
    async def groups(self) -> tuple[Group, ...]:
        """Return the Unix groups that have roles."""
        ...

    async def show(self, login: str) -> User: ...
    async def add(self, login: str, values: dict[str, str] | None = None) -> User:
        """Add a user, who may do nothing before roles are granted; `values` are those of `set`."""
        ...

    async def set(self, login: str, values: dict[str, str]) -> User:
        """Set name, email, uid, disabled or sees_originals."""
        ...

    async def grant(self, holder: str, role: str, project: str = "") -> None:
        """Grant a role in a project, or without one a role of the site."""
        ...

    async def revoke(self, holder: str, role: str, project: str = "") -> None: ...
    async def members(self, project: str) -> tuple[Member, ...]: ...
    async def ask(self, project: str, role: str = "collaborator", reason: str = "") -> None:
        """Ask the owners of a project for a role in it."""
        ...

    async def requests(self) -> tuple[AccessRequest, ...]:
        """Return the requests that wait for an answer; granting a role is the answer yes."""
        ...

    async def decline(self, id: int, reason: str = "") -> None: ...
    async def set_password(self, login: str, password: str, old: str = "") -> None:
        """Set a password; an empty one lets none be taken any more."""
        ...

    async def tokens(self, login: str = "") -> tuple[Token, ...]: ...
    async def issue_token(
        self, login: str = "", note: str = "", hours: int = 48, single_use: bool = False
    ) -> NewToken: ...
    async def revoke_token(self, alias: str) -> Token: ...
    async def sign_in(self) -> str:
        """Begin a sign-in for whoever shows a password; return its key."""
        ...

    async def sign_out(self, key: str) -> None: ...


class AuditApi(Protocol):
    """The trail that never forgets."""

    async def list(
        self,
        query: AuditQuery = EVERY_EVENT,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage:
        """Return events, newest first: those before a number, or those that follow one."""
        ...

    async def counts(self, days: int = 7) -> tuple[AuditCount, ...]:
        """How often each action was done in the last days, the commonest first."""
        ...

    async def verify(self, whole: bool = False, heads: tuple[AuditHead, ...] = ()) -> AuditReport:
        """Verify what is new since the newest checkpoint, or everything."""
        ...

    async def note(self, action: str, object: str, reason: str = "", count: int = 0) -> None:
        """Record what a user did with what they may see: an action of `audit.ACTIONS`."""
        ...


class EventsApi(Protocol):
    """What to look at again."""

    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        """Wait up to `wait` seconds (at most 30) for events after `number`."""
        ...


class SystemApi(Protocol):
    """The engine itself."""

    async def status(self) -> EngineStatus: ...
    async def checks(self, thorough: bool = False) -> tuple[Check, ...]:
        """Look at itself, the worst first; `thorough` also reads what takes long."""
        ...

    async def stop(self) -> None:
        """End the engine once what it is doing is safe."""
        ...


class EngineApi:
    """One engine, asked on behalf of one actor. Its nouns are the public attributes."""

    prearchive: PrearchiveApi
    archive: ArchiveApi
    quarantine: QuarantineApi
    projects: ProjectsApi
    rules: RulesApi
    scripts: ScriptsApi
    routing: RoutingApi
    receivers: ReceiversApi
    remotes: RemotesApi
    acceptances: AcceptancesApi
    live: LiveApi
    held: HeldApi
    commitments: CommitmentsApi
    jobs: JobsApi
    moments: MomentsApi
    settings: SettingsApi
    people: PeopleApi
    audit: AuditApi
    events: EventsApi
    system: SystemApi


NOUNS: dict[str, type] = get_type_hints(EngineApi)
"""The nouns of `POST /rpc/{noun}.{verb}`, with what each can be asked."""
