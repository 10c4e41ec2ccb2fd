# SPDX-License-Identifier: Apache-2.0
"""The states of a prearchive session, against the tables of the intake rules (6.2, 6.6)."""

from __future__ import annotations

import pytest

from engine.model.states import (
    ALLOWED,
    QUEUED,
    QUEUED_FOR,
    TAKES_DATA,
    WORKING,
    WORKING_AT,
    Status,
    Verb,
    after_new_data,
    why_not,
)

RECEIVING = {Status.RECEIVING, Status.RECEIVING_INTERRUPT}
SETTLED = {Status.READY, Status.CONFLICT, Status.ERROR}
MAY = {
    Verb.ARCHIVE: {Status.READY, Status.CONFLICT},
    Verb.MOVE: SETTLED,
    Verb.RELABEL: SETTLED,
    Verb.RESOLVE: {Status.CONFLICT},
    Verb.REBUILD: SETTLED | RECEIVING,
    Verb.DELETE: SETTLED | RECEIVING,
    Verb.RESET: SETTLED | RECEIVING | QUEUED,
    Verb.RESTORE: set(),
}


@pytest.mark.parametrize("verb", Verb)
@pytest.mark.parametrize("status", Status)
def test_what_may_be_done_in_each_state(verb: Verb, status: Status) -> None:
    refused = why_not(verb, status, locked=False)
    assert (not refused) is (status in MAY[verb])
    # What a session is doing at a job's hand is never disturbed, whatever it is called just then.
    assert why_not(verb, status, locked=True)


def test_a_build_that_new_data_overtook_is_still_at_work() -> None:
    assert why_not(Verb.REBUILD, Status.RECEIVING_INTERRUPT, locked=True) == (
        "the session is building; wait until that has ended"
    )
    assert not why_not(Verb.REBUILD, Status.RECEIVING_INTERRUPT, locked=False)


@pytest.mark.parametrize(
    ("status", "after"),
    [
        (Status.RECEIVING, Status.RECEIVING),
        (Status.READY, Status.RECEIVING),
        (Status.ERROR, Status.RECEIVING),
        (Status.CONFLICT, Status.RECEIVING),
        (Status.QUEUED_BUILDING, Status.RECEIVING),
        (Status.BUILDING, Status.RECEIVING_INTERRUPT),
        (Status.RECEIVING_INTERRUPT, Status.RECEIVING_INTERRUPT),
    ],
)
def test_new_data(status: Status, after: Status) -> None:
    assert after_new_data(status) is after
    assert status in TAKES_DATA


def test_a_session_that_is_leaving_takes_no_data() -> None:
    assert not TAKES_DATA & (WORKING - {Status.BUILDING})
    assert not TAKES_DATA & (QUEUED - {Status.QUEUED_BUILDING})


def test_every_verb_that_works_is_queued_first() -> None:
    assert QUEUED_FOR.keys() == WORKING_AT.keys() == ALLOWED.keys() - {Verb.RESET}
    assert {f"QUEUED_{status}" for status in WORKING} == set(QUEUED)
    assert set(Status) == WORKING | QUEUED | SETTLED | RECEIVING
