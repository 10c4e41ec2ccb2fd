# SPDX-License-Identifier: Apache-2.0
"""`anteroom prearchive diff`."""

from __future__ import annotations

from dataclasses import replace

from engine.model.changes import (
    NOBODY,
    Change,
    ChangeKind,
    FoldedChange,
    FoldedFailure,
    SessionChanges,
    Statement,
)
from tests.console.conftest import CommandLine
from tests.memory.facts import Facts, session

SITE = Statement(script="site", version=3, line=6)
NAME = Change(
    path="(0010,0010)",
    name="PatientName",
    kind=ChangeKind.CHANGED,
    vr="PN",
    before="Doe^Jane\x1b[2J",
    after="S1",
    statement=SITE,
)
STAYS = replace(
    NAME, name="Modality", path="(0008,0060)", kind=ChangeKind.SAME, after="MR", statement=NOBODY
)
DONE = SessionChanges(
    rows=(FoldedChange(change=STAYS, files=128), FoldedChange(change=NAME, files=127)),
    read=130,
    files=130,
    alike=126,
    odd=("SCANS/1/DICOM/7.dcm", "SCANS/1/DICOM/9.dcm"),
    unknown=1,
    failures=(FoldedFailure(said="it has gone", files=1, odd=("SCANS/1/DICOM/8.dcm",)),),
)


async def test_what_scripts_did_is_told(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2))
    facts.done[session(1).id] = DONE
    told = await anteroom("prearchive", "diff", "MR_1")
    assert told.code == 0
    title, line, *about = told.out.splitlines()
    assert title.split() == ["ELEMENT", "NAME", "CHANGE", "BEFORE", "AFTER", "FILES", "BY"]
    assert "(0010,0010)" in line and line.endswith("127  site v3:6")
    assert about == [
        "130 files, 126 alike",
        "unlike those: SCANS/1/DICOM/7.dcm, SCANS/1/DICOM/9.dcm",
        "of 1 file is not known what they were",
        "1 file: it has gone (SCANS/1/DICOM/8.dcm)",
    ]
    # Values are of headers: nothing in them acts on a terminal.
    assert "\x1b" not in told.out
    assert "Modality" in (await anteroom("prearchive", "diff", "MR_1", "--same")).out
    found = (await anteroom("prearchive", "diff", "MR_1", "--json")).json
    row = found["rows"][1]
    assert (row["files"], row["change"]["kind"], row["change"]["after"]) == (127, "changed", "S1")
    assert (found["alike"], found["totals"]) == (126, {"same": 1, "changed": 1})
    assert (await anteroom("prearchive", "diff", "MR_2")).out == "no change is known\n"


async def test_what_is_to_come_is_told_too(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2), session(3, project=None))
    whole = Statement(script="project NEURO3", version=1, line=2)
    left_out = Change(path="", name="", kind=ChangeKind.REJECTED, statement=whole)
    facts.to_come[session(1).id] = SessionChanges(
        rows=(FoldedChange(change=left_out, files=3),), read=3, files=3, alike=3
    )
    told = await anteroom("prearchive", "diff", "MR_1", "--to-come", "--scan", "4")
    assert told.out.splitlines()[1].split("  ")[0] == "the object"
    assert "rejected" in told.out and told.out.endswith("3 files, all alike\n")
    assert (await anteroom("prearchive", "diff", "MR_2", "--to-come")).out == (
        "nothing will be changed\n"
    )
    refused = await anteroom("prearchive", "diff", "MR_3", "--to-come")
    assert (refused.code, "no project" in refused.err) == (1, True)


async def test_it_is_asked_for_until_all_files_have_been_read(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1))
    parts = [replace(DONE, read=read) for read in (12, 90, 130)]
    facts.done_in_parts[session(1).id] = parts
    assert "130 files, 126 alike" in (await anteroom("prearchive", "diff", "MR_1")).out
    assert parts == []
