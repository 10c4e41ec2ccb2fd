# SPDX-License-Identifier: Apache-2.0
"""Lookup tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.language import lookups
from engine.anonymize.language.lookups import LookupTable, read_table, usable_table
from engine.model.errors import InvalidInput
from engine.model.remarks import Severity


def test_a_table_is_read_line_by_line() -> None:
    table, problems = read_table(
        "\ufeff// subjects\r\n\r\nsubject/DOE^J = S 1 \r\n site /  A/x = y\n\t\nsubject/doe^j=\n"
        "subject/ k = a/b\n".replace("A/x", "A")
    )
    assert problems == ()
    assert table.entries == {
        ("subject", "DOE^J"): "S 1",
        ("site", "A"): "y",
        ("subject", "doe^j"): "",
        ("subject", "k"): "a/b",
    }


def test_case_and_inner_blanks_count_and_a_miss_is_none() -> None:
    table, _ = read_table("subject/John  Doe = 1")
    assert table.find("subject", "John  Doe") == "1"
    assert table.find("subject", "John Doe") is None
    assert table.find("Subject", "John  Doe") is None
    assert LookupTable().find("subject", "x") is None


@pytest.mark.parametrize(
    "line, column, message",
    [
        ("subject/DOE", 1, "no “=”"),
        ("DOE", 1, "no “=”"),
        ("subject/DOE = 1 = 2", 17, "second “=”"),
        ("subject = DOE/1", 1, "no “/” before"),
        ("subject/DOE/2 = 1", 12, "second “/”"),
        (" /DOE = 1", 1, "type before"),
        ("subject/ = 1", 9, "key after"),
    ],
)
def test_a_line_that_is_no_entry_is_left_out_with_a_remark(
    line: str, column: int, message: str
) -> None:
    text = f"a/b = c\n{line}\nd/e = f\n"
    table, (remark,) = read_table(text)
    assert (remark.line, remark.column, remark.severity) == (2, column, Severity.WARNING)
    assert remark.message.startswith("left out: ")
    assert message in remark.message
    assert "DOE" not in remark.message
    assert table.entries == {("a", "b"): "c", ("d", "e"): "f"}
    assert usable_table(text) == table


def test_a_comment_is_none_wherever_it_begins() -> None:
    assert read_table("// a/b = c\n \t// DOE = 1\n//") == (LookupTable(), ())


def test_a_line_that_is_too_long_is_an_error() -> None:
    text = "x/DOE = " + "y" * 5000
    _, (remark,) = read_table(text)
    assert (remark.line, remark.column, remark.severity) == (1, 4097, Severity.ERROR)
    with pytest.raises(InvalidInput, match="lookup table has faults"):
        usable_table(text)


def test_a_key_with_two_values_is_an_error_and_with_the_same_twice_is_none() -> None:
    _, (remark,) = read_table("a/b = c\na/b = c\na/ b = d\n")
    assert (remark.line, remark.message) == (3, "line 1 gives another value for this key")
    assert remark.severity is Severity.ERROR


def test_a_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST_ENTRIES", 3)
    _, problems = read_table("\n".join(f"a/{number} = b" for number in range(10)))
    assert [(problem.line, problem.message) for problem in problems] == [
        (4, "a table may have at most 3 entries")
    ]


def test_remarks_are_bounded_and_hide_neither_an_error_nor_an_entry() -> None:
    table, remarks = read_table("nothing\n" * 5000 + "a/b = c\na/b = d\n")
    assert len(remarks) == lookups.MOST_PROBLEMS + 2
    assert remarks[-2].message == "there is more like this below"
    assert (remarks[-1].line, remarks[-1].severity) == (5002, Severity.ERROR)
    assert table.find("a", "b") == "c"


WORDS = st.text(st.characters(exclude_characters="\n\r=/", exclude_categories=["Cs"])).filter(
    lambda word: word == word.strip() and word != "" and not word.startswith("\ufeff")
)


@settings(deadline=None)
@given(st.dictionaries(st.tuples(WORDS, WORDS), WORDS, max_size=5))
def test_what_is_written_is_found(entries: dict[tuple[str, str], str]) -> None:
    text = "\n".join(f"{kind}/{key} = {value}" for (kind, key), value in entries.items())
    table, problems = read_table(text)
    assert problems == ()
    assert table.entries == entries
