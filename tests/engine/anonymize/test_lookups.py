"""Lookup tables."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize import lookups
from engine.anonymize.lookups import LookupTable, read_table


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
        (" // DOE = 1", 3, "second “/”"),
        ("x/DOE = " + "y" * 5000, 4097, "at most 4,096 characters"),
    ],
)
def test_a_line_that_is_no_entry_is_a_problem_with_its_place(
    line: str, column: int, message: str
) -> None:
    table, problems = read_table(f"a/b = c\n{line}\nd/e = f\n")
    assert [(problem.line, problem.column) for problem in problems] == [(2, column)]
    assert message in problems[0].message
    assert "DOE" not in problems[0].message
    assert table.entries == {("a", "b"): "c", ("d", "e"): "f"}


def test_a_key_with_two_values_is_a_problem_and_with_the_same_twice_is_none() -> None:
    _, problems = read_table("a/b = c\na/b = c\na/ b = d\n")
    assert [(problem.line, problem.message) for problem in problems] == [
        (3, "line 1 gives another value for this key")
    ]


def test_a_table_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookups, "MOST_ENTRIES", 3)
    _, problems = read_table("\n".join(f"a/{number} = b" for number in range(10)))
    assert [(problem.line, problem.message) for problem in problems] == [
        (4, "a table may have at most 3 entries")
    ]


def test_problems_are_bounded() -> None:
    _, problems = read_table("nothing\n" * 5000)
    assert len(problems) == lookups.MOST_PROBLEMS + 1
    assert problems[-1].message == "there are more problems below"


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
