# SPDX-License-Identifier: Apache-2.0
"""The ledger in groups, with what is held, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.ledger import (
    ALL_LEDGER,
    LEDGER_FIELDS,
    TODAY,
    GroupBy,
    GroupKey,
    HeldAt,
    HeldPage,
    LedgerGroups,
    LedgerQuery,
    LineAt,
)
from engine.model.live import LedgerEntry
from engine.model.people import EVERYTHING, Scope
from engine.prearchive import accounts, ledger
from engine.prearchive.ledger import Line
from engine.prearchive.ledger_groups import Books
from engine.prearchive.tables import HeldRow, TransferRow
from tests.engine.prearchive.test_rows import keep, row

EAST = timezone(timedelta(hours=2))
NOW = datetime(2026, 9, 11, 14, tzinfo=EAST)
LINE = Line(transfer="tr_1", outcome="refused", reason="no UID", at=NOW, calling="CT1", rule="r")
HELD = Line(transfer="tr_2", outcome="held", reason="it fails", at=NOW, calling="US1", rule="v1:2")


async def write(database: Database, *lines: Line) -> None:
    folded: ledger.Fold = {}
    for line in lines:
        ledger.fold(folded, line)
    async with database.write() as transaction:
        await ledger.add(transaction, folded)


def held_row(id: str, at: datetime = NOW, **values: str) -> HeldRow:
    given = {"reason": HELD.reason, "rule": HELD.rule, "transfer": HELD.transfer}
    return HeldRow(id=id, at=at, size=10, **(given | values))


async def hold(database: Database, *rows: HeldRow) -> None:
    sender = TransferRow(id="tr_2", node="n", receiver="FRONT", calling="US1", opened=NOW)
    async with database.write() as transaction:
        transaction.add_all([sender, *rows])


async def groups(
    database: Database,
    by: GroupBy = GroupBy.REASON,
    query: LedgerQuery = ALL_LEDGER,
    scope: Scope = EVERYTHING,
    limit: int = 100,
) -> LedgerGroups:
    async with database.read() as transaction:
        return await Books(transaction, scope, NOW).groups(query, by, limit)


async def lines(
    database: Database,
    group: GroupKey,
    after: LineAt | None = None,
    limit: int = 100,
    scope: Scope = EVERYTHING,
) -> tuple[LedgerEntry, ...]:
    async with database.read() as transaction:
        return await Books(transaction, scope, NOW).lines(group, ALL_LEDGER, after, limit)


async def held(
    database: Database,
    group: GroupKey | None = None,
    query: LedgerQuery = ALL_LEDGER,
    after: HeldAt | None = None,
    limit: int = 100,
) -> HeldPage:
    async with database.read() as transaction:
        return await Books(transaction, EVERYTHING, NOW).held(group, query, after, limit)


async def test_lines_of_one_reason_and_rule_are_a_group(prearchive: Database) -> None:
    before = NOW - timedelta(hours=1)
    await write(
        prearchive,
        LINE,
        replace(LINE, transfer="tr_3", calling="CT2", at=before),
        replace(LINE, transfer="tr_4", rule="other", at=before),
    )
    found = await groups(prearchive)
    assert found.total == 2
    first, second = found.rows
    assert first.key == GroupKey(outcome="refused", reason="no UID", rule="r")
    assert (first.objects, first.lines, first.senders, first.sender) == (2, 2, 2, "")
    assert (first.first, first.last) == (before, NOW)
    assert (second.key.rule, second.senders, second.sender) == ("other", 1, "CT1")
    assert [one.key.rule for one in (await groups(prearchive, limit=1)).rows] == ["r"]


async def test_what_is_held_is_in_the_group_of_its_lines_however_old(prearchive: Database) -> None:
    long_ago = NOW - timedelta(days=90)
    await write(prearchive, HELD, replace(HELD, transfer="tr_9"))
    waits = held_row("w", rule="")
    waits.waits = True
    await hold(prearchive, held_row("a"), held_row("b", long_ago, reason="x" * 500), waits)
    found = await groups(prearchive, query=TODAY)
    (one, old) = found.rows
    # Two came, one of them has left since.
    assert (one.objects, one.held, one.lines, one.first) == (2, 1, 2, NOW)
    assert (old.objects, old.held, old.lines, old.last) == (1, 1, 0, long_ago)
    assert old.key.reason == "x" * 400
    assert [each.id for each in (await held(prearchive, old.key)).rows] == ["b"]


async def test_groups_of_senders_and_days(prearchive: Database) -> None:
    midnight = datetime(2026, 9, 11, tzinfo=EAST)
    await write(
        prearchive,
        LINE,
        replace(LINE, transfer="tr_3", at=midnight),
        replace(LINE, transfer="tr_4", calling="MR1", at=midnight - timedelta(seconds=1)),
    )
    await hold(prearchive, held_row("a"))
    by_sender = await groups(prearchive, GroupBy.SENDER)
    assert {one.key.calling: one.objects for one in by_sender.rows} == {
        "CT1": 2,
        "MR1": 1,
        "US1": 1,
    }
    by_day = await groups(prearchive, GroupBy.DAY)
    assert [(one.key.day, one.objects, one.held) for one in by_day.rows] == [
        ("2026-09-11", 2, 1),
        ("2026-09-10", 1, 0),
    ]
    yesterday = await lines(prearchive, by_day.rows[1].key)
    assert [one.calling for one in yesterday] == ["MR1"]
    assert [one.id for one in (await held(prearchive, by_day.rows[0].key)).rows] == ["a"]
    assert (await groups(prearchive, GroupBy.DAY, TODAY)).total == 1


async def test_a_project_is_named_to_those_who_may_know_it(prearchive: Database) -> None:
    await keep(prearchive, row("pre_a", project="P"), row("pre_b", project="Q"))
    await write(
        prearchive,
        replace(LINE, session="pre_a"),
        replace(LINE, session="pre_b"),
        replace(LINE, session="pre_gone"),
        LINE,
    )
    everything = await groups(prearchive, GroupBy.PROJECT)
    assert {one.key.project: one.objects for one in everything.rows} == {"P": 1, "Q": 1, "": 2}
    some = Scope(projects=frozenset({"P"}), unassigned=False)
    within = await groups(prearchive, GroupBy.PROJECT, scope=some)
    assert {one.key.project: one.objects for one in within.rows} == {"P": 1, "": 3}
    key = GroupKey(by=GroupBy.PROJECT)
    assert len(await lines(prearchive, key, scope=some)) == 3
    assert len(await lines(prearchive, key)) == 2
    asked = replace(key, project="Q")
    assert await lines(prearchive, asked, scope=some) == ()
    assert [one.session for one in await lines(prearchive, asked)] == ["pre_b"]


async def test_lines_are_read_on_from_the_last_one(prearchive: Database) -> None:
    await write(prearchive, *(replace(LINE, transfer=f"tr_{n}") for n in range(5)))
    key = (await groups(prearchive)).rows[0].key
    seen: list[int] = []
    after: LineAt | None = None
    while page := await lines(prearchive, key, after, limit=2):
        seen += [one.id for one in page]
        after = LineAt(last=page[-1].last, id=page[-1].id)
    assert len(seen) == 5
    assert seen == sorted(seen, reverse=True)


async def test_held_objects_are_read_on_and_summed(prearchive: Database) -> None:
    await hold(prearchive, *(held_row(f"h{n}") for n in range(3)), held_row("z", rule="v9:9"))
    key = GroupKey(outcome="held", reason=HELD.reason, rule=HELD.rule)
    first = await held(prearchive, key, limit=2)
    assert ([one.id for one in first.rows], first.total, first.bytes) == (["h2", "h1"], 3, 30)
    last = first.rows[-1]
    rest = await held(prearchive, key, after=HeldAt(at=last.at, id=last.id))
    assert ([one.id for one in rest.rows], rest.total) == (["h0"], 3)
    assert (await held(prearchive)).total == 4


@pytest.mark.parametrize(
    ("typed", "rules"),
    [
        ("from:ct*", {"r"}),
        ("outcome:held", {"v1:2"}),
        ("!outcome:held", {"r"}),
        ("uid", {"r"}),
        ("us1 fails", {"v1:2"}),
        ("rule:v1*", {"v1:2"}),
        ("reason:*uid", {"r"}),
        ("nowhere", set()),
    ],
)
async def test_a_filter_is_of_lines_and_objects(
    prearchive: Database, typed: str, rules: set[str]
) -> None:
    await write(prearchive, LINE)
    await hold(prearchive, held_row("a"))
    read = parse_filter(typed, LEDGER_FIELDS)
    query = LedgerQuery(days=0, text=read.text, where=read.conditions)
    found = await groups(prearchive, query=query)
    assert {one.key.rule for one in found.rows} == rules
    assert (await held(prearchive, query=query)).total == ("v1:2" in rules)


async def test_a_filter_on_what_is_no_field(prearchive: Database) -> None:
    query = LedgerQuery(where=parse_filter("size:1").conditions)
    with pytest.raises(InvalidInput, match="size"):
        await groups(prearchive, query=query)


async def test_a_day_that_is_none_has_nothing(prearchive: Database) -> None:
    await write(prearchive, LINE)
    assert await lines(prearchive, GroupKey(by=GroupBy.DAY, day="yesterday")) == ()


async def test_accounts_of_senders_add_up_or_say_so(prearchive: Database) -> None:
    began = datetime(2026, 9, 11, tzinfo=UTC)

    def transfer(id: str, calling: str, objects: int, opened: datetime = began) -> TransferRow:
        return TransferRow(
            id=id, node="n", receiver="FRONT", calling=calling, objects=objects, opened=opened
        )

    async with prearchive.write() as transaction:
        transaction.add_all(
            [
                transfer("tr_1", "CT1", 5),
                transfer("tr_2", "CT1", 1),
                transfer("tr_3", "MR1", 2),
                transfer("tr_4", "CT1", 9, began - timedelta(seconds=1)),
                transfer("tr_5", "XR1", 0),
            ]
        )
        await accounts.add(
            transaction,
            {
                ("tr_1", "pre_a", Place.WAITING): 4,
                ("tr_1", "", Place.HELD): 1,
                ("tr_2", "", Place.FILTERED): 1,
                ("tr_2", "", Place.REFUSED): 7,
                ("tr_3", "pre_a", Place.WAITING): 1,
                ("tr_4", "pre_a", Place.WAITING): 9,
            },
        )
    async with prearchive.read() as transaction:
        ct, mr, xr = await accounts.by_sender(transaction, began)
    assert (ct.calling, ct.received, ct.found, ct.adds_up) == ("CT1", 6, 6, True)
    assert ct.counts == {Place.WAITING: 4, Place.HELD: 1, Place.FILTERED: 1, Place.REFUSED: 7}
    assert (mr.calling, mr.received, mr.found, mr.adds_up) == ("MR1", 2, 1, False)
    assert (xr.calling, xr.received, xr.counts) == ("XR1", 0, {})
