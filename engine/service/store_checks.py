# SPDX-License-Identifier: Apache-2.0
"""Checks of the stores: disks, databases, accounts, rows against folders, what waits for review,
and the audit trail. Nothing is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import SQLColumnExpression, func, select, text

from engine.archive.tables import ArchiveOutboxRow, AuditRow
from engine.database import sqlite_library
from engine.database.connection import Database
from engine.jobs.context import JobContext
from engine.jobs.departure import object_files
from engine.model.health import Check, Finding
from engine.model.measures import say_count, say_size, say_span
from engine.model.reserve import room
from engine.model.states import PROBLEM, RECEIVING, Status
from engine.prearchive import accounts, rows
from engine.prearchive.tables import HeldRow, JournalRow, OutboxRow, SessionRow
from engine.service.balance import Balance
from engine.service.disk import DiskNow

LITTLE_ROOM, NO_ROOM = 0.15, 0.05
"""Free part of a disk below which a person should look, and below which it has failed."""

SOON_FULL, VERY_SOON_FULL = timedelta(hours=24), timedelta(hours=2)
"""Time until a disk is full in which a person should look, and in which it has failed."""

LATE_RELAY, STUCK_RELAY = timedelta(minutes=1), timedelta(minutes=10)
"""Age of the oldest audit event that still waits to enter the trail."""

LATE_HELPER = timedelta(minutes=30)
"""Time after which an object in staging that the helper has not seen is worth a look."""

SAMPLE = 500
"""So many folders are looked for when nobody asked for a thorough look."""

_AT_ONCE = 100
_SAID = 3
"""So many imbalances are named."""

Look = Callable[[], Awaitable[Check]]


class Inspection:
    """Looks at the stores of one engine."""

    def __init__(self, context: JobContext, balance: Balance) -> None:
        """Nothing is looked at yet."""
        self._context = context
        self._balance = balance

    def looks(self, thorough: bool) -> dict[str, Look]:
        """Return what can be looked at, by name."""
        context = self._context
        return {
            "archive disk": self.disk,
            "prearchive database": lambda: _database("prearchive database", context.prearchive_db),
            "archive database": lambda: _database("archive database", context.archive_db),
            "accounts": self.accounts,
            "rows and folders": self.files if thorough else self.folders,
            "sessions": self.sessions,
            "held objects": self.held,
            "script helper": self.backlog,
            "journals": self.journals,
            "audit relay": self.relay,
            "audit trail": self.verified if thorough else self.known_trail,
        }

    async def disk(self) -> Check:
        """Look how full the disk of the archive is."""
        free, total = await asyncio.to_thread(room, self._context.archive)
        return disk_check("archive disk", DiskNow(free=free, total=total, keep=0))

    async def accounts(self) -> Check:
        """Compare the totals with the sums of all tallies, what each receiver and sender brought
        with where it lies, and what waits with the sessions."""
        wrong = await self._balance.look()
        async with self._context.prearchive_db.read() as transaction:
            totals = await accounts.total(transaction)
            waiting = await accounts.waiting_in_sessions(transaction)
            held = await transaction.scalar(select(func.sum(SessionRow.objects))) or 0
        if not wrong:
            received = say_count(totals.received, "object")
            return Check.good("accounts", f"{received} received, and each is in one place")
        places = [one.name for one in wrong if one.of == "place"]
        others = [one.said() for one in wrong if one.of != "place"]
        compare = "compare the sessions concerned with what their senders have"
        if places:
            found = f"the totals do not add up for: {', '.join(places)}"
        elif any(one.of == "session" for one in wrong):
            objects = say_count(waiting, "object")
            found = f"{objects} are counted as waiting, and sessions hold {held}"
            compare = "compare files and rows: anteroom doctor --thorough"
        else:
            found = f"for {say_count(len(others), 'receiver or sender', 'receivers and senders')}"
            found += " the objects are not each in one place"
        since = f"Seen first at {min(one.since for one in wrong):%Y-%m-%d %H:%M} UTC"
        more = f" and {len(others) - _SAID} more" if len(others) > _SAID else ""
        details = f"{since}: {'; '.join(others[:_SAID])}{more}." if others else f"{since}."
        return Check(
            name="accounts",
            finding=Finding.FAILED,
            found=found,
            consequence=f"The numbers cannot show whether an object was lost. {details}",
            remedy=("keep a copy of the prearchive database and of the log", compare),
        )

    async def folders(self) -> Check:
        """Look whether sessions chosen at random have their folder."""
        query = select(SessionRow).where(SessionRow.objects > 0).order_by(func.random())
        async with self._context.prearchive_db.read() as transaction:
            every = await transaction.scalar(select(func.count()).select_from(SessionRow))
            chosen = (await transaction.execute(query.limit(SAMPLE))).scalars().all()
        missing = await self._missing(chosen)
        seen = f"looked for {len(chosen)} of {say_count(every or 0, 'session')}"
        if missing:
            return _without_folder(missing, seen)
        return Check.good("rows and folders", f"{seen}, all there")

    async def files(self) -> Check:
        """Compare the number of files of every session with its row."""
        missing: list[str] = []
        differing: list[str] = []
        looked, last = 0, ""
        while True:
            query = select(SessionRow).where(SessionRow.id > last).order_by(SessionRow.id)
            async with self._context.prearchive_db.read() as transaction:
                found = (await transaction.execute(query.limit(_AT_ONCE))).scalars().all()
            if not found:
                break
            looked, last = looked + len(found), found[-1].id
            missing += await self._missing([row for row in found if row.objects])
            differing += await self._differing([row for row in found if row.id not in missing])
        if missing:
            return _without_folder(missing, f"looked for {say_count(looked, 'session')}")
        if differing:
            return Check(
                name="rows and folders",
                finding=Finding.FAILED,
                found=f"in {_some(differing)} the number of files is not that of the row",
                consequence="Files were added or lost without the engine.",
                remedy=(
                    "look at the session's scans and at its log",
                    "rebuild it when its files are right: anteroom prearchive rebuild ID",
                ),
            )
        return Check.good(
            "rows and folders", f"{say_count(looked, 'session')}, every file is there"
        )

    async def sessions(self) -> Check:
        """Count the sessions in which nothing goes on before a person has looked."""
        async with self._context.prearchive_db.read() as transaction:
            counts = await rows.counts(transaction)
        waiting = {status: counts[status] for status in sorted(PROBLEM) if counts.get(status)}
        if not waiting:
            return Check.good("sessions", "none is in ERROR or CONFLICT")
        named = ", ".join(f"{count} in {Status(status)}" for status, count in waiting.items())
        return Check(
            name="sessions",
            finding=Finding.LOOK,
            found=named,
            consequence="They stay in the prearchive until somebody decides.",
            remedy=("read why: anteroom prearchive list --where status:problem",),
        )

    async def held(self) -> Check:
        """Count the held objects in staging."""
        age, found = await self._held("a person", ~HeldRow.waits)
        if age is None:
            return Check.good("held objects", "none")
        return Check(
            name="held objects",
            finding=Finding.LOOK,
            found=found,
            consequence="They were answered with success and are in no session.",
            remedy=(
                "read why: anteroom held list",
                "put the script right, then let them through: anteroom held retry ID",
            ),
        )

    async def backlog(self) -> Check:
        """Look how long objects wait for the helper that runs the script over them."""
        age, found = await self._held("it", HeldRow.waits)
        if age is None:
            return Check.good("script helper", "nothing waits for it")
        if age < LATE_HELPER:
            return Check.good("script helper", found)
        return Check(
            name="script helper",
            finding=Finding.LOOK,
            found=found,
            consequence="They were answered with success, and their sessions are not built yet.",
            remedy=(
                "look into the log for 'script helper'",
                "see whether the site script blanks pixels of many or large objects",
            ),
        )

    async def journals(self) -> Check:
        """Look for journals of which something could not be read."""
        query = select(func.count(), func.sum(JournalRow.damaged)).where(JournalRow.damaged > 0)
        async with self._context.prearchive_db.read() as transaction:
            count, stretches = (await transaction.execute(query)).one()
        if not count:
            return Check.good("journals", "all could be read")
        found = f"{say_count(int(stretches), 'stretch', 'stretches')} of "
        return Check(
            name="journals",
            finding=Finding.LOOK,
            found=found + f"{say_count(count, 'journal')} could not be read",
            consequence="Objects may lie in their folders without having been counted.",
            remedy=(
                "restart the engine: it looks through every folder then",
                "look at the disk; it may be failing",
            ),
        )

    async def relay(self) -> Check:
        """Look how long audit events wait to enter the trail."""
        waiting = 0
        oldest: datetime | None = None
        for database, outbox in (
            (self._context.prearchive_db, OutboxRow),
            (self._context.archive_db, ArchiveOutboxRow),
        ):
            query = select(func.count(), func.min(outbox.at)).select_from(outbox)
            async with database.read() as transaction:
                count, first = (await transaction.execute(query)).one()
            waiting += count
            oldest = min((at for at in (oldest, first) if at is not None), default=None)
        age = datetime.now(UTC) - oldest if oldest is not None else timedelta()
        if age < LATE_RELAY:
            return Check.good("audit relay", f"follows; {say_count(waiting, 'event')} on the way")
        return Check(
            name="audit relay",
            finding=Finding.FAILED if age >= STUCK_RELAY else Finding.LOOK,
            found=f"{say_count(waiting, 'event')} not yet in the trail, "
            f"the oldest for {say_span(age)}",
            consequence="Events are recorded, but not yet protected against changes.",
            remedy=("look into the log for 'relay'", "restart the engine"),
        )

    async def verified(self) -> Check:
        """Compute every hash of the audit trail anew."""
        await self._context.trail.verify(whole=True)
        return await self.known_trail()

    async def known_trail(self) -> Check:
        """Compare the audit trail with its checkpoints and heads, and say what is known of it."""
        trail = self._context.trail
        report = await trail.compare()
        if report is None:
            async with self._context.archive_db.read() as transaction:
                last = await transaction.scalar(select(func.max(AuditRow.number)))
            return Check.good(
                "audit trail", f"{say_count(last or 0, 'link')}, not verified since the start"
            )
        when = f"{trail.known_at:%Y-%m-%d %H:%M} UTC"
        if report.ok:
            if not report.start:
                return Check.good("audit trail", f"all {report.checked} links held at {when}")
            return Check.good("audit trail", f"{report.message} (found at {when})")
        return Check(
            name="audit trail",
            finding=Finding.FAILED,
            found=f"{report.message} (found at {when})",
            consequence="Records that must never change were changed, by somebody or by the disk.",
            remedy=(
                "keep a copy of the archive database as it is",
                "compare it with a backup: anteroom audit verify --all names the first link",
            ),
        )

    async def _held(
        self, awaited: str, which: SQLColumnExpression[bool]
    ) -> tuple[timedelta | None, str]:
        """Return the age of the oldest of some held objects, None without any, and a sentence."""
        query = select(func.count(), func.min(HeldRow.at)).where(which)
        async with self._context.prearchive_db.read() as transaction:
            count, oldest = (await transaction.execute(query)).one()
        if not count:
            return None, ""
        age = datetime.now(UTC) - oldest
        verb = "waits" if count == 1 else "wait"
        objects = say_count(count, "object")
        return age, f"{objects} {verb} for {awaited}, the oldest for {say_span(age)}"

    async def _missing(self, found: Sequence[SessionRow]) -> list[str]:
        """Name those whose folder is not there, even after a second look at their rows."""
        missing = []
        for start in range(0, len(found), _AT_ONCE):
            some = found[start : start + _AT_ONCE]
            missing += await asyncio.to_thread(_without, some, self._context.prearchive)
        if not missing:
            return []
        # A job may have taken them elsewhere meanwhile.
        query = select(SessionRow).where(SessionRow.id.in_(missing))
        async with self._context.prearchive_db.read() as transaction:
            again = (await transaction.execute(query.where(~SessionRow.locked))).scalars().all()
        return await asyncio.to_thread(_without, again, self._context.prearchive)

    async def _differing(self, found: Sequence[SessionRow]) -> list[str]:
        """Name those at rest whose files are more or fewer than their rows say."""
        at_rest = [row for row in found if not row.locked and row.status not in RECEIVING]
        counted = await asyncio.to_thread(_counted, at_rest, self._context.prearchive)
        suspect = {row.id: row for row in at_rest if counted[row.id] != row.objects}
        # Objects may have come, or a job have gone by, while the files were counted.
        async with self._context.prearchive_db.read() as transaction:
            query = select(SessionRow).where(SessionRow.id.in_(suspect)).order_by(SessionRow.id)
            again = (await transaction.execute(query)).scalars().all()
        return [row.id for row in again if _as_it_was(row, suspect[row.id])]


def disk_check(name: str, seen: DiskNow) -> Check:
    """Judge how full a disk is; of that which receiving fills, also when it will be."""
    free = seen.free / seen.total
    found = f"{free:.0%} free, {say_size(seen.free)} of {say_size(seen.total)}"
    if seen.refuses:
        return Check(
            name=name,
            finding=Finding.FAILED,
            found=f"{found}; {say_size(seen.keep)} are to stay free",
            consequence="Senders are refused (A700), and keep their images or give up.",
            remedy=(
                "make room: anteroom trash empty, or archive or delete sessions",
                "once there is room everything goes on by itself",
            ),
        )
    if seen.full_in is not None:
        span = timedelta(seconds=seen.full_in)
        found += f"; prearchive full in {say_span(span)} at the last rate"
        if span < SOON_FULL:
            return Check(
                name=name,
                finding=Finding.FAILED if span < VERY_SOON_FULL else Finding.LOOK,
                found=found,
                consequence="Senders are refused (A700) from then on.",
                remedy=(
                    "make room: anteroom trash empty, or archive or delete sessions",
                    "or give the store a larger disk",
                ),
            )
    if free >= LITTLE_ROOM:
        return Check.good(name, found)
    return Check(
        name=name,
        finding=Finding.LOOK if free >= NO_ROOM else Finding.FAILED,
        found=found,
        consequence="When it is full, senders are refused and sessions stay where they are.",
        remedy=("make room, or give the store a larger disk",),
    )


async def _database(name: str, database: Database) -> Check:
    async with database.read() as transaction:
        if database.is_sqlite:
            await transaction.execute(text("SELECT 1"))
            size = await asyncio.to_thread(_file_size, database.address.file)
            library = f"; {sqlite_library.described()}"
        else:
            query = text("SELECT pg_database_size(current_database())")
            size = int((await transaction.execute(query)).scalar_one())
            library = ""
    return Check.good(name, f"answers, {say_size(size)}{library}")


def _file_size(file: Path | None) -> int:
    assert file is not None
    log = file.with_name(f"{file.name}-wal")
    return file.stat().st_size + (log.stat().st_size if log.exists() else 0)


def _without(found: Sequence[SessionRow], prearchive: Path) -> list[str]:
    return [row.id for row in found if not rows.folder_of(row, prearchive).is_dir()]


def _counted(found: Sequence[SessionRow], prearchive: Path) -> dict[str, int]:
    return {row.id: len(object_files(rows.folder_of(row, prearchive))) for row in found}


def _as_it_was(row: SessionRow, before: SessionRow) -> bool:
    return (row.status, row.objects, row.attempt) == (before.status, before.objects, before.attempt)


def _without_folder(missing: Sequence[str], seen: str) -> Check:
    return Check(
        name="rows and folders",
        finding=Finding.FAILED,
        found=f"the folder of {_some(missing)} is gone ({seen})",
        consequence="Their objects count as waiting, but cannot be archived.",
        remedy=(
            "look whether the prearchive's disk is mounted",
            "bring the folders back from a backup, or restart the engine, which then says so",
        ),
    )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:3])
    return shown if len(ids) <= 3 else f"{shown} and {len(ids) - 3} more"
