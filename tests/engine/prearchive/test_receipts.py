# SPDX-License-Identifier: Apache-2.0
"""Receipts: each object that left can be vouched for, and no UID stands in the table."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.model.states import Status
from engine.prearchive.receipts import Receipts
from engine.prearchive.tables import ObjectRow, ReceiptRow, SessionRow

RECEIPTS = Receipts(b"secret")
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


async def session_of(database: Database, id: str, objects: list[tuple[str, str]]) -> None:
    """Make a session of objects with these UIDs and digests; no digest means recovered."""
    async with database.write() as transaction:
        transaction.add(
            SessionRow(
                id=id,
                timestamp=id,
                folder="MR1",
                label="MR1",
                received_study_uid=id,
                status=Status.ARCHIVING,
                uploaded=NOON,
                lastmod=NOON,
                last_object=NOON,
            )
        )
        await transaction.flush()
        transaction.add_all(
            ObjectRow(
                session=id,
                received_sop_uid=uid,
                digest=digest,
                file=f"{uid}-{digest}",
                size=1,
                recovered=not digest,
            )
            for uid, digest in objects
        )


async def test_every_object_has_a_receipt_and_none_its_uid(prearchive: Database) -> None:
    objects = [(f"1.2.{n}", f"d{n}") for n in range(1200)]
    await session_of(prearchive, "pre_a", objects)
    async with prearchive.write() as transaction:
        assert await RECEIPTS.write(transaction, "pre_a", Place.ARCHIVED) == 1200
        count = select(func.count()).select_from(ReceiptRow)
        assert (await transaction.execute(count)).scalar_one() == 1200
        for uid, digest in (*objects[:3], (objects[-1][0], "")):
            found = await RECEIPTS.find(transaction, uid, "pre_a", digest)
            assert found is not None
            assert (found.place, found.recovered) == (Place.ARCHIVED, False)
            assert uid not in found.sop
        assert await RECEIPTS.find(transaction, "1.2.3", "pre_b") is None
        assert await RECEIPTS.find(transaction, "9.9", "pre_a") is None
        assert await Receipts(b"other").find(transaction, "1.2.3", "pre_a") is None


async def test_objects_of_one_uid_have_a_receipt_each(prearchive: Database) -> None:
    # Whatever their order: one of them is known by its UID only.
    await session_of(prearchive, "pre_a", [("1.2", "d2"), ("1.2", ""), ("1.2", "d1")])
    async with prearchive.write() as transaction:
        assert await RECEIPTS.write(transaction, "pre_a", Place.DELETED) == 3
        found = [
            await RECEIPTS.find(transaction, "1.2", "pre_a", digest) for digest in ("", "d1", "d2")
        ]
    assert len({row.sop for row in found if row is not None}) == 3
    assert [row is not None and row.recovered for row in found] == [True, False, False]
