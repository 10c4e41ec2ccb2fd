# SPDX-License-Identifier: Apache-2.0
"""The claim desk: finds or creates the prearchive row that an object joins (intake contract 6). One
row per project, received study and label is `accepting`; the loser of a race uses the row of the
winner. Only the desk makes session folders, always before the row that names them."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from engine.archive.audit.trail import record_triage
from engine.database.connection import Database
from engine.intake.claims import Claim, ClaimRequest, Known, NoClaim
from engine.intake.originals import Originals
from engine.model.identifiers import new_prearchive_id
from engine.model.states import Status
from engine.prearchive.rows import folder_of, place_of, settle, timestamp_of
from engine.prearchive.tables import ObjectRow, SessionRow
from engine.sessions.build.level import iso_date, iso_time
from engine.storage.folders import sync_folder

BEGUN = "Began receiving"
"""What the audit trail says of the first object of a session."""

_TRIES = 50


class ClaimDesk:
    """Answers claims from the database; shared by the workers' channels and by uploads."""

    def __init__(self, database: Database, prearchive: Path) -> None:
        """Answer for one prearchive."""
        self._database = database
        self._prearchive = prearchive
        self._originals = Originals(prearchive)

    async def claim(self, request: ClaimRequest) -> tuple[Claim, bool]:
        """Return the row for a request, and whether it was made just now.

        Raises:
            NoClaim: if no row can be had.
        """
        moment = datetime.now().astimezone()
        for attempt in range(_TRIES):
            found = await self._accepting(request)
            if found is not None:
                if await asyncio.to_thread(Path(found.folder).is_dir):
                    return found, False
                await self._close(found.session)
                continue
            timestamp = timestamp_of(moment + timedelta(milliseconds=attempt))
            folder = place_of(self._prearchive, request.project or None, timestamp, request.label)
            made = await asyncio.to_thread(_make_folder, self._prearchive, folder)
            if not made:
                continue
            try:
                claim = await self._insert(request, timestamp, folder)
            except IntegrityError:
                # Somebody else made the accepting row, or took this very place.
                await asyncio.to_thread(_drop_folder, folder)
                continue
            return claim, True
        raise NoClaim("no prearchive row could be made")

    async def known(self, session: str, file: str) -> tuple[Known, ...]:
        """Say what the private index knows of a file."""
        async with self._database.read() as transaction:
            rows = await transaction.execute(
                select(ObjectRow.received_sop_uid, ObjectRow.digest).where(
                    ObjectRow.session == session, ObjectRow.file == file
                )
            )
            return tuple(Known(received_sop=sop, digest=digest) for sop, digest in rows.all())

    async def _accepting(self, request: ClaimRequest) -> Claim | None:
        async with self._database.read() as transaction:
            row = await _find(transaction, request)
            if row is None:
                return None
            return Claim(session=row.id, folder=str(folder_of(row, self._prearchive)))

    async def _close(self, session: str) -> None:
        """Take a row whose folder somebody has removed out of the claims."""
        async with self._database.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == session).with_for_update()
            row = (await transaction.execute(query)).scalar_one_or_none()
            # A job may have taken it meanwhile: then its folder is gone rightly.
            if row is not None and row.accepting:
                row.accepting = False
                settle(row, Status.ERROR, "its folder is missing from the prearchive")

    async def _insert(self, request: ClaimRequest, timestamp: str, folder: Path) -> Claim:
        now = datetime.now(UTC)
        row = SessionRow(
            id=new_prearchive_id(),
            project=request.project or None,
            timestamp=timestamp,
            folder=request.label,
            label=request.label,
            subject=request.subject or None,
            received_study_uid=request.study_uid,
            study_uid=request.study_uid,
            status=Status.RECEIVING,
            accepting=True,
            snapshot=request.snapshot,
            autoarchive=request.auto_archive,
            prevent_anon=request.prevent_anon,
            source=request.source,
            scan_date=iso_date(request.scan_date),
            scan_time=iso_time(request.scan_time),
            uploaded=now,
            lastmod=now,
            last_object=now,
            receiver=request.receiver,
            calling=request.calling,
            account=request.account,
            file_name_template=request.file_name_template,
        )
        began = {"receiver": request.receiver, "remote": request.calling}
        if request.project:
            began["project"] = request.project
        await asyncio.to_thread(self._originals.begin, row.id)
        try:
            async with self._database.write() as transaction:
                transaction.add(row)
                record_triage(transaction, request.account or "receiver", BEGUN, row.id, began)
        except BaseException:
            await asyncio.to_thread(self._originals.drop, row.id)
            raise
        return Claim(session=row.id, folder=str(folder))


async def _find(transaction: AsyncSession, request: ClaimRequest) -> SessionRow | None:
    found = await transaction.execute(
        select(SessionRow).where(
            func.coalesce(SessionRow.project, "") == request.project,
            SessionRow.received_study_uid == request.study_uid,
            SessionRow.label == request.label,
            SessionRow.accepting,
        )
    )
    return found.scalar_one_or_none()


def _make_folder(root: Path, folder: Path) -> bool:
    """Make a session folder durably; False when its place is taken."""
    above = [root / parent for parent in reversed(folder.relative_to(root).parents)]
    try:
        for path in above:
            path.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700)
    except (FileExistsError, FileNotFoundError):
        return False  # not found: a job has just removed the emptied folder above it
    try:
        # All of them: who made one before us may not have synced it yet, or have failed to.
        for path in above:
            sync_folder(path)
    except OSError as error:
        _drop_folder(folder)
        if isinstance(error, FileNotFoundError):
            return False
        raise
    return True


def _drop_folder(folder: Path) -> None:
    for path in (folder, folder.parent):
        try:
            os.rmdir(path)
        except OSError:
            return
