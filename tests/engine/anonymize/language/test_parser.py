# SPDX-License-Identifier: Apache-2.0
"""Scripts of version 6: what they may say, what the tree holds then, and how faults are told."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.language import parser6
from engine.anonymize.language.parser import language_of, parse
from engine.anonymize.language.tree import (
    Assign,
    AssignIfExists,
    Call,
    CallValue,
    Comparison,
    Delete,
    Describe,
    Echo,
    Export,
    If,
    ListValue,
    Number,
    Operator,
    PathValue,
    RemoveAllPrivate,
    Script,
    SetVariable,
    Statement,
    TagPath,
    Ternary,
    Text,
    Value,
    VariableRead,
)
from engine.model.errors import InvalidScript, from_code
from tests.engine.anonymize.texts import SCRIPTS

VERSION = 'version "6.7"\n'


def statements(text: str) -> tuple[Statement, ...]:
    return parse(VERSION + text).statements


def kinds(text: str) -> list[str]:
    return [type(one).__name__ for one in statements(text)]


def value(text: str) -> Value:
    (found,) = statements(f"x := {text}")
    assert isinstance(found, SetVariable)
    return found.value


def path(text: str) -> TagPath:
    (found,) = statements(f"-{text}")
    assert isinstance(found, Delete)
    return found.path


def text_of(text: str) -> str:
    found = value(text)
    assert isinstance(found, Text | Number)
    return found.value


def faults(text: str, *, version: str = VERSION) -> list[tuple[int, int, str]]:
    """Return the faults with their lines counted from the first behind the version line."""
    with pytest.raises(InvalidScript) as raised:
        parse(version + text)
    lines = version.count("\n")
    return [(one.line - lines, one.column, one.message) for one in raised.value.problems]


def test_a_script_of_every_statement() -> None:
    found = statements(
        """
        // nothing but a comment
        (0010,0010) := subject
        (0010,0020) ?= "a"
        name := "b"
        - (0008,0050)
        hashUIDList[(0008,0018)]
        echo name
        echo
        (0010,0020) = "a" ? -(0010,0020) : echo "no"
        if (a = "b") { echo "1" } elseif (isPresent[(0008,0018)]) { } else { echo "3" }
        removeAllPrivateTags
        describe name "a name"
        describe name const
        export name "field"
        """
    )
    assert [type(one) for one in found] == [
        Assign,
        AssignIfExists,
        SetVariable,
        Delete,
        Call,
        Echo,
        Echo,
        Ternary,
        If,
        RemoveAllPrivate,
        Describe,
        Describe,
        Export,
    ]


@pytest.mark.parametrize("text", ["", "\n\n", "// only a comment", "\n  \t\n// a\n"])
def test_nothing_to_do_is_legal(text: str) -> None:
    assert statements(text) == ()
    assert parse(VERSION.strip()).statements == ()


def test_statements_need_nothing_between_them() -> None:
    assert kinds('x := "a" y := x -(0008,0050) echo x echo') == [
        "SetVariable",
        "SetVariable",
        "Delete",
        "Echo",
        "Echo",
    ]
    assert kinds('x:="a"y:=1-(0008,0050)') == ["SetVariable", "SetVariable", "Delete"]


def test_line_ends_and_a_byte_order_mark_make_no_difference() -> None:
    text = 'version "6.1"\nx := "a"\n-(0008,0050)'
    assert parse(text) == parse(text.replace("\n", "\r\n")) == parse("\ufeff" + text + "\n")


def test_continued_lines_are_one() -> None:
    assert statements("x := \\\n  concatenate[\\\n a, b]") == statements("x := concatenate[a, b]")


@pytest.mark.parametrize(
    "written, meant",
    [
        (r'"A\\B"', r"A\B"),
        (r'"\\d{4}"', r"\d{4}"),
        (r'"a\tb"', r"a\tb"),
        (r'"\101\n\r\b\f\(\)"', r"\101\n\r\b\f\(\)"),
        (r'".*\\\\PRIMARY"', r".*\\PRIMARY"),
        ('""', ""),
        ('"// no comment"', "// no comment"),
        ("3.0", "3.0"),
        ("-5", "-5"),
        ("0", "0"),
    ],
)
def test_texts(written: str, meant: str) -> None:
    assert text_of(written) == meant
    # A list takes them alike.
    in_list = value("{" + written + "}")
    assert isinstance(in_list, ListValue)
    assert [one.value for one in in_list.elements if isinstance(one, Text | Number)] == [meant]


def test_values() -> None:
    assert isinstance(value("other"), VariableRead)
    assert isinstance(value("X"), VariableRead)
    assert isinstance(value("(0008,0050)"), PathValue)
    called = value('f [ (0008,0050), "a", g[], {1} ]')
    assert isinstance(called, CallValue)
    assert [type(one) for one in called.arguments] == [PathValue, Text, CallValue, ListValue]


@pytest.mark.parametrize(
    "written, count",
    [
        ("{}", 0),
        ('{ "a", 1, 2.5, (0008,0050), */(0008,0050), x, f[x], {x, {}} }', 8),
        ('{\n "a"\n,\n "b" // why\n}', 2),
        # Empty lines and lines of comments may stand anywhere in a list.
        ('{\n\n// first\n\n"a",\n\n// second\n "b"\n\n}', 2),
    ],
)
def test_lists(written: str, count: int) -> None:
    found = value(written)
    assert isinstance(found, ListValue)
    assert len(found.elements) == count


@pytest.mark.parametrize(
    "written, shown, singular",
    [
        ("(0010,0010)", "(0010,0010)", True),
        ("(0010,0010) [2]", "(0010,0010)[2]", True),
        ("(00e1,{ACME 1.0}1f)", "(00E1,{ACME 1.0}1F)", True),
        ("(0010 , 0010)", "(0010,0010)", True),
        ("(0008,11xX)", "(0008,11XX)", False),
        ("(001@,00#@)", "(001@,00#@)", False),
        ("(002#,{A}XX)", "(002#,{A}XX)", False),
        ("(0008,1140)[0] / (0008,1150)", "(0008,1140)[0]/(0008,1150)", True),
        ("(0008,1140)/(0008,1150)", "(0008,1140)/(0008,1150)", False),
        ("(0008,1140)[%]/(0008,1150)", "(0008,1140)[%]/(0008,1150)", False),
        ("(0008,1140)[%]", "(0008,1140)[%]", False),
        ("*/(0008,1150)", "*/(0008,1150)", False),
        ("+/(0008,1140)[1]/./(0008,1150)", "+/(0008,1140)[1]/./(0008,1150)", False),
        ("(0029,{C}40)/*", "(0029,{C}40)/*", False),
        ("(2001,{C}5F)[0]/(2005,{D}33)", "(2001,{C}5F)[0]/(2005,{D}33)", True),
        ("(F215,{C}10)", "(F215,{C}10)", True),
    ],
)
def test_paths(written: str, shown: str, singular: bool) -> None:
    found = path(written)
    assert (str(found), found.singular) == (shown, singular)


@pytest.mark.parametrize("operator", list(Operator))
def test_comparisons(operator: Operator) -> None:
    (found,) = statements(f'(0010,0010) {operator.value} "a" ? x := "b"')
    assert isinstance(found, Ternary)
    assert isinstance(found.condition, Comparison)
    assert found.condition.operator is operator
    assert found.otherwise is None


@pytest.mark.parametrize(
    "text",
    [
        'if (a = "b") { x := "c" } elseif (d ~ "e") { x := "f" } else { x := "g" }',
        'if (a = "b")\n{\nx := "c"\n}\nelseif (d ~ "e")\n\n{\n x := "f" }\nelse\n{ x := "g"\n}',
        'if(a="b"){x:="c"}elseif(d~"e"){x:="f"}else{x:="g"}',
    ],
)
def test_blocks_however_they_are_laid_out(text: str) -> None:
    (found,) = statements(text)
    assert isinstance(found, If)
    assert [len(arm.statements) for arm in found.arms] == [1, 1]
    assert found.otherwise is not None
    assert len(found.otherwise) == 1


def test_blocks_may_be_empty_and_nested() -> None:
    (outer,) = statements('if (a = "b") { if (true[]) { } else { -(0008,0050) } }\n\n')
    assert isinstance(outer, If)
    (inner,) = outer.arms[0].statements
    assert isinstance(inner, If)
    assert (inner.arms[0].statements, len(inner.otherwise or ())) == ((), 1)


def test_names_that_look_like_the_begin_of_a_tag_are_names() -> None:
    (found,) = statements('if (face = "x") { }')
    assert isinstance(found, If)


def test_an_echo_that_is_an_arm_may_be_bare() -> None:
    (found,) = statements('a = "b" ? echo : echo a')
    assert isinstance(found, Ternary)
    assert isinstance(found.then, Echo)
    assert found.then.value is None


def test_metadata() -> None:
    script = parse(VERSION + 'describe a "An A"\ndescribe b hidden\nexport a "field"\nx := c')
    assert script.descriptions == {"a": "An A"}
    assert script.hidden == frozenset({"b"})
    assert script.exports == {"a": "field"}


@pytest.mark.parametrize(
    "text, needs",
    [
        ("x := a\ny := x", ("a",)),
        # A variable that only an argument names is found too.
        ('x := concatenate[a, "b", f[{c}]]', ("a", "c")),
        ("x := x", ("x",)),
        ('if (a = "b") { x := "1" }\necho x', ("a",)),
        ("(0010,0010) ~ p ? echo q : echo r", ("p", "q", "r")),
        ('describe x hidden\nx := "a"', ("x",)),
        ('x := "a"\ndescribe x hidden', ()),
        ('a := "a"\necho A', ("A",)),
    ],
)
def test_what_the_host_has_to_give(text: str, needs: Sequence[str]) -> None:
    assert parse(VERSION + text).needs == tuple(needs)


# ------------------------------------------------------------------------------------ the language


@pytest.mark.parametrize("minor", range(8))
def test_known_versions(minor: int) -> None:
    assert parse(f'// first\n  version "6.{minor}"').version == f"6.{minor}"


@pytest.mark.parametrize(
    "text, line, part",
    [
        ('version "6.8"', 1, "6.0 to 6.7"),
        ('// c\nversion "4.2"', 2, "no version line"),
        ('version := "6.1"', 1, 'reads: version "6.7"'),
        ("version 6.1", 1, 'reads: version "6.7"'),
        ('version "6.1"\nversion "6.1"', 2, "twice"),
        ('Version "6.1"\nx := "a"', 1, "lower case"),
        # A script of version 6 without the line would be run by the other engine.
        ('(0010,0010) ?= "a"', 1, "no version line"),
        ('if (a = "b") { }', 1, "no version line"),
    ],
)
def test_version_lines_that_are_wrong(text: str, line: int, part: str) -> None:
    first, *_ = faults(text, version="")
    assert first[0] == line
    assert part in first[2]


def test_the_version_line_decides_about_the_language() -> None:
    assert language_of('// about\n version "6.1"') == 6
    assert language_of('// version "6.1"\nversions := "6"') == 4
    assert (parse('version "6.1"').language, parse("").language) == (6, 4)


# ------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(
    "text, column, part",
    [
        ("(0011,0010) := x", 1, "(0011,{CREATOR}10)"),
        ("(0010,{A}10) := x", 7, "public"),
        ("(001X,0010) ?= x", 5, "X cannot stand here"),
        ("-(001x,{A}10)", 6, "X cannot stand here"),
        ("-( 0010,0010)", 3, "no blank"),
        ("-(0010,0010 )", 12, "no blank"),
        ("-(0010,001)", 8, "four hexadecimal digits"),
        ("-(00G0,0010)", 3, "four hexadecimal digits"),
        ("-(0019,{ ACME}10)", 9, "starts with a letter"),
        ("-(0019,{A/B}10)", 9, "starts with a letter"),
        ("-(0019,{ACME}1010)", 14, "low two digits"),
        ("-(0019,{ACME} 10)", 14, "not “10”"),
        ("-(0010;0010)", 2, "a tag reads"),
        ("-(0010,0010)/", 14, "behind “/”"),
        ("-(0010,0010)/?", 14, "behind “/”"),
        ("-?/(0010,0010)", 2, "no wildcard"),
        ("-(0010,0010)[x]", 14, "an item is"),
        ("-(0010,0010)[-1]", 14, "an item is"),
        ("-x", 2, "the path to delete"),
        ('x := "\\d"', 7, "“\\\\d”"),
        ('x := "a \\" b"', 9, "double quote"),
        ('x := "a\\"', 8, "write two"),
        ('x := "a', 6, "not closed"),
        ("x := 'a'", 6, "double quotes"),
        ("x := “a”", 6, "double quotes"),
        ("x := 007", 6, "leading zero"),
        ("x := 1.", 6, "leading zero"),
        ('x := "a";', 9, "no “;”"),
        (";", 1, "no “;”"),
        ('(0010,0010) = "a"', 1, "“:=”"),
        ('x = "a"', 3, "“:=”"),
        ('x : = "a"', 3, "without a blank"),
        ('x ?= "a"', 3, "a variable is set with"),
        ("x", 2, "alone is no statement"),
        ('"a"', 4, "a comparison"),
        ("(0010,0010)", 12, "behind a path"),
        ("x :=", 5, "a value is expected"),
        ('x :=\n"a"', 5, "on the same line"),
        ('if (a = "b") { } else if (c = "d") { }', 18, "elseif"),
        ('if a = "b" { }', 4, "in parentheses"),
        ('if (a == "b") { }', 8, "“==”"),
        ('if (a := "b") { }', 7, "“:=” assigns"),
        ('if (a = "b" and c = "d") { }', 13, "cannot be combined"),
        ('if (a = "b" && c = "d") { }', 13, "cannot be combined"),
        ("if (!isPresent[(0010,0010)]) { }", 5, "a value"),
        ('if (a = "b") x := "c"', 14, "a block"),
        ('if (a = "b") {', 14, "not closed"),
        ("if (a) { }", 6, "a comparison"),
        ("else { }", 1, "follows no “if”"),
        ("}", 1, "closes nothing"),
        ("{ }", 1, "a block stands only"),
        ('a = "b" ? if (c = "d") { }', 11, "use an “if”"),
        ('a = "b" ? removeAllPrivateTags', 11, "use an “if”"),
        ('a = "b" ? c = "d" ? echo', 11, "cannot stand in another"),
        ('a = "b" ?\necho', 10, "on the same line"),
        ('a = "b"\n? echo', 8, "on the line of its condition"),
        ('a = "b" : -(0010,0010)', 9, "the way of 4.2"),
        ("(0008,0018) := new UID", 16, "newUID[]"),
        ('x := "{0}_{1}" a, b', 16, "format[…]"),
        ("x := lowercase(a)", 15, "in brackets"),
        ("removeAllPrivateTags[]", 21, "no brackets"),
        ("x := f[a b]", 10, "“,” or “]”"),
        ("x := f[a", 9, "“,” or “]”"),
        ("x := f[a,]", 10, "an argument"),
        ("x := f[a,\n b]", 10, "on one line"),
        ('x := {"a" "b"}', 11, "“,” is missing"),
        ('x := {"a", }', 12, "an element"),
        ("a = {} ? echo", 5, "a list cannot stand here"),
        ('echo := "a"', 6, "a statement"),
        ('describe if "a"', 10, "cannot be a name"),
        ("describe x", 11, "hidden"),
        ("export x", 9, "the field"),
        ("x := a & b", 8, "cannot be combined"),
        ("x := \\ ", 6, "very last character"),
        ("$", 1, "a statement"),
        ("x := http://a", 10, "a statement"),
    ],
)
def test_faults_are_told_where_they_are(text: str, column: int, part: str) -> None:
    ((line, at, message),) = faults(text)
    assert part in message
    assert (line, at) == (1, column)


def test_a_list_that_is_not_closed_takes_no_statement_with_it() -> None:
    text = 'x := {"a",\n "b"\ny := 007'
    assert [(line, column) for line, column, _ in faults(text)] == [(2, 5), (3, 6)]


def test_all_faults_of_a_script_are_told_at_once() -> None:
    text = """(0010,0010) = "x"
