# SPDX-License-Identifier: Apache-2.0
"""Stored objects and scripts: what is written is whole, what was is found again, and what nobody
can change for sure is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.check import load
from engine.anonymize.pixels.guard import PixelGuard
from engine.anonymize.runtime.applied import Applied
from engine.anonymize.runtime.plan import CompiledScript, compile_script
from engine.anonymize.stored import Opened, open_stored, opened, write
from engine.dicom.guard import Guard
from engine.model.changes import ScriptOutcome
from tests.engine.sessions.build.objects import item, write_object


@pytest.fixture
def guard() -> Iterator[Guard]:
    made = Guard()
    yield made
    made.close()


@pytest.fixture
def pixels() -> Iterator[PixelGuard]:
    made = PixelGuard()
    yield made
    made.close()


def plan(text: str) -> CompiledScript:
    """Make a script ready."""
    return compile_script(load(f'version "6.7"\n{text}\n'), name="site", version=1)


def run(path: Path, text: str, guard: Guard) -> tuple[Opened, Applied]:
    """Apply a script to a file; nothing is written."""
    ready = plan(text)
    found = opened(open_stored(path, guard=guard), ready.reach)
    return found, ready.apply(found.subject, {})


def patient(path: Path, **values: Any) -> Path:
    """Write an object of a patient."""
    given: dict[str, Any] = {
        "PatientName": "Doe^Jane",
        "PatientID": "4711",
        "PatientBirthDate": "19700101",
    }
    return write_object(path, **(given | values))


def test_what_is_written_is_whole_and_the_rest_of_it_untouched(
    tmp_path: Path, guard: Guard, pixels: PixelGuard
) -> None:
    source, target = patient(tmp_path / "a.dcm"), tmp_path / "b.dcm"
    before = source.read_bytes()
    found, applied = run(source, '(0010,0010) := "x"\n(0008,0018) := "1.2.3"', guard)
    write(target, found, applied, pixels)
    after = pydicom.dcmread(target)
    assert (after.PatientName, after.PatientID) == ("x", "4711")
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID == "1.2.3"
    assert after.PixelData == pydicom.dcmread(source).PixelData
    assert source.read_bytes() == before
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "b.dcm"]


@pytest.mark.parametrize("text", ['(0010,0010) := "x"\n- (0010,0020)', "removeAllPrivateTags"])
def test_undo_gives_back_the_bytes_that_were(
    tmp_path: Path, guard: Guard, pixels: PixelGuard, text: str
) -> None:
    source, target = tmp_path / "a.dcm", tmp_path / "b.dcm"
    patient(source, RequestAttributesSequence=[item(PatientName="Doe^Jane")])
    made = pydicom.dcmread(source)
    made.private_block(0x0011, "MAKER", create=True).add_new(1, "LO", "secret")
    made.private_block(0x7FE1, "MAKER", create=True).add_new(1, "LO", "behind the pixels")
    made.save_as(source)
    before = open_stored(source, guard=guard)
    found, applied = run(source, text, guard)
    undo = applied.undo
    write(target, found, applied, pixels)
    after = pydicom.dcmread(target)
    assert ("MAKER" in str(after)) == (text != "removeAllPrivateTags")
    back = opened(open_stored(target, guard=guard), plan("").reach, undo=undo)
    pieces = b"".join([*back.subject.head_pieces(), *back.subject.tail_pieces()])
    rest = b"" if back.rest is None else bytes(back.rest)
    head = bytes(before.head.data[: before.head.end])
    assert pieces + rest == head + bytes(before.rest)


def test_undo_of_another_object_is_refused(
    tmp_path: Path, guard: Guard, pixels: PixelGuard
) -> None:
    sequence = [item(PatientName="a"), item(PatientName="b")]
    first = patient(tmp_path / "a.dcm", RequestAttributesSequence=sequence)
    _, applied = run(first, '(0040,0275)[1]/(0010,0010) := "x"', guard)
    other = open_stored(patient(tmp_path / "b.dcm"), guard=guard)
    with pytest.raises(ScriptError, match="undo record"):
        opened(other, plan("").reach, undo=applied.undo)


def test_implicit_and_deflated_objects_are_changed_too(
    tmp_path: Path, guard: Guard, pixels: PixelGuard
) -> None:
    for number, syntax in enumerate((ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)):
        source, target = tmp_path / f"{number}.dcm", tmp_path / f"{number}-new.dcm"
        made = pydicom.dcmread(patient(source))
        made.file_meta.TransferSyntaxUID = syntax
        pydicom.dcmwrite(source, made, implicit_vr=number == 0, little_endian=True)
        found, applied = run(source, '(0010,0010) := "x"', guard)
        write(target, found, applied, pixels)
        after = pydicom.dcmread(target)
        assert (after.PatientName, after.PatientID) == ("x", "4711")
        assert after.PixelData == b"\1\2\3\4"
        assert not after.file_meta.TransferSyntaxUID.is_deflated


def test_rectangles_are_blanked_in_what_is_written(
    tmp_path: Path, guard: Guard, pixels: PixelGuard
) -> None:
    source, target = tmp_path / "a.dcm", tmp_path / "b.dcm"
    patient(
        source,
        Rows=2,
        Columns=2,
        BitsAllocated=8,
        BitsStored=8,
        HighBit=7,
        SamplesPerPixel=1,
        PixelRepresentation=0,
        PhotometricInterpretation="MONOCHROME2",
    )
    text = 'alterPixels["rectangle", "l=0, t=0, r=1, b=2", "solid", "v=0"]'
    found, applied = run(source, text, guard)
    assert applied.outcome is ScriptOutcome.CHANGED
    write(target, found, applied, pixels)
    assert pydicom.dcmread(target).PixelData == b"\0\2\0\4"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "b.dcm"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda data: data[:100], "no DICOM file"),
        (lambda data: bytes(200), "no DICOM file"),
        (lambda data: data[:-9], "cannot be read for sure"),
        (lambda data: data.replace(b"10008.1.2.1\0", b"10008.1.2.2\0"), "cannot be read for sure"),
    ],
)
def test_what_cannot_be_changed_for_sure_is_refused(
    tmp_path: Path, guard: Guard, spoil: Callable[[bytes], bytes], reason: str
) -> None:
    source = patient(tmp_path / "a.dcm", PixelData=None)
    source.write_bytes(spoil(source.read_bytes()))
    with pytest.raises(ScriptError, match=reason):
        open_stored(source, guard=guard)


def test_damaged_deflated_data_are_refused(tmp_path: Path, guard: Guard) -> None:
    source = patient(tmp_path / "a.dcm")
    made = pydicom.dcmread(source)
    made.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    pydicom.dcmwrite(source, made, implicit_vr=False, little_endian=True)
    data = source.read_bytes()
    source.write_bytes(data[:-20])
    with pytest.raises(ScriptError, match="deflated"):
        open_stored(source, guard=guard)


def test_a_target_that_is_there_stays_and_a_failure_leaves_none(
    tmp_path: Path, guard: Guard, pixels: PixelGuard
) -> None:
    source, target = patient(tmp_path / "a.dcm"), tmp_path / "b.dcm"
    target.write_text("mine")
    found, applied = run(source, '(0010,0010) := "x"', guard)
    with pytest.raises(FileExistsError):
        write(target, found, applied, pixels)
    assert target.read_text() == "mine"
    # The header tells of no image: nothing can be blanked for sure.
    text = 'alterPixels["rectangle", "l=0, t=0, r=1, b=1", "solid", "v=0"]'
    found, applied = run(source, text, guard)
    with pytest.raises(ScriptError, match="alterPixels"):
        write(tmp_path / "c.dcm", found, applied, pixels)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dcm", "b.dcm"]
