# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from engine.archive.search import matching, searchable, words
from engine.archive.tables import ArchivedSessionRow, SearchRow
from engine.database.connection import Database
from tests.engine.archive.shelf import file_session


async def _hits(database: Database, value: str) -> int:
    async with database.read() as session:
        counted = select(func.count()).select_from(ArchivedSessionRow)
        return await session.scalar(counted.where(matching(session, value))) or 0


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("T1_MPRAGE sag", ["t1", "mprage", "sag"]),
        ("Müller straße É", ["muller", "strasse", "e"]),
        ("head/neck a.b.c 3.5", ["head", "neck", "a", "b", "c", "3", "5"]),
        ("twice Twice", ["twice"]),
        ("頭部 ЁЖ", ["頭部", "еж"]),
        (" -- ", []),
    ],
)
def test_words_are_folded_alike_everywhere(value: str, expected: list[str]) -> None:
    assert words(value) == expected


@given(st.text(max_size=60))
def test_folding_is_settled_after_one_pass(value: str) -> None:
    once = searchable([value])
    assert searchable([once]) == once


@pytest.mark.parametrize(
    ("value", "hits"),
    [
        ("prisma", 1),
        ("PRI sie", 1),
        ("risma", 0),
        ("prisma absent", 0),
        ("naïve", 1),
        ("naive", 1),
        ("neck", 1),
        ("頭", 1),
        ("1e5", 1),
        ("", 0),
        ("*", 0),
        ("'", 0),
    ],
)
async def test_each_word_begins_some_word(shelf: Database, value: str, hits: int) -> None:
    await file_session(shelf, "ses-1", search_text="naïve head/neck 頭部 1e5")
    assert await _hits(shelf, value) == hits


@pytest.mark.parametrize(
    "value",
    [
        'prisma" OR "x',
        "prisma') OR 1=1 --",
        "text:prisma",
        "prisma NEAR siemens",
        "NOT prisma",
        "prisma & !siemens",
        "pri:* | x",
        "prisma\\",
        "\x00prisma",
        "(((prisma",
        "^prisma AND",
    ],
)
async def test_query_languages_are_only_words(shelf: Database, value: str) -> None:
    await file_session(shelf, "ses-1", search_text="or x 1 1 text near not and")
    assert await _hits(shelf, value) == 1


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(value=st.text(max_size=30))
async def test_no_text_breaks_a_search(shelf: Database, value: str) -> None:
    assert await _hits(shelf, value) == 0


async def test_the_index_follows_changes(shelf: Database) -> None:
    await file_session(shelf, "ses-1")
    async with shelf.write() as session:
        await session.execute(text("UPDATE session_search SET text = 'other words'"))
    assert (await _hits(shelf, "prisma"), await _hits(shelf, "other")) == (0, 1)
    async with shelf.write() as session:
        await session.execute(text("DELETE FROM session_search"))
    assert await _hits(shelf, "other") == 0


async def test_very_long_texts_are_kept_within_what_the_index_takes(shelf: Database) -> None:
    long = " ".join(f"word{number}" for number in range(40_000)) + " " + "x" * 5_000
    await file_session(shelf, "ses-1", search_text=long)
    assert await _hits(shelf, "word1") == 1
    async with shelf.read() as session:
        stored = await session.scalar(select(SearchRow.text))
    assert stored is not None
    assert len(stored.split()) == 20_000
