# SPDX-License-Identifier: Apache-2.0
"""Scripts of version 4.2 that are turned into version 6: what cannot be is named, and the others do
the same to objects."""

from __future__ import annotations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.anonymize.faults import ScriptError
from engine.anonymize.language.check import check, load
from engine.anonymize.language.migration import migrate
from engine.model.errors import InvalidInput, InvalidScript
from engine.model.remarks import Severity
from tests.engine.anonymize.subjects import ALL_PRIVATE_42, HOST, compiled, data_set, opened


def turned(text: str) -> list[str]:
    """Return the lines that a script without remarks is turned into, but for the head."""
    found = migrate(text)
    assert found.remarks == ()
    return found.text.splitlines()[3:]


def test_the_first_statement_for_an_element_still_wins() -> None:
    old = '(0010,0010) ~ "D.*" : (0010,0010) := subject // known\n-(0010,0010)\n'
    assert turned(old) == [
        'applies1 := "no"',
        'value1 := ""',
        'if ((0010,0010) ~ "D.*") {',
        '  applies1 := "yes"',
        "  value1 := subject",
        "}",
        "- (0010,0010)",
        "// known",
        'applies1 = "yes" ? (0010,0010) := value1',
    ]


def test_what_is_missing_still_empties_the_element() -> None:
    assert turned("(0010,0030) := (0010,4000)") == [
        'isPresent[(0010,4000)] ? (0010,0030) := (0010,4000) : (0010,0030) := ""'
    ]
    assert turned('(0010,4000) := match[(0010,0010), "(.).*", 1]') == [
        '(0010,0010) ~ "(.).*" ? (0010,4000) := match[(0010,0010), "^(?:(.).*)$", 1] : '
        '(0010,4000) := ""'
    ]


def test_variables_that_depend_on_no_object_stay_and_others_are_written_out() -> None:
    assert turned('p := "P_"\nn := lowercase[(0010,0010)]\n(0010,4000) := format["{0}", p]\n') == [
        'p := "P_"',
        '(0010,4000) := format["{0}", p]',
    ]
    assert turned('if := "x"\n(0010,4000) := if\n') == ['(0010,4000) := "x"']
    assert turned("N := (0010,0010)\n(0010,4000) := n\n") == [
        'isPresent[(0010,0010)] ? (0010,4000) := (0010,0010) : (0010,4000) := ""'
    ]


@pytest.mark.parametrize(
    ("old", "why"),
    [
        ('(0009,1002) := "x"', "creator"),
        ("-(0009,1002)", "creator"),
        ("(0010,0010) := (0009,1002)", "creator"),
        ("(0010,0010) := urlEncode[(0010,0010)]", "urlEncode"),
        ('(0010,0010) := "a\\"b"', "double quotes"),
        ("(0010,0010) := new ID", "new ID"),
        ('(0010,0010) := format["{0}", lowercase[(0010,0020)]]', "pattern"),
        ('(0010,0010) := match["a", (0010,0020), 0]', "match"),
        ('(0010,0010) := replace["a", lowercase[(0010,0020)], "b"]', "missing argument"),
        ("(0010,0010) := (0008,1140)", "sequence"),
    ],
)
def test_a_statement_that_cannot_be_turned_is_named_and_the_others_are_turned(
    old: str, why: str
) -> None:
    found = migrate(f"(0010,4000) := subject\n{old}\n")
    (remark,) = found.remarks
    assert (remark.severity, remark.line) == (Severity.ERROR, 2)
    assert why in remark.message
    assert f"// {old}" in found.text.splitlines()
    assert "(0010,4000) := subject" in found.text.splitlines()
    assert check(found.text) == ()


@pytest.mark.parametrize(
    "old",
    [
        "(0020,000D) := new UID",
        ALL_PRIVATE_42,
        "-(50XX,XXXX)",
        '(0010,0010) = (0010,0020) : (0010,0010) := "x"',
        "(0010,4000) := substring[(0010,0010), 0, 1]",
        '(0042,1234) := "x"',
        'subject := "x"\n(0010,0010) := subject',
    ],
)
def test_what_may_do_something_else_is_told(old: str) -> None:
    found = migrate(old)
    assert found.remarks
    assert {one.severity for one in found.remarks} == {Severity.WARNING}
    assert load(found.text).language == 6


