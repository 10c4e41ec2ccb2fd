"""What a build finds contradictory in a waiting session, and what a person has decided on it. The
evidence names patients: it stays in a private file of the session's folder, which goes where the
folder goes, and is never filed; rows, logs and events only count it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import select

from engine.anonymize.reach import Reach
from engine.anonymize.stored import open_stored, opened
from engine.archive import scripts, secrets
from engine.archive.prearchive.tables import ObjectRow, SessionRow, TransferRow
from engine.dicom.header import HeaderError
from engine.dicom.walk import META_END, PIXEL_GROUP
from engine.intake.build.patients import Identity, Patient, Routed, differences
from engine.intake.build.result import BuildResult, Problem
from engine.intake.build.scans import scan_order
from engine.intake.originals import Originals
from engine.jobs.scripting import guard
from engine.jobs.workshop import Workshop
from engine.model.contradictions import (
    ALL_ONE,
    Alternative,
    Choice,
    Contradiction,
    ContradictionKind,
    Contradictions,
)
from engine.model.errors import Conflict, InvalidInput
from engine.model.scripts import SITE

FILE = ".contradictions"

_TOLD = (0x00100010, 0x00100020, 0x00100030, 0x00100040)
"""Name, ID, birth date and sex of the patient."""
_IN_CLAUSE = 500


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """One who was said to be the session's own patient, and how many objects named him then."""

    name: tuple[str, str, str]
    sex: str
    birth_date: str
    objects: int
    main: bool
    """Objects that come later may name him, too."""

    def covers(self, patient: Patient) -> bool:
        """Say whether nothing has come since that names this patient."""
        mine = Identity(name=self.name, sex=self.sex, birth_date=self.birth_date)
        if not patient.elsewhere and not mine.differs(patient.identity):
            return self.main or patient.objects <= self.objects
        return False


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the private file."""

    found: tuple[Contradiction, ...] = ()
    files: tuple[tuple[tuple[str, ...], ...], ...] = ()
    """The objects of each alternative of each contradiction, below the session's folder."""
    accepted: tuple[Accepted, ...] = ()

    @property
    def seen(self) -> str:
        """Name this state."""
        return hashlib.sha256(msgspec.json.encode((self.found, self.files))).hexdigest()[:12]

    def told(self) -> Contradictions:
        """Give what a person decides on."""
        return Contradictions(seen=self.seen, found=self.found)


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person has decided, as it stands on the row until the job has carried it out."""

    seen: str
    choices: tuple[Choice, ...]
    aside: str
    """The prearchive id under which goes what is not kept."""
    carried_out: bool = False

    @property
    def accepts(self) -> bool:
        """Whether all objects are said to be of one patient."""
        return any(choice.keep == ALL_ONE for choice in self.choices)

    def done(self) -> Decision:
        """Give the decision as carried out: what does not stay has left."""
        return msgspec.structs.replace(self, carried_out=True)


def read(folder: Path) -> Kept:
    """Give what is kept of a session; a file that cannot be read is one that a build makes anew."""
    try:
        return msgspec.json.decode((folder / FILE).read_bytes(), type=Kept)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return Kept()


def write(folder: Path, kept: Kept) -> None:
    """Keep this and nothing else."""
    path = folder / FILE
    if kept == Kept():
        path.unlink(missing_ok=True)
        return
    new = path.with_name(f"{FILE}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(kept))
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)


def forget_evidence(folder: Path) -> None:
    """Forget what says how objects were received, where a session goes that must not hold that any
    more. What a person has decided stays; a build finds the rest anew."""
    write(folder, Kept(accepted=read(folder).accepted))


def decision_of(row: SessionRow) -> Decision | None:
    """Give what is to be carried out."""
    return msgspec.json.decode(row.decision, type=Decision) if row.decision else None


def written(decision: Decision) -> str:
    """Give a decision as it stands on the row."""
    return msgspec.json.encode(decision).decode()


def check(kept: Kept, choices: Sequence[Choice], seen: str = "") -> None:
    """Refuse a decision that fits nothing.

    Raises:
        Conflict: if the contradictions are others than those that were seen.
        InvalidInput: if it names what there is not.
    """
    if seen and seen != kept.seen:
        raise Conflict("the session has changed since: look at its contradictions again")
    if not choices:
        raise InvalidInput("say what is to be kept")
    by_number = {one.number: one for one in kept.found}
    if len({choice.contradiction for choice in choices}) < len(choices):
        raise InvalidInput("decide on each contradiction once")
    for choice in choices:
        found = by_number.get(choice.contradiction)
        if found is None:
            raise InvalidInput(f"there is no contradiction {choice.contradiction} in the session")
        if choice.keep == ALL_ONE and found.kind is ContradictionKind.OBJECT:
            raise InvalidInput("two objects of one UID cannot both stay: say which is kept")
        if choice.keep != ALL_ONE and not 1 <= choice.keep <= len(found.alternatives):
            last = len(found.alternatives)
            raise InvalidInput(f"say which alternative is kept: a number from 1 to {last}")


def of_patients(kept: Kept, choices: Sequence[Choice]) -> bool:
    """Say whether a decision is on whose the objects are."""
    by_number = {one.number: one.kind for one in kept.found}
    return any(by_number[one.contradiction] is ContradictionKind.PATIENT for one in choices)


def subject_after(kept: Kept, choices: Sequence[Choice]) -> str | None:
    """Give the subject that a decision makes the session's; None where that stays.

    Raises:
        InvalidInput: if nobody can tell it.
    """
    for choice in choices:
        found = kept.found[choice.contradiction - 1]
        if found.kind is ContradictionKind.PATIENT and choice.keep != ALL_ONE:
            one = found.alternatives[choice.keep - 1]
            if one.own:
                return None
            if not one.subject:
                raise InvalidInput("nothing tells the subject of that patient: name it as well")
            return one.subject
    return None


def set_aside(kept: Kept, choices: Sequence[Choice]) -> tuple[str, ...]:
    """Name the objects that do not stay."""
    gone: dict[str, None] = {}
    for choice in choices:
        if choice.keep != ALL_ONE:
            for number, files in enumerate(kept.files[choice.contradiction - 1], start=1):
                if number != choice.keep:
                    gone.update(dict.fromkeys(files))
    return tuple(gone)


async def routed(shop: Workshop, row: SessionRow) -> Routed:
    """Tell a build for whom the session's objects were routed, and by what they say so."""
    async with shop.archive_db.read() as transaction:
        known = await scripts.ids(transaction, SITE)
    secret = b""
    if known:
        async with shop.archive_db.write() as transaction:
            secret = await secrets.get_or_make(transaction, secrets.UIDS)
    return Routed(
        project=row.project or "",
        subject=row.subject or "",
        session=row.label,
        scripts=known,
        secret=secret,
    )


