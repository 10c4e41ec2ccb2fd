# SPDX-License-Identifier: Apache-2.0
"""The commands of held objects, and those that tell what scripts did and will do."""

from __future__ import annotations

from engine.model.live import HeldObject
from tests.console.conftest import CommandLine
from tests.memory.facts import NOON, Facts


def hold(facts: Facts, *ids: str) -> None:
    """Let objects be held."""
    for id in ids:
        facts.held.append(
            HeldObject(id=id, transfer="tr_1", at=NOON, reason="it fails", rule="v3:6", size=10)
        )


async def test_held_objects_are_shown(anteroom: CommandLine, facts: Facts) -> None:
    hold(facts, "h1")
    shown = await anteroom("held", "show", "h1")
    assert (shown.code, "it fails" in shown.out, "MR3T_A" in shown.out) == (0, True, True)
    assert (await anteroom("held", "show", "h1", "--json")).json["sop_instance"] == "1.2.3.4"
    missing = await anteroom("held", "show", "h2")
    assert (missing.code, "nothing is held" in missing.err) == (1, True)


async def test_they_are_tried_again_and_what_stays_is_a_failure(
    anteroom: CommandLine, facts: Facts
) -> None:
    hold(facts, "h1", "h2")
    facts.stubborn["h2"] = "site v4:2: no date"
    tried = await anteroom("held", "retry", "h1", "h2", "--reason", "put right")
    assert tried.code == 1
    assert tried.out.splitlines() == [
        "h1: published in pre_aaaaaaa1",
        "h2: still held: site v4:2: no date",
    ]
    assert "no date" in (await anteroom("held", "list")).out
    facts.stubborn.clear()
    again = await anteroom("held", "retry", "h2", "--json")
    assert (again.code, again.json[0]["done"]) == (0, True)
    assert (await anteroom("held", "list")).out == "nothing is held\n"


async def test_they_are_dropped(anteroom: CommandLine, facts: Facts) -> None:
    hold(facts, "h1")
    dropped = await anteroom("held", "drop", "h1")
    assert (dropped.code, dropped.out, facts.held) == (0, "h1: dropped\n", [])
    again = await anteroom("held", "drop", "h1", "--json")
    assert (again.code, again.json[0]["done"]) == (1, False)
