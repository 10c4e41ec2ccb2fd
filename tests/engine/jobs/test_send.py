# SPDX-License-Identifier: Apache-2.0
"""The job that sends: what is counted and told, what it waits for, and what ends it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pynetdicom import evt
from pynetdicom.events import Event
from sqlalchemy import select

from engine.archive import quarantine, remotes
from engine.archive.tables import ArchivedSessionRow
from engine.jobs.send import Patience, SendJob
from engine.jobs.workflow import GivesWay
from engine.model.quarantine import Act
from engine.model.remotes import Remote, Send, SendState
from engine.model.states import Status
from engine.prearchive import sends
from engine.prearchive.tables import OutboxRow, SendRow, SessionRow
from tests.engine.jobs.fixture import Fixture
from tests.engine.jobs.test_archive import archive, ready
from tests.engine.remotes.peers import free_port, scp

MR = "1.2.840.10008.5.1.4.1.1.4"
ID = "snd_aaaaaaaa"
HASTY = Patience(first=0.05, longest=0.1, look=0.02, grace=0.5)
PEER = Remote(name="PACS1", ae_title="PEER", host="127.0.0.1", port=104, connect_timeout=5)


@dataclass
class Peer:
    """An SCP that takes what comes."""

    answers: Callable[[Event, int], int] = lambda _event, _number: 0
    taken: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> int:
        request: Any = event.request
        self.taken.append(str(request.AffectedSOPInstanceUID))
        return self.answers(event, len(self.taken))

    @contextmanager
    def listening(self, port: int = 0) -> Iterator[int]:
        with scp(contexts=[MR], handlers=[(evt.EVT_C_STORE, self)], port=port) as found:
            yield found


async def queued(fixture: Fixture, port: int, objects: int = 5, **values: object) -> str:
    """Queue sending of a session that is ready."""
    claim = await fixture.claim()
    for number in range(objects):
        fixture.publish(claim, f"{number}.dcm")
    async with fixture.context.archive_db.write() as transaction:
        await remotes.add(transaction, replace(PEER, port=port), actor="ada")
    async with fixture.context.prearchive_db.write() as transaction:
        (await transaction.get_one(SessionRow, claim.session)).status = Status.READY.value
        row = SendRow(
            id=ID,
            remote="PACS1",
            session=claim.session,
            filed=False,
            state=SendState.QUEUED.value,
            actor="ada",
            queued=datetime.now(UTC),
        )
        for name, value in values.items():
            setattr(row, name, value)
        transaction.add(row)
    return claim.session


async def now(fixture: Fixture) -> Send:
    async with fixture.context.prearchive_db.read() as transaction:
        row = await sends.get(transaction, ID, failures=True)
        return sends.to_send(row, failures=True)


async def changed(fixture: Fixture, **values: object) -> None:
    async with fixture.context.prearchive_db.write() as transaction:
        row = await sends.get(transaction, ID, lock=True)
        for name, value in values.items():
            setattr(row, name, value)


async def audited(fixture: Fixture) -> list[tuple[str, str, dict[str, Any]]]:
    async with fixture.context.prearchive_db.read() as transaction:
        rows = await transaction.scalars(select(OutboxRow).order_by(OutboxRow.at))
        return [(row.actor, row.object, row.detail) for row in rows if row.action == sends.SENT]


def job(fixture: Fixture, said: list[str] | None = None, patience: Patience = HASTY) -> SendJob:
    told = [] if said is None else said
    return SendJob(
        fixture.context,
        told=lambda _id, text, severity: told.append(
            text if severity == "info" else f"{severity}: {text}"
        ),
        patience=patience,
    )


async def run(fixture: Fixture, made: SendJob) -> Send:
    (step,) = made.work().steps
    await step[1](ID, 1)
    return await now(fixture)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async def look() -> None:
        never = asyncio.Event()
        while not await holds():
            with suppress(TimeoutError):
                await asyncio.wait_for(never.wait(), 0.01)

    await asyncio.wait_for(look(), 30)


async def test_what_was_sent_is_counted_told_and_audited(either: Fixture) -> None:
    peer, said = Peer(lambda _, number: 0xB000 if number == 2 else 0), list[str]()
    with peer.listening() as port:
        session = await queued(either, port)
        send = await run(either, job(either, said))
    assert (send.state, send.objects, send.sent, send.warnings, send.failed) == (
        SendState.DONE,
        *(5, 5, 1, 0),
    )
    assert send.bytes == send.sent_bytes > 0
    assert (send.statuses, send.reason) == ({"B000": 1}, "")
    assert send.began and send.ended and send.next_try is None
    assert said[-1] == f"PACS1: {session} done: 5 of 5 objects sent"
    ((actor, object, detail),) = await audited(either)
    assert (actor, object) == ("ada", session)
    assert detail == {
        "remote": "PACS1",
        "objects": 5,
        "sent": 5,
        "warnings": 1,
        "failed": 0,
        "bytes": send.bytes,
        "outcome": "done",
    }
    # The session is as it was.
    row = await either.there(session)
    assert (row.status, row.locked, row.attempt) == ("READY", False, 0)
    # What has ended is not sent again, should its job run twice.
    assert await run(either, job(either)) == send
    assert len(peer.taken) == 5


async def test_what_a_remote_does_not_take_is_told_of_each_object(either: Fixture) -> None:
    peer = Peer(lambda _, number: 0xA700 if number in (2, 3) else 0)
    with peer.listening() as port:
        await queued(either, port)
        send = await run(either, job(either))
    assert (send.state, send.sent, send.failed) == (SendState.FAILED, 3, 2)
    assert send.reason == "PACS1 has not taken 2 of 5 objects"
    assert [(one.status, one.file) for one in send.failures] == [
        ("A700", "SCANS/1/DICOM/1.dcm"),
        ("A700", "SCANS/1/DICOM/2.dcm"),
    ]


async def test_a_remote_that_is_down_is_called_again(fixture: Fixture) -> None:
    port, peer, said = free_port(), Peer(), list[str]()
    session = await queued(fixture, port)
    task = asyncio.create_task(run(fixture, job(fixture, said)))

    async def waits() -> bool:
        send = await now(fixture)
        return send.state is SendState.WAITING and send.tries >= 2

    await until(waits)
    waiting = await now(fixture)
    assert waiting.next_try is not None and "connection refused" in waiting.reason
    with peer.listening(port):
        send = await task
    assert (send.state, send.sent, send.tries) == (SendState.DONE, 5, 0)
    assert any(one.startswith("warning: PACS1: nothing listens on") for one in said)
    assert said[-1] == f"PACS1: {session} done: 5 of 5 objects sent"


async def test_an_abort_in_the_middle_is_gone_on_from(fixture: Fixture) -> None:
    def abort(event: Event, number: int) -> int:
        if number == 3:
            event.assoc.abort()
        return 0

    peer = Peer(abort)
    with peer.listening() as port:
        await queued(fixture, port)
        send = await run(fixture, job(fixture))
    assert (send.state, send.sent, send.failed) == (SendState.DONE, 5, 0)
    assert len(peer.taken) == 6 and len(set(peer.taken)) == 5


async def test_a_poisonous_object_does_not_keep_back_the_others(fixture: Fixture) -> None:
    poison: list[str] = []

    def abort(event: Event, number: int) -> int:
        request: Any = event.request
        uid = str(request.AffectedSOPInstanceUID)
        if number == 2:
            poison.append(uid)
        if uid in poison:
            event.assoc.abort()
        return 0

    with Peer(abort).listening() as port:
        await queued(fixture, port)
        send = await run(fixture, job(fixture))
    assert (send.state, send.sent, send.failed) == (SendState.FAILED, 4, 1)
    assert "3 times at this object" in send.failures[0].reason


async def test_it_is_given_up_in_the_end(fixture: Fixture) -> None:
    await queued(fixture, free_port())
    send = await run(fixture, job(fixture, patience=replace(HASTY, give_up=0.01)))
    assert (send.state, send.sent) == (SendState.FAILED, 0)
    assert "given up" in send.reason and "connection refused" in send.reason


@pytest.mark.parametrize("progressed", [None, datetime.now(UTC) - timedelta(days=2)])
async def test_a_start_of_the_engine_does_not_begin_the_wait_anew(
    fixture: Fixture, progressed: datetime | None
) -> None:
    began = datetime.now(UTC) - timedelta(days=2 if progressed is None else 9)
    await queued(fixture, free_port(), began=began, progressed=progressed)
    said = list[str]()
    patience = replace(HASTY, give_up=86_400, at_least=3)
    send = await run(fixture, job(fixture, said, patience))
    assert send.state is SendState.FAILED and "given up" in send.reason
    # It may come up with its remote.
    assert sum("tried again in" in one for one in said) == 2


async def test_what_gets_on_is_waited_for_from_then(fixture: Fixture) -> None:
    began = datetime.now(UTC) - timedelta(days=2)

    def abort(event: Event, number: int) -> int:
        if number == 3:
            event.assoc.abort()
        return 0

    with Peer(abort).listening() as port:
        await queued(fixture, port, began=began)
        made = job(fixture, patience=replace(HASTY, give_up=86_400, at_least=1))
        send = await run(fixture, made)
    assert (send.state, send.sent, send.began) == (SendState.DONE, 5, began)
    async with fixture.context.prearchive_db.read() as transaction:
        progressed = (await sends.get(transaction, ID)).progressed
    assert progressed is not None and progressed > began


async def test_a_rejection_is_not_tried_again(fixture: Fixture) -> None:
    with scp(contexts=[MR], require_calling=["FRIEND"]) as port:
        await queued(fixture, port)
        send = await run(fixture, job(fixture))
    assert (send.state, send.tries) == (SendState.FAILED, 0)
    assert "the calling AE title ANTEROOM is not recognised there" in send.reason


async def test_it_is_cancelled_between_two_objects(fixture: Fixture) -> None:
    second, over = threading.Event(), threading.Event()

    def hold(_event: Event, number: int) -> int:
        if number == 2:
            second.set()
            over.wait(30)
        return 0

    peer = Peer(hold)
    with peer.listening() as port:
        await queued(fixture, port)
        stopped = threading.Event()
        fixture.hook.look = lambda point: stopped.set() if point == "send stopped" else None
        made = job(fixture, patience=replace(HASTY, grace=30))
        task = asyncio.create_task(run(fixture, made))
        await asyncio.to_thread(second.wait, 30)
        await changed(fixture, cancelled_by="bob")
        # What is on its way is waited for.
        assert await asyncio.to_thread(stopped.wait, 30)
        over.set()
        send = await task
    assert (send.state, send.failed) == (SendState.CANCELLED, 0)
    assert send.sent == len(peer.taken) == 2
    ((actor, _, detail),) = await audited(fixture)
    assert (actor, detail["outcome"], detail["sent"]) == ("bob", "cancelled", send.sent)


async def test_who_cancels_after_the_last_object_has_not_ended_it(fixture: Fixture) -> None:
    last, over = threading.Event(), threading.Event()

    def hold(_event: Event, number: int) -> int:
        if number == 5:
            last.set()
            over.wait(30)
        return 0

    stopped = threading.Event()
    fixture.hook.look = lambda point: stopped.set() if point == "send stopped" else None
    with Peer(hold).listening() as port:
        await queued(fixture, port)
        made = job(fixture, patience=replace(HASTY, grace=30))
        task = asyncio.create_task(run(fixture, made))
        await asyncio.to_thread(last.wait, 30)
        await changed(fixture, cancelled_by="bob")
        assert await asyncio.to_thread(stopped.wait, 30)
        over.set()
        send = await task
    assert (send.state, send.sent) == (SendState.DONE, 5)
    ((actor, _, detail),) = await audited(fixture)
    assert (actor, detail["outcome"]) == ("ada", "done")


async def test_a_silent_remote_does_not_keep_it_from_being_cancelled(fixture: Fixture) -> None:
    first, over = threading.Event(), threading.Event()

    def hold(_event: Event, _number: int) -> int:
        first.set()
        over.wait(30)
        return 0

    with Peer(hold).listening() as port:
        await queued(fixture, port)
        task = asyncio.create_task(run(fixture, job(fixture, patience=replace(HASTY, grace=0.1))))
        await asyncio.to_thread(first.wait, 30)
        await changed(fixture, cancelled_by="bob")
        send = await task
        over.set()
    assert (send.state, send.sent) == (SendState.CANCELLED, 0)


async def test_it_is_cancelled_while_it_waits(fixture: Fixture) -> None:
    await queued(fixture, free_port())
    patience = replace(HASTY, first=60, longest=60)
    task = asyncio.create_task(run(fixture, job(fixture, patience=patience)))

    async def waits() -> bool:
        return (await now(fixture)).state is SendState.WAITING

    await until(waits)
    await changed(fixture, cancelled_by="bob")
    assert (await task).state is SendState.CANCELLED


async def test_an_engine_that_ends_leaves_it_for_the_next_start(fixture: Fixture) -> None:
    third, over = threading.Event(), threading.Event()

    def hold(_event: Event, number: int) -> int:
        if number == 3:
            third.set()
            over.wait(30)
        return 0

    peer = Peer(hold)
    with peer.listening() as port:
        await queued(fixture, port)
        made = job(fixture)
        task = asyncio.create_task(run(fixture, made))
        await asyncio.to_thread(third.wait, 30)

        async def counted() -> bool:
            return (await now(fixture)).sent == 2

        await until(counted)
        made.close()
        with pytest.raises(GivesWay):
            await task
        over.set()
        assert (await now(fixture)).state is SendState.SENDING
        send = await run(fixture, job(fixture))
    assert (send.state, send.sent) == (SendState.DONE, 5)
    assert len(peer.taken) == 6


async def test_what_has_changed_since_is_sent_anew(fixture: Fixture) -> None:
    with Peer().listening() as port:
        await queued(fixture, port, listing="another", position=3, sent=3)
        send = await run(fixture, job(fixture))
    assert (send.state, send.sent) == (SendState.DONE, 5)


@pytest.mark.parametrize(
    ("status", "said"), [("BUILDING", "the session is BUILDING"), ("", "has left the prearchive")]
)
async def test_a_session_that_is_at_work_is_waited_for_and_one_that_left_is_not(
    fixture: Fixture, status: str, said: str
) -> None:
    with Peer().listening() as port:
        session = await queued(fixture, port)
        async with fixture.context.prearchive_db.write() as transaction:
            row = await transaction.get_one(SessionRow, session)
            if status:
                row.status = status
            else:
                await transaction.delete(row)
        task = asyncio.create_task(run(fixture, job(fixture)))
        if status:

            async def waits() -> bool:
                send = await now(fixture)
                return send.state is SendState.WAITING and said in send.reason

            await until(waits)
            async with fixture.context.prearchive_db.write() as transaction:
                (await transaction.get_one(SessionRow, session)).status = Status.READY.value
            assert (await task).state is SendState.DONE
        else:
            send = await task
            assert send.state is SendState.FAILED and said in send.reason


async def test_what_cannot_be_sent_fails_with_its_reason(fixture: Fixture) -> None:
    with Peer().listening() as port:
        await queued(fixture, port, scans={"ids": ["9"]})
        assert (await run(fixture, job(fixture))).reason == "there is no such scan in the session"
        await changed(fixture, scans={"ids": ["1"]}, state="queued")
        async with fixture.context.archive_db.write() as transaction:
            off = replace(PEER, port=port, enabled=False)
            await remotes.edit(transaction, off, actor="ada")
        assert (await run(fixture, job(fixture))).reason == "the remote PACS1 is disabled"
        await changed(fixture, state="queued")
        async with fixture.context.archive_db.write() as transaction:
            await remotes.delete(transaction, "PACS1", actor="ada")
        assert (await run(fixture, job(fixture))).reason == "there is no remote PACS1"


async def test_what_came_into_quarantine_meanwhile_is_not_sent(fixture: Fixture) -> None:
    filed = await ready(fixture, "FILED", study="1.2.3.5")
    assert await archive(fixture, filed) == ""
    async with fixture.context.archive_db.read() as transaction:
        accession = (await transaction.scalars(select(ArchivedSessionRow.id))).one()
    peer = Peer()
    with peer.listening() as port:
        await queued(fixture, port, session=accession, filed=True)
        async with fixture.context.archive_db.write() as transaction:
            await quarantine.act(transaction, accession, Act.HOLD, actor="bob")
        sent = await run(fixture, job(fixture))
        assert (sent.state, peer.taken) == (SendState.FAILED, [])
        assert "come into quarantine" in sent.reason
        # Whoever asks for it now may see it: the gate has let them.
        await changed(fixture, state=SendState.QUEUED.value, queued=datetime.now(UTC), ended=None)
        sent = await run(fixture, job(fixture))
    assert (sent.state, len(peer.taken)) == (SendState.DONE, 2)