(0011,0010) := "x"
if (face = "x") { x := "a" } else if (a = "b") { y := "\\d" }
if face = "x") {
  y : = "a"
} else { ( 0010,0010) := "a" }
fine := "a"
x := {"a",
   "b"
z := concatenate["a",
   "b"]
if (a b)
{
  z :=
}
}
"""
    assert [(line, column) for line, column, _ in faults(text)] == [
        (1, 1),
        (2, 1),
        (3, 30),
        (3, 56),
        (4, 4),
        (5, 5),
        (6, 11),
        (9, 7),
        (10, 22),
        (12, 7),
        (14, 7),
        (16, 1),
    ]


def test_faults_are_told_up_to_a_bound() -> None:
    assert len(faults("$\n" * 1000)) == 50


def test_places_are_those_before_continued_lines_were_glued() -> None:
    assert faults("x := \\\n  \\\n    ;")[0][:2] == (3, 5)


@pytest.mark.parametrize(
    "text",
    [
        "x := " + "f[" * 5000 + "]" * 5000,
        "x := " + "{" * 5000,
        'if (a = "b") {\n' * 5000,
        "if {\n" * 5000,
        "else " * 5000,
        "{" * 5000,
        "(0008,{" * 30_000,
        "(0008," * 30_000,
        '"\\' * 100_000,
        "-(0008,0050)" + "[0]/(0008,0050)" * 5000 + "[99999999999]",
        "x := " + "9" * 10_000 + "\n-(0008,0050)[" + "9" * 10_000 + "]",
    ],
)
def test_depth_and_length_are_bounded(text: str) -> None:
    assert len(faults(text)) <= 50


def test_a_script_that_is_too_long_is_not_read() -> None:
    (only,) = faults("x" * 1_100_000)
    assert "too long" in only[2]


@settings(max_examples=300)
@given(SCRIPTS, st.sampled_from([VERSION, ""]))
def test_any_text_parses_or_has_faults_inside_it(text: str, version: str) -> None:
    try:
        script = parse(version + text)
    except InvalidScript as error:
        assert 1 <= len(error.problems) <= 51
        lines = (version + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for problem in error.problems:
            assert 1 <= problem.line <= len(lines)
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.message
    else:
        assert isinstance(script, Script)


@given(SCRIPTS)
def test_a_text_that_holds_a_path_is_that_path(text: str) -> None:
    found = parser6.read_path(text)
    if found is not None:
        assert parser6.read_path(str(found)) == found


def test_the_error_crosses_a_process_boundary_by_its_code() -> None:
    assert from_code("invalid-script") is InvalidScript
