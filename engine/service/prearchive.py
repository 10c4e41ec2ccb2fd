# SPDX-License-Identifier: Apache-2.0
"""The prearchive, on behalf of an actor: lists, logs, and acts, which queue jobs. A change of
state, its job and its audit event commit together."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from engine.archive import projects
from engine.archive.audit.trail import record_triage
from engine.jobs import decisions, trash
from engine.jobs.archive import UNDECIDED
from engine.jobs.context import JobContext, document_beside
from engine.jobs.finding_limits import limit_of, minds
from engine.jobs.late_objects import belonging
from engine.jobs.restore import put_back
from engine.model.changes import SessionChanges
from engine.model.comparison import Part
from engine.model.contents import (
    FilePage,
    FoldedHeader,
    SessionContents,
    Timeline,
    Tombstone,
    TrashedSession,
)
from engine.model.contradictions import Choice, Contradictions
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.findings import Level
from engine.model.identifiers import is_prearchive_id, new_prearchive_id
from engine.model.people import Actor, Permission
from engine.model.prearchive import (
    ActOutcome,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
    names_labels,
)
from engine.model.routing import Route
from engine.model.states import QUEUED, SENDABLE, SEVERAL, Status, Verb
from engine.prearchive import desk, findings, queues, rows, tombstones
from engine.prearchive.finding_tables import FindingLookRow
from engine.prearchive.tables import SessionRow
from engine.routing.labels import label_problem
from engine.service import claiming
from engine.service.configuration import Configuration
from engine.service.contents import Waiting
from engine.service.event_buffer import EventBuffer
from engine.service.nouns.prearchive import ALL_WAITING
from engine.service.queueing import Prepare, Queueing, must_be_resettable
from engine.service.queues import goals
from engine.service.reviewing import Reviewing
from engine.service.windows import window
from engine.sessions.build.document import read_session
from engine.sessions.headers import Part as HeadersPart

_HOW = (
    "look at it with “anteroom prearchive conflict”, and say which is kept with “anteroom "
    "prearchive resolve”"
)


class Prearchive:
    """Sessions that wait for review."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        configuration: Configuration,
        actor: Actor,
        reviewing: Reviewing | None = None,
    ) -> None:
        """Act for one actor."""
        self._seen = claiming.seen(actor, context.settings)
        self._known = actor.scope(Permission.TRIAGE)
        self._context = context
        self._waiting = Waiting(context, reviewing)
        self._configuration = configuration
        self._buffer = buffer
        self._actor = actor.name
        self._queueing = Queueing(context, buffer, actor.name)
        self._own = frozenset(actor.roles)

    async def list(
        self, query: PrearchiveQuery = ALL_WAITING, offset: int = 0, limit: int = 100
    ) -> PrearchivePage:
        """Return a window of the sessions that match."""
        asked = window(offset, limit)
        # What finds or orders by a label would tell it: that is for those who may see labels.
        scope = self._known if names_labels(query) else self._seen
        late = queues.is_overdue(goals(self._context.in_force))
        own = {
            "mine": desk.yes_or_no(lambda: desk.is_of(self._actor, self._own)),
            "overdue": desk.yes_or_no(lambda: late),
        }
        async with self._context.prearchive_db.read() as transaction:
            page = await rows.list_page(
                transaction, query, asked.offset, asked.limit, scope, own=own
            )
        return replace(page, rows=tuple(self._with_goal(row) for row in page.rows))

    async def show(self, id: str) -> PrearchiveSession:
        """Return one session."""
        async with self._context.prearchive_db.read() as transaction:
            row = await rows.get(transaction, id)
            said = (await desk.of(transaction, (id,))).get(id)
            look = (await findings.looks(transaction, (id,))).get(id)
        return self._with_goal(rows.to_session(row, said, look))

    async def find(self, name: str) -> str:
        """Return the id for an id, an address, or a label that only one session has."""
        # An id tells nothing of whose the session is.
        scope = self._seen if is_prearchive_id(name) else self._known
        async with self._context.prearchive_db.read() as transaction:
            return await rows.find(transaction, name, scope)

    async def archive(
        self, ids: tuple[str, ...], reason: str = "", quarantine: bool = False
    ) -> tuple[ActOutcome, ...]:
        """Queue the archiving of sessions; refused are those that are Unassigned or undecided, and
        those whose archived session stands where they would go."""
        want = await self._filing(ids, quarantine=quarantine)
        return await self._queueing.act(ids, Verb.ARCHIVE, reason, want)

    async def move(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]:
        """Queue the change of sessions to another project."""
        return await self._queueing.act(ids, Verb.MOVE, reason, await self._moving(project))

    async def claim(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]:
        """Queue the move of Unassigned sessions to a project."""
        move = await self._moving(project)

        def want(row: SessionRow) -> None:
            if row.project is not None:
                raise Conflict(
                    f"{row.id} is in {row.project} already: only what is Unassigned is claimed"
                )
            move(row)

        return await self._queueing.act(ids, Verb.MOVE, reason, want, called="claim")

    async def would(
        self, verb: Verb, ids: tuple[str, ...], project: str = ""
    ) -> tuple[ActOutcome, ...]:
        """Say for each session whether a verb would be queued for it now, and if not why."""
        if verb not in SEVERAL:
            raise InvalidInput(f"{verb.value} is done to one session at a time")
        want: Prepare | None = None
        if verb is Verb.ARCHIVE:
            want = await self._filing(ids, quarantine=False)
        elif verb is Verb.MOVE and project:
            want = await self._moving(project)
        elif verb is Verb.MOVE:
            want = _must_be_one_patient
        return await self._queueing.would(ids, verb, want)

    async def relabel(
        self, id: str, label: str = "", subject: str = "", reason: str = ""
    ) -> ActOutcome:
        """Queue new labels of a session or its subject; an empty one stays as it is."""
        if not label and not subject:
            raise InvalidInput("give a new label, a new subject, or both")
        for value in (label, subject):
            problem = label_problem(value) if value else ""
            if problem:
                raise InvalidInput(problem)

        def want(row: SessionRow) -> None:
            _must_be_one_patient(row)
            row.wanted_label = label or None
            row.wanted_subject = subject or None

        (outcome,) = await self._queueing.act((id,), Verb.RELABEL, reason, want)
        return outcome

    async def contradictions(self, id: str) -> Contradictions:
        """Return what a person has to decide."""
        return await self._waiting.contradictions(id)

    async def resolve(
        self,
        id: str,
        choices: tuple[Choice, ...],
        subject: str = "",
        seen: str = "",
        reason: str = "",
    ) -> ActOutcome:
        """Queue what a person decided; with `subject` the session gets that one."""
        problem = label_problem(subject) if subject else ""
        if problem:
            raise InvalidInput(problem)
        async with self._context.prearchive_db.read() as transaction:
            row = await rows.get(transaction, id)
        folder = rows.folder_of(row, self._context.prearchive)
        kept = await asyncio.to_thread(decisions.read, folder)
        decisions.check(kept, choices, seen)
        wanted = subject or decisions.subject_after(kept, choices)
        decision = decisions.Decision(seen=kept.seen, choices=choices, aside=new_prearchive_id())

        def want(row: SessionRow) -> None:
            row.decision = decisions.written(decision)
            row.wanted_subject = wanted or None
            # Where patients were told apart the script runs again, also with the same labels.
            if decisions.of_patients(kept, choices):
                row.wanted_label = row.label

        (outcome,) = await self._queueing.act((id,), Verb.RESOLVE, reason, want)
        return outcome

    async def rebuild(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Queue the building of sessions; a rebuild never archives by itself."""

        def stay(row: SessionRow) -> None:
            row.commit_after = False

        return await self._queueing.act(ids, Verb.REBUILD, reason, stay)

    async def delete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Queue the move of sessions into the prearchive's trash, also on a full disk."""
        if ids:
            await asyncio.to_thread(self._context.reserve.give_up)
        return await self._queueing.act(ids, Verb.DELETE, reason)

    async def trash(self) -> tuple[TrashedSession, ...]:
        """Return the deleted sessions that can be put back, the newest first."""
        return await trash.listed(self._context)

    async def gone(self, offset: int = 0, limit: int = 100) -> tuple[Tombstone, ...]:
        """Return what is left of sessions that were removed for good, the newest first."""
        asked = window(offset, limit)
        async with self._context.prearchive_db.read() as transaction:
            return await tombstones.listed(
                transaction, self._known, offset=asked.offset, limit=asked.limit
            )

    async def restore(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Put deleted sessions back to where they were; a job brings their files."""
        return tuple([await self._restore(id, reason) for id in dict.fromkeys(ids)])

    async def empty_trash(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Remove deleted sessions for good, which makes room."""
        if ids:
            await asyncio.to_thread(self._context.reserve.give_up)
        return tuple([await self._remove(id, reason) for id in dict.fromkeys(ids)])

    async def reset(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Take sessions out of the queue and compute their status from what is on disk."""
        return tuple([await self._reset(id, reason) for id in ids])

    async def look(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        """Note that the actor has seen that a transfer broke off which fed these sessions."""
        return tuple([await self._look(id) for id in dict.fromkeys(ids)])

    async def log(self, id: str) -> tuple[LogEntry, ...]:
        """Return the log of a session, oldest first."""
        return await self._waiting.log(id)

    async def done(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        """Tell what the site script has done to a session's objects, as far as it is kept."""
        return await self._waiting.done(id, scan, seen, wait)

    async def to_come(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        """Tell what the project's script would do to them on the way to the archive."""
        return await self._waiting.to_come(id, scan, seen, wait)

    async def parts(self, id: str, part: Part) -> tuple[Sequence[HeadersPart], int]:
        """Read headers for a comparison, and say how many files there are."""
        return await self._waiting.parts(id, part)

    async def contents(self, id: str) -> SessionContents:
        """Return the scans of a session."""
        return await self._waiting.contents(id)

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        """Return a window of the files of a scan, or of all."""
        return await self._waiting.files(id, scan, offset, limit)

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of all."""
        return await self._waiting.header(id, scan, file)

    async def route(self, id: str) -> Route:
        """Route the session's first object by what is in force, with a trace."""
        return await self._waiting.route(id, self._configuration.routing())

    async def timeline(self, id: str) -> Timeline:
        """Tell how a session came together."""
        return await self._waiting.timeline(id)

    def _with_goal(self, row: PrearchiveSession) -> PrearchiveSession:
        """Say until when somebody is to decide on a session."""
        hours = self._context.in_force.review_hours(row.project)
        if not hours or row.locked or row.status not in SENDABLE:
            return row
        return replace(row, due=row.last_object + timedelta(hours=hours))

    async def _filing(self, ids: tuple[str, ...], *, quarantine: bool) -> Prepare:
        """Return what has to be so of a session, and is written into its row, to archive it."""
        in_the_way = await self._in_the_way(ids)
        looks, limits = await self._minded(ids)

        def want(row: SessionRow) -> None:
            _must_be_decided(row)
            if why := minds(looks.get(row.id), limits.get(row.project)):
                raise Conflict(f"{row.id} cannot be archived: {why}")
            if row.id in in_the_way:
                late = rows.to_session(row).late
                raise Conflict(
                    f"{row.id} {late}; merging is not possible yet: relabel it to file it as a "
                    "session of its own, or delete it"
                )
            row.quarantine = quarantine

        return want

    async def _minded(
        self, ids: tuple[str, ...]
    ) -> tuple[Mapping[str, FindingLookRow], dict[str | None, Level | None]]:
        """Return how sessions were looked through, and what their projects mind."""
        async with self._context.prearchive_db.read() as transaction:
            query = select(SessionRow.project).where(SessionRow.id.in_(ids)).distinct()
            there = list(await transaction.scalars(query))
        limits = {project: await limit_of(self._context, project) for project in there}
        if not any(limits.values()):
            return {}, {}
        async with self._context.prearchive_db.read() as transaction:
            return await findings.looks(transaction, ids), limits

    async def _moving(self, project: str) -> Prepare:
        """Return the same for a move.

        Raises:
            InvalidInput: there is no such project.
        """
        async with self._context.archive_db.read() as transaction:
            target = await projects.resolve(transaction, project)
        if target is None:
            raise InvalidInput(f"there is no project {project}", hint="list them: project list")

        def want(row: SessionRow) -> None:
            if row.project == target:
                raise Conflict(f"{row.id} is in {target} already")
            _must_be_one_patient(row)
            row.wanted_project = target

        return want

    async def _in_the_way(self, ids: tuple[str, ...]) -> set[str]:
        """Name the sessions that belong to an archived one which has their label."""
        async with self._context.prearchive_db.read() as transaction:
            query = select(SessionRow).where(SessionRow.id.in_(ids), SessionRow.belongs_to != "")
            found = list((await transaction.execute(query)).scalars())
        taken = set()
        for row in found:
            archived = await belonging(self._context, row)
            if archived is not None and archived.stands_in_the_way(row):
                taken.add(row.id)
        return taken

    async def _look(self, id: str) -> ActOutcome:
        try:
            async with self._context.prearchive_db.write() as transaction:
                row = await rows.get(transaction, id, lock=True)
                ended = row.cut_short
                if ended:
                    row.cut_short, row.looked, row.looked_by = "", datetime.now(UTC), self._actor
                    record_triage(transaction, self._actor, "Looked at", id, {"outcome": ended})
        except EngineError as error:
            return ActOutcome.refused(id, error)
        if not ended:
            return ActOutcome(id=id, done=True, message="it was not cut short")
        await self._context.log(id, f"cut short ({ended}): seen by {self._actor}")
        self._buffer.tell("session", id, f"seen by {self._actor}: a transfer had cut it short")
        return ActOutcome(id=id, done=True, message=f"seen: a transfer of it was {ended}")

    async def _restore(self, id: str, reason: str) -> ActOutcome:
        try:
            job = await put_back(self._context, id, actor=self._actor, reason=reason)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        self._buffer.tell("session", id, f"put back from the trash by {self._actor}")
        return ActOutcome(id=id, done=True, job=job, message="queued")

    async def _remove(self, id: str, reason: str) -> ActOutcome:
        try:
            await trash.remove(self._context, id, actor=self._actor, reason=reason)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        return ActOutcome(id=id, done=True, message="removed for good")

    async def _reset(self, id: str, reason: str) -> ActOutcome:
        try:
            async with self._context.prearchive_db.read() as transaction:
                before = await rows.get(transaction, id)
            must_be_resettable(before)
            folder = rows.folder_of(before, self._context.prearchive)
            status, why = await asyncio.to_thread(_status_on_disk, folder)
            async with self._context.prearchive_db.write() as transaction:
                row = await rows.get(transaction, id, lock=True)
                if row.locked:
                    raise Conflict(f"cannot reset {id}: a job has just begun")
                must_be_resettable(row)
                job = _job_of(row)
                # A new attempt: should the job start all the same, it finds itself overtaken.
                row.attempt += 1
                if status is Status.READY and row.contradictions:
                    status, why = Status.CONFLICT, row.reason
                rows.settle(row, status, why)
                row.wanted_project = row.wanted_label = row.wanted_subject = None
                row.decision, row.quarantine = "", False
                self._queueing.record(transaction, "Reset", id, reason)
            if job:
                await self._context.runner.forget(job)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        self._buffer.tell("session", id, f"reset to {status.value} by {self._actor}")
        return ActOutcome(id=id, done=True, message=status.value)


def _must_be_decided(row: SessionRow) -> None:
    if row.project is None:
        raise Conflict(f"{row.id} has no project: move it to one first")
    if row.contradictions:
        raise Conflict(f"{row.id} is in conflict: {row.reason or UNDECIDED}; {_HOW}")


def _must_be_one_patient(row: SessionRow) -> None:
    if row.several_patients:
        raise Conflict(f"{row.id} is in conflict: {row.reason or UNDECIDED}; {_HOW}")


def _job_of(row: SessionRow) -> str:
    verbs = {
        Status.QUEUED_BUILDING: Verb.REBUILD,
        Status.QUEUED_ARCHIVING: Verb.ARCHIVE,
        Status.QUEUED_MOVING: Verb.MOVE,
        Status.QUEUED_DELETING: Verb.DELETE,
    }
    status = Status(row.status)
    if status not in QUEUED or status not in verbs:
        return ""
    return f"{row.id}:{verbs[status].value}:{row.attempt}"


def _status_on_disk(folder: Path) -> tuple[Status, str]:
    """Compute a status from the session document."""
    document = document_beside(folder)
    if not document.exists():
        return Status.RECEIVING, ""
    try:
        read_session(document.read_bytes())
    except (OSError, ValueError):
        return Status.ERROR, "its session document cannot be read: rebuild it"
    return Status.READY, ""
