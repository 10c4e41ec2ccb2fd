# SPDX-License-Identifier: Apache-2.0
"""One worker process with a test at the engine's end of its channel, where every answer and every
silence of an engine can be played."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from engine.dicom.digest import DataSetDigest
from engine.intake.channel import (
    Ask,
    Begin,
    Grown,
    Hello,
    InForce,
    Listening,
    Stop,
    TakeSnapshot,
    Tell,
    ToEngine,
    TransferNews,
)
from engine.intake.claims import Claim, Known
from engine.intake.journal import Outcome, is_being_written, read_all
from engine.intake.snapshot import ReceiverConfig
from engine.receiver.workers.link import WorkerLink
from engine.routing.router import RoutingConfig, RuleTexts
from tests.engine.receiver.workers.pooling import (
    PATIENCE,
    STORESCU,
    associate,
    data_set,
    listening,
    run,
    sample,
    send,
    snapshot,
)

M = TypeVar("M", bound=ToEngine)


class Engine:
    """The engine's part, played by hand."""

    def __init__(self, link: WorkerLink, prearchive: Path) -> None:
        self.link = link
        self.prearchive = prearchive
        self.port, self.socket = listening()
        self.receiver = ReceiverConfig(ae_title="ANTEROOM", port=self.port)
        self.journal = Path()
        self._passed_over: list[ToEngine] = []
        self.claim = Claim(session="pre_1", folder=str(prearchive / "1" / "session"))
        Path(self.claim.folder).mkdir(parents=True)

    async def hears(self, kind: type[M]) -> M:
        """Wait for the next message of a kind; others are kept for whoever waits for them. A
        worker's threads speak as they come to it: only messages of one kind have an order."""
        for message in self._passed_over:
            if isinstance(message, kind):
                self._passed_over.remove(message)
                return message
        while True:
            heard = await asyncio.wait_for(self.link.receive(), PATIENCE)
            assert heard is not None, f"hung up instead of {kind.__name__}"
            if isinstance(heard, kind):
                return heard
            self._passed_over.append(heard)

    async def settles(self) -> None:
        """Do all that an engine does until the worker listens."""
        hello = await self.hears(Hello)
        self.journal = self.prearchive / ".journals" / hello.journal
        self.link.say(TakeSnapshot(snapshot=snapshot(1, self.receiver)))
        assert await self.hears(InForce) == InForce(number=1)
        self.link.give({self.port: self.socket})
        assert await self.hears(Listening) == Listening(ports=(self.port,))

    def sends(self, *files: Path, ok: bool = True) -> asyncio.Task[str]:
        """Begin to send files to the worker."""
        call = [STORESCU, "-v", "-aec", "ANTEROOM", "127.0.0.1", str(self.port)]
        return asyncio.create_task(run(*call, *map(str, files), ok=ok))

    async def ends(self) -> int:
        """Listen until the worker hangs up; return its exit status."""
        while await asyncio.wait_for(self.link.receive(), PATIENCE) is not None:
            pass
        return await self.link.end(PATIENCE)

    @property
    def outcomes(self) -> list[Outcome]:
        """What the journal says of the objects."""
        return [record.outcome for record in read_all(self.journal)]

    @property
    def files(self) -> list[Path]:
        """What was published."""
        return sorted(Path(self.claim.folder).rglob("*.dcm"))


@asynccontextmanager
async def worker(folder: Path) -> AsyncIterator[Engine]:
    """Run a worker on a prearchive of its own."""
    prearchive = folder / "prearchive"
    (prearchive / ".journals").mkdir(parents=True)
    with tempfile.TemporaryFile() as limits:
        link = await WorkerLink.spawn("test-w1", prearchive, limits=limits.fileno())
        link.say(Begin())
        engine = Engine(link, prearchive)
        try:
            yield engine
        finally:
            link.kill()
            await link.end(PATIENCE)
            engine.socket.close()


async def test_a_worker_that_was_not_told_to_begin_touches_nothing(tmp_path: Path) -> None:
    with tempfile.TemporaryFile() as limits:
        link = await WorkerLink.spawn("test-w1", tmp_path / "none", limits=limits.fileno())
        assert await link.end(PATIENCE) == 0
        assert not (tmp_path / "none").exists()

        (tmp_path / "some" / ".journals").mkdir(parents=True)
        link = await WorkerLink.spawn("test-w2", tmp_path / "some", limits=limits.fileno())
        assert not list((tmp_path / "some").rglob("*.journal"))
        link.say(Begin())
        hello = await asyncio.wait_for(link.receive(), PATIENCE)
        assert isinstance(hello, Hello)
        assert list((tmp_path / "some").rglob("*.journal"))
        assert await link.end(PATIENCE) == 0


