# SPDX-License-Identifier: Apache-2.0
"""The commands of held objects, and those that tell what scripts did and will do."""

from __future__ import annotations

from engine.model.changes import Change, ChangeKind, FoldedChange, Statement
from engine.model.live import HeldObject
from tests.console.conftest import CommandLine
from tests.memory.facts import NOON, Facts, session

CHANGE = FoldedChange(
    change=Change(
        path="(0010,0010)",
        name="PatientName",
        kind=ChangeKind.CHANGED,
        vr="PN",
        before="Doe^Jane\x1b[2J",
        after="S1",
        statement=Statement(script="site", version=3, line=6),
    ),
    files=128,
)


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


async def test_what_scripts_did_is_a_table(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2))
    facts.changes[session(1).id] = (CHANGE,)
    told = await anteroom("prearchive", "diff", "MR_1")
    assert told.code == 0
    title, line = told.out.splitlines()
    assert title.split() == ["ELEMENT", "NAME", "CHANGE", "BEFORE", "AFTER", "FILES", "BY"]
    assert "(0010,0010)" in line and line.endswith("128  site v3:6")
    # Values are of headers: nothing in them acts on a terminal.
    assert "\x1b" not in told.out
    (row,) = (await anteroom("prearchive", "diff", "MR_1", "--json")).json
    assert (row["files"], row["change"]["kind"], row["change"]["after"]) == (128, "changed", "S1")
    assert (await anteroom("prearchive", "diff", "MR_2")).out == "no change is known\n"


async def test_what_is_to_come_is_told_too(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2), session(3, project=None))
    whole = Statement(script="project NEURO3", version=1, line=2)
    left_out = Change(path="", name="", kind=ChangeKind.REJECTED, statement=whole)
    facts.previews[session(1).id] = (FoldedChange(change=left_out, files=3),)
    told = await anteroom("prearchive", "diff", "MR_1", "--to-come", "--scan", "4")
    assert told.out.splitlines()[1].split("  ")[0] == "the object"
    assert "rejected" in told.out
    assert (await anteroom("prearchive", "diff", "MR_2", "--to-come")).out == (
        "nothing will be changed\n"
    )
    refused = await anteroom("prearchive", "diff", "MR_3", "--to-come")
    assert (refused.code, "no project" in refused.err) == (1, True)
