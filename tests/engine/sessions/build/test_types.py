# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from engine.model.settings import PetMr
from engine.sessions.build.types import SeriesKind, SessionTypes, TypesError, load_types
from tests.engine.sessions.build.objects import (
    CT,
    ENHANCED_MR,
    MR,
    PET,
    RAW,
    RTSTRUCT,
    SC,
    SEG,
    XA_3D,
)

TABLE = load_types()


def series(sop_class: str, modality: str = "", description: str = "") -> SeriesKind:
    return SeriesKind(
        classes=frozenset({sop_class} - {""}),
        modalities=frozenset({modality} - {""}),
        description=description,
    )


@pytest.mark.parametrize(
    ("study", "session", "scans"),
    [
        ([(SC, "CT")], "xnat:ctSessionData", ["xnat:scScanData"]),
        ([(SC, "SC")], "xnat:otherDicomSessionData", ["xnat:scScanData"]),
        (
            [(RTSTRUCT, "RTSTRUCT"), (ENHANCED_MR, "MR")],
            "xnat:mrSessionData",
            ["xnat:rtImageScanData", "xnat:mrScanData"],
        ),
        ([(MR, "")], "xnat:mrSessionData", ["xnat:mrScanData"]),
        ([(XA_3D, "XA")], "xnat:xaSessionData", ["xnat:xaScanData"]),
        (
            [(PET, "PT"), (CT, "CT")],
            "xnat:petSessionData",
            ["xnat:petScanData", "xnat:ctScanData"],
        ),
        ([(RTSTRUCT, "RTSTRUCT")], "xnat:rtSessionData", ["xnat:rtImageScanData"]),
        ([(SEG, "SEG")], "xnat:otherDicomSessionData", ["xnat:segScanData"]),
        (
            [("1.3.12.2.1107.5.9.1", "MR")],
            "xnat:mrSessionData",
            ["xnat:otherDicomScanData"],
        ),
        ([("1.2.3.99", "")], "xnat:otherDicomSessionData", ["xnat:otherDicomScanData"]),
        ([("1.2.3.99", "IVUS")], "xnat:usSessionData", ["xnat:otherDicomScanData"]),
    ],
)
def test_classes_and_modalities_make_a_session_and_scans(
    study: list[tuple[str, str]], session: str, scans: list[str]
) -> None:
    kind = TABLE.session([series(*each) for each in study])
    assert kind is not None
    assert kind.element == session
    assert [TABLE.lead_family({sop_class}).scan for sop_class, _ in study] == scans


def test_raw_data_in_a_series_of_images_leaves_it_an_mr_scan() -> None:
    assert TABLE.lead_family({RAW, MR}).scan == "xnat:mrScanData"


def test_a_study_that_tells_nothing_has_no_type() -> None:
    assert TABLE.session([series("", "")]) is None
    assert TABLE.session([]) is None


@pytest.mark.parametrize(
    ("wanted", "description", "element", "split"),
    [
        (PetMr.PET, "T1", "xnat:petSessionData", False),
        (PetMr.PETMR, "T1", "xnat:petmrSessionData", False),
        (PetMr.PETMR, "Head_MRAC", "xnat:petmrSessionData", False),
        (PetMr.SEPARATE, "T1", "xnat:petmrSessionData", True),
        (PetMr.SEPARATE, "Head_MRAC", "xnat:petSessionData", False),
    ],
)
def test_pet_with_mr_follows_the_setting(
    wanted: PetMr, description: str, element: str, split: bool
) -> None:
    kind = TABLE.session([series(PET, "PT"), series(MR, "MR", description)], pet_mr=wanted)
    assert kind is not None
    assert (kind.element, kind.split) == (element, split)


def test_one_mr_series_that_is_no_attenuation_map_splits_the_study() -> None:
    study = [series(PET), series(MR, "MR", "Head_MRAC"), series(MR, "MR", "T1")]
    kind = TABLE.session(study, pet_mr=PetMr.SEPARATE)
    assert kind is not None
    assert kind.split


