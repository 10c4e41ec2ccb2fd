# SPDX-License-Identifier: Apache-2.0
"""The engine looks at itself: each check is driven to what it is there for, on both databases."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import delete, text, update

from engine.archive import projects
from engine.archive.audit.trail import AuditChain, Recorded, record, record_triage
from engine.jobs.context import JobContext
from engine.jobs.runner import JobRunner
from engine.model.accounts import Place
from engine.model.commitments import CommitmentState
from engine.model.health import Check, Finding
from engine.model.live import Job, ReceiverStatus
from engine.model.remotes import SendState
from engine.model.reserve import Watermark
from engine.prearchive import accounts
from engine.prearchive.tables import (
    CommitmentRow,
    HeldRow,
    JournalRow,
    NodeRow,
    OutboxRow,
    SendRow,
    SessionRow,
    TotalRow,
)
from engine.service.audit_heads import HeadExport
from engine.service.audit_syslog import AuditSender
from engine.service.balance import Balance
from engine.service.disk import DiskNow, DiskWatch
from engine.service.event_buffer import EventBuffer
from engine.service.health import Health, ReceptionNow, attempt
from engine.service.verifying import Verifying
from engine.service.windows import MOST_ROWS
from tests.conftest import Backend
from tests.engine.archive.shelf import file_session
from tests.engine.jobs import fixture as fixtures
from tests.engine.prearchive.test_rows import row
from tests.engine.sessions.filed import file_away

GIB = 1024**3

HEARD = ReceiverStatus(
    ae_title="ANTEROOM", port=104, enabled=True, listening=True, origin="settings"
)


def job(id: str, status: str, at: datetime) -> Job:
    session, verb, _ = id.split(":")
    return Job(id=id, verb=verb, session=session, status=status, queued=at, updated=at, error="")


@dataclass
class Runner:
    """Jobs as a runner would list them."""

    jobs: list[Job] = field(default_factory=list)

    async def failed(self, limit: int = 100) -> tuple[Job, ...]:
        return tuple(one for one in self.jobs if one.status == "failed")[:limit]

    async def oldest_unfinished(self) -> Job | None:
        return next((one for one in self.jobs if one.status in ("queued", "running")), None)


@dataclass
class Patient:
    """A job context, how its receivers are said to stand, and its jobs."""

    context: JobContext
    runner: Runner
    now: ReceptionNow
    health: Health = field(init=False)
    looks: int = 0
    """How often the disk of the prearchive was looked at."""

    def __post_init__(self) -> None:
        balance, verifying = Balance(self.context.prearchive_db), Verifying(self.context)
        archive, trail = self.context.archive_db, self.context.trail
        heads = HeadExport(archive, trail, self.context.settings.audit, EventBuffer())
        given = self.context.settings.audit
        sender = AuditSender(archive, trail, given, "SITE", EventBuffer())
        self.health = Health(
            self.context, lambda: self.now, self._disk, verifying, balance, heads, sender
        )

    async def _disk(self) -> DiskNow:
        self.looks += 1
        return await DiskWatch(self.context.prearchive, Watermark, EventBuffer()).now()

    async def found(self, name: str, *, thorough: bool = False) -> Check:
        checks = await self.health.checks(thorough=thorough)
        (check,) = (one for one in checks if one.name == name)
        return check

    async def keep(self, *rows: Any) -> None:
        async with self.context.prearchive_db.write() as transaction:
            transaction.add_all(rows)

    async def session(self, id: str, files: int = 1, **values: Any) -> SessionRow:
        """Make a session with its folder and files, counted as its objects are."""
        made = row(id, objects=files, **values)
        folder = self.context.prearchive / str(made.project) / made.timestamp / made.folder
        scan = folder / "SCANS" / "1" / "DICOM"
        await asyncio.to_thread(scan.mkdir, parents=True)
        for number in range(files):
            await asyncio.to_thread((scan / f"{number}.dcm").write_bytes, b"x")
        await self.keep(made)
        async with self.context.prearchive_db.write() as transaction:
            await accounts.add(transaction, {("tr_1", id, Place.WAITING): files})
        return made


@pytest.fixture
async def patient(backend: Backend, tmp_path: Path) -> AsyncIterator[Patient]:
    made = fixtures.make(tmp_path / "home", backend.archive_url, backend.prearchive_url)
    runner = Runner()
    context = replace(made.context, runner=cast(JobRunner, runner))
    yield Patient(
        context=context,
        runner=runner,
        now=ReceptionNow(receivers=(HEARD,), workers=2, wanted=2, deaths=0, late=()),
    )
    made.journal.close()
    await context.archive_db.close()
    await context.prearchive_db.close()


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Disks of which the test says how much is free, by the name of the folder."""
    free = {"prearchive": 0.5, "archive": 0.5}

    def room(folder: Path) -> tuple[int, int]:
        return int(1000 * free[folder.name]) * GIB, 1000 * GIB

    monkeypatch.setattr("engine.service.disk.room", room)
    monkeypatch.setattr("engine.service.store_checks.room", room)
    return free


