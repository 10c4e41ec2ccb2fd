"""The archive job: files a prearchive session under its project and subject (intake.md 8.1). Each
step is idempotent; a kill at any instant leaves the session either in the prearchive or wholly in
the archive. Merging into a session that exists is answered CONFLICT."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.archive import filing, projects, scan_types, subjects
from engine.archive.prearchive.tables import SessionRow
from engine.intake.build.document import read_session, write_session
from engine.intake.build.scans import learn_scan_types
from engine.intake.folders import make_durably
from engine.intake.journal import sync_folder
from engine.jobs.build import build, drop_files, note
from engine.jobs.leave import leave, object_files, recover_unrecorded
from engine.jobs.runner import Work
from engine.jobs.workshop import LOGS, WORKING, Workshop, document_beside, remove_tree
from engine.model.accounts import Place
from engine.model.archive import NewSession, Reservation, ScanSummary
from engine.model.errors import Conflict, InvalidInput
from engine.model.imaging import ScanDocument, SessionDocument
from engine.model.states import Verb

_GENDERS = {"M": "male", "F": "female", "O": "other"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """Where a session will stand in the archive."""

    root: Path
    arc: Path
    label: str
    origin: str

    @property
    def final(self) -> Path:
        return self.arc / self.label

    @property
    def hidden(self) -> Path:
        """On the archive's file system, so that one rename makes it visible."""
        return self.arc / f".filing-{self.origin}"


class ArchiveJob:
    """The steps of archiving."""

    def __init__(self, workshop: Workshop) -> None:
        """File from one prearchive into one archive."""
        self._shop = workshop

    def work(self) -> Work:
        """Name the steps."""
        return Work(
            steps=[
                ("take", self._take),
                ("complete", self._complete),
                ("reserve", self._reserve),
                ("file", self._file),
                ("commit", self._commit),
                ("leave", self._leave),
            ],
            fail=self._fail,
        )

    async def _take(self, session: str, attempt: int) -> None:
        row = await self._shop.owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        if row.project is None:
            raise InvalidInput("a session without a project cannot be archived: move it first")
        folder = await self._shop.take_away(row)
        await recover_unrecorded(self._shop, row, folder)

    async def _complete(self, session: str, attempt: int) -> None:
        """Build again where objects came after the last build: nothing is filed half."""
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        folder = self._shop.prearchive / row.working_folder
        files = await asyncio.to_thread(object_files, folder)
        if not files:
            raise InvalidInput("an empty session cannot be archived")
        if len(files) == row.built_objects and document_beside(folder).exists():
            return
        result = await build(self._shop, row, folder)
        async with self._shop.prearchive_db.write() as transaction:
            locked = await transaction.get_one(SessionRow, session, with_for_update=True)
            superfluous = await note(transaction, locked, result)
        await self._shop.at("build recorded")
        await asyncio.to_thread(drop_files, folder, superfluous)
        if result.conflicts:
            raise Conflict(result.conflicts[0])
        if result.unreadable:
            raise InvalidInput(result.unreadable)

    async def _reserve(self, session: str, attempt: int) -> None:
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None or row.project is None:
            return
        await self._reservation(row)
        await self._shop.at("reserved")

    async def _file(self, session: str, attempt: int) -> None:
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        place = await self._place(row)
        document, xml = await self._document(row)
        folder = self._shop.prearchive / row.working_folder
        await asyncio.to_thread(_file_away, folder, place, document.id, xml, self._shop.reached)
        await self._shop.at("filed")

    async def _commit(self, session: str, attempt: int) -> None:
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None or row.project is None:
            return
        place = await self._place(row)
        document, xml = await self._document(row)
        async with self._shop.archive_db.write() as transaction:
            subject = await subjects.find_or_create(
                transaction,
                row.project,
                _subject(row, document),
                site=self._shop.settings.site_id,
                actor=row.asked_by or "engine",
                experiment=document.id,
                gender=_GENDERS.get(document.patient_sex, ""),
            )
            folder = place.final.relative_to(self._shop.archive)
            received = self._shop.receipts.mark(row.received_study_uid)
            await filing.commit(
                transaction,
                session,
                _new_session(document, subject.id, str(folder), received),
                [_scan(scan) for scan in document.scans],
                xml=xml.decode(),
                search_text=document.operator,
                actor=row.asked_by or "engine",
            )
            pairs = [(scan.series_description, scan.type) for scan in document.scans]
            await scan_types.learn(transaction, row.project, learn_scan_types(pairs))
        await self._shop.at("committed")

    async def _leave(self, session: str, attempt: int) -> None:
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is not None:
            await leave(self._shop, row, Place.ARCHIVED, "Archived")
            await self._shop.at("left the prearchive")
        await asyncio.to_thread(remove_tree, self._shop.prearchive / WORKING / session)
        if row is not None:
            self._shop.changed(session, "archived", "info")

    async def _reservation(self, row: SessionRow) -> Reservation:
        """Give the accession ID that is kept for this session; asked again it is the same."""
        assert row.project is not None
        async with self._shop.archive_db.write() as transaction:
            return await filing.reserve(
                transaction,
                origin=row.id,
                project=row.project,
                label=row.label,
                site=self._shop.settings.site_id,
            )

    async def _place(self, row: SessionRow) -> _Place:
        assert row.project is not None
        async with self._shop.archive_db.read() as transaction:
            project = await projects.show(transaction, row.project)
        arc = self._shop.archive / row.project / project.current_arc
        return _Place(root=self._shop.archive, arc=arc, label=row.label, origin=row.id)

    async def _document(self, row: SessionRow) -> tuple[SessionDocument, bytes]:
        """Give the session document as it will be filed."""
        folder = self._shop.prearchive / row.working_folder
        built = read_session(await asyncio.to_thread(document_beside(folder).read_bytes))
        reservation = await self._reservation(row)
        document = replace(
            built,
            id=reservation.accession,
            project=row.project or "",
            label=row.label,
            subject=_subject(row, built),
            prearchive_path="",
        )
        return document, write_session(document)

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        row = await self._shop.still_owned(session, Verb.ARCHIVE, attempt)
        if row is not None and not await self.take_back(row):
            await self._shop.fail(session, Verb.ARCHIVE, attempt, code, reason)

    async def take_back(self, row: SessionRow) -> bool:
        """Undo what an attempt that cannot go on has done in the archive. True when the session is
        filed already: then there is no way back, and it leaves the prearchive instead."""
        async with self._shop.archive_db.read() as transaction:
            standing = await filing.standing(transaction, row.id)
        if standing is not None and standing.filed:
            await self._leave(row.id, row.attempt)
            return True
        if row.project is not None:
            place = await self._place(row)
            accession = "" if standing is None else standing.accession
            await asyncio.to_thread(_take_out, place, accession)
        async with self._shop.archive_db.write() as transaction:
            await filing.release(transaction, row.id)
        return False


