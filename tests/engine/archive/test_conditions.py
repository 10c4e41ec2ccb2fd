# SPDX-License-Identifier: Apache-2.0
"""What conditions find among filed sessions, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.archive import conditions, sessions
from engine.database.connection import Database
from engine.model.archive import ARCHIVE_FIELDS, SessionQuery, SessionStatus, Window
from engine.model.errors import InvalidInput
from engine.model.filters import parse_filter
from engine.model.measures import read_day
from tests.engine.archive.shelf import file_session

ALL = Window(limit=100)


async def _found(database: Database, text: str, query: SessionQuery | None = None) -> list[str]:
    asked = replace(query or SessionQuery(), where=parse_filter(text).conditions)
    async with database.read() as session:
        page = await sessions.page(session, asked, ALL)
    assert page.total == len(page.rows)
    return sorted(row.label for row in page.rows)


async def _fill(shelf: Database) -> None:
    await file_session(
        shelf, "one", subject="Doe_1", date="2026-09-11", scanner="MR-3T", files=9, bytes=9000
    )
    await file_session(
        shelf, "two", project="HEARTS", subject="Roe", date="", modality="CT", files=1, bytes=5
    )
    await file_session(
        shelf, "old", subject="Doe_1", date="2020-01-01", status=SessionStatus.OBSOLETE
    )


async def test_each_field_finds_what_it_says(shelf: Database) -> None:
    await _fill(shelf)
    async with shelf.read() as session:
        page = await sessions.page(session, SessionQuery(label="one"), ALL)
    (one,) = page.rows
    added = one.added.astimezone().date()
    for text, labels in (
        ("", ["one", "two"]),
        ("project:brains", ["one"]),
        ("!project:brains", ["two"]),
        ("session:O*", ["one"]),
        ("session:o", []),
        (f"accession:{one.accession.lower()}", ["one"]),
        ("subject:doe_1", ["one"]),
        (f"subject:{one.subject_id}", ["one"]),
        ("!subject:doe*", ["two"]),
        ("type:ct", ["two"]),
        ("scanner:mr-3t", ["one"]),
        (f"by:{one.added_by.upper()}", ["one", "two"]),
        ("files>5", ["one"]),
        ("files:1", ["two"]),
        ("size>8K", ["one"]),
        ("size<99999T", ["one", "two"]),
        ("date:2026", ["one"]),
        ("date<2026-09-11", ["one"]),
        ("!date:2026", ["two"]),
        ("date>2026-09-12", []),
        (f"added:{added}", ["one", "two"]),
        (f"added:{added.year}", ["one", "two"]),
        (f"added>{added}", ["one", "two"]),
        (f"added>{added + timedelta(days=1)}", []),
        (f"added<{added - timedelta(days=1)}", []),
        (f"!added:{added}", []),
        ("status:active", ["one", "two"]),
        ("status:obs", ["old"]),
        ("!status:active", []),
    ):
        assert (text, await _found(shelf, text)) == (text, labels)
    assert await _found(shelf, "!status:active", SessionQuery(status="*")) == ["old"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "there is no field 'colour'; use accession, added"),
        ("status:gone", "there is no status 'gone'"),
        ("scanner>x", "scanner is compared with :"),
        ("added:today", "no date"),
        ("added>2026", "no day"),
        ("files<few", "no number"),
    ],
)
def test_what_cannot_be_compared_is_refused(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        conditions.where(parse_filter(text).conditions)


def test_every_field_that_the_outside_knows_is_there() -> None:
    assert conditions.FIELDS.keys() == ARCHIVE_FIELDS


def test_a_day_has_its_midnights_where_the_machine_stands() -> None:
    day = read_day("2026-09-11")
    assert day.begins().astimezone().hour == 0
    assert day.begins().astimezone().date() == day.first
    assert day.ends().astimezone().date() == day.after
