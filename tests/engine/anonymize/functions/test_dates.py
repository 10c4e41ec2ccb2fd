# SPDX-License-Identifier: Apache-2.0
"""Arithmetic with dates, and who looks too old."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.anonymize.faults import ScriptError
from engine.anonymize.functions.dates import (
    Scaling,
    is_moment,
    read_increment,
    scaling,
    shift,
    shifted_days,
    unit_seconds,
)

DATES = st.dates(date(1900, 1, 1), date(2100, 12, 31)).map(lambda day: f"{day:%Y%m%d}")
TIMES = st.times().map(lambda time: f"{time:%H%M%S.%f}")


@pytest.mark.parametrize(
    "text, increment, unit, result",
    [
        ("20200228", 2, "days", "20200301"),
        ("20181231", 365, "days", "20191231"),
        ("20200228235800", 180, "seconds", "20200229000100"),
        ("20230519", -46813, "seconds", "20230518"),
        ("2023051913", -46813, "seconds", "2023051900"),
        ("202305191330", -46813, "seconds", "202305190030"),
        ("20230519133022.123", -46813, "seconds", "20230519003009.123"),
        ("2023", -300, "days", "2022"),
        ("202305", -300, "days", "202207"),
        ("20200101120000+0500", 10, "seconds", "20200101120010+0500"),
        ("20200101", 11, "hours", "20200101"),
        ("20200101", 12, "hours", "20200102"),
        ("20200101", -12, "hours", "20200101"),
        ("20200101", 1, "YEARS", "20201231"),
        ("20190101", 1, "Years", "20200101"),
        ("202001011200", 1, "minutes", "202001011201"),
        ("202001011200", 30, "seconds", "202001011201"),
        ("202001011200", 29, "seconds", "202001011200"),
        ("2020010112", 29, "minutes", "2020010112"),
        ("2020010112", 30, "minutes", "2020010113"),
        ("201904", 15, "days", "201905"),
        ("201904", 14, "days", "201904"),
        ("201905", 15, "days", "201905"),
        ("201905", 372, "hours", "201906"),
        ("2020", 183, "days", "2020"),
        ("2020", 184, "days", "2021"),
        ("09990101", 1, "days", "09990102"),
        ("20200101120000.5-0000", 0, "days", "20200101120000.5-0000"),
        ("20161231235960", -365, "days", "20160101235960"),
        ("20170101085960.25+0900", 1, "days", "20170102085960.25+0900"),
        ("20161231235960", 2, "minutes", "20170101000160"),
        ("20161231235960", 1, "seconds", "20170101000000"),
        ("2020+0100", 0, "days", "2020+0100"),
    ],
)
def test_a_shift_keeps_precision_fraction_and_zone(
    text: str, increment: int, unit: str, result: str
) -> None:
    assert shift(text, increment, unit) == result


@pytest.mark.parametrize(
    "text",
    [
        "", "202", "20201", "2020010", "20201301", "20200001", "20190229", "2020010124",
        "202001011260", "20200101120060", "20200101120000.", "20200101120000.1234567",
        "20200101120000+05", "20200101 ", " 20200101", "2020-01-01", "DOE", "101500", "0000",
        "٢٠٢٠", "20200101\n",
    ],
)  # fmt: skip
def test_what_is_no_date_is_an_error_that_does_not_show_it(text: str) -> None:
    assert not is_moment(text)
    with pytest.raises(ScriptError, match="Failed to parse a date: expected YYYY") as fault:
        shift(text, 1, "days")
    assert not text.strip() or text.strip() not in fault.value.message


@pytest.mark.parametrize(
    ("text", "shifted"),
    [
        ("20240229", "20240310"),
        ("2024", "2024"),
        ("20240229101112.123456+0100", "20240310101112.123456+0100"),
        ("20161231235960", "20170110235960"),
        ("20240229\\20240301", "20240310\\20240311"),
        ("20240229\\", "20240310\\"),
        ("18000101", "18000111"),
        ("20991231", "21000110"),
    ],
)
def test_all_dates_of_a_text_are_shifted(text: str, shifted: str) -> None:
    assert shifted_days(text, 10) == shifted


@pytest.mark.parametrize(
    "text",
    [
        "20190229", "2024.02.29", "20240229\\unknown", "2024022910111", "20240229 ", "101500",
        "00010101", "17991231", "21000101", "99991231", "19000101", "19000101000000",
        "20240229\\19000101",
    ],
)  # fmt: skip
def test_what_is_no_date_or_known_beforehand_is_not_shifted(text: str) -> None:
    assert shifted_days(text, 10) is None


def test_a_date_is_not_shifted_out_of_the_calendar() -> None:
    assert shifted_days("20240229", 10**9) is None


def test_no_date_at_all_is_an_error() -> None:
    assert not is_moment(None)
    with pytest.raises(ScriptError, match="Failed to parse"):
        shift(None, 1, "days")


@pytest.mark.parametrize(
    "text, increment", [("99991231", 1), ("00010101", -1), ("20200101", 10**9), ("2020", -(10**9))]
)
def test_a_shift_beyond_the_calendar_is_an_error(text: str, increment: int) -> None:
    with pytest.raises(ScriptError, match="1 to 9999"):
        shift(text, increment, "days")


def test_units_are_those_of_the_language() -> None:
    named = ("years", "Days", "HOURS", "minutes", "seconds")
    assert [unit_seconds(unit) for unit in named] == [31_536_000, 86_400, 3_600, 60, 1]
    for unit in ("months", "day", "", "weeks"):
        with pytest.raises(ScriptError, match="years, days, hours, minutes, seconds"):
            unit_seconds(unit)


@pytest.mark.parametrize("text, value", [("5", 5), ("-46813", -46813), ("+7", 7), ("007", 7)])
def test_increments_are_whole_numbers(text: str, value: int) -> None:
    assert read_increment(text) == value


@pytest.mark.parametrize("text", ["", None, "1.5", "one", " 1", "1_0", "٣", "12345678901"])
def test_other_increments_are_errors(text: str | None) -> None:
    with pytest.raises(ScriptError, match="increment of a shift must be a whole number"):
        read_increment(text)


@settings(deadline=None)
@given(DATES, st.integers(-30_000, 30_000))
def test_a_date_shifted_there_and_back_is_the_same(text: str, days: int) -> None:
    assert shift(shift(text, days, "days"), -days, "days") == text


@settings(deadline=None)
@given(DATES, TIMES, st.integers(-(10**9), 10**9))
def test_a_time_shifted_there_and_back_is_the_same(day: str, time: str, seconds: int) -> None:
    text = day + time
    assert shift(shift(text, seconds, "seconds"), -seconds, "seconds") == text


@settings(deadline=None)
@given(DATES, st.sampled_from([4, 6, 8]), st.integers(-9_999, 9_999))
def test_a_shift_never_changes_how_precise_a_date_is(text: str, digits: int, days: int) -> None:
    assert len(shift(text[:digits], days, "days")) == digits


@pytest.mark.parametrize(
    "birth_date, study_date, age, result",
    [
        # 32,506 days before 2020-01-01 is 1931-01-02.
        ("19310102", "20200101", "089Y", Scaling()),
        ("19310101", "20200101", "089Y", Scaling(days=1)),
        ("19200101", "20200101", "100Y", Scaling(days=4019, age="089Y")),
        ("19800101", "20200101", "095Y", Scaling(age="089Y")),
        ("19200101", None, "100Y", Scaling()),
        ("19200101", "", "100Y", Scaling()),
        ("19200101", "unknown", "100Y", Scaling()),
        ("19200101", None, "nonsense", Scaling()),
        (None, "20200101", "090Y", Scaling(age="089Y")),
        ("", "", "090Y", Scaling(age="089Y")),
        ("unknown", None, "090Y", Scaling(age="089Y")),
        ("19201301", None, "090Y", Scaling(age="089Y")),
        (None, None, "089Y", Scaling()),
        (None, None, "999M", Scaling()),
        (None, None, "999W", Scaling()),
        (None, None, "999D", Scaling()),
        (None, None, "", Scaling()),
        (None, None, None, Scaling()),
        ("1920", "2020", None, Scaling(days=4019)),
        ("20200101", "19200101", None, Scaling()),
    ],
)
def test_nobody_looks_older_than_89(
    birth_date: str | None, study_date: str | None, age: str | None, result: Scaling
) -> None:
    assert scaling(birth_date, study_date, age) == result


@pytest.mark.parametrize("age", ["90", "Y", "090X", "-90Y", "very old", "09.5Y"])
def test_an_age_that_cannot_be_read_is_an_error_that_does_not_show_it(age: str) -> None:
    with pytest.raises(ScriptError, match="Failed to parse an age") as fault:
        scaling(None, None, age)
    assert f" {age}" not in fault.value.message


@settings(deadline=None)
@given(DATES, DATES)
def test_a_moved_birth_date_is_89_years_before_the_study(birth_date: str, study_date: str) -> None:
    found = scaling(birth_date, study_date, None)
    moved = shift(birth_date, found.days, "days")
    assert scaling(moved, study_date, None).days == 0
    assert found.days == 0 or shift(moved, 32_506, "days") == study_date
