# SPDX-License-Identifier: Apache-2.0
"""A trial of rules in rows: steps, outcome, what was before, and what is masked."""

from __future__ import annotations

from dataclasses import replace

from console.views import trial
from console.views.masking import Masks
from console.views.rules import RulePlace
from console.views.trial import Trial
from engine.model.routing import Concept, Route, TraceStep, Verdict
from tests.memory import session

SECRET = "DOE^JANE 1970"


def step(number: int, verdict: Verdict, **changes: str) -> TraceStep:
    made = TraceStep(
        concept=Concept.SUBJECT,
        extractor=f"site rule {number}",
        element="(0010,0010)",
        saw=SECRET,
        found=SECRET if verdict is Verdict.WON else None,
        verdict=verdict,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


NOW = Route(project=None, subject=None, session="dicom_upload", auto_archive=None)
THEN = Route(
    project="NEURO3",
    subject="DOE_JANE_1970",
    session="dicom_upload",
    auto_archive=True,
    trace=(
        step(1, Verdict.NO_MATCH, note="the value was cut to its first 64 characters"),
        step(2, Verdict.WON),
        step(3, Verdict.NOT_ASKED, saw=""),
        TraceStep(concept=Concept.PROJECT, extractor="site rule 1", verdict=Verdict.WON),
    ),
)
MADE = Trial(
    place=RulePlace(scope="site", concept=Concept.SUBJECT),
    text="rules",
    session=session(1),
    now=NOW,
    then=THEN,
)


CLEAR, MASKED = Masks(), Masks(watching=True)


def said(masks: Masks) -> str:
    cells = [" ".join(row.cells) for row in trial.rows(MADE, masks)]
    words = (trial.outcome(MADE, masks), trial.before(MADE, masks))
    return "\n".join([*cells, *words, trial.title(MADE, masks, "rules")])


def test_the_steps_of_the_concept_are_shown_in_order() -> None:
    rows = trial.rows(MADE, CLEAR)
    assert [row.cells[0] for row in rows] == ["1", "2", "3"]
    assert rows[0].cells[3] == "no match: the value was cut to its first 64 characters"
    assert rows[1].cells[2:] == (SECRET, f"→ {SECRET} ✓")
    assert rows[2].cells[2:] == ("–", "not asked")


def test_a_project_that_won_is_named_by_its_id() -> None:
    made = replace(MADE, place=RulePlace(scope="site", concept=Concept.PROJECT))
    (row,) = trial.rows(made, MASKED)
    assert row.cells[3] == "→ NEURO3, a project ✓"


def test_what_differs_from_before_is_said() -> None:
    assert trial.before(MADE, CLEAR) == (
        "Before the edit: Project none: Unassigned, Subject none, Auto-archive no"
    )
    assert trial.before(replace(MADE, now=THEN), CLEAR) == "Before the edit: the same"
    other = replace(MADE, now=replace(THEN, subject="OTHER"))
    assert "▒" in trial.before(other, MASKED)


def test_masked_values_show_by_length_alone() -> None:
    assert SECRET in said(CLEAR)
    masked = said(MASKED)
    assert "‹13 characters›" in masked
    assert not [part for part in ("DOE", "JANE", "1970", "MR_1", "dicom") if part in masked]
    assert "pre_aaaaaaa1" in masked


def test_a_text_that_was_edited_since_says_so() -> None:
    assert "edited since" in trial.title(MADE, CLEAR, "other")
    assert "edited since" not in trial.title(MADE, CLEAR, "rules")
