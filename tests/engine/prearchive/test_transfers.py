# SPDX-License-Identifier: Apache-2.0
"""Rows of transfers, on SQLite and PostgreSQL: news and journals may come in any order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from engine.database.connection import Database
from engine.model.accounts import Place
from engine.prearchive import accounts
from engine.prearchive.tables import SessionRow, TransferRow
from engine.prearchive.transfers import close_left, cut_short, list_transfers, note
from tests.engine.prearchive.test_rows import keep, row

OPENED = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = OPENED + timedelta(minutes=1)


async def test_a_transfer_from_its_first_news_to_its_end(prearchive: Database) -> None:
    async with prearchive.write() as session:
        await note(session, id="tr_1", node="n", opened=OPENED, calling="SCANNER", port=104)
    async with prearchive.write() as session:
        await note(
            session,
            id="tr_1",
            node="n",
            opened=OPENED,
            calling="SCANNER",
            port=104,
            series="T1",
            closed=LATER,
            ended="released",
            account="mri",
            certificate="mr1.hospital.org" * 20,
        )
    async with prearchive.read() as session:
        (transfer,) = await list_transfers(session)
    assert (transfer.account, len(transfer.certificate)) == ("mri", 160)
    assert (transfer.calling, transfer.port, transfer.kind) == ("SCANNER", 104, "dicom")
    assert (transfer.opened, transfer.closed) == (OPENED, LATER)
    assert transfer.ended == "released"


async def test_what_a_journal_has_counted_stays(prearchive: Database) -> None:
    async with prearchive.write() as session:
        session.add(
            TransferRow(
                id="tr_1",
                node="",
                opened=LATER,
                last_object=LATER,
                objects=7,
                bytes=70,
                last_error="the data set is empty",
            )
        )
    async with prearchive.write() as session:
        await note(session, id="tr_1", node="n", opened=OPENED, receiver="ANTEROOM")
    async with prearchive.read() as session:
        (transfer,) = await list_transfers(session)
    assert (transfer.objects, transfer.bytes, transfer.last_object) == (7, 70, LATER)
    assert (transfer.opened, transfer.receiver) == (OPENED, "ANTEROOM")
    assert transfer.last_error == "the data set is empty"


async def test_a_transfer_that_has_ended_stays_so(prearchive: Database) -> None:
    for closed, ended in ((LATER, "released"), (None, ""), (LATER + timedelta(1), "lost")):
        async with prearchive.write() as session:
            await note(session, id="tr_1", node="n", opened=OPENED, closed=closed, ended=ended)
    async with prearchive.read() as session:
        (transfer,) = await list_transfers(session)
    assert (transfer.closed, transfer.ended) == (LATER, "released")


async def test_a_series_is_kept_until_there_is_another(prearchive: Database) -> None:
    seen = []
    for series in ("T1", "", "x" * 500):
        async with prearchive.write() as session:
            await note(session, id="tr_1", node="n", opened=OPENED, series=series)
        async with prearchive.read() as session:
            seen.append((await list_transfers(session))[0].series)
    assert seen == ["T1", "T1", "x" * 160]


async def test_the_series_is_told_while_the_transfer_is_open_only(prearchive: Database) -> None:
    async def told(**values: Any) -> str:
        async with prearchive.write() as session:
            await note(session, id="tr_1", node="n", opened=OPENED, **values)
        async with prearchive.read() as session:
            return (await list_transfers(session))[0].series

    assert await told(series="T1") == "T1"
    assert await told(series="T2", closed=LATER, ended="released") == ""
    assert await told(series="T3") == ""
    async with prearchive.write() as session:
        await note(session, id="tr_2", node="n", opened=LATER, series="T4")
        await note(session, id="tr_3", node="n", opened=LATER, series="T5", closed=LATER)
        await close_left(session, node="n", at=LATER, ended="the engine ended")
    async with prearchive.read() as session:
        assert {one.series for one in await list_transfers(session)} == {""}


async def test_only_what_this_node_left_open_is_closed(prearchive: Database) -> None:
    async with prearchive.write() as session:
        await note(session, id="tr_1", node="n", opened=OPENED)
        await note(session, id="tr_2", node="n", opened=OPENED, closed=OPENED, ended="released")
        await note(session, id="tr_3", node="other", opened=OPENED)
        left = await close_left(session, node="n", at=LATER, ended="the engine ended")
        assert left == ("tr_1",)
    async with prearchive.read() as session:
        found = {one.id: one.ended for one in await list_transfers(session)}
        still = [one.id for one in await list_transfers(session, open_only=True)]
    assert found == {"tr_1": "the engine ended", "tr_2": "released", "tr_3": ""}
    assert still == ["tr_3"]


async def test_the_newest_come_first(prearchive: Database) -> None:
    async with prearchive.write() as session:
        for minute in (2, 0, 1):
            opened = OPENED + timedelta(minutes=minute)
            await note(session, id=f"tr_{minute}", node="n", opened=opened)
    async with prearchive.read() as session:
        newest = await list_transfers(session, limit=2)
    assert [one.id for one in newest] == ["tr_2", "tr_1"]


async def test_a_transfer_names_the_sessions_in_which_its_objects_wait(
    prearchive: Database,
) -> None:
    async with prearchive.write() as session:
        for id in ("tr_1", "tr_2", "tr_3"):
            await note(session, id=id, node="n", opened=OPENED)
        await accounts.add(
            session,
            {
                ("tr_1", "pre_a", Place.WAITING): 2,
                ("tr_1", "pre_b", Place.WAITING): 7,
                ("tr_1", "pre_b", Place.DUPLICATE): 1,
                ("tr_1", "pre_c", Place.DUPLICATE): 9,
                ("tr_1", "pre_d", Place.ARCHIVED): 9,
                ("tr_1", "", Place.REFUSED): 3,
                ("tr_2", "pre_b", Place.WAITING): 1,
            }
            | {("tr_3", f"pre_{n:02}", Place.WAITING): 5 for n in range(30)},
        )
    async with prearchive.read() as session:
        third, second, first = await list_transfers(session)
        (newest,) = await list_transfers(session, limit=1)
    assert first.sessions == ("pre_b", "pre_a")
    assert second.sessions == ("pre_b",)
    assert third.sessions == tuple(f"pre_{n:02}" for n in range(20))
    assert newest == third


async def test_a_session_that_left_the_prearchive_is_named_no_more(prearchive: Database) -> None:
    async with prearchive.write() as session:
        await note(session, id="tr_1", node="n", opened=OPENED)
        await accounts.add(session, {("tr_1", "pre_a", Place.WAITING): 2})
        await accounts.move(session, "pre_a", Place.WAITING, Place.ARCHIVED)
    async with prearchive.read() as session:
        (transfer,) = await list_transfers(session)
    assert transfer.sessions == ()


async def test_sessions_that_a_transfer_fed_are_cut_short_until_somebody_looks(
    prearchive: Database,
) -> None:
    ids = ("pre_fed", "pre_other", "pre_double", "pre_seen", "pre_new")
    await keep(prearchive, *(row(id, received_study_uid=id, accepting=False) for id in ids))
    async with prearchive.write() as session:
        (await session.get_one(SessionRow, "pre_seen")).looked = LATER
        (await session.get_one(SessionRow, "pre_new")).looked = OPENED
        tally = {
            ("tr_1", "pre_fed", Place.WAITING): 2,
            ("tr_1", "pre_double", Place.DUPLICATE): 2,
            ("tr_1", "pre_seen", Place.WAITING): 1,
            ("tr_1", "pre_new", Place.WAITING): 1,
            ("tr_2", "pre_other", Place.WAITING): 1,
        }
        await accounts.add(session, tally)
    async with prearchive.write() as session:
        await cut_short(session, ["tr_1"], closed=LATER, ended="connection lost")
    async with prearchive.read() as session:
        found = {id: (await session.get_one(SessionRow, id)).cut_short for id in ids}
    assert {id for id, ended in found.items() if ended} == {"pre_fed", "pre_new"}
    assert set(found.values()) == {"connection lost", ""}
