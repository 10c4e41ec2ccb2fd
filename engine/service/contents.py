# SPDX-License-Identifier: Apache-2.0
"""The contents of a session, wherever its folder is: the requests that prearchive and archive have
in common, and those that only a waiting session can answer. Files are read in the process pool;
this module knows the folders and the configuration in force."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.jobs import contradictions, versions
from engine.jobs.archive import subject_of
from engine.jobs.context import LOGS, JobContext, document_beside
from engine.jobs.move import tells_of_a_move
from engine.jobs.scripting import ScriptWork, script_work
from engine.model.changes import SessionChanges
from engine.model.comparison import Part, Version
from engine.model.contents import FilePage, FoldedHeader, SessionContents, Timeline
from engine.model.contradictions import Contradictions
from engine.model.errors import Conflict, NotFound
from engine.model.prearchive import LogEntry
from engine.model.routing import Route
from engine.model.scripts import project_scope
from engine.prearchive import arriving, rows, transfers
from engine.prearchive.tables import SessionRow
from engine.routing.router import RoutingConfig
from engine.service.reviewing import ReadHeaders, Reviewing
from engine.service.windows import MOST_FILES, window
from engine.sessions import contents, headers
from engine.sessions.arrivals import arrivals
from engine.sessions.build.document import read_session
from engine.sessions.rerouting import route_first

_MOST_PARTS = 4
"""Processes that one question may keep busy: jobs go on meanwhile."""
_LOOKS = 3

T = TypeVar("T")


async def files_in(
    context: JobContext, folder: Path, scan: str, offset: int, limit: int
) -> FilePage:
    """Return a window of the files of a scan, or of all."""
    asked = window(offset, limit, MOST_FILES)
    return await context.processes.run(contents.page, folder, scan, asked.offset, asked.limit)


async def header_in(
    context: JobContext, folder: Path, scan: str, file: str, *, document: str = ""
) -> FoldedHeader:
    """Fold the headers of one file, of a scan, or of all; with the document of a filed session, of
    the files that its catalogs name."""
    read, total = await parts_in(context, folder, scan, file, document=document)
    return await asyncio.to_thread(headers.joined, read, total)


async def parts_in(
    context: JobContext,
    folder: Path,
    scan: str,
    file: str,
    *,
    document: str = "",
    read: ReadHeaders = headers.read,
) -> tuple[list[headers.Part], int]:
    """Read the headers of some of these files, in other processes, and say how many files there
    are."""
    sample = await context.processes.run(headers.sample, folder, scan, file, document)
    parts = sample.parts(min(_MOST_PARTS, context.processes.processes))
    work = headers.MOST_WORK // len(parts)
    found = await asyncio.gather(
        *(context.processes.run(read, folder, part, work) for part in parts)
    )
    return list(found), sample.total


class Waiting:
    """What is in sessions of the prearchive, whose folders jobs may rename at any moment."""

    def __init__(self, context: JobContext, reviewing: Reviewing | None = None) -> None:
        """Ask one prearchive; with the engine's `reviewing` all share what it finds out."""
        self._context = context
        self._reviewing = reviewing or Reviewing(context)

    async def log(self, id: str) -> tuple[LogEntry, ...]:
        """Return the log, oldest entry first."""
        return await self.there(id, lambda _, at: asyncio.to_thread(_log, at / LOGS))

    async def contents(self, id: str) -> SessionContents:
        """Return the scans."""
        return await self.there(
            id,
            lambda _, at: self._context.processes.run(contents.contents, at, document_beside(at)),
        )

    async def files(self, id: str, scan: str, offset: int, limit: int) -> FilePage:
        """Return a window of the files."""
        return await self.there(id, lambda _, at: files_in(self._context, at, scan, offset, limit))

    async def header(self, id: str, scan: str, file: str) -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of all."""
        return await self.there(id, lambda _, at: header_in(self._context, at, scan, file))

    async def route(self, id: str, config: RoutingConfig) -> Route:
        """Route the first object by a configuration."""
        return await self.there(id, lambda row, at: self._route(row, at, config))

    async def _route(self, row: SessionRow, folder: Path, config: RoutingConfig) -> Route:
        route = await self._context.processes.run(route_first, folder, config, row.receiver)
        before = msgspec.json.decode(row.routed, type=Route) if row.routed else None
        return replace(route, moves=await self._moves(row.id), before=before)

    async def _moves(self, id: str) -> tuple[LogEntry, ...]:
        return tuple(one for one in await self.log(id) if tells_of_a_move(one.text))

    async def timeline(self, id: str) -> Timeline:
        """Tell how the session came together."""
        came = await self.there(
            id, lambda _, at: self._context.processes.run(arrivals, at, document_beside(at))
        )
        async with self._context.prearchive_db.read() as transaction:
            contributions = await transfers.contributions(transaction, id)
            row = await transaction.get(SessionRow, id)
            unbuilt = row is not None and not row.built_objects
            known = await arriving.listed(transaction, id) if unbuilt else ()
        # A build writes catalogs that say it; until then the objects have told it as they came.
        lacks: Counter[str] = Counter()
        for one in known:
            lacks[one.scan] += one.missing or 0
        return Timeline(
            first=came.first,
            last=came.last,
            contributions=contributions,
            series=tuple(
                replace(one, missing=max(one.missing, lacks[one.scan])) for one in came.series
            ),
            moves=await self._moves(id),
        )

    async def contradictions(self, id: str) -> Contradictions:
        """Return what a person has to decide."""
        return await self.there(id, lambda row, at: contradictions.told(self._context, row, at))

    async def done(self, id: str, scan: str, seen: int, wait: float) -> SessionChanges:
        """Tell what scripts have changed, as far as that is kept."""
        ask = self._reviewing.done
        return await self.there(id, lambda row, at: ask(row.id, at, scan, seen, wait))

    async def to_come(self, id: str, scan: str, seen: int, wait: float) -> SessionChanges:
        """Tell what the project's script would change; nothing where none would run."""
        return await self.there(id, lambda row, at: self._to_come(row, at, scan, seen, wait))

    async def parts(self, id: str, part: Part) -> tuple[list[headers.Part], int]:
        """Read headers in one of the versions of their objects."""
        return await self.there(id, lambda row, at: self._parts(row, at, part))

    async def _parts(self, row: SessionRow, at: Path, part: Part) -> tuple[list[headers.Part], int]:
        read: ReadHeaders = headers.read
        if part.version is Version.RECEIVED:
            read = await self._reviewing.received(row.id, at)
        elif part.version is Version.TO_COME:
            read = partial(versions.to_come, script=await self._script(row, at))
        return await parts_in(self._context, at, part.scan, part.file, read=read)

    async def _to_come(
        self, row: SessionRow, at: Path, scan: str, seen: int, wait: float
    ) -> SessionChanges:
        work = await self._script(row, at)
        if work is None:
            return SessionChanges()
        return await self._reviewing.to_come(row.id, at, work, scan, seen, wait)

    async def _script(self, row: SessionRow, at: Path) -> ScriptWork | None:
        """Return the script that would run on the way to the archive."""
        if row.project is None:
            raise Conflict(
                f"{row.id} has no project: no script is to come", hint="move it to one first"
            )
        subject = await subject_at(row, at)
        if row.prevent_anon:
            return None
        return await script_work(
            self._context,
            project_scope(row.project),
            project=row.project,
            subject=subject,
            session=row.label,
        )

    async def there(self, id: str, ask: Callable[[SessionRow, Path], Awaitable[T]]) -> T:
        """Ask something of a session's folder, wherever a job brings it meanwhile."""
        for _ in range(_LOOKS):
            async with self._context.prearchive_db.read() as transaction:
                row = await rows.get(transaction, id)
            try:
                return await ask(row, rows.folder_of(row, self._context.prearchive))
            except FileNotFoundError:
                # A job has renamed it since the row was read, or somebody has removed it.
                continue
        raise NotFound(
            f"the folder of {id} is not in its place",
            hint="a job may just be moving it: ask again; if it is gone, rebuild the session",
        )


async def subject_at(row: SessionRow, folder: Path) -> str:
    """Return the subject that a session will be filed under, as far as that is known."""
    subject = row.subject or ""
    if not subject and document_beside(folder).exists():
        document = await asyncio.to_thread(document_beside(folder).read_bytes)
        subject = subject_of(row, read_session(document))
    return subject


def _log(folder: Path) -> tuple[LogEntry, ...]:
    if not folder.is_dir():
        return ()
    files = sorted(path for path in folder.glob("*.log") if path.stem.isdecimal())
    return tuple(
        LogEntry(
            id=path.stem,
            at=datetime.fromtimestamp(int(path.stem) / 1000, UTC),
            text=path.read_text(encoding="utf-8").rstrip("\n"),
        )
        for path in files
    )
