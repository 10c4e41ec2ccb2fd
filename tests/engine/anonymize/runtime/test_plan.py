# SPDX-License-Identifier: Apache-2.0
"""Statements, conditions and variables of version 6 over objects, in both encodings; pydicom reads
what comes out."""

from __future__ import annotations

import itertools

import pytest
from pydicom.dataset import Dataset

import engine.anonymize.runtime.run
from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime import compiler, plain
from engine.anonymize.runtime.plan import SECONDS
from engine.model.changes import ScriptOutcome
from tests.engine.anonymize.subjects import data_set, private, ran

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple() -> Dataset:
    return data_set(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        SOPInstanceUID="1.2.3",
        StudyDate="20230519",
        Modality="MR",
        AccessionNumber="A 1",
        ImageType=["ORIGINAL", "PRIMARY"],
        StudyDescription="",
        PatientName="Doe^Jane",
        PatientID="12",
        Rows=512,
        EchoTime="3.0",
        RealWorldValueFirstValueMapped=5,
        ReferencedImageSequence=[
            data_set(ReferencedSOPInstanceUID="1.2.3.4"),
            data_set(ReferencedSOPInstanceUID="1.2.3.5", PatientID="12"),
        ],
    )


ASSIGNED = {
    "a new element by the dictionary": (
        '(0010,0030) := "20000101"',
        "PatientBirthDate",
        "20000101",
    ),
    "an empty text empties": ('(0010,0010) := ""', "PatientName", ""),
    "a text with a backslash": ('(0008,0008) := "A\\\\B"', "ImageType", ["A", "B"]),
    "a number": ("(0028,0010) := 7", "Rows", 7),
    "several numbers": ('(0018,1310) := "1\\\\2"', "AcquisitionMatrix", [1, 2]),
    "a float": ('(0018,9087) := "2.5"', "DiffusionBValue", 2.5),
    "no number for an empty text": ('(0028,0010) := ""', "Rows", None),
    "the value of a path": ("(0010,0010) := (0010,0020)", "PatientName", "12"),
    "a binary value as text": ("(0010,0010) := (0028,0010)", "PatientName", "512"),
    "several values joined": ("(0010,4000) := (0008,0008)", "PatientComments", "ORIGINAL\\PRIMARY"),
    "the stored text of a decimal": ("(0010,0010) := (0018,0081)", "PatientName", "3.0"),
    "a host variable": ("(0010,0010) := subject", "PatientName", "SUBJ"),
    "a host variable in another case": ("(0010,0010) := Session", "PatientName", "SESS"),
    "a boolean": ("(0010,0010) := isPresent[(0008,0060)]", "PatientName", "true"),
    "a tag": ('(0028,0009) := "00181063"', "FrameIncrementPointer", 0x00181063),
    "long text keeps backslashes": ('(0010,4000) := "a\\\\b"', "PatientComments", "a\\b"),
    "what is set later counts": (
        '(0010,0010) := "a"\n(0010,0020) := (0010,0010)',
        "PatientID",
        "a",
    ),
    "nothing for a missing source": ("(0010,0010) := (0010,0030)", "PatientName", "Doe^Jane"),
    "nothing for a missing item": (
        "(0010,0010) := (0008,1140)[7]/(0008,1155)",
        "PatientName",
        "Doe^Jane",
    ),
    "no text of a sequence": ("(0010,0010) := (0008,1140)", "PatientName", "Doe^Jane"),
    "if it exists": ('(0010,0020) ?= "x"', "PatientID", "x"),
    "if it is empty it exists": ('(0008,1030) ?= "x"', "StudyDescription", "x"),
    "a value of an item": (
        "(0010,0010) := (0008,1140)[1]/(0008,1155)",
        "PatientName",
        "1.2.3.5",
    ),
}


@BOTH
@pytest.mark.parametrize(("text", "keyword", "expected"), ASSIGNED.values(), ids=ASSIGNED)
def test_assignments_write_what_pydicom_reads(
    text: str, keyword: str, expected: object, explicit: bool
) -> None:
    found = ran(text, simple(), explicit=explicit).dataset[keyword]
    value = found.value
    assert (list(value) if isinstance(expected, list) else value) == expected


