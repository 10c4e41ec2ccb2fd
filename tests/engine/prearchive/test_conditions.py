# SPDX-License-Identifier: Apache-2.0
"""What conditions find among prearchive rows, on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.database.connection import Database
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery
from engine.model.states import Status
from engine.prearchive import conditions, rows
from tests.engine.prearchive.test_rows import NOON, keep, row


async def _filled(database: Database) -> None:
    now = datetime.now(UTC)
    await keep(
        database,
        row(
            "pre_a",
            label="MR_1",
            subject="S_1",
            calling="MR3T_A",
            receiver="ANTEROOM",
            modality="MR",
            objects=200,
            bytes=3_000_000_000,
            scans=7,
            scan_date="2026-09-11",
            last_object=now - timedelta(days=8),
        ),
        row(
            "pre_b",
            project=None,
            label="ct%2",
            subject=None,
            calling="CT_ER",
            modality="CT",
            objects=20,
            bytes=1000,
            scans=1,
            scan_date="2026-08-30",
            status=Status.ERROR,
            last_object=now - timedelta(hours=2),
        ),
        row(
            "pre_c",
            project="P2",
            label="MRx1",
            subject="S2",
            status=Status.QUEUED_BUILDING,
            last_object=now - timedelta(minutes=1),
        ),
        row(
            "pre_d",
            project="P2",
            label="new",
            subject="S2",
            status=Status.RECEIVING_INTERRUPT,
            locked=True,
            last_object=now,
        ),
    )


async def _found(database: Database, text: str) -> str:
    query = PrearchiveQuery(where=parse_filter(text).conditions, sort="label", descending=False)
    async with database.read() as transaction:
        page = await rows.list_page(transaction, query, 0, 100)
    assert page.total == len(page.rows)
    return "".join(sorted(one.id.removeprefix("pre_") for one in page.rows))


async def test_each_field_finds_what_it_says(prearchive: Database) -> None:
    await _filled(prearchive)
    for text, ids in (
        ("", "abcd"),
        ("project:p1", "a"),
        ("project:p", ""),
        ("project:P*", "acd"),
        ("project:unassigned", "b"),
        ("!project:Unassigned", "acd"),
        ("!project:P1", "bcd"),
        ("subject:s_1", "a"),
        ("subject:s*", "acd"),
        ("!subject:S2", "ab"),
        ("session:mr_1", "a"),
        ("session:mr?1", ""),
        ("session:CT%2", "b"),
        ("id:PRE_C", "c"),
        ("tag:1.2.pre_*", "abcd"),
        ("from:mr3t*", "a"),
        ("!from:*", ""),
        ("receiver:anteroom", "a"),
        ("type:ct", "b"),
        ("images>20", "a"),
        ("images:20", "b"),
        ("!images<20", "ab"),
        ("size>1G", "a"),
        ("size<1K !images:0", ""),
        ("size:1K", "b"),
        ("size<999999999999T", "abcd"),
        ("age<1d", "bcd"),
        ("age>7d", "a"),
        ("age>1h age<7d", "b"),
        ("!age<1h", "ab"),
        ("age<999999999w", "abcd"),
        ("date:2026-09", "a"),
        ("date:2026-08-30", "b"),
        ("date>2026-08-30", "ab"),
        ("date>2026-08-31", "a"),
        ("date<2026-08-30", "b"),
        ("!date<2026-08-30", "acd"),
        ("status:error", "b"),
        ("status:queued", "c"),
        ("status:QUEUED*", "c"),
        ("status:problem", "b"),
        ("status:busy", "cd"),
        ("status:receiving", "d"),
        ("!status:busy", "ab"),
        ("status:ready project:P1", "a"),
    ):
        assert (text, await _found(prearchive, text)) == (text, ids)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("colour:red", "there is no field 'colour'; use age, assigned, date", ""),
        ("status:asleep", "there is no status 'asleep'", "problem, busy, receiving"),
        ("status<ready", "status is compared with :", ""),
        ("label>b", "there is no field", ""),
        ("session<b", "session is compared with :", ""),
        ("age:7d", "age is compared with < or >", ""),
        ("age<7", "no span", "7d"),
        ("size>much", "no number", "1.5G"),
        ("date:september", "no date", "2026-09"),
        ("date>2026-09", "no day", "2026-09-11"),
        ("subject:a\0b", "NUL", ""),
    ],
)
def test_what_cannot_be_compared_is_refused(text: str, said: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        conditions.where(parse_filter(text).conditions)
    assert hint in caught.value.hint


def test_every_field_that_the_outside_knows_is_there() -> None:
    assert conditions.FIELDS.keys() == PREARCHIVE_FIELDS


async def test_windows_of_rows_that_are_alike_hold_each_row_once(prearchive: Database) -> None:
    await keep(prearchive, *(row(f"pre_{n}", calling="A", modality="MR", scans=1) for n in "dbca"))
    for sort in ("calling", "modality", "scans", "last_object", "label"):
        for descending in (False, True):
            query = PrearchiveQuery(sort=sort, descending=descending)
            async with prearchive.read() as transaction:
                pages = [await rows.list_page(transaction, query, at, 1) for at in range(4)]
            ids = [page.rows[0].id for page in pages]
            assert ids == sorted(ids, reverse=descending)
            assert len(set(ids)) == 4


async def test_rows_are_sorted_by_sender_kind_and_scans(prearchive: Database) -> None:
    await keep(
        prearchive,
        row("pre_a", calling="B", modality="CT", scans=3, last_object=NOON),
        row("pre_b", calling="A", modality="MR", scans=20, last_object=NOON),
    )
    for sort, first in (("calling", "pre_b"), ("modality", "pre_a"), ("scans", "pre_a")):
        query = PrearchiveQuery(sort=sort, descending=False)
        async with prearchive.read() as transaction:
            assert (await rows.list_page(transaction, query, 0, 1)).rows[0].id == first
