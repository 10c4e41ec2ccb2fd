# SPDX-License-Identifier: Apache-2.0
"""What is said about a script before it meets an object: what cannot work, and what is rarely
meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.functions.calls import FUNCTIONS as CALLS
from engine.anonymize.language.check import check, load
from engine.anonymize.language.signatures import FUNCTIONS
from engine.model.errors import InvalidScript
from engine.model.remarks import Remark, Severity
from tests.engine.anonymize.texts import SCRIPTS

VERSION = 'version "6.7"\n'


def said(text: str, *, version: str = VERSION) -> list[Remark]:
    return list(check(version + text))


def errors(text: str, *, version: str = VERSION) -> list[str]:
    found = said(text, version=version)
    return [one.message for one in found if one.severity is Severity.ERROR]


def warnings(text: str, *, version: str = VERSION) -> list[str]:
    found = said(text, version=version)
    return [one.message for one in found if one.severity is Severity.WARNING]


@pytest.mark.parametrize(
    "text",
    [
        "(0010,0010) := subject",
        'project != "Unassigned" ? (0008,1030) := project',
        "(0008,1140)[0]/(0008,1150) := session",
        '(0008,11XX) ?= ""',
        '(0019,{ACME}10) := "x"',
        "x := (0010,0020)\necho x",
        "x := {(0010,00XX), */(0008,1155)}\nremoveTags[x]",
        '(0028,0010) := "512"',
        '(0018,1320) := "1.5e3"',
        "(0028,0009) := (0018,1063)",
        'x := concatenate[subject, "_", 1, (0010,0020), lowercase["A"]]',
        'x := format["{0} {1}", {"a", "b"}]',
        'x := match[(0010,0020), "(a)(b)", 2]',
        'x := hashUID["1.2", "SHA-1"]',
        'if (true[]) { hashUIDList["*/(0008,1155)", {(0008,0018), {}}] }',
        'mapReferencedUIDs["1.2.3", "(0020,9221)/(0020,9164)"]',
        "(0008,0020) := shiftDateByIncrement[(0008,0020), -5]",
        '(0008,002A) := shiftDateTimeByIncrement[(0008,002A), "5", "Hours"]',
        'shiftDateTimeSequenceByIncrement[5, "*/(0040,A13A)"]',
        'shiftDateTimeListByIncrement[{(0008,0020)}, 5, "days"]',
        "scalePatientAgeAndDobFromStudyDate[]",
        'delete["(0011,0010)"]\nset["(0008,1140)[0]/(0008,1150)", (0008,0016)]',
        'retainPrivateTags["*/(0019,{A}10)", (0021,{B}XX), {(0029,{C}40)/*}]',
        'blankValues[collectValues["a", */(0010,0010)], subject]',
        "isPresent[(0008,1140)[0], {(0010,0010)}] ? -(0010,0010)",
        "isPresent[(0008,0018)] ? reject[]",
        "reject[false[]]",
        'alterPixels["Rectangle", "l=0, right = 10,t=0,b=10", "SOLID", "v=0"]',
        'x := "a"\nif (project = "A") { x := "b" } else { x := "c" }\necho x',
        "echo Project",
    ],
)
def test_nothing_is_said_about_a_sound_script(text: str) -> None:
    assert said(text) == []


@pytest.mark.parametrize(
    "text, part",
    [
        ("x := concat[project]", "did you mean concatenate?"),
        ("x := LowerCase[project]", "did you mean lowercase?"),
        ("x := nothingLikeIt[project]", "there is no function nothingLikeIt"),
        ("x := urlEncode[project]", "only in DicomEdit 4.2"),
        # Also where they stand inside of others.
        ("x := lowercase[hash[project]]", "did you mean hashUID?"),
        ("lowercase[]", "takes 1 argument, not 0: lowercase[text]"),
        ("x := substring[project, 1]", "takes 3 arguments, not 2"),
        ("x := concatenate[]", "takes at least 1 argument, not 0"),
        ("x := normalizeString[a, b, c]", "takes 1 to 2 arguments, not 3"),
        ("x := newUID[1]", "takes no arguments, not 1"),
        ("x := lowercase[(0010,00XX)]", "no wildcard"),
        ("x := lowercase[(0008,1140)/(0008,1150)]", "such as (0008,1140)[0]"),
        ("x := lowercase[{}]", "a list cannot stand for one value"),
        ("x := lowercase[collectValues[]]", "gives a list"),
        ("x := removeTags[(0010,0010)]", "gives nothing back"),
        ("if (removeTags[(0010,0010)]) { }", "gives nothing back"),
        ('x := substring[project, "a", 1]', "a whole number from 0"),
        ('x := match[project, "a", 1.5]', "a whole number from 0"),
        ('x := match[project, "(a", 1]', "no regular expression"),
        ('x := match[project, "(a)", 2]', "has no group 2"),
        ('x := ismatch[project, "["]', "no regular expression"),
        ('project ~ "*" ? echo', "no regular expression"),
        ('project !~ "(" ? echo', "no regular expression"),
        ('x := format["{0", project]', "the format is wrong"),
        ('x := mapUID[project, "1.2.3.4.5.6.7.8.9.10.11.12.13"]', "at most 24"),
        ('x := mapUID[project, "a"]', "prefix"),
        ("x := shiftDateByIncrement[(0008,0020), 1.5]", "a whole number"),
        ('x := shiftDateByIncrement[(0008,0020), 1, "weeks"]', "years, days, hours"),
        ('removeTags["abc"]', "a path is expected"),
        ('removeTags[{"abc"}]', "a path is expected"),
        ("retainPrivateTags[(0010,0010)]", "names no private tag"),
        ("isPresent[(0010,00XX)] ? echo", "asks for one element"),
        ('isPresent["(0010,0010)"] ? echo', "a path is expected"),
        ('set["(0010,00XX)", project]', "real numbers"),
        ('delete["(0008,1140)/(0008,1150)"]', "real numbers"),
        ("delete[(0019,{A}10)]", "real numbers"),
        ('alterPixels["circle", "l=0,r=1,t=0,b=1", "solid", "v=0"]', "only shape"),
        ('alterPixels["rectangle", "l=0,r=1,t=0", "solid", "v=0"]', "no bottom"),
        ('alterPixels["rectangle", "l=0,r=1,t=0,b=1", "dotted", "v=0"]', "only way to fill"),
        ("(0010,00XX) := project", "“?=”"),
        ("*/(0010,0010) := project", "“?=”"),
        ("(0008,1140)/(0008,1150) := project", "such as (0008,1140)[0]"),
        ("(0008,1140)[%]/(0008,1150) := project", "no wildcard"),
        ("echo (0010,00XX)", "read from one element"),
        ("(0010,00XX) = project ? echo", "read from one element"),
        ("(0010,0010) := {project}", "a list cannot be written"),
        ("(0010,0010)[0]/(0008,0060) := project", "is no sequence"),
        ("(FFFE,E000) := project", "no file has"),
        ("(0000,0002) := project", "no file has"),
        ("(0003,{A}10) := project", "none that private tags may have"),
        ('(0028,0010) := "70000"', "VR US"),
        ('(0028,0010) := "a"', "VR US"),
        ('(0018,1320) := "x"', "VR FL"),
        ("(0010,0010) := subjct", "did you mean subject?"),
        ("x := unheardOf", "given are project, subject, session"),
        ("x := newUID", "called as newUID[…]"),
        ('echo x\nx := "a"', "before it is set"),
        ('describe x hidden\nx := "a"', "before it is set"),
    ],
)
def test_what_cannot_work_is_an_error(text: str, part: str) -> None:
    assert any(part in message for message in errors(text)), errors(text)


@pytest.mark.parametrize(
    "text, part",
    [
        ("(0008,0018) := newUID[]", "cannot be recognised"),
        ("(0020,000D) := hashUID[(0020,000D)]", "hash the hashed UID"),
        ("hashUIDList[(0008,0018)]", "hash the hashed UID"),
        ("reject[]", "rejects every object"),
        ('project = "A" ? x := "a"\necho x', "not set on every way"),
        ('(0002,0003) := "1.2"', "always follows (0008,0018)"),
        ('(0008,1140) := "a"', "is a sequence"),
        ('(0008,1140) ?= "a"', "is a sequence"),
        ('(0008,1140)[0] := "a"', "an item has no value"),
        ("-(FFFE,E000)", "no file has"),
        ("x := shiftDateByIncrement[(0008,0030), 2]", "VR TM"),
        ('mapReferencedUIDs["1.2.3", "abc"]', "left out"),
    ],
)
def test_what_is_rarely_meant_is_a_warning(text: str, part: str) -> None:
    assert errors(text) == []
    (message,) = warnings(text)
    assert part in message


@pytest.mark.parametrize(
    "text",
    [
        '(0020,000D) !~ "2\\\\.25.*" ? (0020,000D) := hashUID[(0020,000D)]',
        "if (isPresent[(0020,000D)]) { hashUIDList[(0020,000D)] }",
        'project = "A" ? subject := "a"\necho subject',
    ],
)
def test_what_is_guarded_is_no_cause_for_a_warning(text: str) -> None:
    assert said(text) == []


def test_the_warning_about_hashing_comes_once() -> None:
    assert len(warnings("(0008,0018) := hashUID[(0008,0018)]\n" * 5)) == 1


@pytest.mark.parametrize(
    "text, part",
    [
        ("x := isPresent[(0010,0010)]", "only in version 6"),
        ('x := substring[(0010,0010), "1", 2]', "only a number"),
        ("x := substring[(0010,0010), project, 2]", "only a number"),
        ("(0008,0018) := new Foo", "“new Foo” is not known"),
        ('x := "a"\nX := "b"', "declared in line 1"),
        ("x := y\ny := concatenate", "nothing sets “concatenate”"),
        ("x := lowercase[y]\ny := z\nz := x", "in a circle"),
        ("(0010,0010) := visit", "nothing sets “visit”"),
        ('(0010,0010) ~ "(" : -(0010,0010)', "no regular expression"),
        ('x := "{0" project', "the format is wrong"),
    ],
)
def test_errors_of_42(text: str, part: str) -> None:
    assert any(part in message for message in errors(text, version="")), said(text, version="")


@pytest.mark.parametrize(
    "text",
    [
        '(0010,XX10) := "x"',
        "(0010,0010) := Subject",
        "echo x\nx := project",
        "(0008,0018) := new UID",
        '(0020,000D) ~ "1.*" : (0020,000D) := hashUID[(0020,000D)]',
        "x := urlEncode[project]",
    ],
)
def test_nothing_is_said_about_a_sound_script_of_42(text: str) -> None:
    assert said(text, version="") == []


def test_faults_of_the_text_and_of_its_meaning_are_told_together() -> None:
    text = "(0011,0010) := project\nx := concat[project]\n(0010,0010) := subjct;"
    assert [(one.line, one.column) for one in said(text)] == [(2, 1), (3, 6), (4, 22)]


def test_variables_are_not_judged_when_a_statement_is_lost() -> None:
    assert [one.line for one in said("x :=\necho x")] == [2]


def test_remarks_name_their_place() -> None:
    first, second = check(VERSION + "reject[]\nx := y", path="a.das")
    assert str(first).startswith("a.das:2:1: warning: this rejects")
    assert str(second).startswith("a.das:3:6: nothing sets “y”")


def test_a_script_is_loaded_in_spite_of_warnings() -> None:
    assert load(VERSION + "reject[]").language == 6
    with pytest.raises(InvalidScript) as raised:
        load(VERSION + "reject[]\nx := y\nx := z")
    assert [one.line for one in raised.value.problems] == [3, 4]
    assert "line 3, column 6" in raised.value.message
    assert "and 1 more" in raised.value.message


def test_a_host_may_give_more_variables() -> None:
    assert load(VERSION + "echo Modality", given=("modality",)).needs == ("Modality",)


def test_functions_are_known_by_their_names() -> None:
    for functions in FUNCTIONS.values():
        for name, signature in functions.items():
            assert signature.usage.startswith(name + "[")
            shown = [one for one in signature.shown.split(", ") if one not in ("", "…")]
            assert len(shown) >= len(signature.takes) or signature.rest is not None
    own = {name for name in FUNCTIONS[6] if name.startswith("anteroom_")}
    assert own == {"anteroom_replaceItems", "anteroom_shiftDates"}
    assert (len(FUNCTIONS[6]) - len(own), len(FUNCTIONS[4])) == (32, 9)


@given(SCRIPTS, st.sampled_from([VERSION, ""]))
def test_any_text_can_be_checked(text: str, version: str) -> None:
    found = check(version + text)
    assert list(found) == sorted(found, key=lambda one: (one.line, one.column))
    assert all(one.line >= 1 and one.column >= 1 for one in found)


@pytest.mark.parametrize("language", [4, 6])
def test_each_function_that_may_be_called_can_be(language: int) -> None:
    assert CALLS[language].keys() == FUNCTIONS[language].keys()
