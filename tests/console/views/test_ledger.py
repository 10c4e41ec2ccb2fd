# SPDX-License-Identifier: Apache-2.0
"""How the ledger is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.views import ledger
from engine.model.accounts import Place
from engine.model.contents import FoldedHeader
from engine.model.ledger import DayAccounts, GroupBy, GroupKey, LedgerGroup, SenderAccounts
from tests.console import ledgers
from tests.memory import NOON, Facts

GROUP = LedgerGroup(
    key=GroupKey(outcome="refused", reason="no UID", rule="site v7:8"),
    objects=5,
    held=0,
    lines=2,
    senders=1,
    sender="CT1",
    first=NOON,
    last=NOON,
)


@pytest.mark.parametrize(
    ("rule", "place"),
    [
        ("site v7:8", ("site", 7, 8)),
        ("project NEURO3 v12:13", ("project:NEURO3", 12, 13)),
        ("site:8", ("site", 0, 8)),
        ("site v7", None),
        ("NEURO3 filter:2", None),
        ("", None),
    ],
)
def test_a_rule_names_the_line_of_a_script(rule: str, place: tuple[str, int, int] | None) -> None:
    assert ledger.place_of(rule) == place


def test_what_can_be_done_depends_on_what_is_kept() -> None:
    nothing = dict(ledger.remedies(GROUP))
    assert "send it again" in nothing[""]
    held = dict(ledger.remedies(replace(GROUP, held=2, key=GroupKey(outcome="held"))))
    assert {"r", "x", "enter"} <= held.keys()
    assert "" not in held


@pytest.mark.parametrize("by", list(GroupBy))
def test_a_row_has_a_cell_for_every_column(by: GroupBy) -> None:
    one = replace(GROUP, key=replace(GROUP.key, by=by))
    assert len(ledger.row(one, NOON).cells) == len(ledger.columns(by))
    assert len(ledger.exported(one)) == len(ledger.EXPORTED)


def test_sums_do_not_hide_what_is_wrong_both_ways() -> None:
    def of(calling: str, received: int) -> SenderAccounts:
        return SenderAccounts(calling=calling, received=received, counts={Place.WAITING: 2})

    accounts = DayAccounts(since=NOON, senders=(of("A", 1), of("B", 3)))
    everything, *rest = ledger.account_rows(accounts)
    assert everything.cells[:3] == ("all", "4", "4")
    assert [row.cells[-1] for row in rest] == ["✗", "✗"]
    assert not ledger.adds_up(accounts)
    assert "do not add up" in str(ledger.told(accounts, 0, ""))


def test_values_are_hidden_until_they_are_revealed() -> None:
    facts = Facts()
    ledgers.fill(facts)
    header = facts.held_headers["h1"]
    kind, name = ledger.hidden(header, revealed=False).rows
    assert kind.values[0].text == "Ultrasound Image Storage"
    assert name.values[0].text == "‹PN 8›"
    assert ledger.hidden(header, revealed=True) == header
    # What the engine did not tell stays as it said it.
    told = FoldedHeader(rows=(name,), files=1)
    assert ledger.hidden(told, revealed=False) == told
