# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.dicom.guard import Guard, Unreadable
from engine.sessions.build.attributes import ATTRIBUTES, NAMES
from engine.sessions.build.facts import (
    dataset_digest,
    number_text,
    read_chunk,
    read_facts,
    share_values,
)
from tests.engine.sessions.build.objects import ENHANCED_MR, MR, PET, item, write_object


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


def test_facts_of_one_object(tmp_path: Path, guard: Guard) -> None:
    path = write_object(
        tmp_path / "a.dcm",
        InstanceNumber="7",
        ImagePositionPatient=[1.5, -2, 3],
        NumberOfFrames="3",
        ImageType=["ORIGINAL", "PRIMARY"],
        RepetitionTime="2400.0",
        EchoTime="3.08",
        SeriesDescription="t1 ",
    )
    facts = read_facts(path, guard, name="SCANS/1/DICOM/a.dcm", checksums=True)
    assert facts.path == "SCANS/1/DICOM/a.dcm"
    assert facts.sop_class == MR
    assert (facts.frames, facts.instance_number, facts.position) == (3, "7", (1.5, -2.0, 3.0))
    assert facts.md5 == hashlib.md5(path.read_bytes()).hexdigest()
    assert facts.size == path.stat().st_size
    assert facts["ImageType"] == "ORIGINAL\\PRIMARY"
    assert (facts["RepetitionTime"], facts["EchoTime"]) == ("2400", "3.08")
    assert facts["SeriesDescription"] == "t1"
    assert facts["KVP"] == ""
    assert facts.entry().uri == "a.dcm"


def test_values_of_multi_frame_objects_come_from_their_groups(tmp_path: Path, guard: Guard) -> None:
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.5, 0.25], SliceThickness=2)],
        MRTimingAndRelatedParametersSequence=[item(RepetitionTime=1500, FlipAngle=9)],
    )
    frame = item(MREchoSequence=[item(EffectiveEchoTime=12.5)])
    path = write_object(
        tmp_path / "a.dcm",
        sop_class=ENHANCED_MR,
        NumberOfFrames="20",
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[frame, frame],
    )
    facts = read_facts(path, guard)
    assert (facts["PixelSpacing"], facts["SliceThickness"]) == ("0.5\\0.25", "2")
    assert (facts["RepetitionTime"], facts["FlipAngle"]) == ("1500", "9")
    assert facts["EffectiveEchoTime"] == "12.5"
    assert facts.frames == 20


def test_the_tracer_is_read_from_its_sequence(tmp_path: Path, guard: Guard) -> None:
    tracer = item(
        Radiopharmaceutical="FDG",
        RadionuclideTotalDose="370000000",
        RadionuclideHalfLife="6588",
        RadionuclideCodeSequence=[item(CodeMeaning="^18^Fluorine")],
    )
    path = write_object(
        tmp_path / "a.dcm", sop_class=PET, RadiopharmaceuticalInformationSequence=[tracer]
    )
    facts = read_facts(path, guard)
    assert facts["Radiopharmaceutical"] == "FDG"
    assert facts["RadionuclideTotalDose"] == "370000000"
    assert facts["RadionuclideCodeSequence"] == "^18^Fluorine"


def test_hostile_values_are_fit_for_xml(tmp_path: Path, guard: Guard) -> None:
    path = write_object(
        tmp_path / "a.dcm",
        SpecificCharacterSet="ISO_IR 192",
        SeriesDescription="a\x00b\x1b[2J\u202ec",
        ImageComments="x" * 60_000,
        NumberOfFrames="-4",
    )
    facts = read_facts(path, guard)
    assert "\x1b" not in facts["SeriesDescription"]
    assert len(facts["ImageComments"]) == 60_000
    assert facts.frames == 1


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID"])
def test_an_object_without_its_uids_is_unreadable(
    tmp_path: Path, guard: Guard, missing: str
) -> None:
    nothing: dict[str, Any] = {missing: None}
    path = write_object(tmp_path / "a.dcm", **nothing)
    with pytest.raises(Unreadable, match="Instance UID"):
        read_facts(path, guard)


def test_a_chunk_tells_what_failed_and_forgets_what_vanished(tmp_path: Path) -> None:
    write_object(tmp_path / "good.dcm")
    (tmp_path / "text.dcm").write_text("not an image")
    (tmp_path / "empty.dcm").touch()
    chunk = read_chunk(tmp_path, ["good.dcm", "text.dcm", "empty.dcm", "gone.dcm"])
    assert [fact.path for fact in chunk.facts] == ["good.dcm"]
    assert {failure.path for failure in chunk.failures} == {"text.dcm", "empty.dcm"}
    assert all(failure.reason for failure in chunk.failures)
    assert pickle.loads(pickle.dumps(chunk)) == chunk


def test_files_of_a_series_share_their_values(tmp_path: Path, guard: Guard) -> None:
    facts = [
        read_facts(write_object(tmp_path / f"{number}.dcm", InstanceNumber=str(number)), guard)
        for number in range(3)
    ]
    shared = share_values(facts)
    assert shared == facts
    assert len({id(fact.values) for fact in shared}) == 1


def test_the_digest_ignores_the_file_meta_information(tmp_path: Path, guard: Guard) -> None:
    path = write_object(tmp_path / "a.dcm", SOPInstanceUID="1.2.3")
    offset = read_facts(path, guard).dataset_offset
    other = tmp_path / "b.dcm"
    other.write_bytes(b"\1" * 128 + path.read_bytes()[128:])
    assert dataset_digest(path, offset) == dataset_digest(other, offset)


def test_numbers_read_as_people_write_them() -> None:
    assert [number_text(value) for value in (2400.0, 3.08, -0.5, 1e20)] == [
        "2400",
        "3.08",
        "-0.5",
        "1e+20",
    ]
    assert number_text(3.0799999237060547, digits=7) == "3.08"
    assert number_text(3.5999999999999996, digits=12) == "3.6"
    assert [number_text(value) for value in (float("nan"), float("inf"))] == ["", ""]


def test_no_attribute_stands_twice_in_the_table() -> None:
    assert len(NAMES) == len(set(NAMES))
    assert all(attribute.tag for attribute in ATTRIBUTES)
