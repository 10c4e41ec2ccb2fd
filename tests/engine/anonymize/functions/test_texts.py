# SPDX-License-Identifier: Apache-2.0
"""What scripts do to texts, and how their errors speak."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import Rejected, ScriptError
from engine.anonymize.functions import texts
from engine.anonymize.functions.texts import (
    concatenate,
    lowercase,
    normalize_string,
    replace,
    substring,
    truth,
    truth_text,
    uppercase,
    url_encode,
)
from engine.model.errors import EngineError, InvalidInput, Problem, from_code


@pytest.mark.parametrize(
    "parts, result", [(["a"], "a"), (["a", "", "b"], "ab"), ([""], ""), (["1", "2"], "12")]
)
def test_parts_are_joined(parts: list[str | None], result: str) -> None:
    assert concatenate(parts) == result


def test_a_part_without_value_is_named_by_its_number() -> None:
    with pytest.raises(ScriptError, match="part 2 of concatenate has no value"):
        concatenate(["DOE", None, "b"])
    with pytest.raises(ScriptError, match="at least one"):
        concatenate([])


@pytest.mark.parametrize(
    "text, upper, lower",
    [
        ("aB1", "AB1", "ab1"),
        ("é", "É", "é"),
        ("straße", "STRASSE", "straße"),
        ("İ", "İ", "i\u0307"),
        ("iı", "II", "iı"),
        ("ΑΣ", "ΑΣ", "ας"),
        ("", "", ""),
    ],
)
def test_case_is_changed_as_in_java_without_a_locale(text: str, upper: str, lower: str) -> None:
    assert (uppercase(text), lowercase(text)) == (upper, lower)


@pytest.mark.parametrize(
    "text, begin, end, result",
    [
        ("abcdef", "0", "3", "abc"),
        ("abcdef", "2", "2", ""),
        ("abcdef", "0", "6", "abcdef"),
        ("abcdef", "+1", "02", "b"),
        ("", "0", "0", ""),
        ("😀a", "1", "2", "a"),
    ],
)
def test_a_part_of_a_text(text: str, begin: str, end: str, result: str) -> None:
    assert substring(text, begin, end) == result


@pytest.mark.parametrize(
    "begin, end, message",
    [
        ("0", "4", "no part from 0 to 4"),
        ("-1", "2", "no part from -1 to 2"),
        ("2", "1", "no part from 2 to 1"),
        ("a", "1", "begin of substring must be a whole number"),
        ("0", "1.0", "end of substring must be a whole number"),
        ("0", "", "end of substring must be a whole number"),
    ],
)
def test_a_part_that_is_not_there_is_an_error(begin: str, end: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message) as fault:
        substring("DOE", begin, end)
    assert "DOE" not in fault.value.message


@pytest.mark.parametrize(
    "text, find, substitute, result",
    [
        ("a.b.c", ".", "-", "a-b-c"),
        ("aaa", "aa", "b", "ba"),
        ("abc", "x", "y", "abc"),
        ("abc", "b", "", "ac"),
        ("a$b", "$", "\\", "a\\b"),
        ("ab", "", "-", "-a-b-"),
    ],
)
def test_every_occurrence_is_replaced_literally(
    text: str, find: str, substitute: str, result: str
) -> None:
    assert replace(text, find, substitute) == result


@pytest.mark.parametrize(
    "text, substitute, result",
    [
        ("Müller^é", "_", "M_ller^_"),
        ("山田", "?", "??"),
        ("😀", "_", "_"),
        ("e\u0301", "", "e"),
        ("é", "$1\\", "$1\\"),
        ("plain\x7f", "_", "plain\x7f"),
        ("", "_", ""),
        (None, "_", None),
    ],
)
def test_what_is_not_ascii_is_replaced(
    text: str | None, substitute: str, result: str | None
) -> None:
    assert normalize_string(text, substitute) == result


@settings(deadline=None)
@given(st.text())
def test_a_normalized_text_is_ascii_and_as_long_as_before(text: str) -> None:
    result = normalize_string(text)
    assert result is not None and result.isascii() and len(result) == len(text)


@pytest.mark.parametrize(
    "text, result",
    [
        ("a b", "a+b"),
        ("*~-_.", "*%7E-_."),
        ("é/+&", "%C3%A9%2F%2B%26"),
        ("😀", "%F0%9F%98%80"),
        ("\ud83d", "%3F"),
        ("", ""),
    ],
)
def test_a_text_is_encoded_as_a_form_does(text: str, result: str) -> None:
    assert url_encode(text) == result


@pytest.mark.parametrize(
    "text, result",
    [("true", True), ("TRUE", True), ("True", True), (" true", False), ("1", False), ("", False),
     (None, False)],
)  # fmt: skip
def test_only_true_is_true(text: str | None, result: bool) -> None:
    assert truth(text) is result


def test_booleans_are_written_as_they_are_read() -> None:
    assert [truth_text(True), truth_text(False)] == ["true", "false"]
    assert truth(truth_text(True)) and not truth(truth_text(False))


@pytest.mark.parametrize(
    "call",
    [
        lambda: lowercase(None),
        lambda: uppercase(None),
        lambda: substring(None, "0", "1"),
        lambda: replace(None, "a", "b"),
        lambda: replace("a", None, "b"),
        lambda: replace("a", "a", None),
        lambda: url_encode(None),
    ],
)
def test_what_needs_a_text_refuses_null(call: Callable[[], str]) -> None:
    with pytest.raises(ScriptError, match="was given no value"):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: concatenate(["123456", "123456"]),
        lambda: replace("aaaaaa", "a", "bb"),
        lambda: replace("abcde", "", "bb"),
        lambda: normalize_string("éééé", "abc"),
        lambda: url_encode("1234"),
    ],
)
def test_a_text_that_would_fill_the_memory_is_not_made(
    call: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(texts, "LONGEST", 11)
    with pytest.raises(ScriptError, match="longer than 11 characters"):
        call()


def test_an_error_takes_the_first_place_that_is_known() -> None:
    error = ScriptError("broken", hint="mend it")
    assert error.problems == ()
    placed = error.at(3, 7)
    assert (placed.line, placed.column, placed.hint) == (3, 7, "mend it")
    assert placed.problems == (Problem(message="broken", line=3, column=7),)
    assert placed.at(9, 9) is placed


def test_a_script_error_crosses_a_process_as_invalid_input() -> None:
    assert isinstance(ScriptError("broken"), InvalidInput)
    assert from_code(ScriptError.code) is InvalidInput


def test_a_rejection_is_no_error_of_the_engine() -> None:
    assert not issubclass(Rejected, EngineError)
