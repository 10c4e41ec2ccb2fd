# SPDX-License-Identifier: Apache-2.0
"""The sessions of an engine in memory that are filed."""

from __future__ import annotations

from datetime import datetime

from engine.model.archive import (
    AuditEvent,
    HistoryEntry,
    SessionCard,
    SessionPage,
    SessionQuery,
    SessionSummary,
)
from engine.model.configured import Applied
from engine.model.contents import FiledContents, FileEntry, FilePage, FoldedHeader
from engine.model.errors import NotFound
from engine.model.verification import DueSessions, Faults, Verification
from engine.service.nouns.archive import ALL_FILED
from tests.memory.contents import bytes_of, files_of, header_of
from tests.memory.facts import NOON, Asked
from tests.memory.where import FILED, holds


def summary(one: SessionCard) -> SessionSummary:
    """Return a filed session as a row of a list."""
    return SessionSummary(
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


class Archive(Asked):
    async def list(
        self, query: SessionQuery = ALL_FILED, offset: int = 0, limit: int = 100
    ) -> SessionPage:
        rows = [
            summary(one)
            for one in self.facts.filed.values()
            if query.project in ("", one.project) and query.text.lower() in one.label.lower()
        ]
        rows = [row for row in rows if holds(row, query.where, FILED)]
        rows.sort(key=lambda row: getattr(row, query.sort), reverse=query.descending)
        return SessionPage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    async def show(self, id: str, project: str = "") -> SessionCard:
        for one in self.facts.filed.values():
            if id == one.accession or (project, id) == (one.project, one.label):
                return one
        raise NotFound("no such session", hint="list them: anteroom archive list")

    async def document(self, id: str) -> str:
        accession = (await self.show(id)).accession
        return self.facts.documents.get(accession, f'<MRSession ID="{accession}"/>')

    async def history(self, id: str) -> tuple[HistoryEntry, ...]:
        accession = (await self.show(id)).accession
        archived = HistoryEntry(at=NOON, actor=self.actor, change="archived", before={})
        return self.facts.histories.get(accession, (archived,))

    async def versions(self, id: str) -> tuple[Applied, ...]:
        return self.facts.applied.get((await self.show(id)).accession, ())

    async def files(self, id: str, scan: str = "", offset: int = 0, limit: int = 100) -> FilePage:
        rows = [one for one in await self._files(id) if scan in ("", one.scan)]
        return FilePage(rows=tuple(rows[offset : offset + limit]), total=len(rows))

    async def contents(self, id: str) -> FiledContents:
        card = await self.show(id)
        if card.accession not in self.facts.seen:
            return FiledContents(
                scans=card.scans, files=card.files, bytes=card.bytes, faults=Faults()
            )
        return self.facts.seen[card.accession]

    async def verify(self, id: str, run: str = "", wait: float = 0.0) -> Verification:
        seen = await self.contents(id)
        return Verification(
            accession=(await self.show(id)).accession,
            run=run or "run",
            done=bool(run),
            files=seen.files if run else 0,
            of_files=seen.files,
            bytes=seen.bytes if run else 0,
            of_bytes=seen.bytes,
            faults=seen.faults if run else Faults(),
        )

    async def due(self, before: datetime, limit: int = 100) -> DueSessions:
        every = sorted(self.facts.filed.values(), key=lambda one: one.accession)
        left = [one.accession for one in every if one.verified is None or one.verified.at < before]
        return DueSessions(accessions=tuple(left[:limit]), total=len(every))

    async def header(self, id: str, scan: str = "", file: str = "") -> FoldedHeader:
        return header_of(self.facts, id, await self._files(id), scan, file)

    async def read(self, id: str, path: str, offset: int = 0, limit: int = 1_048_576) -> bytes:
        if path not in {one.path for one in await self._files(id)}:
            raise NotFound("there is no such file in the session", hint="list its files")
        return bytes_of(self.facts, id, path)[offset : offset + limit]

    async def export_begun(self, id: str, files: int, reason: str = "") -> None:
        event = AuditEvent(
            number=len(self.facts.audit) + 1,
            id=f"ev_{len(self.facts.audit) + 1}",
            at=NOON,
            actor=self.actor,
            action="Exported",
            object=(await self.show(id)).accession,
            detail={"files": files, "reason": reason},
            hash="0" * 64,
        )
        self.facts.audit.append(event)

    async def _files(self, id: str) -> tuple[FileEntry, ...]:
        return files_of(self.facts, id, (await self.show(id)).scans)
