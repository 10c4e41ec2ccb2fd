# SPDX-License-Identifier: Apache-2.0
"""The sessions of an engine in memory that wait for review."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.model.archive import SessionCard, SessionStatus
from engine.model.changes import SessionChanges
from engine.model.contents import (
    FileEntry,
    FilePage,
    FoldedHeader,
    SessionContents,
    Timeline,
    Tombstone,
    TrashedSession,
)
from engine.model.contradictions import Choice, Contradictions
from engine.model.errors import Conflict, NotFound
from engine.model.live import (
    Job,
)
from engine.model.prearchive import (
    ActOutcome,
    LogEntry,
    PrearchivePage,
    PrearchiveQuery,
    PrearchiveSession,
)
from engine.model.routing import Route
from engine.model.states import Status, Verb, why_not
from engine.service.nouns.prearchive import ALL_WAITING
from tests.memory.contents import contents_of, files_of, header_of, route_of, timeline_of
from tests.memory.facts import NOON, Asked, card
from tests.memory.where import WAITING, holds


class Prearchive(Asked):
    async def list(
        self, query: PrearchiveQuery = ALL_WAITING, offset: int = 0, limit: int = 100
    ) -> PrearchivePage:
        def known(row: PrearchiveSession) -> PrearchiveSession:
            hidden = query.masked and row.project is None
            return replace(row, label="", subject="") if hidden else row

        rows = [
            row
            for row in self.facts.sessions.values()
            if query.project in (None, row.project or "Unassigned")
            and (not query.status or row.status in query.status)
            and query.text.lower() in f"{known(row).label} {known(row).subject} {row.id}".lower()
            and holds(known(row), query.where, WAITING | {"mine": self._is_mine})
        ]

        def place(row: PrearchiveSession) -> tuple[bool, Any]:
            value = getattr(known(row), query.sort)
            return value is not None, value

        rows.sort(key=place, reverse=query.descending)
        return PrearchivePage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    def _is_mine(self, row: PrearchiveSession) -> str:
        return "yes" if row.assigned == self.actor else "no"

    async def claim(
        self, ids: tuple[str, ...], project: str, reason: str = ""
    ) -> tuple[ActOutcome, ...]:
        return tuple([await self._claim(id, project) for id in ids])

    async def _claim(self, id: str, project: str) -> ActOutcome:
        there = self.facts.found(id).project
        if there is not None:
            return ActOutcome(id=id, done=False, message=f"{id} is in {there} already")
        return await self._act(id, Verb.MOVE, project=project)

    async def would(
        self, verb: Verb, ids: tuple[str, ...], project: str = ""
    ) -> tuple[ActOutcome, ...]:
        return tuple(self._would(verb, self.facts.found(id), project) for id in ids)

    def _would(self, verb: Verb, row: PrearchiveSession, project: str) -> ActOutcome:
        why = why_not(verb, row.status, locked=row.locked)
        if verb is Verb.ARCHIVE and row.project is None:
            why = "it has no project: move it to one first"
        if verb is Verb.MOVE and project and row.project == project:
            why = f"{row.id} is in {project} already"
        return ActOutcome(id=row.id, done=not why, message=why or f"{verb.value}: possible")

    async def show(self, id: str) -> PrearchiveSession:
        return self.facts.found(id)

    async def find(self, name: str) -> str:
        for row in self.facts.sessions.values():
            if name in (row.id, row.url, row.label):
                return row.id
        raise NotFound("no such prearchive session", hint="list them: anteroom prearchive list")

    async def archive(
        self, ids: tuple[str, ...], reason: str = "", quarantine: bool = False
    ) -> tuple[ActOutcome, ...]:
        if quarantine:
            self.facts.quarantined.update(ids)
        return tuple([await self._archive(id) for id in ids])

    def _filed(self, row: PrearchiveSession) -> SessionCard:
        project = self.facts.projects.get(row.project or "")
        coded = project is not None and project.quarantine_code == 1
        if not (coded or row.id in self.facts.quarantined):
            return card(row)
        return replace(card(row), status=SessionStatus.QUARANTINE, withheld=True)

    async def _archive(self, id: str) -> ActOutcome:
        row = self.facts.found(id)
        if row.contradictions:
            return ActOutcome(id=id, done=False, message=f"{id} is in conflict: {row.reason}")
        return await self._act(id, Verb.ARCHIVE)

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

    async def contradictions(self, id: str) -> Contradictions:
        found = self.facts.contradictions.get(self.facts.found(id).id, ())
        return Contradictions(seen="0123456789ab", found=found)

    async def resolve(
        self,
        id: str,
        choices: tuple[Choice, ...],
        subject: str = "",
        seen: str = "",
        reason: str = "",
    ) -> ActOutcome:
        self.facts.decided.append((id, choices, subject))
        return await self._act(id, Verb.RESOLVE, status=Status.READY, reason="", contradictions=0)

    async def rebuild(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        ends = {id: Status.ERROR if id in self.facts.unbuildable else Status.READY for id in ids}
        return tuple([await self._act(id, Verb.REBUILD, status=ends[id]) for id in ids])

    async def delete(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(id, Verb.DELETE) for id in ids])

    async def gone(self, offset: int = 0, limit: int = 100) -> tuple[Tombstone, ...]:
        return tuple(self.facts.tombstones[offset : offset + limit])

    async def trash(self) -> tuple[TrashedSession, ...]:
        rows = [
            TrashedSession(
                id=row.id,
                project=row.project,
                label=row.label,
                subject=row.subject,
                objects=row.objects,
                bytes=row.bytes,
                deleted=NOON + timedelta(minutes=number),
                until=NOON + timedelta(days=30, minutes=number),
                by=self.actor,
            )
            for number, row in enumerate(self.facts.trashed.values())
        ]
        return tuple(reversed(rows))

    async def restore(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([self._restore(id) for id in ids])

    async def empty_trash(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        gone = {id: id in self.facts.trashed for id in ids}
        for one in [self.facts.trashed.pop(id) for id, done in gone.items() if done]:
            self.facts.tombstones.insert(
                0,
                Tombstone(
                    id=one.id,
                    project=one.project,
                    objects=one.objects,
                    bytes=one.bytes,
                    deleted=NOON,
                    by="mk",
                    gone=NOON,
                    gone_by="ada",
                    reason=reason,
                ),
            )
        return tuple(
            ActOutcome(
                id=id,
                done=done,
                message="removed for good" if done else f"{id} is not in the trash",
            )
            for id, done in gone.items()
        )

    def _restore(self, id: str) -> ActOutcome:
        row = self.facts.trashed.pop(id, None)
        if row is None:
            return ActOutcome(id=id, done=False, message=f"{id} is not in the trash")
        return self._begin(row, Verb.RESTORE, {})

    async def reset(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        return tuple([await self._act(id, Verb.RESET, status=Status.READY) for id in ids])

    async def look(self, ids: tuple[str, ...]) -> tuple[ActOutcome, ...]:
        for id in ids:
            self.facts.sessions[id] = replace(self.facts.found(id), cut_short="")
            await self.facts.tell("session", id, f"seen by {self.actor}")
        return tuple(ActOutcome(id=id, done=True, message="seen") for id in ids)

    async def log(self, id: str) -> tuple[LogEntry, ...]:
        self.facts.found(id)
        return (LogEntry(id="1", at=NOON, text=f"received, asked by {self.actor}"),)

    async def done(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        id = self.facts.found(id).id
        if parts := self.facts.done_in_parts.get(id):
            return parts.pop(0)
        while True:
            told = self.facts.done.get(id, SessionChanges())
            if told.is_whole or told.read > seen or not wait:
                return told
            # As long as nothing more is known.
            await asyncio.sleep(0.01)

    async def to_come(
        self, id: str, scan: str = "", seen: int = 0, wait: float = 0.0
    ) -> SessionChanges:
        row = self.facts.found(id)
        if row.project is None:
            raise Conflict(f"{id} has no project: no script is to come")
        return self.facts.to_come.get(row.id, SessionChanges())

    async def contents(self, id: str) -> SessionContents:
        return contents_of(self.facts, self.facts.found(id))

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        rows = [one for one in self._files(id) if scan in ("", one.scan)]
        return FilePage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        return header_of(self.facts, id, self._files(id), scan, file)

    async def route(self, id: str) -> Route:
        return route_of(self.facts, self.facts.found(id).id)

    async def timeline(self, id: str) -> Timeline:
        return timeline_of(self.facts, self.facts.found(id))

    def _files(self, id: str) -> tuple[FileEntry, ...]:
        return files_of(self.facts, id, contents_of(self.facts, self.facts.found(id)).scans)

    async def _act(self, id: str, verb: Verb, **changes: object) -> ActOutcome:
        row = self.facts.found(id)
        refusal = why_not(verb, row.status, locked=row.locked)
        if refusal:
            return ActOutcome(id=id, done=False, message=refusal)
        return self._begin(row, verb, changes)

    def _begin(self, row: PrearchiveSession, verb: Verb, changes: dict[str, object]) -> ActOutcome:
        id = row.id
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
                self.facts.filed[row.id] = self._filed(row)
            else:
                self.facts.trashed[row.id] = row
        else:
            self.facts.sessions[row.id] = replace(row, **changes)  # type: ignore[arg-type]
        await self.facts.tell("session", row.id, f"{verb} done")


_RUNNING: set[asyncio.Task[None]] = set()
