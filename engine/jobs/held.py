# SPDX-License-Identifier: Apache-2.0
"""Objects that leave staging: into a session, or for good (intake contract 2, 11). The tables
change in one transaction. The intention is written to a file beside the object first, so that after
a kill at any moment the object is counted in exactly one place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from msgspec import structs
from sqlalchemy import select

from engine.archive.audit.trail import record_triage
from engine.ingest.posting import post
from engine.ingest.release import dataset_digest
from engine.intake.journal import Outcome, Record
from engine.jobs.context import JobContext
from engine.jobs.departure import object_files
from engine.model.accounts import Place
from engine.prearchive import accounts, ledger
from engine.prearchive.rows import folder_of
from engine.prearchive.tables import HeldRow, ObjectRow, SessionRow, TransferRow
from engine.storage.files import write_durably
from engine.storage.folders import sync_folder

DROPPED = "it was held, and a person has dropped it"
DROPPED_EVENT = "Dropped held object"
_LEAVING = ".leaving"


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """What is about to happen to a held object."""

    id: str
    session: str = ""
    """The session that it joins; empty where it joins none."""
    digests: tuple[str, ...] = ()
    """Digests of the data set that is linked into the session: as received, and as a script leaves
    it."""


def held_file(prearchive: Path, id: str) -> Path:
    """Return the file of a held object."""
    return prearchive / ".staging" / "held" / id


def announce(prearchive: Path, leaving: Leaving) -> None:
    """Write down, durably, what is about to happen."""
    write_durably(_note(prearchive, leaving.id), msgspec.json.encode(leaving))


def clear(prearchive: Path, id: str, *, gone: bool) -> None:
    """Take away what was written down; with `gone` the held file first, which nobody needs."""
    note = _note(prearchive, id)
    if gone:
        held_file(prearchive, id).unlink(missing_ok=True)
        if note.parent.is_dir():
            sync_folder(note.parent)
    note.unlink(missing_ok=True)


async def enter(
    context: JobContext, id: str, record: Record, *, actor: str, reason: str = ""
) -> bool:
    """Count a held object where its record says that it is now; false when it was held no more."""
    async with context.prearchive_db.write() as transaction:
        row = await transaction.get(HeldRow, id, with_for_update=True)
        if row is None:
            return False
        if record.outcome is Outcome.DUPLICATE:
            query = select(ObjectRow).where(
                ObjectRow.session == record.session, ObjectRow.file == record.file
            )
            known = (await transaction.execute(query)).scalar_one_or_none()
            if known is None or known.recovered:
                # No other than itself, linked by an attempt that was killed.
                record = structs.replace(record, outcome=Outcome.STORED, reason="")
        await post(transaction, record, context.receipts)
        waits = row.waits
        place = Place.WAITING if waits else Place.HELD
        await accounts.add(transaction, {(row.transfer, "", place): -1})
        transfer = await transaction.get(TransferRow, row.transfer, with_for_update=True)
        if transfer is not None:
            # It was counted there when it was received.
            transfer.objects -= 1
            transfer.bytes -= record.size
        await transaction.delete(row)
        if not waits:
            detail = {"outcome": record.outcome.value} | ({"reason": reason} if reason else {})
            record_triage(transaction, actor, "Released held object", id, detail)
    return True


async def hold(context: JobContext, id: str, *, reason: str, rule: str) -> None:
    """Hold an object that the helper could not finish."""
    async with context.prearchive_db.write() as transaction:
        row = await transaction.get(HeldRow, id, with_for_update=True)
        if row is None or not row.waits:
            return
        row.waits, row.session = False, ""
        row.reason, row.rule = reason, rule[:160]
        moved = {(row.transfer, "", Place.WAITING): -1, (row.transfer, "", Place.HELD): 1}
        await accounts.add(transaction, moved)


async def keep(context: JobContext, id: str, *, actor: str, reason: str, rule: str) -> None:
    """Note why an object that was tried again is still held."""
    async with context.prearchive_db.write() as transaction:
        row = await transaction.get(HeldRow, id, with_for_update=True)
        if row is not None:
            row.reason, row.rule = reason, rule[:160]
            detail = {"outcome": Outcome.HELD.value, "rule": rule}
            record_triage(transaction, actor, "Retried held object", id, detail)


async def drop(context: JobContext, id: str, *, actor: str, reason: str = "") -> bool:
    """Count a held object as deleted; false when it was held no more. Its file is still there."""
    async with context.prearchive_db.write() as transaction:
        row = await transaction.get(HeldRow, id, with_for_update=True)
        if row is None:
            return False
        await accounts.add(
            transaction,
            {(row.transfer, "", Place.HELD): -1, (row.transfer, "", Place.DELETED): 1},
        )
        sender = await transaction.get(TransferRow, row.transfer)
        line = ledger.Line(
            transfer=row.transfer,
            outcome=Place.DELETED.value,
            reason=DROPPED,
            rule=row.rule,
            receiver=sender.receiver if sender is not None else "",
            calling=sender.calling if sender is not None else "",
            peer=sender.peer if sender is not None else "",
            at=datetime.now(UTC),
        )
        folded: ledger.Fold = {}
        ledger.fold(folded, line)
        await ledger.add(transaction, folded)
        await transaction.delete(row)
        detail = {"reason": reason} if reason else {}
        record_triage(transaction, actor, DROPPED_EVENT, id, detail)
    return True


async def finish_left(context: JobContext, ids: Iterable[str] | None = None) -> int:
    """End what a kill has cut off, of all objects or of some; return how many have left."""
    left = 0
    for leaving in await asyncio.to_thread(_announced, context.prearchive, ids):
        async with context.prearchive_db.read() as transaction:
            row = await transaction.get(HeldRow, leaving.id)
        gone = row is None
        if row is not None:
            file = await _linked(context, leaving)
            if file:
                # As it is told now: an older home may have told it by another digest.
                held = held_file(context.prearchive, row.id)
                digest = await asyncio.to_thread(dataset_digest, held)
                record = _record(row, leaving.session, file, digest)
                gone = await enter(context, row.id, record, actor="engine")
        await asyncio.to_thread(clear, context.prearchive, leaving.id, gone=gone)
        left += gone
    return left


async def _linked(context: JobContext, leaving: Leaving) -> str:
    """Return the file of a session that is the object that was to join it; empty where none is."""
    async with context.prearchive_db.read() as transaction:
        row = await transaction.get(SessionRow, leaving.session)
        query = select(ObjectRow).where(ObjectRow.session == leaving.session)
        entries = (await transaction.execute(query)).scalars().all()
    for entry in entries:
        if entry.recovered and entry.digest in leaving.digests:
            return entry.file
    if row is None:
        return ""
    known = {entry.file for entry in entries}
    folder = folder_of(row, context.prearchive)
    return await asyncio.to_thread(_stray, folder, known, leaving.digests)


def _stray(folder: Path, known: set[str], digests: tuple[str, ...]) -> str:
    for file in object_files(folder):
        if file not in known and dataset_digest(folder / file) in digests:
            return file
    return ""


def _record(row: HeldRow, session: str, file: str, digest: str) -> Record:
    return Record(
        at=time.time_ns(),
        transfer=row.transfer,
        outcome=Outcome.STORED,
        session=session,
        file=file,
        sop_class=row.sop_class,
        received_sop=row.received_sop_uid,
        sop=row.received_sop_uid,
        digest=digest,
        size=row.size,
        # So that one which was found before its record is looked for by its file.
        script="changed",
        transfer_syntax=row.transfer_syntax,
    )


def _announced(prearchive: Path, ids: Iterable[str] | None) -> list[Leaving]:
    folder = held_file(prearchive, "x").parent
    if ids is None:
        # One with a dot was being written when a kill came: nothing of it has happened.
        paths = sorted(folder.glob(f"[!.]*{_LEAVING}")) if folder.is_dir() else []
    else:
        paths = [path for path in (_note(prearchive, id) for id in ids) if path.exists()]
    return [msgspec.json.decode(path.read_bytes(), type=Leaving) for path in paths]


def _note(prearchive: Path, id: str) -> Path:
    return held_file(prearchive, id + _LEAVING)
