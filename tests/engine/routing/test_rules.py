# SPDX-License-Identifier: Apache-2.0
"""Rule lines: how they are parsed, refused and applied to a value."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.routing.rules import CUT_NOTE, LONGEST_LINE, TIMED_OUT, InvalidRules, parse_rules


def find(line: str, text: str) -> str | None:
    (rule,) = parse_rules(line).lines
    return rule.find(text)[0]


@pytest.mark.parametrize(
    "line, text, found",
    [
        # Everything to one project.
        ("(0020,000E):(.*):1 t:.+ r:PROJ", "1.2.840.113619.2", "PROJ"),
        # Without the year of an accession number.
        ("(0008,0050):^[0-9]{4}(.*):1", "2019497684894126", "497684894126"),
        ("(0008,0050):^[0-9]{4}(.*)", "2019497684894126", "497684894126"),
        ("(0008,0050):^[0-9]{4}(.*):1 t:6 r:X", "2019497684894126", "497X8489412X"),
        ("(0010,0010):SPP_([0-9x]*) t:[A-Za-z] r:X", "SPP_0x220790", "0X220790"),
        (r"(0010,0010):.*_([\w]+)", "SPP_0x220790", "0x220790"),
        ("(0008,0070):([^M]+).* t:$ r:42", "SIEMENS", "SIE42"),
        (r"(0010,0010):Sample.*?([\w]+)", "Sample^Patient", "Patient"),
        ("(0008,0020):(.*)", "20061214", "20061214"),
        (
            r"(0014,0046):Project:(\w+)\s*Subject:(\w+)\s*Session:(\w+):2",
            "Project:P Subject:S Session:E",
            "S",
        ),
        (r"(F215,1050):Project:(\w+):1", "Project:P1", "P1"),
        (
            r"(0010,4000):Project:(\w+)\s*Subject:(\w+):2 t:.+ r:sitewide",
            "Project:P Subject:S",
            "sitewide",
        ),
        # The whole value must match, in its own case.
        ("(0008,1030):(PROJ)", "PROJ1", None),
        ("(0008,1030):(PROJ)", "proj", None),
        ("(0008,1030):PROJ:0", "PROJ", "PROJ"),
        ("(0008,1030):(a)?(b)", "b", None),
        ("(0008,1030):(a)?(b):2", "b", "b"),
        ("(0008,1030):(a*)b", "b", ""),
        # Replacements.
        ("(0008,1030):(.*) t:_ r:", "a_b_c", "abc"),
        ("(0008,1030):(.*) t: r:-", "ab", "-a-b-"),
        (r"(0008,1030):(.*) t:(\d)(\d) r:$2$1", "1234", "2143"),
        (r"(0008,1030):(.*) t:(?<x>a) r:<${x}>", "ba", "b<a>"),
        (r"(0008,1030):(.*) t:a r:\$1\\", "a", "$1\\"),
        (r"(0008,1030):(.*) t:(a)(z)? r:$1$2$12", "a", "aa2"),
        ("(0008,1030):(.*) t:.* r:X", "abc", "XX"),
        ("(0008,1030):(.*) t:a r:b t:c r:d", "a r:b t:c", "d"),
        # ` t:` without ` r:` belongs to the pattern; so does a number that is followed by nothing.
        ("(0008,1030):(.*) t:x", "abc t:x", "abc"),
        ("(0008,1030):Scan[:]5(.*)", "Scan:57", "7"),
        ("(0008,1030):(.*):x", "a:x", "a"),
    ],
)
def test_a_line_extracts(line: str, text: str, found: str | None) -> None:
    assert find(line, text) == found


def test_a_value_is_cut_only_without_a_replacement() -> None:
    value = "x" * 63 + "yz"
    assert find("(0008,1030):(.*)", value) == "x" * 63 + "y"
    assert find("(0008,1030):(.*) t:y r:y", value) == value
    (rule,) = parse_rules("(0008,1030):(.*z)").lines
    assert rule.find(value) == (None, CUT_NOTE)


def test_lines_keep_their_number_and_blank_ones_are_ignored() -> None:
    rules = parse_rules("\n  (0008,0030):(.*)  \r\n\r\n\t\r(0010,0010):(.*)\n")
    assert [(line.number, line.tag) for line in rules.lines] == [(2, 0x0008_0030), (5, 0x0010_0010)]
    assert rules.tags == {0x0008_0030, 0x0010_0010}
    assert parse_rules("").lines == ()


@pytest.mark.parametrize(
    "line, column, part",
    [
        ("0008,1030:(.*)", 1, "starts with the tag"),
        ("  (0008,10):(.*)", 3, "starts with the tag"),
        ("# a comment", 1, "starts with the tag"),
        ("(0008,1030)(.*)", 12, "after the tag"),
        ("(0008,1030)", 12, "after the tag"),
        ("(0008,1030):", 13, "the pattern"),
        ("(0008,1030):(.*", 13, "not closed"),
        ("(0008,1030):a(b]*", 14, "not closed"),
        ("(0008,1030):PROJ", 17, "captures nothing"),
        ("(0008,1030):(.*):2", 17, "the pattern has 1"),
        ("(0008,1030):Scan:5", 17, "the pattern has 0"),
        ("(0008,1030):(.*):99999999999999", 17, "the pattern has 1"),
        ("(0008,1030):(.*) t:[a r:b", 20, "not closed"),
        ("(0008,1030):(.*) t:a r:x$", 25, "starts a group"),
        ("(0008,1030):(.*) t:a r:$1", 24, "has 0 groups"),
        ("(0008,1030):(.*) t:(a) r:${b}", 26, "no group named"),
        ("(0008,1030):(.*) t:a r:x\\", 25, "escapes nothing"),
        ("(0008,1030):" + "a" * LONGEST_LINE, LONGEST_LINE + 1, "characters"),
    ],
)
def test_a_malformed_line_is_reported_at_its_place(line: str, column: int, part: str) -> None:
    with pytest.raises(InvalidRules) as error:
        parse_rules(line)
    (problem,) = error.value.problems
    assert (problem.line, problem.column) == (1, column)
    assert part in problem.sentence
    assert str(problem) == f"1:{column}: {problem.sentence}"


def test_all_faults_of_a_text_are_reported_at_once() -> None:
    with pytest.raises(InvalidRules, match=r"line 2: .*; line 4: ") as error:
        parse_rules("(0008,1030):(.*)\nnonsense\n\n(0008,1030):(\n(0008,0050):(.*)")
    assert [problem.line for problem in error.value.problems] == [2, 4]
    copied = pickle.loads(pickle.dumps(error.value))
    assert (str(copied), copied.problems) == (str(error.value), error.value.problems)


@pytest.mark.parametrize(
    "line", ["(0008,1030):(a|aa)+b", "(0008,1030):(.*) t:(a|aa)+b r:x", "(0008,1030):((a*)*)*b"]
)
def test_a_line_that_backtracks_for_ever_gives_nothing_and_says_so(line: str) -> None:
    (rule,) = parse_rules(line).lines
    found, note = rule.find("a" * 62 + "c")
    if "((a*)*)*b" in line:
        assert found is None
    else:
        assert (found, note) == (None, TIMED_OUT)


@settings(derandomize=True, max_examples=500)
@given(st.text(alphabet=" ():,.*+?[]{}|^$\\tr:01aAQEkpx<>=!&-~\n", max_size=24))
def test_any_text_is_either_compiled_or_refused_with_places(text: str) -> None:
    written = "(0008,1030):" + text
    try:
        rules = parse_rules(written)
    except InvalidRules as error:
        lines = written.split("\n")
        for problem in error.problems:
            assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
            assert problem.sentence
    else:
        for rule in rules.lines:
            rule.find("a0 t:r")
