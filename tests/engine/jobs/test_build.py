# SPDX-License-Identifier: Apache-2.0
"""Builds: what they do to row, index and accounts, with records that come at bad times."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engine.intake.claims import Claim
from engine.jobs.build import BuildJob
from engine.jobs.departure import object_files
from engine.model.accounts import Place
from engine.model.states import Status, Verb
from engine.prearchive import accounts
from engine.prearchive.tables import SessionRow
from tests.engine.jobs.fixture import STUDY, Fixture


async def build(fixture: Fixture, session: str) -> str:
    """Take in what is recorded, queue a build and run it."""
    await fixture.context.ingester.ingest()
    attempt = await fixture.ask(session, Verb.REBUILD)
    return await fixture.run(BuildJob(fixture.context).work(), session, attempt)


def objects(claim: Claim) -> list[str]:
    """Name the objects in the folder of a session."""
    return object_files(Path(claim.folder))


async def counted(fixture: Fixture) -> dict[Place, int]:
    """Return the accounts."""
    async with fixture.context.prearchive_db.read() as transaction:
        return (await accounts.summed(transaction)).counts


async def test_a_session_becomes_ready_and_its_index_follows_the_files(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm", scan="9-strange")
    await fixture.context.ingester.ingest()
    assert await build(fixture, claim.session) == ""
    row = await fixture.there(claim.session)
    assert (row.status, row.locked, row.built_objects, row.scans) == (Status.READY, False, 1, 1)
    (file,) = await fixture.index(claim.session)
    assert (Path(claim.folder) / file).is_file()


async def test_an_object_without_its_record_is_counted_by_the_build_and_only_once(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    late = fixture.publish(claim, "2.dcm", scan="9-strange", recorded=False)
    assert await build(fixture, claim.session) == ""
    assert (await fixture.there(claim.session)).objects == 2
    # The build has moved the file; its record comes only now and still finds it.
    fixture.journal.append(late, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.WAITING: 2}
    index = await fixture.index(claim.session)
    assert {entry.transfer for entry in index.values()} == {"tr_1"}
    assert not any(entry.recovered for entry in index.values())


async def test_a_second_copy_under_the_freed_name_is_a_duplicate_and_one_file_stays(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    first = fixture.publish(claim, "1.dcm", scan="9-strange")
    assert await build(fixture, claim.session) == ""
    (moved,) = await fixture.index(claim.session)
    assert moved != first.file
    fixture.publish(claim, "1.dcm", scan="9-strange", sop=first.sop)
    shutil.copyfile(Path(claim.folder) / moved, Path(claim.folder) / first.file)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.WAITING: 1, Place.DUPLICATE: 1}
    row = await fixture.there(claim.session)
    assert (row.status, row.objects) == (Status.RECEIVING, 1)
    # Nothing was removed before a build has seen that both are the same.
    assert (Path(claim.folder) / first.file).is_file()
    assert await build(fixture, claim.session) == ""
    (file,) = await fixture.index(claim.session)
    assert objects(claim) == [file]
    assert await counted(fixture) == {Place.WAITING: 1, Place.DUPLICATE: 1}


async def test_a_copy_that_is_published_while_the_build_moves_the_first_is_not_lost(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    first = fixture.publish(claim, "1.dcm", scan="9-strange")
    await fixture.context.ingester.ingest()
    source = Path(claim.folder) / first.file
    kept = source.read_bytes()

    def once_more(point: str) -> None:
        # The name is free from the moment at which the build has moved the file.
        if point == "files built" and fixture.hook.passed.count(point) == 1:
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_bytes(kept)
            fixture.record(claim, first.file, source)

    fixture.hook.look = once_more
    assert await build(fixture, claim.session) == ""
    assert await counted(fixture) == {Place.WAITING: 1, Place.DUPLICATE: 1}
    assert (await fixture.there(claim.session)).status == Status.RECEIVING
    assert await build(fixture, claim.session) == ""
    (file,) = await fixture.index(claim.session)
    assert objects(claim) == [file]


async def test_new_data_during_a_build_puts_the_session_back_to_receiving(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    await fixture.context.ingester.ingest()

    def arrive(point: str) -> None:
        if point == "files built":
            fixture.publish(claim, "2.dcm")

    fixture.hook.look = arrive
    assert await build(fixture, claim.session) == ""
    row = await fixture.there(claim.session)
    assert (row.status, row.locked, row.objects) == (Status.RECEIVING, False, 2)


async def test_two_objects_of_one_uid_make_a_conflict_with_both_kept(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm", sop=f"{STUDY}.9.1")
    second = fixture.publish(claim, "1-2.dcm", sop=f"{STUDY}.9.1", recorded=False)
    path = Path(claim.folder) / second.file
    path.write_bytes(path.read_bytes()[:-4] + b"\7\7\7\7")
    fixture.record(claim, second.file, path)
    await fixture.context.ingester.ingest()
    assert await build(fixture, claim.session) == ""
    row = await fixture.there(claim.session)
    assert (row.status, row.objects, row.locked) == (Status.CONFLICT, 2, False)
    assert row.reason


async def test_what_cannot_be_built_is_an_error_in_words_and_accepts_again(
    fixture: Fixture,
) -> None:
    claim = await fixture.claim()
    path = Path(claim.folder) / "SCANS/1/DICOM/1.dcm"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no object at all")
    said = await build(fixture, claim.session)
    row = await fixture.there(claim.session)
    assert (row.status, row.locked, row.accepting) == (Status.ERROR, False, True)
    assert row.reason == said != ""
    assert path.is_file()


async def test_a_session_whose_folder_is_gone_leaves_with_its_count(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    await fixture.context.ingester.ingest()
    shutil.rmtree(claim.folder)
    assert await build(fixture, claim.session) == ""
    assert await fixture.row(claim.session) is None
    assert await counted(fixture) == {Place.DELETED: 1}


async def test_a_build_that_has_been_overtaken_does_nothing(fixture: Fixture) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    await fixture.context.ingester.ingest()
    attempt = await fixture.ask(claim.session, Verb.REBUILD)
    fixture.publish(claim, "2.dcm")
    await fixture.context.ingester.ingest()  # RECEIVING again
    assert await fixture.run(BuildJob(fixture.context).work(), claim.session, attempt) == ""
    assert fixture.hook.passed == []
    assert (await fixture.there(claim.session)).status == Status.RECEIVING


@pytest.mark.parametrize(
    ("cut_short", "said"),
    [
        ("", "built, READY"),
        ("connection lost", "warning: built, READY; cut short: connection lost"),
    ],
)
async def test_what_was_cut_short_is_not_told_as_if_all_were_well(
    fixture: Fixture, cut_short: str, said: str
) -> None:
    claim = await fixture.claim()
    fixture.publish(claim, "1.dcm")
    async with fixture.context.prearchive_db.write() as transaction:
        (await transaction.get_one(SessionRow, claim.session)).cut_short = cut_short
    assert await build(fixture, claim.session) == ""
    assert fixture.said[-1] == said
