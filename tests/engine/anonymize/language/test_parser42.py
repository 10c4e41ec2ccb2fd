# SPDX-License-Identifier: Apache-2.0
"""Scripts of DicomEdit 4.2: what they may say, what the tree holds then, how faults are told."""

from __future__ import annotations

import pytest

from engine.anonymize.language.parser import parse
from engine.anonymize.language.tree import (
    Assign,
    CallValue,
    Comparison,
    Delete,
    Describe,
    Echo,
    Export,
    Generated,
    Guarded,
    Number,
    PathValue,
    SetVariable,
    Statement,
    Text,
    Value,
    VariableRead,
)
from engine.model.errors import InvalidScript


def statements(text: str) -> tuple[Statement, ...]:
    script = parse(text)
    assert (script.language, script.version) == (4, "")
    return script.statements


def value(text: str) -> Value:
    (found,) = statements(f"x := {text}")
    assert isinstance(found, SetVariable)
    return found.value


def faults(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(InvalidScript) as raised:
        parse(text)
    return [(one.line, one.column, one.message) for one in raised.value.problems]


def test_a_script_of_every_statement() -> None:
    found = statements(
        """
        // nothing but a comment
        (0010,0010) := subject   // and one behind
        -(0008,0050)
        x := "a"
        echo
        echo x
        (0010,0010) = "a" : (0010,0020) ~ "b.*" : -(0010,0030)
        describe x "about x"
        describe x hidden
        export x "field"
        """
    )
    assert [type(one) for one in found] == [
        Assign,
        Delete,
        SetVariable,
        Echo,
        Echo,
        Guarded,
        Describe,
        Describe,
        Export,
    ]
    guarded = found[5]
    assert isinstance(guarded, Guarded)
    assert [type(one) for one in guarded.conditions] == [Comparison, Comparison]
    assert isinstance(guarded.action, Delete)


@pytest.mark.parametrize("text", ["", "\n\n", "// only a comment"])
def test_nothing_to_do_is_legal(text: str) -> None:
    assert statements(text) == ()


@pytest.mark.parametrize(
    "written, meant",
    [
        (r'"A\\B"', "A\\B"),
        (r'"a\tb\nc"', "a\tb\nc"),
        (r'"\"\'\b\f\r"', "\"'\b\f\r"),
        ('"// no comment"', "// no comment"),
    ],
)
def test_escapes_of_strings(written: str, meant: str) -> None:
    found = value(written)
    assert isinstance(found, Text)
    assert found.value == meant


def test_values() -> None:
    assert isinstance(value("(0010,0010)"), PathValue)
    assert isinstance(value("-5"), Number)
    called = value("substring[(0010,0010), 0, 2]")
    assert isinstance(called, CallValue)
    assert [type(one) for one in called.arguments] == [PathValue, Number, Number]


def test_a_pattern_with_values_is_a_call_of_format() -> None:
    assert value('"{0}_{1}" a, (0010,0010)') == value('format["{0}_{1}", a, (0010,0010)]')
    (found,) = statements('(0010,0010) := "{0}" lowercase[subject]')
    assert isinstance(found, Assign)
    assert isinstance(found.value, CallValue)


def test_generated_values() -> None:
    assert value("new UID") == Generated(at=value("new UID").at, kind="UID")
    found = value('new ID["a", b]')
    assert isinstance(found, Generated)
    assert (found.kind, len(found.arguments)) == ("ID", 2)


def test_names_ignore_case() -> None:
    found = value("Subject")
    assert isinstance(found, VariableRead)
    assert found.name == "subject"
    assert parse("X := a\necho x\necho A").needs == ("a",)


def test_declarations_count_wherever_they_stand() -> None:
    assert parse('echo x\nx := "a"').needs == ()


@pytest.mark.parametrize("tag", ["(0011,0010)", "(001#,XX10)", "(00e1,10@X)", "(0019,#0@F)"])
def test_tags_have_their_real_numbers(tag: str) -> None:
    (found,) = statements(f"-{tag}")
    assert isinstance(found, Delete)
    assert str(found.path) == tag.upper()


def test_a_continuation_is_a_blank() -> None:
    assert statements("(0010,0010) \\\n := \\\n subject") == statements("(0010,0010) := subject")


@pytest.mark.parametrize(
    "text, column, part",
    [
        ('-(0019,{ACME}10)\n(0011,0010) := "x"', 2, "no creators"),
        ("-(0010, 0010)", 8, "no blank"),
        ("-( 0010,0010)", 3, "no blank"),
        ("-(001x,0010)", 6, "upper case"),
        ("-(0010,001)", 8, "four hexadecimal digits"),
        ("x", 2, "the end of the script"),
        ("-x", 2, "the tag to delete"),
        ("x := 1.5", 6, "whole numbers"),
        (r'x := "\101"', 7, "no escape"),
        (r'x := "\u0041"', 7, "no escape"),
        ('x := "a" := "b"', 10, "the end of the line"),
        ("-(0010,0010) -(0010,0020)", 14, "the end of the line"),
        ('(0010,0010) = "a"', 1, "“:=”"),
        ('(0010,0010) = "a" : ', 21, "a statement is expected"),
        ('a = "b" : x := "c"', 1, "without a condition"),
        ("x := new", 9, "what to make"),
        ("x := f[a b]", 10, "“,” or “]”"),
        ("describe x", 11, "hidden"),
        ("(0010,0010) := subject;", 23, "no “;”"),
    ],
)
def test_faults_are_told_where_they_are(text: str, column: int, part: str) -> None:
    ((line, at, message),) = faults(text)
    assert part in message
    assert (line, at) == (1, column)


def test_all_faults_are_told_at_once_and_up_to_a_bound() -> None:
    assert [line for line, _, _ in faults("x\n-(0008,0050)\ny :=\n\necho $")] == [1, 3, 5]
    assert len(faults("$\n" * 1000)) == 50


@pytest.mark.parametrize(
    "text",
    [
        '(0010,0010) = "a" ? -(0010,0010)',
        "(0010,0010) ?= subject",
        "-(0008,1140)[0]/(0008,1150)",
        'if (project = "a") { -(0010,0010) }',
        "removeAllPrivateTags",
        "-(0019,{ACME}10)",
    ],
)
def test_a_script_of_version_6_is_recognised(text: str) -> None:
    ((line, column, message),) = faults(text + "\n-(0008,0050)\n")
    assert (line, column) == (1, 1)
    assert 'version "6.7"' in message


def test_depth_is_bounded() -> None:
    assert "deep" in faults("x := " + "f[" * 5000)[0][2]
