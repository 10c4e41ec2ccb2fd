# SPDX-License-Identifier: Apache-2.0
"""Tallies: they are summed, moved, and gone when they come to nothing."""

from __future__ import annotations

from sqlalchemy import func, select

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.prearchive import accounts
from engine.prearchive.tables import TallyRow


async def test_a_tally_that_comes_to_nothing_is_gone(prearchive: Database) -> None:
    async with prearchive.write() as transaction:
        await accounts.add(transaction, {("", "pre_a", Place.WAITING): 2})
        await accounts.add(transaction, {("t1", "pre_b", Place.WAITING): 1})
        await accounts.add(
            transaction, {("", "pre_a", Place.WAITING): -2, ("t1", "pre_a", Place.WAITING): 2}
        )
        rows = (await transaction.execute(select(func.count()).select_from(TallyRow))).scalar_one()
        assert rows == 2
        assert (await accounts.summed(transaction, of="pre_a")).at(Place.WAITING) == 2
        assert (await accounts.total(transaction)).at(Place.WAITING) == 3


async def test_a_move_takes_all_of_a_session_and_leaves_the_others(prearchive: Database) -> None:
    async with prearchive.write() as transaction:
        await accounts.add(
            transaction,
            {
                ("t1", "pre_a", Place.WAITING): 2,
                ("t2", "pre_a", Place.WAITING): 3,
                ("t1", "pre_a", Place.ARCHIVED): 1,
                ("t2", "pre_b", Place.WAITING): 7,
            },
        )
        await accounts.move(transaction, "pre_a", Place.WAITING, Place.ARCHIVED)
        moved = await accounts.summed(transaction, of="pre_a")
        assert (moved.at(Place.WAITING), moved.at(Place.ARCHIVED)) == (0, 6)
        assert (await accounts.total(transaction)).at(Place.WAITING) == 7


async def test_totals_say_what_the_tallies_sum_up_to(prearchive: Database) -> None:
    async with prearchive.write() as transaction:
        await accounts.add(
            transaction,
            {
                ("tr_1", "pre_a", Place.WAITING): 5,
                ("tr_2", "pre_a", Place.WAITING): 2,
                ("tr_2", "", Place.REFUSED): 1,
            },
        )
    async with prearchive.write() as transaction:
        await accounts.add(transaction, {("tr_1", "pre_a", Place.WAITING): -1})
        await accounts.move(transaction, "pre_a", Place.WAITING, Place.ARCHIVED)
        await accounts.move(transaction, "pre_b", Place.WAITING, Place.ARCHIVED)
    async with prearchive.read() as transaction:
        total = await accounts.total(transaction)
        assert total == await accounts.summed(transaction)
    assert total.counts == {Place.ARCHIVED: 6, Place.REFUSED: 1}
    assert total.received == 6
