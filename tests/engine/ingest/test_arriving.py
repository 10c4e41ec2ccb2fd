# SPDX-License-Identifier: Apache-2.0
"""What is known of a session while it arrives, on both databases: its series and their gaps, and
what came within each hour. What is not known is told as unknown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from engine.ingest.posting import post
from engine.intake.claims import Claim
from engine.intake.journal import Outcome, Record
from engine.jobs.departure import enter
from engine.model.errors import InvalidInput, NotFound
from engine.model.live import ArrivingSeries, ThroughputBy
from engine.model.people import operator
from engine.prearchive import arriving, retention, throughput
from engine.prearchive.tables import ObjectRow
from engine.service.live import Live
from tests.engine.jobs.fixture import Fixture

HOUR = datetime(2026, 1, 2, 12, tzinfo=UTC)


def stored(
    claim: Claim, number: int, *, series: str = "1.2.1", told: int | None = None, stated: int = 0
) -> Record:
    """The record of an object, and what it tells of its series."""
    at = HOUR + timedelta(seconds=number)
    return Record(
        at=int(at.timestamp()) * 1_000_000_000,
        transfer="tr_1",
        outcome=Outcome.STORED,
        session=claim.session,
        file=f"SCANS/{series[-1:]}/DICOM/{number}.dcm",
        received_sop=f"1.2.9.{number}",
        sop=f"1.2.9.{number}",
        digest=f"{number:064x}",
        size=100,
        receiver="ANTEROOM",
        calling="MR3T_A",
        series=series,
        number=number if told is None else told,
        stated=stated,
    )


async def ingested(fixture: Fixture, *records: Record) -> None:
    for record in records:
        fixture.journal.append(record, sync=False)
    await fixture.context.ingester.ingest()


async def told(fixture: Fixture, claim: Claim) -> tuple[int, int | None]:
    """How many series there are, and what they lack."""
    row = await fixture.there(claim.session)
    return row.arriving, row.missing


async def series(fixture: Fixture, claim: Claim) -> tuple[ArrivingSeries, ...]:
    return await Live(fixture.context, operator("test")).series(claim.session)


async def test_series_are_told_as_they_arrive(either: Fixture) -> None:
    claim = await either.claim()
    assert await told(either, claim) == (0, None)
    await ingested(either, *(stored(claim, number) for number in (5, 1, 2)))
    assert await told(either, claim) == (1, 2)
    await ingested(either, *(stored(claim, 10 + n, series="1.2.2", stated=4) for n in (1, 2, 5)))
    assert await told(either, claim) == (2, 4)
    first, second = await series(either, claim)
    assert (first.scan, first.objects, first.missing, first.gaps) == ("1", 3, 2, "3-4")
    assert (first.stated, first.last) == (None, HOUR + timedelta(seconds=5))
    assert (second.scan, second.missing, second.gaps, second.stated) == ("2", 2, "13-14", 4)
    # What fills the gaps comes in another batch, and in any order.
    await ingested(either, *(stored(claim, number) for number in (4, 3)))
    await ingested(either, *(stored(claim, number, series="1.2.2") for number in (13, 14)))
    assert await told(either, claim) == (2, 0)
    assert [one.gaps for one in await series(either, claim)] == ["", ""]


async def test_what_a_sender_states_is_missing_until_it_has_come(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, *(stored(claim, number, stated=5) for number in (1, 2)))
    assert await told(either, claim) == (1, 3)
    await ingested(either, *(stored(claim, number, stated=5) for number in (3, 4, 5, 6)))
    assert await told(either, claim) == (1, 0)


async def test_no_statement_is_too_much_for_the_table(
    either: Fixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = await either.claim()
    await ingested(either, stored(claim, 1, told=999_999_999, stated=999_999_999))
    assert await told(either, claim) == (1, None)
    monkeypatch.setattr(arriving, "_MOST_MISSING", 10)
    claim = await either.claim("E2")
    await ingested(either, stored(claim, 2, stated=9))
    assert await told(either, claim) == (1, 8)
    await ingested(either, stored(claim, 3, series="1.2.2", stated=9))
    assert await told(either, claim) == (2, None)


async def test_an_object_that_comes_again_counts_once(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, stored(claim, 1), stored(claim, 1))
    await ingested(either, stored(claim, 1))
    (one,) = await series(either, claim)
    assert one.objects == 1


@pytest.mark.parametrize("first", [True, False])
async def test_without_a_number_nothing_is_known(either: Fixture, first: bool) -> None:
    claim = await either.claim()
    whole, bare = [stored(claim, n) for n in (1, 2)], stored(claim, 3, told=-1)
    batches = ([bare], whole) if first else (whole, [bare])
    for batch in batches:
        await ingested(either, *batch)
    assert await told(either, claim) == (1, None)
    (one,) = await series(either, claim)
    assert (one.objects, one.missing, one.gaps) == (3, None, "")
    # Another series of which all is known does not make it known.
    await ingested(either, stored(claim, 9, series="1.2.2"))
    assert await told(either, claim) == (2, None)


async def test_records_of_an_older_engine_leave_it_unknown(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, stored(claim, 1, series=""))
    await ingested(either, stored(claim, 2))
    assert await told(either, claim) == (1, None)


async def test_numbers_in_too_many_ranges_are_not_known(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, *(stored(claim, number) for number in range(0, 500, 2)))
    assert await told(either, claim) == (1, None)
    await ingested(either, *(stored(claim, number) for number in range(1, 500, 2)))
    (one,) = await series(either, claim)
    assert (one.objects, one.missing) == (500, None)


async def test_what_is_found_without_a_record_leaves_it_unknown(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, stored(claim, 1), stored(claim, 4, stated=9))
    found = ObjectRow(
        received_sop_uid="1.2.9.2", digest="d", file="SCANS/1/DICOM/2.dcm", size=1, recovered=True
    )
    async with either.context.prearchive_db.write() as transaction:
        await enter(transaction, claim.session, [found])
    assert await told(either, claim) == (1, None)
    (one,) = await series(either, claim)
    assert (one.missing, one.stated) == (None, None)


async def test_series_go_with_their_session(either: Fixture) -> None:
    claim = await either.claim()
    await ingested(either, stored(claim, 1))
    async with either.context.prearchive_db.write() as transaction:
        await transaction.delete(await either.there(claim.session))
    async with either.context.prearchive_db.read() as transaction:
        assert await arriving.listed(transaction, claim.session) == ()
    with pytest.raises(NotFound):
        await series(either, claim)


async def test_what_came_is_counted_by_the_hour(either: Fixture) -> None:
    claim = await either.claim()
    at = int(HOUR.timestamp()) * 1_000_000_000
    refused = Record(
        at=at + 7,
        transfer="tr_1",
        outcome=Outcome.REFUSED,
        receiver="ANTEROOM",
        calling="MR3T_A",
        reason="no room",
    )
    later = structs.replace(stored(claim, 3), at=at + 3_600 * 1_000_000_000)
    other = structs.replace(stored(claim, 4), calling="CT_ER1", transfer="tr_2")
    await ingested(either, stored(claim, 1), stored(claim, 2), refused)
    await ingested(either, later, other)
    async with either.context.prearchive_db.read() as transaction:
        by = {
            each: await throughput.by_hour(transaction, HOUR, by=each, limit=10)
            for each in ThroughputBy
        }
        (of_the_last,) = await throughput.by_hour(transaction, HOUR, by=ThroughputBy.ALL, limit=1)
        seen = await throughput.senders(
            transaction, HOUR, today=HOUR + timedelta(hours=1), week=HOUR, limit=10
        )
    told = [(one.hour, one.objects, one.bytes, one.refused) for one in by[ThroughputBy.ALL]]
    assert told == [(HOUR, 3, 300, 1), (HOUR + timedelta(hours=1), 1, 100, 0)]
    assert of_the_last.hour == HOUR + timedelta(hours=1)
    assert [one.receiver for one in by[ThroughputBy.RECEIVER]] == ["ANTEROOM", "ANTEROOM"]
    assert [(one.calling, one.objects) for one in by[ThroughputBy.SENDER]] == [
        ("CT_ER1", 1),
        ("MR3T_A", 2),
        ("MR3T_A", 1),
    ]
    assert [(one.calling, one.today, one.week) for one in seen] == [
        ("MR3T_A", 1, 3),
        ("CT_ER1", 0, 1),
    ]
    assert seen[0].last == HOUR + timedelta(hours=1)


async def test_what_was_taken_back_or_counted_before_is_not_counted(either: Fixture) -> None:
    claim = await either.claim()
    record = stored(claim, 1)
    double = structs.replace(record, outcome=Outcome.DUPLICATE)
    failed = structs.replace(record, outcome=Outcome.FAILED, undoes=double)
    await ingested(either, record, double)
    await ingested(either, failed)
    released = stored(claim, 2)
    async with either.context.prearchive_db.write() as transaction:
        await post(transaction, released, either.context.receipts)
    async with either.context.prearchive_db.read() as transaction:
        (hour,) = await throughput.by_hour(transaction, HOUR, by=ThroughputBy.ALL, limit=10)
    assert (hour.objects, hour.bytes, hour.refused) == (1, 100, 1)


async def test_hours_are_forgotten(either: Fixture) -> None:
    claim = await either.claim()
    day = 24 * 3_600 * 1_000_000_000
    old = [
        structs.replace(stored(claim, number), at=stored(claim, 0).at - number * day)
        for number in range(30)
    ]
    await ingested(either, *old)
    gone = []
    for _ in range(3):
        async with either.context.prearchive_db.write() as transaction:
            gone.append(await retention.forget_throughput(transaction, HOUR))
    assert gone == [24, 5, 0]
    async with either.context.prearchive_db.read() as transaction:
        rows = await throughput.by_hour(
            transaction, datetime(2000, 1, 1, tzinfo=UTC), by=ThroughputBy.ALL, limit=100
        )
    assert [one.hour for one in rows] == [HOUR]


@pytest.mark.parametrize("number", [0, 100_000])
async def test_spans_that_are_not_kept_are_refused(fixture: Fixture, number: int) -> None:
    live = Live(fixture.context, operator("test"))
    with pytest.raises(InvalidInput):
        await live.throughput(number)
    with pytest.raises(InvalidInput):
        await live.senders(number)
    assert await live.throughput() == ()
    assert await live.senders() == ()
