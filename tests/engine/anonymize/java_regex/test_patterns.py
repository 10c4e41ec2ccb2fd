# SPDX-License-Identifier: Apache-2.0
"""Java regular expressions: what they mean here is what they mean there."""

from __future__ import annotations

import pytest

from engine.anonymize.java_regex.expressions import SECONDS, compile_pattern
from engine.anonymize.java_regex.patterns import DEEPEST, PatternFault
from tests.engine.anonymize.java_regex.exhausting import EXHAUSTING


@pytest.mark.parametrize(
    "pattern, text, matches",
    [
        (r"\w+", "abc_1", True),
        (r"\w+", "é", False),
        (r"\d+", "٣", False),
        (r"\W\D\S", "é٣٣", True),
        (r"\s", "\u00a0", False),
        (r"\h", "\u00a0", True),
        (r".*", "a\nb", False),
        (r".", "\x85", False),
        (r".", "\x0b", True),
        (r"(?s).*", "a\nb", True),
        (r"(?s:.)(.)", "\n\n", False),
        (r"(?i)mr.*", "MR3T", True),
        (r"a(?i)b", "aB", True),
        (r"a(?i)b", "AB", False),
        (r"(?i:a)b", "Ab", True),
        (r"(?i)a(?-i)b", "AB", False),
        (r"\p{Alpha}+", "abc", True),
        (r"\p{Alpha}+", "é", False),
        (r"\p{L}+", "é山", True),
        (r"\pL\PL", "é1", True),
        (r"[\p{Punct}]+", "!-/:@[`{~", True),
        (r"\p{IsGreek}", "α", True),
        (r"[a-z&&[^bc]]+", "ad", True),
        (r"[a-z&&[^bc]]+", "ab", False),
        (r"[a-d[m-p]]+", "dm", True),
        (r"[\w-]+", "a-b", True),
        (r"[+--]+", "+,-", True),
        (r"[a|b]+", "a|b", True),
        (r"[a||b]+", "a|b", True),
        (r"[a~~b]+", "a~b", True),
        (r"[^\W_]+", "a1", True),
        (r"[^\W_]+", "a_", False),
        (r"[]a]+", "]a", True),
        (r"[a\]]+", "a]", True),
        (r"[\x41-\u0043]+", "ABC", True),
        (r"\Qa.b(\E.", "a.b(x", True),
        (r"\Qa.b", "axb", False),
        (r"a$", "a", True),
        (r"a\z", "a", True),
        (r"a(?=\Z)\r\n", "a\r\n", True),
        (r"(?m)a$\n^b", "a\nb", True),
        (r"a\Rb", "a\r\nb", True),
        (r"(a)\1\11", "aaa1", True),
        (r"(?<x>a+)-\k<x>", "aa-aa", True),
        (r"a++b", "aab", True),
        (r"a++a", "aaa", False),
        (r"(?>a|ab)c", "abc", False),
        (r"(?<=a)b|ab", "ab", True),
        (r"\t\x09\011\cI", "\t\t\t\t", True),
        (r"\t\x09\011\u0009\x{9}", "\t\t\t\t\t", True),
        (r"a{2,3}", "aaa", True),
        (r"\$\{x\}", "${x}", True),
        (r"a b # c", "a b # c", True),
        (r"a|b|", "", True),
    ],
)
def test_a_pattern_means_what_it_means_in_java(pattern: str, text: str, matches: bool) -> None:
    assert (compile_pattern(pattern).fullmatch(text, timeout=SECONDS) is not None) is matches


@pytest.mark.parametrize(
    "pattern, offset",
    [
        ("(a", 0),
        ("ab)", 2),
        ("x[ab", 1),
        ("a{e<=1}", 1),
        ("(?P<n>a)", 0),
        ("(?R)", 0),
        ("(?|a|b)", 0),
        ("(*FAIL)", 1),
        ("ab\\", 2),
        (r"a\y", 1),
        (r"a\2(b)", 1),
        (r"\k<no", 0),
        (r"[a-\d]", 3),
        (r"\x{110000}", 0),
        ("*a", 0),
        (r"\p{Nonsense}", 0),
        ("[z-a]", 3),
    ],
)
def test_what_is_no_java_pattern_is_refused_at_its_place(pattern: str, offset: int) -> None:
    with pytest.raises(PatternFault) as fault:
        compile_pattern(pattern)
    assert fault.value.offset == offset
    assert fault.value.reason


@pytest.mark.parametrize(("pattern", "part"), EXHAUSTING)
def test_a_pattern_that_would_exhaust_the_compiler_is_refused(pattern: str, part: str) -> None:
    with pytest.raises(PatternFault, match=part):
        compile_pattern(pattern)


def test_depth_and_counts_within_the_limits_compile() -> None:
    assert compile_pattern("(?:[0-9]{64}){8}" * 20).groups == 0
    assert compile_pattern("(" * DEEPEST + "[" * DEEPEST + "]" + "]" * DEEPEST + ")" * DEEPEST)
    assert compile_pattern("a{0,99999}").fullmatch("aa", timeout=SECONDS)


def test_a_pattern_that_backtracks_for_ever_is_stopped() -> None:
    with pytest.raises(TimeoutError):
        compile_pattern("(a|aa)+b").fullmatch("a" * 64 + "c", timeout=SECONDS)
