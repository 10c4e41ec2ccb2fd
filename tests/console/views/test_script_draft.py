# SPDX-License-Identifier: Apache-2.0
"""A script that is edited: what differs, what is asked, where the next problem is."""

from __future__ import annotations

import pytest

from console.views import script_diff, script_draft, script_waiting
from console.views.script_draft import ScriptDraft
from engine.model.prearchive import ActOutcome
from engine.model.remarks import Remark, Severity
from engine.model.scripts import ScriptText

BASE = ScriptText(scope="project:P", version=3, id="scr_3", enabled=True, text="a\nb\n", author="h")
DRAFT = ScriptDraft(scope="project:P", version=3, id="scr_3", text="a\nc\n", lookups="")


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ("a\nb\nc", "a\nb\nc", 0),
        ("a\r\nb", "a\nb", 0),
        ("a\nb\nc", "a\nx\nc", 1),
        ("a\nc", "a\nb\nc", 1),
        ("a\na\na", "a\na", 1),
        ("", "a\nb", 2),
        ("a\nb\nc\nd", "b\nb\nc\nx", 2),
    ],
)
def test_the_lines_that_differ_are_counted(before: str, after: str, lines: int) -> None:
    assert script_draft.edited(before, after) == lines


def test_tabs_stay_and_what_acts_on_a_terminal_does_not() -> None:
    assert script_draft.tidy("x\t:= 1\r\n\x1b[2J") == "x\t:= 1\n␛[2J"
    assert script_draft.altered("x\x1b")
    assert not script_draft.altered("x\t:= 1\r\ny")


def test_the_draft_is_above_the_versions() -> None:
    rows = script_draft.version_rows((BASE,), 2, 3)
    assert [row.key for row in rows] == ["draft", "3"]
    assert rows[0].cells[-1] == "2 lines differ from v3"
    assert script_draft.draft_name((BASE,)) == "v4"


def test_saving_says_who_has_saved_meanwhile_and_that_it_runs_at_once() -> None:
    asked = script_draft.saving(BASE, BASE, DRAFT, 1)
    assert asked.rows == ("1 line of the script edited, on v3", "1 warning: read them first")
    assert asked.says[0].startswith("It runs at once")
    assert not asked.warning
    assert asked.fields[0].needed
    assert asked.command is not None
    assert asked.command({"reason": "why"}) == ("anteroom script set FILE --reason why --project P")
    newer = ScriptText(scope="project:P", version=4, id="scr_4", author="ada", text="x")
    later = script_draft.saving(BASE, newer, DRAFT, 0)
    assert "v4 by ada was saved meanwhile" in later.warning
    assert later.says[0] == "The script is off, and stays off."


def at(line: int, column: int, severity: Severity = Severity.ERROR, path: str = "") -> Remark:
    return Remark(message="m", line=line, column=column, severity=severity, path=path)


@pytest.mark.parametrize(
    ("place", "direction", "number"),
    [
        ((1, 1), 1, 1),
        ((2, 1), 1, 0),
        ((9, 3), 1, 1),
        ((9, 9), -1, 0),
        ((2, 1), -1, 0),
        ((9, 3), -1, 1),
    ],
)
def test_problems_are_gone_through_in_the_order_of_the_text(
    place: tuple[int, int], direction: int, number: int
) -> None:
    remarks = (at(9, 3), at(2, 1, Severity.WARNING), at(1, 1, path="lookup table"))
    assert script_draft.next_problem(remarks, place, direction) == number
    assert script_draft.next_problem((remarks[2],), place, direction) is None
    assert script_draft.counted(remarks) == "2 errors · 1 warning"


def test_what_differs_is_shown_with_some_lines_around_it() -> None:
    before = "\n".join(f"line {number}" for number in range(30))
    after = before.replace("line 10\n", "line ten\n").replace("line 20\n", "")
    lines = script_diff.compared(before, after)
    signs = "".join(one.sign for one in lines)
    assert signs == "…   -+   …   -   "
    assert [lines[place].text for place in script_diff.changes(lines)] == ["line 10", "line 20"]
    assert lines[5].number == 11
    assert script_diff.compared(before, before) == []


def test_runs_that_cannot_be_had_now_are_told() -> None:
    done, refused = (
        ActOutcome(id="pre_1", done=True),
        ActOutcome(id="pre_2", done=False, message="it is being filed"),
    )
    assert script_waiting.told((done, done)) == (
        "the script runs over 2 sessions again",
        "information",
    )
    assert script_waiting.told((done, refused)) == (
        "the script runs over 1 session again; not over 1: it is being filed",
        "warning",
    )