async def judge(
    shop: Workshop, row: SessionRow, folder: Path, result: BuildResult, *, accepts: bool = False
) -> BuildResult:
    """Keep the evidence of what a build found contradictory; give the result with what is not
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
    if len(sides) > 1:
        reason = _reason(sides)
        files.append(tuple(tuple(f for one in side for f in one.files) for side in sides))
        alternatives = await _patients(shop, row, folder, sides, result)
        found.append(
            Contradiction(
                number=1,
                kind=ContradictionKind.PATIENT,
                reason=reason,
                alternatives=alternatives,
            )
        )
        problems.insert(0, Problem(code="patients", paths=(), reason=reason))
    entries = await _entries(shop, row.id, [p for one in of_objects for p in one.paths], result)
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
    """Give the patients, those together whom a person has said to be one."""
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


async def _patients(
    shop: Workshop,
    row: SessionRow,
    folder: Path,
    sides: Sequence[Sequence[Patient]],
    result: BuildResult,
) -> tuple[Alternative, ...]:
    firsts = [side[0].files[0] for side in sides]
    entries = await _entries(shop, row.id, firsts, result)
    keys = {file: (entry.received_sop_uid, entry.digest) for file, (entry, _) in entries.items()}
    received = await shop.crunch.run(
        as_received, folder, firsts, keys, Originals(shop.prearchive), row.id
    )
    alternatives = []
    for number, side in enumerate(sides, start=1):
        patient = side[0]
        name, id, birth, sex = received.get(patient.files[0]) or (
            patient.name,
            patient.patient_id,
            patient.birth_date,
            patient.sex,
        )
        alternatives.append(
            Alternative(
                number=number,
                objects=sum(one.objects for one in side),
                scans=_scans(file for one in side for file in one.files),
                name=name,
                sex=sex,
                birth_date=birth,
                patient_id=id,
                as_received=patient.files[0] in received,
                own=patient.own,
                subject=patient.subject,
                file=patient.files[0],
                received=_opened(entries.get(patient.files[0])),
                calling=_calling(entries.get(patient.files[0])),
            )
        )
    return tuple(alternatives)


Entry = tuple[ObjectRow, TransferRow | None]


async def _entries(
    shop: Workshop, session: str, files: Sequence[str], result: BuildResult
) -> dict[str, Entry]:
    """Give what is known of files and of who sent them. The index still has the names that the
    files had before this build."""
    before = {move.target: move.source for move in result.moves}
    wanted = {before.get(file, file): file for file in files}
    listed = sorted(wanted)
    found: dict[str, Entry] = {}
    query = (
        select(ObjectRow, TransferRow)
        .outerjoin(TransferRow, TransferRow.id == ObjectRow.transfer)
        .where(ObjectRow.session == session)
    )
    async with shop.prearchive_db.read() as transaction:
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
) -> dict[str, tuple[str, str, str, str]]:
    """Give name, ID, birth date and sex of objects as they were received, as far as that is kept.
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
