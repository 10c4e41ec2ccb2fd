# SPDX-License-Identifier: Apache-2.0
"""The commands of the ledger and of what is held, as a screen has them."""

from __future__ import annotations

from engine.model.accounts import Place
from engine.model.contents import FoldedHeader, FoldedValue, HeaderRow, RowKind
from engine.model.ledger import DayAccounts, SenderAccounts
from tests.console.commands.test_held import hold
from tests.console.conftest import CommandLine
from tests.memory.facts import NOON, Facts


async def test_a_held_header_is_written(anteroom: CommandLine, facts: Facts) -> None:
    hold(facts, "h1")
    value = FoldedValue(text="‹8›", files=1)
    row = HeaderRow(
        path="(0010,0010)",
        tag="(0010,0010)",
        kind=RowKind.ELEMENT,
        depth=0,
        vr="PN",
        name="PatientName",
        values=(value,),
        files=1,
    )
    facts.held_headers["h1"] = FoldedHeader(rows=(row,), files=1, unread=("at byte 12: no end",))
    shown = await anteroom("held", "header", "h1")
    assert (shown.code, "PatientName" in shown.out, "‹8›" in shown.out) == (0, True, True)
    assert "at byte 12" in shown.out + shown.err
    as_json = (await anteroom("held", "header", "h1", "--json")).json
    assert as_json["unread"] == ["at byte 12: no end"]
    assert (await anteroom("held", "header", "h2")).code == 1


async def test_held_objects_are_narrowed(anteroom: CommandLine, facts: Facts) -> None:
    hold(facts, "h1", "h2", "h3")
    assert (await anteroom("held", "list", "rule:v9", "--json")).json == []
    assert (await anteroom("held", "list", "rule:v9")).out == "none of these\n"
    some = await anteroom("held", "list", "fails", "--limit", "2")
    assert (len(some.out.splitlines()), "2 of 3" in some.err) == (3, True)
    assert (await anteroom("held", "list", "size:1")).code == 1


async def test_the_ledger_is_grouped(anteroom: CommandLine, facts: Facts) -> None:
    assert (await anteroom("ledger", "groups")).out == "none of these\n"
    hold(facts, "h1", "h2")
    (group,) = (await anteroom("ledger", "groups", "--json")).json
    assert (group["held"], group["key"]["rule"]) == (2, "v3:6")
    assert "v3:6" in (await anteroom("ledger", "groups", "--days", "0")).out
    for by in ("sender", "project", "day"):
        (group,) = (await anteroom("ledger", "groups", "--by", by, "--json")).json
        assert (group["held"], group["key"]["by"]) == (2, by)
    assert "MR3T_A" in (await anteroom("ledger", "groups", "--by", "sender")).out


async def test_accounts_of_the_day(anteroom: CommandLine, facts: Facts) -> None:
    assert (await anteroom("ledger", "accounts")).out == "nothing has come\n"
    counts = {Place.WAITING: 3, Place.FILTERED: 1}
    facts.accounts = DayAccounts(
        since=NOON,
        senders=(
            SenderAccounts(calling="CT1", received=4, counts=counts),
            SenderAccounts(calling="MR1", received=5, counts=counts),
        ),
    )
    ct, mr = (await anteroom("ledger", "accounts")).out.splitlines()[1:]
    assert (ct.split()[:3], ct.split()[-1]) == (["CT1", "4", "3"], "yes")
    assert mr.split()[-1] == "no"
    told = (await anteroom("ledger", "accounts", "--json")).json
    assert told["senders"][0]["counts"] == {"waiting": 3, "filtered": 1}
