# SPDX-License-Identifier: Apache-2.0
"""The functions that shift dates, called by scripts."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.model.changes import ScriptOutcome
from tests.engine.anonymize.subjects import data_set, ran

BOTH = pytest.mark.parametrize("explicit", [True, False])


def simple(**values: object) -> Dataset:
    return data_set(
        **{
            "StudyDate": "20200228",
            "AcquisitionDateTime": "20230519133022.123",
            "SeriesDate": "",
            "DateOfSecondaryCapture": ["20200101", "20200201"],
            "PatientID": "12",
            "ReferencedStudySequence": [
                data_set(StudyDate="20181231", PatientBirthDate="19000101", PatientAge="100Y")
            ],
            **values,
        }
    )


@BOTH
def test_a_shifted_date_is_given_and_nothing_is_changed_by_itself(explicit: bool) -> None:
    text = """
    shiftDateByIncrement[(0008,0020), 1]
    (0008,0021) := shiftDateByIncrement[(0008,0020), 2]
    (0008,0022) := shiftDateByIncrement["20181231", "1", "YEARS"]
    (0008,002A) := shiftDateTimeByIncrement[(0008,002A), -46813]
    (0008,0023) := shiftDateTimeByIncrement[(0008,0020), 12, "hours"]
    """
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert dataset.StudyDate == "20200228"
    assert dataset.SeriesDate == "20200301"
    assert dataset.AcquisitionDate == "20191231"
    assert dataset.AcquisitionDateTime == "20230519003009.123"
    assert dataset.ContentDate == "20200229"


@BOTH
def test_dates_are_shifted_in_place(explicit: bool) -> None:
    text = """
    shiftDateTimeSequenceByIncrement[86400, "*/(0008,0020)", "(0008,0021)"]
    shiftDateTimeListByIncrement[{ (0018,1012), "(0008,002A)", (0008,0021) }, 1, "days"]
    """
    dataset = ran(text, simple(), explicit=explicit).dataset
    assert dataset.StudyDate == "20200229"
    assert dataset.ReferencedStudySequence[0].StudyDate == "20190101"
    assert dataset.SeriesDate == ""
    assert dataset.DateOfSecondaryCapture == ["20200102", "20200202"]
    assert dataset.AcquisitionDateTime == "20230520133022.123"


@pytest.mark.parametrize(
    "call",
    [
        "shiftDateByIncrement[(0008,0021), 1]",
        "shiftDateByIncrement[(0008,0022), 1]",
        "shiftDateByIncrement[(0010,0020), 1]",
        "shiftDateByIncrement[(0008,002A), 1]",
        "shiftDateTimeByIncrement[(0010,0020), 1]",
        "shiftDateByIncrement[(0008,0020), subject]",
        "shiftDateByIncrement[(0008,0020), 1, subject]",
        'shiftDateTimeListByIncrement[{ (0010,0020) }, 1, "days"]',
        'shiftDateTimeSequenceByIncrement[1, "(0010,0020)"]',
    ],
)
def test_what_cannot_be_shifted_is_an_error(call: str) -> None:
    with pytest.raises(ScriptError):
        ran(f"x := subject\n{call}", simple())


def test_the_error_of_a_list_names_the_element_and_not_its_value() -> None:
    with pytest.raises(ScriptError, match=r"^\(0008,0023\): Failed to parse a date") as fault:
        ran(
            'shiftDateTimeListByIncrement[{ */(0008,0023) }, 1, "days"]',
            simple(ContentDate="20190229"),
        )
    assert "20190229" not in fault.value.message


ODD = {"AdmittingDate": "2019.01.05", "ContentDate": "20190229", "SeriesDate": "19000101"}


@BOTH
@pytest.mark.parametrize(
    ("call", "odd"),
    [
        ("dates, -10", None),
        ('dates, "-10", ""', ""),
        ('dates, -10, "19000101"', "19000101"),
    ],
)
def test_what_is_no_date_is_replaced_at_every_depth(
    call: str, odd: str | None, explicit: bool
) -> None:
    text = f"""
    dates := {{ */(0008,0020), */(0008,0021), */(0008,0023), */(0008,0024), */(0038,0020) }}
    anteroom_shiftDates[{call}]
    """
    inner = data_set(StudyDate="20181231", **ODD)
    before = data_set(StudyDate="20200228", OverlayDate="", **ODD, ReferencedStudySequence=[inner])
    after = ran(text, before, explicit=explicit).dataset
    assert (after.StudyDate, after.OverlayDate) == ("20200218", "")
    assert after.ReferencedStudySequence[0].StudyDate == "20181221"
    for level in (after, after.ReferencedStudySequence[0]):
        assert [level.get(keyword) for keyword in ODD] == [odd] * len(ODD)


def test_a_sequence_in_place_of_a_date_goes() -> None:
    before = data_set(PatientID="1")
    before.add_new(0x00080020, "SQ", [data_set(PatientName="Doe")])
    text = 'dates := { (0008,0020) }\nanteroom_shiftDates[dates, 1, "19000101"]'
    assert "StudyDate" not in ran(text, before).dataset


@BOTH
def test_nobody_looks_older_than_89(explicit: bool) -> None:
    values = {"PatientBirthDate": "19200228", "PatientAge": "100Y"}
    dataset = ran(
        "scalePatientAgeAndDobFromStudyDate[]", simple(**values), explicit=explicit
    ).dataset
    # 100 years are 36525 days, 4019 more than 89 years.
    assert dataset.PatientBirthDate == "19310301"
    assert dataset.PatientAge == "089Y"
    inner = dataset.ReferencedStudySequence[0]
    assert inner.PatientBirthDate == "19110103"
    assert inner.PatientAge == "089Y"


@pytest.mark.parametrize(
    ("values", "birth", "age"),
    [
        ({"PatientBirthDate": "19900101", "PatientAge": "095Y"}, "19900101", "089Y"),
        ({"PatientBirthDate": "19900101", "PatientAge": "089Y"}, "19900101", "089Y"),
        ({"PatientBirthDate": "", "PatientAge": "095Y"}, "", "089Y"),
        ({"PatientBirthDate": "never", "PatientAge": "095Y"}, "never", "089Y"),
        (
            {"PatientBirthDate": "19000101", "PatientAge": "095Y", "StudyDate": ""},
            "19000101",
            "095Y",
        ),
        ({"PatientBirthDate": "19990101", "PatientAge": "999M"}, "19990101", "999M"),
    ],
)
def test_birth_date_and_age_are_scaled_by_themselves(
    values: dict[str, object], birth: str, age: str
) -> None:
    dataset = ran("scalePatientAgeAndDobFromStudyDate[]", simple(**values)).dataset
    assert (dataset.PatientBirthDate, dataset.PatientAge) == (birth, age)


def test_an_age_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(ScriptError):
        ran("scalePatientAgeAndDobFromStudyDate[1]", simple(PatientAge="old"))


def test_scaling_twice_changes_nothing_more() -> None:
    values = {"PatientBirthDate": "19200228", "PatientAge": "100Y"}
    text = "scalePatientAgeAndDobFromStudyDate[]"
    once = ran(text, simple(**values)).dataset
    assert ran(text, once).applied.outcome is ScriptOutcome.UNCHANGED
