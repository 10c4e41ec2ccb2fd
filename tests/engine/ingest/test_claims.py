# SPDX-License-Identifier: Apache-2.0
"""The claim desk on both kinds of database: one row per project, study and label, whoever asks and
however many at once; and a folder for each row, but none without one."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from engine.database.connection import Database
from engine.ingest import claims as desk_module
from engine.ingest.claims import ClaimDesk
from engine.intake.claims import ClaimRequest, Known, NoClaim
from engine.model.states import Status
from engine.prearchive.tables import ObjectRow, SessionRow
from tests.conftest import Backend

REQUEST = ClaimRequest(
    project="P1",
    study_uid="1.2.3",
    label="MR1",
    subject="S1",
    snapshot=7,
    scan_date="20260102",
    scan_time="0912",
    auto_archive=True,
    prevent_anon=True,
    receiver="ANTEROOM",
    calling="SCANNER",
    source="dicom",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Office:
    """A desk with its database and its folder."""

    desk: ClaimDesk
    database: Database
    folder: Path

    async def rows(self) -> list[SessionRow]:
        async with self.database.read() as transaction:
            return list((await transaction.execute(select(SessionRow))).scalars())

    async def close(self, session: str) -> None:
        """Do as a job does that takes a session."""
        async with self.database.write() as transaction:
            row = await transaction.get_one(SessionRow, session)
            row.accepting = False

    def folders(self) -> list[Path]:
        return sorted(path for path in self.folder.rglob("*") if path.is_dir())


@pytest.fixture
async def office(backend: Backend, tmp_path: Path) -> AsyncIterator[Office]:
    folder = tmp_path / "prearchive"
    folder.mkdir()
    database = Database.open(backend.prearchive_url)
    yield Office(desk=ClaimDesk(database, folder), database=database, folder=folder)
    await database.close()


async def test_the_first_claim_makes_row_and_folder(office: Office) -> None:
    claim, made = await office.desk.claim(REQUEST)
    assert made
    (row,) = await office.rows()
    assert row.id == claim.session
    assert Path(claim.folder) == office.folder / "P1" / row.timestamp / "MR1"
    assert (row.project, row.label, row.folder, row.subject) == ("P1", "MR1", "MR1", "S1")
    assert (row.received_study_uid, row.status, row.accepting) == ("1.2.3", Status.RECEIVING, True)
    assert (row.snapshot, row.autoarchive, row.prevent_anon) == (7, True, True)
    assert (row.receiver, row.calling, row.source) == ("ANTEROOM", "SCANNER", "dicom")
    for path in office.folders():
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


async def test_the_next_claim_joins_it(office: Office) -> None:
    first, _ = await office.desk.claim(REQUEST)
    assert await office.desk.claim(replace(REQUEST, subject="S2", snapshot=8)) == (first, False)
    assert len(await office.rows()) == 1


async def test_project_study_and_label_each_make_a_row(office: Office) -> None:
    others = (
        replace(REQUEST, project=""),
        replace(REQUEST, project="P2"),
        replace(REQUEST, study_uid="1.2.4"),
        replace(REQUEST, label="MR2"),
    )
    claims = [await office.desk.claim(each) for each in (REQUEST, *others)]
    assert all(made for _, made in claims)
    assert len({claim.folder for claim, _ in claims}) == 5
    unassigned = next(row for row in await office.rows() if row.project is None)
    assert Path(claims[1][0].folder) == office.folder / unassigned.timestamp / "MR1"


async def test_of_a_race_one_row_and_one_folder_are_left(office: Office) -> None:
    request = replace(REQUEST, project="")
    # Two desks, as two engines have them.
    other = ClaimDesk(office.database, office.folder)
    desks = [office.desk, other] * 5
    claims = await asyncio.gather(*(desk.claim(request) for desk in desks))
    assert len({claim for claim, _ in claims}) == 1
    assert [made for _, made in claims].count(True) == 1
    assert len(await office.rows()) == 1
    sessions = [path for path in office.folders() if path.name == "MR1"]
    assert sessions == [Path(claims[0][0].folder)]


async def test_a_row_that_a_job_has_taken_is_not_joined(office: Office) -> None:
    first, _ = await office.desk.claim(REQUEST)
    await office.close(first.session)
    second, made = await office.desk.claim(REQUEST)
    assert made
    assert second.session != first.session
    assert second.folder != first.folder


async def test_a_row_whose_folder_is_missing_is_told_and_left(office: Office) -> None:
    first, _ = await office.desk.claim(REQUEST)
    os.rmdir(first.folder)
    second, made = await office.desk.claim(REQUEST)
    assert made
    rows = {row.id: row for row in await office.rows()}
    assert (rows[first.session].status, rows[first.session].accepting) == (Status.ERROR, False)
    assert rows[first.session].reason == "its folder is missing from the prearchive"
    assert rows[second.session].status == Status.RECEIVING


DATES = (
    ("20260102", "091206.123", "2026-01-02", "09:12:06"),
    ("2026.01.02", "0912", "2026-01-02", "09:12:00"),
    ("20260102", "09", "2026-01-02", "09:00:00"),
    ("2026011", "123", "", ""),
    ("99999999", "250000", "", ""),
    ("", "", "", ""),
)


async def test_dates_and_times_as_the_build_reads_them(office: Office) -> None:
    for number, (date, time, _, _) in enumerate(DATES):
        await office.desk.claim(
            replace(REQUEST, study_uid=str(number), scan_date=date, scan_time=time)
        )
    rows = sorted(await office.rows(), key=lambda row: row.received_study_uid)
    assert [(row.scan_date, row.scan_time) for row in rows] == [each[2:] for each in DATES]


async def test_the_longest_names_that_intake_makes(office: Office) -> None:
    long = replace(
        REQUEST, label="L" * 128, subject="S" * 128, study_uid="1" * 128, receiver="R" * 16
    )
    claim, _ = await office.desk.claim(long)
    assert await office.desk.claim(long) == (claim, False)


async def test_a_place_that_is_taken_is_passed_by(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = iter(["20260102_030405006", "20260102_030405006", "20260102_030405007"])
    monkeypatch.setattr(desk_module, "timestamp_of", lambda moment: next(places))
    first, _ = await office.desk.claim(REQUEST)
    await office.close(first.session)
    second, _ = await office.desk.claim(REQUEST)
    assert second.folder.endswith("P1/20260102_030405007/MR1")


async def test_without_a_free_place_there_is_no_claim(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk_module, "timestamp_of", lambda moment: "20260102_030405006")
    first, _ = await office.desk.claim(REQUEST)
    await office.close(first.session)
    with pytest.raises(NoClaim):
        await office.desk.claim(REQUEST)


async def test_a_folder_that_is_not_durable_gets_no_row(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            await office.desk.claim(REQUEST)
    assert await office.rows() == []
    assert [path.name for path in office.folders()] == ["P1"]
    await office.desk.claim(REQUEST)


async def test_what_the_index_knows_of_a_file(office: Office) -> None:
    claim, _ = await office.desk.claim(REQUEST)
    async with office.database.write() as transaction:
        for sop, file in (("1.1", "a"), ("1.2", "a"), ("1.3", "b")):
            transaction.add(
                ObjectRow(
                    session=claim.session, received_sop_uid=sop, digest="d", file=file, size=1
                )
            )
    known = await office.desk.known(claim.session, "a")
    assert sorted(known, key=lambda each: each.received_sop) == [
        Known(received_sop="1.1", digest="d"),
        Known(received_sop="1.2", digest="d"),
    ]
    assert await office.desk.known("pre_none", "a") == ()
