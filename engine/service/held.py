"""The noun `held`: objects that wait in staging for a person are looked at, tried again by the
script in force, or dropped. One leaves only through the script that failed, or it is dropped."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from engine.archive.prearchive.tables import HeldRow, TransferRow
from engine.dicom.guard import Guard
from engine.intake.answers import Origin
from engine.intake.desk import ClaimDesk
from engine.intake.journal import Outcome, Record
from engine.intake.release import Release
from engine.intake.snapshot import Snapshot
from engine.jobs import held
from engine.jobs.held import Leaving
from engine.jobs.workshop import Workshop
from engine.model.errors import Conflict, EngineError, NotFound
from engine.model.held import HeldDetail
from engine.model.prearchive import ActOutcome
from engine.service.configuration import Configuration
from engine.service.ring import EventRing

_STAYS = frozenset({Outcome.HELD, Outcome.REFUSED, Outcome.FAILED})
_TOLD = {
    Outcome.CONFLICT: "published in {session}, beside another object of the same UID",
    Outcome.DUPLICATE: "the same object is in {session} already: it is counted, and not kept",
    Outcome.REJECTED: "the script rejects it: it is counted, and not kept",
}


class Held:
    """Objects that a script error or a limit keeps in staging."""

    def __init__(
        self,
        shop: Workshop,
        ring: EventRing,
        configuration: Configuration,
        guard: Guard,
        turn: asyncio.Lock,
        actor: str,
    ) -> None:
        """Act for one actor; `turn` is the same for all of them."""
        self._shop = shop
        self._ring = ring
        self._configuration = configuration
        self._guard = guard
        self._turn = turn
        self._actor = actor

    async def show(self, id: str) -> HeldDetail:
        """Give one held object."""
        row, sender = await self._find(id)
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
            release = await self._release()
            try:
                return tuple([await self._retry(release, id, reason) for id in dict.fromkeys(ids)])
            finally:
                await asyncio.to_thread(release.close)

    async def drop(self, ids: tuple[str, ...], reason: str = "") -> tuple[ActOutcome, ...]:
        """Take held objects out of staging, for good."""
        async with self._turn:
            return tuple([await self._drop(id, reason) for id in dict.fromkeys(ids)])

    async def _release(self) -> Release:
        loop = asyncio.get_running_loop()
        shop = self._shop

        def announce(id: str, session: str, digests: tuple[str, ...]) -> None:
            leaving = Leaving(id=id, session=session, digests=digests)
            held.announce(shop.prearchive, leaving)
            shop.reached("held object announced")

        def begin() -> Release:
            return Release(
                prearchive=shop.prearchive,
                node=shop.settings.node.name,
                snapshot=self._snapshot(),
                desk=ClaimDesk(shop.prearchive_db, shop.prearchive),
                guard=self._guard,
                loop=loop,
                announce=announce,
            )

        return await asyncio.to_thread(begin)

    def _snapshot(self) -> Snapshot:
        snapshot = self._configuration.snapshot
        if snapshot is None:
            raise Conflict("the engine is only starting", hint="try again in a moment")
        return snapshot

    async def _retry(self, release: Release, id: str, reason: str) -> ActOutcome:
        shop = self._shop
        try:
            await self._find(id)
            await held.finish_left(shop, (id,))
            row, sender = await self._find(id)
            origin = self._origin(row, sender)
            path = held.held_file(shop.prearchive, id)
            record = await asyncio.to_thread(release.run, path, origin)
            await shop.at("held object tried")
            if record.outcome in _STAYS:
                return await self._stays(id, record)
            record = replace(record, digest=row.digest or record.digest)
            if not record.session:
                await asyncio.to_thread(held.announce, shop.prearchive, Leaving(id=id))
            entered = await held.enter(shop, id, record, actor=self._actor, reason=reason)
            await shop.at("held object entered")
            await asyncio.to_thread(held.clear, shop.prearchive, id, gone=True)
            if not entered:
                raise _unknown(id)
        except EngineError as error:
            return ActOutcome(id=id, done=False, message=error.message)
        self._tell(id, "was released")
        if record.session:
            self._ring.tell("session", record.session, "a held object has joined it")
        told = _TOLD.get(record.outcome, "published in {session}")
        return ActOutcome(id=id, done=True, message=told.format(session=record.session))

    def _origin(self, row: HeldRow, sender: TransferRow | None) -> Origin:
        """Say where an object came from, as far as that is known.

        Raises:
            Conflict: if a script failed with it, and none is in force.
        """
        snapshot = self._snapshot()
        receiver = None
        if sender is not None:
            receiver = snapshot.receiver(sender.receiver, sender.port)
        prevent = receiver is not None and not receiver.anonymize
        if snapshot.site_script is None and not prevent and (row.rule or not row.transfer):
            raise Conflict(
                "still held: a script failed with it, and no site script is in force",
                hint="put one into force that does not fail, or drop the object",
            )
        return Origin(
            transfer=row.transfer,
            receiver=sender.receiver if sender is not None else "",
            calling=sender.calling if sender is not None else "",
            peer=sender.peer if sender is not None else "",
            prevent_anon=prevent,
        )

    async def _stays(self, id: str, record: Record) -> ActOutcome:
        """Tell why an object is held still; nothing of what was tried stays."""
        shop = self._shop
        # The store's trouble is not the object's: why it is held is then what it was.
        if record.outcome is not Outcome.FAILED:
            await held.keep(shop, id, actor=self._actor, reason=record.reason, rule=record.rule)
        await asyncio.to_thread(held.clear, shop.prearchive, id, gone=False)
        self._tell(id, "was tried again and is still held")
        return ActOutcome(id=id, done=False, message=f"still held: {record.reason}")

    async def _drop(self, id: str, reason: str) -> ActOutcome:
        try:
            await self._find(id)
            await held.finish_left(self._shop, (id,))
            await asyncio.to_thread(held.announce, self._shop.prearchive, Leaving(id=id))
            dropped = await held.drop(self._shop, id, actor=self._actor, reason=reason)
            await self._shop.at("held object dropped")
            await asyncio.to_thread(held.clear, self._shop.prearchive, id, gone=True)
            if not dropped:
                raise _unknown(id)
        except EngineError as error:
            return ActOutcome(id=id, done=False, message=error.message)
        self._tell(id, "was dropped")
        return ActOutcome(id=id, done=True, message="dropped")

    async def _find(self, id: str) -> tuple[HeldRow, TransferRow | None]:
        async with self._shop.prearchive_db.read() as transaction:
            row = await transaction.get(HeldRow, id)
            if row is None:
                raise _unknown(id)
            return row, await transaction.get(TransferRow, row.transfer)

    def _tell(self, id: str, text: str) -> None:
        self._ring.tell("ledger", id, f"a held object {text} by {self._actor}")


def _unknown(id: str) -> NotFound:
    return NotFound(f"nothing is held under {id}", hint="list what is: anteroom held list")
