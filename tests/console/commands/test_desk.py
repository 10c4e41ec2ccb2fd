# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive`: notes, assignments and reviews, and what an act would do before it is."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from engine.model.queues import MonthLine, Queue, QueueKind
from engine.model.states import Status
from tests.console.conftest import CommandLine
from tests.memory import NOON, Facts, session


@pytest.fixture
def several(anteroom: CommandLine, facts: Facts) -> CommandLine:
    """Three sessions that are ready, and one that objects still come for."""
    for number in (1, 2, 3, 4):
        status = Status.RECEIVING if number == 4 else Status.READY
        row = session(number, status=status)
        facts.sessions[row.id] = row
    return anteroom


async def test_what_is_said_of_a_session_is_shown(several: CommandLine) -> None:
    ran = await several("prearchive", "note", "MR_1", "--text", "two scans are missing")
    assert (ran.code, ran.out) == (0, "pre_aaaaaaa1: noted\n")
    await several("prearchive", "assign", "MR_1", "--to", "ada")
    await several("prearchive", "review", "MR_1")
    out = (await several("prearchive", "desk", "MR_1")).out
    assert "two scans are missing" in out and "assigned to  ada" in out
    row = (await several("prearchive", "desk", "MR_1", "--json")).json
    assert (row["assigned"], bool(row["reviewed"])) == ("ada", True)
    (listed,) = (await several("prearchive", "list", "--where", "reviewed:yes", "--json")).json
    assert (listed["id"], listed["assigned"], listed["noted"]) == ("pre_aaaaaaa1", "ada", True)
    ran = await several("prearchive", "review", "MR_1", "--withdraw")
    assert ran.out == "pre_aaaaaaa1: no longer reviewed\n"


async def test_a_dry_run_counts_and_changes_nothing(several: CommandLine, facts: Facts) -> None:
    ran = await several("prearchive", "archive", "--where", "from:MR3T*", "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "archive 3 of 4; 1 refused:",
        "  1  objects are still arriving; rebuild the session to end the wait",
    ]
    rows = (await several("prearchive", "delete", "MR_1", "MR_4", "--dry-run", "--json")).json
    assert [(row["id"], row["done"]) for row in rows] == [
        ("pre_aaaaaaa1", True),
        ("pre_aaaaaaa4", True),
    ]
    ran = await several("prearchive", "move", "MR_1", "--project", "NEURO3", "--dry-run")
    assert ran.out == "move 0 of 1; 1 refused:\n  1  it is in NEURO3 already\n"
    assert len(facts.sessions) == 4 and not facts.jobs


async def test_all_that_a_filter_finds_is_done(several: CommandLine, facts: Facts) -> None:
    ran = await several("prearchive", "delete", "--where", "status:ready", "--reason", "a test")
    assert ran.code == 0 and ran.out.count("deleted") == 3
    assert list(facts.sessions) == ["pre_aaaaaaa4"]
    for words in (("delete",), ("delete", "MR_4", "--where", "status:ready"), ("review",)):
        assert (await several("prearchive", *words)).code == 2


async def test_a_session_is_found_by_a_paper(several: CommandLine, facts: Facts) -> None:
    facts.on_paper["Doe Jane"] = ("pre_aaaaaaa2",)
    ran = await several("prearchive", "look-up", stdin="Doe Jane\n")
    assert ran.code == 0 and "pre_aaaaaaa2  READY" in ran.out
    # What it was found by is not told, and neither are its labels.
    assert "Doe" not in ran.out and "MR_2" not in ran.out
    (row,) = (await several("prearchive", "look-up", "--json", stdin="Doe Jane\n")).json
    assert sorted(row) == ["id", "last_object", "project", "status"]
    ran = await several("prearchive", "look-up", stdin="Nobody\n")
    assert ran.out == "no session that waits came under it\n"


async def test_what_waits_is_listed(anteroom: CommandLine, facts: Facts) -> None:
    assert (await anteroom("queue")).out == "nothing waits for anybody\n"
    facts.queues.append(
        Queue(
            kind=QueueKind.REVIEW,
            project="NEURO3",
            person="ada",
            waiting=12,
            oldest=NOON,
            goal_hours=48,
            overdue=3,
        )
    )
    facts.queues.append(Queue(kind=QueueKind.HELD, waiting=1, oldest=NOON))
    lines = (await anteroom("queue")).out.splitlines()
    assert lines[1].split()[:7] == ["review", "NEURO3", "ada", "12", "3", "48", "h"]
    assert lines[2].split()[:3] == ["held", "1", "–"]
    assert [row["kind"] for row in (await anteroom("queue", "--json")).json] == ["review", "held"]


async def test_a_month_is_written_as_csv(anteroom: CommandLine, facts: Facts) -> None:
    line = MonthLine(
        month="2026-11",
        project="=NEURO3",
        received=9,
        reviewed=4,
        archived=5,
        rejected=1,
        waiting=3,
        median_hours=20.5,
    )
    facts.months["2026-11"] = (line,)
    ran = await anteroom("report", "--month", "2026-11", "--csv")
    assert ran.out.splitlines() == [
        "month,project,received,reviewed,archived,rejected,waiting,median_hours,p90_hours",
        "2026-11,'=NEURO3,9,4,5,1,3,20.5,",
    ]
    assert (await anteroom("report", "--month", "2026-11", "--json")).json[0][
        "median_hours"
    ] == 20.5
    assert "=NEURO3" in (await anteroom("report", "--month", "2026-11")).out
    ran = await anteroom("report", "--month", "soon")
    assert (ran.code, ran.err.splitlines()[0]) == (1, "anteroom: 'soon' is no month")
    assert (await anteroom("report", "--csv", "--json")).code == 1


async def test_a_capsule_is_a_file_of_its_owner(
    several: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    path = tmp_path / "it.tar.gz"
    ran = await several("prearchive", "capsule", "MR_1", "-o", str(path))
    assert (ran.code, ran.out) == (0, f"{path}: README.txt\n")
    assert path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["capsule-pre_aaaaaaa1/README.txt"]
    # What is there is not overwritten.
    ran = await several("prearchive", "capsule", "MR_2", "-o", str(path), "--json")
    assert ran.code == 1 and "is there already" in ran.err
