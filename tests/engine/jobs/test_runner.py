# SPDX-License-Identifier: Apache-2.0
"""The job runner on its real job system, on both kinds of database: a job exists exactly if the
change of state does, its steps run in order and once, and a failure is said in words."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from engine.database.connection import Database
from engine.database.migration import migrate
from engine.jobs.runner import JobRunner
from engine.jobs.workflow import Work
from engine.model.errors import InvalidInput, NotFound, Outage
from engine.model.states import Verb
from engine.prearchive.tables import OutboxRow
from tests.conftest import Backend
from tests.postgres import away

PATIENCE = 60.0
"""Seconds until a test that waits for something that never comes is ended."""


class Desk:
    """The steps of the tests: they write down what they are called with."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, int]] = []
        self.failed: list[tuple[str, int, str, str]] = []
        self.changed = asyncio.Condition()
        self.may_go_on = asyncio.Event()
        self.in_the_way: list[Exception] = []
        self.told: list[tuple[str, str]] = []

    async def say(self, what: str, session: str, attempt: int) -> None:
        async with self.changed:
            self.done.append((what, session, attempt))
            self.changed.notify_all()

    async def first(self, session: str, attempt: int) -> None:
        await self.say("first", session, attempt)

    async def second(self, session: str, attempt: int) -> None:
        await self.say("second", session, attempt)

    async def make_room(self, session: str, attempt: int) -> None:
        """Get by once nothing is in the way any more."""
        if self.in_the_way:
            raise self.in_the_way.pop(0)
        await self.say("room", session, attempt)

    def tell(self, session: str, sentence: str) -> None:
        self.told.append((session, sentence))

    async def refuse(self, session: str, attempt: int) -> None:
        raise InvalidInput("the files do not belong together")

    async def break_down(self, session: str, attempt: int) -> None:
        raise RuntimeError("PATIENT^NAME in a message")

    async def wait(self, session: str, attempt: int) -> None:
        await self.say("waits", session, attempt)
        await self.may_go_on.wait()

    async def fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        if self.in_the_way:
            raise self.in_the_way.pop(0)
        async with self.changed:
            self.failed.append((session, attempt, code, reason))
            self.changed.notify_all()

    async def until(self, done: int = 0, failed: int = 0) -> None:
        async with self.changed:
            await asyncio.wait_for(
                self.changed.wait_for(
                    lambda: len(self.done) >= done and len(self.failed) >= failed
                ),
                PATIENCE,
            )

    def work(self) -> dict[Verb, Work]:
        return {
            Verb.REBUILD: Work(
                steps=(("first", self.first), ("second", self.second)), fail=self.fail
            ),
            Verb.MOVE: Work(steps=(("refuse", self.refuse), ("x", self.first)), fail=self.fail),
            Verb.DELETE: Work(steps=(("break", self.break_down),), fail=self.fail),
            Verb.RESTORE: Work(steps=(("room", self.make_room),), fail=self.fail),
            Verb.ARCHIVE: Work(steps=(("wait", self.wait),), fail=self.fail),
        }


