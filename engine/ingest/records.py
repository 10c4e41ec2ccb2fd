# SPDX-License-Identifier: Apache-2.0
"""Taking journals into rows: records become index entries, tallies, ledger lines and session
counts, committed together with the journal's offset (intake contract 4). A socket only wakes this;
what is true is what the journals say."""

from __future__ import annotations

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.database.connection import Database
from engine.dicom.names import safe_name
from engine.intake.journal import PUBLISHED, Batch, Outcome, Record, read_batch
from engine.model.accounts import BESIDE, Place
from engine.model.live import broke_off
from engine.model.states import Status, after_new_data
from engine.prearchive import accounts, ledger, transfers
from engine.prearchive.accounts import TallyKey
from engine.prearchive.receipts import Receipts
from engine.prearchive.rows import change, may_accept
from engine.prearchive.tables import (
    HeldRow,
    JournalRow,
    ObjectRow,
    SessionRow,
)

PLACES = {
    Outcome.STORED: Place.WAITING,
    Outcome.CONFLICT: Place.WAITING,
    Outcome.DUPLICATE: Place.DUPLICATE,
    Outcome.HELD: Place.HELD,
    Outcome.STAGED: Place.WAITING,
    Outcome.FILTERED: Place.FILTERED,
    Outcome.REJECTED: Place.REJECTED,
    Outcome.REFUSED: Place.REFUSED,
    Outcome.FAILED: Place.FAILED,
}
"""Where an object is counted, by what became of it."""

_TOLD = frozenset(PLACES) - {Outcome.STORED, Outcome.HELD, Outcome.STAGED}
"""Outcomes that the ledger lists with their reason."""

_IN_CLAUSE = 500


@dataclass(slots=True)
class Ingested:
    """What one round changed: for the events, and for the timer."""

    records: int = 0
    sessions: set[str] = field(default_factory=set)
    transfers: set[str] = field(default_factory=set)
    ledger: ledger.Fold = field(default_factory=dict)
    """What was dropped, refused or counted only, with how often."""

    def __ior__(self, other: Ingested) -> Ingested:
        self.records += other.records
        self.sessions |= other.sessions
        self.transfers |= other.transfers
        for _, last, count in other.ledger.values():
            ledger.fold(self.ledger, last, count)
        return self


class Ingester:
    """Reads the journals of one node and commits what they say."""

    def __init__(
        self, database: Database, prearchive: Path, *, node: str, receipts: Receipts
    ) -> None:
        """Ingest the journals below `{prearchive}/.journals`."""
        self._database = database
        self._prearchive = prearchive
        self._folder = prearchive / ".journals"
        self._node = node
        self._receipts = receipts
        self._turn = asyncio.Lock()

    async def register(self, name: str) -> None:
        """Note a journal that a worker has begun."""
        async with self._database.write() as transaction:
            if await transaction.get(JournalRow, name) is None:
                transaction.add(JournalRow(name=name, node=self._node, opened=datetime.now(UTC)))

    async def ingest(self, *, every_node: bool = False) -> Ingested:
        """Take in all that stands in the journals now; of other nodes too where asked."""
        ingested = Ingested()
        async with self._turn:
            for name in await self._journals(every_node=every_node):
                while await self._one_batch(name, ingested):
                    pass
        return ingested

    async def finish(self, name: str) -> Ingested:
        """Take in a dead worker's journal to its end and put it away."""
        ingested = Ingested()
        path = self._folder / name
        async with self._turn:
            while await self._one_batch(name, ingested):
                pass
            async with self._database.write() as transaction:
                row = await transaction.get(JournalRow, name)
                if row is not None and not row.finished:
                    row.finished = True
                    # What a crash has torn off at the end can never become a record.
                    row.damaged += row.offset < await asyncio.to_thread(_size, path)
            await asyncio.to_thread(path.unlink, missing_ok=True)
        return ingested

    async def left_behind(self, mine: Iterable[str]) -> list[str]:
        """Name this node's journals that no worker of ours writes, those included that a crash has
        kept from being registered or removed."""
        alive = set(mine)
        registered = await self._journals(every_node=False)
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

    async def _journals(self, *, every_node: bool) -> list[str]:
        query = select(JournalRow.name).where(JournalRow.finished.is_(False))
        if not every_node:
            query = query.where(JournalRow.node == self._node)
        async with self._database.read() as transaction:
            return list((await transaction.execute(query.order_by(JournalRow.opened))).scalars())

    async def _one_batch(self, name: str, ingested: Ingested) -> bool:
        """Commit one batch; False when nothing more is to be had."""
        path = self._folder / name
        async with self._database.read() as transaction:
            row = await transaction.get(JournalRow, name)
        if row is None or row.finished:
            return False
        try:
            batch = await asyncio.to_thread(read_batch, path, row.offset)
        except FileNotFoundError:
            return False
        if not batch.records:
            return False
        # Another engine may have ingested the same stretch meanwhile: the offset decides.
        async with self._database.write() as transaction:
            locked = select(JournalRow).where(JournalRow.name == name).with_for_update()
            current = (await transaction.execute(locked)).scalar_one()
            if current.offset != row.offset:
                return True
            posting = _Posting(transaction, batch, self._receipts, current.node)
            await posting.post()
            current.offset = batch.end
            current.damaged += batch.damaged
        ingested |= posting.ingested
        return True


