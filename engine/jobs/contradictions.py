# SPDX-License-Identifier: Apache-2.0
"""The contradictions that a build finds in a waiting session: several patients, several objects of
one UID. The evidence names patients and is stored by `engine.jobs.decisions`; rows, logs and events
only say what differs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from sqlalchemy import select

from engine.anonymize.runtime.reach import Reach
from engine.anonymize.stored import open_stored, opened
from engine.archive import scripts, secrets
from engine.dicom.header import HeaderError
from engine.dicom.walk import META_END, PIXEL_GROUP
from engine.intake.originals import Originals
from engine.jobs.context import JobContext
from engine.jobs.decisions import Accepted, Kept, read, write
from engine.jobs.scripting import guard
from engine.model.contradictions import (
    Alternative,
    Contradiction,
    ContradictionKind,
    Contradictions,
)
from engine.model.errors import InvalidInput
from engine.model.scripts import SITE
from engine.prearchive.tables import ObjectRow, SessionRow, TransferRow
from engine.sessions.build.patients import Patient, Routed, differences
from engine.sessions.build.result import BuildResult, Problem
from engine.sessions.build.scans import scan_order

_TOLD = (0x00100010, 0x00100020, 0x00100030, 0x00100040)
_IN_CLAUSE = 500

Told = tuple[str, str, str, str]
"""Name, ID, birth date and sex of a patient."""


async def routed(context: JobContext, row: SessionRow) -> Routed:
    """Tell a build for whom the session's objects were routed, and by what they say so."""
    async with context.archive_db.read() as transaction:
        known = await scripts.ids(transaction, SITE)
    secret = b""
    if known:
        async with context.archive_db.write() as transaction:
            secret = await secrets.get_or_make(transaction, secrets.UIDS)
    return Routed(
        project=row.project or "",
        subject=row.subject or "",
        session=row.label,
        scripts=known,
        secret=secret,
    )


async def judge(
    context: JobContext,
    row: SessionRow,
    folder: Path,
    result: BuildResult,
    *,
    accepts: bool = False,
) -> BuildResult:
    """Keep the evidence of what a build found contradictory; return the result with what is not
    decided as a problem. With `accepts` its patients are said to be one."""
    kept = await asyncio.to_thread(read, folder)
    accepted = kept.accepted
    if accepts:
        accepted = _accepted(result.patients) if len(result.patients) > 1 else ()
    sides = _sides(result.patients, accepted)
    of_objects = [one for one in result.problems if one.code == "conflict"]
    found: list[Contradiction] = []
    files: list[tuple[tuple[str, ...], ...]] = []
    problems = list(result.problems)
    # The index still has the names that the files had before this build.
    before = {move.target: move.source for move in result.moves}
    if len(sides) > 1:
        reason = _reason(sides)
        files.append(tuple(tuple(f for one in side for f in one.files) for side in sides))
        firsts = [side[0].files[0] for side in sides]
        entries = await _entries(context, row.id, firsts, before)
        found.append(
            Contradiction(
                number=1,
                kind=ContradictionKind.PATIENT,
                reason=reason,
                alternatives=tuple(
                    _patient(number, side, entries.get(side[0].files[0]))
                    for number, side in enumerate(sides, start=1)
                ),
            )
        )
        problems.insert(0, Problem(code="patients", paths=(), reason=reason))
    paths = [path for problem in of_objects for path in problem.paths]
    entries = await _entries(context, row.id, paths, before)
    for problem in of_objects:
        files.append(tuple((path,) for path in problem.paths))
        found.append(
            Contradiction(
                number=len(found) + 1,
                kind=ContradictionKind.OBJECT,
                reason=problem.reason,
                alternatives=tuple(
                    _object(number, path, entries.get(path))
                    for number, path in enumerate(problem.paths, start=1)
                ),
            )
        )
    new = Kept(found=tuple(found), files=tuple(files), accepted=accepted)
    if new != kept:
        await asyncio.to_thread(write, folder, new)
    return replace(result, problems=tuple(problems))


def _sides(
    patients: Sequence[Patient], accepted: Sequence[Accepted]
) -> tuple[tuple[Patient, ...], ...]:
    """Return the patients, those together whom a person has said to be one."""
    one = tuple(each for each in patients if any(kept.covers(each) for kept in accepted))
    others = tuple((each,) for each in patients if each not in one)
    return (one, *others) if one else others


def _accepted(patients: Sequence[Patient]) -> tuple[Accepted, ...]:
    main = next((one for one in patients if one.own), patients[0])
    return tuple(
        Accepted(
            name=one.identity.name,
            sex=one.identity.sex,
            birth_date=one.identity.birth_date,
            objects=one.objects,
            main=one is main,
        )
        for one in patients
    )


