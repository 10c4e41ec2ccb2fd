# SPDX-License-Identifier: Apache-2.0
"""The assignment grammar, row by row and against the grammar written as one slow expression."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.routing.assignment import CUT, LIMIT, NORMALISED, NOT_CAPTURED, Assignment

PROJECT = Assignment("Project")
SUBJECT = Assignment("Subject")
SESSION = Assignment("Session")
AUTO_ARCHIVE = Assignment("AA")


@pytest.mark.parametrize(
    "text, project",
    [
        ("Project:P1 Subject:S1 Session:E1", "P1"),
        ("project : P1;SUBJECT:S1,session:E1", "P1"),
        ("MyProject:P1", None),
        ("Project:P.1", None),
        ("Project:P1 Project:P2", "P1"),
        ("x Project:P1 Project:P2", "P2"),
        ("Project:my proj", "my"),
        ("Project:", ""),
        ("note\nProject:P1", "P1"),
        ("Project:P1\nfree text", "P1"),
        ("Project:P.1 Project:P2", "P2"),
        ("Project: P.1", ""),
        ("x Project:P1 Project: P.2", ""),
        ("Project:\tP1", "P1"),
        ("Project\n:\n\nP1", "P1"),
        ("a,Project:P-1_x;b", "P-1_x"),
        ("Project:P1;", "P1"),
        ("Project", None),
        ("", None),
        ("10:30 no assignment", None),
        ("Project:Ünit", None),
        ("Project:P1\x85more", None),
        ("ſubject:S1", None),
    ],
)
def test_every_form_is_read_as_the_grammar_says(text: str, project: str | None) -> None:
    assert PROJECT.find(text)[0] == project


def test_one_comment_can_assign_every_concept() -> None:
    text = "project : P1;SUBJECT:S1,session:E1 aa:true"
    assert [a.find(text)[0] for a in (PROJECT, SUBJECT, SESSION, AUTO_ARCHIVE)] == [
        "P1",
        "S1",
        "E1",
        "true",
    ]


def test_a_keyword_is_compared_by_ascii_case_only() -> None:
    assert SUBJECT.find("sUbJeCt:S1")[0] == "S1"
    assert SUBJECT.find("ſubject:S1")[0] is None


def test_a_name_with_carets_is_no_assignment_and_the_note_says_why() -> None:
    assert SUBJECT.find("Subject:Doe^John") == (None, NOT_CAPTURED)
    assert SESSION.find("Session:MR.0311") == (None, NOT_CAPTURED)


@pytest.mark.parametrize(
    "text",
    [
        "note\r\nProject:P1",
        "a\nb\nProject:P1",
        "Project:P1\nline2\nline3",
        "first\r\n\r\nsecond\r\nProject:P1 and more\r\nlast",
    ],
)
def test_newlines_that_defeat_the_grammar_are_normalised_with_a_note(text: str) -> None:
    assert PROJECT.strict(text) is None
    assert PROJECT.find(text) == ("P1", NORMALISED)


def test_what_the_grammar_itself_finds_is_never_changed_by_normalising() -> None:
    text = "x Project:P1\nProject:P2"
    assert PROJECT.find(text) == ("P2", "")


def test_an_endless_comment_is_cut() -> None:
    text = "Project:P1 " + "x" * LIMIT
    assert PROJECT.find(text) == ("P1", CUT)
    assert PROJECT.find("x" * LIMIT + " Project:P1") == (None, CUT)


@pytest.mark.parametrize(
    "piece", ["Project:", "Project ", " Project:a.", "Project:\n", ",;Project :: ", "AA:AA:"]
)
def test_hostile_repetition_is_read_in_one_pass(piece: str) -> None:
    text = piece * (LIMIT // len(piece))
    assert PROJECT.find(text)[0] in (None, "", "a")
    assert AUTO_ARCHIVE.find(text)[0] in (None, "", "AA")


def _slow(keyword: str, text: str) -> str | None:
    any_char = "[^\n\r\x85\u2028\u2029]*"
    separator = "[ \t\n\x0b\f\r,;]"
    blanks = "[ \t\n\x0b\f\r]*"
    match = re.fullmatch(
        f"(?:|{any_char}{separator}){keyword}{blanks}:{blanks}([A-Za-z0-9_-]*)"
        f"(?:|{separator}{any_char})",
        text,
        re.IGNORECASE | re.ASCII,
    )
    return match[1] if match else None


_PIECES = st.sampled_from(
    ["AA", "aa", "A", ":", " ", "\t", ",", ";", "\n", "\r", "\x85", "\u2028", "x1", "_-", ".", "é"]
)


@settings(derandomize=True, max_examples=3000, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_the_hand_written_match_is_the_grammar(text: str) -> None:
    assert AUTO_ARCHIVE.strict(text) == _slow("AA", text)


@settings(derandomize=True, max_examples=1000, deadline=None)
@given(st.lists(_PIECES, max_size=14).map("".join))
def test_normalising_only_adds(text: str) -> None:
    found, note = AUTO_ARCHIVE.find(text)
    strict = _slow("AA", text)
    if strict:
        assert (found, note) == (strict, "")
    elif found:
        assert note == NORMALISED
        assert found == _slow("AA", re.sub("[\r\n]+", " ", text))
