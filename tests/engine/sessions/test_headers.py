# SPDX-License-Identifier: Apache-2.0
"""Reading many headers: which files, how far, and what is said of those that cannot be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom.data
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.dicom.guard import Guard
from engine.model.errors import NotFound, Refused
from engine.sessions import headers
from engine.sessions.headers import joined, read, sample, spread
from tests.engine.sessions.build.objects import received


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "MR_1"
    for number in range(1, 6):
        received(made, f"{number}.dcm", scan=str(number % 2 + 1), InstanceNumber=str(number))
    return made


def test_the_headers_of_a_session_a_scan_and_a_file_are_folded(folder: Path) -> None:
    for scan, file, count in (("", "", 5), ("2", "", 3), ("", "SCANS/1/DICOM/2.dcm", 1)):
        chosen = sample(folder, scan, file)
        found = joined([read(folder, chosen.files, headers.MOST_WORK)], chosen.total)
        rows = {row.path: row for row in found.rows}
        assert (found.files, found.total, found.unread) == (count, count, ())
        assert rows["(0020,0013)"].distinct == count
        assert rows["(0008,0060)"].values[0].files == count


def test_what_is_not_there_or_outside_is_not_chosen(folder: Path) -> None:
    with pytest.raises(NotFound):
        sample(folder, "9", "")
    with pytest.raises(NotFound):
        sample(folder, "", "SCANS/1/DICOM/none.dcm")
    with pytest.raises(Refused):
        sample(folder, "", "../MR_2/SCANS/1/DICOM/1.dcm")
    with pytest.raises(FileNotFoundError):
        sample(folder.with_name("gone"), "", "")


def test_a_session_without_objects_has_no_rows(tmp_path: Path) -> None:
    chosen = sample(tmp_path, "", "")
    found = joined([read(tmp_path, part, 10) for part in chosen.parts(4)], chosen.total)
    assert (found.rows, found.files, found.total) == ((), 0, 0)


def test_files_that_cannot_be_read_are_named_and_others_are_read(folder: Path) -> None:
    (folder / "SCANS/1/DICOM/text.dcm").write_text("dear colleague")
    chosen = sample(folder, "1", "")
    part = read(folder, (*chosen.files, "SCANS/1/DICOM/gone.dcm"), headers.MOST_WORK)
    found = joined([part], chosen.total)
    assert found.files == 2
    told = dict(line.split(": ", 1) for line in found.unread)
    assert set(told) == {"SCANS/1/DICOM/text.dcm", "SCANS/1/DICOM/gone.dcm"}
    assert "colleague" not in "".join(told.values())


def test_what_the_walk_cannot_read_is_read_by_the_guard(
    folder: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headers, "_guard", lambda: guard)
    big_endian = Path(pydicom.data.__file__).parent / "test_files" / "MR_small_bigendian.dcm"
    shutil.copy(big_endian, folder / "SCANS/1/DICOM/big.dcm")
    found = joined([read(folder, ("SCANS/1/DICOM/big.dcm",), headers.MOST_WORK)], 1)
    assert (found.files, found.unread) == (1, ())
    rows = {row.path: row for row in found.rows}
    assert rows["(0008,0060)"].values[0].text == "MR"
    assert [one.text for one in found.transfer_syntaxes] == ["1.2.840.10008.1.2.2"]


def test_reading_ends_when_enough_was_read_and_one_file_is_always_read(folder: Path) -> None:
    files = sample(folder, "", "").files
    assert read(folder, files, 0).fold.files == 1
    some = read(folder, files, 20).fold.files
    assert 1 < some < 5


def test_a_folder_that_was_renamed_meanwhile_is_not_a_session_without_files(folder: Path) -> None:
    files = sample(folder, "", "").files
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(FileNotFoundError):
        read(folder, files, headers.MOST_WORK)


@given(st.integers(0, 3000), st.integers(1, 500))
def test_a_sample_is_spread_wherever_it_is_cut_off(count: int, most: int) -> None:
    files = [str(number) for number in range(count)]
    chosen = [int(file) for file in spread(files, most)]
    assert len(set(chosen)) == len(chosen) == min(count, most)
    if len(chosen) >= 8:
        quarter = sorted(chosen[: len(chosen) // 2])
        assert quarter[0] <= count / 4 and quarter[-1] >= count / 2


def test_parts_hold_every_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(headers, "_PART", 10)
    for count in (0, 1, 9, 10, 35, 100):
        files = spread([str(number) for number in range(count)], 1000)
        parts = headers.Sample(files=files, total=count).parts(4)
        assert 1 <= len(parts) <= 4
        assert sorted(file for part in parts for file in part) == sorted(files)


def test_rows_that_say_who_the_patient_is_are_marked_with_all_that_stands_in_them(
    tmp_path: Path,
) -> None:
    issuer, request = pydicom.Dataset(), pydicom.Dataset()
    issuer.PatientID, issuer.Modality = "P4711", "MR"
    request.RequestedProcedureID, request.RequestedProcedureDescription = "R1", "a scan"
    made = tmp_path / "MR_1"
    received(
        made,
        "1.dcm",
        PatientName="DOE^JANE",
        StudyDescription="NEURO",
        OtherPatientIDsSequence=[issuer],
        RequestAttributesSequence=[request],
    )
    found = joined([read(made, sample(made, "", "").files, headers.MOST_WORK)], 1)
    marked = {row.path for row in found.rows if row.identifying}
    assert {
        "(0010,0010)",
        "(0010,1002)",
        "(0010,1002)[1]",
        "(0010,1002)[1].(0008,0060)",
        "(0010,1002)[1].(0010,0020)",
        "(0040,0275)[1].(0040,1001)",
    } <= marked
    others = {row.path for row in found.rows} - marked
    assert {"(0008,1030)", "(0008,0060)", "(0040,0275)", "(0040,0275)[1].(0032,1060)"} <= others
