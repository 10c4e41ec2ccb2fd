# SPDX-License-Identifier: Apache-2.0
"""Scripts of version 4.2: everything is worked out from the object as it came, and the first
statement for an element wins."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.uids import generated_uid, hash_uid
from engine.model.changes import ScriptOutcome
from tests.engine.anonymize.subjects import ALL_PRIVATE_42, SECRET, data_set, plain, private, ran

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple() -> Dataset:
    dataset = data_set(
        SOPInstanceUID="1.2.3",
        Modality="MR",
        StudyDescription="",
        PatientName="Doe",
        PatientID="12",
        OtherPatientIDs=["1", "2"],
        ReferencedImageSequence=[data_set(PatientID="12")],
    )
    private(dataset, 0x0019, "ACME", 0x01, "LO", "one")
    private(dataset, 0x0019, "ACME", 0x02, "UN", b"un")
    return dataset


WRITTEN = {
    "the first wins": ('(0010,0010) := "a"\n(0010,0010) := "b"', "PatientName", "a"),
    "nothing sees changes": (
        '(0010,0010) := (0010,0020)\n(0010,0020) := "x"\n(0008,1030) := (0010,0020)',
        "StudyDescription",
        "12",
    ),
    "conditions neither": (
        '(0010,0020) := "x"\n(0010,0020) = "12" : (0010,0010) := "seen"',
        "PatientName",
        "seen",
    ),
    "all conditions": (
        '(0010,0020) = "12" : (0008,0060) ~ "M." : (0010,0010) := "both"',
        "PatientName",
        "both",
    ),
    "not only one": (
        '(0010,0020) = "12" : (0008,0060) = "CT" : (0010,0010) := "both"',
        "PatientName",
        "Doe",
    ),
    "missing is missing": ('(0010,0030) = (0010,0032) : (0010,0010) := "x"', "PatientName", "x"),
    "missing matches nothing": ('(0010,0030) ~ ".*" : (0010,0010) := "x"', "PatientName", "Doe"),
    "null empties": ("(0010,0010) := (0010,0030)", "PatientName", ""),
    "null stays null": ("(0010,0010) := lowercase[(0010,0030)]", "PatientName", ""),
    "all of it has to match": ('(0010,0010) := match[(0010,0020), "1", 0]', "PatientName", ""),
    "a group": ('(0010,0010) := match[(0010,0020), "1(.)", 1]', "PatientName", "2"),
    "form encoding": ('(0010,0010) := urlEncode["a b"]', "PatientName", "a+b"),
    "a pattern": ('(0010,0010) := "{1}-{0}" (0010,0020), subject', "PatientName", "SUBJ-12"),
    "a substring": ('(0010,0010) := substring["abc", 0, 2]', "PatientName", "ab"),
    "a declaration anywhere": ('(0010,0010) := NAME\nname := "late"', "PatientName", "late"),
    "a declaration of the object": (
        '(0010,0020) := "x"\nold := (0010,0020)\n(0010,0010) := old',
        "PatientName",
        "12",
    ),
    "a hash": ("(0008,0018) := hashUID[(0008,0018)]", "SOPInstanceUID", hash_uid("1.2.3")),
    "a new UID for an old one": (
        "(0008,0018) := new UID",
        "SOPInstanceUID",
        generated_uid(SECRET, "(0008,0018)", "1.2.3"),
    ),
    "what matches, with wildcards": ('(0010,002X) := "x"', "PatientID", "x"),
}


@BOTH
@pytest.mark.parametrize(("text", "keyword", "expected"), WRITTEN.values(), ids=WRITTEN)
def test_what_is_written(text: str, keyword: str, expected: str, explicit: bool) -> None:
    result = ran(text, simple(), version="", explicit=explicit)
    assert result.dataset[keyword].value == expected


@BOTH
def test_hash_if_it_looks_like_one_else_delete(explicit: bool) -> None:
    text = '(0008,0018) ~ "[0-9.]+" : (0008,0018) := hashUID[(0008,0018)]\n-(0008,0018)'
    dataset = ran(text, simple(), version="", explicit=explicit).dataset
    assert dataset.SOPInstanceUID == hash_uid("1.2.3")
    other = simple()
    other.SOPInstanceUID = "-"
    assert "SOPInstanceUID" not in ran(text, other, version="", explicit=explicit).dataset


@BOTH
def test_order_decides_between_deleting_and_writing(explicit: bool) -> None:
    text = '-(0010,0010)\n(0010,0010) := "x"\n(0010,0020) := "y"\n-(0010,0020)'
    dataset = ran(text, simple(), version="", explicit=explicit).dataset
    assert "PatientName" not in dataset
    assert dataset.PatientID == "y"


@BOTH
def test_private_elements_have_real_numbers_and_creators_no_protection(explicit: bool) -> None:
    text = '(0019,1001) := "x"\n(0019,1002) := "y"\n(0021,1001) := "z"'
    dataset = ran(text, simple(), version="", explicit=explicit).dataset
    assert [plain(dataset, tag) for tag in (0x00191001, 0x00191002, 0x00211001)] == ["x", "y", "z"]
    if explicit:
        assert {dataset[0x0019, 0x1002].VR, dataset[0x0021, 0x1001].VR} == {"LO"}
    bare = ran(ALL_PRIVATE_42, simple(), version="", explicit=explicit).dataset
    assert not [one for one in bare if one.tag.is_private]


@BOTH
def test_only_the_root_is_met_and_sequences_go_as_a_whole(explicit: bool) -> None:
    dataset = ran("-(0010,0020)", simple(), version="", explicit=explicit).dataset
    assert dataset.ReferencedImageSequence[0].PatientID == "12"
    assert "ReferencedImageSequence" not in ran("-(0008,1140)", simple(), version="").dataset


def test_wildcards_make_nothing() -> None:
    assert not ran('(0010,22XX) := "x"', simple(), version="").subject.changed


def test_echoes_come_in_the_order_of_the_text() -> None:
    result = ran('echo "a"\necho\necho (0010,0010)', simple(), version="")
    assert result.applied.echoes == ("a", "", "Doe")
    assert result.applied.outcome is ScriptOutcome.UNCHANGED


def test_a_new_uid_is_the_same_wherever_the_old_one_was() -> None:
    first = ran("(0008,0018) := new UID", simple(), version="").dataset
    again = ran("(0008,0018) := new UID", simple(), version="").dataset
    assert first.SOPInstanceUID == again.SOPInstanceUID
    missing = ran("(0020,000D) := new UID", simple(), version="").dataset
    assert missing.StudyInstanceUID.startswith("2.25.")


def test_errors_have_their_place() -> None:
    with pytest.raises(ScriptError) as caught:
        ran('echo "a"\n(0028,0010) := (0010,0010)', simple(), version="")
    assert (caught.value.line, caught.value.column) == (2, 1)
    assert "Doe" not in str(caught.value)
    with pytest.raises(ScriptError, match="subject"):
        ran("(0010,0010) := subject", simple(), version="", host={})
