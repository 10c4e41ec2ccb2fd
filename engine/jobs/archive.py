# SPDX-License-Identifier: Apache-2.0
"""The archive job: files a prearchive session under its project and subject. Each step is
idempotent; after a kill at any moment the session is either in the prearchive or completely in the
archive. Merging into an existing session is not supported: the session becomes CONFLICT."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

from engine.archive import filing, projects, scan_types, subjects
from engine.jobs import archive_folder, left_out
from engine.jobs.archive_folder import Placed
from engine.jobs.build import assembled, build, drop_files, note
from engine.jobs.context import WORKING, JobContext, document_beside, remove_tree
from engine.jobs.departure import leave, object_files, recover_unrecorded
from engine.jobs.late_objects import recognise, remember
from engine.jobs.scripting import ScriptWork, script_work, to_archive
from engine.jobs.workflow import Work
from engine.model.accounts import Place
from engine.model.archive import NewSession, Reservation
from engine.model.desk import Desk
from engine.model.errors import Conflict, InvalidInput
from engine.model.imaging import SessionDocument
from engine.model.measures import say_count
from engine.model.scripts import project_scope
from engine.model.states import Verb
from engine.prearchive import desk
from engine.prearchive.tables import SessionRow
from engine.routing.labels import label_of_name
from engine.sessions.build.document import read_session, write_session
from engine.sessions.build.result import BuildResult
from engine.sessions.build.scans import learn_scan_types
from engine.sessions.contents import described

UNDECIDED = "nobody has decided on what contradicts itself in the session"

_GENDERS = {"M": "male", "F": "female", "O": "other"}


class ArchiveJob:
    """The steps of archiving."""

    def __init__(self, job_context: JobContext) -> None:
        """File from one prearchive into one archive."""
        self._context = job_context

    def work(self) -> Work:
        """Name the steps."""
        return Work(
            steps=[
                # The order makes a kill at any point harmless. Until `commit` the prearchive counts
                # as the place of the session, and what is in the archive is undone or recognised;
                # from then on the archive does, and `leave` only removes what is left.
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
        row = await self._context.owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        if row.project is None:
            raise InvalidInput("a session without a project cannot be archived: move it first")
        folder = await self._context.take_away(row)
        await recover_unrecorded(self._context, row, folder)

    async def _complete(self, session: str, attempt: int) -> None:
        """Build again where objects came after the last build: nothing is filed half."""
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        folder = self._context.prearchive / row.working_folder
        await recognise(self._context, row, folder)
        files = await asyncio.to_thread(object_files, folder)
        if not files:
            raise InvalidInput("an empty session cannot be archived")
        if len(files) == row.built_objects and document_beside(folder).exists():
            if row.contradictions:
                raise Conflict(row.reason or UNDECIDED)
            return
        result = await build(self._context, row, folder)
        async with self._context.prearchive_db.write() as transaction:
            locked = await transaction.get_one(SessionRow, session, with_for_update=True)
            superfluous = await note(transaction, locked, result)
        await self._context.at("build recorded")
        await asyncio.to_thread(drop_files, folder, superfluous)
        if result.conflicts:
            raise Conflict(result.conflict)
        if result.unreadable:
            raise InvalidInput(result.unreadable)

    async def _reserve(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None or row.project is None:
            return
        async with self._context.archive_db.write() as transaction:
            await filing.reserve(transaction, origin=row.id, project=row.project, label=row.label)
        await self._context.at("reserved")

    async def _file(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None:
            return
        place = await self._place(row)
        if not await asyncio.to_thread(archive_folder.stands, place, await self._accession(row)):
            await self._fill(row, place)
        await self._context.at("filed")

    async def _fill(self, row: SessionRow, place: Placed) -> None:
        """Make the archive's folder. What a script changes or leaves out is told anew from the
        files as they are then: scripts may change UIDs, and all that a document says. The session
        has its prearchive id until it is filed."""
        context = self._context
        folder = context.prearchive / row.working_folder
        document = await self._built(document_beside(folder))
        subject = subject_of(row, document)
        work = await self._script(row, subject)
        await asyncio.to_thread(archive_folder.make_hidden, place, context.reached)
        moved: dict[str, str] = {}
        if work is None:
            await asyncio.to_thread(archive_folder.bring, folder, place, context.reached)
            await asyncio.to_thread(left_out.forget, context.prearchive, row.id)
        else:
            document, moved = await self._scripted(row, place, work, document)
        gone = await asyncio.to_thread(left_out.read, context.prearchive, row.id)
        await remember(context, row, place.hidden, moved, frozenset(gone.files))
        filed = replace(
            document,
            id=row.id,
            project=row.project or "",
            label=row.label,
            subject=subject,
            prearchive_path="",
        )
        await asyncio.to_thread(archive_folder.finish, place, write_session(filed), context.reached)

    async def _script(self, row: SessionRow, subject: str) -> ScriptWork | None:
        if row.prevent_anon or row.project is None:
            return None
        return await script_work(
            self._context,
            project_scope(row.project),
            project=row.project,
            subject=subject,
            session=row.label,
        )

    async def _scripted(
        self, row: SessionRow, place: Placed, work: ScriptWork, document: SessionDocument
    ) -> tuple[SessionDocument, dict[str, str]]:
        """Fill the hidden folder with what the project's script makes of the session's objects;
        give the document of that, and where objects lie that were moved for it."""
        context = self._context
        folder = context.prearchive / row.working_folder
        objects = await asyncio.to_thread(object_files, folder)
        without = await asyncio.to_thread(archive_folder.objects_and_catalogs, folder)
        bring = partial(archive_folder.bring, folder, place, context.reached, without=without)
        await asyncio.to_thread(bring)
        done = await to_archive(context, work, folder, objects, place.hidden)
        if len(done.rejected) == len(objects):
            raise InvalidInput(f"{work.name} rejects every object: nothing is left to archive")
        gone = left_out.LeftOut(files=tuple(sorted(done.rejected)), by=str(work.statement))
        await asyncio.to_thread(left_out.write, context.prearchive, row.id, gone)
        await context.at("objects scripted")
        if not done.changed and not done.rejected:
            await asyncio.to_thread(archive_folder.bring_catalogs, folder, place)
            return document, {}
        await asyncio.to_thread(archive_folder.bring_document, document_beside(folder), place)
        result = await assembled(
            context, row, place.hidden, subject=subject_of(row, document), place=place.final
        )
        _must_be_sound(result, work)
        return result.document, {move.source: move.target for move in result.moves}

    async def _commit(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is None or row.project is None:
            return
        place = await self._place(row)
        built = await self._built(place.document)
        ran = await asyncio.to_thread(left_out.read, self._context.prearchive, session)
        site = self._context.settings.site_id
        async with self._context.prearchive_db.read() as transaction:
            said = desk.told(session, (await desk.of(transaction, (session,))).get(session))
        async with self._context.archive_db.write() as transaction:
            # Drawn in this transaction: if it fails, the accession ID is not used up.
            document = replace(built, id=await filing.draw(transaction, session, site=site))
            subject = await subjects.find_or_create(
                transaction,
                row.project,
                document.subject,
                site=site,
                actor=row.asked_by or "engine",
                experiment=document.id,
                gender=_GENDERS.get(document.patient_sex, ""),
            )
            folder = place.final.relative_to(self._context.archive)
            received = self._context.receipts.mark(row.received_study_uid)
            await filing.commit(
                transaction,
                session,
                _new_session(row, document, subject.id, str(folder), received, said),
                [described(scan) for scan in document.scans],
                accession=document.id,
                xml=write_session(document).decode(),
                search_text=document.operator,
                actor=row.asked_by or "engine",
                script=ran.by,
                into_quarantine=row.quarantine,
            )
            pairs = [(scan.series_description, scan.type) for scan in document.scans]
            await scan_types.learn(transaction, row.project, learn_scan_types(pairs))
        await self._context.at("committed")

    async def _leave(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is not None:
            await self._name(session)
            gone = await asyncio.to_thread(left_out.read, self._context.prearchive, session)
            await leave(self._context, row, Place.ARCHIVED, "Archived", left_out=gone)
            await self._context.at("left the prearchive")
        # Also without a row: an earlier run may have been killed between the row and this folder.
        await asyncio.to_thread(remove_tree, self._context.prearchive / WORKING / session)
        if row is not None:
            self._context.changed(session, "archived", "info")

    async def _name(self, session: str) -> None:
        """Tell the document beside the files what the session is called in the archive."""
        standing = await self._standing(session)
        if standing is None or not standing.filed:
            return
        document = self._context.archive / standing.folder / f"{standing.label}.xml"
        await asyncio.to_thread(
            archive_folder.name, document, standing.accession, self._context.reached
        )

    async def _standing(self, session: str) -> Reservation | None:
        async with self._context.archive_db.read() as transaction:
            return await filing.standing(transaction, session)

    async def _accession(self, row: SessionRow) -> str:
        """Return the accession ID that is known for a session; empty where none has been drawn."""
        standing = await self._standing(row.id)
        return "" if standing is None else standing.accession

    async def _place(self, row: SessionRow) -> Placed:
        assert row.project is not None
        async with self._context.archive_db.read() as transaction:
            project = await projects.show(transaction, row.project)
        arc = self._context.archive / row.project / project.current_arc
        return Placed(root=self._context.archive, arc=arc, label=row.label, origin=row.id)

    async def _built(self, path: Path) -> SessionDocument:
        return read_session(await asyncio.to_thread(path.read_bytes))

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        row = await self._context.still_owned(session, Verb.ARCHIVE, attempt)
        if row is not None and not await self.take_back(row):
            await self._context.fail(session, Verb.ARCHIVE, attempt, code, reason)

    async def take_back(self, row: SessionRow) -> bool:
        """Undo what an attempt that cannot go on has done in the archive. True when the session is
        filed already: then there is no way back, and it leaves the prearchive instead."""
        standing = await self._standing(row.id)
        if standing is not None and standing.filed:
            await self._leave(row.id, row.attempt)
            return True
        if row.project is not None:
            place = await self._place(row)
            await asyncio.to_thread(archive_folder.take_out, place, await self._accession(row))
        await asyncio.to_thread(left_out.forget, self._context.prearchive, row.id)
        async with self._context.archive_db.write() as transaction:
            await filing.release(transaction, row.id)
        return False


def _new_session(
    row: SessionRow,
    document: SessionDocument,
    subject: str,
    folder: str,
    received: str,
    said: Desk,
) -> NewSession:
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
        received_from=row.uploaded,
        received_to=row.last_object,
        receiver=row.receiver,
        reviewed=said.reviewed,
        reviewed_by=said.reviewed_by,
    )


def subject_of(row: SessionRow, document: SessionDocument) -> str:
    """Return the label of the subject under which a session is filed.

    Raises:
        InvalidInput: if nothing names one.
    """
    label = row.subject or document.subject or label_of_name(document.patient_name)
    if not label:
        raise InvalidInput("nothing names a subject: relabel the session")
    return label


def _must_be_sound(result: BuildResult, work: ScriptWork) -> None:
    """Refuse what a script has made of a session where no archive should take it."""
    if result.unreadable:
        raise InvalidInput(f"after {work.name}, {result.unreadable}")
    if result.conflicts:
        raise Conflict(f"after {work.name}, {result.conflict}")
    if result.duplicates:
        count = say_count(len(result.duplicates), "object")
        raise Conflict(f"{work.name} makes {count} the same as others")