@BOTH
def test_a_missing_source_makes_no_target_and_if_exists_makes_nothing(explicit: bool) -> None:
    text = '(0010,0030) := (0010,0031)\n(0010,0032) ?= "1"\n(0010,1000) ?= (0010,0020)'
    result = ran(text, simple(), explicit=explicit)
    assert result.applied.outcome is ScriptOutcome.UNCHANGED
    assert "PatientBirthDate" not in result.dataset


@BOTH
def test_what_leads_to_an_element_is_made(explicit: bool) -> None:
    text = '(0008,1110)[1]/(0008,1155) := "1.9"\n(0008,1140)[2]/(0008,1150) := "1.8"'
    dataset = ran(text, simple(), explicit=explicit).dataset
    made = dataset.ReferencedStudySequence
    assert [len(item) for item in made] == [0, 1]
    assert made[1].ReferencedSOPInstanceUID == "1.9"
    grown = dataset.ReferencedImageSequence
    assert len(grown) == 3
    assert grown[2].ReferencedSOPClassUID == "1.8"
    assert grown[1].ReferencedSOPInstanceUID == "1.2.3.5"


@BOTH
def test_a_sequence_is_made_empty_or_left(explicit: bool) -> None:
    text = '(0008,1110) := "x"\n(0008,1140) := "x"\n(0008,1115)[0] := "x"'
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert len(dataset.ReferencedStudySequence) == 0
    assert len(dataset.ReferencedImageSequence) == 2
    assert len(dataset.ReferencedSeriesSequence) == 1


@BOTH
def test_if_exists_reaches_every_depth_once(explicit: bool) -> None:
    dataset = ran(
        '*/(0010,0020) ?= "X"\n+/(0008,1155) ?= "1.1"', simple(), explicit=explicit
    ).dataset
    assert dataset.PatientID == "X"
    assert dataset.ReferencedImageSequence[1].PatientID == "X"
    assert [item.ReferencedSOPInstanceUID for item in dataset.ReferencedImageSequence] == [
        "1.1"
    ] * 2
    assert dataset.SOPInstanceUID == "1.2.3"


@pytest.mark.parametrize(
    "text",
    [
        "(0028,0010) := (0010,0010)",
        '(0028,0010) := concatenate["70", "000"]',
        "(0028,0106) := concatenate[subject]",
        "x := (0010,0030)\n(0010,0010) := lowercase[x]",
        "(0018,9087) := (0010,0010)",
        'set["(0010,0020)[0]/(0010,0010)", "x"]',
    ],
)
@BOTH
def test_what_cannot_be_written_is_an_error_with_its_place(text: str, explicit: bool) -> None:
    with pytest.raises(ScriptError) as caught:
        ran(text, simple(), explicit=explicit)
    assert caught.value.line == 1 + len(text.split("\n"))
    assert caught.value.column == 1
    assert "Doe" not in caught.value.message


@BOTH
def test_deleting(explicit: bool) -> None:
    text = "- (0010,0010)\n- (0010,9999)\n-(0008,11XX)[0]/(0008,1155)\n- (0008,0008)"
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert "PatientName" not in dataset
    assert "ImageType" not in dataset
    assert len(dataset.ReferencedImageSequence) == 2
    assert len(dataset.ReferencedImageSequence[0]) == 0
    assert dataset.ReferencedImageSequence[1].ReferencedSOPInstanceUID == "1.2.3.5"


@BOTH
def test_an_item_is_emptied_and_stays(explicit: bool) -> None:
    items = ran("-(0008,1140)[0]", simple(), explicit=explicit).dataset.ReferencedImageSequence
    assert [len(item) for item in items] == [0, 2]
    items = ran("-(0008,1140)[%]", simple(), explicit=explicit).dataset.ReferencedImageSequence
    assert [len(item) for item in items] == [0, 0]


@BOTH
def test_a_sequence_goes_as_a_whole_and_a_path_from_the_root_stays_there(explicit: bool) -> None:
    assert "ReferencedImageSequence" not in ran("-(0008,11XX)", simple(), explicit=explicit).dataset
    dataset = ran("-(0010,002X)", simple(), explicit=explicit).dataset
    assert "PatientID" not in dataset
    assert dataset.ReferencedImageSequence[1].PatientID == "12"