async def test_all_is_well_with_an_engine_at_rest(
    patient: Patient, roomy: dict[str, float]
) -> None:
    await patient.session("pre_a")
    for thorough in (False, True):
        checks = await patient.health.checks(thorough=thorough)
        assert {check.finding for check in checks} == {Finding.GOOD}, checks
        assert len({check.name for check in checks}) == len(checks) == 25
        assert all(check.found and not check.remedy for check in checks)
    assert patient.looks == 2


async def test_a_database_says_which_sqlite_there_is_and_which_is_needed(
    patient: Patient, roomy: dict[str, float]
) -> None:
    for name in ("archive database", "prearchive database"):
        said = f"; SQLite {sqlite3.sqlite_version}, 3.35.0 or newer is needed"
        is_sqlite = patient.context.archive_db.is_sqlite
        assert (await patient.found(name)).found.endswith(said) is is_sqlite


async def test_the_worst_comes_first(patient: Patient, roomy: dict[str, float]) -> None:
    roomy["archive"] = 0.1
    patient.now = replace(patient.now, workers=0)
    checks = await patient.health.checks()
    assert [check.name for check in checks[:2]] == ["workers", "archive disk"]
    for check in checks[:2]:
        assert check.consequence and check.remedy


async def test_receivers_that_do_not_listen(patient: Patient) -> None:
    deaf = replace(HEARD, ae_title="SECOND", port=11112, listening=False, note="port taken")
    patient.now = replace(patient.now, receivers=(HEARD, deaf))
    check = await patient.health.receivers()
    assert check.finding is Finding.FAILED
    assert "SECOND on port 11112 (port taken)" in check.found
    patient.now = replace(patient.now, receivers=(HEARD, replace(deaf, enabled=False)))
    assert (await patient.health.receivers()).finding is Finding.GOOD


@pytest.mark.parametrize(
    ("days", "note", "finding", "said"),
    [
        (31, "", Finding.GOOD, "1 receiver with TLS, good until"),
        (29, "", Finding.LOOK, "that of SECURE on port 2762 ends on"),
        (-1, "", Finding.FAILED, "that of SECURE on port 2762 ended on"),
        (31, "the new one is bad", Finding.LOOK, "SECURE on port 2762: the new one is bad"),
    ],
)
async def test_certificates_that_end(
    patient: Patient, days: int, note: str, finding: Finding, said: str
) -> None:
    assert (await patient.health.certificates()).found == "no receiver uses TLS"
    secured = replace(
        HEARD,
        ae_title="SECURE",
        port=2762,
        tls=True,
        certificate="/etc/anteroom/receiver.pem",
        certificate_ends=datetime.now(UTC) + timedelta(days=days),
        note=note,
    )
    patient.now = replace(patient.now, receivers=(HEARD, secured))
    check = await patient.health.certificates()
    assert check.finding is finding
    assert said in check.found
    if finding is not Finding.GOOD:
        assert "/etc/anteroom/receiver.pem" in check.remedy[0]
    patient.now = replace(patient.now, receivers=(HEARD, replace(secured, enabled=False)))
    assert (await patient.health.certificates()).finding is Finding.GOOD


@pytest.mark.parametrize(
    ("changes", "finding", "said"),
    [
        ({"workers": 1, "deaths": 3}, Finding.LOOK, "1 of 2 listen; 3 workers died"),
        ({"workers": 0}, Finding.FAILED, "none of 2 listens"),
        ({"late": ("worker n-w1 has not followed",)}, Finding.FAILED, "n-w1 has not followed"),
        ({"deaths": 1}, Finding.GOOD, "2 of 2 listen; 1 worker died"),
    ],
)
async def test_workers(
    patient: Patient, changes: dict[str, Any], finding: Finding, said: str
) -> None:
    patient.now = replace(patient.now, **changes)
    check = await patient.health.workers()
    assert check.finding is finding
    assert said in check.found


async def test_disks_that_fill(patient: Patient, roomy: dict[str, float]) -> None:
    for free, finding in ((0.15, "good"), (0.149, "look"), (0.05, "look"), (0.049, "failed")):
        roomy["prearchive"] = free
        check = await patient.found("prearchive disk")
        assert (free, check.finding) == (free, finding)
        assert (await patient.found("archive disk")).finding is Finding.GOOD