def test_only_sound_scripts_of_4_2_are_turned() -> None:
    with pytest.raises(InvalidInput, match="already"):
        migrate('version "6.7"\n')
    with pytest.raises(InvalidScript):
        migrate("(0010,0010) := := x")


TAGS = st.sampled_from(
    ["(0008,0005)", "(0008,1030)", "(0010,0010)", "(0010,0020)", "(0010,4000)", "(0008,0018)"]
)
WILD = st.sampled_from(["(0010,00@0)", "(0010,XXXX)", "(0008,10X#)", "(00@8,1030)", "(00@0,XXXX)"])
TEXTS = st.sampled_from(['"x"', '""', '"A\\\\B"', "12", "subject", "v", "w"])
VALUES = st.one_of(
    TEXTS,
    TAGS,
    TAGS.map(lambda tag: f"hashUID[{tag}]"),
    TAGS.map(lambda tag: f"lowercase[{tag}]"),
    TAGS.map(lambda tag: f"uppercase[lowercase[{tag}]]"),
    TAGS.map(lambda tag: f'replace[{tag}, "o", "0"]'),
    TAGS.map(lambda tag: f'match[{tag}, "([^o]*)o.*", 1]'),
    st.tuples(TAGS, TEXTS).map(lambda two: f'format["{{0}}-{{1}}", {two[0]}, {two[1]}]'),
    st.tuples(TAGS, TAGS).map(lambda two: f'"{{0}}_{{1}}" {two[0]}, {two[1]}'),
)
CONDITIONS = st.one_of(
    st.tuples(VALUES, st.sampled_from(['"x"', '""', '"doe"'])).map(" = ".join),
    st.tuples(VALUES, st.sampled_from(['".*o.*"', '"[0-9.]+"'])).map(" ~ ".join),
)
ACTIONS = st.one_of(
    st.tuples(st.one_of(TAGS, TAGS, WILD), VALUES).map(lambda two: f"{two[0]} := {two[1]}"),
    st.one_of(TAGS, WILD).map(lambda tag: f"-{tag}"),
    VALUES.map(lambda value: f"echo {value}"),
)
LINES = st.tuples(st.lists(CONDITIONS, max_size=2), ACTIONS).map(
    lambda found: " : ".join([*found[0], found[1]])
)
SCRIPTS = st.tuples(VALUES, st.lists(LINES, max_size=6)).map(
    lambda found: "\n".join(['v := "V"', f"w := {found[0].replace('w', 'v')}", *found[1]])
)
OBJECTS = st.fixed_dictionaries(
    {},
    optional={
        "SpecificCharacterSet": st.sampled_from(["ISO_IR 100", "ISO_IR 192"]),
        "StudyDescription": st.sampled_from(["", "Head of Doe", "x"]),
        "PatientName": st.sampled_from(["", "Doe^Jóhn", "x"]),
        "PatientID": st.sampled_from(["12", "doe"]),
        "PatientComments": st.sampled_from(["", "1.2.3", "  foo"]),
        "SOPInstanceUID": st.sampled_from(["1.2.3", "1.2.4"]),
    },
).map(lambda values: data_set(**values))


def after(text: str, version: str, dataset: Dataset) -> bytes | None:
    subject = opened(dataset)
    try:
        compiled(text, version=version, record="").apply(subject, HOST)
    except ScriptError:
        return None
    return b"".join(subject.head_pieces())


@settings(max_examples=100)
@given(script=SCRIPTS, dataset=OBJECTS)
@example(
    script='v := "V"\n(0010,0010) := (0010,0020)\n(0010,0020) := (0010,0010)', dataset=Dataset()
)
def test_both_versions_do_the_same_where_nothing_is_remarked(script: str, dataset: Dataset) -> None:
    try:
        found = migrate(script)
    except InvalidScript:
        assume(False)
        raise
    assume(not found.remarks)
    body = found.text.partition("\n")[2]
    assert after(body, "6.7", dataset) == after(script, "", dataset)


def test_of_public_and_private_groups_the_public_ones_are_meant() -> None:
    found = migrate('(0010,0010) ~ ".*o.*" : -(001X,00XX)\n')
    (remark,) = found.remarks
    assert remark.severity is Severity.WARNING and "private ones stay" in remark.message
    assert found.text.splitlines()[3:] == ['(0010,0010) ~ ".*o.*" ? - (001@,00XX)']