def _new_session(document: SessionDocument, subject: str, folder: str, received: str) -> NewSession:
    resources = [resource for scan in document.scans for resource in scan.resources]
    return NewSession(
        project=document.project,
        subject=subject,
        label=document.label,
        xsi_type=document.type,
        folder=folder,
        modality=document.modality,
        uid=document.uid,
        received_study=received,
        date=document.date,
        time=document.time,
        age=document.patient_age,
        scanner=document.scanner,
        manufacturer=document.manufacturer,
        model=document.model,
        acquisition_site=document.acquisition_site,
        description=document.session_type,
        files=sum(resource.file_count for resource in resources),
        bytes=sum(resource.file_size for resource in resources),
    )


def _scan(scan: ScanDocument) -> ScanSummary:
    return ScanSummary(
        id=scan.id,
        xsi_type=scan.xsi_type,
        uid=scan.uid,
        type=scan.type,
        series_description=scan.series_description,
        modality=scan.modality,
        quality=scan.quality,
        frames=scan.frames,
        files=sum(resource.file_count for resource in scan.resources),
        bytes=sum(resource.file_size for resource in scan.resources),
    )


def _subject(row: SessionRow, document: SessionDocument) -> str:
    label = row.subject or document.subject or document.patient_name
    if not label:
        raise InvalidInput("nothing names a subject: relabel the session")
    return label


def _file_away(
    folder: Path, place: _Place, accession: str, xml: bytes, reached: Callable[[str], None]
) -> None:
    """Make the archive's folder beside its final name and rename it into place, durably.

    Raises:
        Conflict: if something else stands at that place.
        OSError: if it cannot be written; the prearchive's files are untouched.
    """
    if place.final.exists():
        if _is_ours(place, accession):
            sync_folder(place.arc)  # what was renamed there may not be durable yet
            return
        raise Conflict("a folder of that label stands in the archive already")
    remove_tree(place.hidden)
    make_durably(place.root, place.arc, mode=0o750)
    reached("archive folder made")
    place.hidden.mkdir(mode=0o750)
    for source in _what_is_filed(folder):
        target = place.hidden / source.relative_to(folder)
        if source.is_dir():
            target.mkdir(mode=0o750)
        elif source.is_file():
            _link_or_copy(source, target)
            reached("file filed")
    (place.hidden / f"{place.label}.xml").write_bytes(xml)
    with (place.hidden / f"{place.label}.xml").open("rb") as file:
        os.fsync(file.fileno())
    for path in sorted(place.hidden.rglob("*"), reverse=True):
        if path.is_dir():
            sync_folder(path)
    sync_folder(place.hidden)
    reached("hidden folder made")
    os.rename(place.hidden, place.final)
    reached("renamed into place")
    sync_folder(place.arc)


def _what_is_filed(folder: Path) -> list[Path]:
    """List what leaves the prearchive, folders before what is in them. The session's own log stays
    behind: it may tell of labels that a patient's name had given."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.name != LOGS:
            found.append(path)
            found += sorted(path.rglob("*"))
    return found


def _take_out(place: _Place, accession: str) -> None:
    """Remove a folder that was never filed; the prearchive still has all of its files."""
    if accession and _is_ours(place, accession):
        remove_tree(place.hidden)
        os.rename(place.final, place.hidden)
        sync_folder(place.arc)
    remove_tree(place.hidden)


def _is_ours(place: _Place, accession: str) -> bool:
    """Whether a killed attempt of this very job had already put the folder into place."""
    try:
        return read_session((place.final / f"{place.label}.xml").read_bytes()).id == accession
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False


def _link_or_copy(source: Path, target: Path) -> None:
    """A file that no script touches is linked on one file system, copied and synced elsewhere."""
    try:
        os.link(source, target)
    except OSError:
        with source.open("rb") as old, target.open("xb") as new:
            shutil.copyfileobj(old, new, 1 << 20)
            new.flush()
            os.fdatasync(new.fileno())
