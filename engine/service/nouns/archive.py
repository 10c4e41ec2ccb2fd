# SPDX-License-Identifier: Apache-2.0
"""Filed sessions, and those of them that are not active."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.model.archive import HistoryEntry, SessionCard, SessionPage, SessionQuery
from engine.model.configured import Applied
from engine.model.contents import FiledContents, FilePage, FoldedHeader
from engine.model.prearchive import ActOutcome
from engine.model.quarantine import QuarantinePage, QuarantineQuery
from engine.model.verification import DueSessions, Verification

ALL_FILED = SessionQuery()
NOT_ACTIVE = QuarantineQuery()


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
