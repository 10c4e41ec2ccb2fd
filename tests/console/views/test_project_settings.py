# SPDX-License-Identifier: Apache-2.0
"""Settings of a project in words, and the questions about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.views import project_settings
from tests.memory.configuration import project

MADE = project("NEURO3", title="Neuro", aliases=("N3", "NEURO-III"), prearchive_code=0)


def test_codes_come_with_their_meaning() -> None:
    assert project_settings.shown(MADE, "prearchive_code") == "0  hold for review"
    assert project_settings.shown(MADE, "quarantine_code") == "0  off"
    assert project_settings.shown(MADE, "accessibility") == "private"
    older = replace(MADE, prearchive_code=5, quarantine_code=7, accessibility="public")
    assert project_settings.shown(older, "prearchive_code") == "5  archives as 4 does"
    assert project_settings.shown(older, "quarantine_code") == "7  has no effect yet"
    assert project_settings.shown(older, "accessibility") == "public  has no effect yet"
    held = replace(MADE, quarantine_code=1, release_people=2, release_by="member")
    assert project_settings.shown(held, "quarantine_code") == "1  after archiving"
    assert project_settings.shown(held, "release_people") == "2  two different people"
    assert project_settings.shown(held, "release_by") == "member  owners and members"
    assert project_settings.shown(MADE, "aliases") == "N3, NEURO-III"
    assert project_settings.shown(MADE, "description") == "–"
    assert project_settings.shown(MADE, "created").endswith(" by ak")


def test_every_setting_has_a_row_and_a_cell_in_a_file() -> None:
    rows = project_settings.rows(MADE)
    assert [row.key for row in rows] == [one.name for one in project_settings.SETTINGS]
    assert len(project_settings.exported(MADE)) == len(rows) + 1


def test_a_setting_is_not_set_to_what_it_is_or_to_what_is_none() -> None:
    asked = project_settings.question(MADE, "prearchive_code")
    assert asked.fault({"prearchive_code": "0"}) == "nothing is changed yet"
    assert asked.fault({"prearchive_code": "3"}) == "one of 0, 4"
    assert asked.fault({"prearchive_code": "4"}) == ""
    assert asked.command is not None
    assert asked.command({"prearchive_code": "4"}) == (
        "anteroom project set NEURO3 prearchive_code=4"
    )


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({"id": "a b"}, "an ID has 1 to 64 letters, digits, _ or -, and does not begin with -"),
        (
            {"id": "neuro3"},
            "there is a project neuro3 already, or one that differs only in case",
        ),
        ({"id": "NEW", "code": "5"}, "the prearchive code is one of 0, 4"),
        ({"id": "NEW", "code": "4"}, ""),
    ],
)
def test_a_new_project_is_looked_at_while_it_is_typed(answers: dict[str, str], fault: str) -> None:
    given = {"title": "", "aliases": "", "code": ""} | answers
    assert project_settings.new_question(("NEURO3",), {}).fault(given) == fault


def test_the_command_of_a_new_project_names_what_was_typed() -> None:
    asked = project_settings.new_question((), {})
    given = {"id": "NEW", "title": "A title", "aliases": "N1, N 2,", "code": ""}
    assert asked.command is not None
    assert asked.command(given) == (
        "anteroom project add NEW --title 'A title' --alias N1 --alias 'N 2'"
    )
