# SPDX-License-Identifier: Apache-2.0
"""Leaving the prearchive: the part that archive and delete have in common once a session's files
are elsewhere. Row, index, receipts, tallies and the audit event change in one transaction; files
are removed after it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.dicom.header import HeaderError
from engine.ingest.posting import forget
from engine.ingest.release import dataset_digest
from engine.intake.originals import Original, Originals
from engine.jobs.context import JobContext
from engine.jobs.kept_reviews import KeptReviews
from engine.jobs.left_out import NOTHING, LeftOut
from engine.model.accounts import Place
from engine.prearchive import accounts, arriving, desk, ledger, queues
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.staging import is_torn, stored_digest

REJECTED = "the project's script rejected it on the way to the archive"

_log = structlog.get_logger(__name__)


async def recover_unrecorded(context: JobContext, row: SessionRow, folder: Path) -> int:
    """Enter files that were linked but whose records are not (or never) written.

    An object is durable before its record is. The job that lists a session's files counts it now,
    and if its record arrives later, the object is recognised as counted.
    """
    async with context.prearchive_db.read() as transaction:
        known = set(
            (
                await transaction.execute(select(ObjectRow.file).where(ObjectRow.session == row.id))
            ).scalars()
        )
    await context.at("files listed")
    found = await asyncio.to_thread(object_files, folder)
    unknown = [file for file in found if file not in known]
    strays = await asyncio.to_thread(without_torn, folder, unknown)
    if len(strays) != len(unknown):
        _log.warning("torn_objects", session=row.id, count=len(unknown) - len(strays))
    if not strays:
        return 0
    entries = await asyncio.to_thread(_read_strays, folder, strays)
    await asyncio.to_thread(_as_received, entries, Originals(context.prearchive), row.id)
    async with context.prearchive_db.write() as transaction:
        return await enter(transaction, row.id, entries)


def without_torn(folder: Path, files: Sequence[str]) -> list[str]:
    """Remove what a power loss has cut off before its sender had an answer; return the others.

    Raises:
        OSError: if such a file stays.
    """
    whole = []
    for file in files:
        path = folder / file
        with suppress(FileNotFoundError):
            if not is_torn(path):
                whole.append(file)
                continue
            path.unlink()
    return whole


async def enter(transaction: AsyncSession, session: str, entries: list[ObjectRow]) -> int:
    """Add recovered objects to the index, the accounts and the row; return how many."""
    query = select(SessionRow).where(SessionRow.id == session).with_for_update()
    row = (await transaction.execute(query)).scalar_one()
    added = 0
    for entry in entries:
        entry.session = session
        key = (session, entry.received_sop_uid, entry.digest)
        if await transaction.get(ObjectRow, key) is not None:
            continue
        transaction.add(entry)
        await transaction.flush()
        row.objects += 1
        row.bytes += entry.size
        added += 1
    if added:
        await arriving.lose_track(transaction, row)
        for fallen in await desk.fall(transaction, (session,), desk.NEW_FILES):
            record_triage(transaction, "engine", "Review fell", fallen, {"reason": desk.NEW_FILES})
    await accounts.add(transaction, {("", session, Place.WAITING): added})
    return added


async def leave(
    context: JobContext, row: SessionRow, place: Place, action: str, *, left_out: LeftOut = NOTHING
) -> None:
    """Take a session out of the tables, all of its objects counted at `place`, but for those that
    a script has left out: they are counted as rejected, and stand in the ledger. What the site
    script had changed of them is forgotten."""
    await _leave(context, row, place, action, left_out)
    await asyncio.to_thread(Originals(context.prearchive).drop, row.id)
    await asyncio.to_thread(KeptReviews(context.prearchive).drop, row.id)


async def _leave(
    context: JobContext, row: SessionRow, place: Place, action: str, left_out: LeftOut
) -> None:
    async with context.prearchive_db.write() as transaction:
        # A former run of this step committed and was killed before it could say so.
        if await transaction.get(SessionRow, row.id) is None:
            return
        rejected = await _rejected(transaction, row.id, left_out)
        elsewhere = {entry.file: Place.REJECTED for entry in rejected}
        objects = await context.receipts.write(transaction, row.id, place, elsewhere=elsewhere)
        await count_out(transaction, row, rejected, Place.REJECTED, REJECTED, rule=left_out.by)
        await accounts.move(transaction, row.id, Place.WAITING, place)
        await forget(transaction, row.id)
        await queues.depart(transaction, row, place)
        if place is not Place.DELETED:
            # From the trash it may come back, and what was said of it with it.
            await desk.forget(transaction, row.id)
        detail = {"objects": objects - len(rejected)}
        if rejected:
            detail["rejected"] = len(rejected)
        record_triage(transaction, row.asked_by or "engine", action, row.id, detail)


async def _rejected(transaction: AsyncSession, session: str, left_out: LeftOut) -> list[ObjectRow]:
    if not left_out.files:
        return []
    query = select(ObjectRow).where(ObjectRow.session == session)
    gone = set(left_out.files)
    return [row for row in (await transaction.execute(query)).scalars() if row.file in gone]


async def count_out(
    transaction: AsyncSession,
    row: SessionRow,
    entries: Sequence[ObjectRow],
    place: Place,
    reason: str,
    *,
    rule: str = "",
) -> None:
    """Count objects that waited at another place, and say in the ledger why."""
    counts: Counter[accounts.TallyKey] = Counter()
    folded: ledger.Fold = {}
    for entry in entries:
        counts[entry.transfer, row.id, Place.WAITING] -= 1
        counts[entry.transfer, row.id, place] += 1
        line = ledger.Line(
            transfer=entry.transfer,
            outcome=place.value,
            reason=reason,
            rule=rule,
            session=row.id,
            receiver=row.receiver,
            calling=row.calling,
            at=datetime.now(UTC),
        )
        ledger.fold(folded, line)
    await accounts.add(transaction, counts)
    await ledger.add(transaction, folded)


def object_files(folder: Path) -> list[str]:
    """List the objects of a session, below its folder: all but catalogs and hidden files."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.glob("SCANS/*/*/*")
        if path.is_file() and not path.name.startswith(".") and not path.name.endswith(".xml")
    )


def _as_received(entries: list[ObjectRow], originals: Originals, session: str) -> None:
    """Let objects that the site script has changed be known by what was received, where it is
    kept: their own records say the same."""
    kept: dict[str, list[Original]] = {}
    for original in originals.of(session):
        kept.setdefault(original.sop, []).append(original)
    for entry in entries:
        found = {(one.received_sop, one.digest) for one in kept.get(entry.sop_uid, ())}
        # Of several with one UID only their bytes would tell which it is.
        if len(found) == 1:
            ((entry.received_sop_uid, entry.digest),) = found


def _read_strays(folder: Path, files: list[str]) -> list[ObjectRow]:
    entries = []
    for file in files:
        path = folder / file
        try:
            uid, digest = stored_digest(path)
        except FileNotFoundError:
            continue
        except HeaderError:
            # Not an object of ours, but a file that somebody may miss: kept and counted.
            uid, digest = file, dataset_digest(path)
        entries.append(
            ObjectRow(
                received_sop_uid=uid,
                digest=digest,
                file=file,
                sop_uid=uid,
                size=path.stat().st_size,
                recovered=True,
            )
        )
    return entries
