# SPDX-License-Identifier: Apache-2.0
"""Message formats: the table was run on Java 17."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions import texts
from engine.anonymize.language.messages import MessageFault, compile_message


@pytest.mark.parametrize(
    "pattern, result",
    [
        ("", ""),
        ("x", "x"),
        ("{0}", "A"),
        ("{1}-{0}", "{1}-A"),
        ("{0}{0}", "AA"),
        ("{2}", "null"),
        ("{3}", "{3}"),
        ("it''s {0}", "it's A"),
        ("'{0}' {0}", "{0} A"),
        ("can't {0}", "cant {0}"),
        ("'{''}'", "{'}"),
        ("}", "}"),
        ("{0}}", "A}"),
        ("{+1}{01}", "{1}{1}"),
        ("{0,}", "A"),
        ("{0, }", "A"),
        ("{0,,x}", "A"),
        ("{0,,a'}'b}", "A"),
        ("'", ""),
        ("''", "'"),
        ("'''", "'"),
        ("''''", "''"),
        ("'a", "a"),
    ],
)
def test_a_format_prints_what_java_prints(pattern: str, result: str) -> None:
    assert compile_message(pattern).fill(["A", "{1}", None]) == result


@pytest.mark.parametrize(
    "pattern, offset, reason",
    [
        ("a{0", 1, "not closed"),
        ("{", 0, "not closed"),
        ("{{0}", 0, "not closed"),
        ("{0'}", 0, "not closed"),
        ("{a}", 0, "number of an argument"),
        ("{-1}", 0, "number of an argument"),
        ("{}", 0, "number of an argument"),
        ("{0 }", 0, "number of an argument"),
        ("{ 0}", 0, "number of an argument"),
        ("{{0}}", 0, "number of an argument"),
        ("{99999999999}", 0, "number of an argument"),
        ("{2147483648}", 0, "so many"),
        ("{0}{1,number}", 3, "“number” is not supported"),
        ("{0,NUMBER,#}", 0, "“number” is not supported"),
        ("{0, date }", 0, "“date” is not supported"),
        ("{0,time}", 0, "“time” is not supported"),
        ("{0,choice,0#a|1#b}", 0, "“choice” is not supported"),
        ("{0,other}", 0, "not known"),
    ],
)
def test_a_malformed_format_is_told_with_its_place(pattern: str, offset: int, reason: str) -> None:
    with pytest.raises(MessageFault, match=reason) as fault:
        compile_message(pattern)
    assert fault.value.offset == offset
    assert f"character {offset + 1}:" in fault.value.message


def test_a_format_tells_the_highest_argument_that_it_asks_for() -> None:
    assert compile_message("{4}{0}").highest == 4
    assert compile_message("x").highest == -1


def test_a_text_that_would_fill_the_memory_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "LONGEST", 10)
    with pytest.raises(ScriptError, match="longer than 10"):
        compile_message("{0}{0}").fill(["123456"])
    assert compile_message("{0}{0}").fill(["12345"]) == "1234512345"


@settings(deadline=None)
@given(st.text(), st.text())
def test_a_quoted_text_stands_for_itself_and_arguments_are_not_read(text: str, other: str) -> None:
    quoted = "'" + text.replace("'", "''") + "'" if text else ""
    # Two quotations beside each other would be one apostrophe.
    assert compile_message(quoted + "{0}").fill([other]) == text + other