class _Posting:
    """One batch of records on its way into the tables, within one transaction."""

    def __init__(
        self, transaction: AsyncSession, batch: Batch, receipts: Receipts, node: str = ""
    ) -> None:
        self._transaction = transaction
        self._records = batch.records
        self._receipts = receipts
        self._node = node
        self._tally: Counter[TallyKey] = Counter()
        self._ledger: ledger.Fold = {}
        self._rows: dict[str, SessionRow] = {}
        self._known: dict[tuple[str, str, str], ObjectRow] = {}
        self.ingested = Ingested(records=len(batch.records))

    async def post(self) -> None:
        await self._load()
        for record in self._records:
            await self._one(record)
        await self._transaction.flush()
        await accounts.add(self._transaction, self._tally)
        await ledger.add(self._transaction, self._ledger)
        await self._count_transfers()
        self.ingested.ledger = self._ledger

    async def _load(self) -> None:
        sessions = sorted({record.session for record in self._records if record.session})
        found = await self._transaction.execute(
            select(SessionRow).where(SessionRow.id.in_(sessions)).with_for_update()
        )
        self._rows = {row.id: row for row in found.scalars()}
        uids: dict[str, set[str]] = defaultdict(set)
        for record in self._records:
            if record.session in self._rows:
                uids[record.session].add(record.received_sop)
        for session, wanted in uids.items():
            listed = sorted(wanted)
            for start in range(0, len(listed), _IN_CLAUSE):
                entries = await self._transaction.execute(
                    select(ObjectRow).where(
                        ObjectRow.session == session,
                        ObjectRow.received_sop_uid.in_(listed[start : start + _IN_CLAUSE]),
                    )
                )
                for entry in entries.scalars():
                    self._known[session, entry.received_sop_uid, entry.digest] = entry

    async def _one(self, record: Record) -> None:
        self.ingested.transfers.add(record.transfer)
        if record.session:
            self.ingested.sessions.add(record.session)
        if record.outcome in PUBLISHED:
            await self._stored(record)
            return
        if record.outcome is Outcome.STAGED:
            await self._hold(record)
            # It is counted with its session once it is there.
            self._tally[record.transfer, "", Place.WAITING] += 1
            return
        if record.outcome is Outcome.HELD:
            await self._hold(record)
        if record.undoes is not None:
            self._count(record.undoes, PLACES[record.undoes.outcome], times=-1)
        self._count(record, PLACES[record.outcome])

    def _count(self, record: Record, place: Place, *, times: int = 1) -> None:
        self._tally[record.transfer, record.session, place] += times
        if record.outcome in _TOLD or place is Place.DUPLICATE:
            ledger.fold(
                self._ledger,
                ledger.Line(
                    transfer=record.transfer,
                    outcome=place.value if place is not Place.WAITING else record.outcome.value,
                    reason=record.reason or _REASONS.get(record.outcome, ""),
                    rule=record.rule,
                    session=record.session,
                    receiver=record.receiver,
                    calling=record.calling,
                    peer=record.peer,
                    at=_moment(record),
                ),
                times,
            )

    async def _stored(self, record: Record) -> None:
        """Let the tables follow from an object that a session has taken in:

        | its session | its object there | then |
        |---|---|---|
        | has left the prearchive | whatever | what its receipt says |
        | is there | was found on disk before this record | is this one: its sender is known now |
        | is there | has a record already | a DUPLICATE, which the next build removes |
        | is there | is not known | a new one, WAITING |
        """
        row = self._rows.get(record.session)
        if row is None:
            await self._already_gone(record)
            return
        key = (record.session, record.received_sop, record.digest)
        known = self._known.get(key) or await self._recovered(record)
        if known is not None and known.recovered:
            # The file was found before its record, and may have moved since: the record says who
            # sent it.
            self._tally["", record.session, Place.WAITING] -= 1
            self._tally[record.transfer, record.session, Place.WAITING] += 1
            known.recovered, known.transfer = False, record.transfer
            return
        if known is not None:
            # A build had moved the first one, so that the name was free: the same object twice.
            # Only the next build can tell which of the two files may go.
            self._count(record, Place.DUPLICATE)
            self._join(row, record)
            return
        entry = ObjectRow(
            session=record.session,
            received_sop_uid=record.received_sop,
            digest=record.digest,
            file=record.file,
            sop_uid=record.sop,
            size=record.size,
            transfer=record.transfer,
        )
        self._transaction.add(entry)
        self._known[key] = entry
        self._count(record, Place.WAITING)
        row.objects += 1
        row.bytes += record.size
        self._join(row, record)

    async def _recovered(self, record: Record) -> ObjectRow | None:
        """Find an object that a script has changed and that was found before its record: all that
        could be told of it was its file."""
        if record.script != "changed":
            return None
        query = select(ObjectRow).where(
            ObjectRow.session == record.session,
            ObjectRow.file == record.file,
            ObjectRow.recovered,
        )
        found = (await self._transaction.execute(query)).scalar_one_or_none()
        if found is None:
            return None
        await self._transaction.delete(found)
        await self._transaction.flush()
        known = ObjectRow(
            session=record.session,
            received_sop_uid=record.received_sop,
            digest=record.digest,
            file=record.file,
            sop_uid=record.sop,
            size=found.size,
            transfer=found.transfer,
            recovered=True,
        )
        self._transaction.add(known)
        self._known[record.session, record.received_sop, record.digest] = known
        return known

    def _join(self, row: SessionRow, record: Record) -> None:
        """Let a row follow from what has come into its folder."""
        row.last_object = max(row.last_object, _moment(record))
        if may_accept(row) and row.status != Status.RECEIVING:
            change(row, after_new_data(Status(row.status)))
        else:
            row.lastmod = datetime.now(UTC)

    async def _already_gone(self, record: Record) -> None:
        """Count an object whose session has left the prearchive with it."""
        receipt = await self._receipts.find(
            self._transaction, record.received_sop, record.session, record.digest
        )
        if receipt is None and record.script == "changed":
            # Found before its record, it left under the UID of its file.
            found = await self._receipts.find(self._transaction, record.sop, record.session)
            receipt = found if found is not None and found.recovered else None
        if receipt is None:
            self._count(record, Place.WAITING)
            return
        if not receipt.recovered:
            # Its own record is known: this is of another copy, which the build had removed.
            self._count(record, Place.DUPLICATE)
            return
        place = Place(receipt.place)
        self._tally["", record.session, place] -= 1
        receipt.recovered = False
        self._count(record, place)

    async def _hold(self, record: Record) -> None:
        row = await self._transaction.get(HeldRow, record.file)
        if row is None:
            row = HeldRow(id=record.file)
            self._transaction.add(row)
        else:
            # The file was found before its record: the record says the rest.
            self._tally["", "", Place.HELD] -= 1
        row.transfer = record.transfer
        row.at = _moment(record)
        row.reason = record.reason
        row.rule = record.rule
        row.sop_class = record.sop_class
        row.received_sop_uid = record.received_sop
        row.transfer_syntax = record.transfer_syntax
        row.digest = record.digest
        row.size = record.size
        row.waits = record.outcome is Outcome.STAGED
        row.session = record.session
        row.node = self._node

    def _cut_short(self, records: Iterable[Record], closed: datetime, ended: str) -> None:
        for record in records:
            row = self._rows.get(record.session) if record.outcome in PUBLISHED else None
            if row is not None and (row.looked is None or row.looked < closed):
                row.cut_short = ended

    async def _count_transfers(self) -> None:
        by_transfer: dict[str, list[Record]] = defaultdict(list)
        for record in self._records:
            by_transfer[record.transfer].append(record)
        # In one order everywhere: news of the same transfers must not wait for us and we for them.
        for transfer, records in sorted(by_transfer.items()):
            if not transfer:
                continue  # of an object that was found after a crash nobody knows who sent it
            last = max(_moment(record) for record in records)
            row = await transfers.find_or_make(
                self._transaction,
                transfer,
                receiver=records[0].receiver,
                calling=records[0].calling,
                peer=records[0].peer,
                opened=min(_moment(record) for record in records),
            )
            ours = [record for record in records if PLACES[record.outcome] not in BESIDE]
            undone = [record.undoes for record in records if record.undoes is not None]
            row.objects += len(ours) - len(undone)
            row.bytes += sum(record.size for record in ours)
            row.bytes -= sum(record.size for record in undone)
            row.last_object = max(row.last_object or last, last)
            if row.closed is not None and broke_off(row.ended):
                # It had broken off before what it brought was counted.
                self._cut_short(records, row.closed, row.ended)
            faults = [record.reason for record in records if record.outcome in _FAULTS]
            if faults:
                row.last_error = faults[-1]


_FAULTS = frozenset({Outcome.REFUSED, Outcome.FAILED, Outcome.HELD})
_REASONS = {
    Outcome.CONFLICT: "another object of the same UID with other content is in the session",
    Outcome.STORED: "the same object is in the session already",
}


async def post(transaction: AsyncSession, record: Record, receipts: Receipts) -> Ingested:
    """Take one record into the tables that stands in no journal: whoever has made it commits it
    with what else changes."""
    posting = _Posting(transaction, Batch(records=(record,), end=0, damaged=0), receipts)
    await posting.post()
    return posting.ingested


async def forget(transaction: AsyncSession, session: str) -> None:
    """Remove a session's row and private index."""
    await transaction.execute(delete(ObjectRow).where(ObjectRow.session == session))
    await transaction.execute(delete(SessionRow).where(SessionRow.id == session))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _moment(record: Record) -> datetime:
    return datetime.fromtimestamp(record.at / 1e9, UTC)
