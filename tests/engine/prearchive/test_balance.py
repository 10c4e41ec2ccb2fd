# SPDX-License-Identifier: Apache-2.0
"""Whether the accounts add up, by place, receiver, sender and session, on both databases; and that
they still do once what is old is forgotten."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, update

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.prearchive import accounts, retention
from engine.prearchive.balance import imbalances
from engine.prearchive.tables import (
    LedgerRow,
    ReceiptRow,
    SessionRow,
    TallyRow,
    TotalRow,
    TransferRow,
)
from engine.service.balance import Balance
from engine.service.event_buffer import EventBuffer
from tests.engine.prearchive.test_rows import keep, row

THEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = THEN + timedelta(days=1)


def transfer(id: str, receiver: str, calling: str, objects: int) -> TransferRow:
    return TransferRow(
        id=id,
        node="n",
        receiver=receiver,
        calling=calling,
        objects=objects,
        opened=THEN,
        closed=THEN,
    )


async def books(database: Database) -> None:
    """Two senders at two receivers, whose objects are each in one place."""
    await keep(database, row("pre_a", objects=7))
    async with database.write() as session:
        session.add_all(
            [
                transfer("tr_1", "FRONT", "CT1", 9),
                transfer("tr_2", "FRONT", "MR1", 2),
                transfer("tr_3", "BACK", "CT1", 5),
            ]
        )
        await accounts.add(
            session,
            {
                ("tr_1", "pre_a", Place.WAITING): 5,
                ("tr_1", "", Place.HELD): 1,
                ("tr_1", "pre_a", Place.DUPLICATE): 3,
                ("tr_1", "", Place.REFUSED): 4,
                ("tr_2", "pre_a", Place.WAITING): 2,
                ("tr_3", "pre_gone", Place.ARCHIVED): 4,
                ("tr_3", "pre_gone", Place.DELETED): 1,
            },
        )


async def test_what_adds_up_and_what_does_not(prearchive: Database) -> None:
    await books(prearchive)
    buffer = EventBuffer()
    balance = Balance(prearchive, buffer)
    assert await balance.look() == ()
    async with prearchive.write() as session:
        await session.execute(
            update(TransferRow).where(TransferRow.id == "tr_1").values(objects=10)
        )
        # One too many here does not make up for the one that is missing there.
        await session.execute(update(TransferRow).where(TransferRow.id == "tr_2").values(objects=1))
        await session.execute(update(SessionRow).values(objects=8))
    found = await balance.look()
    assert [(one.of, one.name, one.received, one.found) for one in found] == [
        ("receiver", "FRONT", 11, 11),
        ("sender", "CT1", 10, 9),
        ("sender", "MR1", 1, 2),
        ("session", "pre_a", 8, 7),
    ]
    again = await balance.look()
    assert [one.since for one in again] == [one.since for one in found]
    async with prearchive.write() as session:
        await session.execute(update(TotalRow).where(TotalRow.place == "held").values(count=3))
    (first, *_) = await balance.look()
    assert first.said() == "3 in all are held, and 1 one by one"
    async with prearchive.write() as session:
        await session.execute(update(TransferRow).where(TransferRow.id == "tr_1").values(objects=9))
        await session.execute(update(TransferRow).where(TransferRow.id == "tr_2").values(objects=2))
        await session.execute(update(SessionRow).values(objects=7))
        await session.execute(update(TotalRow).where(TotalRow.place == "held").values(count=1))
    assert await balance.look() == ()
    said = [(one.severity, one.text) for one in (await buffer.after(buffer.epoch, 0)).events]
    assert ("error", "the accounts do not add up: from CT1 came 10, and 9 are in their places") in (
        said
    )
    assert said[-1] == ("info", "the accounts add up again")
    assert len(said) == 6


def kept(*sessions: str) -> retention.Kept:
    """Let these sessions be able to come back."""

    async def names() -> Collection[str]:
        return sessions

    return names


async def test_what_is_old_is_forgotten_and_the_accounts_still_add_up(
    prearchive: Database,
) -> None:
    await books(prearchive)
    async with prearchive.write() as session:
        session.add(transfer("tr_4", "FRONT", "MR1", 3))
        await accounts.add(
            session,
            {("tr_4", "pre_gone", Place.ARCHIVED): 3, ("tr_4", "", Place.REFUSED): 2},
        )
        before = await accounts.total(session)
    async with prearchive.write() as session:
        assert await retention.forget_transfers(session, THEN, kept()) == (0, "")
        # Of the first two objects wait, and what the others have deleted may come back.
        went, last = await retention.forget_transfers(session, LATER, kept("pre_gone"))
        assert (went, last) == (0, "tr_4")
        assert await retention.forget_transfers(session, LATER, kept(), last) == (0, "")
    async with prearchive.write() as session:
        assert await retention.forget_transfers(session, LATER, kept()) == (2, "tr_4")
        assert await retention.forget_transfers(session, LATER, kept()) == (0, "")
    async with prearchive.read() as session:
        left = set((await session.execute(select(TransferRow.id))).scalars())
        assert left == {"tr_1", "tr_2"}
        nameless = select(TallyRow.place, TallyRow.count).where(TallyRow.transfer == "")
        assert {place: count for place, count in await session.execute(nameless)} == {
            "archived": 7,
            "deleted": 1,
            "refused": 2,
        }
        assert await accounts.total(session) == await accounts.summed(session) == before
        assert await imbalances(session, since=THEN) == ()


async def test_old_receipts_and_lines_of_the_ledger_are_forgotten(prearchive: Database) -> None:
    await keep(prearchive, row("pre_here"))
    async with prearchive.write() as session:
        for session_id, recovered in (
            ("pre_here", False),
            ("pre_gone", False),
            ("pre_trash", False),
            ("pre_late", True),
        ):
            session.add(
                ReceiptRow(
                    sop="a", session=session_id, place="archived", at=THEN, recovered=recovered
                )
            )
        session.add(ReceiptRow(sop="b", session="pre_gone", place="archived", at=LATER))
        for number, last in enumerate((THEN, LATER)):
            session.add(
                LedgerRow(
                    transfer=str(number),
                    outcome="refused",
                    reason="",
                    first=THEN,
                    last=last,
                    count=1,
                )
            )
    async with prearchive.write() as session:
        found = await retention.old_receipts(session, LATER)
        assert found == [("a", "pre_gone"), ("a", "pre_here"), ("a", "pre_trash")]
        assert await retention.old_receipts(session, LATER, found[1]) == found[2:]
        assert await retention.forget_receipts(session, found, kept("pre_trash")) == 1
        assert await retention.forget_receipts(session, found, kept("pre_trash")) == 0
        assert await retention.forget_ledger(session, LATER) == 1
        assert await retention.forget_ledger(session, LATER) == 0
    async with prearchive.read() as session:
        query = select(ReceiptRow.sop, ReceiptRow.session).order_by(ReceiptRow.session)
        assert [tuple(one) for one in await session.execute(query)] == [
            ("b", "pre_gone"),
            ("a", "pre_here"),
            ("a", "pre_late"),
            ("a", "pre_trash"),
        ]
