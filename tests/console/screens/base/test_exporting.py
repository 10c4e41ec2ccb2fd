# SPDX-License-Identifier: Apache-2.0
"""Files and rows that are taken out by keys: into a folder, into a file, and what is said of it."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import ConsoleApp
from console.screens.filed import FiledScreen
from console.transfer.download import AT_ONCE
from engine.model.errors import Conflict
from tests.console.piloting import HOSTILE, SMALL, WIDE, console, keys, painted, shown, until
from tests.console.screens.shelves import archive, filed
from tests.memory import Facts, session
from tests.memory.archive import Archive

FIRST = "XNAT_E00001"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Provide the home of the person: what is taken out goes there."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def app_of(facts: Facts, mode: str = "archive") -> ConsoleApp:
    return console(facts, mode=mode)


async def accept(pilot: Pilot[Any], title: str) -> None:
    """Go through a question with what stands in it, and do it."""
    await shown(pilot, title)
    while getattr(pilot.app.focused, "id", "") != "act":
        await pilot.press("enter")
        await pilot.pause()
    await pilot.press("enter")


async def write_rows(pilot: Pilot[Any], place: int) -> None:
    """Write the rows of the list as the format at a place of the choice."""
    await shown(pilot, "Write rows as")
    await pilot.press(*["j"] * place, "enter")
    await accept(pilot, "Write the rows of")


async def told(pilot: Pilot[Any], words: str) -> None:
    """Wait until something is said."""
    app = pilot.app
    assert isinstance(app, ConsoleApp)
    await until(pilot, lambda: any(words in one.text for one in app.context.notices.all))


def files_below(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


def only_file(folder: Path) -> Path:
    [name] = files_below(folder)
    return folder / name


@pytest.mark.parametrize("size", [WIDE, SMALL])
async def test_the_files_of_a_session_go_into_a_folder(home: Path, size: tuple[int, int]) -> None:
    facts = archive(1)
    app = app_of(facts)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e")
        await shown(pilot, "files of session…", "155 files, 155 K", "rows of the list…")
        await pilot.press("enter")
        await shown(pilot, f"anteroom archive export {FIRST}")
        await accept(pilot, "Write the files of MR_0001")
        await told(pilot, "155 files")
        found = files_below(home / "ANTEROOM" / "MR_0001")
        assert len(found) == 155
        one = home / "ANTEROOM" / "MR_0001" / "SCANS" / "1" / "DICOM" / "1.2.3.1.1.dcm"
        assert one.read_bytes().endswith(b"DICMSCANS/1/DICOM/1.2.3.1.1.dcm")
        assert [(each.action, each.detail["files"]) for each in facts.audit] == [("Exported", 155)]
        assert app.context.outgoing.download is None


async def test_the_files_of_one_scan_go_where_the_last_ones_went(home: Path) -> None:
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await until(pilot, lambda: bool(keys(app, "scans")))
        app.context.outgoing.folder = "~/elsewhere"
        await pilot.press("e")
        await shown(pilot, "files of session…", "scan 1 of MR_0001: 3 files")
        await pilot.press("j", "enter")
        await shown(pilot, "~/elsewhere", "--scan 1")
        await accept(pilot, "Write the files of scan 1 of MR_0001")
        await told(pilot, "3 files")
        assert len(files_below(home / "elsewhere" / "MR_0001" / "SCANS" / "1")) == 3
        assert len(files_below(home)) == 3


async def test_files_that_differ_are_kept_and_named(home: Path) -> None:
    there = home / "ANTEROOM" / "MR_0001" / "SCANS" / "1" / "DICOM" / "1.2.3.1.1.dcm"
    there.parent.mkdir(parents=True)
    there.write_text("mine")
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e", "enter")
        await accept(pilot, "Write the files of")
        await told(pilot, "154 files")
        assert there.read_text() == "mine"
        said = [(one.severity, one.text) for one in app.context.notices.all]
        assert said[0][0] == "error"
        assert "1 differ there and were kept" in said[0][1]
        assert said[1] == ("warning", "SCANS/1/DICOM/1.2.3.1.1.dcm: it is there and differs")
        await pilot.press("e", "enter")
        await shown(pilot, "Files that differ")
        await pilot.press("enter", "ctrl+u", *"replace")
        await shown(pilot, "--overwrite")
        await accept(pilot, "Write the files of")
        await told(pilot, "154 were there already")
        assert there.read_bytes().endswith(b"1.2.3.1.1.dcm")


async def test_files_that_do_not_come_are_counted_and_told(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly = Archive.read

    async def torn(self: Archive, id: str, path: str, *rest: Any, **named: Any) -> bytes:
        if "/3/" in path:
            raise Conflict("it is not what the catalog names")
        return await plainly(self, id, path, *rest, **named)

    monkeypatch.setattr(Archive, "read", torn)
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e", "enter")
        await accept(pilot, "Write the files of")
        await told(pilot, "2 files did not come")
        whys = [one.text for one in app.context.notices.all if one.severity == "warning"]
        assert len(whys) == 2
        assert all("it is not what the catalog names" in why for why in whys)
        await pilot.press("exclamation_mark")
        await shown(pilot, "2 files did not come", "SCANS/3/DICOM")


async def test_a_download_goes_on_elsewhere_and_can_be_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly, gate = Archive.read, asyncio.Event()
    reads = 0

    async def slowly(self: Archive, id: str, path: str, *rest: Any, **named: Any) -> bytes:
        nonlocal reads
        reads += 1
        if "/2/" in path:
            await gate.wait()
        return await plainly(self, id, path, *rest, **named)

    monkeypatch.setattr(Archive, "read", slowly)
    app = app_of(archive(2))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await shown(pilot, "MR_0001 (1/2)")
        await pilot.press("e", "enter")
        await accept(pilot, "Write the files of MR_0001")
        await shown(pilot, "/155")
        # The screen that it was begun on is left, and another mode opened.
        await pilot.press("q", "2")
        await shown(pilot, "▐2 Prearchive▌", "/155")
        await pilot.press("4", "e")
        await shown(pilot, "stop the download", "MR_0001")
        assert "files of session" not in painted(app)
        await pilot.press("enter")
        await told(pilot, "download of MR_0001 stopped: 3 of 155 files are there")
        await until(pilot, lambda: "/155" not in painted(app))
        assert len(files_below(home)) == 3
        # It is not lost: what is there is not asked for again.
        gate.set()
        reads = 0
        await pilot.press("e")
        await shown(pilot, "files of session…")
        await pilot.press("enter")
        await accept(pilot, "Write the files of MR_0001")
        await told(pilot, "152 files")
        assert "; 3 were there already: " in app.context.notices.all[0].text


async def test_leaving_the_console_ends_a_download_without_halves(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plainly, gate = Archive.read, asyncio.Event()

    async def endless(self: Archive, id: str, path: str, offset: int = 0, limit: int = 1) -> bytes:
        if offset:
            await gate.wait()
        return (await plainly(self, id, path, offset, limit))[:10]

    monkeypatch.setattr(Archive, "read", endless)
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e", "enter")
        await accept(pilot, "Write the files of MR_0001")
        await until(pilot, lambda: len(files_below(home)) == AT_ONCE)
        await pilot.press("ctrl+q")
    assert files_below(home) == []


async def test_a_folder_that_cannot_be_written_is_told_and_the_engine_is_not_blamed(
    home: Path,
) -> None:
    (home / "ANTEROOM").write_text("a file")
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e", "enter")
        await accept(pilot, "Write the files of")
        await told(pilot, "download of MR_0001 ended")
        assert app.context.status_view.lost == ""
        assert app.context.outgoing.download is None


async def test_a_folder_has_to_be_a_whole_place(home: Path) -> None:
    app = app_of(archive(1))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("e", "enter")
        await shown(pilot, "Write the files of")
        await pilot.press("ctrl+u", *"here")
        await shown(pilot, "a place begins with / or ~/")
        await pilot.press("enter", "enter", "enter", "enter", "escape")
        assert files_below(home) == []


async def test_all_rows_of_a_long_list_are_written_as_csv(home: Path) -> None:
    facts = archive(1_000, label=HOSTILE, subject="=cmd()")
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "1 000 of 1 000 sessions")
        await pilot.press("e", "j", "enter")
        await write_rows(pilot, 0)
        await told(pilot, "1 000 rows written to")
        path = only_file(home)
        assert (path.suffix, path.stat().st_mode & 0o777) == (".csv", 0o600)
        text = path.read_text()
        assert not {"\x1b", "\x9b", "\u202e"} & set(text)
        rows = list(csv.DictReader(text.splitlines()[3:]))
        assert [row["accession"] for row in rows] == list(facts.filed)
        assert rows[0]["subject"] == "'=cmd()"
        assert text.startswith("# filter: none\n# time: ")
        assert "# user: me\n" in text
        [event] = facts.audit
        assert (event.action, event.object, event.detail["count"]) == ("exported", "archive", 1000)


@pytest.mark.parametrize(("place", "suffix"), [(1, ".tsv"), (2, ".json")])
async def test_rows_are_those_that_the_query_finds(home: Path, place: int, suffix: str) -> None:
    facts = archive(3, project="ONCO7")
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "3 of 3 sessions")
        await pilot.press("slash", *"project", "colon", *"ONCO7", "enter")
        await shown(pilot, "1 of 3 session")
        await pilot.press("e", "j", "enter")
        await write_rows(pilot, place)
        await told(pilot, "1 row written to")
        path = only_file(home)
        assert path.suffix == suffix
        text = path.read_text()
        if suffix == ".json":
            found = json.loads(text)
            assert (found["filter"], found["user"]) == ("project:ONCO7", "me")
            assert [row["accession"] for row in found["rows"]] == [FIRST]
        else:
            assert text.startswith("# filter: project:ONCO7\n")
            assert [line.split("\t")[0] for line in text.splitlines()[3:]] == ["accession", FIRST]


async def test_a_file_that_is_there_is_not_replaced_unasked(home: Path) -> None:
    app = app_of(archive(2))
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "2 of 2 sessions")
        await pilot.press("e", "j", "enter")
        await write_rows(pilot, 0)
        await told(pilot, "2 rows written")
        path = only_file(home)
        path.write_text("mine")
        await pilot.press("e", "j", "enter")
        await write_rows(pilot, 0)
        await told(pilot, "is there already")
        assert path.read_text() == "mine"


async def test_masked_labels_of_the_prearchive_stay_masked(home: Path) -> None:
    facts = Facts()
    facts.keep(
        session(1), session(2, project=None, label="DOE_JANE", subject="19340317", folder="x")
    )
    app = app_of(facts, "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_1", "Unassigned")
        await pilot.press("e")
        await write_rows(pilot, 0)
        await told(pilot, "2 rows written to")
        text = only_file(home).read_text()
        assert "DOE_JANE" not in text
        assert "19340317" not in text
        assert "Unassigned,▒▒▒▒▒▒,▒▒▒▒▒▒" in text
        assert "NEURO3,SUB-1,MR_1" in text


async def test_the_parts_of_a_session_are_lists_too(home: Path) -> None:
    facts = archive(1)
    facts.filed[FIRST] = filed(1)
    app = app_of(facts)
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "MR_0001")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, FiledScreen))
        await until(pilot, lambda: bool(keys(app, "scans")))
        await shown(pilot, "PatientName")
        for rows in ("header", "files", "history"):
            await pilot.press("e", "j", "j", "enter")
            await write_rows(pilot, 0)
            await told(pilot, f"anteroom-{rows}-")
            await pilot.press("greater_than_sign")
        names = [name.split("-")[1] for name in files_below(home)]
        assert sorted(names) == ["files", "header", "history"]
        await shown(pilot, "▐Document▌")
        await pilot.press("e")
        await shown(pilot, "files of session…")
        assert "rows of the list" not in painted(app)


async def test_where_there_are_no_rows_none_are_written(home: Path) -> None:
    app = app_of(Facts(), "prearchive")
    async with app.run_test(size=WIDE) as pilot:
        await shown(pilot, "the prearchive is empty")
        await pilot.press("e")
        await told(pilot, "there are no rows to write here")
        assert files_below(home) == []
