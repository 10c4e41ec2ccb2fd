# SPDX-License-Identifier: Apache-2.0
"""Requests for a storage commitment from their files to their reports: each is answered once, by
whichever way works, and whoever cannot be told is tried again and then given up visibly."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from pydicom.dataset import Dataset
from sqlalchemy import select, update

from engine.archive import remotes
from engine.dicom import commitment
from engine.intake.answers import Origin
from engine.intake.channel import SendReport
from engine.intake.commitments import FOLDER, Commitments
from engine.jobs import forgetting
from engine.model.commitments import CommitmentDetail, CommitmentState
from engine.model.errors import InvalidInput, NotFound, Outage
from engine.model.remotes import Remote
from engine.prearchive import retention
from engine.prearchive.commitments import OWN_FIRST
from engine.prearchive.tables import CommitmentRow, HeldRow, OutboxRow
from engine.receiver.workers.pool import ReceiverPool
from engine.service import commitment_reports, commitment_requests
from engine.service import committing as under_test
from engine.service.commitments import Commitments as Noun
from engine.service.committing import Committing
from engine.service.event_buffer import EventBuffer
from tests.engine.dicom.test_commitment import parsed
from tests.engine.jobs.conftest import either, fixture  # noqa: F401
from tests.engine.jobs.fixture import STUDY, Fixture
from tests.engine.jobs.test_archive import ready
from tests.engine.jobs.test_send import until
from tests.engine.remotes.peers import silent
from tests.line.committing import Inbox, listening

MR = "1.2.840.10008.5.1.4.1.1.4"
FIRST, SECOND = f"{STUDY}.9.1", f"{STUDY}.9.2"
WAITING, REPORTED, GIVEN_UP = CommitmentState


class Pool:
    """Associations of a receiver: which are open, and what was sent over them."""

    def __init__(self) -> None:
        self.open: dict[str, int | None] = {}
        """The answers of those that are open, by transfer."""
        self.sent: list[tuple[str, int, Dataset]] = []
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens while the next report is on its way."""

    async def report(self, worker: str, report: SendReport, *, seconds: float) -> int | None:
        """Send a report."""
        if report.transfer not in self.open:
            return None
        data = await asyncio.to_thread(Path(report.file).read_bytes)
        self.sent.append((report.transfer, report.event, parsed(data, explicit=True)))
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
        return self.open[report.transfer]


class Clock:
    """That of the machine, until it is stopped."""

    def __init__(self) -> None:
        self.stopped: float | None = None

    def __call__(self) -> float:
        return time.time() if self.stopped is None else self.stopped

    @property
    def now(self) -> datetime:
        """What it shows."""
        return datetime.fromtimestamp(self(), UTC)

    def go_on(self, seconds: float = 0.0) -> None:
        """Show this much more than now, and nothing else until it goes on again."""
        self.stopped = self() + seconds