async def test_accounts_that_do_not_add_up(patient: Patient) -> None:
    await patient.session("pre_a", files=5)
    assert (await patient.found("accounts")).found == "5 objects received, and each is in one place"
    async with patient.context.prearchive_db.write() as transaction:
        await transaction.execute(update(TotalRow).values(count=4))
    check = await patient.found("accounts")
    assert check.finding is Finding.FAILED
    assert check.found.endswith("waiting")


async def test_what_waits_in_no_session(patient: Patient) -> None:
    await patient.session("pre_a", files=5)
    async with patient.context.prearchive_db.write() as transaction:
        # One waits for the helper of the script, and is in no session yet.
        await accounts.add(transaction, {("tr_1", "", Place.WAITING): 1})
    assert (await patient.found("accounts")).finding is Finding.GOOD
    async with patient.context.prearchive_db.write() as transaction:
        await accounts.add(transaction, {("tr_1", "pre_lost", Place.WAITING): 4})
    check = await patient.found("accounts")
    assert check.finding is Finding.FAILED
    assert check.found == "9 objects are counted as waiting, and sessions hold 5"


async def test_a_folder_that_is_gone(patient: Patient) -> None:
    kept = await patient.session("pre_a")
    lost = await patient.session("pre_b")
    await patient.keep(row("pre_c", objects=0))
    for thorough in (False, True):
        assert (await patient.found("rows and folders", thorough=thorough)).finding == "good"
    folder = patient.context.prearchive / "P1" / lost.timestamp / lost.folder
    await asyncio.to_thread(shutil.rmtree, folder)
    for thorough in (False, True):
        check = await patient.found("rows and folders", thorough=thorough)
        assert check.finding is Finding.FAILED
        assert lost.id in check.found and kept.id not in check.found


async def test_a_file_that_is_gone_is_found_by_a_thorough_look(patient: Patient) -> None:
    session = await patient.session("pre_a", files=3)
    arriving = await patient.session("pre_b", files=2, status="RECEIVING")
    for one in (session, arriving):
        folder = patient.context.prearchive / "P1" / one.timestamp / one.folder
        await asyncio.to_thread((folder / "SCANS/1/DICOM/0.dcm").unlink)
    assert (await patient.found("rows and folders")).finding is Finding.GOOD
    check = await patient.found("rows and folders", thorough=True)
    assert check.finding is Finding.FAILED
    # What is arriving may be counted a moment later than it is there.
    assert "in pre_a the number of files" in check.found


async def test_sessions_that_wait_for_a_decision(patient: Patient) -> None:
    await patient.session("pre_a", status="ERROR")
    await patient.session("pre_b", status="CONFLICT")
    await patient.session("pre_c", status="ERROR")
    check = await patient.found("sessions")
    assert (check.finding, check.found) == (Finding.LOOK, "1 in CONFLICT, 2 in ERROR")


async def test_objects_that_are_held(patient: Patient) -> None:
    at = datetime.now(UTC) - timedelta(days=2, hours=1)
    await patient.keep(HeldRow(id="h1", transfer="tr_1", at=at, reason="unclear", size=1))
    check = await patient.found("held objects")
    assert check.finding is Finding.LOOK
    assert check.found == "1 object waits for a person, the oldest for 2 days"


async def test_journals_that_could_not_be_read(patient: Patient) -> None:
    now = datetime.now(UTC)
    await patient.keep(
        JournalRow(name="a.journal", node="n", opened=now, damaged=0),
        JournalRow(name="b.journal", node="n", opened=now, damaged=3),
    )
    check = await patient.found("journals")
    assert check.finding is Finding.LOOK
    assert "3 stretches of 1 journal" in check.found


async def test_audit_events_that_do_not_reach_the_trail(patient: Patient) -> None:
    async with patient.context.prearchive_db.write() as transaction:
        record_triage(transaction, "ada", "Reset", "pre_a")
    async with patient.context.archive_db.write() as transaction:
        record(transaction, "ada", "Added project", "P1")
    check = await patient.found("audit relay")
    assert (check.finding, check.found) == (Finding.GOOD, "follows; 2 events on the way")
    for minutes, finding in ((2, Finding.LOOK), (20, Finding.FAILED)):
        async with patient.context.prearchive_db.write() as transaction:
            then = datetime.now(UTC) - timedelta(minutes=minutes)
            await transaction.execute(update(OutboxRow).values(at=then))
        check = await patient.found("audit relay")
        assert check.finding is finding
        assert f"2 events not yet in the trail, the oldest for {minutes} minutes" in check.found


