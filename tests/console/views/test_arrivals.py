# SPDX-License-Identifier: Apache-2.0
"""What is arriving, as facts: how associations, sessions and events are joined."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from console.views.arrivals import Arrivals, Stage
from engine.model.live import Event, HeldObject, LedgerEntry, Transfer
from engine.model.prearchive import PrearchiveSession
from engine.model.states import Status
from tests.memory import NOON, session, transfer


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(kind: str, object: str, text: str, seconds: float = 0, number: int = 1) -> Event:
    return Event(number=number, at=at(seconds), kind=kind, object=object, text=text)


def receiving(number: int = 1, **changes: object) -> PrearchiveSession:
    return session(number, **({"status": Status.RECEIVING} | changes))


def feeding(*sessions: str, **changes: object) -> Transfer:
    return transfer(1, **({"opened": at(0), "last_object": at(0), "sessions": sessions} | changes))


def stages(
    transfers: tuple[Transfer, ...], sessions: tuple[PrearchiveSession, ...], seconds: float
) -> list[tuple[str, Stage]]:
    arrivals = Arrivals()
    arrivals.take(transfers, sessions, (), at(seconds))
    return [(one.key, one.stage) for one in arrivals.on_show(at(seconds))]


def test_an_association_and_the_session_that_it_feeds_are_one_row() -> None:
    one = receiving(last_object=at(0))
    open = feeding(one.id, series="t1")
    assert stages((open,), (one,), 9) == [(one.id, Stage.LIVE)]
    assert stages((open,), (one,), 10) == [(one.id, Stage.STALLED)]
    closed = replace(open, closed=at(3), ended="released")
    assert stages((closed,), (one,), 9) == [(one.id, Stage.WAITING)]
    nowhere = replace(one, project=None)
    assert stages((closed,), (nowhere,), 9) == [(one.id, Stage.UNASSIGNED)]
    assert stages((open,), (nowhere,), 9) == [(one.id, Stage.LIVE)]


def test_an_association_that_feeds_nothing_yet_has_a_row_of_its_own() -> None:
    assert stages((feeding(),), (), 0) == [("tr_1", Stage.LIVE)]
    assert stages((feeding(last_object=None),), (), 10) == [("tr_1", Stage.STALLED)]


def test_of_several_sessions_that_one_association_feeds_the_one_that_grows_is_live() -> None:
    before, now = receiving(1, last_object=at(0)), receiving(2, last_object=at(30))
    open = feeding(before.id, now.id, last_object=at(30))
    found = stages((open,), (before, now), 31)
    assert found == [(now.id, Stage.LIVE), (before.id, Stage.WAITING)]


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        (Status.READY, Stage.READY),
        (Status.CONFLICT, Stage.CONFLICT),
        (Status.ERROR, Stage.ERROR),
    ],
)
def test_a_session_that_has_settled_stays_for_ten_minutes(status: Status, stage: Stage) -> None:
    one = session(1, status=status, lastmod=at(0))
    assert stages((), (one,), 599) == [(one.id, stage)]
    assert stages((), (one,), 600) == []


@pytest.mark.parametrize("status", [Status.QUEUED_BUILDING, Status.BUILDING, Status.ARCHIVING])
def test_what_is_queued_or_at_work_stays_until_it_has_settled(status: Status) -> None:
    one = session(1, status=status, lastmod=at(0))
    assert stages((), (one,), 6000) == [(one.id, Stage.WORKING)]


@pytest.mark.parametrize(
    ("ended", "stage"),
    [
        ("aborted by the sender", Stage.BROKEN),
        ("connection lost", Stage.BROKEN),
        ("the engine ended", Stage.BROKEN),
        ("rejected", Stage.REFUSED),
    ],
)
def test_an_association_that_ended_badly_stays_for_ten_minutes(ended: str, stage: Stage) -> None:
    one = feeding(closed=at(0), ended=ended, last_error="too many")
    arrivals = Arrivals()
    arrivals.take((one,), (), (), at(1))
    (row,) = arrivals.on_show(at(1))
    assert (row.peer, row.called, row.objects) == ("10.3.1.44", "ANTEROOM", 12)
    assert row.said == f"{ended}: too many"
    assert stages((one,), (), 599) == [("tr_1", stage)]
    assert stages((one,), (), 600) == []


@pytest.mark.parametrize(
    ("status", "project", "stage"),
    [
        (Status.READY, "NEURO3", Stage.CUT),
        (Status.READY, None, Stage.CUT),
        (Status.RECEIVING, "NEURO3", Stage.CUT),
        (Status.CONFLICT, "NEURO3", Stage.CONFLICT),
        (Status.ERROR, "NEURO3", Stage.ERROR),
    ],
)
def test_what_was_cut_short_says_so_until_somebody_has_looked(
    status: Status, project: str | None, stage: Stage
) -> None:
    one = session(1, status=status, project=project, cut_short="connection lost", lastmod=at(0))
    broken = feeding(one.id, closed=at(0), ended="connection lost")
    # Once, and not the transfer as well; and not for ten minutes only.
    assert stages((broken,), (one,), 5) == [(one.id, stage)]
    assert stages((broken,), (one,), 60_000) == [(one.id, stage)]
    looked = replace(one, cut_short="")
    assert (one.id, Stage.CUT) not in stages((broken,), (looked,), 5)
    # What comes again is live as ever.
    if status is Status.RECEIVING:
        assert stages((feeding(one.id),), (one,), 5) == [(one.id, Stage.LIVE)]


def test_what_needs_a_person_stands_first() -> None:
    arrivals = Arrivals()
    held = HeldObject(id="h", transfer="tr_9", at=at(0), reason="why", rule="", size=1)
    rows = (
        session(1, lastmod=at(0)),
        session(2, lastmod=at(0), status=Status.CONFLICT),
        session(3, lastmod=at(0), status=Status.ERROR),
        session(4, lastmod=at(0), cut_short="connection lost"),
        receiving(5, last_object=at(0)),
        receiving(6, last_object=at(0)),
        session(7, lastmod=at(0), status=Status.BUILDING),
        session(8, lastmod=at(0), project=None),
    )
    transfers = (
        feeding("pre_aaaaaaa5"),
        transfer(2, opened=at(0), closed=at(0), ended="aborted by the sender", sessions=()),
    )
    arrivals.take(transfers, rows, (held,), at(0), (entry("refused"), entry("duplicate")))
    order = [one.stage for one in arrivals.on_show(at(1))]
    assert order == [
        Stage.ERROR,
        Stage.HELD,
        Stage.CONFLICT,
        Stage.BROKEN,
        Stage.CUT,
        Stage.REFUSED,
        Stage.UNASSIGNED,
        Stage.LIVE,
        Stage.WAITING,
        Stage.WORKING,
        Stage.DOUBLE,
        Stage.READY,
    ]
    # The same however late it is asked, and in whatever order it is told.
    arrivals.take(transfers[::-1], rows[::-1], (held,), at(2))
    assert [one.stage for one in arrivals.on_show(at(2))] == order


def test_one_that_ended_well_leaves_at_once() -> None:
    assert stages((feeding(closed=at(0), ended="released"),), (), 1) == []


def test_held_objects_of_one_transfer_and_reason_are_one_row() -> None:
    def held(number: int, reason: str) -> HeldObject:
        return HeldObject(
            id=f"h_{number}", transfer="tr_1", at=at(number), reason=reason, rule="", size=1
        )

    arrivals = Arrivals()
    arrivals.take((transfer(1),), (), (held(1, "a"), held(2, "a"), held(3, "b")), at(60_000))
    rows = [one for one in arrivals.on_show(at(60_000)) if one.stage is Stage.HELD]
    assert [(one.said, one.objects, one.calling) for one in rows] == [
        ("b", 1, "MR3T_A"),
        ("a", 2, "MR3T_A"),
    ]


def entry(outcome: str, number: int = 1, **changes: object) -> LedgerEntry:
    made = LedgerEntry(
        id=number,
        transfer=f"tr_{number}",
        outcome=outcome,
        reason="called AE X is unknown",
        rule="",
        session="",
        receiver="X",
        calling="WS-044",
        peer="10.3.1.44",
        first=at(0),
        last=at(5),
        count=3,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_refusals_and_duplicates_say_who_whom_and_how_many() -> None:
    arrivals = Arrivals()
    lines = (
        entry("refused"),
        entry("refused", 2, count=4),
        entry("refused", 3, peer="10.3.1.45"),
        entry("duplicate", 4, receiver="ANTEROOM", reason="it is there"),
        entry("filtered", 5),
    )
    arrivals.take((), (), (), at(5), lines)
    rows = arrivals.on_show(at(604))
    assert {(one.stage, one.calling, one.peer, one.called, one.objects) for one in rows} == {
        (Stage.REFUSED, "WS-044", "10.3.1.44", "X", 7),
        (Stage.REFUSED, "WS-044", "10.3.1.45", "X", 3),
        (Stage.DOUBLE, "WS-044", "10.3.1.44", "ANTEROOM", 3),
    }
    # Without news of it the ledger holds.
    arrivals.take((), (), (), at(6))
    assert len(arrivals.on_show(at(604))) == 3
    assert arrivals.on_show(at(605)) == []


def test_a_session_that_has_left_is_remembered_for_ten_minutes() -> None:
    arrivals, one = Arrivals(), session(1, lastmod=at(0))
    arrivals.take((), (one,), (), at(0))
    arrivals.hear([told("session", one.id, "archived", 1)])
    # The news may come before the list without it.
    assert [row.stage for row in arrivals.on_show(at(1))] == [Stage.READY]
    assert not arrivals.has_left(one.id)
    arrivals.take((), (), (), at(2))
    (row,) = arrivals.on_show(at(600))
    assert (row.stage, row.said, row.session) == (Stage.GONE, "archived", one)
    assert arrivals.has_left(one.id)
    assert arrivals.on_show(at(601)) == []


def test_a_session_that_was_put_back_is_there_again() -> None:
    arrivals, one = Arrivals(), session(1, lastmod=at(0))
    arrivals.take((), (one,), (), at(0))
    arrivals.hear([told("session", one.id, "deleted into the trash", 1)])
    arrivals.take((), (), (), at(2))
    arrivals.take((), (one,), (), at(3))
    assert [row.stage for row in arrivals.on_show(at(3))] == [Stage.READY]


def test_a_session_that_only_fell_out_of_the_window_is_not_said_to_have_left() -> None:
    arrivals, one = Arrivals(), session(1, lastmod=at(0))
    arrivals.take((), (one,), (), at(0))
    arrivals.hear([told("session", one.id, "built, READY", 1)])
    arrivals.take((), (), (), at(2))
    assert arrivals.on_show(at(2)) == []


def test_rates_come_from_counts_that_follow_each_other() -> None:
    arrivals = Arrivals()

    def rate(seconds: float, objects: int) -> float:
        one = receiving(objects=objects, last_object=at(seconds))
        arrivals.take((feeding(one.id, last_object=at(seconds)),), (one,), (), at(seconds))
        (row,) = arrivals.on_show(at(seconds))
        return row.rate

    assert rate(0, 100) == 0
    assert rate(2, 120) == 10
    assert rate(4, 140) == 10
    assert rate(8, 140) == 0  # the last four seconds brought nothing
    assert rate(10, 200) == 10


def test_a_rate_is_not_told_of_long_ago() -> None:
    arrivals = Arrivals()
    for seconds in (0, 2):
        arrivals.take((feeding(objects=10 * seconds),), (), (), at(seconds))
    assert [one.rate for one in arrivals.on_show(at(2))] == [10]
    assert [one.rate for one in arrivals.on_show(at(7))] == [0]


def test_what_moves_stands_first_and_does_not_jump_with_each_object() -> None:
    arrivals = Arrivals()

    def order(first: float, second: float) -> list[str]:
        rows = (
            receiving(1, uploaded=at(0), last_object=at(first)),
            receiving(2, uploaded=at(5), last_object=at(second)),
            session(3, lastmod=at(9)),
        )
        open = tuple(
            transfer(number, sessions=(row.id,), last_object=row.last_object)
            for number, row in enumerate(rows[:2], start=1)
        )
        arrivals.take(open, rows, (), at(10))
        return [one.key for one in arrivals.on_show(at(10))]

    assert order(9, 10) == order(10, 9) == ["pre_aaaaaaa2", "pre_aaaaaaa1", "pre_aaaaaaa3"]


def test_the_session_of_an_association_is_found_by_it() -> None:
    arrivals, one = Arrivals(), receiving()
    arrivals.take((feeding(one.id), transfer(2, sessions=())), (one,), (), at(0))
    assert arrivals.fed_by("tr_1") == one.id
    assert arrivals.fed_by("tr_2") == ""
    assert arrivals.sender("tr_1") == "MR3T_A"
    assert arrivals.session(one.id) == one
