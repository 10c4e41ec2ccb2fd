# SPDX-License-Identifier: Apache-2.0
"""Brings the head of the audit trail out of the database at intervals: into a file, to syslog, to a
command. Whoever rewrites the database afterwards contradicts what was noted there."""

from __future__ import annotations

import asyncio
import os
import shlex
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select

from engine.archive.audit import heads
from engine.archive.audit.trail import AuditChain, record
from engine.archive.tables import AuditCheckpointRow, AuditRow
from engine.database.connection import Database
from engine.model.audit import AuditHead, head_line
from engine.model.errors import EngineError, Unavailable
from engine.model.health import Check, Finding
from engine.model.settings import AuditSettings
from engine.service import syslog
from engine.service.event_buffer import EventBuffer

EVENT = "Head sent"
EVERY = 30.0
"""Seconds between two looks; what failed is tried again as often."""

LINKS = 1_000
"""New links after which the chain is verified and gets a checkpoint."""

_COMMAND_SECONDS = 30.0
_log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class _Outlet:
    """One place that heads are brought to, and how it stands."""

    name: str
    put: Callable[[AuditHead], Awaitable[None]]
    number: int = 0
    """Of the last head that was brought there."""
    at: float
    """When, by the clock that only goes on."""
    fault: str = ""
    since: datetime | None = None


class HeadExport:
    """The heads of one engine."""

    def __init__(
        self, archive: Database, trail: AuditChain, settings: AuditSettings, buffer: EventBuffer
    ) -> None:
        """Nothing is brought anywhere yet."""
        self._archive = archive
        self._trail = trail
        self._settings = settings
        self._buffer = buffer
        self._outlets: list[_Outlet] | None = None
        self._waits = True

    def sees(self, mark: object) -> object:
        """Return what has to change before there is something to do."""
        return object() if self._waits else mark

    async def work(self) -> None:
        """Bring the head wherever it is due, and make a checkpoint after many links."""
        outlets = await self._begun()
        async with self._archive.read() as session:
            last = await session.scalar(select(func.max(AuditRow.number))) or 0
            checkpoint = await session.scalar(select(func.max(AuditCheckpointRow.number))) or 0
            # That a head was sent is no news to be sent.
            news = (
                await session.scalar(
                    select(func.max(AuditRow.number)).where(
                        AuditRow.number > min((one.number for one in outlets), default=last),
                        AuditRow.action != EVENT,
                    )
                )
                or 0
            )
        pending = [one for one in outlets if one.number < news]
        self._waits = bool(pending)
        now = time.monotonic()
        due = [one for one in pending if one.fault or now - one.at >= self._settings.head_every]
        if due or last - checkpoint >= LINKS:
            report = await self._trail.verify()
            if report.ok and report.last and self._trail.key is not None:
                head = self._trail.key.sign(report.last, report.head, datetime.now(UTC))
                await self._bring(head, due)

    async def check(self) -> Check:
        """Say where the head was brought, and where it could not be."""
        outlets = await self._begun()
        failing = [one for one in outlets if one.fault]
        if not outlets:
            return Check(
                name="audit heads",
                finding=Finding.LOOK,
                found="heads of the audit trail are noted nowhere",
                consequence="A database whose newest events were removed would not be found out.",
                remedy=("name a file in the settings: audit.head_file",),
            )
        if failing:
            said = "; ".join(f"{one.name}: {one.fault}" for one in failing)
            first = min(one.since for one in failing if one.since is not None)
            return Check(
                name="audit heads",
                finding=Finding.LOOK,
                found=f"not noted since {first:%Y-%m-%d %H:%M} UTC: {said}",
                consequence="Until it is noted, what is changed in the database may not be found.",
                remedy=("look at audit.head_file, head_syslog and head_command in the settings",),
            )
        said = ", ".join(
            f"{one.name} has #{one.number}" if one.number else f"{one.name} waits"
            for one in outlets
        )
        return Check.good("audit heads", said)

    async def _bring(self, head: AuditHead, due: list[_Outlet]) -> None:
        brought = []
        for one in due:
            try:
                await one.put(head)
            except (EngineError, OSError) as error:
                self._failed(one, error)
            else:
                one.number, one.at = head.number, time.monotonic()
                one.fault, one.since = "", None
                brought.append(one.name)
        if brought:
            async with self._archive.write() as session:
                record(session, "engine", EVENT, "audit", {"number": head.number, "to": brought})

    def _failed(self, one: _Outlet, error: EngineError | OSError) -> None:
        why = error.message if isinstance(error, EngineError) else os.strerror(error.errno or 0)
        if not one.fault:
            one.since = datetime.now(UTC)
            _log.error("the head of the audit trail cannot be noted", to=one.name, why=why)
            self._buffer.tell("engine", "audit heads", f"{one.name}: {why}", "error")
        one.fault = why

    async def _begun(self) -> list[_Outlet]:
        if self._outlets is None:
            self._outlets = await self._make_outlets()
        return self._outlets

    async def _make_outlets(self) -> list[_Outlet]:
        settings, now = self._settings, time.monotonic()
        outlets = []
        if settings.head_file:
            file = Path(settings.head_file)
            kept: tuple[AuditHead, ...] = ()
            # One that cannot be read cannot be written either, and that is told.
            with suppress(OSError):
                kept = await asyncio.to_thread(heads.read, file)
            newest = max(kept, key=lambda head: head.number, default=None)
            outlet = _Outlet(name="file", put=lambda head: _to_file(file, head), at=now)
            if newest is not None:
                outlet.number = newest.number
                age = (datetime.now(UTC) - newest.at).total_seconds()
                outlet.at = now - max(0.0, age)
            outlets.append(outlet)
        if settings.head_syslog:
            outlets.append(_Outlet(name="syslog", put=self._to_syslog, at=now))
        if settings.head_command:
            outlets.append(_Outlet(name="command", put=self._to_command, at=now))
        return outlets

    async def _to_syslog(self, head: AuditHead) -> None:
        text = syslog.message(head_line(head), id="audit-head", at=head.at, mark=False)
        settings = self._settings
        tls = syslog.TlsPaths(
            ca=settings.syslog_ca, certificate=settings.syslog_certificate, key=settings.syslog_key
        )
        await syslog.send(syslog.Target.parse(settings.head_syslog), [text], tls)

    async def _to_command(self, head: AuditHead) -> None:
        words = shlex.split(self._settings.head_command)
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except (OSError, ValueError) as error:
            raise Unavailable("the command cannot be started") from error
        try:
            async with asyncio.timeout(_COMMAND_SECONDS):
                await process.communicate((head_line(head) + "\n").encode("ascii"))
        except TimeoutError as error:
            raise Unavailable(f"the command ran for {_COMMAND_SECONDS:.0f} seconds") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise Unavailable(f"the command ended with {process.returncode}")


async def _to_file(file: Path, head: AuditHead) -> None:
    await asyncio.to_thread(heads.add, file, head)
