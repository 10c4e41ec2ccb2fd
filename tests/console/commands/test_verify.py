# SPDX-License-Identifier: Apache-2.0
"""`anteroom archive verify`, and what other commands say of files that are not as they were
filed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import typer

from console.commands import verify
from console.commands.verify import read_share
from engine.model.contents import FiledContents, FileEntry
from engine.model.verification import Fault, FaultCounts, FaultKind, Faults, LastVerification
from tests.console.conftest import CommandLine
from tests.console.transfer.test_download import there
from tests.memory import Facts, card, session
from tests.memory.facts import NOON

ID = "XNAT_E00001"
GONE = "SCANS/4/DICOM/gone.dcm"
STRAY = "SCANS/4/DICOM/stray\x1b.dcm"
CATALOG = "SCANS/5/DICOM/scan_5_catalog.xml"


def find(facts: Facts, *faults: Fault) -> None:
    """Let something be wrong with the first session."""
    one = facts.filed["1"]
    facts.seen[ID] = FiledContents(
        scans=one.scans, files=9, bytes=one.bytes, faults=Faults().plus(faults)
    )


MISSING = Fault(kind=FaultKind.MISSING, path=GONE)
STRAYED = Fault(kind=FaultKind.STRAY, path=STRAY)
DAMAGED = Fault(kind=FaultKind.DAMAGED, path=CATALOG, detail="it is missing")


@pytest.fixture(autouse=True)
def filed(facts: Facts) -> None:
    for number in range(1, 5):
        facts.filed[str(number)] = card(session(number))


async def test_sessions_that_are_as_they_were_filed(anteroom: CommandLine) -> None:
    ran = await anteroom("archive", "verify", ID, "MR_2", "--project", "NEURO3")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "2 sessions, 30 files, 3.1 KB, verified: all as it should be\n"


async def test_what_is_wrong_is_named_and_the_exit_code_says_so(
    anteroom: CommandLine, facts: Facts
) -> None:
    find(facts, MISSING, STRAYED)
    ran = await anteroom("archive", "verify", "--all")
    assert ran.code == 1
    assert ran.out.splitlines() == [
        f"{ID}: 1 missing, 1 stray",
        "4 sessions, 99 files, 10.2 KB, verified: 1 missing, 1 stray in 1 session",
    ]
    assert ran.err.splitlines() == [
        f"{ID}: missing: {GONE}",
        f"{ID}: stray: SCANS/4/DICOM/stray␛.dcm",
    ]
    ran = await anteroom("archive", "verify", "--all", "--json")
    assert ran.code == 1 and ran.err == ""
    assert (ran.json["sessions"], ran.json["counts"]["stray"]) == (4, 1)
    (wrong,) = ran.json["wrong"]
    assert wrong["accession"] == ID
    assert wrong["faults"]["named"][0] == {"kind": "missing", "path": GONE, "detail": ""}


@pytest.mark.parametrize("window", [1, 2, 500])
async def test_a_share_takes_the_sessions_that_are_due(
    anteroom: CommandLine, facts: Facts, monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(verify, "WINDOW", window)
    for share, sessions in (("2", 2), ("99", 4), ("50%", 2), ("1%", 1), ("100%", 4)):
        ran = await anteroom("archive", "verify", "--share", share, "--json")
        # The engine in memory forgets, so that windows after the first offer the same sessions.
        assert ran.json["sessions"] == min(sessions, window), share


@pytest.mark.parametrize("words", [(), (ID, "--all"), ("--all", "--share", "5%")])
async def test_one_way_to_choose_is_needed(anteroom: CommandLine, words: tuple[str, ...]) -> None:
    assert (await anteroom("archive", "verify", *words)).code == 2


@pytest.mark.parametrize("text", ["", "0", "-1", "0%", "101%", "1.5", "half", "5 %%", "1e9"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        read_share(text)


async def test_a_card_counts_by_the_catalogs_and_names_what_is_missing(
    anteroom: CommandLine, facts: Facts
) -> None:
    ran = await anteroom("archive", "show", ID)
    assert ran.code == 0 and "verified    never\n" in ran.out
    counts = FaultCounts(changed=2)
    last = LastVerification(at=NOON, files=10, counts=counts)
    facts.filed["1"] = replace(facts.filed["1"], verified=last)
    find(facts, MISSING)
    ran = await anteroom("archive", "show", ID)
    assert ran.code == 1 and ran.err == f"{ID}: missing: {GONE}\n"
    assert "files       9\n" in ran.out and ", 2 changed" in ran.out
    ran = await anteroom("archive", "show", ID, "--json")
    assert ran.code == 1
    assert (ran.json["files"], ran.json["faults"]["counts"]["missing"]) == (9, 1)
    find(facts, STRAYED)
    ran = await anteroom("archive", "files", ID)
    assert ran.code == 0 and ran.err == f"{ID}: stray: SCANS/4/DICOM/stray␛.dcm\n"
    find(facts, DAMAGED)
    assert (await anteroom("archive", "files", ID)).code == 1


async def test_an_export_is_what_the_catalogs_name(
    anteroom: CommandLine, facts: Facts, tmp_path: Path
) -> None:
    here = "SCANS/4/DICOM/here.dcm"
    entry = FileEntry(path=here, scan="4", resource="DICOM", size=1)
    facts.files[ID] = (entry, replace(entry, path=GONE, fault=FaultKind.MISSING))
    facts.data[ID, here] = facts.data[ID, GONE] = b"1"
    find(facts, STRAYED, DAMAGED, Fault(kind=FaultKind.CHANGED, path="MR_1.xml"))
    ran = await anteroom("archive", "export", ID, str(tmp_path / "all"))
    assert ran.code == 1
    assert ran.err.splitlines() == [
        f"damaged: {CATALOG} (it is missing)",
        f"{GONE}: it is missing in the archive",
        "the export is not whole: see the lines above",
        "SCANS/4/DICOM/stray␛.dcm stands in no catalog: not exported",
    ]
    assert there(tmp_path / "all") == {f"MR_1/{here}": b"1"}
    facts.files[ID] = (entry,)
    ran = await anteroom("archive", "export", ID, str(tmp_path / "one"), "--scan", "4")
    assert ran.code == 0 and "stands in no catalog" in ran.err
    ran = await anteroom("archive", "export", ID, str(tmp_path / "one"))
    assert ran.code == 1
