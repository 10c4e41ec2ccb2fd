# SPDX-License-Identifier: Apache-2.0
"""Journals read to where they stood, once, and at the same cost for many records as for one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from sqlalchemy import Engine, Select, event, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from engine.ingest import ingester
from engine.ingest.ingester import Ingester
from engine.ingest.posting import Posting
from engine.intake.claims import Claim
from engine.intake.journal import Batch, Journal, Outcome, Record, read_batch
from engine.model.accounts import Accounts, Place
from engine.prearchive import accounts, transfers
from engine.prearchive.tables import ObjectRow, SessionRow
from tests.engine.jobs.fixture import Fixture


def record(
    claim: Claim,
    number: int,
    *,
    transfer: str = "tr_1",
    outcome: Outcome = Outcome.STORED,
    script: str = "",
) -> Record:
    """An object that was stored, or became something else."""
    uid = f"1.2.3.4.9.{number}"
    return Record(
        at=4_000_000_000_000_000_000 + number,
        transfer=transfer,
        outcome=outcome,
        script=script,
        session=claim.session,
        file=f"SCANS/1/DICOM/{uid}.dcm",
        received_sop=uid,
        sop=uid,
        series="1.2.3.4.8" if outcome is Outcome.STORED else "",
        number=number,
        digest=f"{number:064x}",
        size=1000,
    )


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that are executed; one with many rows counts once."""
    seen: list[str] = []

    def note(*arguments: Any) -> None:
        seen.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def counted(fixture: Fixture) -> Accounts:
    async with fixture.context.prearchive_db.read() as transaction:
        return await accounts.total(transaction)


