# SPDX-License-Identifier: Apache-2.0
"""How numbers, sizes and ages are written."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.views import figures
from tests.memory import NOON


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0s"), (0, "0s"), (59, "59s"), (60, "1m"), (3599, "59m"), (3600, "1h"), (86_400, "1d")],
)
def test_ages(seconds: int, said: str) -> None:
    assert figures.age(NOON + timedelta(seconds=seconds), NOON) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 K"), (4_096_000, "4 M"), (3 * 10**12, "3 T")],
)
def test_sizes(number: int, said: str) -> None:
    assert figures.size(number) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0.0, ""), (0.04, ""), (0.7, "0.7"), (3.94, "3.9"), (42.4, "42")]
)
def test_rates(number: float, said: str) -> None:
    assert figures.rate(number) == said


@pytest.mark.parametrize(
    ("milliseconds", "said"),
    [(0.2, "0 ms"), (11.8, "12 ms"), (999.4, "999 ms"), (999.6, "1.0 s"), (1234.0, "1.2 s")],
)
def test_how_long_an_answer_took(milliseconds: float, said: str) -> None:
    assert figures.took(milliseconds) == said
    assert len(said) <= 6


def test_numbers_have_gaps_and_nouns() -> None:
    assert figures.grouped(1_234_567) == "1 234 567"
    assert figures.plural(1, "row") == "1 row"
    assert figures.plural(2000, "row") == "2 000 rows"
    assert figures.plural(2, "study", "studies") == "2 studies"
