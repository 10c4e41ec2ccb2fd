"""The archive, asked on behalf of an actor: lists, cards, documents, and the files themselves. What
changes a filed session is the affair of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engine.archive import history, sessions
from engine.archive.audit import record
from engine.intake.contents import read_piece
from engine.jobs.workshop import Workshop
from engine.model.archive import (
    HistoryEntry,
    SessionCard,
    SessionPage,
    SessionQuery,
    Window,
)
from engine.model.contents import FilePage, FoldedHeader
from engine.model.errors import InvalidInput, NotFound
from engine.service.api import ALL_FILED
from engine.service.contents import files_in, header_in

_MOST = 1000
_LARGEST_PIECE = 4 * 1024 * 1024

T = TypeVar("T")


class Archive:
    """Sessions that are filed."""

    def __init__(self, shop: Workshop, actor: str) -> None:
        """Ask one archive for one actor."""
        self._shop = shop
        self._actor = actor

    async def list(
        self, query: SessionQuery = ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage:
        """Give a window of the sessions that a query finds."""
        window = Window(offset=max(0, offset), limit=min(limit, _MOST))
        async with self._shop.archive_db.read() as transaction:
            return await sessions.page(transaction, query, window)

    async def show(self, id: str, project: str = "") -> SessionCard:
        """Give a card by accession ID, or by label within a project."""
        async with self._shop.archive_db.read() as transaction:
            return await sessions.card(transaction, id, project)

    async def document(self, id: str) -> str:
        """Give the session document as XML."""
        async with self._shop.archive_db.read() as transaction:
            return await sessions.document(transaction, id)

    async def history(self, id: str) -> tuple[HistoryEntry, ...]:
        """Give what changed in a session, oldest first."""
        async with self._shop.archive_db.read() as transaction:
            return await history.of(transaction, sessions.KIND, id)

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        """Give a window of the files of a scan, or of all."""
        return await self._there(id, lambda at: files_in(self._shop, at, scan, offset, limit))

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        """Fold the headers of one file, of a scan, or of all."""
        return await self._there(id, lambda at: header_in(self._shop, at, scan, file))

    async def read(self, id: str, path: str, offset: int = 0, limit: int = 1_048_576) -> bytes:
        """Give a piece of a file, of at most 4 MiB."""
        wanted = min(limit, _LARGEST_PIECE)
        return await self._there(
            id, lambda at: asyncio.to_thread(read_piece, at, path, offset, wanted)
        )

    async def export_begun(self, id: str, files: int, reason: str = "") -> None:
        """Record that so many files of a session are being taken out."""
        if files < 0:
            raise InvalidInput("an export has 0 files or more")
        async with self._shop.archive_db.write() as transaction:
            card = await sessions.card(transaction, id)
            detail = {"files": files} | ({"reason": reason} if reason else {})
            record(transaction, self._actor, "Exported", card.accession, detail)

    async def _there(self, id: str, ask: Callable[[Path], Awaitable[T]]) -> T:
        card = await self.show(id)
        try:
            return await ask(self._shop.archive / card.folder)
        except FileNotFoundError:
            raise NotFound(
                f"the folder of {card.accession} is not in the archive",
                hint="look whether the archive's file system is mounted",
            ) from None
