# SPDX-License-Identifier: Apache-2.0
"""Java's regular expressions: what they mean here is what they mean there (the tables were run on
Java 17)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.java_regex.expressions import BrokenExpression, compile_java
from engine.anonymize.java_regex.patterns import DEEPEST
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
        (r"\H", "\u00a0", False),
        (r"\v", "\u2028", True),
        (r".*", "a\nb", False),
        (r".", "\x85", False),
        (r".", "\u2028", False),
        (r".", "\x0b", True),
        (r".", "😀", True),
        (r"(?s).*", "a\nb", True),
        (r"(?s:.)(.)", "\n\n", False),
        (r"(?d).*", "a\rb", True),
        (r"(?d).*", "a\nb", False),
        (r"(?i)mr.*", "MR3T", True),
        (r"(?i)é", "É", False),
        (r"(?iu)é", "É", True),
        (r"(?iu)ss", "ß", False),
        (r"(?i)[a-c]+", "AbC", True),
        (r"(?i)[^a]", "A", False),
        (r"(?i)[\x41-\x43]", "b", True),
        (r"(?iu)[é]", "É", True),
        (r"(?i)\p{Lower}\p{Lu}", "Aa", True),
        (r"(?i)(a)\1", "aA", True),
        (r"a(?i)b", "aB", True),
        (r"a(?i)b", "AB", False),
        (r"a(?i)b|c", "C", True),
        (r"(a(?i)b)c", "aBC", False),
        (r"(?i:a)b", "Ab", True),
        (r"(?i)a(?-i)b", "AB", False),
        (r"(?ix-s: A )", "a", True),
        ("(?x)a b # note\n +", "abbb", True),
        (r"(?x)[a b]", " ", False),
        (r"(?x)a\ b", "a b", True),
        (r"(?x)\Qa b\E", "a b", True),
        (r"(?U)\w\d\s", "é٣\u00a0", True),
        (r"(?U)\p{Lower}\p{Punct}", "é«", True),
        (r"\p{Alpha}+", "abc", True),
        (r"\p{Alpha}+", "é", False),
        (r"\p{Lower}\p{Upper}\p{Digit}", "aA1", True),
        (r"\p{Space}\p{XDigit}\p{Cntrl}", " F\x7f", True),
        (r"\p{L}+", "é山", True),
        (r"\pL\PL", "é1", True),
        (r"\p{IsGreek}", "α", True),
        (r"\p{IsLu}\p{gc=Lu}", "AA", True),
        (r"\p{InGreek}\p{script=Han}", "α山", True),
        (r"\p{IsAlphabetic}\p{IsPunctuation}", "é«", True),
        (r"\p{javaUpperCase}\p{javaLowerCase}", "Éé", True),
        (r"\p{javaWhitespace}", "\u00a0", False),
        (r"\p{javaLetterOrDigit}+", "é٣", True),
        (r"[\p{L}&&[^\p{Lu}]]+", "aé", True),
        (r"[\p{L}&&[^\p{Lu}]]+", "A", False),
        (r"[\p{Punct}]+", "!-/:@[`{~", True),
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
        (r"[\Q^]\E]+", "]^", True),
        (r"[\x41-\u0043]+", "ABC", True),
        (r"\Qa.b(\E.", "a.b(x", True),
        (r"\Qa.b", "axb", False),
        (r"\Qab\E*", "abbb", True),
        (r"a$", "a", True),
        (r"a\z", "a", True),
        (r"a(?=\Z)\r\n", "a\r\n", True),
        (r"a\r(?=\Z)\n", "a\r\n", False),
        (r"(?m)a$\n^b", "a\nb", True),
        (r"(?m)a$\r\n^b", "a\r\nb", True),
        (r"(?m)a\n^", "a\n", False),
        (r"(?md)a\r^b", "a\rb", False),
        (r"a\Rb", "a\r\nb", True),
        (r"(a)\1\11", "aaa1", True),
        (r"(?<x>a+)-\k<x>", "aa-aa", True),
        (r"a++b", "aab", True),
        (r"a++a", "aaa", False),
        (r"a*+a|a?+a|a{1,2}+a", "a", False),
        (r"(?>a|ab)c", "abc", False),
        (r"(?<=a)b|ab", "ab", True),
        (r"\t\x09\011\cI\u0009\x{9}", "\t" * 6, True),
        (r"\x{1F600}\uD83D\uDE00", "😀😀", True),
        (r"a{2,3}", "aaa", True),
        (r"\$\{x\}", "${x}", True),
        (r"x}]", "x}]", True),
        (r"a b # c", "a b # c", True),
        (r"a|b|", "", True),
        (r".*\\PRIMARY", "ORIGINAL\\PRIMARY", True),
    ],
)
def test_an_expression_means_what_it_means_in_java(pattern: str, text: str, matches: bool) -> None:
    assert (compile_java(pattern).fullmatch(text) is not None) is matches


@pytest.mark.parametrize(
    "pattern, text, groups",
    [
        ("(a|b)*", "abab", ["abab", "b"]),
        ("(?:(a)|b)*", "ab", ["ab", "a"]),
        ("((a)|(b))*", "ab", ["ab", "b", "a", "b"]),
        ("(a)?", "", ["", None]),
        (r"x(\d+)", "ab x12 x3", ["x12", "12"]),
        (r"(?<year>\d{4})", "on 20200102", ["2020", "2020"]),
        (r"$", "a\r\n", [""]),
    ],
)
def test_a_search_gives_the_groups_of_the_first_hit(
    pattern: str, text: str, groups: list[str | None]
) -> None:
    expression = compile_java(pattern)
    found = [expression.first_group(text, index) for index in range(expression.groups + 1)]
    assert found == groups


def test_an_end_of_text_is_before_its_last_line_end() -> None:
    found = compile_java("$").search("a\r\n")
    assert found and found.span() == (1, 1)


def test_no_hit_gives_no_group_and_a_group_that_is_not_there_is_an_error() -> None:
    assert compile_java("(a)").first_group("b", 1) is None
    for index in (2, -1):
        with pytest.raises(ScriptError, match="has no group"):
            compile_java("(a)").first_group("a", index)


@pytest.mark.parametrize(
    "pattern, replacement, result",
    [
        ("b", "-", "a-ca-c"),
        ("(b)(c)", "$2$1", "acbacb"),
        ("(b)", "$12", "ab2cab2c"),
        ("(?<x>b)", "<${x}>", "a<b>ca<b>c"),
        ("b", r"\$1\\", "a$1\\ca$1\\c"),
        ("b|(x)", "$0$1", "abcabc"),
    ],
)
def test_replacement_texts_are_those_of_java(pattern: str, replacement: str, result: str) -> None:
    assert compile_java(pattern).replace("abcabc", replacement) == result


@pytest.mark.parametrize("replacement", ["$1", "$", "$x", "${x}", "${x", "\\"])
def test_a_broken_replacement_is_an_error(replacement: str) -> None:
    with pytest.raises(ScriptError):
        compile_java("b").replace("abc", replacement)


@pytest.mark.parametrize(
    "pattern, offset",
    [
        ("(a", 0),
        ("ab)", 2),
        ("x[ab", 1),
        ("a{e<=1}", 1),
        ("a{,3}", 1),
        ("a{2,1}", 1),
        ("(?P<n>a)", 0),
        ("(?R)", 0),
        ("(?|a|b)", 0),
        ("(*FAIL)", 1),
        ("a**", 2),
        ("a|*", 2),
        ("(?i)*", 4),
        ("ab\\", 2),
        (r"a\y", 1),
        (r"\E", 0),
        (r"a\2(b)", 1),
        (r"\k<no", 0),
        (r"\k<no>", 0),
        ("(?<n>a)(?<n>b)", 7),
        (r"[a-\d]", 3),
        ("[z-a]", 3),
        ("[a--b]", 3),
        ("[a&&]", 2),
        (r"[\Qa\E-z]", 6),
        ("(?z)a", 0),
        (r"\x{110000}", 0),
        ("*a", 0),
        (r"\p{Latin}", 0),
        (r"\p{Lx}", 0),
        (r"a\p{IsNowhere}", 1),
        ("\\Q" + "a" * 10_000, 10_000),
    ],
)
def test_what_is_no_expression_of_java_is_told_with_its_place(pattern: str, offset: int) -> None:
    with pytest.raises(BrokenExpression) as fault:
        compile_java(pattern)
    assert fault.value.offset == offset
    assert f"at its character {offset + 1}: {fault.value.reason}" in fault.value.message


@pytest.mark.parametrize(("pattern", "part"), EXHAUSTING)
def test_an_expression_that_would_exhaust_the_compiler_is_refused(pattern: str, part: str) -> None:
    with pytest.raises(BrokenExpression, match=part):
        compile_java(pattern)


def test_depth_and_counts_within_the_limits_compile() -> None:
    assert compile_java("(?:[0-9]{64}){8}" * 20).groups == 0
    deep = "(" * DEEPEST + "[" * DEEPEST + "]" + "]" * DEEPEST + ")" * DEEPEST
    assert compile_java(deep).groups == DEEPEST


def test_one_that_backtracks_for_ever_is_stopped_and_named_without_the_value() -> None:
    expression = compile_java("(a|aa)+b")
    value = "a" * 64 + "DOE"
    for run in (expression.fullmatch, expression.search):
        with pytest.raises(ScriptError, match="took too long") as fault:
            run(value, timeout=0.01)
        assert "(a|aa)+b" in fault.value.message
        assert "DOE" not in fault.value.message
    with pytest.raises(ScriptError, match="took too long"):
        expression.replace(value, "", timeout=0.01)


def test_a_pattern_made_of_values_is_in_no_message() -> None:
    with pytest.raises(BrokenExpression) as broken:
        compile_java("DOE^J(", quotable=False)
    with pytest.raises(ScriptError) as slow:
        compile_java("(a|aa)+DOE", quotable=False).search("a" * 64, timeout=0.01)
    assert "DOE" not in broken.value.message + broken.value.reason + slow.value.message


@settings(deadline=None)
@given(st.text().filter(lambda text: "\\E" not in text and not text.endswith("\\")))
def test_a_quoted_text_matches_itself(text: str) -> None:
    assert compile_java(f"\\Q{text}\\E").fullmatch(text)
    assert compile_java(f"(?x)\\Q{text}\\E").fullmatch(text)
    assert compile_java(f"(?i)\\Q{text}\\E").fullmatch(text)


@settings(deadline=None)
@given(st.text(alphabet="ab(){}[]|*+?\\^$.,-&QEpdw<:=!>ixm01 ", max_size=30), st.text(max_size=8))
def test_any_pattern_runs_or_is_told_as_broken(pattern: str, text: str) -> None:
    try:
        found = compile_java(pattern).search(text, timeout=60)
    except BrokenExpression as fault:
        assert 0 <= fault.offset <= len(pattern)
    else:
        assert found is None or 0 <= found.span()[0] <= len(text)
