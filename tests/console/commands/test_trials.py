# SPDX-License-Identifier: Apache-2.0
"""`anteroom script try`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.model.changes import Change, ChangeKind, FoldedChange, Statement
from engine.model.errors import Problem
from engine.model.trials import Standing, Trial, TrialFailure, TrialKind, TrialRow
from tests.console.conftest import CommandLine
from tests.memory.facts import Facts, session

NAME = Change(
    path="(0010,0010)",
    name="PatientName",
    kind=ChangeKind.CHANGED,
    vr="PN",
    before="Doe^Jane\x1b[2J",
    after="S2",
    statement=Statement(script="site", line=2),
)
TOLD = Trial(
    scope="site",
    version=7,
    files=300,
    read=200,
    as_received=200,
    kinds=(TrialKind(modality="MR", tried={"changed": 200}, active={"changed": 200}),),
    rows=(
        TrialRow(
            standing=Standing.OTHER,
            row=FoldedChange(change=NAME, files=200),
            was=replace(NAME, after="S1"),
        ),
    ),
)


async def test_what_a_text_would_do_is_told(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.keep(session(1))
    facts.trials[session(1).id] = TOLD
    file = tmp_path / "draft.das"
    file.write_text('version "6.7"\n(0010,0010) := subject\n', encoding="utf-8")
    ran = await anteroom("script", "try", str(file), "--on", "MR_1")
    assert ran.code == 0
    _, row, *about = ran.out.splitlines()
    assert "other" in row and "S2" in row and "S1" in row and "\x1b" not in row
    assert about == [
        "MR: 200 changed",
        "beside version 7: 0 same, 1 other, 0 new, 0 gone",
        "tried with 200 of 300 files",
        "200 files tried as received",
    ]
    ran = await anteroom("script", "try", str(file), "--on", "MR_1", "--json")
    assert (ran.json["outcomes"], ran.json["standings"]) == ({"changed": 200}, {"other": 1})


async def test_a_text_that_fails_or_is_stopped_ends_with_an_error(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.keep(session(1))
    file = tmp_path / "draft.das"
    file.write_text('version "6.7"\n', encoding="utf-8")
    failure = TrialFailure(problem=Problem(message="no date", line=6, column=3), files=2)
    facts.trials[session(1).id] = replace(TOLD, rows=(), failures=(failure,))
    ran = await anteroom("script", "try", str(file), "--on", "MR_1")
    assert (ran.code, ran.out.splitlines()[1]) == (1, "fails with 2 files: 6:3: no date")
    facts.trials[session(1).id] = Trial(scope="site", stopped="the script took too long")
    ran = await anteroom("script", "try", str(file), "--on", "MR_1")
    assert (ran.code, "stopped: the script took too long" in ran.out) == (1, True)
    both = ("--site", "--project", "P")
    ran = await anteroom("script", "try", str(file), "--on", "MR_1", *both)
    assert (ran.code, "not of both" in ran.err) == (1, True)
