# SPDX-License-Identifier: Apache-2.0
"""`anteroom quarantine`: what is not active is listed, released, held, locked and marked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.archive import SessionStatus
from engine.model.quarantine import Yes
from tests.console.conftest import CommandLine
from tests.memory import Facts, session
from tests.memory.configuration import project
from tests.memory.facts import NOON, card

FIRST, SECOND = "XNAT_E00001", "XNAT_E00002"


@pytest.fixture
def held(facts: Facts) -> Facts:
    """Two sessions in quarantine of a project that demands two people, and a locked one."""
    facts.projects["NEURO3"] = project("NEURO3", release_people=2)
    for number in (1, 2, 3):
        filed = card(session(number))
        status = SessionStatus.LOCKED if number == 3 else SessionStatus.QUARANTINE
        facts.filed[filed.accession] = replace(filed, status=status)
    facts.agreed[SECOND] = (Yes(actor="ak", at=NOON, reason="fine"),)
    return facts


async def test_what_is_not_active_is_listed(anteroom: CommandLine, held: Facts) -> None:
    head, *lines = (await anteroom("quarantine", "list")).out.splitlines()
    assert head.split() == [
        *("ID", "STATE", "PROJECT", "SUBJECT", "SESSION", "SINCE", "BY", "YES", "AGREED")
    ]
    assert [line.split()[:2] for line in lines] == [
        [FIRST, "quarantine"],
        [SECOND, "quarantine"],
        ["XNAT_E00003", "locked"],
    ]
    assert lines[1].split()[-2:] == ["1/2", "ak"]
    rows = (await anteroom("quarantine", "list", "--state", "quarantine", "--json")).json
    assert [row["accession"] for row in rows] == [FIRST, SECOND]
    assert rows[1]["yes"] == [{"actor": "ak", "at": "2026-09-11T12:00:00Z", "reason": "fine"}]
    ran = await anteroom("quarantine", "list", "--where", "session:MR_3")
    assert "XNAT_E00003" in ran.out and FIRST not in ran.out
    assert (await anteroom("quarantine", "list", "--project", "Q")).out == "none of these\n"
    held.filed.clear()
    ran = await anteroom("quarantine", "list")
    assert ran.out == "every session that you may see is active\n"


async def test_two_people_release(anteroom: CommandLine, held: Facts) -> None:
    ran = await anteroom("quarantine", "release", FIRST, SECOND, "--reason", "all fine")
    assert (ran.code, ran.out) == (0, f"{FIRST}: agreed to\n{SECOND}: active\n")
    assert held.filed[SECOND].status is SessionStatus.ACTIVE
    ran = await anteroom("quarantine", "release", "MR_1", "--project", "NEURO3")
    assert ran.code == 1 and "another person has to, too" in ran.out
    ran = await anteroom("archive", "history", SECOND)
    assert ran.out.splitlines()[-1].split()[-3:] == ["Activated", "all", "fine"]


async def test_sessions_are_held_locked_and_marked(anteroom: CommandLine, held: Facts) -> None:
    for verb, status in (
        ("hold", SessionStatus.QUARANTINE),
        ("obsolete", SessionStatus.OBSOLETE),
        ("activate", SessionStatus.QUARANTINE),
    ):
        ran = await anteroom("quarantine", verb, FIRST, "--json")
        assert ran.code == 0 and ran.json[0]["done"]
        assert held.filed[FIRST].status is status
    ran = await anteroom("quarantine", "lock", FIRST)
    assert ran.code == 1 and "release it first" in ran.out
    for verb, status in (("unlock", SessionStatus.ACTIVE), ("lock", SessionStatus.LOCKED)):
        assert (await anteroom("quarantine", verb, "XNAT_E00003")).code == 0
        assert held.filed["XNAT_E00003"].status is status


async def test_a_session_is_archived_into_quarantine(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    assert (await anteroom("prearchive", "archive", "MR_1", "--quarantine")).code == 0
    (filed,) = facts.filed.values()
    assert filed.status is SessionStatus.QUARANTINE


async def test_settings_of_quarantine_are_set_and_shown(
    anteroom: CommandLine, facts: Facts, home: Path
) -> None:
    facts.projects["NEURO3"] = project("NEURO3")
    values = ("quarantine_code=1", "release_people=2", "release_by=member")
    ran = await anteroom("project", "set", "NEURO3", *values)
    assert ran.code == 0
    shown = dict(line.split(maxsplit=1) for line in ran.out.splitlines())
    assert [shown[each.split("=")[0]] for each in values] == ["1", "2", "member"]
