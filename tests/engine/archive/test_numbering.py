# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import pytest

from engine.archive.numbering import AccessionKind, next_id, site_prefix
from engine.database.connection import Database
from engine.model.errors import InvalidInput


async def test_ids_count_up_from_one_for_each_kind(archive: Database) -> None:
    async with archive.write() as session:
        ids = [
            await next_id(session, "XNAT", kind)
            for kind in (*AccessionKind, AccessionKind.EXPERIMENT)
        ]
    assert ids == ["XNAT_E00001", "XNAT_S00001", "XNAT_V00001", "XNAT_E00002"]


async def test_many_tasks_never_get_one_number_twice(archive: Database) -> None:
    async def one() -> str:
        async with archive.write() as session:
            return await next_id(session, "XNAT", AccessionKind.EXPERIMENT)

    ids = await asyncio.gather(*(one() for _ in range(60)))
    assert sorted(ids) == [f"XNAT_E{number:05d}" for number in range(1, 61)]


async def test_a_number_of_a_failed_transaction_was_never_given(archive: Database) -> None:
    with pytest.raises(RuntimeError):
        async with archive.write() as session:
            await next_id(session, "XNAT", AccessionKind.EXPERIMENT)
            raise RuntimeError("injected")
    async with archive.write() as session:
        assert await next_id(session, "XNAT", AccessionKind.EXPERIMENT) == "XNAT_E00001"


@pytest.mark.parametrize(
    ("site", "prefix"),
    [("XNAT", "XNAT"), ("My Site", "MySite"), ("a-b", "a_b"), ('O\'Neill^"x"', "ONeillx")],
)
def test_a_site_prefix_has_no_awkward_characters(site: str, prefix: str) -> None:
    assert site_prefix(site) == prefix


def test_a_site_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidInput):
        site_prefix(" ^ ")
