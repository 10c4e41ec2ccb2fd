# SPDX-License-Identifier: Apache-2.0
"""Objects that arrive after their session was archived: the archived session is found by the
received study, and objects that it already has are counted as duplicates. New objects wait in a
session of their own that names the archived one; they are not merged here."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from engine.archive import received
from engine.archive.sessions import of_study
from engine.dicom.digest import is_current, older_digest_of
from engine.dicom.header import HeaderError
from engine.dicom.part10 import read_meta
from engine.intake.originals import Originals
from engine.jobs.context import JobContext
from engine.jobs.departure import count_out, object_files
from engine.jobs.separation import forget_originals
from engine.model.accounts import Place
from engine.prearchive import arriving
from engine.prearchive.tables import ObjectRow, SessionRow

_META = 8192
"""Bytes that hold the meta information of a file of ours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Belonging:
    """The archived session that a waiting one belongs to."""

    accession: str
    label: str
    folder: str
    """Below the archive's root."""

    def stands_in_the_way(self, row: SessionRow) -> bool:
        """Whether it has the label that the waiting session would be filed under."""
        return self.label == row.label


async def belonging(context: JobContext, row: SessionRow) -> Belonging | None:
    """Find the archived session of the same project and received study; of several that of the
    same label, else the oldest."""
    if row.project is None or not row.received_study_uid:
        return None
    mark = context.receipts.mark(row.received_study_uid)
    async with context.archive_db.read() as transaction:
        found = await of_study(transaction, row.project, mark)
    # One that is just leaving for the archive does not belong to itself.
    found = [one for one in found if one.origin != row.id]
    if not found:
        return None
    one = min(found, key=lambda each: each.label != row.label)
    return Belonging(accession=one.id, label=one.label, folder=one.folder)


async def recognise(
    context: JobContext, row: SessionRow, folder: Path, *, whole: bool = False
) -> Belonging | None:
    """Count what the archive holds already as duplicate, drop it, and let the row say where it
    belongs. A session of which nothing would be left is only emptied with `whole`. Run again after
    a kill it ends what was begun."""
    found = await belonging(context, row)
    accession = found.accession if found is not None else ""
    again: list[ObjectRow] = []
    if found is not None:
        async with context.prearchive_db.read() as transaction:
            index = select(ObjectRow).where(ObjectRow.session == row.id)
            entries = list((await transaction.execute(index)).scalars())
        archived = context.archive / found.folder
        again = await asyncio.to_thread(_again, context, folder, archived, entries)
        if len(again) == len(entries) and not whole:
            again = []
    if not again and row.belongs_to == accession:
        return found
    # The files first: a row without its file is found again by the next build, a file without its
    # row would count once more.
    await asyncio.to_thread(_drop, folder, [entry.file for entry in again])
    await context.at("duplicates dropped")
    async with context.prearchive_db.write() as transaction:
        query = select(SessionRow).where(SessionRow.id == row.id).with_for_update()
        locked = (await transaction.execute(query)).scalar_one()
        locked.belongs_to = accession
        gone = []
        for entry in again:
            key = (row.id, entry.received_sop_uid, entry.digest)
            standing = await transaction.get(ObjectRow, key)
            if standing is not None:
                gone.append(standing)
        reason = f"the same object is archived already, in {accession}"
        await count_out(transaction, locked, gone, Place.DUPLICATE, reason)
        locked.duplicates += len(gone)
        locked.objects -= len(gone)
        locked.bytes -= sum(entry.size for entry in gone)
        if gone:
            await arriving.lose_track(transaction, locked)
        for entry in gone:
            await transaction.delete(entry)
    keys = {(entry.received_sop_uid, entry.digest) for entry in again}
    await asyncio.to_thread(forget_originals, Originals(context.prearchive), row.id, keys)
    await context.at("duplicates counted")
    return found


async def remember(
    context: JobContext,
    row: SessionRow,
    folder: Path,
    moved: dict[str, str],
    without: frozenset[str],
) -> None:
    """Write beside a session's files, on its way to the archive, what they were when they were
    received; `moved` says where a script's build has put them."""
    async with context.prearchive_db.read() as transaction:
        query = select(ObjectRow).where(ObjectRow.session == row.id)
        entries = list((await transaction.execute(query)).scalars())
    lines = [
        (
            context.receipts.key(entry.received_sop_uid, entry.digest),
            moved.get(entry.file, entry.file),
        )
        for entry in entries
        if entry.file not in without
    ]
    older = any(not is_current(entry.digest) for entry in entries)
    await asyncio.to_thread(received.write, folder, lines, older=older)


def _again(
    context: JobContext, folder: Path, archived: Path, entries: Sequence[ObjectRow]
) -> list[ObjectRow]:
    known = received.known(archived, object_files(archived))
    if not known:
        return []
    older = received.is_older(archived)

    def is_known(entry: ObjectRow, digest: str) -> bool:
        key = context.receipts.key(entry.received_sop_uid, digest)
        return received.shortened(key) in known

    return [
        entry
        for entry in entries
        if is_known(entry, entry.digest)
        or (older and is_known(entry, _older_digest(folder / entry.file)))
    ]


def _older_digest(path: Path) -> str:
    """Return the digest under which an object that no script has changed came to an older home."""
    try:
        with path.open("rb") as file:
            file.seek(read_meta(file.read(_META)).dataset_offset)
            return older_digest_of(file)
    except (FileNotFoundError, HeaderError):
        return ""


def _drop(folder: Path, files: Sequence[str]) -> None:
    for file in files:
        (folder / file).unlink(missing_ok=True)
