# SPDX-License-Identifier: Apache-2.0
"""Downloads against an engine in memory: only whole files, only below the folder, nothing that was
there is touched, whatever the engine says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from console.transfer.download import Progress, download
from engine.model.contents import FileEntry
from engine.model.errors import Refused, Unavailable
from tests.memory import EngineInMemory, Facts, card, session

ID = "XNAT_E00001"


@pytest.fixture
def facts() -> Facts:
    made = Facts()
    made.filed["1"] = card(session(1))
    return made


@pytest.fixture
def engine(facts: Facts) -> EngineInMemory:
    return EngineInMemory(facts, "anna")


def entry(path: str, data: bytes = b"", digest: str = "") -> FileEntry:
    return FileEntry(path=path, scan="4", resource="DICOM", size=len(data), digest=digest)


def hold(facts: Facts, files: dict[str, bytes]) -> None:
    facts.files[ID] = tuple(entry(path, data) for path, data in files.items())
    facts.data |= {(ID, path): data for path, data in files.items()}


def there(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


async def test_files_come_in_pieces_and_whole(
    engine: EngineInMemory, facts: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.transfer.download.PIECE", 7)
    monkeypatch.setattr("console.transfer.download.WINDOW", 2)
    files = {f"SCANS/4/DICOM/{n}.dcm": bytes([n]) * (n * 10) for n in range(7)}
    hold(facts, files)
    seen: list[Progress] = []
    done = await download(engine, ID, tmp_path, progress=seen.append)
    assert (done.written, done.kept, done.bytes, done.whole) == (7, 0, 210, True)
    assert there(tmp_path) == {f"MR_1/{path}": data for path, data in files.items()}
    assert (seen[0].files, seen[0].of, seen[0].of_bytes) == (0, 7, 210)
    assert (seen[-1].files, seen[-1].bytes) == (7, 210)
    assert [one.bytes for one in seen] == sorted(one.bytes for one in seen)
    again = await download(engine, ID, tmp_path)
    assert (again.written, again.kept, again.bytes) == (0, 7, 0)


@pytest.mark.parametrize(
    "path",
    ["../x", "SCANS/../../x", "/etc/x", "SCANS//x", "SCANS/.x", "a\0b", "a\\b", "", ".", "x/"],
)
async def test_names_that_lead_out_of_the_folder_are_refused_before_anything_is_asked(
    engine: EngineInMemory, facts: Facts, tmp_path: Path, path: str
) -> None:
    hold(facts, {"SCANS/4/DICOM/1.dcm": b"1", path: b"2"})
    with pytest.raises(Refused):
        await download(engine, ID, tmp_path / "out")
    assert not there(tmp_path)
    assert not facts.audit


@pytest.mark.parametrize("label", ["..", "a/b", "", ".hidden"])
async def test_a_label_that_leads_out_of_the_folder_is_refused(
    engine: EngineInMemory, facts: Facts, tmp_path: Path, label: str
) -> None:
    facts.filed["1"] = replace(facts.filed["1"], label=label)
    with pytest.raises(Refused):
        await download(engine, ID, tmp_path / "out")
    assert not there(tmp_path)


async def test_two_files_of_one_name_are_refused(
    engine: EngineInMemory, facts: Facts, tmp_path: Path
) -> None:
    facts.files[ID] = (entry("SCANS/1"), entry("SCANS/1"))
    with pytest.raises(Refused):
        await download(engine, ID, tmp_path)


async def test_nothing_is_written_through_a_link_that_is_there(
    engine: EngineInMemory, facts: Facts, tmp_path: Path
) -> None:
    hold(facts, {"SCANS/4/DICOM/1.dcm": b"1"})
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / "MR_1").mkdir(parents=True)
    elsewhere.mkdir()
    (out / "MR_1" / "SCANS").symlink_to(elsewhere)
    with pytest.raises(Refused, match="in the way"):
        await download(engine, ID, out)
    assert not there(elsewhere)


async def test_a_file_that_came_otherwise_than_the_catalog_says_is_not_written(
    engine: EngineInMemory, facts: Facts, tmp_path: Path
) -> None:
    facts.files[ID] = (
        entry("SCANS/4/short", b"123"),
        entry("SCANS/4/long", b"1"),
        entry("SCANS/4/other", b"12", digest="0" * 32),
        entry("SCANS/4/sound", b"12"),
    )
    facts.data |= {(ID, one.path): b"12" for one in facts.files[ID]}
    done = await download(engine, ID, tmp_path)
    assert there(tmp_path) == {"MR_1/SCANS/4/sound": b"12"}
    assert done.written == 1 and not done.whole
    assert sorted(line.partition(":")[0] for line in done.failed) == [
        "SCANS/4/long",
        "SCANS/4/other",
        "SCANS/4/short",
    ]


async def test_what_is_there_and_differs_stays_unless_it_is_to_be_replaced(
    engine: EngineInMemory, facts: Facts, tmp_path: Path
) -> None:
    hold(facts, {"SCANS/4/same": b"12", "SCANS/4/differs": b"12", "SCANS/4/new": b"12"})
    folder = tmp_path / "MR_1" / "SCANS" / "4"
    folder.mkdir(parents=True)
    (folder / "same").write_bytes(b"12")
    (folder / "differs").write_bytes(b"21")
    done = await download(engine, ID, tmp_path)
    assert (done.written, done.kept, done.refused) == (1, 1, ("SCANS/4/differs",))
    assert (folder / "differs").read_bytes() == b"21"
    done = await download(engine, ID, tmp_path, overwrite=True)
    assert (done.written, done.kept, done.refused) == (1, 2, ())
    assert set(there(tmp_path).values()) == {b"12"}


async def test_a_place_that_cannot_be_written_is_an_error_in_words(
    engine: EngineInMemory, facts: Facts, tmp_path: Path
) -> None:
    hold(facts, {"SCANS/4/1.dcm": b"12"})
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(Unavailable, match="cannot be written"):
        await download(engine, ID, blocked)
    os.mkdir(tmp_path / "empty")
    facts.files[ID] = ()
    done = await download(engine, ID, tmp_path / "empty")
    assert (done.written, done.whole) == (0, True)
