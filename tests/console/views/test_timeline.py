# SPDX-License-Identifier: Apache-2.0
"""How a session came together, as rows."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from console.views import timeline
from engine.model.contents import Timeline
from engine.model.prearchive import LogEntry
from tests.memory import NOON, EngineInMemory, Facts, session

LOG = (
    LogEntry(id="1", at=NOON, text="received"),
    LogEntry(id="2", at=NOON + timedelta(minutes=1), text="built: 10 files, READY"),
)


def sample() -> Timeline:
    facts = Facts()
    facts.keep(session(1))
    return asyncio.run(EngineInMemory(facts, "me").prearchive.timeline("pre_aaaaaaa1"))


def test_transfers_series_and_states_stand_under_their_heads() -> None:
    rows = {row.key: row.cells for row in timeline.rows(sample(), LOG, 48)}
    assert [key.partition(".")[0] for key in rows] == [
        "transfers",
        "transfer",
        "series",
        "series",
        "series",
        "states",
        "state",
        "state",
    ]
    transfer = rows["transfer.0.tr_1"]
    assert transfer[:2] == ("MR3T_A", "10")
    assert transfer[5] == "released, 1 duplicate, 10.3.1.44 → ANTEROOM"
    first, second = rows["series.4"], rows["series.5"]
    assert (first[0], first[4]) == ("4 t1_mprage_sag", "")
    assert (second[0], second[4]) == ("5 ep2d_bold_rest", "2")
    assert rows["state.2"][5] == "built: 10 files, READY"


@pytest.mark.parametrize(("ended", "looks"), [("connection lost", True), ("released", False)])
def test_a_transfer_that_broke_off_is_seen_among_others(ended: str, looks: bool) -> None:
    whole = sample()
    broken = replace(whole, contributions=(replace(whole.contributions[0], ended=ended),))
    row = next(one for one in timeline.rows(broken, (), 48) if one.key == "transfer.0.tr_1")
    assert (row.tones == ((5, "look"),)) is looks


def test_a_session_of_which_nothing_is_known_says_so() -> None:
    nothing = Timeline(first=None, last=None, contributions=(), series=())
    texts = [row.cells[5] for row in timeline.rows(nothing, (), 48)]
    assert texts[1::2] == ["no transfer is known", "no object has come", "nothing was logged"]


@pytest.mark.parametrize(
    ("counts", "width", "drawn"),
    [
        ((0, 4, 0, 8), 4, "·▅·█"),
        ((0, 4, 0, 8), 2, "▅█"),
        ((0, 0, 0, 8), 2, "·█"),
        ((1, 1, 1), 0, "█"),
        ((0, 0), 2, "··"),
    ],
)
def test_bars_fit_and_show_where_nothing_came(
    counts: tuple[int, ...], width: int, drawn: str
) -> None:
    assert timeline.arrivals(counts, width) == drawn


def test_a_log_begins_with_the_reason_and_then_with_the_newest() -> None:
    rows = timeline.log_rows(LOG, "two objects have one UID")
    assert [row.cells[1] for row in rows] == [
        "two objects have one UID",
        "built: 10 files, READY",
        "received",
    ]
    assert [row.key for row in timeline.log_rows(LOG, "")] == ["2", "1"]
