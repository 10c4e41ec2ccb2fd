# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.dicom.guard import Guard
from engine.sessions.build.ct import ct_parameters
from engine.sessions.build.facts import ObjectFacts, read_facts
from engine.sessions.build.geometry import dimensions, orientation, voxel_resolution
from engine.sessions.build.level import FileGroup, iso_date, iso_time
from engine.sessions.build.mr import field_strength, mr_parameters
from engine.sessions.build.parameters import scan_metadata, session_metadata
from engine.sessions.build.pet import pet_parameters, tracer
from tests.engine.sessions.build.objects import CT, MR, PET, item, write_object

Scan = Callable[..., tuple[FileGroup, list[ObjectFacts], list[str]]]

SAGITTAL = [0, 1, 0, 0, 0, -1]
CORONAL = [1, 0, 0, 0, 0, -1]
AXIAL = [1, 0, 0, 0, 1, 0]


@pytest.fixture(scope="module")
def guard() -> Iterator[Guard]:
    guard = Guard()
    yield guard
    guard.close()


@pytest.fixture
def scan(tmp_path: Path, guard: Guard) -> Scan:
    """Make a level of objects that share `common` and differ in what each of them names."""

    def make(
        *each: dict[str, Any], sop_class: str = MR, **common: Any
    ) -> tuple[FileGroup, list[ObjectFacts], list[str]]:
        warnings: list[str] = []
        facts = [
            read_facts(
                write_object(
                    tmp_path / f"{number}.dcm", sop_class=sop_class, **{**common, **values}
                ),
                guard,
            )
            for number, values in enumerate(each or ({},))
        ]
        return FileGroup("scan 1", facts, warnings), facts, warnings

    return make


def test_a_value_that_differs_is_left_out_and_said_once_without_the_values(scan: Scan) -> None:
    level, _, warnings = scan(
        {"StationName": "ROOM1"}, {"StationName": "ROOM2"}, {"StationName": None}
    )
    assert (level.value("StationName"), level.value("StationName")) == ("", "")
    assert warnings == ["scan 1: StationName has 2 different values and is left out"]


def test_an_absent_value_is_no_contradiction(scan: Scan) -> None:
    level, _, warnings = scan({"StationName": "ROOM1"}, {"StationName": None})
    assert level.value("StationName") == "ROOM1"
    assert warnings == []


def test_values_are_cut_to_what_the_data_model_holds(scan: Scan) -> None:
    level, _, warnings = scan(ImageComments="x" * 60_000, SeriesDate="tomorrow", SeriesTime="99")
    metadata = scan_metadata("xnat:mrScanData", level, level, [])
    assert len(metadata.note) == 2500
    assert (metadata.start_date, metadata.start_time) == ("", "")
    assert warnings == [
        "scan 1: SeriesTime is not a time and is left out",
        "scan 1: SeriesDate is not a date and is left out",
        "scan 1: ImageComments has 60000 characters and is cut to 2500",
    ]


def test_dates_and_times() -> None:
    assert [iso_date(text) for text in ("20061214", "2006.12.14", "20061340", "", "1")] == [
        "2006-12-14",
        "2006-12-14",
        "",
        "",
        "",
    ]
    assert [iso_time(text) for text in ("091206.625000", "0912", "09", "235960", "2500", "x")] == [
        "09:12:06",
        "09:12:00",
        "09:00:00",
        "23:59:59",
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("given", "age"),
    [
        ({"PatientAge": "040Y", "PatientBirthDate": "19700101"}, "40"),
        ({"PatientAge": "006M"}, "0.5"),
        ({"PatientBirthDate": "19700101"}, "54"),
        ({"PatientBirthDate": "19700229"}, ""),
        ({"PatientBirthDate": "19720229"}, "51"),
        ({"PatientBirthDate": "19720228"}, "52"),
        ({"PatientAge": "", "PatientBirthDate": "20240228"}, "0"),
        ({"PatientAge": "40", "PatientBirthDate": "20240229"}, ""),
        ({"PatientBirthDate": "18000101"}, ""),
        ({"PatientBirthDate": "19700101", "StudyDate": ""}, ""),
        ({}, ""),
    ],
)
def test_the_age_is_the_patients_age_or_that_at_the_study(
    scan: Scan, given: dict[str, str], age: str
) -> None:
    level, _, _ = scan({}, **({"StudyDate": "20240228"} | given))
    found = session_metadata("xnat:mrSessionData", level, mr=None, pet=None)
    assert found.patient_age == age


