# SPDX-License-Identifier: Apache-2.0
"""The ledger: what is dropped or refused is folded, and never lost in the folding."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from engine.database.connection import Database
from engine.model.live import LedgerEntry
from engine.prearchive import ledger
from engine.prearchive.ledger import Fold, Line

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
LINE = Line(transfer="tr_1", outcome="refused", reason="why", at=NOON, receiver="ANTEROOM")


async def added(database: Database, *lines: Line, times: int = 1) -> tuple[LedgerEntry, ...]:
    folded: Fold = {}
    for line in lines:
        ledger.fold(folded, line, times)
    async with database.write() as transaction:
        await ledger.add(transaction, folded)
        return await ledger.list_entries(transaction, 0, 100)


async def test_a_flood_is_one_line_with_a_count(prearchive: Database) -> None:
    later = replace(LINE, at=NOON + timedelta(seconds=5))
    await added(prearchive, later, LINE, LINE)
    (entry,) = await added(prearchive, LINE, times=1000)
    assert (entry.count, entry.first, entry.last) == (1003, NOON, later.at)
    assert (entry.reason, entry.receiver) == ("why", "ANTEROOM")


async def test_each_transfer_outcome_reason_rule_and_session_has_its_own(
    prearchive: Database,
) -> None:
    others = (
        replace(LINE, transfer="tr_2"),
        replace(LINE, outcome="filtered"),
        replace(LINE, reason="other"),
        replace(LINE, rule="r"),
        replace(LINE, session="pre_a"),
    )
    entries = await added(prearchive, LINE, *others)
    assert len(entries) == 6
    assert {entry.count for entry in entries} == {1}


async def test_an_earlier_journal_read_later_moves_no_time(prearchive: Database) -> None:
    await added(prearchive, LINE)
    (entry,) = await added(prearchive, replace(LINE, at=NOON - timedelta(days=1)))
    assert (entry.first, entry.last) == (NOON - timedelta(days=1), NOON)


async def test_reasons_that_differ_only_behind_the_cut(prearchive: Database) -> None:
    entries = await added(
        prearchive,
        replace(LINE, reason="x" * 400 + "a", rule="r" * 160 + "a"),
        replace(LINE, reason="x" * 400 + "b", rule="r" * 160 + "b"),
    )
    assert [(entry.reason, entry.rule, entry.count) for entry in entries] == [
        ("x" * 400, "r" * 160, 2)
    ]


async def test_what_is_taken_back_is_gone(prearchive: Database) -> None:
    await added(prearchive, LINE, replace(LINE, reason="stays"))
    (entry,) = await added(prearchive, LINE, times=-1)
    assert entry.reason == "stays"
    folded: Fold = {}
    ledger.fold(folded, LINE)
    ledger.fold(folded, LINE, -1)
    async with prearchive.write() as transaction:
        await ledger.add(transaction, folded)
        assert len(await ledger.list_entries(transaction, 0, 100)) == 1


async def test_pages_newest_first(prearchive: Database) -> None:
    lines = [replace(LINE, reason=str(n), at=NOON + timedelta(seconds=n)) for n in range(5)]
    await added(prearchive, *lines, replace(LINE, outcome="filtered"))
    async with prearchive.read() as transaction:
        page = await ledger.list_entries(transaction, 1, 2, "refused")
        assert [entry.reason for entry in page] == ["3", "2"]
        assert len(await ledger.list_entries(transaction, 0, 100)) == 6
