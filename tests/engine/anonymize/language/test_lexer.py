# SPDX-License-Identifier: Apache-2.0
"""Tokens of a script: lines that are glued, comments, strings, tags, and where all of it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.anonymize.language.lexer import Source, State, TokenKind, tokens
from tests.engine.anonymize.texts import SCRIPTS


def kinds(text: str, language: int = 6) -> list[tuple[str, str]]:
    found = Source(text, language=language).tokens()
    return [(token.kind.value, token.text) for token in found[:-1]]


def places(text: str) -> list[tuple[str, int, int]]:
    source = Source(text, language=6)
    found = [(token.text, source.place(token.start)) for token in source.tokens()]
    return [(text, at.line, at.column) for text, at in found]


@pytest.mark.parametrize(
    "text, found",
    [
        ("x := y", [("word", "x"), ("sign", ":="), ("word", "y")]),
        # Where tokens stay distinguishable nothing needs to stand between them.
        ("x:=y", [("word", "x"), ("sign", ":="), ("word", "y")]),
        ("a!=b!~c", [("word", "a"), ("sign", "!="), ("word", "b"), ("sign", "!~"), ("word", "c")]),
        ("x ?= -0.5", [("word", "x"), ("sign", "?="), ("number", "-0.5")]),
        ("0 -12 1.50", [("number", "0"), ("number", "-12"), ("number", "1.50")]),
        ("007", [("bad_number", "007")]),
        ("1.", [("bad_number", "1.")]),
        ("-(0008,0050)", [("sign", "-"), ("tag", "(0008,0050)")]),
        ("(0008 , 0050)", [("tag", "(0008 , 0050)")]),
        ("(0019,{A B-_.:1}1x)", [("tag", "(0019,{A B-_.:1}1x)")]),
        ("(face = x)", [("sign", "("), *kinds("face = x"), ("sign", ")")]),
        ('"a//b"', [("string", '"a//b"')]),
        (r'"A\\B\t\101"', [("string", r'"A\\B\t\101"')]),
        (r'"\d"', [("bad_string", r'"\d"')]),
        ('"open', [("bad_string", '"open')]),
        ("'a'", [("bad_string", "'a'")]),
        ("“a”", [("bad_string", "“a”")]),
        ("x // c", [("word", "x")]),
        ('x // an unpaired "', [("word", "x")]),
        ('x "//" // "y"', [("word", "x"), ("string", '"//"')]),
        ("http://a", [("word", "http"), ("sign", ":"), *[("sign", "/")] * 2, ("word", "a")]),
        ("see https://a", [("word", "see"), *kinds("https://a")]),
        ("a;b", [("word", "a"), ("unknown", ";"), ("word", "b")]),
        ("*/+/./%", [("sign", one) for one in "*/+/./%"]),
        ("a\r\nb\rc", [("word", "a"), *kinds("\n"), ("word", "b"), *kinds("\n"), ("word", "c")]),
        ("\ufeffversion", [("word", "version")]),
        ("", []),
    ],
)
def test_tokens(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    "text, same",
    [
        ("x := \\\n  y", "x :=   y"),
        ("na\\\nme", "name"),
        ('"a\\\n  b"', '"a  b"'),
        ("(0008,\\\n0050)", "(0008,0050)"),
        ("a // comment \\\nstill comment\nb", "a\nb"),
        ("a\\\n\\\n\\\nb", "ab"),
        ("a\\\r\nb", "ab"),
        ("a\\", "a"),
        ("http:\\\n//x", "http://x"),
    ],
)
def test_a_backslash_at_the_end_of_a_line_glues_the_next_one(text: str, same: str) -> None:
    assert kinds(text) == kinds(same)


def test_in_42_a_continuation_is_a_blank_between_tokens_and_nothing_in_strings() -> None:
    assert kinds("na\\\nme", 4) == [("word", "na"), ("word", "me")]
    assert kinds('"a\\\nb"', 4)[0] == ("bad_string", '"a\\')
    assert kinds('"a\\"b"', 4) == [("string", '"a\\"b"')]


def test_places_are_those_of_the_text_as_written() -> None:
    assert places('ab \\\n  cd "e\\\n\\\nf" g\nh') == [
        ("ab", 1, 1),
        ("cd", 2, 3),
        ('"ef"', 2, 6),
        ("g", 4, 4),
        ("\n", 4, 5),
        ("h", 5, 1),
        ("", 5, 2),
    ]


@given(SCRIPTS, st.sampled_from([6, 4]))
def test_tokens_printed_one_after_the_other_are_the_text(text: str, language: int) -> None:
    source = Source(text, language=language)
    scanned = list(source.scan())
    assert "".join(token.text for token in scanned) == source.glued
    for token in scanned:
        place = source.place(token.start)
        line = source.lines[place.line - 1]
        assert 1 <= place.column <= len(line) + 1
        if token.kind is not TokenKind.NEWLINE:
            assert line[place.column - 1 :][:1] in (token.text[0], "")


@given(SCRIPTS, st.sampled_from([6, 4]))
def test_the_tokens_of_a_line_are_the_line(text: str, language: int) -> None:
    state = State.PLAIN
    for line in text.replace("\r", "\n").split("\n"):
        found, state = tokens(line, state, language=language)
        assert "".join(token.text for token in found) == line
        assert all(line.startswith(token.text, token.start) for token in found)


def test_an_editor_knows_in_what_a_line_starts() -> None:
    found, state = tokens('x := "a \\', State.PLAIN)
    assert (found[-1].kind, state) == (TokenKind.BAD_STRING, State.STRING)
    found, state = tokens("still \\", state)
    assert (found[-1].kind, state) == (TokenKind.BAD_STRING, State.STRING)
    found, state = tokens('there" x // c \\', state)
    assert [token.kind for token in found if token.kind is not TokenKind.BLANK] == [
        TokenKind.STRING,
        TokenKind.WORD,
        TokenKind.COMMENT,
    ]
    assert state is State.COMMENT
    found, state = tokens("all of it", state)
    assert ([token.kind for token in found], state) == ([TokenKind.COMMENT], State.PLAIN)
    found, state = tokens("x := \\", State.PLAIN)
    assert (found[-1].kind, state) == (TokenKind.CONTINUATION, State.PLAIN)