def test_an_mr_scan_as_in_the_reference_study(scan: Scan) -> None:
    level, facts, warnings = scan(
        {"ImagePositionPatient": [0, 0, 0], "InstanceNumber": "1"},
        {"ImagePositionPatient": [1, 0, 0], "InstanceNumber": "2"},
        SeriesDescription="t1_mpr_1mm_p2_pos50",
        RepetitionTime="2400",
        EchoTime="3.08",
        InversionTime="1000",
        FlipAngle="8",
        MagneticFieldStrength="3",
        PixelSpacing=[2, 1],
        SliceThickness="1",
        Rows=256,
        Columns=248,
        ImageOrientationPatient=SAGITTAL,
        ImageType=["ORIGINAL", "PRIMARY", "M"],
        ReceiveCoilName="HEAD",
        ContrastBolusAgent="Gd",
    )
    found = mr_parameters(level, facts)
    wanted = {
        "tr": "2400",
        "te": "3.08",
        "ti": "1000",
        "flip": "8",
        "orientation": "Sag",
        "voxelRes/@x": "1",
        "voxelRes/@y": "2",
        "voxelRes/@z": "1",
        "voxelRes/@units": "mm",
        "fov/@x": "248",
        "fov/@y": "256",
        "imageType": "ORIGINAL\\PRIMARY\\M",
        "coil": "HEAD",
        "addParam[ContrastBolusAgent]": "Gd",
    }
    assert found == wanted
    assert field_strength(level) == "3.0"
    assert warnings == []
    size = dimensions(level, facts)
    assert size is not None
    assert (size.x, size.y, size.z, size.volumes) == (248, 256, 2, 1)


@pytest.mark.parametrize(
    ("written", "tesla"), [("1.5", "1.5"), ("15000", "1.5"), ("2.89362", "2.89362"), (None, "")]
)
def test_field_strength_is_in_tesla(scan: Scan, written: str | None, tesla: str) -> None:
    level, _, _ = scan(MagneticFieldStrength=written)
    assert field_strength(level) == tesla


def test_echoes_of_one_series_are_told_one_by_one(scan: Scan) -> None:
    level, facts, warnings = scan(
        {"EchoTime": "12.5", "EchoNumbers": "2"}, {"EchoTime": "5", "EchoNumbers": "1"}
    )
    found = mr_parameters(level, facts)
    assert "te" not in found
    assert found["addParam[MultiEcho_TE1]"] == "5"
    assert found["addParam[MultiEcho_TE2]"] == "12.5"
    assert warnings == []


def test_echoes_without_numbers_are_counted_by_their_time(scan: Scan) -> None:
    level, facts, _ = scan({"EchoTime": "30"}, {"EchoTime": "9"}, EchoNumbers="1")
    found = mr_parameters(level, facts)
    assert found["addParam[MultiEcho_TE1]"] == "9"
    assert found["addParam[MultiEcho_TE2]"] == "30"


def test_diffusion_weights_are_listed(scan: Scan) -> None:
    level, facts, warnings = scan(
        {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [1.0, 0.0, 0.0]},
        {"DiffusionBValue": 0.0},
        {"DiffusionBValue": 1000.0, "DiffusionGradientOrientation": [0.0, 1.0, 0.0]},
        DiffusionDirectionality="DIRECTIONAL",
    )
    found = mr_parameters(level, facts)
    assert found["diffusion/bValues"] == "0 1000"
    assert found["diffusion/bMax"] == "1000"
    assert found["diffusion/orientations"] == "2"
    assert warnings == []


def test_orientation_is_left_out_when_planes_differ(scan: Scan) -> None:
    level, _, warnings = scan(
        {"ImageOrientationPatient": SAGITTAL}, {"ImageOrientationPatient": CORONAL}
    )
    assert orientation(level) == ""
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("cosines", "plane"),
    [
        (SAGITTAL, "Sag"),
        (CORONAL, "Cor"),
        (AXIAL, "Tra"),
        ([0.99, 0.1, 0, -0.1, 0.99, 0.05], "Tra"),
        ([0, 0, 0, 0, 0, 0], ""),
        ([1, 0, 0], ""),
        (None, ""),
    ],
)
def test_orientation(scan: Scan, cosines: list[float] | None, plane: str) -> None:
    level, _, _ = scan(ImageOrientationPatient=cosines)
    assert orientation(level) == plane


def test_volumes_are_files_at_the_same_place(scan: Scan) -> None:
    places = [{"ImagePositionPatient": [0, 0, number % 3]} for number in range(6)]
    level, facts, _ = scan(*places, ImageOrientationPatient=AXIAL, Rows=4, Columns=5)
    size = dimensions(level, facts)
    assert size is not None
    assert (size.z, size.volumes) == (3, 2)


def test_images_of_different_size_have_no_dimensions(scan: Scan) -> None:
    level, facts, _ = scan({"Rows": 4}, {"Rows": 5}, Columns=4, PixelSpacing=[1])
    assert dimensions(level, facts) is None
    assert voxel_resolution(level) is None