@pytest.fixture
async def database(backend: Backend) -> AsyncIterator[Database]:
    opened = Database.open(backend.prearchive_url)
    yield opened
    await opened.close()


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def runner(
    backend: Backend, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[JobRunner]:
    monkeypatch.setattr("engine.jobs.workflow.SHORTEST_REST", 0.0)
    made = JobRunner(backend.prearchive_url, node="n", poll=0.02)
    await made.prepare()
    await made.launch(desk.work(), desk.tell)
    yield made
    await made.close(wait=5)


async def finished(runner: JobRunner, id: str) -> str:
    """Wait until a job has ended and give its state."""
    async with asyncio.timeout(PATIENCE):
        while (job := await runner.find(id)).status in ("queued", "running"):  # noqa: ASYNC110 (the job system tells nobody)
            await asyncio.sleep(0.01)
    return job.status


async def enqueue(
    runner: JobRunner, database: Database, id: str, *, error: Exception | None = None
) -> None:
    """Enqueue a job beside a change, in a transaction that ends well or with an error."""
    async with database.write() as transaction:
        transaction.add(
            OutboxRow(
                id=id, at=datetime.now(UTC), actor="ada", action="Queued", object=id, detail={}
            )
        )
        await runner.enqueue(transaction, id)
        if error is not None:
            raise error


async def test_jobs_and_changes_are_one(runner: JobRunner, database: Database, desk: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        await enqueue(runner, database, "pre_a:rebuild:1", error=ZeroDivisionError())
    await enqueue(runner, database, "pre_a:rebuild:2")
    await desk.until(done=2)
    assert await finished(runner, "pre_a:rebuild:2") == "done"
    assert desk.done == [("first", "pre_a", 2), ("second", "pre_a", 2)]
    with pytest.raises(NotFound):
        await runner.find("pre_a:rebuild:1")
    async with database.read() as transaction:
        changes = select(func.count()).select_from(OutboxRow)
        assert (await transaction.execute(changes)).scalar_one() == 1

    # What fails says why; what was not foreseen tells nothing of what it met.
    await enqueue(runner, database, "pre_b:move:1")
    await enqueue(runner, database, "pre_c:delete:3")
    await desk.until(failed=2)
    failed = {session: (attempt, code, reason) for session, attempt, code, reason in desk.failed}
    assert failed["pre_b"] == (1, InvalidInput.code, "the files do not belong together")
    assert failed["pre_c"][:2] == (3, "fault")
    assert "PATIENT" not in failed["pre_c"][2]
    assert await finished(runner, "pre_b:move:1") == "failed"
    assert await finished(runner, "pre_c:delete:3") == "failed"
    jobs = {job.id: job for job in await runner.list()}
    assert (jobs["pre_b:move:1"].verb, jobs["pre_b:move:1"].session) == ("move", "pre_b")
    assert "PATIENT" not in "".join(job.error for job in jobs.values())
    assert len(desk.done) == 2

    # One session is worked on by one job; another one need not wait for it.
    await enqueue(runner, database, "pre_d:archive:1")
    await desk.until(done=3)
    await enqueue(runner, database, "pre_d:rebuild:2")
    await enqueue(runner, database, "pre_e:rebuild:1")
    await desk.until(done=5)
    assert [session for _, session, _ in desk.done[3:]] == ["pre_e", "pre_e"]
    assert await finished(runner, "pre_e:rebuild:1") == "done"
    assert await runner.unfinished() == {"pre_d:archive:1", "pre_d:rebuild:2"}
    oldest = await runner.oldest_unfinished()
    assert oldest is not None and oldest.id == "pre_d:archive:1"
    assert {job.id for job in await runner.failed()} == {"pre_b:move:1", "pre_c:delete:3"}
    assert len(await runner.failed(1)) == 1

    # A job that is taken out of the queue never begins.
    await runner.forget("pre_d:rebuild:2")
    await runner.forget("pre_x:rebuild:1")
    desk.may_go_on.set()
    assert await finished(runner, "pre_d:archive:1") == "done"
    assert await runner.unfinished() == set()
    assert await runner.oldest_unfinished() is None
    assert (await runner.find("pre_d:rebuild:2")).status == "cancelled"
    assert len(desk.done) == 5
    # A full disk or a silent database fails no job: it waits, says so once, and goes on.
    full = OSError(errno.ENOSPC, "PATIENT")
    desk.in_the_way += [Outage("the database does not answer"), full, full]
    await enqueue(runner, database, "pre_f:restore:1")
    await desk.until(done=6)
    assert await finished(runner, "pre_f:restore:1") == "done"
    told = ("the database does not answer", "the disk is full")
    assert desk.told == [("pre_f", sentence) for sentence in told]
    # Another fault of the store is told to a person.
    desk.in_the_way.append(OSError(errno.EIO, "PATIENT"))
    await enqueue(runner, database, "pre_g:restore:1")
    assert await finished(runner, "pre_g:restore:1") == "failed"
    assert desk.failed[-1][3].startswith("the store failed: Input/output error (reference")

    # Nothing of today is old.
    assert await runner.purge() == 0


async def test_a_job_begins_with_its_commit_and_no_other_thread_asks(
    backend: Backend, database: Database, desk: Desk
) -> None:
    runner = JobRunner(backend.prearchive_url, node="n", poll=3600.0)
    await runner.prepare()
    await runner.launch(desk.work(), desk.tell)
    await enqueue(runner, database, "pre_a:rebuild:1")
    await desk.until(done=2)
    assert await finished(runner, "pre_a:rebuild:1") == "done"
    names = {thread.name for thread in threading.enumerate()}
    assert {"dbos-queue-sessions", "dbos-queue-room"} <= names
    own = ("queue-worker", "dbos-background-jobs", "_dbos", "dbos_background")
    assert not [name for name in names if name.startswith(own)]
    await runner.close(wait=5)
    assert not {t.name for t in threading.enumerate()} & {"dbos-queue-sessions", "dbos-queue-room"}


async def test_questions_fail_while_the_server_is_away_and_no_thread_outlives_the_end(
    database_url: Callable[..., str], desk: Desk
) -> None:
    url = database_url("postgresql", "prearchive")
    await migrate(url, "prearchive")
    runner, database = JobRunner(url, node="n", poll=0.02), Database.open(url)
    await runner.prepare()
    await runner.launch(desk.work(), desk.tell)
    await enqueue(runner, database, "pre_a:archive:1")
    await desk.until(done=1)
    await database.close()
    with away(url):
        # What the step has done is to be written down: that waits for the server.
        desk.may_go_on.set()
        for question in (runner.list(), runner.find("pre_a:archive:1"), runner.purge()):
            with pytest.raises(Outage, match="PostgreSQL database"):
                await asyncio.wait_for(question, PATIENCE)
        with pytest.raises(Outage, match="PostgreSQL database"):
            await runner.forget("pre_a:archive:1")
        await runner.close(wait=0)
        for thread in threading.enumerate():
            if thread.name.startswith("dbos"):
                await asyncio.to_thread(thread.join, PATIENCE)
                assert not thread.is_alive(), thread.name


async def test_an_idle_runner_ends_while_the_server_is_away(
    database_url: Callable[..., str], desk: Desk
) -> None:
    url = database_url("postgresql", "prearchive")
    await migrate(url, "prearchive")
    runner = JobRunner(url, node="n", poll=0.02)
    await runner.prepare()
    await runner.launch(desk.work(), desk.tell)
    with away(url):
        await asyncio.wait_for(runner.close(wait=5), PATIENCE)


async def test_a_session_is_given_back_once_there_is_room(
    runner: JobRunner, database: Database, desk: Desk
) -> None:
    desk.in_the_way += [Outage("the database is full")] * 20 + [OSError(errno.EDQUOT, "x")]
    await enqueue(runner, database, "pre_a:move:1")
    await desk.until(failed=1)
    assert await finished(runner, "pre_a:move:1") == "failed"
    assert desk.told == [("pre_a", "the database is full"), ("pre_a", "the disk is full")]
