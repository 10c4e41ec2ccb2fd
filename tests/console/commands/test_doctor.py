# SPDX-License-Identifier: Apache-2.0
"""`anteroom doctor`: what is found, what comes of it, what to do, and how it ends."""

from __future__ import annotations

from engine.model.health import Check, Finding
from tests.console.conftest import CommandLine
from tests.memory import Facts


async def test_all_is_well(anteroom: CommandLine, facts: Facts) -> None:
    ran = await anteroom("doctor")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "ok  receivers: 1 receiver listens"


async def test_what_has_failed_comes_first_with_what_to_do(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.checks.append(
        Check(name="held", finding=Finding.LOOK, found="2 are held", remedy=("look", "decide"))
    )
    assert (await anteroom("doctor")).code == 0
    facts.checks.append(
        Check(
            name="disk",
            finding=Finding.FAILED,
            found="2 % is free",
            consequence="Senders are refused.",
            remedy=("make room",),
        )
    )
    ran = await anteroom("doctor", "--thorough")
    assert ran.code == 1
    assert ran.out.splitlines()[:6] == [
        "x   disk: 2 % is free",
        "    Senders are refused.",
        "    - make room",
        "!   held: 2 are held",
        "    - look",
        "    - decide",
    ]
    ran = await anteroom("doctor", "--json")
    assert ran.code == 1
    assert ran.json[0]["finding"] == "failed"
    assert ran.json[0]["remedy"] == ["make room"]
