# SPDX-License-Identifier: Apache-2.0
"""Scripts over the files of a whole session, in the process pool: which script is in force for it,
and its result for each file on the way to the archive. Jobs decide where the files go, and what is
counted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path

from engine.anonymize.faults import ScriptError
from engine.anonymize.hosting import ready, record_id, variables
from engine.anonymize.pixels.guard import PixelGuard
from engine.anonymize.runtime.plan import CompiledScript
from engine.anonymize.runtime.record import recorded_in
from engine.anonymize.stored import open_stored, opened, write
from engine.archive import scripts, secrets
from engine.dicom.guard import Guard
from engine.dicom.header import HeaderError
from engine.intake.identity import unsound
from engine.intake.site_script import recorded
from engine.jobs.context import JobContext
from engine.model.changes import ScriptOutcome, Statement
from engine.model.errors import InvalidInput
from engine.model.scripts import ScriptInForce, project_of
from engine.storage.files import link_or_copy

_PART = 200
"""Files that one process is given at once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptWork:
    """A script in force for the objects of one session, as it is handed to other processes."""

    script: ScriptInForce
    variables: dict[str, str]
    record: str
    """The id that objects carry once the script has changed them."""
    secret: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Name the script as sentences do."""
        project = project_of(self.script.scope)
        of = "the site" if project is None else f"project {project}"
        return f"the script of {of} (version {self.script.version})"

    @property
    def statement(self) -> Statement:
        """Name the script as ledger and changes do."""
        return Statement(script=self.script.name, version=self.script.version)

    def plan(self) -> CompiledScript:
        """Return the script ready to run; a process makes it ready once."""
        return _plan(self.script, self.secret)

    def fault(self, error: InvalidInput | HeaderError) -> str:
        """Say in one sentence how the script failed."""
        if isinstance(error, HeaderError):
            return f"{self.name} failed: a sequence of an object cannot be read exactly"
        line = error.line if isinstance(error, ScriptError) else 0
        where = f" in line {line}" if line else ""
        return f"{self.name} failed{where}: {error.message}"


@dataclass(slots=True)
class Part:
    """What a script has made of some files, named by their paths below the session's folder."""

    changed: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    fault: str = ""
    """Why it went no further, in a sentence without patient data."""

    def join(self, other: Part) -> None:
        """Add what became of other files."""
        self.changed += other.changed
        self.rejected += other.rejected
        self.fault = self.fault or other.fault


async def script_work(
    context: JobContext, scope: str, *, project: str, subject: str, session: str
) -> ScriptWork | None:
    """Return what is in force for a session; None where no script of that scope runs."""
    async with context.archive_db.write() as transaction:
        script = await scripts.in_force(transaction, scope)
        if script is None:
            return None
        secret = await secrets.get_or_make(transaction, secrets.UIDS)
    script = replace(script, hosts=context.settings.anonymization.url_hosts)
    given = variables(project=project, subject=subject, session=session)
    return ScriptWork(
        script=script,
        variables=given,
        record=record_id(script.id, given, secret),
        secret=secret,
    )


async def to_archive(
    context: JobContext, work: ScriptWork, folder: Path, files: Sequence[str], hidden: Path
) -> Part:
    """Bring files into the archive's hidden folder as a script leaves them; those that it rejects
    are not brought.

    Raises:
        InvalidInput: if the script fails for one of them; the prearchive's files are untouched.
    """
    parts = [files[start : start + _PART] for start in range(0, len(files), _PART)]
    done = Part()
    waiting = iter(parts)

    async def one_after_the_other() -> None:
        for part in waiting:
            if done.fault:
                return
            done.join(
                await context.processes.run(
                    _archive_part, work, folder, part, hidden, context.reached
                )
            )

    await in_turns(context, one_after_the_other)
    if done.fault:
        raise InvalidInput(done.fault)
    return done


async def in_turns(context: JobContext, run: Callable[[], Awaitable[None]]) -> None:
    """Run something as often at once as the pool has processes. It ends when all have ended, also
    where one fails: nothing writes any more."""
    ends = await asyncio.gather(
        *(run() for _ in range(context.processes.processes)), return_exceptions=True
    )
    for end in ends:
        if isinstance(end, BaseException):
            raise end


def _archive_part(
    work: ScriptWork,
    folder: Path,
    files: Sequence[str],
    hidden: Path,
    reached: Callable[[str], None],
) -> Part:
    part = Part()
    try:
        plan = work.plan()
        for file in files:
            outcome = _archive_file(work, plan, folder / file, hidden / file)
            if outcome is ScriptOutcome.REJECTED:
                part.rejected.append(file)
            elif outcome is ScriptOutcome.CHANGED:
                part.changed.append(file)
            reached("file filed")
    except (InvalidInput, HeaderError) as error:
        part.fault = work.fault(error)
    return part


def _archive_file(
    work: ScriptWork, plan: CompiledScript, source: Path, target: Path
) -> ScriptOutcome:
    stored = open_stored(source, guard=guard())
    if recorded_in(stored.head, work.record):
        link_or_copy(source, target)
        return ScriptOutcome.UNCHANGED
    found = opened(stored, plan.reach)
    applied = plan.apply(found.subject, work.variables, undo=False, record="")
    if applied.outcome is ScriptOutcome.REJECTED:
        return ScriptOutcome.REJECTED
    if not found.subject.changed and not applied.pixels:
        link_or_copy(source, target)
        return ScriptOutcome.UNCHANGED
    recorded(found.subject, work.record, plan)
    lacking = unsound(found.subject)
    if lacking:
        raise ScriptError(lacking)
    write(target, found, applied, pixels())
    return ScriptOutcome.CHANGED


@lru_cache(maxsize=8)
def _plan(script: ScriptInForce, secret: bytes) -> CompiledScript:
    return ready(script, secret=secret)


@cache
def guard() -> Guard:
    """Return the helper of this process that reads odd heads."""
    return Guard()


@cache
def pixels() -> PixelGuard:
    """Return the helper of this process that alters pixels."""
    return PixelGuard()
