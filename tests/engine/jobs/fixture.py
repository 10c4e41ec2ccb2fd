# SPDX-License-Identifier: Apache-2.0
"""A job context without an engine around it: real databases, stores and journals; jobs run in the
test's own loop, and a hook may fail them, or look, at any named point."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive import projects
from engine.archive.audit.trail import AuditChain
from engine.database.connection import Database
from engine.dicom.digest import DataSetDigest
from engine.dicom.part10 import read_meta
from engine.ingest.claims import ClaimDesk
from engine.ingest.ingester import Ingester
from engine.intake.claims import Claim, ClaimRequest
from engine.intake.journal import Journal, Outcome, Record
from engine.jobs.context import JobContext
from engine.jobs.process_pool import ProcessPool
from engine.jobs.runner import JobRunner
from engine.jobs.workflow import Work
from engine.model.errors import EngineError
from engine.model.settings import FileNames, Settings
from engine.model.site_settings import SettingsInForce
from engine.model.states import Verb
from engine.prearchive.receipts import Receipts
from engine.prearchive.rows import queue
from engine.prearchive.tables import ObjectRow, SessionRow
from tests.engine.sessions.build.objects import write_object

P = ParamSpec("P")
T = TypeVar("T")

STUDY = "1.2.3.4"


class InlinePool(ProcessPool):
    """Runs in a thread what else runs in a pool of processes."""

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a function."""
        return await asyncio.to_thread(function, *args, **kwargs)


class Jobs:
    """Remembers what was enqueued."""

    def __init__(self) -> None:
        self.queued: list[str] = []
        self.running: set[str] = set()

    async def enqueue(
        self, transaction: AsyncSession, workflow_id: str, *, one_at_a_time: str = ""
    ) -> None:
        """Enqueue a job."""
        self.queued.append(workflow_id)

    async def forget(self, id: str) -> None:
        """Take a job out of the queue."""
        self.queued.remove(id)

    async def unfinished(self) -> set[str]:
        """Name the jobs that go on."""
        return self.running


@dataclass(slots=True)
class Hook:
    """What happens at named points. It counts no crash: a step that fails goes its way back."""

    faults: dict[str, Exception] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    look: Callable[[str], None] = lambda _: None

    def __call__(self, point: str) -> None:
        """Pass a point; fail there once where the test wants it."""
        self.passed.append(point)
        self.look(point)
        fault = self.faults.pop(point, None)
        if fault is not None:
            raise fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Fixture:
    """A job context and what a test does with it."""

    context: JobContext
    hook: Hook
    jobs: Jobs
    desk: ClaimDesk
    journal: Journal
    outside: Path
    said: list[str]

    def as_stored(self) -> Fixture:
        """Return a context that names files by their headers."""
        settings = self.context.settings.override({"dicom.file_names": FileNames.AS_STORED})
        return replace(self, context=replace(self.context, in_force=SettingsInForce(settings)))

    async def project(self, id: str) -> None:
        """Add a project."""
        async with self.context.archive_db.write() as transaction:
            await projects.add(transaction, id, actor="test")

    async def claim(
        self, label: str = "E1", project: str = "P", study: str = STUDY, *, subject: str = "S1"
    ) -> Claim:
        """Claim a session."""
        request = ClaimRequest(project=project, study_uid=study, label=label, subject=subject)
        claim, _ = await self.desk.claim(request)
        return claim

    def publish(
        self, claim: Claim, name: str, *, scan: str = "1", sop: str = "", recorded: bool = True
    ) -> Record:
        """Put an object where a worker would have linked it, with its record or without."""
        sop = sop or f"{STUDY}.9.{name.removesuffix('.dcm')}"
        file = f"SCANS/{scan}/DICOM/{name}"
        path = write_object(Path(claim.folder) / file, SOPInstanceUID=sop, PatientID="S1")
        return self.record(claim, file, path, recorded=recorded)

    def record(self, claim: Claim, file: str, path: Path, *, recorded: bool = True) -> Record:
        """Make the record of a file, and append it if wanted."""
        data = path.read_bytes()
        meta = read_meta(data)
        scan, stem = Path(file).parts[1], Path(file).stem
        made = Record(
            at=time.time_ns(),
            transfer="tr_1",
            outcome=Outcome.STORED,
            session=claim.session,
            file=file,
            received_sop=meta.sop_instance,
            sop=meta.sop_instance,
            digest=DataSetDigest(data[meta.dataset_offset :]).text,
            size=len(data),
            series=f"{STUDY}.{scan}",
            number=int(stem) if stem.isdecimal() else -1,
        )
        if recorded:
            self.journal.append(made, sync=False)
        return made

    async def row(self, session: str) -> SessionRow | None:
        """Return a row as it is now."""
        async with self.context.prearchive_db.read() as transaction:
            return await transaction.get(SessionRow, session)

    async def there(self, session: str) -> SessionRow:
        """Return a row that must be there."""
        row = await self.row(session)
        assert row is not None
        return row

    async def index(self, session: str) -> dict[str, ObjectRow]:
        """Return the index of a session, by file."""
        async with self.context.prearchive_db.read() as transaction:
            found = await transaction.execute(select(ObjectRow).where(ObjectRow.session == session))
            return {entry.file: entry for entry in found.scalars()}

    async def ask(self, session: str, verb: Verb, **wanted: str) -> int:
        """Queue a verb; return the attempt."""
        async with self.context.prearchive_db.write() as transaction:
            row = await transaction.get_one(SessionRow, session)
            queue(row, verb)
            row.asked_by = "test"
            for name, value in wanted.items():
                setattr(row, name, value)
            return row.attempt

    async def run(self, work: Work, session: str, attempt: int) -> str:
        """Run a job to its end; give why it failed."""
        for _, step in work.steps:
            try:
                await step(session, attempt)
            except EngineError as error:
                await work.fail(session, attempt, error.code, error.message)
                return error.message
            except Exception as error:
                await work.fail(session, attempt, "fault", "an unexpected fault")
                return type(error).__name__
        return ""


def make(home: Path, archive_url: str, prearchive_url: str) -> Fixture:
    """Make a context on a home."""
    archive, prearchive = home / "archive", home / "prearchive"
    for folder in (archive, prearchive, prearchive / ".journals", prearchive / ".staging"):
        folder.mkdir(parents=True)
    of_prearchive = Database.open(prearchive_url)
    settings = Settings().resolved(home)
    # Files keep the names that tests give them.
    settings = settings.override({"dicom.file_names": FileNames.AS_RECEIVED})
    receipts = Receipts(b"secret")
    hook, jobs, said = Hook(), Jobs(), list[str]()
    archive_db = Database.open(archive_url)
    context = JobContext(
        in_force=SettingsInForce(settings),
        archive_db=archive_db,
        trail=AuditChain(archive_db),
        prearchive_db=of_prearchive,
        archive=archive,
        prearchive=prearchive,
        ingester=Ingester(of_prearchive, prearchive, node=settings.node.name, receipts=receipts),
        receipts=receipts,
        runner=cast(JobRunner, jobs),
        processes=InlinePool(1),
        session_types=None,
        changed=lambda _, text, severity: said.append(
            text if severity == "info" else f"{severity}: {text}"
        ),
        reached=hook,
    )
    return Fixture(
        context=context,
        hook=hook,
        jobs=jobs,
        desk=ClaimDesk(of_prearchive, prearchive),
        journal=Journal(prearchive / ".journals" / "n-w1-1.journal"),
        outside=home,
        said=said,
    )