def _reason(sides: Sequence[Sequence[Patient]]) -> str:
    told = differences([side[0] for side in sides])
    what = f"objects of {len(sides)} patients are in the session"
    if told == ["subject"]:
        return f"{what}: they were routed to several subjects"
    return f"{what}: what differs is {', '.join(told) or 'not told'}"


def _patient(number: int, side: Sequence[Patient], entry: Entry | None) -> Alternative:
    patient = side[0]
    return Alternative(
        number=number,
        objects=sum(one.objects for one in side),
        scans=_scans(file for one in side for file in one.files),
        name=patient.name,
        sex=patient.sex,
        birth_date=patient.birth_date,
        patient_id=patient.patient_id,
        own=patient.own,
        subject=patient.subject,
        file=patient.files[0],
        received=_opened(entry),
        calling=_calling(entry),
    )


async def told(context: JobContext, row: SessionRow, folder: Path) -> Contradictions:
    """Return what a person decides on, with patients as they were received where that is kept: it
    stands nowhere else, so that it goes when the undo records go."""
    kept = await asyncio.to_thread(read, folder)
    wanted = [
        each.file
        for one in kept.found
        if one.kind is ContradictionKind.PATIENT
        for each in one.alternatives
    ]
    if not wanted:
        return Contradictions(seen=kept.seen, found=kept.found)
    entries = await _entries(context, row.id, wanted, {})
    keys = {file: (entry.received_sop_uid, entry.digest) for file, (entry, _) in entries.items()}
    received = await context.processes.run(
        as_received, folder, wanted, keys, Originals(context.prearchive), row.id
    )
    return Contradictions(
        seen=kept.seen, found=tuple(_as_received(one, received) for one in kept.found)
    )


def _as_received(one: Contradiction, received: Mapping[str, Told]) -> Contradiction:
    alternatives = []
    for each in one.alternatives:
        if one.kind is ContradictionKind.PATIENT and each.file in received:
            name, id, birth, sex = received[each.file]
            known = replace(each, name=name, patient_id=id, birth_date=birth, sex=sex)
            alternatives.append(replace(known, as_received=True))
        else:
            alternatives.append(each)
    return replace(one, alternatives=tuple(alternatives))


Entry = tuple[ObjectRow, TransferRow | None]


async def _entries(
    context: JobContext, session: str, files: Sequence[str], before: Mapping[str, str]
) -> dict[str, Entry]:
    """Return what is known of files and of who sent them, whatever they were called `before`."""
    wanted = {before.get(file, file): file for file in files}
    listed = sorted(wanted)
    found: dict[str, Entry] = {}
    query = (
        select(ObjectRow, TransferRow)
        .outerjoin(TransferRow, TransferRow.id == ObjectRow.transfer)
        .where(ObjectRow.session == session)
    )
    async with context.prearchive_db.read() as transaction:
        for start in range(0, len(listed), _IN_CLAUSE):
            part = ObjectRow.file.in_(listed[start : start + _IN_CLAUSE])
            for entry, transfer in (await transaction.execute(query.where(part))).all():
                found[wanted[entry.file]] = (entry, transfer)
    return found


def _object(number: int, path: str, entry: Entry | None) -> Alternative:
    known = entry[0] if entry is not None else None
    return Alternative(
        number=number,
        objects=1,
        scans=_scans((path,)),
        file=path,
        sop_uid=known.sop_uid if known is not None else "",
        bytes=known.size if known is not None else 0,
        received=_opened(entry),
        calling=_calling(entry),
    )


def _opened(entry: Entry | None) -> datetime | None:
    return entry[1].opened if entry is not None and entry[1] is not None else None


def _calling(entry: Entry | None) -> str:
    return entry[1].calling if entry is not None and entry[1] is not None else ""


def _scans(files: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({file.split("/")[1] for file in files}, key=scan_order))


def as_received(
    folder: Path,
    files: Sequence[str],
    keys: Mapping[str, tuple[str, str]],
    originals: Originals,
    session: str,
) -> dict[str, Told]:
    """Return name, ID, birth date and sex of objects as they were received, as far as that is kept.
    It reads files, and runs in the process pool."""
    kept = {key: file for file, key in keys.items()}
    undo = {}
    for one in originals.of(session):
        file = kept.get((one.received_sop, one.digest))
        if file is not None:
            undo[file] = one.undo
    found = {}
    for file in files:
        with suppress(InvalidInput, HeaderError, OSError):
            head = [one for one in undo.get(file, ()) if META_END < one.path[0] < PIXEL_GROUP << 16]
            if head:
                stored = open_stored(folder / file, guard=guard())
                before = opened(stored, Reach(), undo=head).subject
                name, id, birth, sex = (before.text(tag) or "" for tag in _TOLD)
                found[file] = (name, id, birth, sex)
    return found