CONDITIONS = {
    "equal": ('(0010,0020) = "12"', True),
    "not equal in case": ('(0008,0060) = "mr"', False),
    "missing is not equal to missing": ("(0010,0030) = (0010,0031)", False),
    "missing is different": ('(0010,0030) != "x"', True),
    "different": ('(0010,0020) != "13"', True),
    "texts, not numbers": ('"3.0" = 3', False),
    "a binary number by its text": ('(0028,0010) = "512"', True),
    "all of it": ('(0010,0010) ~ "Doe.*"', True),
    "not a part": ('(0010,0010) ~ "Doe"', False),
    "contains": ('(0010,0010) ~ ".*Jane.*"', True),
    "missing matches nothing": ('(0010,0030) ~ ".*"', False),
    "missing matches not": ('(0010,0030) !~ ".*"', True),
    "empty exists": ('(0008,1030) ~ ".*"', True),
    "empty is empty": ('(0008,1030) = ""', True),
    "missing or empty": ('(0008,1030) !~ ".+"', True),
    "joined values": ('(0008,0008) = "ORIGINAL\\\\PRIMARY"', True),
    "one backslash in an expression": ('(0008,0008) ~ ".*\\\\\\\\PRIMARY"', True),
    "a call": ("isPresent[(0008,1030)]", True),
    "a call that says no": ("false[]", False),
    "a call whose text is true": ('lowercase["TRUE"]', True),
    "a call whose text is not": ('lowercase["yes"]', False),
    "an expression from the object": ('"12" ~ (0010,0020)', True),
}


@BOTH
@pytest.mark.parametrize(("condition", "holds"), CONDITIONS.values(), ids=CONDITIONS)
def test_conditions(condition: str, holds: bool, explicit: bool) -> None:
    text = f'{condition} ? (0010,4000) := "yes" : (0010,4000) := "no"'
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert dataset.PatientComments == ("yes" if holds else "no")
    block = f'if ({condition}) {{ (0010,4000) := "yes" }} else {{ (0010,4000) := "no" }}'
    assert ran(block, simple(), explicit=explicit).dataset == dataset


def test_a_condition_without_a_second_action_may_do_nothing() -> None:
    assert ran("false[] ? - (0010,0010)", simple()).applied.outcome is ScriptOutcome.UNCHANGED


def test_only_the_first_true_arm_runs_and_later_conditions_are_not_asked() -> None:
    text = """
    if ((0008,0060) = "CT") { (0010,4000) := "ct" }
    elseif ((0008,0060) = "MR") { (0010,4000) := "mr"  (0008,0060) := "US" }
    elseif (lowercase[(0010,0031)] = "x") { (0010,4000) := "never" }
    else { (0010,4000) := "else" }
    (0008,0060) = "US" ? (0008,0050) := "seen"
    """
    dataset = ran(text, simple()).dataset
    assert dataset.PatientComments == "mr"
    assert dataset.AccessionNumber == "seen"


def test_an_expression_without_a_value_is_an_error() -> None:
    with pytest.raises(ScriptError):
        ran("(0010,0020) ~ (0010,0030) ? echo subject", simple())


def test_a_broken_expression_of_the_object_is_an_error_that_does_not_quote_it() -> None:
    dataset = simple()
    dataset.PatientComments = "(secret"
    with pytest.raises(ScriptError) as caught:
        ran('"a" ~ (0010,4000) ? echo subject', dataset)
    assert "secret" not in caught.value.message


def test_variables_hold_texts_lists_and_null() -> None:
    text = """
    a := (0010,0020)
    (0010,0020) := "changed"
    (0008,0050) := a
    a := "again"
    true[] ? b := a
    (0010,4000) := b
    none := (0010,0030)
    (0008,1030) := none
    project := "mine"
    (0008,0080) := project
    tags := { (0010,0010), "(0008,0060)", { (0008,0020) } }
    removeTags[tags]
    """
    dataset = ran(text, simple()).dataset
    assert dataset.AccessionNumber == "12"
    assert dataset.PatientComments == "again"
    assert dataset.StudyDescription == ""
    assert dataset.InstitutionName == "mine"
    assert not {"PatientName", "Modality", "StudyDate"}.intersection(dataset.dir())


