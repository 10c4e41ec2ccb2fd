# SPDX-License-Identifier: Apache-2.0
"""The noun `held`: held objects in staging are listed, retried with the current script, or dropped.
An object for which a script failed leaves only through a script, or it is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from engine.dicom.guard import Guard
from engine.ingest.release import Release
from engine.intake.journal import Outcome, Record
from engine.jobs import held
from engine.jobs.context import JobContext
from engine.jobs.held import Leaving
from engine.model.contents import FoldedHeader
from engine.model.errors import EngineError
from engine.model.held import HeldDetail
from engine.model.ledger import ALL_LEDGER, GroupKey, HeldAt, HeldPage, LedgerQuery
from engine.model.people import EVERYTHING
from engine.model.prearchive import ActOutcome
from engine.prearchive.ledger_groups import Books
from engine.service.configuration import Configuration
from engine.service.contents import header_in
from engine.service.event_buffer import EventBuffer
from engine.service.releasing import STAYS, Releasing, unknown
from engine.service.windows import limited
from engine.storage.standstill import OF_A_PERSON as PATIENCE

_TOLD = {
    Outcome.CONFLICT: "published in {session}, beside another object of the same UID",
    Outcome.DUPLICATE: "the same object is in {session} already: it is counted, and not kept",
    Outcome.REJECTED: "the script rejects it: it is counted, and not kept",
}


class Held:
    """Objects that a script error or a limit keeps in staging."""

    def __init__(
        self,
        context: JobContext,
        buffer: EventBuffer,
        configuration: Configuration,
        guard: Guard,
        turn: asyncio.Lock,
        actor: str,
    ) -> None:
        """Act for one actor; `turn` is the same for all of them."""
        self._context = context
        self._buffer = buffer
        self._releasing = Releasing(context, configuration, guard)
        self._turn = turn
        self._actor = actor

    async def list(
        self,
        query: LedgerQuery = ALL_LEDGER,
        group: GroupKey | None = None,
        after: HeldAt | None = None,
        limit: int = 100,
    ) -> HeldPage:
        """Return the held objects that come after one, the newest first."""
        async with self._context.prearchive_db.read() as transaction:
            books = Books(transaction, EVERYTHING, datetime.now().astimezone())
            return await books.held(group, query, after, limited(limit))

    async def header(self, id: str) -> FoldedHeader:
        """Read the header as it was received; the gate leaves out values of originals for those
        who may not see them."""
        await self._releasing.find(id)
        path = held.held_file(self._context.prearchive, id)
        header = await header_in(self._context, path.parent, "", path.name)
        # The file is named by what is seen, and nothing but this one was asked for.
        return replace(header, unread=tuple(one.partition(": ")[2] or one for one in header.unread))

    async def show(self, id: str) -> HeldDetail:
        """Return one held object."""
        row, sender = await self._releasing.find(id)
        return HeldDetail(
            id=row.id,
            transfer=row.transfer,
            at=row.at,
            reason=row.reason,
            rule=row.rule,
            size=row.size,
            sop_class=row.sop_class,
            sop_instance=row.received_sop_uid,
            transfer_syntax=row.transfer_syntax,
            receiver=sender.receiver if sender is not None else "",
            calling=sender.calling if sender is not None else "",
            peer=sender.peer if sender is not None else "",
        )

    async def retry(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Run the script in force over held objects and publish what comes of them; one for which
        it fails again stays held."""
        async with self._turn:
            release = await self._releasing.begin()
            try:
                return tuple([await self._retry(release, id, reason) for id in dict.fromkeys(ids)])
            finally:
                await asyncio.to_thread(release.close)

    async def drop(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Take held objects out of staging, for good."""
        async with self._turn:
            return tuple([await self._drop(id, reason) for id in dict.fromkeys(ids)])

    async def _retry(self, release: Release, id: str, reason: str) -> ActOutcome:
        try:
            async with self._context.still.working(patience=PATIENCE):
                record = await self._releasing.run(release, id)
                if record.outcome in STAYS:
                    return await self._stays(id, record)
                await self._releasing.enter(id, record, actor=self._actor, reason=reason)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        self._tell(id, "was released")
        if record.session:
            self._buffer.tell("session", record.session, "a held object has joined it")
        told = _TOLD.get(record.outcome, "published in {session}")
        return ActOutcome(id=id, done=True, message=told.format(session=record.session))

    async def _stays(self, id: str, record: Record) -> ActOutcome:
        """Tell why an object is held still; nothing of what was tried stays."""
        context = self._context
        # The store's trouble is not the object's: why it is held is then what it was.
        if record.outcome is not Outcome.FAILED:
            await held.keep(context, id, actor=self._actor, reason=record.reason, rule=record.rule)
        await asyncio.to_thread(held.clear, context.prearchive, id, gone=False)
        self._tell(id, "was tried again and is still held")
        return ActOutcome(id=id, done=False, message=f"still held: {record.reason}")

    async def _drop(self, id: str, reason: str) -> ActOutcome:
        try:
            await self._releasing.find(id)
            async with self._context.still.working(patience=PATIENCE):
                await held.finish_left(self._context, (id,))
                await asyncio.to_thread(held.announce, self._context.prearchive, Leaving(id=id))
                dropped = await held.drop(self._context, id, actor=self._actor, reason=reason)
                await self._context.at("held object dropped")
                await asyncio.to_thread(held.clear, self._context.prearchive, id, gone=True)
            if not dropped:
                raise unknown(id)
        except EngineError as error:
            return ActOutcome.refused(id, error)
        self._tell(id, "was dropped")
        return ActOutcome(id=id, done=True, message="dropped")

    def _tell(self, id: str, text: str) -> None:
        self._buffer.tell("ledger", id, f"a held object {text} by {self._actor}")
