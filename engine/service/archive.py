# SPDX-License-Identifier: Apache-2.0
"""The archive, on behalf of an actor: lists, cards, documents, and the files themselves. Only jobs
change filed sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from engine.archive import history, sessions, verifications, versions
from engine.archive.audit.trail import record
from engine.jobs.context import JobContext
from engine.model.archive import (
    HistoryEntry,
    SessionCard,
    SessionPage,
    SessionQuery,
)
from engine.model.comparison import Part, Version
from engine.model.configured import Applied
from engine.model.contents import FiledContents, FilePage, FoldedHeader
from engine.model.errors import InvalidInput
from engine.model.people import Actor, Permission
from engine.model.verification import DueSessions, Verification
from engine.service.contents import header_in, parts_in
from engine.service.nouns.archive import ALL_FILED
from engine.service.verifying import Verifying, no_folder
from engine.service.windows import MOST_FILES, limited, window
from engine.sessions import holdings
from engine.sessions.contents import read_piece
from engine.sessions.headers import Part as HeadersPart

_LONGEST_WAIT = 30.0
_LARGEST_PIECE = 4 * 1024 * 1024

T = TypeVar("T")


class Archive:
    """Sessions that are filed."""

    def __init__(self, context: JobContext, verifying: Verifying, actor: Actor) -> None:
        """Ask one archive for one actor."""
        self._context = context
        self._verifying = verifying
        self._actor = actor.name
        self._scope = actor.scope(Permission.READ)
        self._released = actor.scope(Permission.RELEASE)

    async def list(
        self, query: SessionQuery = ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage:
        """Return a window of the sessions that a query finds."""
        async with self._context.archive_db.read() as transaction:
            return await sessions.page(
                transaction, query, window(offset, limit), self._scope, self._released
            )

    async def show(self, id: str, project: str = "") -> SessionCard:
        """Return a card by accession ID, or by label within a project."""
        async with self._context.archive_db.read() as transaction:
            return await sessions.card(transaction, id, project)

    async def document(self, id: str) -> str:
        """Return the session document as XML."""
        async with self._context.archive_db.read() as transaction:
            return await sessions.document(transaction, id)

    async def history(self, id: str) -> tuple[HistoryEntry, ...]:
        """Return what changed in a session, oldest first."""
        async with self._context.archive_db.read() as transaction:
            return await history.of(transaction, sessions.KIND, id)

    async def versions(self, id: str) -> tuple[Applied, ...]:
        """Return which rules, scripts and settings applied to it, in which versions."""
        async with self._context.archive_db.read() as transaction:
            accession = (await sessions.card(transaction, id)).accession
            return await versions.applied(transaction, accession)

    async def contents(self, id: str) -> FiledContents:
        """Return the scans by their catalogs, with what is seen to be wrong in the folder."""
        seen = await self._verifying.look(await self.show(id))
        return FiledContents(
            scans=seen.scans, files=seen.files, bytes=seen.bytes, faults=seen.faults
        )

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        """Return a window of the files that the catalogs of a scan, or of all, name."""
        document = await self.document((await self.show(id)).accession)
        asked = window(offset, limit, MOST_FILES)
        ask = partial(holdings.page, document=document, scan=scan)
        return await self._there(
            id,
            lambda at: self._context.processes.run(ask, at, offset=asked.offset, limit=asked.limit),
        )

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of all."""
        document = await self.document((await self.show(id)).accession)
        return await self._there(
            id, lambda at: header_in(self._context, at, scan, file, document=document)
        )

    async def parts(self, id: str, part: Part) -> tuple[Sequence[HeadersPart], int]:
        """Read headers for a comparison, and say how many files there are."""
        if part.version is not Version.STORED:
            raise InvalidInput(
                f"{id} is filed: there is only what is stored", hint="leave the version out"
            )
        document = await self.document((await self.show(id)).accession)
        return await self._there(
            id,
            lambda at: parts_in(self._context, at, part.scan, part.file, document=document),
        )

    async def verify(self, id: str, run: str = "", wait: float = 0.0) -> Verification:
        """Begin a verification, or go on waiting for one."""
        return await self._verifying.verify(id, run, min(wait, _LONGEST_WAIT), self._actor)

    async def due(self, before: datetime, limit: int = 100) -> DueSessions:
        """Return sessions that were not verified since a moment."""
        if before.tzinfo is None:
            raise InvalidInput("a time needs a time zone")
        async with self._context.archive_db.read() as transaction:
            return await verifications.due(transaction, before, limited(limit))

    async def read(self, id: str, path: str, offset: int = 0, limit: int = 1_048_576) -> bytes:
        """Return a piece of a file, of at most 4 MiB."""
        wanted = min(limit, _LARGEST_PIECE)
        return await self._there(
            id, lambda at: asyncio.to_thread(read_piece, at, path, offset, wanted)
        )

    async def export_begun(self, id: str, files: int, reason: str = "") -> None:
        """Record that so many files of a session are being taken out."""
        if files < 0:
            raise InvalidInput("an export has 0 files or more")
        async with self._context.archive_db.write() as transaction:
            card = await sessions.card(transaction, id)
            detail = {"files": files} | ({"reason": reason} if reason else {})
            record(transaction, self._actor, "Exported", card.accession, detail)

    async def inside(self, id: str, ask: Callable[[Path], Awaitable[T]]) -> T:
        """Ask something of the folder of a session."""
        return await self._there(id, ask)

    async def _there(self, id: str, ask: Callable[[Path], Awaitable[T]]) -> T:
        card = await self.show(id)
        try:
            return await ask(self._context.archive / card.folder)
        except FileNotFoundError:
            raise no_folder(card.accession) from None
