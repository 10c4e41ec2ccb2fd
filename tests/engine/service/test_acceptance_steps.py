# SPDX-License-Identifier: Apache-2.0
"""How each step of an acceptance is judged by what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model.acceptance import Step, StepName, StepState
from engine.model.accounts import Place
from engine.prearchive.evidence import Evidence, FedSession, Told
from engine.service.acceptance_steps import SessionFacts, steps

NOTHING = Evidence()
ALL_WELL = Evidence(
    associations=2,
    peers=("10.0.0.7",),
    receivers=("ANTEROOM",),
    echoes=1,
    objects=20,
    bytes=2_700_000,
    places={Place.WAITING: 20},
    fed=1,
    routed=1,
    sessions=(FedSession(session="pre_aaaaaaaa", project="P", waits=True),),
)
TURNED_AWAY = Told(outcome="rejected", reason="called AE title not recognised", count=3)
FACTS = {
    "pre_aaaaaaaa": SessionFacts(rules=("project: site rule 1",), changes={"site v7": 28}),
}


def judged(
    seen: Evidence, *, expected: int = 20, facts: dict[str, SessionFacts] = FACTS
) -> dict[StepName, Step]:
    return {step.name: step for step in steps("CT1", "ANTEROOM", expected, seen, facts)}


def test_at_the_beginning_every_step_says_what_to_do() -> None:
    found = judged(NOTHING, expected=0, facts={})
    assert list(found) == list(StepName)
    assert {step.state for step in found.values()} == {StepState.WAITING}
    assert found[StepName.CONNECTION].said == "let CT1 call ANTEROOM"


def test_where_all_is_well_every_step_tells_what_was_seen() -> None:
    found = judged(ALL_WELL)
    assert {step.state for step in found.values()} == {StepState.DONE}
    assert found[StepName.CONNECTION].said == "2 associations from 10.0.0.7 to ANTEROOM"
    assert found[StepName.SERIES].said == "20 objects, 2.7 MB"
    assert found[StepName.ROUTING].details == ("pre_aaaaaaaa: P (project: site rule 1)",)
    assert found[StepName.ROUTING].sessions == ("pre_aaaaaaaa",)
    assert found[StepName.SCRIPT].details == ("site v7 changed 28 elements",)
    assert found[StepName.COUNTS].said == "20 of 20 are here"


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        (
            StepName.CONNECTION,
            {"associations": 0, "told": (TURNED_AWAY,)},
            "CT1 was turned away: correct its settings, or the allow-list",
        ),
        (StepName.CONNECTION, {"broken": ("aborted",)}, "2 associations from 10.0.0.7 to ANTEROOM"),
        (
            StepName.SERIES,
            {"places": {Place.WAITING: 19, Place.REFUSED: 1}},
            "1 object could not be taken",
        ),
        (
            StepName.ROUTING,
            {
                "routed": 0,
                "astray": 1,
                "sessions": (FedSession(session="pre_aaaaaaaa", project=None, waits=True),),
            },
            "1 session found no project: see `anteroom prearchive route`",
        ),
        (
            StepName.SCRIPT,
            {"places": {Place.WAITING: 18, Place.HELD: 2}},
            "2 objects held: see `anteroom held list`",
        ),
        (StepName.COUNTS, {"places": {Place.WAITING: 19}}, "19 of 20 are here"),
        (StepName.COUNTS, {"places": {Place.WAITING: 21}}, "21 of 20 are here"),
    ],
)
def test_what_is_wrong_is_told_at_its_step(
    name: StepName, changed: dict[str, object], said: str
) -> None:
    found = judged(replace(ALL_WELL, **changed))  # type: ignore[arg-type]
    assert (found[name].state, found[name].said) == (StepState.WRONG, said)


def test_while_it_sends_nothing_is_judged_that_is_not_whole() -> None:
    found = judged(replace(ALL_WELL, open=1, objects=4, places={Place.WAITING: 4}))
    assert found[StepName.SERIES].state is StepState.WAITING
    assert found[StepName.COUNTS].state is StepState.WAITING


def test_duplicates_are_no_further_images_and_what_has_left_is_told() -> None:
    gone = (FedSession(session="pre_aaaaaaaa", project=None, waits=False, filed=True),)
    places = {Place.ARCHIVED: 20, Place.DUPLICATE: 20}
    found = judged(replace(ALL_WELL, places=places, sessions=gone), facts={})
    assert found[StepName.COUNTS].state is StepState.DONE
    assert found[StepName.ROUTING].details == (
        "pre_aaaaaaaa: has left the prearchive for the archive",
    )
    assert found[StepName.ROUTING].state is StepState.DONE


def test_nothing_is_concluded_from_sessions_that_nobody_has_looked_at() -> None:
    gone = FedSession(session="pre_bbbbbbbb", project=None, waits=False)
    seen = replace(ALL_WELL, routed=0, sessions=(gone,))
    found = judged(seen, facts={})
    assert (found[StepName.ROUTING].state, found[StepName.SCRIPT].state) == (
        StepState.WAITING,
        StepState.WAITING,
    )
    assert found[StepName.ROUTING].said.startswith("1 session left before anybody looked")
    assert found[StepName.ROUTING].details == ("pre_bbbbbbbb: has left the prearchive",)
    assert found[StepName.SCRIPT].said.startswith("1 session not looked at")
    # Others of which something is known speak for themselves only.
    seen = replace(ALL_WELL, fed=9, routed=8, sessions=(*ALL_WELL.sessions, gone))
    found = judged(seen)
    assert found[StepName.ROUTING].state is StepState.DONE
    assert (
        found[StepName.ROUTING].said == "8 sessions found a project; 1 left before anybody looked"
    )
    assert found[StepName.ROUTING].details[1:] == (
        "pre_bbbbbbbb: has left the prearchive",
        "and 7 more",
    )
    # What has left cannot be opened.
    assert found[StepName.ROUTING].sessions == ("pre_aaaaaaaa",)
    assert found[StepName.SCRIPT].said == "ran"
    assert found[StepName.SCRIPT].details[1:] == ("8 sessions not looked at",)
    found = judged(seen, facts={"pre_aaaaaaaa": SessionFacts()})
    assert found[StepName.SCRIPT].said.startswith("no change is known")
    assert found[StepName.SCRIPT].details == ("looked at 1 of 9 sessions",)


def test_a_script_that_has_rejected_objects_has_run() -> None:
    seen = replace(NOTHING, associations=1, objects=2, places={Place.REJECTED: 2})
    assert judged(seen, facts={})[StepName.SCRIPT].said == "ran"


def test_who_was_turned_away_before_is_told_without_a_number() -> None:
    seen = replace(NOTHING, told=(replace(TURNED_AWAY, count=None),))
    (detail,) = judged(seen, facts={})[StepName.CONNECTION].details
    assert detail == "rejected again since the start: called AE title not recognised"
    (detail,) = judged(replace(seen, told=(TURNED_AWAY,)), facts={})[StepName.CONNECTION].details
    assert detail == "3 rejected: called AE title not recognised"
