# SPDX-License-Identifier: Apache-2.0
"""Objects that are answered before the helper has seen them: staged as they came, durably, with a
claim for their session; or at once, where their sender is to hear of a failure."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.dicom.guard import Guard
from engine.intake.answers import ObjectContext, Origin
from engine.intake.claims import NoClaim, StaleSnapshot
from engine.intake.incoming import Intake
from engine.intake.journal import Outcome
from tests.engine.dicom.datasets import BIG, EXPLICIT, element
from tests.engine.intake.room import MR, STUDY, Room, big_endian, data_set, meta
from tests.engine.intake.scripting import run

SLOW = "- (FFFC,FFFC)\n- (0010,0020)"
FAILS = '- (FFFC,FFFC)\n(0010,0020) := substring["abc", 5, 9]'
DATA = data_set() + element(0xFFFC_FFFC, "OB", b"\0\0")


@pytest.fixture
def room(tmp_path: Path, guard: Guard) -> Iterator[Room]:
    """A room whose intake answers first."""
    made = Room(tmp_path, guard)
    made.intake.close()
    made.intake = Intake(
        staging=made.staging, journal=made.journal, claims=made.rows, guard=guard, defers=True
    )
    made.snapshot(1)
    yield made
    made.intake.close()
    made.journal.close()


def test_what_the_helper_has_to_see_is_kept_as_it_came_and_answered(room: Room) -> None:
    run(room, SLOW)
    answer = room.send(DATA)
    assert (answer.status, answer.outcome) == (0, Outcome.STAGED)
    (held,) = room.held
    assert held.read_bytes() == meta() + DATA
    assert held.stat().st_mode & 0o777 == 0o600
    (record,) = room.records
    assert (record.outcome, record.file, record.session) == (Outcome.STAGED, held.name, "pre_1")
    assert (record.size, record.script, record.reason) == (len(DATA), "", "")
    assert (record.series, record.number, record.stated) == ("", -1, 0)
    assert room.files == []
    assert list(room.staging.folder.iterdir()) == []


def test_nothing_is_told_to_a_row_of_a_header_that_no_script_has_seen(room: Room) -> None:
    run(room, SLOW)
    assert element(0x00080020, "DA", b"20260102") in DATA
    assert room.send(DATA).outcome is Outcome.STAGED
    (request,) = room.rows.requests
    assert (request.study_uid, request.scan_date, request.scan_time) == (STUDY, "", "")


def test_a_head_that_is_enough_goes_the_fast_way(room: Room) -> None:
    run(room, "- (0010,0020)")
    assert room.send(data_set()).outcome is Outcome.STORED
    assert room.held == []


def test_big_endian_is_staged_only_where_the_script_changes_it(room: Room) -> None:
    run(room, "- (0010,4000)")
    assert room.send(big_endian(data_set()), syntax=BIG).outcome is Outcome.STORED
    run(room, "- (0010,0020)")
    data = big_endian(data_set("1.2.3.4.6"))
    assert room.send(data, "1.2.3.4.6", BIG).outcome is Outcome.STAGED


def test_who_wants_to_hear_of_failures_waits_for_the_helper(room: Room) -> None:
    run(room, FAILS)
    context = ObjectContext(sop_class=MR, sop_instance="1.2.3.4.5", transfer_syntax=EXPLICIT)
    incoming = room.intake.begin(Origin(transfer="tr_1", refuse_failed=True), context=context)
    incoming.write([memoryview(DATA)])
    answer = incoming.finish()
    assert (answer.status, answer.outcome) == (0xA700, Outcome.REFUSED)
    assert room.is_clean()


def test_another_configuration_in_the_mean_time_routes_it_again(room: Room) -> None:
    run(room, SLOW)
    changes = iter([True, False])

    def stale() -> None:
        if next(changes):
            run(room, "- (0010,0020)")
            raise StaleSnapshot

    room.rows.before = stale
    # By the new script a head is enough, but this one has been passed on already.
    assert room.send(DATA).outcome is Outcome.STAGED
    assert len(room.rows.requests) == 2
    assert len(room.held) == 1


def test_a_session_that_has_gone_is_claimed_anew(room: Room) -> None:
    run(room, SLOW)
    room.send(DATA)
    shutil.rmtree(room.root / "row1")
    room.send(data_set("1.2.3.4.6") + DATA[-14:], "1.2.3.4.6")
    assert [record.session for record in room.records] == ["pre_1", "pre_2"]


def test_without_a_claim_nothing_is_kept(room: Room) -> None:
    run(room, SLOW)

    def none() -> None:
        raise NoClaim("the engine is away")

    room.rows.before = none
    answer = room.send(DATA)
    assert (answer.status, answer.outcome) == (0xA700, Outcome.FAILED)
    assert room.is_clean()


@pytest.mark.parametrize("call", ["link", "fdatasync", "fsync", "write"])
def test_a_store_that_fails_keeps_nothing_and_says_so(
    room: Room, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    run(room, SLOW)
    failing = [True]
    real = getattr(os, call)

    def fails(*arguments: object, **named: object) -> object:
        if failing.pop() if failing else False:
            raise OSError(errno.ENOSPC, "full")
        return real(*arguments, **named)

    monkeypatch.setattr(os, call, fails)
    answer = room.send(DATA)
    assert (answer.status, answer.outcome) == (0xA700, Outcome.FAILED)
    assert room.is_clean()
    assert room.send(DATA).outcome is Outcome.STAGED