@pytest.mark.parametrize("most", [1, 1000])
async def test_a_round_ends_although_more_is_written_all_the_time(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    claim = await fixture.claim()
    for number in range(3):
        fixture.journal.append(record(claim, number), sync=False)

    def while_a_worker_writes(path: Path, offset: int) -> Batch:
        batch = read_batch(path, offset, most=most)
        fixture.journal.append(record(claim, 100 + offset), sync=False)
        return batch

    monkeypatch.setattr(ingester, "read_batch", while_a_worker_writes)
    # What stood there when it began is in, and nothing of it is asked for again.
    assert (await fixture.context.ingester.ingest()).records == 3
    assert (await counted(fixture)).counts == {Place.WAITING: 3}
    monkeypatch.undo()
    written = 3 if most == 1 else 1
    assert (await fixture.context.ingester.ingest()).records == written
    assert (await counted(fixture)).counts == {Place.WAITING: 3 + written}


@pytest.mark.parametrize(
    ("outcome", "script", "place"),
    [
        (Outcome.STORED, "", Place.WAITING),
        (Outcome.STORED, "changed", Place.WAITING),
        (Outcome.STAGED, "", Place.WAITING),
        (Outcome.HELD, "", Place.HELD),
        (Outcome.REJECTED, "", Place.REJECTED),
    ],
)
async def test_many_records_take_no_more_statements_than_one(
    fixture: Fixture, outcome: Outcome, script: str, place: Place
) -> None:
    claim = await fixture.claim()
    made = [record(claim, number, outcome=outcome, script=script) for number in range(402)]
    fixture.journal.append(made[0], sync=False)
    # The first round learns which journals there are, and makes the transfer.
    await fixture.context.ingester.ingest()
    fixture.journal.append(made[1], sync=False)
    with statements() as for_one:
        await fixture.context.ingester.ingest()
    for each in made[2:]:
        fixture.journal.append(each, sync=False)
    with statements() as for_many:
        await fixture.context.ingester.ingest()
    assert len(for_many) == len(for_one)
    assert (await counted(fixture)).counts == {place: 402}


async def test_a_round_with_nothing_new_asks_the_database_nothing(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.journal.append(record(claim, 0), sync=False)
    await fixture.context.ingester.ingest()
    with statements() as seen:
        assert (await fixture.context.ingester.ingest()).records == 0
    assert not seen


async def test_engines_that_read_the_same_journal_count_each_record_once(fixture: Fixture) -> None:
    context = fixture.context
    claim = await fixture.claim()
    other = Ingester(context.prearchive_db, context.prearchive, node="b", receipts=context.receipts)
    taken = []
    for number in range(6):
        fixture.journal.append(record(claim, number), sync=False)
        # Each in turn finds that the other has gone on since it looked last.
        if number % 2:
            taken.append((await other.ingest(every_node=True)).records)
        else:
            taken.append((await context.ingester.ingest()).records)
    assert taken == [1] * 6
    assert (await counted(fixture)).counts == {Place.WAITING: 6}
    assert (await fixture.there(claim.session)).objects == 6


async def test_a_journal_that_another_engine_has_put_away_is_let_go(fixture: Fixture) -> None:
    context = fixture.context
    claim = await fixture.claim()
    fixture.journal.append(record(claim, 0), sync=False)
    await context.ingester.ingest()
    name = fixture.journal.path.name
    other = Ingester(context.prearchive_db, context.prearchive, node="b", receipts=context.receipts)
    fixture.journal.append(record(claim, 1), sync=False)
    assert (await other.finish(name)).records == 1
    # Its name may be taken by what is no journal of ours: nothing of that is counted.
    later = Journal(fixture.journal.path)
    for number in range(2, 6):
        later.append(record(claim, number), sync=False)
    later.close()
    assert (await context.ingester.ingest()).records == 0
    assert (await counted(fixture)).counts == {Place.WAITING: 2}


async def test_records_of_several_transfers_and_of_one_object_twice_share_a_round(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    first = record(claim, 0)
    for each in (first, structs.replace(first, transfer="tr_2", at=first.at + 5), record(claim, 1)):
        fixture.journal.append(each, sync=False)
    assert (await fixture.context.ingester.ingest()).transfers == {"tr_1", "tr_2"}
    assert (await counted(fixture)).counts == {Place.WAITING: 2, Place.DUPLICATE: 1}
    row = await fixture.there(claim.session)
    assert row.objects == 2
    assert row.last_object.timestamp() == pytest.approx((first.at + 5) / 1e9)


async def test_a_journal_begun_while_all_are_asked_for_is_read_all_the_same(
    fixture: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = fixture.context
    claim = await fixture.claim()
    await context.ingester.ingest()
    later = Journal(fixture.journal.path.with_name("n-w2-1.journal"))
    read = context.prearchive_db.read
    begun: list[Journal] = []

    @asynccontextmanager
    async def a_worker_begins_meanwhile() -> AsyncIterator[AsyncSession]:
        async with read() as transaction:
            yield transaction
        if not begun:
            begun.append(later)
            await context.ingester.register(later.path.name)

    monkeypatch.setattr(context.prearchive_db, "read", a_worker_begins_meanwhile)
    await context.ingester.ingest(every_node=True)
    assert begun
    later.append(record(claim, 0), sync=False)
    later.close()
    assert (await context.ingester.ingest()).records == 1


async def test_an_object_that_comes_twice_at_once_and_was_found_before(fixture: Fixture) -> None:
    context = fixture.context
    claim = await fixture.claim()
    # The script gives both another UID, and what files are called has changed between them.
    first = structs.replace(record(claim, 0), script="changed", sop="1.2.3.4.8")
    again = structs.replace(first, file="SCANS/1/DICOM/again.dcm", at=first.at + 1)
    async with context.prearchive_db.write() as transaction:
        transaction.add(
            ObjectRow(
                session=claim.session,
                received_sop_uid=again.sop,
                digest="",
                file=again.file,
                sop_uid=again.sop,
                size=again.size,
                recovered=True,
            )
        )
        await accounts.add(transaction, {("", claim.session, Place.WAITING): 1})
    for each in (first, again):
        fixture.journal.append(each, sync=False)
    assert (await context.ingester.ingest()).records == 2
    assert (await counted(fixture)).counts == {Place.WAITING: 2, Place.DUPLICATE: 1}


@pytest.mark.parametrize("by", ["posting", "cut_short"])
async def test_sessions_are_locked_in_one_order(either: Fixture, by: str) -> None:
    """However they lie in the table: who locks several never waits for who waits for it."""
    context, database = either.context, either.context.prearchive_db
    if database.is_sqlite:
        return  # there is one writer at a time
    claims = [await either.claim(f"E{number}", study=f"1.2.{number}") for number in range(20)]
    for number, claim in enumerate(claims):
        either.journal.append(record(claim, number), sync=False)
    await context.ingester.ingest()
    ids = sorted(claim.session for claim in claims)
    async with database.write() as transaction:
        for id in reversed(ids):
            # The newest version of a row lies behind all others.
            row = update(SessionRow).where(SessionRow.id == id)
            await transaction.execute(row.values(asked_by="nobody"))
        # As a server does by itself: with what it knows then it reads them as they lie.
        await transaction.execute(text("ANALYZE"))

    async def lock_all() -> None:
        async with database.write() as transaction:
            if by == "cut_short":
                now = datetime.now(UTC)
                await transfers.cut_short(transaction, ["tr_1"], closed=now, ended="broke off")
                return
            records = [record(claim, 100 + number) for number, claim in enumerate(claims)]
            await Posting(transaction, records, context.receipts).post()

    def of(id: str) -> Select[str]:
        return select(SessionRow.id).where(SessionRow.id == id)

    async with database.write() as transaction:
        await transaction.execute(of(ids[1]).with_for_update())
        locking = asyncio.create_task(lock_all())
        waiting = text(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )
        while not await transaction.scalar(waiting):
            assert not locking.done()
        # It waits for this one, and so it holds none of those behind.
        for id in ids[2:]:
            await transaction.execute(of(id).with_for_update(nowait=True))
    await locking
