# SPDX-License-Identifier: Apache-2.0
"""Sends objects in staging through the intake contract again: a held object that a user retries, or
the backlog of objects that wait for the helper."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engine.dicom.guard import Guard
from engine.ingest.claims import ClaimDesk
from engine.ingest.release import Release
from engine.intake.answers import Origin
from engine.intake.journal import Outcome, Record
from engine.intake.snapshot import Snapshot
from engine.jobs import held
from engine.jobs.context import JobContext
from engine.jobs.held import Leaving
from engine.model.errors import Conflict, NotFound
from engine.prearchive.tables import HeldRow, TransferRow
from engine.service.configuration import Configuration

STAYS = frozenset({Outcome.HELD, Outcome.REFUSED, Outcome.FAILED})
"""Outcomes with which an object stays in staging."""


class Releasing:
    """Runs objects in staging through what is in force, and counts them where they are then."""

    def __init__(self, context: JobContext, configuration: Configuration, guard: Guard) -> None:
        """Release from one prearchive."""
        self._context = context
        self._configuration = configuration
        self._guard = guard

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in force.

        Raises:
            Conflict: if there is none yet.
        """
        snapshot = self._configuration.snapshot
        if snapshot is None:
            raise Conflict("the engine is still starting", hint="try again in a moment")
        return snapshot

    async def begin(self, lane: int = 0) -> Release:
        """Open an intake by what is in force; `lane` is another one for each that is open."""
        loop = asyncio.get_running_loop()
        context = self._context

        def announce(id: str, session: str, digests: tuple[str, ...]) -> None:
            leaving = Leaving(id=id, session=session, digests=digests)
            held.announce(context.prearchive, leaving)
            context.reached("held object announced")

        def begin() -> Release:
            return Release(
                prearchive=context.prearchive,
                node=context.settings.node.name,
                snapshot=self.snapshot,
                desk=ClaimDesk(context.prearchive_db, context.prearchive),
                guard=self._guard,
                loop=loop,
                announce=announce,
                lane=lane,
            )

        return await asyncio.to_thread(begin)

    async def find(self, id: str, *, waits: bool = False) -> tuple[HeldRow, TransferRow | None]:
        """Return an object that a person has to decide about, or one that waits for the helper,
        with who sent it.

        Raises:
            NotFound: if there is none.
        """
        async with self._context.prearchive_db.read() as transaction:
            row = await transaction.get(HeldRow, id)
            if row is None or row.waits != waits:
                raise unknown(id)
            return row, await transaction.get(TransferRow, row.transfer)

    async def run(self, release: Release, id: str, *, waits: bool = False) -> Record:
        """Publish an object, or tell why it stays; it is not counted anew yet.

        Raises:
            NotFound: if it is in staging no more.
            Conflict: if there is no script that it may leave through.
            InvalidInput: if its file is missing or damaged.
        """
        context = self._context
        await self.find(id, waits=waits)
        await held.finish_left(context, (id,))
        row, sender = await self.find(id, waits=waits)
        origin = self._origin(row, sender)
        path = held.held_file(context.prearchive, id)
        record = await _to_its_end(release, path, origin)
        await context.at("held object tried")
        return record

    async def enter(self, id: str, record: Record, *, actor: str, reason: str = "") -> None:
        """Count an object where its record says that it is now, and let its file go.

        Raises:
            NotFound: if somebody else was first.
        """
        context = self._context
        if not record.session:
            await asyncio.to_thread(held.announce, context.prearchive, Leaving(id=id))
        entered = await held.enter(context, id, record, actor=actor, reason=reason)
        await context.at("held object entered")
        await asyncio.to_thread(held.clear, context.prearchive, id, gone=True)
        if not entered:
            raise unknown(id)

    def _origin(self, row: HeldRow, sender: TransferRow | None) -> Origin:
        """Say where an object came from, as far as that is known.

        Raises:
            Conflict: if a script failed with it, and none is in force.
        """
        snapshot = self.snapshot
        receiver = None
        if sender is not None:
            receiver = snapshot.receiver(sender.receiver, sender.port)
        prevent = receiver is not None and not receiver.anonymize
        if snapshot.site_script is None and not prevent and (row.rule or not row.transfer):
            raise Conflict(
                "still held: a script failed with it, and no site script is in force",
                hint="activate a script that does not fail, or drop the object",
            )
        return Origin(
            transfer=row.transfer,
            receiver=sender.receiver if sender is not None else "",
            calling=sender.calling if sender is not None else "",
            peer=sender.peer if sender is not None else "",
            prevent_anon=prevent,
            account=receiver.account if receiver is not None else "",
            file_name_template=receiver.file_name_template if receiver is not None else "",
            durable=receiver.durable if receiver is not None else None,
        )


async def _to_its_end(release: Release, path: Path, origin: Origin) -> Record:
    """Run in a thread; who is cancelled meanwhile leaves no thread behind that still writes."""
    task = asyncio.create_task(asyncio.to_thread(release.run, path, origin))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        release.interrupt()
        await asyncio.wait({task})
        raise


def unknown(id: str) -> NotFound:
    """Tell that nothing is there."""
    return NotFound(f"nothing is held under {id}", hint="list them: anteroom held list")