def test_variables_start_anew_for_each_object() -> None:
    text = '(0008,0060) = "MR" ? x := "kept"\n(0008,0060) = "CT" ? (0010,4000) := x\nx := "y"'
    ran(text, simple())
    other = simple()
    other.Modality = "CT"
    with pytest.raises(ScriptError, match="“x” has no value"):
        ran(text, other)


def test_a_variable_that_the_host_does_not_give_is_an_error() -> None:
    with pytest.raises(ScriptError, match="subject"):
        ran("(0010,0010) := subject", simple(), host={})


def test_echoes_come_back_and_change_nothing() -> None:
    result = ran('echo "a"\necho (0010,0010)\necho\necho (0010,0030)', simple())
    assert result.applied.echoes == ("a", "Doe^Jane", "", "null")
    assert result.applied.outcome is ScriptOutcome.UNCHANGED


def test_descriptions_do_nothing() -> None:
    text = 'describe subject "who"\ndescribe session hidden\nexport subject "f"'
    assert ran(text, simple()).applied.outcome is ScriptOutcome.UNCHANGED


@pytest.mark.parametrize("text", ["", "// nothing"])
def test_an_empty_script_changes_nothing(text: str) -> None:
    assert ran(text, simple()).applied.outcome is ScriptOutcome.UNCHANGED


def test_writing_what_is_there_already_changes_nothing() -> None:
    text = '(0010,0010) := "Doe^Jane"\n(0028,0010) := 512\n(0008,1140) := ""\n(0018,0081) := "3.0"'
    assert ran(text, simple()).applied.outcome is ScriptOutcome.UNCHANGED


def test_what_is_taken_back_by_the_script_itself_changes_nothing() -> None:
    text = '(0010,0010) := "x"\n(0010,0010) := "Doe^Jane"\n(0010,1000) := "y"\n- (0010,1000)'
    assert ran(text, simple()).applied.outcome is ScriptOutcome.UNCHANGED


@pytest.mark.parametrize("version", ["6.7", ""])
def test_the_limit_of_a_run_is_processor_time(
    monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    # An hour passes whenever somebody looks at the clock: the machine is busy, not the script.
    hours = itertools.count(0.0, 3600.0)
    for module in (compiler, plain, engine.anonymize.runtime.run):
        monkeypatch.setattr(module, "monotonic", lambda: next(hours))
    text = '(0010,0010) := "a"\necho "b"\n(0010,0020) := "c"'
    assert ran(text, simple(), version=version).applied.outcome is ScriptOutcome.CHANGED
    used = itertools.count(0.0, SECONDS + 1)
    monkeypatch.setattr(engine.anonymize.runtime.run, "thread_time", lambda: next(used))
    with pytest.raises(ScriptError, match="too long") as caught:
        ran(text, simple(), version=version)
    assert caught.value.line


def test_a_run_has_a_time_limit() -> None:
    with pytest.raises(ScriptError, match="too long") as caught:
        ran('echo "a"', simple(), seconds=-1.0)
    assert caught.value.line == 2


def test_items_are_not_made_without_end() -> None:
    with pytest.raises(ScriptError, match="items"):
        ran('(0008,1140)[999999]/(0008,1155) := "1"', simple())


def test_an_object_goes_as_deep_as_headers_do_and_not_deeper() -> None:
    path = "/".join(["(0008,1140)[0]"] * 80) + "/(0008,1155)"
    with pytest.raises(ScriptError, match="deep"):
        ran(f'{path} := "1"', simple())


@BOTH
def test_an_empty_element_can_become_a_sequence(explicit: bool) -> None:
    dataset = simple()
    private(dataset, 0x0011, "ACME", 0x10, "UN", b"")
    text = '(0011,{ACME}10)[0]/(0008,1155) := "1.5"'
    result = ran(text, dataset, explicit=explicit)
    found = result.dataset[0x0011, 0x1010].value
    assert found[0].ReferencedSOPInstanceUID == "1.5"
