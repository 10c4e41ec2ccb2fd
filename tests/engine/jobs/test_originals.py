# SPDX-License-Identifier: Apache-2.0
"""What objects were before the site script, seen from the jobs: it goes with a session, and tells
which object a file is whose record a crash has taken."""

from __future__ import annotations

import pytest
from msgspec import structs

from engine.dicom.digest import DataSetDigest
from engine.intake.originals import Original, Originals
from engine.jobs.delete import DeleteJob
from engine.model.accounts import Place
from engine.model.states import Verb
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.jobs.test_build import build, counted
from tests.engine.jobs.test_reconcile import reconcile

DIGEST = DataSetDigest(b"as received").text


def originals(fixture: Fixture) -> Originals:
    """Return those of the fixture's prearchive."""
    return Originals(fixture.context.prearchive)


def original(sop: str) -> Original:
    """Return an undo record of an object that has another UID as stored."""
    return Original(received_sop="1.2.999", digest=DIGEST, sop=sop, undo=())


async def test_undo_records_go_when_a_session_is_archived(fixture: Fixture) -> None:
    session = await ready(fixture)
    assert originals(fixture).append(session, "w1", original("1.2"))
    assert await archive(fixture, session) == ""
    assert originals(fixture).sessions() == []


async def test_undo_records_go_when_a_session_is_deleted_and_stand_in_no_trash(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    assert originals(fixture).append(session, "w1", original("1.2"))
    attempt = await fixture.ask(session, Verb.DELETE)
    assert await fixture.run(DeleteJob(fixture.context).work(), session, attempt) == ""
    assert originals(fixture).sessions() == []
    assert not list(fixture.context.prearchive.rglob("*.undo"))


async def test_undo_records_that_no_session_has_go_at_the_next_start(fixture: Fixture) -> None:
    session = await ready(fixture)
    originals(fixture).begin("pre_gone0000")
    await reconcile(fixture, alone=False)
    assert originals(fixture).sessions() == sorted([session, "pre_gone0000"])
    await reconcile(fixture)
    assert originals(fixture).sessions() == [session]


@pytest.mark.parametrize("kept", [True, False])
async def test_a_file_that_was_found_before_its_record_is_counted_once(
    fixture: Fixture, kept: bool
) -> None:
    claim = await fixture.claim()
    record = fixture.publish(claim, "1.dcm", recorded=False)
    stored = record.sop
    if kept:
        originals(fixture).append(claim.session, "w1", original(stored))
    await reconcile(fixture)
    (entry,) = (await fixture.index(claim.session)).values()
    assert (entry.sop_uid, entry.recovered) == (stored, True)
    assert (entry.received_sop_uid == "1.2.999") is kept
    late = structs.replace(record, received_sop="1.2.999", digest=DIGEST, script="changed")
    fixture.journal.append(late, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == {Place.WAITING: 1}
    (entry,) = (await fixture.index(claim.session)).values()
    assert (entry.received_sop_uid, entry.digest, entry.recovered) == ("1.2.999", DIGEST, False)
    assert entry.transfer == record.transfer


async def test_a_record_that_comes_once_its_session_is_filed_is_counted_there(
    fixture: Fixture,
) -> None:
    session = await ready(fixture)
    claim = await fixture.claim()
    assert claim.session == session
    record = fixture.publish(claim, "9.dcm", recorded=False)
    assert await build(fixture, session) == ""
    assert await archive(fixture, session) == ""
    before = await counted(fixture)
    late = structs.replace(record, received_sop="1.2.999", digest=DIGEST, script="changed")
    fixture.journal.append(late, sync=False)
    await fixture.context.ingester.ingest()
    assert await counted(fixture) == before
    assert before[Place.ARCHIVED] == 3
