# SPDX-License-Identifier: Apache-2.0
"""`anteroom findings`: what was found is listed, acknowledged with a reason, and mended."""

from __future__ import annotations

import pytest

from engine.model.findings import Findings
from tests.console.conftest import CommandLine
from tests.memory import NOON, Facts, session
from tests.memory.findings import several

ID = "pre_aaaaaaa1"


@pytest.fixture
def found(anteroom: CommandLine, facts: Facts) -> CommandLine:
    """One session with findings, and one that was not looked through yet."""
    for number in (1, 2):
        row = session(number)
        facts.sessions[row.id] = row
    facts.findings[ID] = Findings(session=ID, looked=NOON, files=10, rows=several())
    return anteroom


async def test_findings_are_listed_with_what_mends_them(found: CommandLine) -> None:
    out = (await found("findings", "list", "MR_1")).out
    assert "part of OperatorsName" in out and "project NEURO3 v12:7" in out and "mk: no name" in out
    assert "medium" not in (await found("findings", "list", "MR_1", "--level", "high")).out
    assert (await found("findings", "list", "MR_1", "--remedies")).out == '(0008,103E) := ""\n'
    assert len((await found("findings", "list", "MR_1", "--json")).json["rows"]) == 4
    assert "not yet" in (await found("findings", "list", "MR_2")).out


async def test_a_finding_is_acknowledged_with_a_reason_and_opened_again(
    found: CommandLine,
) -> None:
    assert (await found("findings", "acknowledge", "MR_1", "a1")).code == 2
    ran = await found("findings", "acknowledge", "MR_1", "a1", "--reason", "a street")
    assert "open     1" in ran.out
    assert "a street" in (await found("findings", "list", "MR_1")).out
    ran = await found("findings", "reopen", "MR_1", "a1", "d4")
    assert "open     3" in ran.out
    ran = await found("findings", "acknowledge", "MR_1", "zz", "--reason", "x")
    assert (ran.code, "no such finding" in ran.err) == (1, True)
