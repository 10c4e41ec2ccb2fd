# SPDX-License-Identifier: Apache-2.0
"""`anteroom compare`."""

from __future__ import annotations

import pytest

from console.commands.compare import parsed
from engine.model.comparison import STORED, ComparedRow, Part, Version
from engine.model.contents import FoldedValue, HeaderRow, RowKind
from engine.model.errors import InvalidInput
from tests.console.conftest import CommandLine
from tests.memory.facts import Facts, session


def row(name: str, *texts: str) -> HeaderRow:
    return HeaderRow(
        path="(0010,0010)",
        tag="(0010,0010)",
        kind=RowKind.ELEMENT,
        depth=0,
        vr="PN",
        name=name,
        values=tuple(FoldedValue(text=text, files=1) for text in texts),
        distinct=len(texts),
        files=1,
    )


@pytest.mark.parametrize(
    ("text", "session", "part"),
    [
        ("MR_1", "MR_1", STORED),
        ("MR_1#3", "MR_1", Part(scan="3")),
        ("MR_1#SCANS/3/DICOM/1.dcm", "MR_1", Part(file="SCANS/3/DICOM/1.dcm")),
        ("MR_1@received", "MR_1", Part(version=Version.RECEIVED)),
        ("MR_1#3@to-come", "MR_1", Part(scan="3", version=Version.TO_COME)),
        ("@stored", "", STORED),
    ],
)
def test_a_session_a_scan_a_file_or_a_version_is_named(text: str, session: str, part: Part) -> None:
    assert parsed(text) == (session, part)


def test_another_version_there_is_not() -> None:
    with pytest.raises(InvalidInput, match="no version old"):
        parsed("MR_1@old")


async def test_what_differs_is_told(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1), session(2))
    facts.differences = (
        ComparedRow(left=row("PatientName", "Doe^Jane\x1b[2J"), right=row("PatientName", "S1")),
        ComparedRow(right=row("PatientComments", "a", "b")),
    )
    told = await anteroom("compare", "MR_1@received", "MR_2#3")
    assert told.code == 0, told.err
    _, first, second, end = told.out.splitlines()
    assert "Doe^Jane" in first and first.endswith("S1") and "\x1b" not in told.out
    assert "–" in second and "‹2 values› a …" in second
    one, other = session(1).id, session(2).id
    assert end == (
        f"left: {one}, received, 17 files; right: {other}, stored, 17 files; 203 elements the same"
    )
    assert facts.compared == [(one, other, Part(version=Version.RECEIVED), Part(scan="3"))]
    await anteroom("compare", "MR_1@received", "@stored")
    assert facts.compared[-1][:2] == (one, one)
    found = (await anteroom("compare", "MR_1", "MR_2", "--json")).json
    assert (found["same"], len(found["rows"])) == (203, 2)
    facts.differences = ()
    assert (await anteroom("compare", "MR_1", "MR_2")).out.startswith("nothing differs\n")
    assert (await anteroom("compare", "MR_1", "MR_9")).code == 1
