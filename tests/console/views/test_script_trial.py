# SPDX-License-Identifier: Apache-2.0
"""Dry runs as rows: what differs from the version in force, and what may be shown of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.views import script_trial
from console.views.masking import Masks
from console.views.script_trial import Tried
from engine.model.trials import Standing, Trial
from tests.console.scripted import trial
from tests.memory import session

SHOWN = Masks(watching=False, revealed=True)
HIDDEN = Masks(watching=False, revealed=False)


def tried(told: Trial, project: str | None = "NEURO3") -> Tried:
    return Tried(session=session(1, project=project), text="x", told=told)


def test_what_fails_comes_first_and_what_is_the_same_only_on_demand() -> None:
    told = trial()
    cells = [row.cells for row in script_trial.rows(told)]
    assert cells[0] == ("✗ 6:3", "1 file", "SeriesDate is empty, not a date")
    assert [one[0] for one in cells[1:4]] == ["~ 0008,0021", "+ 0010,1010", "- 0018,1030"]
    assert [one[2] for one in cells[1:4]] == [
        "removed → 20260828",
        "stays → removed",
        "removed → stays",
    ]
    assert cells[-1] == ("", "48 of 1 204 files", "MR 47 changed, 1 error")
    everything = [row.cells[0] for row in script_trial.rows(told, same=True)]
    assert "= 0008,0020" in everything
    assert script_trial.summary(told) == "1 other, 1 new, 1 gone · 1 same (=)"


def test_a_text_that_was_stopped_says_so() -> None:
    told = Trial(scope="site", stopped="it took too much processor time")
    (row,) = script_trial.rows(told)
    assert row.cells == ("✗ stopped", "", "it took too much processor time")
    assert script_trial.summary(told) == "stopped"
    assert script_trial.went_wrong(told)
    assert not script_trial.went_wrong(Trial(scope="site"))


def test_a_fault_and_a_change_lead_to_their_lines() -> None:
    told = trial()
    assert script_trial.fault_of(told, "fault 0") == (6, 3)
    assert script_trial.fault_of(told, "sum") is None
    lines = {one.standing: script_trial.line_of(one) for one in told.rows}
    assert (lines[Standing.NEW], lines[Standing.GONE]) == (4, 0)


@pytest.mark.parametrize(
    ("scope", "masks", "project", "shown"),
    [
        ("site", HIDDEN, "NEURO3", False),
        ("site", SHOWN, "NEURO3", True),
        ("project:NEURO3", HIDDEN, "NEURO3", True),
        ("project:NEURO3", HIDDEN, None, False),
    ],
)
def test_originals_and_sessions_of_nobody_are_shown_while_they_are_revealed(
    scope: str, masks: Masks, project: str | None, shown: bool
) -> None:
    told = script_trial.masked(tried(trial(scope), project), masks)
    assert ("20260911" in repr(told)) is shown
    assert len(told.rows) == 4


def test_the_card_has_both_sides() -> None:
    told = trial()
    cards = {one.standing: dict(script_trial.card(one, told)) for one in told.rows}
    assert cards[Standing.OTHER]["v2"] == "removed, project NEURO3 v2:5"
    assert cards[Standing.NEW]["v2"] == "leaves it as it is"
    assert cards[Standing.GONE]["Draft"] == "leaves it as it is"


def test_the_title_says_that_the_text_is_another_one_by_now() -> None:
    one = tried(replace(trial(), rows=()))
    assert script_trial.title(one, "MR_1", "x") == "Dry run · MR_1"
    assert script_trial.title(one, "MR_1", "y") == "Dry run · MR_1 · of an earlier text"