async def test_a_trail_that_was_changed(patient: Patient, backend: Backend) -> None:
    chain = AuditChain(patient.context.archive_db)
    at = datetime.now(UTC)
    await chain.append(
        [Recorded(id=f"e{n}", at=at, actor="a", action="b", object="c", detail={}) for n in "12"]
    )
    assert (await patient.found("audit trail")).found == "2 links, not verified since the start"
    check = await patient.found("audit trail", thorough=True)
    assert (check.finding, "all 2 links held" in check.found) == (Finding.GOOD, True)
    async with patient.context.archive_db.write() as transaction:
        if not backend.is_sqlite:
            await transaction.execute(text("ALTER TABLE audit DISABLE TRIGGER USER"))
        else:
            triggers = await transaction.execute(
                text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'")
            )
            for (name,) in triggers.all():
                await transaction.execute(text(f"DROP TRIGGER {name}"))
        await transaction.execute(text("UPDATE audit SET actor = 'x' WHERE number = 2"))
    # Only who looks thoroughly reads all of it; the result is then kept.
    assert (await patient.found("audit trail")).finding is Finding.GOOD
    for thorough in (True, False):
        check = await patient.found("audit trail", thorough=thorough)
        assert check.finding is Finding.FAILED
        assert "link 2 was changed" in check.found


@pytest.mark.parametrize("thorough", [False, True])
async def test_files_of_the_archive_that_are_not_as_they_were_filed(
    patient: Patient, thorough: bool
) -> None:
    name = "archive files"
    assert (await patient.found(name, thorough=thorough)).finding is Finding.GOOD
    folder = patient.context.archive / "BRAINS" / "arc001" / "MR_1"
    folder.mkdir(parents=True)
    document = file_away(folder)
    async with patient.context.archive_db.write() as transaction:
        await projects.add(transaction, "BRAINS", actor="ada")
    filed = await file_session(patient.context.archive_db, "MR_1", xml=document)
    assert (await patient.found(name, thorough=thorough)).finding is Finding.GOOD

    file = folder / "SCANS/1/DICOM/a.dcm"
    file.write_bytes(b"eno")
    check = await patient.found(name, thorough=thorough)
    # Reading every file is what a thorough look is for.
    assert check.finding is (Finding.FAILED if thorough else Finding.GOOD)
    file.unlink()
    check = await patient.found(name)
    assert check.finding is Finding.FAILED and filed.accession in check.found
    file.write_bytes(b"one")
    check = await patient.found(name)
    assert check.finding is (Finding.FAILED if thorough else Finding.GOOD), "as last verified"
    assert (await patient.found(name, thorough=True)).finding is Finding.GOOD

    await asyncio.to_thread(shutil.rmtree, folder)
    assert (await patient.found(name)).finding is Finding.FAILED
    check = await patient.found(name, thorough=True)
    assert check.finding is Finding.FAILED and "1 session verified now" in check.found
    await asyncio.to_thread(shutil.rmtree, patient.context.archive)
    check = await patient.found(name, thorough=True)
    assert check.finding is Finding.FAILED and "there is nothing in" in check.found


async def test_jobs_that_failed_within_a_day(patient: Patient) -> None:
    now = datetime.now(UTC)
    patient.runner.jobs = [
        job("pre_a:archive:1", "failed", now - timedelta(hours=1)),
        job("pre_b:rebuild:1", "failed", now - timedelta(days=2)),
        job("pre_c:archive:1", "done", now),
    ]
    check = await patient.found("failed jobs")
    assert check.finding is Finding.LOOK
    assert check.found == "1 job failed within a day (archive)"


async def test_jobs_that_wait_for_long(patient: Patient) -> None:
    now = datetime.now(UTC)
    patient.runner.jobs = [job("pre_a:archive:1", "queued", now - timedelta(minutes=9))]
    assert (await patient.found("waiting jobs")).finding is Finding.GOOD
    patient.runner.jobs = [job("pre_a:archive:1", "queued", now - timedelta(hours=3))]
    check = await patient.found("waiting jobs")
    assert check.finding is Finding.LOOK
    assert check.found == "the oldest, pre_a:archive:1, is queued for 3 hours"


