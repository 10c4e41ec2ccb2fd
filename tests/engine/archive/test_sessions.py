# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from engine.archive import sessions
from engine.database.connection import Database
from engine.model.archive import SessionQuery, SessionStatus, Window
from engine.model.errors import InvalidInput, NotFound
from engine.model.people import EVERYTHING, Scope
from tests.engine.archive.shelf import file_session
from tests.engine.conftest import MigratedUrl, add_projects

ALL = Window(limit=1000)


@pytest.fixture(scope="module")
def full_url(migrated_url: MigratedUrl) -> str:
    """An archive of four sessions, which no test here changes."""
    return asyncio.run(_filled(migrated_url))


async def _filled(migrated_url: MigratedUrl) -> str:
    url = await migrated_url("archive")
    shelf = Database.open(url)
    await add_projects(shelf)
    await file_session(shelf, "alpha_1", subject="S1", date="2026-01-05", search_text="consented")
    await file_session(
        shelf,
        "beta%2",
        subject="S2",
        date="2026-02-05",
        modality="CT",
        scanner="CT-Suite",
        description="Thorax, native",
        files=5,
        bytes=5,
        scans=(),
    )
    await file_session(
        shelf, "alpha_3", project="HEARTS", subject="s1", date="", status=SessionStatus.QUARANTINE
    )
    await file_session(shelf, "old", subject="S1", date="2020-01-01", status=SessionStatus.OBSOLETE)
    await shelf.close()
    return url


@pytest.fixture
async def full(full_url: str) -> AsyncIterator[Database]:
    database = Database.open(full_url)
    yield database
    await database.close()


async def _labels(database: Database, visible: list[str] | None = None, **query: Any) -> list[str]:
    query.setdefault("sort", "label")
    query.setdefault("descending", False)
    async with database.read() as session:
        scope = EVERYTHING if visible is None else Scope(projects=frozenset(visible))
        page = await sessions.page(session, SessionQuery(**query), ALL, scope)
    assert page.total == len(page.rows)
    return [row.label for row in page.rows]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ({}, ["alpha_1", "alpha_3", "beta%2"]),
        ({"status": "*"}, ["alpha_1", "alpha_3", "beta%2", "old"]),
        ({"status": "obsolete"}, ["old"]),
        ({"status": "quarantine"}, ["alpha_3"]),
        ({"project": "BRAINS"}, ["alpha_1", "beta%2"]),
        ({"project": "brains"}, []),
        ({"subject": "s1"}, ["alpha_1", "alpha_3"]),
        ({"subject": "xnat_s00002"}, ["beta%2"]),
        ({"subject": "S*"}, ["alpha_1", "alpha_3", "beta%2"]),
        ({"label": "ALPHA_1"}, ["alpha_1"]),
        ({"label": "alpha*"}, ["alpha_1", "alpha_3"]),
        ({"label": "alpha"}, []),
        ({"label": "%"}, []),
        ({"label": "*%*"}, ["beta%2"]),
        ({"label": "alpha?1"}, []),
        ({"label": "alphaX1"}, []),
        ({"accession": "xnat_e00001"}, ["alpha_1"]),
        ({"modality": "ct"}, ["beta%2"]),
        ({"scanner": "ct-*"}, ["beta%2"]),
        ({"date_from": "2026-01-06"}, ["beta%2"]),
        ({"date_to": "2026-01-05"}, ["alpha_1"]),
        ({"date_from": "2026-01-05", "date_to": "2026-02-05"}, ["alpha_1", "beta%2"]),
        ({"text": "mpr"}, ["alpha_1", "alpha_3"]),
        ({"text": "thorax NATIVE"}, ["beta%2"]),
        ({"text": "thorax mprage"}, []),
        ({"text": "consent"}, ["alpha_1"]),
        ({"text": "hearts", "modality": "MR"}, ["alpha_3"]),
    ],
)
async def test_each_criterion_finds_what_it_says(
    full: Database, query: dict[str, Any], labels: list[str]
) -> None:
    assert await _labels(full, **query) == labels


@pytest.mark.parametrize("sort", sorted(sessions.SORTS))
async def test_every_sort_goes_both_ways(full: Database, sort: str) -> None:
    up = await _labels(full, sort=sort)
    down = await _labels(full, sort=sort, descending=True)
    assert sorted(up) == ["alpha_1", "alpha_3", "beta%2"]
    assert down == up[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "key; DROP TABLE sessions"},
        {"date_from": "yesterday"},
        {"date_to": "2026-13-01"},
        {"status": "gone"},
    ],
)
async def test_queries_that_mean_nothing_are_refused(full: Database, query: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await _labels(full, **query)


async def test_windows_cover_a_list_without_overlap(full: Database) -> None:
    query = SessionQuery(sort="modality", status="*")
    async with full.read() as session:
        pages = [
            await sessions.page(session, query, Window(offset=offset, limit=3))
            for offset in (0, 3, 6)
        ]
    assert [len(page.rows) for page in pages] == [3, 1, 0]
    assert {page.total for page in pages} == {4}
    assert len({row.accession for page in pages for row in page.rows}) == 4


async def test_projects_that_are_not_visible_are_not_there(full: Database) -> None:
    assert await _labels(full, visible=["HEARTS"]) == ["alpha_3"]
    assert await _labels(full, visible=["HEARTS"], project="BRAINS") == []
    assert await _labels(full, visible=[]) == []


async def test_a_row_counts_its_scans(full: Database) -> None:
    async with full.read() as session:
        page = await sessions.page(session, SessionQuery(sort="label", descending=False), ALL)
    assert [(row.scans, row.files, row.subject) for row in page.rows] == [
        (2, 200, "S1"),
        (2, 200, "s1"),
        (0, 5, "S2"),
    ]


async def test_a_card_is_found_by_accession_or_by_label_in_its_project(full: Database) -> None:
    async with full.read() as session:
        by_id = await sessions.card(session, "XNAT_E00001")
        assert await sessions.card(session, "alpha_1", "BRAINS") == by_id
        assert await sessions.card(session, "XNAT_E00001", "BRAINS") == by_id
        for name, project in (("alpha_1", ""), ("alpha_1", "HEARTS"), ("XNAT_E00001", "HEARTS")):
            with pytest.raises(NotFound):
                await sessions.card(session, name, project)
    assert [scan.id for scan in by_id.scans] == ["2", "10"]


async def test_the_document_is_given_as_it_was_filed(full: Database) -> None:
    async with full.read() as session:
        assert await sessions.document(session, "XNAT_E00001") == "<MRSession label='alpha_1'/>"
        with pytest.raises(NotFound):
            await sessions.document(session, "XNAT_E09999")
