# SPDX-License-Identifier: Apache-2.0
"""Bars over time."""

from __future__ import annotations

from console.widgets.chart import chart_lines


def test_a_bar_is_as_high_as_its_number_and_the_newest_stands_at_the_right() -> None:
    lines = chart_lines([0.0, 10.0, 20.0, 30.0], 9, 3, steps=4)
    assert lines == [
        "  30│   █",
        "  20│  ██",
        "  10│ ███",
    ]


def test_parts_of_a_line_are_drawn_in_eighths() -> None:
    (line,) = chart_lines([0.25, 0.5, 1.0], 8, 1, steps=3)
    assert line == "   1│▂▄█"


def test_a_short_history_leaves_the_left_empty() -> None:
    (line,) = chart_lines([1.0], 9, 1, steps=4)
    assert line == "   1│   █"


def test_a_bar_of_several_steps_shows_the_highest() -> None:
    (line,) = chart_lines([1.0, 0.0, 0.0, 0.0], 7, 1, steps=4)
    assert line == "   1│█ "


def test_a_bar_for_each_cell_where_there_are_fewer_steps() -> None:
    (line,) = chart_lines([0.0, 1.0], 9, 1, steps=2)
    assert line == "   1│  ██"


def test_nothing_is_a_chart_without_bars() -> None:
    assert chart_lines([], 9, 2, steps=4) == ["   2│    ", "   1│    "]


def test_lines_stand_for_round_numbers() -> None:
    labels = [line[:4].strip() for line in chart_lines([61.0], 9, 3, steps=1)]
    assert labels == ["90", "60", "30"]
    labels = [line[:4].strip() for line in chart_lines([0.5], 9, 3, steps=1)]
    assert labels == ["0.6", "0.4", "0.2"]


def test_thousands_are_short_where_there_are_many() -> None:
    labels = [line[:5] for line in chart_lines([12_000.0], 9, 2, steps=1)]
    assert labels == [" 12k│", "6000│"]
