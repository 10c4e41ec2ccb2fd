# SPDX-License-Identifier: Apache-2.0
"""Amounts as people type them: read as they are meant, or refused with an example."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.errors import InvalidInput
from engine.model.measures import (
    read_amount,
    read_day,
    read_moment,
    read_period,
    read_span,
    say_count,
    say_size,
    say_span,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("1.5h", timedelta(minutes=90)),
        ("7D", timedelta(days=7)),
        ("2w", timedelta(days=14)),
    ],
)
def test_a_span_has_a_unit(text: str, span: timedelta) -> None:
    assert read_span(text) == span


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0", 0), ("250", 250), ("20K", 20_000), ("1.5g", 1_500_000_000), ("3MB", 3_000_000)],
)
def test_an_amount_may_have_a_unit(text: str, amount: int) -> None:
    assert read_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026-02", date(2026, 2, 1), date(2026, 3, 1)),
        ("2028-02-29", date(2028, 2, 29), date(2028, 3, 1)),
    ],
)
def test_a_period_ends_where_the_next_begins(text: str, first: date, after: date) -> None:
    period = read_period(text)
    assert (period.first, period.after) == (first, after)
    assert period.begins() < period.ends()


def test_a_day_is_whole() -> None:
    assert read_day("2026-09-11").first == date(2026, 9, 11)
    with pytest.raises(InvalidInput, match="no day"):
        read_day("2026-09")


@pytest.mark.parametrize("text", ["7", "d", "7 d", "-7d", "7y", "٧d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no span") as caught:
        read_span(text)
    assert "7d" in caught.value.hint


@pytest.mark.parametrize("text", ["", "G", "1,5G", "-1", "1e9", "much"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no number") as caught:
        read_amount(text)
    assert "1.5G" in caught.value.hint


@pytest.mark.parametrize("text", ["", "2026-00", "2026-13", "2026-02-30", "0001", "9999", "26-1-1"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="no date") as caught:
        read_period(text)
    assert "2026-09-11" in caught.value.hint


@given(st.from_regex(r"\A[0-9]{0,18}(\.[0-9]{1,9})?[smhdwkgt]?\Z"))
def test_whatever_is_read_stays_within_what_can_be_kept(text: str) -> None:
    with suppress(InvalidInput):
        assert 0 <= read_amount(text) < 2**63
    with suppress(InvalidInput):
        assert (NOW - read_span(text)).year <= NOW.year


@given(st.from_regex(r"\A[0-9]{4}(-[0-9]{2}){0,2}\Z"))
def test_every_period_has_its_moments(text: str) -> None:
    try:
        period = read_period(text)
    except InvalidInput:
        return
    assert period.begins() < period.ends()


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 KB"), (250_000, "250 KB"), (3 * 10**13, "30.0 TB")],
)
def test_a_size_is_said_short(number: int, said: str) -> None:
    assert say_size(number) == said


@pytest.mark.parametrize(
    ("span", "said"),
    [
        (timedelta(seconds=-5), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=119), "1 minute"),
        (timedelta(hours=5, minutes=59), "5 hours"),
        (timedelta(days=400), "400 days"),
    ],
)
def test_a_span_is_said_in_its_greatest_unit(span: timedelta, said: str) -> None:
    assert say_span(span) == said


def test_one_is_not_many() -> None:
    assert [say_count(n, "job") for n in (0, 1, 2)] == ["0 jobs", "1 job", "2 jobs"]
    assert say_count(2, "stretch", "stretches") == "2 stretches"


def test_a_moment_is_a_span_ago_or_a_day_or_a_day_with_a_time() -> None:
    assert read_moment("36h", NOW) == NOW - timedelta(hours=36)
    day = datetime(2026, 9, 11, tzinfo=UTC).replace(tzinfo=None).astimezone()
    assert read_moment("2026-09-11", NOW) == day
    end = read_moment("2026-09", NOW, is_end=True)
    assert end == datetime(2026, 10, 1, tzinfo=UTC).replace(tzinfo=None).astimezone() - timedelta(
        microseconds=1
    )
    assert read_moment("2026-09-11T14:30", NOW) == day.replace(hour=14, minute=30)
    assert read_moment("2026-09-11T14:30+02:00", NOW).utcoffset() is not None
    for wrong in ("", "yesterday", "2026-13-01", "2026-09-11T25:00"):
        with pytest.raises(InvalidInput, match="is no time"):
            read_moment(wrong, NOW)