@dataclass(kw_only=True, slots=True)
class Room:
    """An engine's part in storage commitment, and a worker that has requests for it."""

    at: Fixture
    pool: Pool
    committing: Committing
    noun: Noun
    buffer: EventBuffer
    clock: Clock
    node: str
    heard: list[str] = field(default_factory=list)

    def ask(
        self,
        *uids: str,
        transaction: str = "1.2.3",
        calling: str = "SCANNER",
        transfer: str = "tr_1",
        node: str = "",
    ) -> str:
        """Ask as a worker does that has taken a request; return its id."""
        owner = f"{node or self.node}-w1"
        desk = Commitments(self.at.context.prearchive, owner, asked=self.heard.append)
        origin = Origin(transfer=transfer, receiver="ANTEROOM", calling=calling, peer="127.0.0.1")
        incoming = desk.begin(origin, context=3, explicit=True)
        objects = [(MR, uid) for uid in uids or (FIRST, SECOND)]
        for piece in commitment.report(transaction, objects, (), explicit=True):
            incoming.write([memoryview(piece)])
        assert incoming.finish().status == 0
        return self.heard[-1]

    async def asked(self, *uids: str, **values: str) -> str:
        """Ask over an association that waits for the report; return the id once it was tried."""
        id = self.ask(*uids, **values)
        await self.told_of(id)
        return id

    async def told_of(self, id: str) -> None:
        """Let a worker tell of a request, and wait until it was tried."""
        self.committing.asked(id, f"{self.node}-w1")
        await self.committing.settled()

    async def worked(self) -> None:
        """Look once, and see through what is due."""
        await self.committing.work()
        await self.committing.settled()

    async def show(self, id: str) -> CommitmentDetail:
        """Show a request."""
        return await self.noun.show(id)

    async def make_due(self) -> None:
        """Let time pass until everything that waits is due."""
        await self.change(due=self.clock.now)

    async def change(self, **values: object) -> None:
        """Set values of all that wait, as another engine may."""
        async with self.at.context.prearchive_db.write() as transaction:
            waits = update(CommitmentRow).where(CommitmentRow.due.is_not(None))
            await transaction.execute(waits.values(**values))

    async def remote(self, ae_title: str, port: int) -> None:
        """Add a remote."""
        async with self.at.context.archive_db.write() as transaction:
            new = Remote(name=ae_title, ae_title=ae_title, host="127.0.0.1", port=port)
            await remotes.add(transaction, new, actor="test")

    async def audited(self) -> list[tuple[str, str, dict[str, object]]]:
        """Return what was recorded: who, what, and details."""
        async with self.at.context.prearchive_db.read() as transaction:
            rows = (await transaction.execute(select(OutboxRow).order_by(OutboxRow.at))).scalars()
            return [(row.actor, row.action, row.detail) for row in rows]

    async def said(self) -> list[tuple[str, str]]:
        """Return the events of requests."""
        batch = await self.buffer.after(self.buffer.epoch, 0)
        return [(each.severity, each.text) for each in batch.events if each.kind == "commitment"]

    def restarted(self) -> Committing:
        """Begin anew, as an engine of the same name does."""
        self.committing = of(self.at, self.pool, self.buffer, self.clock)
        self.noun = Noun(self.at.context, self.committing, self.buffer, "root")
        return self.committing


def of(at: Fixture, pool: Pool, buffer: EventBuffer, clock: Clock) -> Committing:
    async def take_in() -> None:
        await at.context.ingester.ingest(every_node=True)

    made = Committing(at.context, buffer, take_in, clock=clock)
    made.begin(cast(ReceiverPool, pool))
    return made


@pytest.fixture
async def room(fixture: Fixture) -> AsyncIterator[Room]:  # noqa: F811
    """A session of two objects, and nobody who has asked yet."""
    async with opened(fixture) as made:
        yield made


@pytest.fixture
async def either_room(either: Fixture) -> AsyncIterator[Room]:  # noqa: F811
    """The same on each kind of database in turn."""
    async with opened(either) as made:
        yield made


