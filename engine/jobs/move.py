# SPDX-License-Identifier: Apache-2.0
"""The move job: a prearchive session gets another project, label or subject. The new values are in
the row, not in the job's arguments. The site script runs again with the new labels, and the session
is built at its new place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from sqlalchemy import func, select

from engine.archive.audit.trail import record_triage
from engine.jobs import decisions
from engine.jobs.build import build, drop_files, note
from engine.jobs.context import JobContext, rename_with_document, taken_folder
from engine.jobs.departure import object_files, recover_unrecorded
from engine.jobs.rerun import Wanted, prepare
from engine.jobs.separation import bring_back, place_aside, put_aside
from engine.jobs.workflow import Work
from engine.model.errors import Conflict, EngineError, InvalidInput
from engine.model.measures import say_count
from engine.model.prearchive import UNASSIGNED
from engine.model.states import Status, Verb
from engine.prearchive import arriving
from engine.prearchive.rows import place_of
from engine.prearchive.tables import SessionRow
from engine.routing.router import RoutingConfig
from engine.sessions.build.result import BuildResult
from engine.sessions.rerouting import route_first, without_values

_MOVED, _RELABELLED = "moved", "relabelled"
PATIENTS_FIRST = "objects of several patients are in the session"


class MoveJob:
    """The steps of a move or relabelling."""

    def __init__(
        self, job_context: JobContext, routing: Callable[[], RoutingConfig] = RoutingConfig
    ) -> None:
        """Move within one prearchive; `routing` gives the routing in force."""
        self._context = job_context
        self._routing = routing

    def work(self) -> Work:
        """Name the steps."""
        return Work(
            steps=[
                ("take", self._take),
                ("decide", self._decide),
                ("script", self._script),
                ("rename", self._rename),
                ("build", self._build),
            ],
            fail=self._fail,
        )

    async def _take(self, session: str, attempt: int) -> None:
        row = await self._context.owned(session, Verb.MOVE, attempt)
        if row is not None:
            folder = await self._context.take_away(row)
            await recover_unrecorded(self._context, row, folder)
            await self._keep_route(row, folder)

    async def _keep_route(self, row: SessionRow, folder: Path) -> None:
        """Record how the session was routed, while its headers are still as received."""
        if row.routed or not _wants(row):
            return
        with suppress(EngineError):  # what cannot be routed goes where the user wants it
            route = await self._context.processes.run(
                route_first, folder, self._routing(), row.receiver
            )
            async with self._context.prearchive_db.write() as transaction:
                locked = await transaction.get_one(SessionRow, row.id, with_for_update=True)
                locked.routed = msgspec.json.encode(without_values(route)).decode()

    async def _decide(self, session: str, attempt: int) -> None:
        """Carry out what was decided on the session's contradictions. While several patients are
        in it the script must not run: it would make one of them."""
        row = await self._context.still_owned(session, Verb.MOVE, attempt)
        if row is None:
            return
        folder = self._context.prearchive / row.working_folder
        decision = decisions.decision_of(row)
        if decision is not None and decision.carried_out:
            return
        if (
            decision is None
            or not place_aside(self._context.prearchive, row, decision.aside).exists()
        ):
            row = await self._look_anew(row, folder)
        kept = await asyncio.to_thread(decisions.read, folder)
        if decision is None:
            if row.several_patients:
                raise Conflict(row.reason or PATIENTS_FIRST, hint="decide on them first")
            return
        decisions.check(kept, decision.choices, decision.seen)
        gone = decisions.set_aside(kept, decision.choices)
        if gone:
            subject = decisions.subject_aside(kept, decision.choices, row.subject)
            await put_aside(self._context, row, folder, gone, decision.aside, subject=subject)
        what = f"{say_count(len(gone), 'object')} put aside as {decision.aside}"
        told = what if gone else "all objects are said to be of one patient"
        await self._context.log(session, f"decided by {row.asked_by}: {told}")

    async def _look_anew(self, row: SessionRow, folder: Path) -> SessionRow:
        """Build what has come since the last build: the script could hide whose it is."""
        files = await asyncio.to_thread(object_files, folder)
        if len(files) == row.built_objects:
            return row
        with suppress(InvalidInput):  # what cannot be built is told at its new place
            await build_and_note(self._context, row, folder)
        async with self._context.prearchive_db.read() as transaction:
            return await transaction.get_one(SessionRow, row.id)

    async def _script(self, session: str, attempt: int) -> None:
        """Run the site script before the row says anything new: where it fails, all stays."""
        row = await self._context.still_owned(session, Verb.MOVE, attempt)
        if row is None or not _wants(row):
            return
        project, label, subject = _wanted(row)
        wanted = Wanted(project=project or "", subject=subject or "", label=label)
        folder = self._context.prearchive / row.working_folder
        told = await prepare(self._context, row, folder, wanted)
        if told:
            await self._context.log(session, told)

    async def _rename(self, session: str, attempt: int) -> None:
        """Set the new place in the row; the folder follows when the session is released."""
        row = await self._context.still_owned(session, Verb.MOVE, attempt)
        if row is None or not _wants(row):
            return
        project, label, subject = _wanted(row)
        # What was decided only lets the script run again for the same labels.
        changes = _told(row, project, label, subject)
        target = place_of(self._context.prearchive, project, row.timestamp, label)
        # Folder and row are both checked: either may exist without the other after a crash.
        if (project, label) != (row.project, row.folder) and target.exists():
            raise Conflict("another session is at that place already")
        async with self._context.prearchive_db.write() as transaction:
            query = select(SessionRow).where(SessionRow.id == session).with_for_update()
            locked = (await transaction.execute(query)).scalar_one()
            taken = select(func.count()).where(
                SessionRow.id != session,
                func.coalesce(SessionRow.project, "") == (project or ""),
                SessionRow.timestamp == row.timestamp,
                SessionRow.folder == label,
            )
            if (await transaction.execute(taken)).scalar_one():
                raise Conflict("another session is at that place already")
            detail = {"moved": project != row.project, "relabelled": label != row.label}
            if changes:
                record_triage(transaction, row.asked_by, "Changed place or label", session, detail)
            locked.project, locked.label, locked.folder = project, label, label
            locked.subject = subject
            # The script may map UIDs by the labels: what comes late is of other series then.
            await arriving.lose_track(transaction, locked)
            locked.wanted_project = locked.wanted_label = locked.wanted_subject = None
        await self._context.at("renamed")
        if changes:
            await self._context.log(session, changes)

    async def _build(self, session: str, attempt: int) -> None:
        row = await self._context.still_owned(session, Verb.MOVE, attempt)
        if row is None:
            return
        await build_and_settle(self._context, row)

    async def _fail(self, session: str, attempt: int, code: str, reason: str) -> None:
        row = await self._context.still_owned(session, Verb.MOVE, attempt)
        if row is None:
            return
        await self.take_back(row)
        async with self._context.prearchive_db.write() as transaction:
            locked = await transaction.get_one(SessionRow, session, with_for_update=True)
            # It is asked for anew, and then nothing of this attempt may come along.
            locked.wanted_project = locked.wanted_label = locked.wanted_subject = None
        await self._context.fail(session, Verb.MOVE, attempt, code, reason)

    async def take_back(self, row: SessionRow) -> None:
        """Fetch objects that had been put aside before there was a row for them."""
        if row.working_folder:
            folder = taken_folder(self._context.prearchive / row.working_folder)
            await asyncio.to_thread(bring_back, self._context.prearchive, row, folder)


async def build_and_note(
    context: JobContext, row: SessionRow, folder: Path, *, one_patient: bool = False
) -> BuildResult:
    """Build a taken session, and let row and index follow.

    Raises:
        InvalidInput: if it cannot be built.
    """
    result = await build(context, row, folder, one_patient=one_patient)
    async with context.prearchive_db.write() as transaction:
        query = select(SessionRow).where(SessionRow.id == row.id).with_for_update()
        locked = (await transaction.execute(query)).scalar_one()
        superfluous = await note(transaction, locked, result)
        locked.reason = result.conflict
        locked.working_folder = str(folder.relative_to(context.prearchive))
    await context.at("build recorded")
    await asyncio.to_thread(drop_files, folder, superfluous)
    return result


async def build_and_settle(context: JobContext, row: SessionRow) -> None:
    """Build a taken session anew, and give it back at its place with what the build says.

    Raises:
        InvalidInput: if it cannot be built; it is still taken.
    """
    home = place_of(context.prearchive, row.project, row.timestamp, row.folder)
    working = context.prearchive / row.working_folder
    folder = await asyncio.to_thread(_with_name, context.prearchive, home, working, row.folder)
    await context.at("folder renamed")
    decision = decisions.decision_of(row)
    accepts = decision is not None and decision.accepts
    result = await build_and_note(context, row, folder, one_patient=accepts)
    status, reason = Status.READY, ""
    if result.conflicts:
        status, reason = Status.CONFLICT, result.conflict
    elif result.unreadable:
        status, reason = Status.ERROR, result.unreadable
    await context.give_back(row.id, status, reason)


def _told(row: SessionRow, project: str | None, label: str, subject: str | None) -> str:
    """Say what changed, for the session's own log, which stays in the prearchive."""
    before_and_after = (
        ("project", row.project, project),
        ("label", row.label, label),
        ("subject", row.subject, subject),
    )
    changes = [
        f"{name} {before or UNASSIGNED} -> {after or UNASSIGNED}"
        for name, before, after in before_and_after
        if before != after
    ]
    done = _MOVED if before_and_after[0][1] != before_and_after[0][2] else _RELABELLED
    return f"{done} by {row.asked_by or 'engine'}: {'; '.join(changes) or 'nothing changed'}"


def tells_of_a_move(entry: str) -> bool:
    """Whether an entry of a session's log says that somebody has moved or relabelled it."""
    return entry.startswith((f"{_MOVED} by ", f"{_RELABELLED} by "))


def _wants(row: SessionRow) -> bool:
    wanted = (row.wanted_project, row.wanted_label, row.wanted_subject)
    return any(value is not None for value in wanted)


def _wanted(row: SessionRow) -> tuple[str | None, str, str | None]:
    """Return project, label and subject as they are to be."""
    # An empty project is Unassigned; None leaves the project as it is.
    project = row.project if row.wanted_project is None else row.wanted_project or None
    subject = row.wanted_subject if row.wanted_subject is not None else row.subject
    return project, row.wanted_label or row.label, subject


def _with_name(root: Path, home: Path, working: Path, name: str) -> Path:
    """Return a taken folder its new name; one that was given back by halves is taken again."""
    target = working.with_name(name)
    for source in (home, taken_folder(working)):
        if source != target and source.is_dir():
            rename_with_document(root, source, target)
    return target
