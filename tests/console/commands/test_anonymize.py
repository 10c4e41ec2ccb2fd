# SPDX-License-Identifier: Apache-2.0
"""`anteroom anonymize`: what it writes and tells, and how it ends. No engine runs."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from console.commands.anonymize import watched
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import ScriptOutcome
from tests.console.conftest import CommandLine

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
RENAME = 'version "6.7"\n(0010,0010) := subject\n(0008,0060) = "MR" ? reject[]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    (made / "deep").mkdir(parents=True)
    shutil.copy(SAMPLES / "CT_small.dcm", made / "ct.dcm")
    shutil.copy(SAMPLES / "MR_small.dcm", made / "deep" / "mr.dcm")
    return made


@pytest.fixture
def script(tmp_path: Path) -> str:
    file = tmp_path / "rename.das"
    file.write_text(RENAME, encoding="utf-8")
    return str(file)


async def test_a_folder_is_anonymized_and_what_changed_is_told(
    alone: CommandLine, folder: Path, script: str
) -> None:
    out = folder.parent / "out"
    words = ("anonymize", "--script", script, "--subject", "S1", "--jobs", "1")
    ran = await alone(*words, "--diff", str(folder), str(out))
    assert (ran.code, ran.err) == (0, "")
    change, total = ran.out.splitlines()
    assert change.startswith("(0010,0010) PatientName: changed “CompressedSamples^CT1” → “S1”")
    assert change.endswith("(1 file; rename.das:2)")
    assert total == "2 files: 1 changed, 1 rejected"
    assert [path.name for path in out.rglob("*.dcm")] == ["ct.dcm"]
    assert pydicom.dcmread(out / "ct.dcm").PatientName == "S1"

    again = await alone(*words, str(folder), str(out))
    assert (again.code, "nothing is overwritten" in again.err) == (1, True)
    ran = await alone(*words, "--keep-rejected", str(folder), str(folder.parent / "all"))
    assert ran.out == "2 files: 2 changed\n"


async def test_lines_of_a_lookup_table_that_are_no_entry_are_told_and_left_out(
    alone: CommandLine, folder: Path, tmp_path: Path
) -> None:
    script, table = tmp_path / "lookup.das", tmp_path / "table.txt"
    script.write_text('version "6.7"\n(0010,0010) := lookup["site", "a"]\n', encoding="utf-8")
    table.write_text("nothing\nsite/a = b\n", encoding="utf-8")
    words = ("anonymize", "--script", str(script), "--lookup", str(table), "--jobs", "1")
    ran = await alone(*words, str(folder / "ct.dcm"), str(tmp_path / "out.dcm"))
    assert ran.code == 0
    assert ran.err == (
        f"{table}:1:1: warning: left out: expected “type/key = value”, but there is no “=”\n"
    )
    assert pydicom.dcmread(tmp_path / "out.dcm").PatientName == "b"


async def test_programs_read_a_line_for_each_file(
    alone: CommandLine, folder: Path, script: str
) -> None:
    (folder / "letter.txt").write_text("dear colleague " * 20)
    out = folder.parent / "out"
    words = ("anonymize", "--script", script, "--var", "Subject=S1", "--jobs", "2", "--json")
    ran = await alone(*words, str(folder), str(out))
    assert ran.code == 1
    ct, letter, mr = map(json.loads, ran.out.splitlines())
    assert (ct["in"], ct["out"]) == (str(folder / "ct.dcm"), str(out / "ct.dcm"))
    assert (ct["outcome"], ct["error"]) == ("changed", None)
    assert [(one["path"], one["after"]) for one in ct["changes"]] == [("(0010,0010)", "S1")]
    assert (letter["outcome"], letter["out"]) == ("error", None)
    assert "no DICOM file" in letter["error"]["message"]
    assert (mr["outcome"], mr["out"], mr["error"]) == ("rejected", None, None)


async def test_a_fault_at_run_time_names_the_file_and_the_line(
    alone: CommandLine, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "fault.das"
    file.write_text(
        'version "6.7"\necho "begun"\n(0010,0020) := substring["abc", 2, 9]\n', encoding="utf-8"
    )
    source = folder / "ct.dcm"
    ran = await alone("anonymize", "--script", str(file), str(source), str(tmp_path / "out.dcm"))
    assert (ran.code, ran.out) == (1, "1 file: 1 error\n")
    assert ran.err.startswith(f"{source}: fault.das:3:")
    assert not (tmp_path / "out.dcm").exists()


async def test_what_the_script_lacks_is_told_before_any_file(
    alone: CommandLine, folder: Path, script: str
) -> None:
    out = folder.parent / "out"
    ran = await alone("anonymize", "--script", script, str(folder), str(out))
    assert (ran.code, "nothing sets “subject”" in ran.err, "--subject" in ran.err) == (
        1,
        True,
        True,
    )
    ran = await alone("anonymize", "--script", str(folder / "no"), str(folder), str(out))
    assert (ran.code, "there is no file" in ran.err) == (1, True)
    ran = await alone("anonymize", "--script", script, "--var", "x", str(folder), str(out))
    assert (ran.code, "NAME=VALUE" in ran.err) == (1, True)
    assert not out.exists()


async def test_each_kind_of_change_has_its_own_words(
    alone: CommandLine, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "kinds.das"
    file.write_text(
        'version "6.7"\n(0008,1030) := "a study"\n(0010,0020) := ""\n- (0008,0060)\n'
        'alterPixels["rectangle", "l=0, t=0, r=9, b=9", "solid", "v=0"]\n',
        encoding="utf-8",
    )
    source = folder / "ct.dcm"
    image = pydicom.dcmread(source)
    del image.StudyDescription
    image.save_as(source)
    ran = await alone(
        "anonymize", "--script", str(file), "--diff", str(source), str(tmp_path / "out.dcm")
    )
    assert ran.code == 0
    lines = dict(line.split(": ", 1) for line in ran.out.splitlines())
    assert lines["(0008,0060) Modality"] == "removed “CT” (1 file; kinds.das:4)"
    assert lines["(0008,1030) StudyDescription"] == "added “a study” (1 file; kinds.das:2)"
    assert lines["(0010,0020) PatientID"] == f"emptied “{image.PatientID}” (1 file; kinds.das:3)"
    assert lines["(7FE0,0010) PixelData"] == "pixels (1 file; kinds.das:5)"
    assert lines["1 file"] == "1 changed"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, pipe = Terminal(), io.StringIO()
    files = [AnonymizedFile(source=name, outcome=ScriptOutcome.CHANGED) for name in "abc"]
    monkeypatch.setattr(sys, "stderr", screen)
    assert list(watched(files, 3)) == files
    assert screen.getvalue().split("\r\x1b[K") == ["", "1 of 3", "2 of 3", ""]
    monkeypatch.setattr(sys, "stderr", pipe)
    assert list(watched(files, 3)) == files
    assert pipe.getvalue() == ""


async def test_mapped_uids_are_those_of_a_key_or_of_one_run(
    alone: CommandLine, folder: Path, tmp_path: Path
) -> None:
    script, key = tmp_path / "map.das", tmp_path / "key"
    script.write_text('version "6.7"\nmapReferencedUIDs["2.25", "(0008,0018)"]\n', encoding="utf-8")

    async def mapped(name: str, *words: str) -> str:
        out = tmp_path / name
        ran = await alone(
            *("anonymize", "--script", str(script), "--jobs", "1", *words),
            *(str(folder / "ct.dcm"), str(out)),
        )
        assert (ran.code, ran.out) == (0, "1 file: 1 changed\n"), ran.err
        return str(pydicom.dcmread(out).SOPInstanceUID)

    key.write_text("0123456789abcdef0123456789abcdef\n")
    with_key = [await mapped(name, "--secret", str(key)) for name in ("a.dcm", "b.dcm")]
    without = [await mapped(name) for name in ("c.dcm", "d.dcm")]
    assert with_key[0] == with_key[1]
    assert len({with_key[0], *without}) == 3
    key.write_text("short")
    words = ("--secret", str(key), str(folder / "ct.dcm"), str(tmp_path / "e.dcm"))
    ran = await alone("anonymize", "--script", str(script), *words)
    assert (ran.code, "openssl rand" in ran.err) == (1, True)