@asynccontextmanager
async def opened(at: Fixture) -> AsyncIterator[Room]:
    pool, buffer, clock = Pool(), EventBuffer(), Clock()
    committing = of(at, pool, buffer, clock)
    noun = Noun(at.context, committing, buffer, "root")
    node = at.context.settings.node.name
    await ready(at)
    made = Room(
        at=at,
        pool=pool,
        committing=committing,
        noun=noun,
        buffer=buffer,
        clock=clock,
        node=node,
    )
    yield made
    await made.committing.close()


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody releases an association here."""
    monkeypatch.setattr(commitment_reports, "GRACE_SECONDS", 0.0)


def told(report: Dataset) -> tuple[set[str], dict[str, int]]:
    """Return what a report says is committed, and what is not."""
    good: Iterable[Dataset] = report.get("ReferencedSOPSequence", ())
    bad: Iterable[Dataset] = report.get("FailedSOPSequence", ())
    return (
        {str(each.ReferencedSOPInstanceUID) for each in good},
        {str(each.ReferencedSOPInstanceUID): int(each.FailureReason) for each in bad},
    )


async def test_who_waits_on_the_association_is_told_there(room: Room) -> None:
    room.pool.open["tr_1"] = 0
    id = await room.asked()
    ((transfer, event, report),) = room.pool.sent
    assert (transfer, event, report.TransactionUID) == ("tr_1", 1, "1.2.3")
    assert told(report) == ({FIRST, SECOND}, {})
    row = await room.show(id)
    assert (row.state, row.objects, row.failed, row.attempts) == (REPORTED, 2, 0, 1)
    assert (row.calling, row.receiver, row.transaction_uid) == ("SCANNER", "ANTEROOM", "1.2.3")
    assert row.due is None and row.ended is not None and row.decided is not None
    # Nothing is left that names an object elsewhere.
    assert list((room.at.context.prearchive / FOLDER).iterdir()) == []
    detail = {"objects": 2, "failed": 0, "receiver": "ANTEROOM"}
    assert ("engine", "Reported storage commitment", detail) in await room.audited()
    assert (await room.said())[-1] == (
        "info",
        "storage commitment: 2 objects committed to SCANNER",
    )


async def test_failures_are_told_by_object_and_shown(either_room: Room) -> None:
    room = either_room
    room.pool.open["tr_1"] = 0
    id = await room.asked(FIRST, "1.2.3.99")
    ((_, event, report),) = room.pool.sent
    assert event == 2
    assert told(report) == ({FIRST}, {"1.2.3.99": 0x0112})
    row = await room.show(id)
    assert (row.state, row.objects, row.failed) == (REPORTED, 2, 1)
    (failure,) = row.failures
    assert (failure.sop_class, failure.sop_instance) == (MR, "1.2.3.99")
    assert failure.reason.startswith("0112: it is not here")
    severity, text = (await room.said())[-1]
    assert (severity, "1 of 2 objects are not committed" in text) == ("warning", True)


async def test_objects_that_only_journals_know_are_taken_in_first(room: Room) -> None:
    room.pool.open["tr_1"] = 0
    claim = await room.at.claim()
    room.at.publish(claim, "3.dcm")
    await room.asked(f"{STUDY}.9.3")
    assert told(room.pool.sent[0][2]) == ({f"{STUDY}.9.3"}, {})


async def test_others_are_called_at_their_remote(room: Room) -> None:
    inbox = Inbox()
    inbox.statuses = [0x0110]
    with listening(inbox) as port:
        await room.remote("SCANNER", port)
        # The association takes no report, and the first call is answered with a failure.
        room.pool.open["tr_1"] = 0x0211
        id = room.ask()
        room.clock.go_on()
        await room.told_of(id)
        row = await room.show(id)
        assert (row.state, row.attempts) == (WAITING, 1)
        assert row.reason == "SCANNER answered with status 0110"
        assert row.due == room.clock.now + timedelta(seconds=under_test.PAUSES[0])
        room.clock.go_on(under_test.PAUSES[0] - 1)
        await room.worked()
        assert inbox.told.empty()
        room.clock.go_on(1)
        await room.worked()
        report = inbox.next()
    assert (report.transaction, report.event) == ("1.2.3", 1)
    assert report.committed == {FIRST, SECOND}
    assert not report.failed
    assert len(room.pool.sent) == 1
    assert (await room.show(id)).state is REPORTED


async def test_who_hangs_keeps_no_thread_of_others(room: Room) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    with silent() as port:
        await room.remote("SCANNER", port)
        id = room.ask()
        await room.committing.work()

        async def is_called() -> bool:
            return f"report {id}" in {each.name for each in threading.enumerate()}

        await until(is_called)
        # A look at the pool, which has one thread here.
        await asyncio.wait_for(asyncio.to_thread(time.time), 30)
        await room.committing.close()

        async def is_cut() -> bool:
            return not await is_called()

        await until(is_cut)
    assert (await room.show(id)).state is WAITING


async def test_who_is_unknown_is_given_up_and_can_be_told_later(
    either_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = either_room
    monkeypatch.setattr(under_test, "MOST_ATTEMPTS", 3)
    id = room.ask()
    for attempt in (1, 2, 3):
        await room.worked()
        row = await room.show(id)
        assert (row.attempts, row.reason) == (attempt, "no remote AE named SCANNER")
        await room.make_due()
    assert (row.state, row.due) == (GIVEN_UP, None)
    await room.worked()
    assert (await room.show(id)).attempts == 3
    severities = [severity for severity, _ in await room.said()]
    assert severities == ["info", "warning", "error"]
    detail = {"objects": 2, "receiver": "ANTEROOM", "reason": "no remote AE named SCANNER"}
    assert ("engine", "Gave up on a storage commitment", detail) in await room.audited()
    assert [each.id for each in await room.noun.list(state="given up")] == [id]
    inbox = Inbox()
    with listening(inbox) as port:
        await room.remote("SCANNER", port)
        again, unknown = await room.noun.retry((id, "cm_0", id), reason="it is known now")
        assert (again.done, unknown.done) == (True, False)
        await room.committing.settled()
        assert inbox.next().committed == {FIRST, SECOND}
    assert (await room.show(id)).state is REPORTED
    detail = {"objects": 2, "reason": "it is known now"}
    assert ("root", "Retried storage commitment", detail) in await room.audited()
    (refused,) = await room.noun.retry((id,))
    assert (refused.done, "told already" in refused.message) == (False, True)
    with pytest.raises(NotFound):
        await room.noun.show("cm_0")
    with pytest.raises(InvalidInput):
        await room.noun.list(state="lost")


async def test_an_unforeseen_fault_is_an_attempt_and_an_outage_is_none(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "MOST_ATTEMPTS", 2)
    id = room.ask()
    room.clock.go_on()
    for outage in (Outage("the database does not answer"), OSError(errno.EIO, "broken")):
        room.at.hook.faults["decided"] = outage
        await room.worked()
        row = await room.show(id)
        assert (row.state, row.attempts, row.reason) == (WAITING, 0, "")
        assert row.due == room.clock.now + timedelta(seconds=under_test.PAUSES[0])
        room.clock.go_on(under_test.PAUSES[0])
    for attempt, state in ((1, WAITING), (2, GIVEN_UP)):
        room.at.hook.faults["decided"] = ValueError("nobody has foreseen this")
        await room.worked()
        row = await room.show(id)
        assert (row.state, row.attempts, row.reason) == (state, attempt, "an unexpected fault")
        room.clock.go_on(under_test.PAUSES[0])


async def test_pauses_grow_and_last_for_more_than_a_day(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses = [
        under_test.PAUSES[min(attempt, len(under_test.PAUSES)) - 1]
        for attempt in range(1, under_test.MOST_ATTEMPTS)
    ]
    assert pauses == sorted(pauses)
    assert sum(pauses) > 24 * 3600


async def test_a_decision_is_made_anew_for_each_attempt(room: Room) -> None:
    id = room.ask(f"{STUDY}.9.3")
    await room.worked()
    assert (await room.show(id)).failed == 1
    claim = await room.at.claim()
    room.at.publish(claim, "3.dcm")
    await room.make_due()
    await room.worked()
    assert (await room.show(id)).failed == 0


class TestTransactions:
    """What is made of a transaction UID that comes again."""

    async def test_for_other_objects_it_is_a_duplicate(self, room: Room) -> None:
        room.pool.open = {"tr_1": 0, "tr_2": 0}
        await room.asked()
        id = await room.asked(FIRST, transfer="tr_2")
        assert told(room.pool.sent[1][2]) == (set(), {FIRST: 0x0131})
        assert (await room.show(id)).failed == 1
        # Nor has it spoilt the UID for what it stands for, or for other senders.
        await room.asked(transfer="tr_1")
        await room.asked(FIRST, calling="OTHER", transfer="tr_2")
        assert [told(report)[1] for _, _, report in room.pool.sent[2:]] == [{}, {}]

    async def test_asked_again_before_the_report_it_is_answered_once(
        self, either_room: Room
    ) -> None:
        room = either_room
        first = room.ask()
        await room.worked()
        assert (await room.show(first)).state is WAITING
        room.pool.open["tr_2"] = 0
        await room.asked(transfer="tr_2")
        assert [transfer for transfer, _, _ in room.pool.sent] == ["tr_2"]
        assert [each.id for each in await room.noun.list()] == [first]
        assert (await room.show(first)).state is REPORTED

    async def test_asked_again_while_it_is_reported_it_is_answered_once(self, room: Room) -> None:
        room.pool.open = {"tr_1": 0, "tr_2": 0}

        async def ask_again() -> None:
            room.committing.asked(room.ask(transfer="tr_2"), f"{room.node}-w1")
            await room.committing.work()

        room.pool.meanwhile = ask_again
        first = await room.asked()
        assert [each.id for each in await room.noun.list()] == [first]
        assert (await room.show(first)).state is REPORTED
        # Nobody is waited for who has been told.
        assert room.committing.reports.expected == frozenset()

    async def test_asked_again_after_the_report_it_is_answered_again(self, room: Room) -> None:
        room.pool.open["tr_1"] = 0
        ids = [await room.asked(), await room.asked()]
        assert len(room.pool.sent) == 2
        assert [each.id for each in await room.noun.list()] == ids[::-1]
        assert [each.id for each in await room.noun.list(offset=1, limit=5)] == ids[:1]


class TestCrashes:
    """What an engine leaves that is killed."""

    @pytest.mark.parametrize("point", ["request taken", "decided", "reported"])
    async def test_the_next_one_reports(self, room: Room, point: str) -> None:
        inbox = Inbox()
        with listening(inbox) as port:
            await room.remote("SCANNER", port)
            id = room.ask()
            before = room.committing
            reached, go_on = asyncio.Event(), asyncio.Event()
            loop = asyncio.get_running_loop()

            def stop(passed: str) -> None:
                if passed == point and not reached.is_set():
                    loop.call_soon_threadsafe(reached.set)
                    asyncio.run_coroutine_threadsafe(go_on.wait(), loop).result()

            room.at.hook.look = stop
            first = asyncio.create_task(before.work())
            await reached.wait()
            # Left as it is, as a kill would: what it had taken is in its hands for minutes.
            first.cancel()
            await before.close()
            go_on.set()
            with suppress(asyncio.CancelledError):
                await first
            room.restarted()
            await room.worked()
            assert inbox.next().committed == {FIRST, SECOND}
            assert (await room.show(id)).state is REPORTED
            assert [each.id for each in await room.noun.list()] == [id]

    async def test_what_another_engine_has_taken_is_left_to_it(self, either_room: Room) -> None:
        room = either_room
        id = room.ask()
        await room.worked()
        async with room.at.context.prearchive_db.write() as transaction:
            soon = datetime.now(UTC) + timedelta(minutes=5)
            await transaction.execute(update(CommitmentRow).values(node="other", due=soon))
        room.restarted()
        await room.worked()
        assert (await room.show(id)).due == soon

    async def test_what_is_due_is_left_at_first_to_the_engine_that_had_it(
        self, either_room: Room
    ) -> None:
        room = either_room
        id = room.ask()
        room.clock.go_on()
        await room.worked()
        await room.change(node="other", due=room.clock.now)
        await room.worked()
        assert (await room.show(id)).attempts == 1
        assert room.committing.sees() is None
        room.clock.go_on(OWN_FIRST.total_seconds())
        assert room.committing.sees() is not None
        await room.worked()
        assert (await room.show(id)).attempts == 2
        # Who asks for it here is answered here.
        await room.change(node="other")
        await room.noun.retry((id,))
        await room.committing.settled()
        assert (await room.show(id)).attempts == 1

    async def test_nobody_waits_here_for_what_another_engine_has_ended(
        self, either_room: Room
    ) -> None:
        room = either_room
        id = room.ask()
        await room.worked()
        await room.change(node="other", due=room.clock.now + timedelta(minutes=5))
        await room.told_of(id)
        await room.told_of("cm_0")
        assert room.committing.reports.expected == {id}
        await room.change(due=None)
        await room.worked()
        assert room.committing.reports.expected == frozenset()

    async def test_young_files_of_another_node_are_looked_at_again(self, room: Room) -> None:
        id = room.ask(node="other")
        room.clock.go_on()
        await room.worked()
        assert room.committing.sees() is None
        room.clock.go_on(61)
        assert room.committing.sees() is not None
        await room.worked()
        assert [each.id for each in await room.noun.list()] == [id]

    async def test_a_look_that_failed_is_made_again(self, room: Room) -> None:
        await room.worked()
        id = room.ask()
        room.at.hook.faults["request taken"] = Outage("the database does not answer")
        await room.told_of(id)
        assert room.committing.sees() is not None

    async def test_files_of_another_node_are_taken_once_they_are_old(self, room: Room) -> None:
        id = room.ask(node="other")
        await room.worked()
        assert await room.noun.list() == ()
        (path,) = (room.at.context.prearchive / FOLDER).iterdir()
        os.utime(path, (0, 0))
        await room.worked()
        assert [each.id for each in await room.noun.list()] == [id]

    async def test_a_damaged_file_is_put_aside(self, room: Room) -> None:
        id = room.ask()
        folder = room.at.context.prearchive / FOLDER
        (path,) = folder.iterdir()
        path.with_name(f"{room.node}-w1.cm_0.request").write_bytes(b"{")
        await room.worked()
        assert [each.id for each in await room.noun.list()] == [id]
        assert [each.suffix for each in folder.iterdir()] == [".damaged"]


async def test_objects_that_the_helper_works_on_are_waited_for(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with room.at.context.prearchive_db.write() as transaction:
        transaction.add(
            HeldRow(
                id="h1",
                transfer="tr_1",
                at=datetime.now(UTC),
                reason="",
                received_sop_uid="1.2.3.5",
                size=1,
                waits=True,
            )
        )
    room.pool.open["tr_1"] = 0
    id = await room.asked("1.2.3.5")
    assert (await room.show(id)).decided is None
    await room.make_due()
    await room.worked()
    assert room.pool.sent == []
    # The association still waits, and hears of it once the wait is over.
    monkeypatch.setattr(under_test, "ON_ITS_WAY", timedelta())
    await room.make_due()
    await room.worked()
    assert told(room.pool.sent[0][2]) == (set(), {"1.2.3.5": 0x0110})


async def test_what_ended_long_ago_is_forgotten(
    either_room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = either_room
    room.pool.open["tr_1"] = 0
    ended = [await room.asked(transaction=f"1.2.{number}") for number in range(4)]
    waiting = room.ask(transaction="1.2.9", transfer="tr_2")
    await room.worked()
    context = room.at.context
    async with context.prearchive_db.write() as transaction:
        days = timedelta(days=context.settings.retention.commitments_days)
        first = update(CommitmentRow).where(CommitmentRow.id == ended[3])
        await transaction.execute(first.values(ended=room.clock.now - days - timedelta(minutes=1)))
    assert (await forgetting.forget(context, now=room.clock.now)).commitments == 1
    assert [each.id for each in await room.noun.list()] == [waiting, *ended[2::-1]]
    monkeypatch.setattr(retention, "MOST_COMMITMENTS", 1)
    # In parts of one.
    monkeypatch.setattr(retention, "MOST", 1)
    assert (await forgetting.forget(context, now=room.clock.now)).commitments == 2
    assert [each.id for each in await room.noun.list()] == [waiting, ended[2]]
    assert [
        detail["commitments"]
        for _, action, detail in await room.audited()
        if action == forgetting.EVENT
    ] == [1, 2]


async def test_requests_stay_in_their_files_where_too_many_wait(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commitment_requests, "MOST_WAITING", 1)
    ids = [room.ask(transaction=f"1.2.{number}") for number in range(2)]
    await room.worked()
    await room.worked()
    assert [each.id for each in await room.noun.list()] == ids[:1]
    assert len(list((room.at.context.prearchive / FOLDER).iterdir())) == 1
    await room.told_of(ids[1])
    assert room.committing.reports.expected == {ids[1]}


async def test_nothing_is_asked_of_the_database_while_there_is_nothing_to_do(room: Room) -> None:
    assert room.committing.sees() is not None
    await room.worked()
    assert room.committing.sees() is None
    room.ask()
    assert room.committing.sees() is not None
    await room.worked()
    await room.worked()
    assert room.committing.sees() is None
