# SPDX-License-Identifier: Apache-2.0
"""Findings, on behalf of an actor: what may still say who the patient of a session is, and saying
of findings that they are none. What is said commits with its audit event, which has no value in
it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.jobs import kept_findings
from engine.jobs.context import JobContext
from engine.jobs.finding_limits import go_on, limit_of
from engine.model.errors import InvalidInput
from engine.model.findings import Finding, Findings
from engine.prearchive import findings, rows
from engine.prearchive.finding_tables import FindingLookRow
from engine.service.event_buffer import EventBuffer

MOST_KEYS = 500
"""Findings that one act is about."""


class FindingsOfSessions:
    """What was found in sessions that wait."""

    def __init__(self, context: JobContext, buffer: EventBuffer, actor: str) -> None:
        """Act for one actor."""
        self._context = context
        self._prearchive = context.prearchive
        self._database = context.prearchive_db
        self._buffer = buffer
        self._actor = actor

    async def list(self, id: str) -> Findings:
        """Return the findings of a session, the highest level first."""
        async with self._database.read() as transaction:
            await rows.get(transaction, id)
            found = await findings.of(transaction, id)
        return await asyncio.to_thread(kept_findings.filled, self._prearchive, found)

    async def acknowledge(self, id: str, keys: tuple[str, ...], reason: str) -> Findings:
        """Say of findings that they are none, and why."""
        if not reason.strip():
            raise InvalidInput("say why it is none: the reason stays with it")
        _check(keys)
        async with self._database.read() as transaction:
            project = (await rows.get(transaction, id)).project
        limit = await limit_of(self._context, project)
        async with self._database.write() as transaction:
            row = await rows.get(transaction, id, lock=True)
            said = await findings.acknowledge(transaction, id, keys, self._actor, reason.strip())
            self._record(transaction, "Acknowledged", id, said, reason.strip())
            found = await self._told(transaction, id)
            look = await transaction.get(FindingLookRow, id)
            if look is not None and await go_on(self._context, transaction, row, look, limit):
                self._buffer.tell("session", id, "nothing is minded any more: archive queued")
        return await asyncio.to_thread(kept_findings.filled, self._prearchive, found)

    async def reopen(self, id: str, keys: tuple[str, ...], reason: str = "") -> Findings:
        """Take back what was said of findings."""
        _check(keys)
        async with self._database.write() as transaction:
            await rows.get(transaction, id, lock=True)
            said = await findings.reopen(transaction, id, keys)
            self._record(transaction, "Reopened findings", id, said, reason.strip())
            found = await self._told(transaction, id)
        return await asyncio.to_thread(kept_findings.filled, self._prearchive, found)

    async def _told(self, transaction: AsyncSession, id: str) -> Findings:
        look = await transaction.get(FindingLookRow, id)
        if look is not None:
            await findings.count(transaction, look)
        found = await findings.of(transaction, id)
        self._buffer.tell("session", id, f"findings acknowledged or opened by {self._actor}")
        return found

    def _record(
        self, transaction: AsyncSession, action: str, id: str, said: Sequence[Finding], reason: str
    ) -> None:
        detail: dict[str, object] = {
            "findings": [f"{one.level.value} {one.kind.value} {one.path}".strip() for one in said]
        }
        if reason:
            detail["reason"] = reason
        record_triage(transaction, self._actor, action, id, detail)


def _check(keys: Sequence[str]) -> None:
    if not 0 < len(keys) <= MOST_KEYS:
        raise InvalidInput(f"name 1 to {MOST_KEYS} findings")