def test_a_ct_scan(scan: Scan) -> None:
    level, facts, warnings = scan(
        {"XRayTubeCurrent": "100"},
        {"XRayTubeCurrent": "120"},
        sop_class=CT,
        KVP="120",
        RotationDirection="CW",
        RescaleSlope="1",
        RescaleIntercept="-1024",
        FocalSpots=[0.7, 1.2],
        ExposureModulationType="XYZ",
        EstimatedDoseSaving=12.5,
        ConvolutionKernel=["B30f", "x"],
    )
    found = ct_parameters(level, facts)
    assert found == {
        "kvp": "120",
        "rotationDirection": "CW",
        "rescale/slope": "1",
        "rescale/intercept": "-1024",
        "focalSpots/focalSpot": "0.7\\1.2",
        "estimatedDoseSaving": "12.5",
        "estimatedDoseSaving/@modulation": "XYZ",
        "convolutionKernel": "B30f\\x",
    }
    assert warnings == ["scan 1: XRayTubeCurrent has 2 different values and is left out"]


def test_a_rotation_nobody_knows_is_left_out(scan: Scan) -> None:
    level, facts, warnings = scan(sop_class=CT, RotationDirection="UP")
    assert "rotationDirection" not in ct_parameters(level, facts)
    assert len(warnings) == 1


def test_a_dynamic_pet_scan_has_a_table_of_frames(scan: Scan) -> None:
    frames = [
        {
            "ImagePositionPatient": [0, 0, place],
            "FrameReferenceTime": str(30_000 + frame * 60_000),
            "ActualFrameDuration": "60000",
        }
        for frame in range(2)
        for place in range(3)
    ]
    level, facts, warnings = scan(
        *frames,
        sop_class=PET,
        ImageOrientationPatient=AXIAL,
        Rows=4,
        Columns=4,
        InstitutionName="Hospital",
    )
    found = pet_parameters(level, facts)
    assert found["facility"] == "Hospital"
    assert (found["dimensions/@z"], found["dimensions/@num"]) == ("3", "4")
    assert found["frames/@numFrames"] == "2"
    assert found["frames/frame[1]/@starttime"] == "0"
    assert found["frames/frame[2]/@starttime"] == "60"
    assert found["frames/frame[2]/@length"] == "60"
    assert warnings == []


def test_the_tracer_of_a_pet_session(scan: Scan) -> None:
    information = item(
        Radiopharmaceutical="FDG",
        RadiopharmaceuticalStartTime="081500.00",
        RadionuclideTotalDose="370000000",
        RadionuclideHalfLife="6588",
        RadionuclideCodeSequence=[item(CodeMeaning="F^18^")],
    )
    level, _, _ = scan(
        sop_class=PET, StudyDate="20061214", RadiopharmaceuticalInformationSequence=[information]
    )
    assert tracer(level, level) == {
        "tracer/@name": "FDG",
        "tracer/@startTime": "2006-12-14T08:15:00",
        "tracer/dose": "370000000",
        "tracer/dose/@units": "Bq",
        "tracer/isotope": "F^18^",
        "tracer/isotope/@half-life": "6588",
    }


def test_a_full_start_of_the_injection_wins(scan: Scan) -> None:
    information = item(
        RadiopharmaceuticalStartTime="081500.00",
        RadiopharmaceuticalStartDateTime="20061213235900.00+0100",
    )
    level, _, _ = scan(
        sop_class=PET, StudyDate="20061214", RadiopharmaceuticalInformationSequence=[information]
    )
    assert tracer(level, level) == {"tracer/@startTime": "2006-12-13T23:59:00"}


def test_the_metadata_of_a_session(scan: Scan) -> None:
    level, _, _ = scan(
        StudyDate="20061214",
        StudyTime="091206.625",
        StudyDescription="head^lab",
        InstitutionName="Hospital",
        StationName="MEDPC",
        Manufacturer="SIEMENS",
        ManufacturerModelName="TrioTim",
        OperatorsName=["one", "two"],
        PatientName="Sample^Patient",
        PatientBirthDate="19600101",
        PatientWeight="80.5",
        PatientSex="F",
        PatientAge="018M",
        StudyComments="Project:x Subject:y",
        MagneticFieldStrength="3",
    )
    found = session_metadata("xnat:mrSessionData", level, mr=level, pet=None)
    assert (found.date, found.time, found.session_type) == ("2006-12-14", "09:12:06", "head^lab")
    assert (found.scanner, found.manufacturer, found.model) == ("MEDPC", "SIEMENS", "TrioTim")
    assert (found.operator, found.acquisition_site) == ("one\\two", "Hospital")
    assert (found.patient_birth_date, found.patient_weight) == ("1960-01-01", "80.5")
    assert (found.patient_sex, found.patient_age) == ("F", "1.5")
    assert found.comments == "Project:x Subject:y"
    assert (found.field_strength, found.extra) == ("3.0", {})
