# SPDX-License-Identifier: Apache-2.0
"""Sends the audit trail to a syslog target, link by link, as DICOM audit messages. How far it has
come is remembered with the trail: what happens while the target is away is sent afterwards. After a
fault some messages may be sent twice; none is left out."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import func, select, update

from engine.archive.audit.trail import AuditChain
from engine.archive.tables import AuditRow, AuditTargetRow
from engine.database.connection import Database, insert_into
from engine.model.archive import AuditEvent, AuditQuery
from engine.model.errors import EngineError
from engine.model.health import Check, Finding
from engine.model.measures import say_count, say_span
from engine.model.settings import AuditSettings
from engine.service import syslog
from engine.service.audit_messages import MESSAGE_ID, audit_message
from engine.service.event_buffer import EventBuffer

EVERY = 2.0
"""Seconds between two looks."""

LATE = timedelta(minutes=10)
"""Age of the oldest event that was not sent yet from which on that is looked at."""

_BATCH = 200
_log = structlog.get_logger(__name__)


class AuditSender:
    """Sends what one trail says to one target."""

    def __init__(
        self,
        archive: Database,
        trail: AuditChain,
        settings: AuditSettings,
        site: str,
        buffer: EventBuffer,
    ) -> None:
        """Send nothing yet; without a target nothing ever."""
        self._archive = archive
        self._trail = trail
        self._target = syslog.Target.parse(settings.syslog) if settings.syslog else None
        self._tls = syslog.TlsPaths(
            ca=settings.syslog_ca, certificate=settings.syslog_certificate, key=settings.syslog_key
        )
        self._site = site
        self._buffer = buffer
        self._fault = ""

    def sees(self, mark: object) -> object:
        """Return what has to change before there is something to send."""
        return object() if self._fault else mark

    async def work(self) -> None:
        """Send what is new, until all of it is sent or the target does not take it."""
        if self._target is None:
            return
        number = await self._position()
        while events := await self._following(number):
            # Messages are built in a thread: many wait after a long absence.
            messages = await asyncio.to_thread(self._messages, events)
            try:
                await syslog.send(self._target, messages, self._tls)
            except EngineError as error:
                self._failed(error.message)
                return
            await self._advance(number, events[-1].number)
            number = events[-1].number
        self._fault = ""

    async def check(self) -> Check:
        """Say how far it has come, and why not further."""
        if self._target is None:
            return Check.good("audit messages", "no target is set for them")
        number = await self._position()
        async with self._archive.read() as session:
            last = await session.scalar(select(func.max(AuditRow.number))) or 0
            oldest = await session.scalar(select(AuditRow.at).where(AuditRow.number == number + 1))
        age = datetime.now(UTC) - oldest if oldest is not None else timedelta()
        waiting = max(0, last - number)
        if not self._fault and age < LATE:
            return Check.good("audit messages", f"{self._target} has #{number}")
        why = f": {self._fault}" if self._fault else ""
        events = say_count(waiting, "event")
        return Check(
            name="audit messages",
            finding=Finding.LOOK,
            found=f"{events} not sent to {self._target}, the oldest for {say_span(age)}{why}",
            consequence="The repository of audit messages does not have them yet; none is lost.",
            remedy=("see whether the target runs", "look at audit.syslog in the settings"),
        )

    def _messages(self, events: list[AuditEvent]) -> list[bytes]:
        return [
            syslog.message(audit_message(event, site=self._site), id=MESSAGE_ID, at=event.at)
            for event in events
        ]

    async def _following(self, number: int) -> list[AuditEvent]:
        page = await self._trail.find(AuditQuery(), after=number, limit=_BATCH)
        return list(page.rows[::-1])

    async def _position(self) -> int:
        """Return the last number that was sent; a new target begins with the next event."""
        name = str(self._target)
        query = select(AuditTargetRow.number).where(AuditTargetRow.target == name)
        async with self._archive.read() as session:
            found = await session.scalar(query)
        if found is not None:
            return found
        async with self._archive.write() as session:
            last = await session.scalar(select(func.max(AuditRow.number))) or 0
            await session.execute(
                insert_into(session, AuditTargetRow)
                .values(target=name, number=last)
                .on_conflict_do_nothing()
            )
            return await session.scalar(query) or 0

    async def _advance(self, before: int, number: int) -> None:
        # Another engine may send to the same target: neither takes the other back.
        async with self._archive.write() as session:
            await session.execute(
                update(AuditTargetRow)
                .where(AuditTargetRow.target == str(self._target), AuditTargetRow.number >= before)
                .where(AuditTargetRow.number < number)
                .values(number=number)
            )

    def _failed(self, why: str) -> None:
        if not self._fault:
            _log.error("audit messages cannot be sent", why=why)
            self._buffer.tell("engine", "audit messages", why, "error")
        self._fault = why
