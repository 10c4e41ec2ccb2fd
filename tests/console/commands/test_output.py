# SPDX-License-Identifier: Apache-2.0
"""How values are said to people."""

from __future__ import annotations

import pytest

from console.commands.output import Column, say_facts, say_json, say_table, size, words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (("a", "b"), "a, b"),
        ((), ""),
        ("a\x1bb", "a␛b"),
    ],
)
def test_values(value: object, said: str) -> None:
    assert words(value) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1024, "1.0 KB"), (123_456, "123 KB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes(number: int, said: str) -> None:
    assert size(number) == said


def test_columns_are_as_wide_as_what_is_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    columns = (
        Column[tuple[str, int]]("NAME", lambda row: row[0]),
        Column[tuple[str, int]]("N", lambda row: row[1], right=True),
    )
    say_table([("山田", 1), ("x", 1000)], columns, none="nobody")
    assert capsys.readouterr().out == "NAME     N\n山田     1\nx     1000\n"
    say_table([], columns, none="nobody")
    assert capsys.readouterr().out == "nobody\n"


def test_what_is_empty_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    say_facts({"a": "1", "long": "", "bcd": 2})
    assert capsys.readouterr().out == "a    1\nbcd  2\n"


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    say_json(("é\x9b",))
    assert capsys.readouterr().out == '[\n  "\\u00e9\\u009b"\n]\n'
