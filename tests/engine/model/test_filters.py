# SPDX-License-Identifier: Apache-2.0
"""The grammar of filters: what is typed is read as it was meant, or refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.model.errors import InvalidInput
from engine.model.filters import Comparison, Condition, Filter, parse_filter


def test_conditions_and_words_are_told_from_each_other() -> None:
    found = parse_filter('age<7d !status:ready doe "two words" Size>1G')
    assert found.conditions == (
        Condition(field="age", comparison=Comparison.BELOW, value="7d"),
        Condition(field="status", value="ready", negated=True),
        Condition(field="size", comparison=Comparison.ABOVE, value="1G"),
    )
    assert found.words == ("doe", "two words")
    assert found.text == "doe two words"


@pytest.mark.parametrize(
    ("text", "conditions", "words"),
    [
        ("", (), ()),
        ("  \t ", (), ()),
        ('""', (), ()),
        ('"', (), ()),
        ('status:"in two words"', (Condition(field="status", value="in two words"),), ()),
        ('subject:"left open', (Condition(field="subject", value="left open"),), ()),
        ("tag:1.2:3<4", (Condition(field="tag", value="1.2:3<4"),), ()),
        ('"status:ready"', (), ("status:ready",)),
        ('"!word"', (), ("!word",)),
        ("1.2:3", (), ("1.2:3",)),
        ('a"b', (), ("a", "b")),
    ],
)
def test_what_is_typed_is_read_as_it_was_meant(
    text: str, conditions: tuple[Condition, ...], words: tuple[str, ...]
) -> None:
    assert parse_filter(text) == Filter(conditions=conditions, words=words)


@pytest.mark.parametrize(
    ("text", "said", "column"),
    [
        ("a colour:red", "there is no field colour; use age, status", 3),
        ("status:", "status has no value", 8),
        ('age<""', "age has no value", 7),
        ("a !ready", "only a field can be negated", 3),
        ("!", "only a field can be negated", 1),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(text: str, said: str, column: int) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        parse_filter(text, frozenset({"status", "age"}))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (1, column)


@pytest.mark.parametrize("text", ["x" * 1001, "status:" + "x" * 1000, "!" * 200_000, "a " * 501])
def test_what_no_person_types_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="at most 1000 characters"):
        parse_filter(text)


_PIECES = st.sampled_from(
    ['"', "!", ":", "<", ">", " ", "\t", "\x1c", "\u2003", "status", "a", "*"]
)
_TYPED = st.lists(_PIECES | st.text(max_size=3), max_size=12).map("".join)


@given(_TYPED)
@example('"status:ready" "!x" a:"b c"')
def test_any_text_is_read_or_refused_and_what_is_read_can_be_written(text: str) -> None:
    try:
        found = parse_filter(text)
    except InvalidInput:
        return
    assert parse_filter(str(found)) == found