def test_images_are_primary_and_derived_objects_are_not() -> None:
    assert [TABLE.is_primary(each, "") for each in (MR, CT, PET, XA_3D)] == [True] * 4
    assert [TABLE.is_primary(each, "") for each in (SC, SEG, RTSTRUCT, RAW, "1.2.3.99")] == [
        False
    ] * 5


def test_every_class_and_modality_stands_in_one_family() -> None:
    classes = [uid for family in TABLE.families.values() for uid in family.classes]
    texts = [text for family in TABLE.families.values() for text in family.modalities]
    assert len(classes) == len(set(classes))
    assert len(texts) == len(set(texts))
    assert set(texts) <= set(TABLE.modality_order)


def test_the_modality_that_leads_is_ot_when_none_is_known() -> None:
    assert TABLE.lead_modality(["SC", "MR"]) == "MR"
    assert TABLE.lead_modality(["KO"]) == "OT"
    assert TABLE.lead_modality([]) == "OT"


def site(tmp_path: Path, text: str) -> SessionTypes:
    file = tmp_path / "types.yaml"
    file.write_text(text)
    return load_types(file)


def test_a_site_adds_a_family(tmp_path: Path) -> None:
    table = site(
        tmp_path,
        """
families:
  - name: ECG
    session: xnat:ecgSessionData
    root: xnat:ECGSession
    scan: xnat:ecgScanData
    modality: ECG
    primary: true
    classes: [1.2.840.10008.5.1.4.1.1.9.1.1]
    modalities: [ECG]
""",
    )
    kind = table.session([series("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG")])
    assert kind is not None
    assert (kind.element, kind.root) == ("xnat:ecgSessionData", "xnat:ECGSession")
    assert table.lead_family({"1.2.840.10008.5.1.4.1.1.9.1.1", RAW}).scan == "xnat:ecgScanData"
    assert table.session([series(MR, "MR"), series("1.2.840.10008.5.1.4.1.1.9.1.1")]) != kind


def test_a_site_moves_a_class_to_another_family(tmp_path: Path) -> None:
    table = site(tmp_path, "families:\n  - name: MR\n    classes: [1.3.46.670589.11.0.0.12.1]\n")
    assert table.lead_family({"1.3.46.670589.11.0.0.12.1"}).scan == "xnat:mrScanData"
    assert table.lead_family({MR}).scan == "xnat:mrScanData"
    assert table.is_primary("1.3.46.670589.11.0.0.12.1", "")


def test_a_site_replaces_an_order(tmp_path: Path) -> None:
    table = site(tmp_path, "session_order: [CT, PET, MR]\n")
    kind = table.session([series(PET, "PT"), series(CT, "CT")])
    assert kind is not None
    assert kind.element == "xnat:ctSessionData"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("families:\n  - name: X\n    colour: red\n", "line 3: unknown name"),
        ("families:\n  - scan: xnat:mrScanData\n", "line 2: a family needs a name"),
        ("families:\n  - name: X\n    scan: mrScan\n", "line 3: expected xnat:...ScanData"),
        ("families:\n  - name: X\n    classes: [MR]\n", "line 3: X: 'MR' is not a UID"),
        ("families:\n  - name: X\n    classes: 1.2\n", "line 3: expected a list"),
        (
            "families:\n  - name: X\n    primary: perhaps\n",
            "line 3: expected true, false or leading",
        ),
        ("families:\n  - name: X\n    session: xnat:xSessionData\n", "line 2: X: session and root"),
        ("scan_order:\n  - MR\n  - NIX\n", "line 3: scan_order: there is no family 'NIX'"),
        ("scan_order: [MR, MR]\n", "line 1: scan_order: MR stands there twice"),
        ("session_order: [SEG]\n", "line 1: session_order: the family SEG has no session"),
        ("modality_order: [../x]\n", "line 1: modality_order: '../x' cannot be part"),
        ("- a\n", "line 1: expected names with values"),
        ("families: [\n", "line 2:"),
        ("a: \x01\n", "line 1: the file holds characters"),
    ],
)
def test_a_faulty_file_is_refused_with_its_lines(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(TypesError) as error:
        site(tmp_path, text)
    assert any(line.startswith(problem) for line in error.value.problems), error.value.problems


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert site(tmp_path, "# nothing\n").scan_order == TABLE.scan_order
