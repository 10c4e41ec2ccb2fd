# SPDX-License-Identifier: Apache-2.0
"""One file of Part 10 through a script: what is written, and what is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pydicom.data
import pytest

from engine.anonymize.files import FileRun, Recipe
from engine.model.anonymized import AnonymizedFile
from engine.model.changes import ChangeKind, ScriptOutcome

SAMPLES = Path(pydicom.data.__file__).parent / "test_files"
CT, JPEG = SAMPLES / "CT_small.dcm", SAMPLES / "JPEG2000.dcm"
DEFLATED, BIG, DIRECTORY = (
    SAMPLES / "image_dfl.dcm",
    SAMPLES / "MR_small_bigendian.dcm",
    SAMPLES / "dicomdirtests" / "DICOMDIR",
)


def done(source: Path, target: Path, text: str, **values: object) -> AnonymizedFile:
    given: dict[str, object] = {"variables": {"subject": "S1"}, "changes": True} | values
    run = FileRun(
        Recipe(name="test.das", text=f'version "6.7"\n{text}\n', **given)  # type: ignore[arg-type]
    )
    try:
        return run.run(source, target)
    finally:
        run.close()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "made" / "out.dcm"
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.parametrize("source", [CT, JPEG, SAMPLES / "rtplan.dcm"], ids=lambda path: path.name)
def test_the_head_is_edited_and_the_pixels_are_the_same_bytes(source: Path, target: Path) -> None:
    result = done(source, target, "(0010,0010) := subject")
    assert (result.outcome, result.error) == (ScriptOutcome.CHANGED, None)
    before, after = pydicom.dcmread(source), pydicom.dcmread(target)
    assert after.PatientName == "S1"
    assert before.get("PixelData") == after.get("PixelData")
    before.PatientName = "S1"
    assert after == before
    assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
    (change,) = result.changes
    assert (change.after, str(change.statement)) == ("S1", "test.das:2")


def test_what_stood_in_the_preamble_is_gone_from_what_was_changed(
    tmp_path: Path, target: Path
) -> None:
    source = tmp_path / "in.dcm"
    source.write_bytes(b"DOE^JANE".ljust(128, b"\0") + CT.read_bytes()[128:])
    done(source, target, "(0010,0010) := subject")
    assert target.read_bytes()[:132] == bytes(128) + b"DICM"


def test_the_meta_information_follows_the_data_set(target: Path) -> None:
    assert done(CT, target, '(0008,0018) := "1.2.3.4"').error is None
    assert pydicom.dcmread(target).file_meta.MediaStorageSOPInstanceUID == "1.2.3.4"


def test_what_the_script_leaves_alone_is_a_copy(target: Path) -> None:
    result = done(CT, target, '(0008,0060) = "MR" ? (0010,0010) := subject')
    assert (result.outcome, result.changes) == (ScriptOutcome.UNCHANGED, ())
    assert target.read_bytes() == CT.read_bytes()


def test_what_is_rejected_is_not_written_unless_it_is_wanted(target: Path) -> None:
    text = '(0010,0010) := subject\n(0008,0060) = "CT" ? reject[]'
    result = done(CT, target, text)
    assert (result.outcome, result.target, result.error) == (ScriptOutcome.REJECTED, "", None)
    assert result.changes == ()
    assert not target.exists()
    result = done(CT, target, text, rejecting=False)
    assert result.outcome is ScriptOutcome.CHANGED
    assert pydicom.dcmread(target).PatientName == "S1"


def test_a_script_that_fails_says_where_and_writes_nothing(target: Path) -> None:
    result = done(CT, target, '(0010,0010) := subject\n(0010,0020) := substring["abc", 2, 9]')
    assert (result.outcome, result.target) == (ScriptOutcome.ERROR, "")
    assert result.error is not None
    assert result.error.line == 3
    assert not target.exists()


def test_private_elements_after_the_pixels_go_too(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.dcm"
    image = pydicom.dcmread(CT)
    image.private_block(0x7FE1, "ANTEROOM TEST", create=True).add_new(0x01, "LO", "DOE^JANE")
    image.save_as(source)
    assert b"DOE^JANE" in source.read_bytes()
    result = done(source, target, "removeAllPrivateTags")
    assert result.error is None
    assert b"DOE^JANE" not in target.read_bytes()
    after = pydicom.dcmread(target)
    assert not any(element.tag.is_private for element in after)
    assert after.PixelData == image.PixelData


def test_deflated_files_are_written_inflated(target: Path) -> None:
    result = done(DEFLATED, target, "(0010,0010) := subject")
    assert result.error is None
    before, after = pydicom.dcmread(DEFLATED), pydicom.dcmread(target)
    assert after.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (after.PatientName, after.PixelData) == ("S1", before.PixelData)


def test_a_deflated_data_set_that_is_damaged_is_an_error(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.dcm"
    source.write_bytes(DEFLATED.read_bytes()[:-200])
    result = done(source, target, "(0010,0010) := subject")
    assert result.error is not None and "deflated" in result.error.message


def test_big_endian_files_are_written_little_endian(target: Path) -> None:
    result = done(BIG, target, "(0010,0010) := subject")
    assert result.error is None
    before, after = pydicom.dcmread(BIG), pydicom.dcmread(target)
    assert after.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert (after.PatientName, after.Rows) == ("S1", before.Rows)
    assert (after.pixel_array == before.pixel_array).all()


def test_a_big_endian_file_that_nothing_changes_stays_as_it_is(target: Path) -> None:
    result = done(BIG, target, '(0010,0010) = "Nobody" ? (0010,0010) := subject')
    assert (result.outcome, result.error) == (ScriptOutcome.UNCHANGED, None)
    assert target.read_bytes() == BIG.read_bytes()


def test_pixels_of_a_big_endian_file_are_blanked(target: Path) -> None:
    text = 'alterPixels["rectangle", "l=0, t=0, r=9, b=9", "solid", "v=0"]'
    result = done(BIG, target, text)
    assert (result.outcome, result.error) == (ScriptOutcome.CHANGED, None)
    before, after = pydicom.dcmread(BIG).pixel_array.copy(), pydicom.dcmread(target).pixel_array
    assert (before[:9, :9] != 0).any()
    before[: 9 + 1, : 9 + 1] = after[: 9 + 1, : 9 + 1]
    assert (after[:9, :9] == 0).all()
    assert (after == before).all()


def test_a_big_endian_file_that_cannot_be_followed_is_refused(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.dcm"
    source.write_bytes(BIG.read_bytes()[:-9])
    result = done(source, target, "(0010,0010) := subject")
    assert result.error is not None and "for sure" in result.error.message
    assert not target.exists()


def test_what_lists_patients_is_refused(target: Path) -> None:
    result = done(DIRECTORY, target, "(0010,0010) := subject")
    assert result.outcome is ScriptOutcome.ERROR
    assert result.error is not None and "DICOMDIR" in result.error.message
    assert not target.exists()


@pytest.mark.parametrize("content", [b"", b"short", b"dear colleague " * 50])
def test_other_files_are_no_dicom(tmp_path: Path, target: Path, content: bytes) -> None:
    source = tmp_path / "letter"
    source.write_bytes(content)
    result = done(source, target, "(0010,0010) := subject")
    assert result.error is not None and "no DICOM file" in result.error.message


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, target: Path) -> None:
    result = done(tmp_path / "nowhere", target, "(0010,0010) := subject")
    assert result.error is not None and "No such file" in result.error.message


def test_a_head_out_of_order_is_put_in_order(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.dcm"
    data = CT.read_bytes()
    late = b"\x08\x00\x81\x00ST\x08\x00HARBOUR1"
    at = data.index(b"\xe0\x7f\x10\x00OW")
    source.write_bytes(data[:at] + late + data[at:])
    result = done(source, target, "(0010,0010) := subject")
    assert result.error is None
    after = pydicom.dcmread(target)
    assert (after.PatientName, after.InstitutionAddress) == ("S1", "HARBOUR1")
    assert after.PixelData == pydicom.dcmread(CT).PixelData


def test_a_head_that_would_lose_something_is_an_error(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.dcm"
    image = pydicom.dcmread(CT)
    image.EncapsulatedDocument = bytes(70_000)
    image.save_as(source)
    data = source.read_bytes()
    at = data.index(b"\xe0\x7f\x10\x00OW")
    source.write_bytes(data[:at] + b"\x08\x00\x81\x00ST\x08\x00HARBOUR1" + data[at:])
    result = done(source, target, "(0010,0010) := subject")
    assert result.error is not None and "cannot be read for sure" in result.error.message
    assert not target.exists()


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "out.dcm"
    shutil.copy(CT, target)
    for source in (target, CT):
        result = done(source, target, "(0010,0010) := subject")
        assert result.error is not None and "overwritten" in result.error.message
    target.unlink()
    target.symlink_to(tmp_path / "nowhere")
    assert done(CT, target, "(0010,0010) := subject").error is not None
    assert target.is_symlink()


def test_rectangles_of_the_image_are_blanked(target: Path) -> None:
    text = 'alterPixels["rectangle", "l=0, t=0, r=64, b=8", "solid", "v=0"]'
    result = done(CT, target, text)
    assert (result.outcome, result.error) == (ScriptOutcome.CHANGED, None)
    before, after = pydicom.dcmread(CT).PixelData, pydicom.dcmread(target).PixelData
    blanked = bytearray(before)
    for row in range(8):
        blanked[row * 256 : row * 256 + 128] = bytes(128)
    assert after == bytes(blanked) != before
    assert [(one.kind, one.statement.line) for one in result.changes][-1] == (ChangeKind.PIXELS, 2)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_rectangles_beside_the_image_change_nothing(target: Path) -> None:
    text = 'alterPixels["rectangle", "l=900, t=0, r=999, b=8", "solid", "v=0"]'
    result = done(CT, target, text)
    assert (result.outcome, result.changes) == (ScriptOutcome.UNCHANGED, ())
    assert "no rectangle lies within the image" in result.notes[-1]
    assert pydicom.dcmread(target) == pydicom.dcmread(CT)


def test_pixels_that_cannot_be_blanked_are_an_error_with_its_place(target: Path) -> None:
    text = 'alterPixels["rectangle", "l=0, t=0, r=64, b=8", "solid", "v=99999999"]'
    result = done(CT, target, text)
    assert result.error is not None
    assert (result.error.line, result.outcome) == (2, ScriptOutcome.ERROR)
    assert list(target.parent.iterdir()) == []
