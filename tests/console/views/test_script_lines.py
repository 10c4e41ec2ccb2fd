# SPDX-License-Identifier: Apache-2.0
"""The pieces of the lines of a script, and how often they are worked out."""

from __future__ import annotations

import pytest

from console.views import script_lines
from console.views.script_lines import ScriptLines
from engine.service.script_words import Kind


def kinds(text: str, row: int = 0, language: int = 6) -> list[tuple[str, str]]:
    found = ScriptLines()
    found.language = language
    return [(one.kind.value, one.text) for one in found.of(text.split("\n"), row)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("// all", [("comment", "// all")]),
        ('version "6.6"', [("keyword", "version"), ("string", '"6.6"')]),
        ("- (0010,0010)", [("sign", "-"), ("tag", "(0010,0010)")]),
        ("x := newUID[]", [("name", "x"), ("sign", ":=")]),
        ('x := "open', [("name", "x"), ("sign", ":="), ("bad", '"open')]),
    ],
)
def test_a_line_has_pieces(line: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(line)[: len(expected)] == expected


def test_a_function_is_one_in_its_language_only() -> None:
    assert ("function", "newUID") in kinds("x := newUID[]")
    assert ("name", "newUID") in kinds("x := newUID[]", language=4)


def test_a_line_goes_on_in_what_the_line_above_has_opened() -> None:
    text = '// one \\\nstill a comment\nx := "begun \\\nended" "next"'
    assert kinds(text, 1) == [("comment", "still a comment")]
    assert kinds(text, 3) == [("string", 'ended"'), ("string", '"next"')]


def test_an_edit_of_one_line_splits_that_line_only() -> None:
    lines = [f'(0010,{number:04X}) := "x"' for number in range(1200)]
    found = ScriptLines()
    for row in range(1200):
        found.of(lines, row)
    assert found.split == 1200
    lines[600] = "- (0010,0010)"
    found.edited()
    for row in range(580, 620):
        found.of(lines, row)
    assert found.split == 1201


def test_a_line_that_goes_on_is_split_anew_with_the_one_above() -> None:
    lines = ["// note", "- (0010,0010)"]
    found = ScriptLines()
    assert found.of(lines, 1)[0].kind is Kind.SIGN
    lines[0] += "\\"
    found.edited()
    assert found.of(lines, 1)[0].kind is Kind.COMMENT


def test_the_piece_at_a_place_is_found() -> None:
    pieces = ScriptLines().of(["- (0010,0010)"], 0)
    here = script_lines.at(pieces, 5)
    assert here is not None and here.text == "(0010,0010)"
    assert script_lines.at([], 0) is None
