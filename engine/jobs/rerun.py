# SPDX-License-Identifier: Apache-2.0
"""Runs the site script again when a waiting session gets another project, label or subject (intake
contract 10): on the received object if there is an undo record, otherwise on the stored one. The
results are hidden in the session's folder until the row has the new labels; then they replace the
files. After a kill, headers and labels therefore match."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from engine.anonymize.faults import ScriptError
from engine.anonymize.runtime.applied import Applied, Undo
from engine.anonymize.runtime.record import recorded_in
from engine.anonymize.stored import Opened, Stored, open_stored, opened, write
from engine.dicom.digest import has_digest
from engine.dicom.header import Header, HeaderError
from engine.dicom.part10 import read_header, read_meta
from engine.intake.identity import unsound
from engine.intake.originals import Original, Originals
from engine.intake.site_script import recorded
from engine.jobs.context import JobContext, remove_tree
from engine.jobs.departure import object_files
from engine.jobs.scripting import Part, ScriptWork, guard, in_turns, pixels, script_work
from engine.model.changes import ScriptOutcome
from engine.model.errors import InvalidInput
from engine.model.scripts import SITE
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.storage.files import rename_durably
from engine.storage.folders import sync_folder

# A folder counts from the rename to `.scripted-` on. What is still called `.scripting-` was cut
# off, and is dropped by the next run.
_DONE, _DOING = ".scripted-", ".scripting-"
_PART = 5_000
"""Files that one process is given at once; for each of them it reads all undo records."""
_PIXELS = (0x00280004, 0x00280006, 0x00280301, 0x00282110, 0x00282114)
"""What describes the pixels as they are now. What they were is not kept, so that this must not be
taken back."""

Key = tuple[str, str]
"""SOP Instance UID and digest of an object as received."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """The labels that a session is to have; an empty project is none."""

    project: str
    subject: str
    label: str

    @property
    def token(self) -> str:
        """Name the folder in which objects wait that belong to these labels."""
        # With separators: ("a", "bc") and ("ab", "c") are different labels.
        said = "\0".join((self.project, self.subject, self.label))
        return hashlib.sha256(said.encode()).hexdigest()[:24]


@dataclass(frozen=True, kw_only=True, slots=True)
class _New:
    """A file that is to take the place of another."""

    file: str
    sop: str
    size: int


def labels_of(row: SessionRow) -> Wanted:
    """Return the labels that a session has."""
    return Wanted(project=row.project or "", subject=row.subject or "", label=row.label)


async def prepare(context: JobContext, row: SessionRow, folder: Path, wanted: Wanted) -> str:
    """Let the site script in force run with other labels; nothing of the session changes yet. Give
    a sentence for the session's log, empty where no script runs.

    Raises:
        InvalidInput: if the script fails for an object, or rejects one.
    """
    await adopt(context, row, folder)
    if row.prevent_anon:
        return ""
    work = await script_work(
        context, SITE, project=wanted.project, subject=wanted.subject, session=wanted.label
    )
    if work is None:
        return ""
    hidden = folder / f"{_DOING}{wanted.token}"
    files = await asyncio.to_thread(_begin, folder, hidden, row.id)
    keys = await _keys(context, row.id)
    parts = enumerate([files[start : start + _PART] for start in range(0, len(files), _PART)])
    done = Part()

    async def one_after_the_other() -> None:
        for number, part in parts:
            if done.fault:
                return
            known = {file: keys.get(file) for file in part}
            run = _Run(
                work=work, folder=folder, hidden=hidden, session=row.id, writer=f"part{number}"
            )
            done.join(
                await context.processes.run(_part, run, context.prearchive, known, context.reached)
            )

    await in_turns(context, one_after_the_other)
    if done.rejected and not done.fault:
        done.fault = f"{work.name} rejects {len(done.rejected)} of the objects under these labels"
    if done.fault:
        await asyncio.to_thread(remove_tree, hidden)
        raise InvalidInput(done.fault)
    await asyncio.to_thread(_end, folder, hidden, wanted.token)
    await context.at("scripted anew")
    return f"{work.statement} ran again: {len(done.changed)} of {len(files)} files change"


async def adopt(context: JobContext, row: SessionRow, folder: Path) -> None:
    """Let what was prepared for a session's labels take the place of its files, and drop what was
    prepared for others. Run again after a kill it ends what was begun."""
    hidden = await asyncio.to_thread(_waiting, folder, labels_of(row).token)
    if hidden is None:
        return
    new = await asyncio.to_thread(_look, hidden)
    async with context.prearchive_db.write() as transaction:
        locked = await transaction.get_one(SessionRow, row.id, with_for_update=True)
        found = await transaction.execute(select(ObjectRow).where(ObjectRow.session == row.id))
        by_file = {entry.file: entry for entry in found.scalars()}
        for one in new:
            entry = by_file.get(one.file)
            if entry is not None:
                locked.bytes += one.size - entry.size
                entry.sop_uid, entry.size = one.sop, one.size
    await context.at("index follows")
    await asyncio.to_thread(_swap, context.prearchive, row.id, folder, hidden, context.reached)


async def _keys(context: JobContext, session: str) -> dict[str, Key]:
    query = select(ObjectRow.file, ObjectRow.received_sop_uid, ObjectRow.digest)
    async with context.prearchive_db.read() as transaction:
        found = await transaction.execute(query.where(ObjectRow.session == session))
        return {file: (uid, digest) for file, uid, digest in found.all()}


def _begin(folder: Path, hidden: Path, session: str) -> list[str]:
    for left in _prepared(folder):
        remove_tree(left)
    files = object_files(folder)
    for place in sorted({Path(file).parent for file in files}):
        (hidden / place).mkdir(mode=0o700, parents=True, exist_ok=True)
    if files:
        Originals(hidden).begin(session)
    return files


def _end(folder: Path, hidden: Path, token: str) -> None:
    """Make what was prepared durable, and give it the name by which it is found."""
    if not hidden.is_dir():
        return
    for path in sorted(hidden.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
    sync_folder(hidden)
    rename_durably(hidden, folder / f"{_DONE}{token}")


def _prepared(folder: Path) -> list[Path]:
    return [*folder.glob(f"{_DONE}*"), *folder.glob(f"{_DOING}*")]


def _waiting(folder: Path, token: str) -> Path | None:
    found = None
    for path in _prepared(folder):
        if path.name == f"{_DONE}{token}":
            found = path
        else:
            remove_tree(path)
    return found


def _look(hidden: Path) -> list[_New]:
    found = []
    for file in object_files(hidden):
        path = hidden / file
        with path.open("rb") as opened_file:
            meta = read_meta(opened_file.read(1 << 16))
        found.append(_New(file=file, sop=meta.sop_instance, size=path.stat().st_size))
    return found


def _swap(
    prearchive: Path, session: str, folder: Path, hidden: Path, reached: Callable[[str], None]
) -> None:
    # The records before the files: a changed file without its record could never be taken back. A
    # run after a kill finds them written, and writes the same again.
    _keep(prearchive, session, hidden)
    reached("undo records follow")
    for file in object_files(hidden):
        os.rename(hidden / file, folder / file)
        reached("file replaced")
    for place in sorted(folder.glob("SCANS/*/*")):
        if place.is_dir():
            sync_folder(place)
    remove_tree(hidden)


def _keep(prearchive: Path, session: str, hidden: Path) -> None:
    """Let the undo records tell of the objects as they become. Where nothing is kept of a session,
    nothing is kept now."""
    originals = Originals(prearchive)
    if not (originals.root / session).is_dir():
        return
    kept = {(one.received_sop, one.digest): one for one in originals.of(session)}
    fresh = {(one.received_sop, one.digest): one for one in Originals(hidden).of(session)}
    if fresh:
        originals.replace(session, (kept | fresh).values())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Run:
    """What a process of the pool needs to know."""

    work: ScriptWork
    folder: Path
    hidden: Path
    session: str
    writer: str


def _part(
    run: _Run,
    prearchive: Path,
    keys: Mapping[str, Key | None],
    reached: Callable[[str], None],
) -> Part:
    part = Part()
    kept = _Kept(Originals(prearchive), run.session, keys.values())
    try:
        for file, key in keys.items():
            outcome = _file(run, file, key, kept)
            if outcome is ScriptOutcome.REJECTED:
                part.rejected.append(file)
            elif outcome is ScriptOutcome.CHANGED:
                part.changed.append(file)
            reached("file scripted anew")
    except (InvalidInput, HeaderError) as error:
        part.fault = run.work.fault(error)
    return part


class _Kept:
    """The undo records of some objects."""

    def __init__(self, originals: Originals, session: str, keys: Iterable[Key | None]) -> None:
        wanted = {key for key in keys if key is not None}
        self.any = (originals.root / session).is_dir()
        self._by_key: dict[Key, Original] = {}
        for one in originals.of(session):
            if (one.received_sop, one.digest) in wanted:
                self._by_key[one.received_sop, one.digest] = one

    def find(self, key: Key | None) -> Original | None:
        """Return what is kept of an object."""
        return None if key is None else self._by_key.get(key)


def _file(run: _Run, file: str, key: Key | None, kept: _Kept) -> ScriptOutcome:
    work, source = run.work, run.folder / file
    stored = open_stored(source, guard=guard())
    if recorded_in(stored.head, work.record):
        return ScriptOutcome.UNCHANGED
    original = kept.find(key)
    undo = original.undo if original is not None else ()
    plan = work.plan()
    found = opened(stored, plan.reach, undo=[one for one in undo if one.path[0] not in _PIXELS])
    applied = plan.apply(found.subject, work.variables, undo=False, record="")
    if applied.outcome is ScriptOutcome.REJECTED:
        return ScriptOutcome.REJECTED
    if not found.subject.changed and not applied.pixels and not undo:
        return ScriptOutcome.UNCHANGED
    changed = found.subject.changed or bool(applied.pixels)
    takes_back = recorded(found.subject, work.record, plan) if changed else ()
    lacking = unsound(found.subject)
    if lacking:
        raise ScriptError(lacking)
    write(run.hidden / file, found, applied, pixels())
    # It came when it came, whatever is made of it later.
    came = source.stat()
    os.utime(run.hidden / file, ns=(came.st_atime_ns, came.st_mtime_ns))
    if key is not None and kept.any and (original is not None or _is_as_received(stored, key)):
        told = Original(
            received_sop=key[0],
            digest=key[1],
            sop=found.subject.text(0x00080018) or "",
            undo=_undo(found, applied, takes_back, undo, run.hidden / file),
        )
        Originals(run.hidden).append(run.session, run.writer, told)
    return ScriptOutcome.CHANGED


def _undo(
    found: Opened,
    applied: Applied,
    fresh: tuple[Undo, ...],
    before: Sequence[Undo],
    target: Path,
) -> tuple[Undo, ...]:
    """Return what takes the object back to what it was when it was received."""
    head = found.subject.head.header
    undo = {one.path: one for one in fresh}
    if applied.pixels:
        _, written = read_header(target, guard=guard())
        for tag in _PIXELS:
            element = _element(head, tag)
            if element != _element(written, tag):
                statement = applied.pixels[-1].statement
                undo[tag,] = Undo(path=(tag,), element=element, statement=statement)
    undo |= {one.path: one for one in before if one.path[0] in _PIXELS}
    return tuple(undo.values())


def _element(header: Header, tag: int) -> bytes | None:
    found = header.get(tag)
    return None if found is None else bytes(header.data[found.start : found.end])


def _is_as_received(stored: Stored, key: Key) -> bool:
    """Say whether no script has changed an object: there is no undo record of such either."""
    with stored.path.open("rb") as file:
        file.seek(stored.meta.dataset_offset)
        return has_digest(file, key[1])