def test_a_worker_imports_no_database() -> None:
    program = (
        "import sys, engine.receiver.workers.worker\n"
        "bad = {'sqlalchemy', 'aiosqlite', 'psycopg', 'alembic', 'dbos', 'textual', 'console'}\n"
        "print(sorted(bad & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


async def test_a_stale_claim_is_routed_again_on_the_newer_snapshot(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        sending = engine.sends(sample(tmp_path))
        ask = await engine.hears(Ask)
        assert ask.claim is not None and ask.claim.snapshot == 1
        engine.link.say(Tell(id=ask.id, stale=True))
        engine.link.say(TakeSnapshot(snapshot=snapshot(2, engine.receiver)))
        assert await engine.hears(InForce) == InForce(number=2)
        ask = await engine.hears(Ask)
        assert ask.claim is not None and ask.claim.snapshot == 2
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        assert [data_set(path) for path in engine.files] == [data_set(sample(tmp_path))]


async def test_a_snapshot_that_cannot_be_used_leaves_the_old_one(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        rules = RoutingConfig(site=RuleTexts(project="not a rule"))
        broken = replace(snapshot(2, engine.receiver), routing=rules)
        engine.link.say(TakeSnapshot(snapshot=broken))
        engine.link.say(TakeSnapshot(snapshot=snapshot(3, engine.receiver)))
        assert await engine.hears(InForce) == InForce(number=3)


async def test_an_engine_that_hangs_up_ends_the_worker(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        assert await engine.link.end(PATIENCE) == 0


async def test_an_engine_that_hangs_up_before_it_says_anything(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        assert await engine.link.end(PATIENCE) == 0


async def test_a_claim_that_nobody_answers_any_more_is_no_success(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        sending = engine.sends(sample(tmp_path), ok=False)
        await engine.hears(Ask)
        assert await engine.link.end(PATIENCE) == 0
        assert "Refused: OutOfResources" in await sending
        assert engine.files == []
        assert engine.outcomes == [Outcome.FAILED]


async def test_stop_lets_the_object_on_its_way_arrive(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        association = await associate(engine.port)
        sending = asyncio.create_task(send(association, sample(tmp_path, 1)))
        ask = await engine.hears(Ask)
        engine.link.say(Stop())
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        # The next one would be taken in as long as the worker has not come to leave.
        assert await sending == 0
        assert await engine.ends() == 0
        await asyncio.to_thread(association.join, PATIENCE)
        assert not association.is_established
        assert engine.outcomes == [Outcome.STORED]
        assert [data_set(path) for path in engine.files] == [data_set(sample(tmp_path, 1))]


async def test_the_last_news_is_told_before_it_hangs_up(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        sending = engine.sends(sample(tmp_path), ok=True)
        ask = await engine.hears(Ask)
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        engine.link.say(Stop())
        heard: list[ToEngine] = []
        while (message := await asyncio.wait_for(engine.link.receive(), PATIENCE)) is not None:
            heard.append(message)
        news = [message for message in heard if isinstance(message, TransferNews)]
        assert (news[-1].objects, news[-1].ended) == (1, "released")
        assert Grown() in heard


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_signals_to_the_group_do_not_end_a_worker(
    tmp_path: Path, number: signal.Signals
) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        os.kill(engine.link.pid, number)
        sending = engine.sends(sample(tmp_path))
        ask = await engine.hears(Ask)
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        assert len(engine.files) == 1


async def test_a_duplicate_cannot_become_a_conflict_because_nobody_answers(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        sending = engine.sends(sample(tmp_path, pixel=1))
        ask = await engine.hears(Ask)
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        sending = engine.sends(sample(tmp_path, pixel=2), ok=False)
        ask = await engine.hears(Ask)
        assert (ask.claim, ask.session) == (None, "pre_1")
        assert await engine.link.end(PATIENCE) == 0
        assert "Refused: OutOfResources" in await sending
        assert engine.outcomes == [Outcome.STORED, Outcome.FAILED]
        assert len(engine.files) == 1


async def test_what_the_index_knows_decides_a_duplicate(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        first, second = sample(tmp_path, pixel=1), sample(tmp_path, pixel=2)
        sending = engine.sends(first)
        ask = await engine.hears(Ask)
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        (record,) = read_all(engine.journal)
        # As if the stored file were what a script made of the second.
        received = DataSetDigest(data_set(second)).text
        sending = engine.sends(second)
        ask = await engine.hears(Ask)
        assert ask.file == record.file
        known = Known(received_sop=record.received_sop, digest=received)
        engine.link.say(Tell(id=ask.id, known=(known,)))
        await sending
        assert engine.outcomes == [Outcome.STORED, Outcome.DUPLICATE]
        assert len(engine.files) == 1


async def test_a_journal_says_whether_its_worker_lives(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        assert is_being_written(engine.journal)
        engine.link.kill()
        await engine.link.end(PATIENCE)
        assert not is_being_written(engine.journal)
        assert not is_being_written(engine.journal.with_name("another.journal"))


async def test_nothing_is_left_in_staging(tmp_path: Path) -> None:
    async with worker(tmp_path) as engine:
        await engine.settles()
        sending = engine.sends(sample(tmp_path, 1), sample(tmp_path, 2))
        ask = await engine.hears(Ask)
        engine.link.say(Tell(id=ask.id, claim=engine.claim))
        await sending
        staging = engine.prearchive / ".staging"
        assert [path for path in staging.rglob("*") if path.is_file()] == []
        assert all(path.stat().st_mode & 0o777 == 0o600 for path in engine.files)
        assert all(path.stat().st_nlink == 1 for path in engine.files)
