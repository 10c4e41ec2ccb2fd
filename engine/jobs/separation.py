# SPDX-License-Identifier: Apache-2.0
"""Objects that are removed from a waiting session: they become a session of their own, which goes
into the prearchive's trash like any other and can be restored from there."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.intake.originals import Originals
from engine.jobs.context import WORKING, JobContext
from engine.jobs.decisions import decision_of, written
from engine.model.accounts import Place
from engine.model.states import Status, Verb
from engine.prearchive import accounts, arriving
from engine.prearchive.rows import queue, timestamp_of
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.folders import sync_folder

_IN_CLAUSE = 500
_SHARED = (
    *("project", "folder", "label", "received_study_uid", "study_uid", "snapshot"),
    *("autoarchive", "prevent_anon", "prevent_auto_commit", "source", "visit", "protocol"),
    *("timezone", "scan_date", "scan_time", "uploaded", "lastmod", "last_object", "receiver"),
    *("calling", "session_type", "modality", "belongs_to", "asked_by", "cut_short", "routed"),
    "account",
    "file_name_template",
)
"""What the new row has in common with the old one."""


def place_aside(prearchive: Path, row: SessionRow, id: str) -> Path:
    """Return the folder to which what does not stay goes first."""
    return prearchive / WORKING / id / row.folder


async def put_aside(
    context: JobContext,
    row: SessionRow,
    folder: Path,
    files: Sequence[str],
    id: str,
    *,
    subject: str | None,
) -> None:
    """Take objects out of a taken session, and queue that they go into the trash as session `id`,
    of a subject that may be another. Run again after a kill it ends what was begun.

    Raises:
        OSError: if the files cannot be moved.
    """
    target = place_aside(context.prearchive, row, id)
    await asyncio.to_thread(_move, folder, target, files)
    await context.at("objects aside")
    async with context.prearchive_db.write() as transaction:
        query = select(SessionRow).where(SessionRow.id == row.id).with_for_update()
        locked = (await transaction.execute(query)).scalar_one()
        entries = await _entries(transaction, row.id, files)
        keys = {(entry.received_sop_uid, entry.digest) for entry in entries}
        new = await _row(transaction, locked, id, subject, entries)
        transaction.add(new)
        await transaction.flush()
        counts: Counter[accounts.TallyKey] = Counter()
        for entry in entries:
            entry.session = id
            counts[entry.transfer, row.id, Place.WAITING] -= 1
            counts[entry.transfer, id, Place.WAITING] += 1
        await transaction.flush()
        await accounts.add(transaction, counts)
        locked.objects -= new.objects
        locked.bytes -= new.bytes
        locked.built_objects -= len(files)
        await arriving.lose_track(transaction, locked)
        decision = decision_of(locked)
        assert decision is not None
        locked.decision = written(decision.done())
        detail = {"objects": new.objects}
        record_triage(transaction, row.asked_by, "Contradiction decided", row.id, detail)
        await context.runner.enqueue(transaction, queue(new, Verb.DELETE))
    await context.at("row aside")
    await asyncio.to_thread(forget_originals, Originals(context.prearchive), row.id, keys)


def bring_back(prearchive: Path, row: SessionRow, folder: Path) -> None:
    """Undo the moving of files for which no row was made."""
    decision = decision_of(row)
    if decision is None or decision.carried_out:
        return
    aside = place_aside(prearchive, row, decision.aside)
    files = [path.relative_to(aside).as_posix() for path in aside.glob("SCANS/*/*/*")]
    _move(aside, folder, files)
    for path in sorted(aside.parent.rglob("*"), reverse=True):
        path.rmdir()
    if aside.parent.is_dir():
        aside.parent.rmdir()


def _move(source: Path, target: Path, files: Iterable[str]) -> None:
    places = set()
    for file in files:
        if (source / file).is_file():
            (target / file).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.rename(source / file, target / file)
            places.add(Path(file).parent)
    for place in sorted(places):
        # The target and the folders above it before the source: a power loss in between leaves a
        # file under both names, never under none.
        above = [target / place, *(target / parent for parent in place.parents), target.parent]
        for path in (*above, source / place):
            sync_folder(path)


async def _entries(
    transaction: AsyncSession, session: str, files: Sequence[str]
) -> list[ObjectRow]:
    found: list[ObjectRow] = []
    for start in range(0, len(files), _IN_CLAUSE):
        part = ObjectRow.file.in_(files[start : start + _IN_CLAUSE])
        query = select(ObjectRow).where(ObjectRow.session == session, part)
        found += (await transaction.execute(query)).scalars()
    return found


async def _row(
    transaction: AsyncSession,
    old: SessionRow,
    id: str,
    subject: str | None,
    entries: Sequence[ObjectRow],
) -> SessionRow:
    """Make the row of what goes: like the other, but closed to late objects and at a place of its
    own."""
    return SessionRow(
        **{name: getattr(old, name) for name in _SHARED},
        id=id,
        subject=subject,
        timestamp=await _free_timestamp(transaction, old),
        status=Status.READY,
        accepting=False,
        working_folder=f"{WORKING}/{id}/{old.folder}",
        attempt=0,
        objects=len(entries),
        bytes=sum(entry.size for entry in entries),
    )


async def _free_timestamp(transaction: AsyncSession, row: SessionRow) -> str:
    moment = datetime.now().astimezone()
    while True:
        timestamp = timestamp_of(moment)
        taken = select(func.count()).where(
            func.coalesce(SessionRow.project, "") == (row.project or ""),
            SessionRow.timestamp == timestamp,
            SessionRow.folder == row.folder,
        )
        if not (await transaction.execute(taken)).scalar_one():
            return timestamp
        moment += timedelta(milliseconds=1)


def forget_originals(originals: Originals, session: str, gone: set[tuple[str, str]]) -> None:
    """Forget what the objects were that have left the session: nothing of that is in the trash."""
    if (originals.root / session).is_dir():
        kept = {(one.received_sop, one.digest): one for one in originals.of(session)}
        if gone & kept.keys():
            stay = [one for key, one in kept.items() if key not in gone]
            originals.replace(session, stay)
