# SPDX-License-Identifier: Apache-2.0
"""Posting records to the tables, as a bookkeeper posts a journal to the accounts: a batch becomes
index entries, tallies, ledger lines and counts of sessions and transfers, in one transaction and in
as many statements for a thousand records as for one (intake contract 4)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from engine.archive.audit.trail import record_triage
from engine.intake.journal import PUBLISHED, Outcome, Record
from engine.model.accounts import BESIDE, Place
from engine.model.live import broke_off
from engine.model.states import Status, after_new_data
from engine.prearchive import accounts, arriving, desk, ledger, throughput, transfers
from engine.prearchive.accounts import TallyKey
from engine.prearchive.receipts import Receipts
from engine.prearchive.rows import change, may_accept
from engine.prearchive.tables import HeldRow, ObjectRow, SessionRow

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

_STAYS = frozenset({Outcome.HELD, Outcome.STAGED})
"""Outcomes of objects that stay in staging."""

_IN_CLAUSE = 500

_Key = tuple[str, str, str]
"""(session, received SOP Instance UID, digest)."""


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


class Posting:
    """A batch of records on its way into the tables, within one transaction."""

    def __init__(
        self,
        transaction: AsyncSession,
        records: Sequence[Record],
        receipts: Receipts,
        node: str = "",
        *,
        new: bool = True,
    ) -> None:
        """Post `records`, of a journal that a worker of `node` has written; they are `new` unless
        their objects were counted when they came."""
        self._transaction = transaction
        self._records = records
        self._receipts = receipts
        self._node = node
        self._fresh = new
        self._tally: Counter[TallyKey] = Counter()
        self._ledger: ledger.Fold = {}
        self._rows: dict[str, SessionRow] = {}
        self._known: dict[_Key, ObjectRow] = {}
        """Entries of the index that had been there before, by what the records say."""
        self._found: dict[tuple[str, str], ObjectRow] = {}
        """Those that were found on disk before their record, by session and file."""
        self._held: dict[str, HeldRow] = {}
        """Of held and staged objects, those that have a row already."""
        self._new: dict[_Key, dict[str, Any]] = {}
        """Entries that are to be added."""
        self._joined: dict[str, int] = {}
        """When the last object came into each session, in nanoseconds since 1970."""
        self._series: dict[arriving.SeriesKey, arriving.Seen] = {}
        self.ingested = Ingested(records=len(records))

    async def post(self) -> None:
        """Post them all; the caller commits."""
        await self._load()
        for record in self._records:
            await self._one(record)
        if self._new:
            # A statement of its own, past the unit of work: for an entry that nobody reads again
            # that one would do ten times the work.
            await self._transaction.execute(insert(ObjectRow), list(self._new.values()))
        for session, last in self._joined.items():
            _join(self._rows[session], _moment(last))
        if self._joined:
            for fallen in await desk.fall(self._transaction, self._joined, desk.NEW_FILES):
                detail = {"reason": desk.NEW_FILES}
                record_triage(self._transaction, "engine", "Review fell", fallen, detail)
        await arriving.add(self._transaction, self._series, self._rows)
        await self._count_transfers()
        await self._transaction.flush()
        await accounts.add(self._transaction, self._tally)
        await ledger.add(self._transaction, self._ledger)
        if self._fresh:
            await throughput.add(self._transaction, _brought(self._records))
        self.ingested.ledger = self._ledger

    async def _load(self) -> None:
        sessions = sorted({record.session for record in self._records if record.session})
        # In one order everywhere, as with transfers.
        found = await self._transaction.execute(
            select(SessionRow)
            .where(SessionRow.id.in_(sessions))
            .order_by(SessionRow.id)
            .with_for_update()
        )
        self._rows = {row.id: row for row in found.scalars()}
        uids: dict[str, set[str]] = defaultdict(set)
        files: dict[str, set[str]] = defaultdict(set)
        for record in self._records:
            if record.session in self._rows:
                uids[record.session].add(record.received_sop)
                if record.script == "changed":
                    files[record.session].add(record.file)
        for session, wanted in uids.items():
            for entry in await self._entries(session, ObjectRow.received_sop_uid, wanted):
                self._known[session, entry.received_sop_uid, entry.digest] = entry
        for session, wanted in files.items():
            for entry in await self._entries(session, ObjectRow.file, wanted, ObjectRow.recovered):
                self._found[session, entry.file] = entry
        held = sorted(record.file for record in self._records if record.outcome in _STAYS)
        for start in range(0, len(held), _IN_CLAUSE):
            rows = await self._transaction.execute(
                select(HeldRow).where(HeldRow.id.in_(held[start : start + _IN_CLAUSE]))
            )
            self._held.update({row.id: row for row in rows.scalars()})

    async def _entries(
        self,
        session: str,
        column: InstrumentedAttribute[str],
        wanted: set[str],
        *conditions: InstrumentedAttribute[bool],
    ) -> list[ObjectRow]:
        entries: list[ObjectRow] = []
        listed = sorted(wanted)
        for start in range(0, len(listed), _IN_CLAUSE):
            found = await self._transaction.execute(
                select(ObjectRow).where(
                    ObjectRow.session == session,
                    column.in_(listed[start : start + _IN_CLAUSE]),
                    *conditions,
                )
            )
            entries += found.scalars()
        return entries

    async def _one(self, record: Record) -> None:
        self.ingested.transfers.add(record.transfer)
        if record.session:
            self.ingested.sessions.add(record.session)
        if record.outcome in PUBLISHED:
            await self._stored(record)
            return
        if record.outcome is Outcome.STAGED:
            self._hold(record)
            # It is counted with its session once it is there.
            self._tally[record.transfer, "", Place.WAITING] += 1
            return
        if record.outcome is Outcome.HELD:
            self._hold(record)
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
                    at=_moment(record.at),
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
        known = self._known.get(key)
        if known is None and key not in self._new:
            known = await self._recovered(record)
        if known is not None and known.recovered:
            # The file was found before its record, and may have moved since: the record says who
            # sent it.
            self._tally["", record.session, Place.WAITING] -= 1
            self._tally[record.transfer, record.session, Place.WAITING] += 1
            known.recovered, known.transfer = False, record.transfer
            self._tell(row, record)
            return
        self._joined[record.session] = max(record.at, self._joined.get(record.session, 0))
        if known is not None or key in self._new:
            # A build had moved the first one, so that the name was free: the same object twice.
            # Only the next build can tell which of the two files may go.
            self._count(record, Place.DUPLICATE)
            return
        self._new[key] = {
            "session": record.session,
            "received_sop_uid": record.received_sop,
            "digest": record.digest,
            "file": record.file,
            "sop_uid": record.sop,
            "size": record.size,
            "transfer": record.transfer,
            "recovered": False,
        }
        self._count(record, Place.WAITING)
        if not row.objects and not row.arriving:
            row.missing = 0
        self._tell(row, record)
        row.objects += 1
        row.bytes += record.size

    def _tell(self, row: SessionRow, record: Record) -> None:
        """Take what a record tells of the series of its object."""
        if not record.series:
            row.missing = None
            return
        key, at = (record.session, record.series), _moment(record.at)
        seen = self._series.get(key)
        if seen is None:
            scan = record.file.removeprefix("SCANS/").partition("/")[0]
            seen = self._series[key] = arriving.Seen(scan, at)
        seen.last = max(seen.last, at)
        seen.take(record.number, record.stated)

    async def _recovered(self, record: Record) -> ObjectRow | None:
        """Find an object that a script has changed and that was found before its record: all that
        could be told of it was its file."""
        if record.script != "changed":
            return None
        found = self._found.pop((record.session, record.file), None)
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

    def _hold(self, record: Record) -> None:
        row = self._held.get(record.file)
        if row is None:
            row = self._held[record.file] = HeldRow(id=record.file)
            self._transaction.add(row)
        else:
            # The file was found before its record: the record says the rest.
            self._tally["", "", Place.HELD] -= 1
        row.transfer = record.transfer
        row.at = _moment(record.at)
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
            # Of an object that was found after a crash nobody knows who sent it.
            if record.transfer:
                by_transfer[record.transfer].append(record)
        rows = await transfers.found_or_made(
            self._transaction,
            {
                transfer: transfers.Sender(
                    receiver=records[0].receiver,
                    calling=records[0].calling,
                    peer=records[0].peer,
                    opened=_moment(min(record.at for record in records)),
                )
                for transfer, records in by_transfer.items()
            },
        )
        for transfer, records in by_transfer.items():
            row = rows[transfer]
            last = _moment(max(record.at for record in records))
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


def _brought(records: Iterable[Record]) -> dict[throughput.Key, throughput.Brought]:
    """Count by hour, receiver and sender what was received and what was refused."""
    hours: dict[throughput.Key, throughput.Brought] = defaultdict(throughput.Brought)
    for record in records:
        if not record.transfer:
            continue
        hour = hours[throughput.key(record.at, record.receiver, record.calling)]
        hour.last = max(hour.last, record.at)
        if PLACES[record.outcome] in BESIDE:
            hour.refused += 1
        else:
            hour.objects += 1
            hour.bytes += record.size
        if (undone := record.undoes) is not None:
            hour = hours[throughput.key(undone.at, undone.receiver, undone.calling)]
            hour.last = max(hour.last, undone.at)
            hour.objects -= 1
            hour.bytes -= undone.size
    return hours


def _join(row: SessionRow, last: datetime) -> None:
    """Let a row follow from what has come into its folder."""
    row.last_object = max(row.last_object, last)
    if may_accept(row) and row.status != Status.RECEIVING:
        change(row, after_new_data(Status(row.status)))
    else:
        row.lastmod = datetime.now(UTC)


_FAULTS = frozenset({Outcome.REFUSED, Outcome.FAILED, Outcome.HELD})
_REASONS = {
    Outcome.CONFLICT: "another object of the same UID with other content is in the session",
    Outcome.STORED: "the same object is in the session already",
}


async def post(transaction: AsyncSession, record: Record, receipts: Receipts) -> Ingested:
    """Take one record into the tables that stands in no journal: whoever has made it commits it
    with what else changes. Its object was counted as received when it was staged or held."""
    posting = Posting(transaction, (record,), receipts, new=False)
    await posting.post()
    return posting.ingested


async def forget(transaction: AsyncSession, session: str) -> None:
    """Remove a session's row and private index."""
    await transaction.execute(delete(ObjectRow).where(ObjectRow.session == session))
    await transaction.execute(delete(SessionRow).where(SessionRow.id == session))


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1e9, UTC)
