# SPDX-License-Identifier: Apache-2.0
"""Hashed, mapped and new UIDs."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.uids import (
    LONGEST_PREFIX,
    check_prefix,
    generated_uid,
    hash_each_uid,
    hash_uid,
    map_each_uid,
    mapped_uid,
    new_uid,
)

SECRET = b"a secret of this installation"
COMPONENTS = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
PREFIXES = st.lists(st.integers(0, 9_999), min_size=0, max_size=3).map(
    lambda parts: ".".join(["1.2", *map(str, parts)])
)


def valid(uid: str | None) -> bool:
    return uid is not None and len(uid) <= 64 and COMPONENTS.fullmatch(uid) is not None


def uuid_version(uid: str) -> tuple[int, int]:
    number = int(uid.removeprefix("2.25."))
    return number >> 76 & 0xF, number >> 62 & 0b11


@pytest.mark.parametrize(
    "text, uid",
    [
        ("1.2.3.4.5", "2.25.281097975800109040096884226991818420711"),
        ("1.2.3.4.5.6", "2.25.262228503153619312954819897114011402300"),
        (None, None),
    ],
)
def test_a_hashed_uid_is_that_of_dicomedit(text: str | None, uid: str | None) -> None:
    assert hash_uid(text) == uid


@settings(deadline=None)
@given(st.text())
def test_a_hashed_uid_is_valid_and_a_uuid(text: str) -> None:
    uid = hash_uid(text)
    assert uid is not None and valid(uid)
    assert uuid_version(uid) == (5, 0b10)
    assert hash_uid(text) == uid


def test_half_a_character_is_hashed_as_java_writes_it() -> None:
    assert hash_uid("a\ud83d") == hash_uid("a?")


def test_values_of_one_element_are_hashed_one_by_one() -> None:
    assert hash_each_uid("1.2\\1.3") == f"{hash_uid('1.2')}\\{hash_uid('1.3')}"
    assert hash_each_uid("1.2\\1.3") != hash_uid("1.2\\1.3")
    assert hash_each_uid("") == ""
    assert hash_each_uid("1.2\\") == f"{hash_uid('1.2')}\\"


def test_a_new_uid_is_new_at_every_call() -> None:
    made = {new_uid() for _ in range(100)}
    assert len(made) == 100
    assert all(valid(uid) and uuid_version(uid) == (4, 0b10) for uid in made)


@settings(deadline=None)
@given(PREFIXES, st.text(min_size=1), st.text(min_size=1))
def test_mapped_uids_are_valid_stable_and_distinct(prefix: str, one: str, other: str) -> None:
    uid = mapped_uid(SECRET, prefix, one)
    assert uid is not None and valid(uid) and uid.startswith(prefix + ".")
    assert mapped_uid(SECRET, prefix, one) == uid
    assert (mapped_uid(SECRET, prefix, other) == uid) is (one == other)
    assert mapped_uid(SECRET + b"!", prefix, one) != uid
    assert str(mapped_uid(SECRET, prefix + ".9", one)).rpartition(".")[2] != uid.rpartition(".")[2]


def test_another_process_maps_the_same() -> None:
    code = (
        "from engine.anonymize.functions.uids import mapped_uid, generated_uid\n"
        f"print(mapped_uid({SECRET!r}, '1.2.840', '1.2.3'), generated_uid({SECRET!r}, 'p', '1.2'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = [mapped_uid(SECRET, "1.2.840", "1.2.3"), generated_uid(SECRET, "p", "1.2")]
    assert done.stdout.split() == expected


def test_what_has_no_value_is_not_mapped() -> None:
    assert mapped_uid(SECRET, "1.2.840", None) is None
    assert mapped_uid(SECRET, "1.2.840", "") == ""


def test_values_of_one_element_are_mapped_one_by_one() -> None:
    both = map_each_uid(SECRET, "1.2", "1.5\\\\1.6")
    assert both == f"{mapped_uid(SECRET, '1.2', '1.5')}\\\\{mapped_uid(SECRET, '1.2', '1.6')}"


def test_a_mapping_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="secret"):
        mapped_uid(b"", "1.2.840", "1.2.3")


@pytest.mark.parametrize("prefix", ["1.2", "2.25", "1.39.0", "2.999", "1." + "2." * 10 + "33"])
def test_a_prefix_may_end_in_a_point(prefix: str) -> None:
    assert len(prefix) <= LONGEST_PREFIX
    assert check_prefix(prefix) == check_prefix(prefix + ".") == prefix
    assert valid(mapped_uid(SECRET, prefix, "x"))


@pytest.mark.parametrize(
    "prefix", ["", "1", "1.", "3.1", "1.40", "1.02", "1..2", ".1.2", "1.2..", "1.a", "1.2 ", "1.٣"]
)
def test_what_begins_no_uid_is_no_prefix(prefix: str) -> None:
    with pytest.raises(ScriptError, match="not the begin of a UID"):
        mapped_uid(SECRET, prefix, "1.2.3")


def test_a_prefix_is_not_too_long() -> None:
    longest = "1.2." + "3" * 20
    assert valid(mapped_uid(SECRET, longest, "1.2.3"))
    with pytest.raises(ScriptError, match="at most 24"):
        mapped_uid(SECRET, longest + "3", "1.2.3")


def test_generated_uids_stay_the_same_for_one_value_in_one_place() -> None:
    uid = generated_uid(SECRET, "(0008,0018)", "1.2.3")
    assert valid(uid) and uuid_version(uid) == (8, 0b10)
    assert generated_uid(SECRET, "(0008,0018)", "1.2.3") == uid
    assert generated_uid(SECRET, "(0020,000D)", "1.2.3") != uid
    assert generated_uid(SECRET, "(0008,0018)", "1.2.4") != uid


def test_generated_uids_for_no_value_are_new() -> None:
    made = {generated_uid(SECRET, "(0008,0018)", value) for value in (None, None, "", "")}
    assert len(made) == 4
