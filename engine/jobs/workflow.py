# SPDX-License-Identifier: Apache-2.0
"""The workflow of a job: it runs the steps of a verb for one session, again and again while a disk
is full or a database does not answer, and gives the session back where a step fails. dbos runs one
instance per process, so what it dispatches to is one as well."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from dbos import DBOS, StepOptions

from engine.jobs.bookkeeping import LONGEST_REST
from engine.model.errors import EngineError, Outage
from engine.model.outage import FULL, is_full
from engine.model.remotes import SEND
from engine.storage.standstill import Standstill

WORKFLOW = "session_job"

SHORTEST_REST = 1.0
"""Seconds until a step that a full disk or a silent database has stopped is tried again."""

Told = Callable[[str, str], None]
"""Takes a prearchive id, or that of a send, and a sentence about what its job waits for."""

Step = Callable[[str, int], Awaitable[None]]
"""One idempotent step of a job: takes the prearchive id and the attempt."""


def unheard(_session: str, _sentence: str) -> None:
    """Tell nobody."""


class GivesWay(Outage):
    """A job stops for the end of the engine; its step is run again at the next start."""


class JobFailed(Exception):
    """Why a job ended without success: a sentence without patient data."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The named steps of a verb, and what is done when one of them fails."""

    steps: Sequence[tuple[str, Step]]
    fail: Callable[[str, int, str, str], Awaitable[None]]
    """Takes id, attempt, the code of the error and the reason in words."""


_work: Mapping[Any, Work] = {}
_told: Told = unheard
"""What the workflow dispatches to: dbos runs one instance per process, so these are one as well."""

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_still: Standstill | None = None
"""Where steps wait while a backup is taken."""

_PATIENT: StepOptions = {
    "name": "fail",
    "retries_allowed": True,
    "max_attempts": 12,
    "interval_seconds": 1.0,
    "backoff_rate": 2.0,
}
"""A row that cannot be given back stays locked: what fails for another reason than an outage may do
so once only."""


@DBOS.workflow(name=WORKFLOW)
async def session_job(session: str, verb: str, attempt: int) -> None:
    """Run the steps of a verb for one session; a step that ended is not run again."""
    work = _work[verb]
    for name, step in work.steps:
        guarded = _guarded_beside if verb == SEND else _guarded
        fault = await DBOS.run_step_async({"name": name}, guarded, step, session, attempt)
        if fault:
            code, reason = fault
            await DBOS.run_step_async(_PATIENT, _given_up, work, session, attempt, code, reason)
            raise JobFailed(reason)


resting: set[str] = set()
"""Sessions whose jobs wait for a disk or a database."""

gave_way: set[str] = set()
"""What waits for the next start."""


async def _guarded(step: Step, session: str, attempt: int) -> list[str]:
    """Run a step; return code and reason of its failure, or nothing. Both are checkpointed, so that
    they hold no patient data."""
    return await _outlasting(
        session, lambda: _moving(session, lambda: _tried(step, session, attempt))
    )


async def _guarded_beside(step: Step, session: str, attempt: int) -> list[str]:
    """Do the same with a step that moves no files, and may take hours."""
    return await _outlasting(session, lambda: _tried(step, session, attempt))


async def _moving(session: str, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do what moves files, as soon as nobody copies them."""
    if _still is None:
        return await work()

    def waits(begins: bool) -> None:
        # As with a full disk: the end of the engine does not wait for it.
        (resting.add if begins else resting.discard)(session)

    async with _still.working(waits=waits):
        return await work()


async def _given_up(work: Work, session: str, attempt: int, code: str, reason: str) -> None:
    """Release a session whose job has failed."""

    def fail() -> Awaitable[None]:
        return _moving(session, lambda: work.fail(session, attempt, code, reason))

    await _outlasting(session, fail)


async def _outlasting(session: str, attempted: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do something for a session, again and again while a disk is full or a database does not
    answer: neither fails a job. Steps may run twice anyway, for the sake of crashes."""
    rest, told = SHORTEST_REST, ""
    while True:
        try:
            return await attempted()
        except GivesWay:
            gave_way.add(session)
            try:
                # A step that ended would not be run again.
                await asyncio.Event().wait()
            finally:
                gave_way.discard(session)
        except Exception as error:
            if not (isinstance(error, Outage) or is_full(error)):
                raise
            waits_for = error.message if isinstance(error, Outage) else FULL
            if waits_for != told:
                told = waits_for
                _log.error("job waits: %s session=%s", told, session)
                _told(session, told)
        resting.add(session)
        try:
            await asyncio.sleep(rest)
        finally:
            resting.discard(session)
        rest = min(rest * 2, LONGEST_REST)


async def _tried(step: Step, session: str, attempt: int) -> list[str]:
    """Run a step once.

    Raises:
        Outage: if it may get by later.
        OSError: if it may get by once there is room.
    """
    try:
        await step(session, attempt)
    except Outage:
        raise
    except EngineError as error:
        return [error.code, error.message]
    except Exception as error:
        if is_full(error):
            raise
        reference = secrets.token_hex(4)
        _log.error("job step failed reference=%s session=%s", reference, session, exc_info=error)
        said = "an unexpected fault"
        if isinstance(error, OSError) and error.errno:
            said = f"the store failed: {os.strerror(error.errno)}"
        return ["fault", f"{said} (reference {reference} in the log)"]
    return []


def register(work: Mapping[Any, Work], told: Told, still: Standstill | None = None) -> None:
    """Dispatch to the work of each verb; `told` hears of jobs that wait. Where `still` is given,
    files are moved only while it allows that."""
    global _work, _told, _still
    _work, _told, _still = work, told, still
