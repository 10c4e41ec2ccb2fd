# SPDX-License-Identifier: Apache-2.0
"""The commands that look into sessions, and the one that takes a filed session out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from engine.model.contents import FoldedHeader, FoldedValue, SessionContents
from tests.console.conftest import CommandLine
from tests.memory import Facts, card, session
from tests.memory.contents import header


async def test_contents_lists_scans(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    ran = await anteroom("prearchive", "contents", "MR_1")
    assert ran.code == 0
    first = ran.out.splitlines()[1].split()
    assert first[:3] == ["4", "t1_mprage_sag", "t1_mprage_sag"]
    ran = await anteroom("prearchive", "contents", "MR_1", "--json")
    assert [scan["files"] for scan in ran.json["scans"]] == [5, 5]
    facts.contents["pre_aaaaaaa1"] = SessionContents(scans=(), built=False, warnings=("cut \x1b[",))
    ran = await anteroom("prearchive", "contents", "MR_1")
    assert ran.out.splitlines() == [
        "no scan: nothing has arrived",
        "not built yet: these are the folders that there are",
        "warning: cut ␛[",
    ]


async def test_files_are_listed_whole_whatever_the_window(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1))
    facts.filed["1"] = card(session(1))
    ran = await anteroom("prearchive", "files", "MR_1", "--scan", "5", "--json")
    assert [row["scan"] for row in ran.json] == ["5"] * 5
    ran = await anteroom("prearchive", "files", "MR_1")
    assert ran.out.splitlines()[1].split()[-1] == "SCANS/4/DICOM/1.2.3.4.1.dcm"
    assert len((await anteroom("archive", "files", "MR_1", "--project", "NEURO3")).out.split()) > 50


async def test_a_header_is_a_table_with_nested_rows(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    facts.filed["1"] = card(session(1))
    for words in (("prearchive", "header", "MR_1"), ("archive", "header", "XNAT_E00001")):
        ran = await anteroom(*words)
        assert ran.code == 0
        lines = ran.out.splitlines()
        assert any(line.startswith("  item 2") for line in lines)
        assert any(line.startswith("    (0008,1155)  UI  Ref") for line in lines)
        (varies,) = (line for line in lines if line.startswith("(0020,0013)"))
        assert varies.split()[3:5] == ["10", "10"] and varies.endswith("8 | …")
        (private,) = (line for line in lines if line.startswith("(0029,1008)"))
        assert "CSA Image Header Type (SIEMENS CSA HEADER)" in private
    ran = await anteroom("prearchive", "header", "MR_1", "--scan", "9")
    assert ran.code == 1 and "no such scan" in ran.err


async def test_a_header_says_what_was_not_read_and_shows_nothing_that_acts(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1))
    row = replace(header().rows[10], values=(FoldedValue(text="\x1b]0;x\x07", files=3),))
    facts.headers["pre_aaaaaaa1", "4"] = FoldedHeader(
        rows=(row,), files=3, total=10, unread=("SCANS/4/DICOM/a.dcm: it has gone",), cut=7
    )
    ran = await anteroom("prearchive", "header", "MR_1", "--scan", "4")
    assert "\x1b" not in ran.out and "␛]0;x␇" in ran.out
    assert ran.out.splitlines()[-3:] == [
        "7 more rows are left out",
        "read from 3 of 10 files",
        "not read: SCANS/4/DICOM/a.dcm: it has gone",
    ]


async def test_the_route_of_a_session_is_told_in_words(anteroom: CommandLine, facts: Facts) -> None:
    facts.keep(session(1))
    ran = await anteroom("prearchive", "route", "MR_1")
    assert ran.code == 0 and "NEURO3" in ran.out
    assert (await anteroom("prearchive", "route", "MR_1", "--json")).json["session"] == "MR_1"


async def test_a_timeline_shows_transfers_and_when_scans_came(
    anteroom: CommandLine, facts: Facts
) -> None:
    facts.keep(session(1))
    ran = await anteroom("prearchive", "timeline", "MR_1")
    assert ran.code == 0
    assert "MR3T_A" in ran.out and "█" in ran.out
    timeline = (await anteroom("prearchive", "timeline", "MR_1", "--json")).json
    assert [sum(series["counts"]) for series in timeline["series"]] == [5, 5]


async def test_export_writes_the_files_and_stands_in_the_trail(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.filed["1"] = card(session(1))
    words = ("archive", "export", "XNAT_E00001", str(tmp_path), "--reason", "for the physicist")
    ran = await anteroom(*words, "--json")
    assert (ran.code, ran.err) == (0, "")
    assert (ran.json["written"], ran.json["kept"]) == (10, 0)
    files = sorted(path for path in (tmp_path / "MR_1").rglob("*") if path.is_file())
    assert len(files) == 10
    assert files[0].parent == tmp_path / "MR_1" / "SCANS" / "4" / "DICOM"
    (event,) = facts.audit
    assert (event.action, event.object) == ("Exported", "XNAT_E00001")
    assert event.detail == {"files": 10, "reason": "for the physicist"}
    ran = await anteroom(*words)
    assert ran.out.startswith("0 files, 0 B, written to ") and "10 were there" in ran.out


async def test_export_keeps_what_differs_unless_told_otherwise(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    facts.filed["1"] = card(session(1))
    words = ("archive", "export", "MR_1", str(tmp_path), "--project", "NEURO3", "--scan", "4")
    mine = tmp_path / "MR_1" / "SCANS" / "4" / "DICOM" / "1.2.3.4.1.dcm"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    ran = await anteroom(*words)
    assert ran.code == 1
    assert "is there and differs" in ran.err
    assert mine.read_text() == "mine"
    ran = await anteroom(*words, "--overwrite")
    assert ran.code == 0
    assert mine.read_bytes()[128:132] == b"DICM"
    ran = await anteroom(*words[:-1], "77")
    assert ran.code == 1 and "no scan 77" in ran.err
