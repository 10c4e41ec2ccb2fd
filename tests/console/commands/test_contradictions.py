# SPDX-License-Identifier: Apache-2.0
"""The commands about what contradicts itself in a session: shown side by side, and decided."""

from __future__ import annotations

import pytest

from engine.model.contradictions import (
    ALL_ONE,
    Alternative,
    Choice,
    Contradiction,
    ContradictionKind,
)
from engine.model.states import Status
from tests.console.conftest import CommandLine
from tests.memory import Facts, session

PATIENTS = Contradiction(
    number=1,
    kind=ContradictionKind.PATIENT,
    reason="objects of 2 patients are in the session: what differs is name",
    alternatives=(
        Alternative(number=1, objects=2, scans=("1",), name="Alpha^Anna", sex="F", own=True),
        Alternative(number=2, objects=1, scans=("2",), name="Beta^Bob", sex="M"),
    ),
)
OBJECTS = tuple(
    Contradiction(
        number=number,
        kind=ContradictionKind.OBJECT,
        reason="2 different objects have one SOP Instance UID",
        alternatives=tuple(
            Alternative(number=each, objects=1, scans=("1",), file=f"SCANS/1/DICOM/{each}.dcm")
            for each in (1, 2)
        ),
    )
    for number in (2, 3)
)


@pytest.fixture
def conflicting(facts: Facts) -> Facts:
    """A session with several patients and two UIDs that are there twice."""
    row = session(1, status=Status.CONFLICT, contradictions=3, reason=PATIENTS.reason)
    facts.keep(row, session(2))
    facts.contradictions[row.id] = (PATIENTS, *OBJECTS)
    return facts


async def test_what_contradicts_itself_is_shown_side_by_side(
    anteroom: CommandLine, conflicting: Facts
) -> None:
    ran = await anteroom("prearchive", "conflict", "MR_1")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[1].split()[:6] == ["1", "1", "patient", "Alpha^Anna", "F", "2"]
    assert lines[2].split()[:6] == ["1", "2", "patient", "Beta^Bob", "M", "1"]
    assert f"1: {PATIENTS.reason}" in lines
    assert "anteroom prearchive resolve pre_aaaaaaa1" in lines[-1]
    told = (await anteroom("prearchive", "conflict", "MR_1", "--json")).json
    assert [one["kind"] for one in told["found"]] == ["patient", "object", "object"]
    assert told["found"][0]["alternatives"][1]["name"] == "Beta^Bob"
    nothing = await anteroom("prearchive", "conflict", "MR_2")
    assert (nothing.code, nothing.out) == (0, "nothing in it contradicts itself\n")


@pytest.mark.parametrize(
    ("words", "keeps"),
    [
        (("--one-patient",), {1: ALL_ONE}),
        (("--one-patient", "--keep", "2"), {1: ALL_ONE, 2: 2, 3: 2}),
        (("--keep", "1"), {1: 1, 2: 1, 3: 1}),
        (("--keep", "1:2"), {1: 2}),
        (("--keep", "1", "--keep", "3:2"), {1: 1, 2: 1, 3: 2}),
    ],
)
async def test_a_decision_names_what_is_kept(
    anteroom: CommandLine, conflicting: Facts, words: tuple[str, ...], keeps: dict[int, int]
) -> None:
    ran = await anteroom("prearchive", "resolve", "MR_1", *words, "--reason", "asked the ward")
    assert (ran.code, ran.out) == (0, "pre_aaaaaaa1: decided, READY\n")
    ((id, choices, _),) = conflicting.decided
    assert id == "pre_aaaaaaa1"
    assert choices == tuple(Choice(contradiction=one, keep=kept) for one, kept in keeps.items())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--keep", "x"), 2),
        (("--keep", "a:1"), 2),
        (("--subject", "S2"), 2),
    ],
)
async def test_a_decision_that_says_nothing_is_wrong_usage(
    anteroom: CommandLine, conflicting: Facts, words: tuple[str, ...], code: int
) -> None:
    ran = await anteroom("prearchive", "resolve", "MR_1", *words)
    assert ran.code == code
    assert conflicting.decided == []


async def test_where_nothing_contradicts_itself_there_is_nothing_to_decide(
    anteroom: CommandLine, conflicting: Facts
) -> None:
    ran = await anteroom("prearchive", "resolve", "MR_2", "--keep", "1")
    assert ran.code == 1
    assert "nothing in pre_aaaaaaa2 contradicts itself" in ran.err


async def test_rows_say_how_much_is_undecided(anteroom: CommandLine, conflicting: Facts) -> None:
    rows = {row["id"]: row for row in (await anteroom("prearchive", "list", "--json")).json}
    assert rows["pre_aaaaaaa1"]["contradictions"] == 3
    assert rows["pre_aaaaaaa2"]["contradictions"] == 0
    ran = await anteroom("prearchive", "archive", "MR_1")
    assert ran.code == 1
    assert PATIENTS.reason in ran.out
