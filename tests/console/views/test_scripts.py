# SPDX-License-Identifier: Apache-2.0
"""Scripts as rows and questions."""

from __future__ import annotations

import pytest

from console.views import scripts
from engine.model.scripts import ScriptSummary

SITE = ScriptSummary(scope="site", version=3, enabled=True, active=True, author="ada")
PROJECT = ScriptSummary(scope="project:P 1", version=1, author="hale", reason="as agreed")


def test_the_site_comes_first_whether_it_has_a_script_or_not() -> None:
    assert list(scripts.scopes((PROJECT,), ())) == ["site", "project:P 1"]
    assert scripts.state(scripts.scopes((PROJECT,), ())["site"]) == "none"


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        (SITE, ("the site", "● enabled", "v3")),
        (PROJECT, ("P 1", "○ off", "v1")),
        (ScriptSummary(scope="project:Q"), ("Q", "– none", "–")),
    ],
)
def test_a_row_says_how_the_script_stands(one: ScriptSummary, cells: tuple[str, ...]) -> None:
    assert scripts.row(one).cells[:3] == cells


def test_that_the_site_script_is_off_is_said_first() -> None:
    said = scripts.told((ScriptSummary(scope="site", version=2), PROJECT))
    assert said[0] == ("the site script is off: what arrives is kept as it is", "look")
    assert scripts.told((PROJECT,))[0][0].startswith("there is no site script")


def test_to_disable_the_site_script_is_asked_as_what_endangers() -> None:
    asked = scripts.turning(SITE)
    assert asked.danger
    assert "names the patient" in asked.warning
    assert asked.command is not None
    assert asked.command({}) == "anteroom script disable --site"
    enabling = scripts.turning(PROJECT)
    assert not enabling.danger
    assert enabling.command is not None
    assert enabling.command({}) == "anteroom script enable --project 'P 1'"
