# SPDX-License-Identifier: Apache-2.0
"""A routing trace as rows."""

from __future__ import annotations

from dataclasses import replace

from console.views import routing
from engine.model.prearchive import LogEntry
from engine.model.routing import Concept, Route, TraceStep, Verdict
from tests.memory import NOON


def step(concept: Concept, extractor: str, verdict: Verdict, **facts: str) -> TraceStep:
    made = TraceStep(concept=concept, extractor=extractor, verdict=verdict)
    return replace(made, **facts)  # type: ignore[arg-type]


ROUTE = Route(
    project="NEURO3",
    subject="SUB-0311",
    session="MR_0311_v1",
    auto_archive=False,
    trace=(
        step(Concept.PROJECT, "site rule 1", Verdict.NO_MATCH, element="(0008,1010)", saw="MR3T_A"),
        step(
            Concept.PROJECT,
            "site rule 2",
            Verdict.WON,
            element="(0008,1010)",
            saw="MR3T_A",
            found="NEURO3",
            note="a project",
        ),
        step(Concept.PROJECT, "patient comments", Verdict.NOT_ASKED),
        step(Concept.PROJECT, "study comments", Verdict.NOT_ASKED),
        step(Concept.SUBJECT, "site rules", Verdict.ABSENT),
        step(
            Concept.SUBJECT,
            "patient id",
            Verdict.WON,
            element="(0010,0020)",
            saw="SUB-0311",
            found="SUB-0311",
        ),
        step(Concept.SESSION, "default", Verdict.WON, found="MR_0311_v1"),
    ),
)


def test_each_value_is_told_with_who_was_asked_in_order() -> None:
    assert [row.cells for row in routing.rows(ROUTE)] == [
        ("Project", "NEURO3"),
        ("  site rule 1", "(0008,1010) “MR3T_A”: no match"),
        ("✓ site rule 2", "(0008,1010) “MR3T_A” → “NEURO3”; a project"),
        ("  not asked", "patient comments, study comments: one before had won"),
        ("Subject", "SUB-0311"),
        ("  site rules", "absent"),
        ("✓ patient id", "(0010,0020) “SUB-0311”"),
        ("Session", "MR_0311_v1"),
        ("✓ default", "→ “MR_0311_v1”"),
        ("Auto-archive", "no"),
    ]
    keys = [row.key for row in routing.rows(ROUTE)]
    assert len(set(keys)) == len(keys)


def test_what_was_not_found_is_said() -> None:
    nowhere = replace(ROUTE, project=None, subject=None, auto_archive=None, trace=())
    assert [row.cells for row in routing.rows(nowhere)] == [
        ("Project", "none: Unassigned"),
        ("Subject", "none"),
        ("Session", "MR_0311_v1"),
        ("Auto-archive", "no, without a project"),
    ]
    assert routing.result(replace(nowhere, project="P"), Concept.AUTO_ARCHIVE).startswith("as the")
    assert routing.result(replace(nowhere, auto_archive=True), Concept.AUTO_ARCHIVE) == "yes"


def test_what_was_moved_says_so_above_how_it_was_routed_when_it_came() -> None:
    moved = LogEntry(id="1", at=NOON, text="moved by mk: project Unassigned -> NEURO3")
    now = replace(ROUTE, project="NOW", moves=(moved,), before=replace(ROUTE, project=None))
    rows = routing.rows(now)
    assert rows[0].cells[0] == "Moved"
    assert rows[0].cells[1].endswith("moved by mk: project Unassigned -> NEURO3")
    assert rows[1].cells == ("Project", "none: Unassigned")
