# SPDX-License-Identifier: Apache-2.0
"""The functions that remove, write, blank and look for elements, and those for all private ones."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.pixels.regions import Blanking
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidScript
from tests.engine.anonymize.subjects import (
    HOST,
    compiled,
    data_set,
    meta,
    opened,
    plain,
    private,
    ran,
    reread,
)

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple() -> Dataset:
    dataset = data_set(
        Modality="MR",
        StudyDescription="",
        ImageType=["A", "B"],
        AccessionNumber="Doe",
        PatientName="Doe",
        PatientID="12",
        PatientComments="Doe is 12",
        SeriesNumber="3",
        Rows=3,
        ReferencedImageSequence=[
            data_set(PatientID="12", PatientName="Jane"),
            data_set(PatientID="13"),
        ],
    )
    private(dataset, 0x0019, "Doe", 0x01, "LO", "12")
    return dataset


@BOTH
def test_tags_are_removed_like_by_delete(explicit: bool) -> None:
    text = """
    more := { "*/(0010,0020)", { (0008,0008) } }
    removeTags[(0010,0010), more, (0099,{NONE}01), (0019,{Doe}XX)]
    removeTags[]
    """
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert not {"PatientName", "PatientID", "ImageType"}.intersection(dataset.dir())
    assert [len(item) for item in dataset.ReferencedImageSequence] == [1, 0]
    assert (0x0019, 0x1001) not in dataset
    assert plain(dataset, 0x00190010) == "Doe"


def test_removing_by_a_text_that_is_no_path_is_an_error() -> None:
    with pytest.raises(ScriptError, match="path"):
        ran("removeTags[{ subject }]", simple())


def sequences() -> Dataset:
    code = data_set(CodeValue="Doe", CodeMeaning="Jane Doe", CodingSchemeDesignator="L")
    operator = data_set(PersonIdentificationCodeSequence=[code, code], PersonAddress="here")
    inner = data_set(OperatorIdentificationSequence=[operator], PatientID="12")
    return data_set(
        OperatorIdentificationSequence=[operator, operator], ReferencedImageSequence=[inner]
    )


@BOTH
def test_sequences_get_one_item_wherever_they_are(explicit: bool) -> None:
    text = """
    anteroom_replaceItems[*/(0008,1072), "(0040,1101)[0]/(0008,0100)", "X", \\
        "(0008,0080)", project, "(0008,0082)", ""]
    anteroom_replaceItems[{ (0008,1111), "(0008,1110)" }, "(0008,0100)", "X"]
    """
    dataset = ran(text, sequences(), explicit=explicit).dataset
    for level in (dataset, dataset.ReferencedImageSequence[0]):
        (item,) = level.OperatorIdentificationSequence
        (code,) = item.PersonIdentificationCodeSequence
        assert (code.CodeValue, len(code)) == ("X", 1)
        assert (item.InstitutionName, len(item.InstitutionCodeSequence)) == ("PROJ", 0)
        assert len(item) == 3
    assert dataset.ReferencedImageSequence[0].PatientID == "12"
    # What is not there is not made.
    assert len(dataset) == 2


@BOTH
def test_sequences_are_emptied_wherever_they_are(explicit: bool) -> None:
    once = ran("anteroom_replaceItems[*/(0008,1072)]", sequences(), explicit=explicit)
    for level in (once.dataset, once.dataset.ReferencedImageSequence[0]):
        assert level["OperatorIdentificationSequence"].value == []
    again = ran("anteroom_replaceItems[*/(0008,1072)]", once.dataset, explicit=explicit)
    assert again.applied.outcome is ScriptOutcome.UNCHANGED


def test_what_is_no_sequence_is_replaced_all_the_same() -> None:
    before = data_set(PatientID="12")
    before.add_new(0x00081072, "LO", "Jane Doe")
    assert ran("anteroom_replaceItems[(0008,1072)]", before).dataset[0x00081072].value == []


@pytest.mark.parametrize("call", ['"(0008,0100)"', '"(0008,0100)", "X", "(0008,0102)"', '"x", "y"'])
def test_items_are_told_in_pairs_of_path_and_value(call: str) -> None:
    with pytest.raises(InvalidScript):
        compiled(f"anteroom_replaceItems[(0008,1072), {call}]")


@BOTH
def test_direct_deletion_and_setting(explicit: bool) -> None:
    text = """
    delete["(0019,0010)"]
    delete["(0008,1140)[0]/(0010,0020)"]
    delete["(0008,1140)[1]"]
    delete["(0008,9999)"]
    set["(0021,0010)", "NEW"]
    set["(0021,1001)", (0010,0020)]
    set["(0008,1115)[1]/(0020,000E)", "1.2"]
    set["(0010,0010)", (0099,{NONE}01)]
    set["(F215,0010)", "HIGH"]
    """
    result = ran(text, simple(), explicit=explicit)
    dataset = result.dataset
    assert (0x0019, 0x0010) not in dataset
    assert plain(dataset, 0x00191001) == "12"
    first, second = dataset.ReferencedImageSequence
    assert "PatientID" not in first
    assert len(second) == 0
    assert plain(dataset, 0x00210010) == "NEW"
    assert plain(dataset, 0x00211001) == "12"
    assert dataset.ReferencedSeriesSequence[1].SeriesInstanceUID == "1.2"
    assert dataset.PatientName == "Doe"
    assert b"HIGH" in b"".join(result.subject.tail_pieces())


@pytest.mark.parametrize("tag", ["(0000,0010)", "(FFFE,E000)", "(0003,0010)"])
def test_groups_that_no_file_has_are_not_set(tag: str) -> None:
    with pytest.raises(ScriptError, match="group"):
        ran(f'set["{tag}", "x"]', simple())


@BOTH
def test_blanking_values_wherever_they_are_the_whole_text(explicit: bool) -> None:
    text = """
    found := collectValues[(0010,0010), (0008,1140)/(0010,0020), (0099,{NONE}01), { "A\\\\B", 3 }]
    - (0010,0010)
    blankValues[found]
    """
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert dataset.AccessionNumber == ""
    assert not dataset.PatientID
    assert dataset.PatientComments == "Doe is 12"
    assert dataset.Rows is None
    assert dataset.SeriesNumber is None
    assert not dataset.ImageType
    assert dataset.Modality == "MR"
    assert [item.PatientID for item in dataset.ReferencedImageSequence] == ["", ""]
    assert plain(dataset, 0x00190010) == "Doe"
    assert plain(dataset, 0x00191001) in ("", "None")


def test_blanking_reaches_group_2_and_leaves_the_character_set() -> None:
    group = meta(SourceApplicationEntityTitle="Doe", PrivateInformationCreatorUID="1.5")
    subject = opened(data_set(SpecificCharacterSet="ISO_IR 100", PatientName="Doe"), meta=group)
    compiled('blankValues["Doe", "ISO_IR 100"]').apply(subject, HOST)
    written = reread(subject.meta_bytes())
    assert not written[0x0002, 0x0016].value
    assert written[0x0002, 0x0100].value == "1.5"
    assert subject.text(0x00080005) == "ISO_IR 100"


@pytest.mark.parametrize("call", ["blankValues[]", 'blankValues[""]', 'blankValues["doe"]'])
def test_blanking_nothing(call: str) -> None:
    assert not ran(call, simple()).subject.changed


PRESENT = {
    "(0010,0010)": True,
    "(0010,0030)": False,
    "(0008,1030)": True,
    "(0010,0010), (0010,0020)": True,
    "(0010,0010), (0010,0030)": False,
    "{ (0010,0010), { (0010,0030) } }": False,
    "(0008,1140)": True,
    "(0008,1140)[1]": True,
    "(0008,1140)[2]": False,
    "(0008,1140)[0]/(0010,0010)": True,
    "(0008,1140)[1]/(0010,0010)": False,
    "(0019,{Doe}01)": True,
    "(0019,{Doe}02)": False,
    "(0019,{OTHER}01)": False,
}


@BOTH
@pytest.mark.parametrize("paths", PRESENT)
def test_presence(paths: str, explicit: bool) -> None:
    result = ran(f"echo isPresent[{paths}]", simple(), explicit=explicit)
    assert result.applied.echoes == ("true" if PRESENT[paths] else "false",)
    assert not result.subject.changed


def test_presence_asks_for_paths_of_one_element() -> None:
    with pytest.raises(ScriptError):
        ran("x := { */(0010,0010) }\nisPresent[x] ? echo subject", simple())


def test_rejection_ends_the_run() -> None:
    text = '(0008,0060) = "MR" ? reject[]\n(0010,0010) := lowercase[(0010,0030)]'
    assert ran(text, simple()).applied.outcome is ScriptOutcome.REJECTED
    assert ran("reject[isPresent[(0010,0010)]]", simple()).applied.outcome is (
        ScriptOutcome.REJECTED
    )


def test_rejection_that_is_not_meant_or_not_wanted_does_nothing() -> None:
    text = 'reject[isPresent[(0010,0030)]]\n(0010,0010) := "x"'
    assert ran(text, simple()).applied.outcome is ScriptOutcome.CHANGED
    result = ran('reject[]\n(0010,0010) := "x"', simple(), rejecting=False)
    assert result.applied.outcome is ScriptOutcome.CHANGED
    assert result.applied.notes == ("line 2: reject is switched off here",)
    assert result.dataset.PatientName == "x"


def test_calls_of_alter_pixels_are_collected() -> None:
    text = """
    alterPixels["rectangle", "l=1, t=2, r=30, b=40", "solid", "v=7"]
    false[] ? alterPixels["rectangle", "l=0,t=0,r=1,b=1", "solid", "v=0"]
    alterPixels["Rectangle", "left=0,top=0,right=1,bottom=1", "solid", "r=1,g=2,b=3"]
    """
    result = ran(text, simple())
    assert [one.asked for one in result.applied.pixels] == [
        Blanking(left=1, top=2, right=30, bottom=40, values=(7,)),
        Blanking(left=0, top=0, right=1, bottom=1, values=(1, 2, 3)),
    ]
    assert [one.statement.line for one in result.applied.pixels] == [3, 5]
    assert result.applied.outcome is ScriptOutcome.CHANGED
    with pytest.raises(ScriptError):
        ran('alterPixels["rectangle", subject, "solid", "v=0"]', simple())


def secretive() -> Dataset:
    """Private elements at the root, in items, in a private sequence, and one without a creator."""
    inner = data_set(PatientID="in")
    private(inner, 0x0019, "ACME", 0x01, "OB", b"\x00\x01\x02 ")
    private(inner, 0x0019, "ACME", 0x02, "LO", "inner two")
    below = data_set(PatientID="below")
    private(below, 0x0021, "DEEP", 0x01, "LO", "deep")
    dataset = data_set(PatientID="out", ReferencedImageSequence=[inner])
    private(dataset, 0x0019, "UNUSED", 0x09, "LO", "unused")
    private(dataset, 0x0019, "ACME", 0x01, "OB", b"\x00\x01\x02\x00")
    private(dataset, 0x0019, "ACME", 0x02, "LO", "two")
    private(dataset, 0x0019, "ACME", 0x03, "SQ", [below])
    dataset.add_new(0x00193001, "LO", "orphan")
    return dataset


def tags_of(dataset: Dataset) -> list[int]:
    return [int(one.tag) for one in dataset if one.tag.is_private]


@BOTH
def test_all_private_elements_go_at_every_depth(explicit: bool) -> None:
    result = ran("removeAllPrivateTags", secretive(), explicit=explicit)
    assert result.applied.stripped
    assert not [one for one in result.dataset.iterall() if one.tag.is_private]
    assert result.dataset.ReferencedImageSequence[0].PatientID == "in"
    again = ran("removeAllPrivateTags", result.dataset, explicit=explicit)
    assert again.applied.outcome is ScriptOutcome.UNCHANGED


@BOTH
def test_private_elements_that_are_named_stay_where_they_are(explicit: bool) -> None:
    dataset = ran("retainPrivateTags[(0019,{ACME}01)]", secretive(), explicit=explicit).dataset
    assert tags_of(dataset) == [0x00190011, 0x00191101]
    assert dataset[0x0019, 0x1101].value == b"\x00\x01\x02\x00"
    assert tags_of(dataset.ReferencedImageSequence[0]) == []
    assert dataset.ReferencedImageSequence[0].PatientID == "in"


@BOTH
def test_retaining_reaches_sequences_by_wildcards(explicit: bool) -> None:
    text = 'keep := { "*/(0019,{ACME}02)" }\nretainPrivateTags[keep, +/(0021,{DEEP}01)]'
    dataset = ran(text, secretive(), explicit=explicit).dataset
    assert tags_of(dataset) == [0x00190011, 0x00191102, 0x00191103]
    assert tags_of(dataset.ReferencedImageSequence[0]) == [0x00190010, 0x00191002]
    assert tags_of(dataset[0x0019, 0x1103].value[0]) == [0x00210010, 0x00211001]


@BOTH
def test_what_is_in_a_retained_sequence_stays(explicit: bool) -> None:
    dataset = ran("retainPrivateTags[(0019,{ACME}03)]", secretive(), explicit=explicit).dataset
    assert tags_of(dataset) == [0x00190011, 0x00191103]
    item = dataset[0x0019, 0x1103].value[0]
    assert tags_of(item) == [0x00210010, 0x00211001]
    assert item.PatientID == "below"


def test_only_private_tags_are_retained() -> None:
    with pytest.raises(ScriptError, match="private"):
        ran("x := { (0010,0010) }\nretainPrivateTags[x]", secretive())
