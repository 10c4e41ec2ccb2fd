# SPDX-License-Identifier: Apache-2.0
"""What a script may go on with."""

from __future__ import annotations

import pytest

from console.views import script_lines
from console.views.script_completion import MOST, Offer, offer, variables
from console.views.script_lines import ScriptLines
from engine.service.script_words import words


def offered(line: str, *, after: str = "", own: tuple[str, ...] = ()) -> Offer | None:
    column = len(line)
    pieces = ScriptLines().of([line + after], 0)
    here = script_lines.at(pieces, column)
    return offer(words(), line + after, column, here, own, 6)


def texts(found: Offer | None) -> list[str]:
    return [] if found is None else [one.text for one in found.choices]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("- PatientName", "(0010,0010)"),
        ("- patientbirthd", "(0010,0030)"),
        ("x := shiftDateBy", "shiftDateByIncrement["),
        ("(0010,0020) := subj", "subject"),
        ("remo", "removeTags["),
        ("(0029,{SIEMENS CSA H", "{SIEMENS CSA HEADER}"),
        ("- (0010,001", "(0010,0010)"),
        ("- (00100", ""),
    ],
)
def test_what_comes_first(typed: str, first: str) -> None:
    assert (texts(offered(typed)) or [""])[0] == first


def test_a_keyword_is_found_by_what_is_in_it_after_those_that_begin_with_it() -> None:
    found = texts(offered("BirthDate"))
    assert "(0010,0030)" in found


def test_the_brackets_that_are_there_are_replaced_too() -> None:
    found = offered("- (0010,00", after=")")
    assert found is not None
    assert (found.start, found.end) == (2, 11)
    creator = offered("- (0029,{SIEM", after="}10)")
    assert creator is not None
    assert (creator.start, creator.end) == (8, 14)


@pytest.mark.parametrize("typed", ["// PatientNa", 'x := "PatientNa', "P", "- (", "= "])
def test_nothing_is_offered_in_a_comment_a_string_or_for_too_little(typed: str) -> None:
    assert offered(typed) is None


def test_the_variables_of_the_script_come_first() -> None:
    own = variables(["  days := lookup[]", "(0010,0010) := x", "days := 1", "other:=2"])
    assert own == ("days", "other")
    assert texts(offered("(0010,0010) := da", own=own))[0] == "days"


def test_no_more_is_offered_than_can_be_looked_at() -> None:
    assert len(texts(offered("- (0018,"))) == MOST
