# SPDX-License-Identifier: Apache-2.0
"""The tree of errors: places in texts, and the way over a process boundary."""

from __future__ import annotations

import pytest

from engine.model import errors
from engine.model.errors import EngineError, InvalidInput, InvalidSettings, Problem, from_code

ALL = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, EngineError)
]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_found_again_by_its_code(kind: type[EngineError]) -> None:
    assert from_code(kind.code) is kind


@pytest.mark.parametrize("kind", ALL)
def test_the_drawing_shows_every_error(kind: type[EngineError]) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


def test_a_code_of_a_newer_engine_is_still_an_error() -> None:
    assert from_code("melted") is EngineError


def test_an_error_reads_as_its_sentence_and_keeps_its_hint() -> None:
    problem = Problem(path="a.yaml", line=3, column=7, message="expected a port")
    error = InvalidSettings("the settings are wrong", hint="correct them", problems=(problem,))
    assert str(error) == error.message == "the settings are wrong"
    assert error.hint == "correct them"
    assert error.problems == (problem,)
    assert isinstance(error, InvalidInput)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(path="a.yaml", line=3, column=7, message="m"), "a.yaml:3:7: m"),
        (Problem(line=3, column=7, message="m"), "3:7: m"),
        (Problem(path="a.yaml", message="m"), "a.yaml: m"),
        (Problem(message="m"), "m"),
    ],
)
def test_a_problem_says_as_much_of_its_place_as_is_known(problem: Problem, text: str) -> None:
    assert str(problem) == text