async def test_sends_that_failed_or_wait_for_long_are_looked_at(patient: Patient) -> None:
    now = datetime.now(UTC)

    def send(number: int, state: SendState, age: timedelta) -> SendRow:
        return SendRow(
            id=f"snd_{number}",
            remote=f"PACS{number}",
            session="pre_a",
            filed=False,
            state=state.value,
            actor="ada",
            queued=now - age,
            ended=now - age if state is SendState.FAILED else None,
        )

    days, hours = timedelta(days=2), timedelta(hours=2)
    await patient.keep(send(1, SendState.FAILED, days), send(2, SendState.WAITING, timedelta()))
    await patient.keep(send(3, SendState.SENDING, hours))
    assert (await patient.found("sending")).finding is Finding.GOOD
    await patient.keep(send(4, SendState.FAILED, hours), send(5, SendState.WAITING, hours))
    check = await patient.found("sending")
    assert check.finding is Finding.LOOK
    assert check.found == (
        "1 send failed within a day, 1 send waiting for over an hour (PACS4, PACS5)"
    )
    # Whatever else is queued since does not hide them.
    await patient.keep(
        *(
            SendRow(
                id=f"snd_n{number}",
                remote="PACS",
                session="pre_a",
                filed=False,
                state=SendState.DONE.value,
                actor="ada",
                queued=now,
                ended=now,
            )
            for number in range(MOST_ROWS)
        )
    )
    assert (await patient.found("sending")).found == check.found
    # Neither holds up a session: it is no job that waits.
    assert (await patient.found("waiting jobs")).finding is Finding.GOOD


async def test_commitments_that_were_given_up_are_named(patient: Patient) -> None:
    now = datetime.now(UTC)

    def request(number: int, state: CommitmentState, age: timedelta) -> CommitmentRow:
        ended = now - age
        return CommitmentRow(
            id=f"cm_{number}",
            node="here",
            transaction_uid=f"2.25.{number}",
            receiver="ANTEROOM",
            calling=f"CT{number}",
            peer="10.3.1.11",
            transfer="tr_1",
            at=ended - timedelta(days=2),
            count=2,
            digest="",
            objects=b"",
            state=state.value,
            reason=f"no remote AE named CT{number}",
            ended=None if state is CommitmentState.WAITING else ended,
        )

    hour, long_ago = timedelta(hours=1), timedelta(days=8)
    await patient.keep(
        request(1, CommitmentState.WAITING, hour),
        request(2, CommitmentState.REPORTED, hour),
        request(3, CommitmentState.GIVEN_UP, long_ago),
    )
    assert (await patient.found("commitments")).finding is Finding.GOOD
    await patient.keep(request(4, CommitmentState.GIVEN_UP, 2 * hour))
    check = await patient.found("commitments")
    assert check.finding is Finding.LOOK
    assert check.found == ("1 report given up within a week (cm_4 of CT4, no remote AE named CT4)")
    assert check.remedy[-1].endswith("anteroom commitment retry cm_4")
    # The last come first, and of many only some are named.
    await patient.keep(
        *(request(n, CommitmentState.GIVEN_UP, n * timedelta(minutes=1)) for n in range(5, 9))
    )
    check = await patient.found("commitments")
    assert check.found.startswith("5 reports given up within a week (cm_5 of CT5, ")
    assert check.found.endswith("; cm_7 of CT7, no remote AE named CT7; and 2 more)")


async def test_engines_that_fell_silent(patient: Patient) -> None:
    now = datetime.now(UTC)
    await patient.keep(
        NodeRow(name="one", epoch="e", started=now, heartbeat=now),
        NodeRow(name="two", epoch="e", started=now, heartbeat=now - timedelta(hours=2)),
    )
    check = await patient.found("nodes")
    assert (check.finding, check.found) == (Finding.LOOK, "silent: two for 2 hours")


async def test_a_check_that_cannot_be_made_says_so_and_no_more(patient: Patient) -> None:
    async with patient.context.prearchive_db.write() as transaction:
        await transaction.execute(text("DROP TABLE nodes"))
    check = await patient.found("nodes")
    assert check.finding is Finding.FAILED
    assert "could not be made (" in check.found
    assert "nodes" not in check.found
    assert (await patient.found("accounts")).finding is Finding.GOOD


async def test_a_check_without_an_answer_ends() -> None:
    async def never() -> Check:
        await asyncio.Event().wait()
        raise AssertionError

    check = await attempt("slow", never, 0.0)
    assert (check.name, check.finding) == ("slow", Finding.FAILED)
    assert "had no answer within 0 seconds" in check.found


async def test_an_empty_prearchive_is_in_order(patient: Patient) -> None:
    async with patient.context.prearchive_db.write() as transaction:
        await transaction.execute(delete(SessionRow))
    for thorough in (False, True):
        check = await patient.found("rows and folders", thorough=thorough)
        assert check.finding is Finding.GOOD
