# SPDX-License-Identifier: Apache-2.0
"""The functions that make texts of texts, called by scripts."""

from __future__ import annotations

import pytest
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.lookups import LookupTable
from tests.engine.anonymize.subjects import data_set, ran

TABLE = LookupTable(entries={("pid", "12"): "P-1"})
UNTOUCHED = "as before"


def simple() -> Dataset:
    return data_set(
        PatientName="Dœ^Jane",
        PatientID="12",
        PatientComments=UNTOUCHED,
        StudyDescription="",
        SpecificCharacterSet="ISO_IR 192",
        OperatorsName=["A", "B"],
    )


GIVEN = {
    'concatenate["a", (0010,0020), 3, subject]': "a123SUBJ",
    'concatenate["a", (0008,1030)]': "a",
    'concatenate["a"]': "a",
    'format["{1}-{0}-{1}", "a", (0010,0020)]': "12-a-12",
    'format["{0} {2}", "a"]': "a {2}",
    "format[\"'{0}' it''s\", \"a\"]": "{0} it's",
    'format["{0}", (0010,0030)]': "null",
    'format["{0}{1}{2}", { "a", { "b" } }, "c"]': "abc",
    "lowercase[(0010,0010)]": "dœ^jane",
    "uppercase[(0010,0010)]": "DŒ^JANE",
    'substring["012345", 2, "4"]': "23",
    'substring["012", 3, 3]': "",
    'replace["aXbX", "X", "--"]': "a--b--",
    'match["ab12cd34", "[0-9]+", 0]': "12",
    'match["ab12cd34", "([a-z])([0-9]+)", 2]': "12",
    'match["abc", "(?:([a-c]))+", 1]': "c",
    'match["abc", "x", 0]': UNTOUCHED,
    'ismatch["abc", "a.c"]': "true",
    'ismatch["abcd", "a.c"]': "false",
    "normalizeString[(0010,0010)]": "D_^Jane",
    'normalizeString[(0010,0010), "oe"]': "Doe^Jane",
    'normalizeString[(0010,0010), "$1"]': "D$1^Jane",
    "normalizeString[(0010,0030)]": UNTOUCHED,
    'lookup["pid", (0010,0020)]': "P-1",
    'lookup["pid", "13"]': UNTOUCHED,
    'lookup["PID", "12"]': UNTOUCHED,
    "hashUID[(0010,0030)]": UNTOUCHED,
    'hashUID["1.2.3.4.5"]': "2.25.281097975800109040096884226991818420711",
    "concatenate[(0008,1070)]": "A\\B",
    "true[]": "true",
}


@pytest.mark.parametrize("explicit", [True, False])
@pytest.mark.parametrize("call", GIVEN)
def test_a_call_gives(call: str, explicit: bool) -> None:
    text = f"(0010,4000) := {call}"
    result = ran(text, simple(), explicit=explicit, options={"lookups": TABLE})
    assert result.dataset.PatientComments == GIVEN[call]


@pytest.mark.parametrize(
    "call",
    [
        'concatenate["a", (0010,0030)]',
        "lowercase[(0010,0030)]",
        "uppercase[(0010,0030)]",
        "substring[(0010,0020), 1, 3]",
        'substring[(0010,0020), "2", "1"]',
        'substring["abc", (0010,0010), 2]',
        'replace[(0010,0030), "a", "b"]',
        'match[(0010,0030), "a", 0]',
        'ismatch[(0010,0030), "a"]',
        'format[(0010,0030), "a"]',
        'getURL["http://example.org/"]',
        "collectValues[(0010,0020)]",
        'match["a", (0010,0020), 4]',
    ],
)
def test_a_call_that_cannot_be_is_an_error(call: str) -> None:
    with pytest.raises(ScriptError) as caught:
        ran(f"x := {call}\n(0010,4000) := x", simple())
    assert caught.value.line in (2, 3)
    assert "Jane" not in str(caught.value)


OF_NOTHING_42 = [
    "lowercase[(0010,0030)]",
    "uppercase[(0010,0030)]",
    "substring[(0010,0030), 0, 4]",
    'match[(0010,0030), "(.*)", 1]',
    'replace[(0010,0030), "a", "b"]',
    "urlEncode[(0010,0030)]",
    "hashUID[(0010,0030)]",
    "urlEncode[substring[lowercase[(0010,0030)], 0, 4]]",
]


@pytest.mark.parametrize("call", OF_NOTHING_42)
def test_in_4_2_a_call_of_what_is_missing_is_as_if_it_were_missing_itself(call: str) -> None:
    text = f'{call} = (0010,0030) : (0010,0020) := "null"\n(0010,4000) := {call}\necho {call}'
    result = ran(text, simple(), version="")
    assert result.dataset.PatientComments == ""
    assert result.dataset.PatientID == "null"
    assert result.applied.echoes == ("null",)


@pytest.mark.parametrize("blank", ["", "  "])
def test_in_4_2_a_part_of_an_empty_text_is_that_text(blank: str) -> None:
    text = f'(0010,4000) := substring["{blank}", 0, 4]\n(0010,0020) := substring[(0008,1030), 1, 2]'
    result = ran(text, simple(), version="")
    assert (result.dataset.PatientComments, result.dataset.PatientID) == ("", "")
    with pytest.raises(ScriptError, match="no part from 0 to 4"):
        ran("(0010,4000) := substring[(0010,0020), 0, 4]", simple(), version="")


def test_what_is_constant_and_wrong_is_an_error_only_where_it_is_reached() -> None:
    text = 'false[] ? (0010,4000) := substring["abc", 2, 9]'
    assert not ran(text, simple()).subject.changed
    with pytest.raises(ScriptError, match="no part from 2 to 9"):
        ran(text.replace("false", "true"), simple())
