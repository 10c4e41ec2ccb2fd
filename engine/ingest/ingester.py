# SPDX-License-Identifier: Apache-2.0
"""Taking the workers' journals into the tables. What is committed together is one batch of records
and the journal's offset behind it, so that no record is ever counted twice or passed over (intake
contract 4). A socket only wakes this; what is true is what the journals say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from engine.database.connection import Database
from engine.dicom.names import safe_name
from engine.ingest.posting import Ingested, Posting
from engine.intake.journal import Batch, read_batch
from engine.prearchive.receipts import Receipts
from engine.prearchive.tables import JournalRow


@dataclass(slots=True)
class _Reading:
    """How far a journal that is not finished has been read."""

    node: str
    """The engine whose worker writes it."""
    offset: int
    """Bytes that are committed, as last seen: another engine may have gone on since."""


class Ingester:
    """Reads the journals of one node and commits what they say."""

    def __init__(
        self, database: Database, prearchive: Path, *, node: str, receipts: Receipts
    ) -> None:
        """Ingest the journals below `{prearchive}/.journals`."""
        self._database = database
        self._folder = prearchive / ".journals"
        self._node = node
        self._receipts = receipts
        self._turn = asyncio.Lock()
        self._mine: dict[str, _Reading] | None = None
        """The journals of this node; None until they have been asked for."""
        self._registered = 0
        """How often a journal was registered."""

    async def register(self, name: str) -> None:
        """Note a journal that a worker has begun."""
        async with self._database.write() as transaction:
            row = await transaction.get(JournalRow, name)
            if row is None:
                row = JournalRow(name=name, node=self._node, opened=datetime.now(UTC))
                transaction.add(row)
        self._registered += 1
        if self._mine is not None and not row.finished:
            self._mine[name] = _Reading(row.node, row.offset)

    async def ingest(self, *, every_node: bool = False) -> Ingested:
        """Take in all that stands in the journals now; of other nodes too where asked.

        What is written meanwhile is left to the next round. Workers wake that, and a round costs
        about the same for one record as for a hundred: whoever stayed until nothing more came
        would do nothing else while a scanner sends.
        """
        ingested = Ingested()
        async with self._turn:
            for name, reading in (await self._journals(every_node=every_node)).items():
                ingested |= await self._as_it_stands(name, reading)
        return ingested

    async def finish(self, name: str) -> Ingested:
        """Take in a dead worker's journal to its end and put it away."""
        async with self._turn:
            reading = (await self._journals(every_node=True)).get(name)
            ingested = Ingested()
            if reading is not None:
                ingested = await self._as_it_stands(name, reading)
            path = self._folder / name
            size = await asyncio.to_thread(_size, path)
            async with self._database.write() as transaction:
                row = await transaction.get(JournalRow, name)
                if row is not None and not row.finished:
                    row.finished = True
                    # What a crash has torn off at the end can never become a record.
                    row.damaged += row.offset < size
            if self._mine is not None:
                self._mine.pop(name, None)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return ingested

    async def left_behind(self, mine: Iterable[str]) -> list[str]:
        """Name this node's journals that no worker of ours writes, those included that a crash has
        kept from being registered or removed."""
        alive = set(mine)
        registered = list(await self._journals(every_node=False))
        on_disk = await asyncio.to_thread(self._on_disk)
        for name in sorted(on_disk.difference(registered, alive)):
            await self.register(name)
            registered.append(name)
        return [name for name in registered if name not in alive]

    def _on_disk(self) -> set[str]:
        mine = re.compile(re.escape(safe_name(self._node, limit=40)) + r"-w\d+-[0-9a-f]+\.journal")
        if not self._folder.is_dir():
            return set()
        return {path.name for path in self._folder.iterdir() if mine.fullmatch(path.name)}

    async def _journals(self, *, every_node: bool) -> dict[str, _Reading]:
        """Return the journals that are not finished, in the order in which they were begun.

        Those of this node are remembered: nobody else begins one.
        """
        if not every_node and self._mine is not None:
            return dict(self._mine)
        query = (
            select(JournalRow.name, JournalRow.node, JournalRow.offset)
            .where(JournalRow.finished.is_(False))
            .order_by(JournalRow.opened)
        )
        registered = -1
        # A journal that was registered since the question would be forgotten: ask again.
        while registered != self._registered:
            registered = self._registered
            async with self._database.read() as transaction:
                found = (await transaction.execute(query)).all()
        journals = {name: _Reading(node, offset) for name, node, offset in found}
        self._mine = {name: it for name, it in journals.items() if it.node == self._node}
        return journals if every_node else dict(self._mine)

    async def _as_it_stands(self, name: str, reading: _Reading) -> Ingested:
        """Commit what a journal holds at this moment, batch by batch."""
        ingested = Ingested()
        path = self._folder / name
        end = await asyncio.to_thread(_size, path)
        while reading.offset < end:
            try:
                batch = await asyncio.to_thread(read_batch, path, reading.offset)
            except FileNotFoundError:
                break  # another engine has put it away
            if not batch.records:
                break  # the last record is not wholly written yet, or never will be
            ingested |= await self._commit(name, reading, batch)
        return ingested

    async def _commit(self, name: str, reading: _Reading, batch: Batch) -> Ingested:
        """Commit a batch, unless another engine has committed the same stretch meanwhile."""
        journal = JournalRow.name == name
        unfinished = JournalRow.finished.is_(False)
        async with self._database.write() as transaction:
            moved = await transaction.execute(
                update(JournalRow)
                .where(journal, unfinished, JournalRow.offset == reading.offset)
                .values(offset=batch.end, damaged=JournalRow.damaged + batch.damaged)
                .returning(JournalRow.name)
            )
            if moved.scalar_one_or_none() is None:
                now = await transaction.scalar(select(JournalRow.offset).where(journal, unfinished))
                # Of a journal that is put away there is nothing left to read.
                reading.offset = batch.end if now is None else now
                return Ingested()
            posting = Posting(transaction, batch.records, self._receipts, reading.node)
            await posting.post()
        reading.offset = batch.end
        return posting.ingested


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
