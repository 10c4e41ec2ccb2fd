# SPDX-License-Identifier: Apache-2.0
"""How what arrives is shown: states, next steps, accounts, receivers and senders."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from console.views import live
from console.views.arrivals import Arrival, Stage
from engine.model.accounts import Accounts, Place
from engine.model.filters import parse_filter
from engine.model.live import ReceiverStatus, SenderSeen
from engine.model.states import Status
from tests.memory import NOON, session, transfer

NOW = NOON + timedelta(seconds=34)


def arrival(stage: Stage, **changes: object) -> Arrival:
    made: dict[str, object] = {
        "key": "pre_aaaaaaa1",
        "stage": stage,
        "calling": "MR3T_A",
        "begun": NOON,
        "last": NOON,
        "objects": 1990,
        "session": session(1),
    }
    return Arrival(**(made | changes))  # type: ignore[arg-type]


def step(stage: Stage, **changes: object) -> str:
    return live.step(arrival(stage, **changes), NOW, build_after=60)


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("status", list(Status))
def test_every_state_is_a_sign_and_a_word(stage: Stage, status: Status) -> None:
    shown, _ = live.state(arrival(stage, session=session(1, status=status)))
    sign, _, word = shown.partition(" ")
    assert len(sign) == 1
    assert word.isascii() and word
    assert len(shown) <= live.COLUMNS[0].width


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("archived", "✓ archived"),
        ("deleted into the trash", "† deleted"),
        ("dropped: no object of it was stored", "† dropped"),
        ("its folder is gone from the prearchive", "✗ lost"),
    ],
)
def test_what_has_left_says_what_became_of_it(said: str, shown: str) -> None:
    assert live.state(arrival(Stage.GONE, said=said))[0] == shown


def test_next_steps() -> None:
    assert step(Stage.LIVE, transfer=transfer(1)) == "t1_mprage_sag"
    assert step(Stage.LIVE, transfer=transfer(1, series=""), objects=0) == "open, no image yet"
    assert step(Stage.STALLED) == "silent for 34 s"
    assert step(Stage.WAITING) == "builds in 26 s"
    assert step(Stage.WAITING, last=NOON - timedelta(minutes=2)) == "builds soon"
    assert step(Stage.UNASSIGNED) == "Unassigned (o: why)"
    queued = session(1, status=Status.QUEUED_ARCHIVING)
    assert step(Stage.WORKING, session=queued) == "for archiving"
    assert step(Stage.READY).startswith("built ")
    assert step(Stage.ERROR, said="the study has no date") == "the study has no date"
    assert step(Stage.CONFLICT) == "its log says why"
    assert step(Stage.GONE, said="archived").startswith("archived ")
    refused = {"said": "no", "peer": "10.3.1.44", "called": "X", "session": None}
    for stage in (Stage.REFUSED, Stage.DOUBLE, Stage.BROKEN):
        assert step(stage, **refused) == "no: 10.3.1.44 → X"
        assert step(stage, **refused | {"said": ""}) == "10.3.1.44 → X"


@pytest.mark.parametrize("status", [Status.READY, Status.RECEIVING])
def test_what_was_cut_short_says_how_and_what_comes_next(status: Status) -> None:
    cut = session(1, status=status, cut_short="connection lost")
    told = step(Stage.CUT, session=cut)
    assert told.startswith("connection lost; bui")
    assert live.state(arrival(Stage.CUT, session=cut)) == ("! cut short", "look")
    # Where something else is said first, it is said all the same.
    assert step(Stage.CONFLICT, session=cut, said="why") == "why; cut short"


GREEN = {Stage.LIVE, Stage.READY, Stage.GONE}


@pytest.mark.parametrize("stage", list(Stage))
def test_green_is_only_what_is_well(stage: Stage) -> None:
    _, tone = live.state(arrival(stage, said="archived" if stage is Stage.GONE else "dropped"))
    assert (tone == "good") is (stage in GREEN)


def test_a_build_that_is_far_off_is_told_in_minutes() -> None:
    waiting = arrival(Stage.WAITING)
    assert live.step(waiting, NOW, build_after=300) == "builds in 4 m"
    assert live.step(waiting, NOW, build_after=0) == "waits for more"


def test_those_who_only_watch_are_offered_no_key() -> None:
    shown = live.step(arrival(Stage.UNASSIGNED), NOW, build_after=60, asks=False)
    assert shown == "Unassigned"


def test_a_row_shows_numbers_and_labels() -> None:
    row = live.row(arrival(Stage.LIVE, rate=3.94), NOW, build_after=60)
    assert row.cells[1:5] == ("MR3T_A", "NEURO3", "SUB-1", "2")
    assert row.cells[6:] == ("1 990", "3.9", "34s")


@pytest.mark.parametrize(
    ("typed", "fits"),
    [
        ("", True),
        ("mr3t sub-1", True),
        ("mr3t sub-2", False),
        ("from:mr3", True),
        ("!from:mr3", False),
        ("project:NEURO3 state:ready", True),
        ("state:live", False),
        ("project<x", False),
    ],
)
def test_rows_are_found_by_what_they_show(typed: str, fits: bool) -> None:
    row = live.row(arrival(Stage.READY), NOW, build_after=60)
    assert live.fits(row, parse_filter(typed, live.FIELDS)) is fits


def test_counts_stand_above_the_rows() -> None:
    nowhere = session(1, status=Status.RECEIVING, project=None)
    rows = [
        arrival(Stage.WAITING),
        arrival(Stage.UNASSIGNED, session=nowhere),
        arrival(Stage.UNASSIGNED),
        arrival(Stage.WORKING),
    ]
    assert live.counts(rows, 3) == "3 open · 2 waiting · 1 at work"


def test_accounts_are_told_in_one_line() -> None:
    counts = {
        Place.WAITING: 1200,
        Place.HELD: 0,
        Place.DUPLICATE: 2,
        Place.DELETED: 5,
        Place.REFUSED: 3,
    }
    accounts = Accounts(counts=counts)
    assert live.accounts_line(accounts) == (
        "received 1 207 = 1 200 waiting 2 duplicate 5 deleted ✓ · 3 refused"
    )
    assert live.accounts_line(accounts, short=True) == (
        "received 1 207 = 1 200 waiting 7 other ✓ · 3 refused"
    )
    assert live.accounts_line(accounts, staged=12, short=True) == (
        "received 1 207 = 1 200 waiting 7 other ✓ · 3 refused · 12 at the script"
    )
    assert live.accounts_line(Accounts(counts={})) == "received 0"


def test_receivers_say_whether_they_listen() -> None:
    def receiver(name: str, **changes: object) -> ReceiverStatus:
        made: dict[str, object] = {
            "ae_title": name,
            "port": 8104,
            "enabled": True,
            "listening": True,
            "origin": "added",
        }
        return ReceiverStatus(**(made | changes))  # type: ignore[arg-type]

    shown = [
        "".join(text for text, _ in line)
        for line in live.receiver_lines(
            [
                receiver("ANTEROOM"),
                receiver("IDLE"),
                receiver("OFF", enabled=False, listening=False),
                receiver("BAD", listening=False, note="the port is taken"),
            ],
            [transfer(1), transfer(2)],
        )
    ]
    assert [line.split() for line in shown] == [
        ["●", "ANTEROOM", "8104", "2", "open"],
        ["●", "IDLE", "8104", "listens"],
        ["○", "OFF", "8104", "stopped"],
        ["✗", "BAD", "8104", "not", "up"],
        ["the", "port", "is", "taken"],
    ]
    assert live.receiver_lines([], []) == [(("no receiver", "look"),)]


def test_who_is_sending_stands_first_then_who_has_sent_last() -> None:
    closed = NOON + timedelta(seconds=20)
    lines = live.sender_lines(
        [
            transfer(1, calling="C", last_object=NOON + timedelta(seconds=9)),
            transfer(2, calling="B", last_object=NOON),
            transfer(3, calling="A", closed=closed, last_object=NOON + timedelta(seconds=4)),
            transfer(4, calling="B", closed=closed, opened=NOON, last_object=None),
            transfer(5, calling="D", closed=closed, last_object=NOON + timedelta(seconds=8)),
        ],
        NOW,
    )
    assert ["".join(text for text, _ in line).split() for line in lines] == [
        ["●", "B", "32s"],
        ["●", "C", "25s"],
        ["·", "D", "26s"],
        ["·", "A", "30s"],
    ]
    shown = live.sender_lines([transfer(1, calling="B", certificate="mr1.org")], NOW)
    assert shown[1:] == [(("  certificate: mr1.org", "muted"),)]


@pytest.mark.parametrize(("room", "first", "last"), [(4, 4, "D"), (3, 2, "and 2 more")])
def test_senders_for_whom_there_is_no_room_are_counted(room: int, first: int, last: str) -> None:
    sent = [transfer(number, calling=name) for number, name in enumerate("ABCD", start=1)]
    lines = live.sender_lines(sent, NOW, (), room)
    assert len(lines) == room
    assert sum(line[0][0] == "●" for line in lines) == first
    assert last in "".join(text for text, _ in lines[-1])
    secured = [replace(one, certificate="mr1.org") for one in sent]
    # With a certificate's name each takes two lines, which stay together.
    assert [line[0][0].strip() for line in live.sender_lines(secured, NOW, (), 4)] == [
        "●",
        "certificate: mr1.org",
        "and 3 more",
    ]


@pytest.mark.parametrize(
    ("missing", "said"),
    [(0, "in 26 s: no gaps"), (1212, "in 26 s: lacks 1 212"), (None, "builds in 26 s")],
)
def test_what_waits_says_what_is_missing_where_that_is_known(
    missing: int | None, said: str
) -> None:
    waits = session(1, scans=0, arriving=11, missing=missing, status=Status.RECEIVING)
    assert step(Stage.WAITING, session=waits) == said
    # A terminal of 120 columns has room for so much.
    assert len(said) <= 20
    cut = session(1, arriving=11, missing=missing, status=Status.RECEIVING, cut_short="aborted")
    assert step(Stage.CUT, session=cut) == f"aborted; {said}"
    lacks = said.partition(": ")[2]
    late = live.step(arrival(Stage.WAITING, session=waits), NOW, build_after=1)
    assert late == (f"soon: {lacks}" if lacks else "builds soon")
    unknown = live.step(arrival(Stage.WAITING, session=waits), NOW, build_after=0)
    assert unknown == (lacks or "waits for more")


def test_a_session_of_which_nothing_has_come_is_not_whole() -> None:
    assert step(Stage.WAITING, session=session(1, arriving=0, missing=0)) == "builds in 26 s"


def test_series_are_those_seen_until_they_are_built() -> None:
    def series(**changes: object) -> str:
        return live.row(
            arrival(Stage.LIVE, session=session(1, **changes)), NOW, build_after=60
        ).cells[4]

    assert series(scans=0, arriving=7) == "7"
    assert series(scans=3, arriving=7) == "3"
    assert series(scans=0) == ""


def test_a_stalled_association_says_its_last_error() -> None:
    silent = transfer(1, last_error="no room")
    assert step(Stage.STALLED, transfer=silent) == "silent for 34 s: no room"


def test_who_sent_long_ago_is_seen_too() -> None:
    weeks = SenderSeen(
        calling="US_OB2", receiver="ANTEROOM", last=NOW - timedelta(days=7), today=0, week=0
    )
    again = replace(weeks, receiver="OTHER", last=NOW - timedelta(days=9))
    fresh = replace(weeks, calling="MR3T_A", last=NOW - timedelta(days=1))
    shown = live.sender_lines([transfer(1)], NOW, (fresh, weeks, again))
    assert ["".join(text for text, _ in line) for line in shown] == [
        f"● {'MR3T_A':<16}  33s",
        f"· {'US_OB2':<16}   7d",
    ]
