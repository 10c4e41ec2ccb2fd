# SPDX-License-Identifier: Apache-2.0
"""Labels from headers and labels for the archive."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.routing.labels import (
    InvalidLabel,
    label_for_archive,
    label_from_header,
    label_of_name,
    label_problem,
    names_something,
)


@pytest.mark.parametrize(
    "text, label",
    [
        ("Doe^John^^Dr", "Doe_John__Dr"),
        (",f:o^o)", "_f_o_o_"),
        ("MR_0311-v1", "MR_0311-v1"),
        ("  a b ", "__a_b_"),
        ("山田^太郎", "_____"),
        ("Müller", "M_ller"),
        ("\U0001f9e0x", "_x"),
        ("", ""),
    ],
)
def test_header_text_becomes_a_label_one_character_for_one(text: str, label: str) -> None:
    assert label_from_header(text) == label


@settings(derandomize=True)
@given(st.text())
def test_cleaning_header_text_twice_changes_nothing(text: str) -> None:
    label = label_from_header(text)
    assert len(label) == len(text)
    assert label_from_header(label) == label
    assert re.fullmatch(r"[A-Za-z0-9_-]*", label)
    if label:
        assert label_for_archive(label) == label
        assert label_problem(label) == ""


@settings(derandomize=True)
@given(st.text())
def test_a_text_names_something_where_its_label_has_a_letter_or_a_digit(text: str) -> None:
    label = label_from_header(text)
    assert names_something(text) == names_something(label) == bool(label.strip("_-"))


@pytest.mark.parametrize(
    "name, label", [("Doe^John", "Doe_John"), ("山田^太郎", ""), ("", ""), ("A" * 200, 128)]
)
def test_a_name_makes_a_label_or_none(name: str, label: str | int) -> None:
    made = label_of_name(name)
    assert made == label or len(made) == label


@pytest.mark.parametrize("char", list("`~@#$%^&*()+=[]{}|\\/?:;',.<> "))
def test_the_archive_replaces_each_character_of_its_list(char: str) -> None:
    assert label_for_archive(f"a{char}b{char}{char}") == "a_b__"


@pytest.mark.parametrize("label", ["", 'say "so"', "été", "a\tb", "wow!", "山田", "a\n"])
def test_what_stays_unusable_is_refused_with_a_sentence(label: str) -> None:
    with pytest.raises(InvalidLabel, match="label"):
        label_for_archive(label)
    assert label_problem(label)
