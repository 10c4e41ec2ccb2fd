# SPDX-License-Identifier: Apache-2.0
"""The reviewer's desk in both forms of an engine: what is said, found, counted and bundled crosses
the wire as it is."""

from __future__ import annotations

from datetime import UTC, datetime

import pydicom
import pytest

from engine.model.errors import InvalidInput, NotFound
from engine.model.filters import parse_filter
from engine.model.prearchive import PREARCHIVE_FIELDS, PrearchiveQuery
from engine.model.queues import QueueKind
from engine.model.states import Status, Verb
from tests.engine.service.conftest import Opened
from tests.engine.service.test_contract import one_session, reached, store

UID = "1.2.826.0.1.3680043.8.498.99"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def asked(image: pydicom.Dataset) -> None:
    image.StudyInstanceUID, image.SOPInstanceUID = UID, f"{UID}.1"
    image.PatientComments = "Project:DESK Subject:S1 Session:E1 AA:false"
    image.AccessionNumber = "ACC-0042"


async def test_a_session_is_noted_given_reviewed_found_and_told_of(opened: Opened) -> None:
    engine, port = opened
    await engine.projects.add("DESK")
    await engine.projects.set("DESK", {"prearchive_code": "0", "review_hours": "48"})
    assert await store(port, asked) == 0
    session = await one_session(engine, UID)
    await engine.prearchive.rebuild((session,))
    await reached(engine, session, Status.READY)
    me = (await engine.people.who_am_i()).login

    for outcome in (
        *await engine.desk.note((session,), "look at scan 2"),
        *await engine.desk.review((session,)),
    ):
        assert outcome.done, outcome.message
    told = await engine.desk.show(session)
    assert (told.note, told.noted_by, told.reviewed_by) == ("look at scan 2", me, me)
    where = parse_filter("reviewed:yes noted:yes overdue:no", PREARCHIVE_FIELDS).conditions
    (row,) = (await engine.prearchive.list(PrearchiveQuery(where=where))).rows
    assert (row.id, row.reviewed, row.noted) == (session, told.reviewed, True)
    assert row.due is not None and row.due > datetime.now(UTC)

    assert [one.id for one in await engine.desk.look_up("acc 42")] == []
    assert [one.id for one in await engine.desk.look_up("acc0042")] == [session]
    (would,) = await engine.prearchive.would(Verb.ARCHIVE, (session,))
    assert would.done
    with pytest.raises(InvalidInput):
        await engine.prearchive.would(Verb.RELABEL, (session,))
    (refused,) = await engine.prearchive.claim((session,), "DESK")
    assert not refused.done and "only what is Unassigned" in refused.message

    (queue,) = await engine.desk.queues()
    assert (queue.kind, queue.project, queue.waiting) == (QueueKind.ARCHIVE, "DESK", 1)
    assert (queue.goal_hours, queue.overdue) == (48, 0)
    (line,) = await engine.desk.report(datetime.now().astimezone().strftime("%Y-%m"))
    assert (line.project, line.received, line.waiting) == ("DESK", 1, 1)

    assert await engine.desk.open(session, "one") == await engine.desk.opened() == ()
    await engine.desk.close("one")
    with pytest.raises(NotFound):
        await engine.desk.open("pre_aaaaaaaa", "one")

    files = {one.name: one.text for one in (await engine.desk.capsule(session)).files}
    assert session in files["session.json"] and "DESK" in files["session.json"]
    for named in ("E1", "S1", "0042", "CompressedSamples", UID):
        assert not any(named in text for text in files.values()), named


async def test_what_is_said_goes_with_the_session_and_the_reviewer_stays(opened: Opened) -> None:
    engine, _ = opened
    session = await one_session(engine, UID)
    (queued,) = await engine.prearchive.archive((session,))
    assert queued.done
    news = await engine.events.after("", 0)
    while True:
        found = (await engine.archive.list()).rows
        if found:
            break
        news = await engine.events.after(news.epoch, news.last, 5.0)
    card = await engine.archive.show(found[0].accession)
    assert card.reviewed_by == (await engine.people.who_am_i()).login
    assert card.reviewed is not None
