# SPDX-License-Identifier: Apache-2.0
"""The accounts under any order of events: objects of two workers, records that come late or never,
files found before their records, copies, builds, sessions that leave, journals put away. They add
up to what was answered, whatever happens between."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec import structs

from engine.intake.claims import Claim
from engine.intake.journal import Journal, Outcome, Record
from engine.jobs.archive import ArchiveJob
from engine.jobs.build import BuildJob
from engine.jobs.delete import DeleteJob
from engine.jobs.departure import object_files
from engine.jobs.reconcile import Reconciliation
from engine.jobs.restore import RestoreJob, put_back
from engine.jobs.trash import listed
from engine.model.accounts import BESIDE, Place
from engine.model.states import ALLOWED, Status, Verb
from engine.prearchive import accounts
from engine.prearchive.rows import folder_of
from tests.conftest import Databases
from tests.engine.jobs import fixture as fixtures
from tests.engine.jobs.fixture import STUDY, Fixture

T = TypeVar("T")

Key = tuple[str, int, int]
"""Session, number and content: one object, however often it came."""


@dataclass(slots=True)
class Answers:
    """What the senders were told, and what of it is not written down yet."""

    kept: Counter[Key] = field(default_factory=Counter)
    """Successes of objects that were published; zero where the worker died before its answer."""
    counted: int = 0
    """Successes of objects that are only counted: duplicates and what was filtered."""
    held: int = 0
    refused: int = 0
    unwritten: list[Record] = field(default_factory=list)


class Line(RuleBasedStateMachine):
    """Workers, builds, jobs and restarts, in any order."""

    databases: Databases

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        urls = [
            self.databases.new("sqlite", section, self.folder, migrated=True)
            for section in ("archive", "prearchive")
        ]
        self.fixture: Fixture = fixtures.make(self.folder / "home", *urls)
        self.journals = [self.fixture.journal]
        self.answers = Answers()
        self.do(self.fixture.context.ingester.register(self.fixture.journal.path.name))
        self.do(self.fixture.project("P"))

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.runner.run(work)

    @rule(number=st.integers(0, 3), content=st.integers(0, 1), scan=st.sampled_from("17"))
    def publish(self, number: int, content: int, scan: str) -> None:
        """A worker publishes an object; whoever finds it there already counts a duplicate."""
        claim = self.do(self.fixture.claim())
        name = f"{number}-{content}.dcm"
        file = f"SCANS/{scan}/DICOM/{name}"
        path = Path(claim.folder) / file
        there = path.exists()
        if there:
            made = self.fixture.record(claim, file, path, recorded=False)
            made = structs.replace(made, outcome=Outcome.DUPLICATE, reason="there already")
            self.answers.counted += 1
        else:
            made = self.made(claim, name, scan, number, content)
            self.answers.kept[claim.session, number, content] += 1
        self.answers.unwritten.append(made)

    def made(self, claim: Claim, name: str, scan: str, number: int, content: int) -> Record:
        sop = f"{STUDY}.9.{number + 1}"
        made = self.fixture.publish(claim, name, scan=scan, sop=sop, recorded=False)
        path = Path(claim.folder) / made.file
        path.write_bytes(path.read_bytes()[:-2] + bytes([content, 7]))
        return self.fixture.record(claim, made.file, path, recorded=False)

    @rule(outcome=st.sampled_from([Outcome.FILTERED, Outcome.REFUSED, Outcome.HELD]))
    def other(self, outcome: Outcome) -> None:
        """An object that does not go to a session."""
        file = ""
        if outcome is Outcome.HELD:
            held = self.fixture.context.prearchive / ".staging" / "held"
            held.mkdir(exist_ok=True)
            self.answers.held += 1
            file = f"{self.answers.held}.dcm"
            (held / file).write_bytes(b"1234")
        elif outcome is Outcome.FILTERED:
            self.answers.counted += 1
        else:
            self.answers.refused += 1
        made = Record(at=1, transfer="tr_2", outcome=outcome, file=file, reason="so", size=4)
        self.answers.unwritten.append(made)

    @precondition(lambda self: self.answers.unwritten)
    @rule(which=st.integers(0, 99))
    def write(self, which: int) -> None:
        """One of the records reaches a journal."""
        pending = self.answers.unwritten
        made = pending.pop(which % len(pending))
        self.journals[which % len(self.journals)].append(made, sync=False)

    @precondition(lambda self: any(r.outcome is Outcome.STORED for r in self.answers.unwritten))
    @rule()
    def kill(self) -> None:
        """A worker dies between publishing and recording: nobody is told of success."""
        for made in self.answers.unwritten:
            if made.outcome is Outcome.STORED:
                self.answers.unwritten.remove(made)
                number, _, content = made.file.rpartition("/")[2].split(".")[0].partition("-")
                self.answers.kept[made.session, int(number), int(content)] -= 1
                return

    @rule()
    def ingest(self) -> None:
        """The engine takes in what stands in the journals."""
        self.do(self.fixture.context.ingester.ingest())

    @rule()
    def another_worker(self) -> None:
        """One more worker begins a journal."""
        if len(self.journals) < 3:
            name = f"n-w{len(self.journals) + 1}-{os.urandom(4).hex()}.journal"
            self.do(self.fixture.context.ingester.register(name))
            self.journals.append(Journal(self.fixture.context.prearchive / ".journals" / name))

    @precondition(lambda self: len(self.journals) > 1)
    @rule()
    def worker_ends(self) -> None:
        """A worker's journal is taken in to its end and put away."""
        journal = self.journals.pop()
        journal.close()
        self.do(self.fixture.context.ingester.finish(journal.path.name))

    @rule()
    def restart(self) -> None:
        """The engine recovers, while a worker may still have something to write."""
        reconciliation = Reconciliation(self.fixture.context, alone=False)
        self.do(reconciliation.files())
        self.do(reconciliation.jobs())

    @rule(verb=st.sampled_from([Verb.REBUILD, Verb.ARCHIVE, Verb.DELETE]))
    def job(self, verb: Verb) -> None:
        """A job runs for the session that takes objects now."""
        claim = self.do(self.fixture.claim())
        row = self.do(self.fixture.there(claim.session))
        if Status(row.status) not in ALLOWED[verb]:
            return
        work = {
            Verb.REBUILD: BuildJob(self.fixture.context).work(),
            Verb.ARCHIVE: ArchiveJob(self.fixture.context).work(),
            Verb.DELETE: DeleteJob(self.fixture.context).work(),
        }
        attempt = self.do(self.fixture.ask(claim.session, verb))
        self.do(self.fixture.run(work[verb], claim.session, attempt))

    @rule()
    def put_back(self) -> None:
        """The session that was deleted last comes back."""
        for deleted in self.do(listed(self.fixture.context)):
            job = self.do(put_back(self.fixture.context, deleted.id, actor="test"))
            work = RestoreJob(self.fixture.context).work()
            assert not self.do(self.fixture.run(work, deleted.id, int(job.rpartition(":")[2])))
            return

    def teardown(self) -> None:
        """Let everything come in, and compare."""
        try:
            for made in self.answers.unwritten:
                self.journals[0].append(made, sync=False)
            self.ingest()
            self.restart()
            self.compare()
        finally:
            for journal in self.journals:
                journal.close()
            self.do(self.fixture.context.archive_db.close())
            self.do(self.fixture.context.prearchive_db.close())
            self.runner.close()
            shutil.rmtree(self.folder)

    def compare(self) -> None:
        """The accounts say what was answered, and the stores hold it."""
        counts = self.do(self.counts())
        kept = sum(counts.get(each, 0) for each in (Place.WAITING, Place.ARCHIVED, Place.DELETED))
        assert kept == len(self.answers.kept)
        assert counts.get(Place.HELD, 0) == self.answers.held
        assert counts.get(Place.REFUSED, 0) == self.answers.refused
        received = sum(count for place, count in counts.items() if place not in BESIDE)
        # What was published and never answered is kept all the same, once.
        published = sum(max(1, answered) for answered in self.answers.kept.values())
        assert received == published + self.answers.counted + self.answers.held
        assert all(count > 0 for count in counts.values())
        for session in {session for session, _, _ in self.answers.kept}:
            self.compare_session(session)

    def compare_session(self, session: str) -> None:
        row = self.do(self.fixture.row(session))
        if row is None:
            return
        index = self.do(self.fixture.index(session))
        mine = sum(1 for of, _, _ in self.answers.kept if of == session)
        assert row.objects == len(index) == mine
        files = object_files(folder_of(row, self.fixture.context.prearchive))
        # A copy may wait for the build that removes it; then the session says so.
        assert set(index) <= set(files) or row.status == Status.RECEIVING
        assert len(files) == mine or row.status != Status.READY

    async def counts(self) -> dict[Place, int]:
        async with self.fixture.context.prearchive_db.read() as transaction:
            totals = await accounts.total(transaction)
            sums = await accounts.summed(transaction)
        assert totals == sums
        return sums.counts


def test_the_accounts_add_up_whatever_the_order(databases: Databases) -> None:
    machine = type("Machine", (Line,), {"databases": databases})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=12,
            stateful_step_count=20,
            phases=[Phase.generate],
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
