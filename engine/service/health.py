# SPDX-License-Identifier: Apache-2.0
"""The checks of the engine: all run concurrently, each with a time limit, and a check that cannot
be made is a finding itself. The stores are checked in `store_checks` and `archive_checks`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select

from engine.jobs.context import JobContext
from engine.model.errors import EngineError, Outage
from engine.model.health import Check, Finding
from engine.model.live import Job, ReceiverStatus
from engine.model.measures import say_count, say_span
from engine.model.outage import named
from engine.prearchive import commitments, sends
from engine.prearchive.tables import NodeRow
from engine.service.archive_checks import Shelves
from engine.service.audit_heads import HeadExport
from engine.service.audit_syslog import AuditSender
from engine.service.balance import Balance
from engine.service.disk import DiskNow
from engine.service.nodes import STALE
from engine.service.queues import Queues
from engine.service.store_checks import Inspection, Look, disk_check
from engine.service.verifying import Verifying
from engine.service.windows import MOST_ROWS

QUICK_SECONDS, THOROUGH_SECONDS = 10.0, 300.0
"""How long one check may take."""

RECENT = timedelta(days=1)
"""A job that failed longer ago is no news."""

LONG_WAIT = timedelta(hours=1)
"""A job that is unfinished for longer is looked at."""

UNTOLD = timedelta(days=7)
"""A commitment that was given up longer ago is no news: it can be tried again, not dismissed."""

_NAMED = 3
"""Commitments that are named; all are counted."""

RENEWAL = timedelta(days=30)
"""A certificate that ends within this time is to be renewed."""

_ORDER = tuple(Finding)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReceptionNow:
    """The state of the receivers at one moment."""

    receivers: tuple[ReceiverStatus, ...]
    workers: int
    """Workers that listen."""
    wanted: int
    deaths: int
    late: tuple[str, ...]
    """Of each worker that goes by an older configuration: one sentence."""
    setting_faults: Mapping[str, str] = field(default_factory=dict)
    """Settings that were set while an engine ran and are not in force, and why."""


class Health:
    """Looks at one engine. What took long to find out is kept until it is found out again."""

    def __init__(
        self,
        context: JobContext,
        reception: Callable[[], ReceptionNow],
        disk: Callable[[], Awaitable[DiskNow]],
        verifying: Verifying,
        balance: Balance,
        heads: HeadExport,
        sender: AuditSender,
    ) -> None:
        """Nothing is looked at yet. `disk` is that which receiving fills."""
        self._context = context
        self._reception = reception
        self._disk = disk
        self._heads = heads
        self._sender = sender
        self._inspection = Inspection(context, balance)
        self._shelves = Shelves(context, verifying)

    async def checks(self, *, thorough: bool = False) -> tuple[Check, ...]:
        """Make all checks, the worst first."""
        looks: dict[str, Look] = {
            "receivers": self.receivers,
            "certificates": self.certificates,
            "workers": self.workers,
            "settings": self.settings,
            "prearchive disk": self.disk,
            **self._inspection.looks(thorough),
            "audit heads": self._heads.check,
            "audit messages": self._sender.check,
            "archive files": self._shelves.verified if thorough else self._shelves.known,
            "failed jobs": self.failed_jobs,
            "waiting jobs": self.waiting_jobs,
            "sending": self.sending,
            "commitments": self.commitments,
            "nodes": self.nodes,
            "queues": Queues(self._context).check,
        }
        seconds = THOROUGH_SECONDS if thorough else QUICK_SECONDS
        found = await asyncio.gather(
            *(attempt(name, look, seconds) for name, look in looks.items())
        )
        return tuple(sorted(found, key=lambda check: _ORDER.index(check.finding)))

    async def disk(self) -> Check:
        """Look how full the disk is that receiving fills, and when it will be full."""
        return disk_check("prearchive disk", await self._disk())

    async def receivers(self) -> Check:
        """Look whether every receiver that should listens."""
        wanted = [one for one in self._reception().receivers if one.enabled]
        deaf = [one for one in wanted if not one.listening]
        if not deaf:
            verb = "listens" if len(wanted) == 1 else "listen"
            return Check.good("receivers", f"{say_count(len(wanted), 'receiver')} {verb}")
        named = ", ".join(f"{one.ae_title} on port {one.port}" for one in deaf)
        why = "; ".join(one.note for one in deaf if one.note)
        return Check(
            name="receivers",
            finding=Finding.FAILED,
            found=f"not listening: {named}" + (f" ({why})" if why else ""),
            consequence="Senders cannot connect; scanners keep their images, or give up.",
            remedy=(
                "see which program has the port",
                "start it again: anteroom receiver start AE_TITLE PORT",
            ),
        )

    async def certificates(self) -> Check:
        """Look whether the certificates of receivers end soon, or could not be read again."""
        secured = [one for one in self._reception().receivers if one.enabled and one.tls]
        if not secured:
            return Check.good("certificates", "no receiver uses TLS")
        now = datetime.now(UTC)
        ends = {one: one.certificate_ends for one in secured}
        over = [one for one, end in ends.items() if end is not None and end <= now]
        soon = [one for one, end in ends.items() if end is not None and now < end <= now + RENEWAL]
        faulty = [one for one in secured if one.note]
        if not (over or soon or faulty):
            first = min((end for end in ends.values() if end is not None), default=now)
            found = f"{say_count(len(secured), 'receiver')} with TLS, good until {first:%Y-%m-%d}"
            return Check.good("certificates", found)
        said = [f"that of {_place(one)} ended on {ends[one]:%Y-%m-%d}" for one in over]
        said += [f"that of {_place(one)} ends on {ends[one]:%Y-%m-%d}" for one in soon]
        said += [f"{_place(one)}: {one.note}" for one in faulty]
        consequence = "Senders refuse a certificate that has ended, and keep their images."
        if not (over or soon):
            consequence = "New certificates are not in force."
        first_of_all = next(iter((*over, *soon, *faulty)))
        return Check(
            name="certificates",
            finding=Finding.FAILED if over else Finding.LOOK,
            found="; ".join(said),
            consequence=consequence,
            remedy=(
                f"put a new certificate in its place: {first_of_all.certificate}",
                "the engine finds it within a minute, or by: anteroom receiver reload AE_TITLE",
                "look what it said: anteroom receiver list",
            ),
        )

    async def workers(self) -> Check:
        """Look whether the workers live, and go by what is configured now."""
        now = self._reception()
        died = f"; {say_count(now.deaths, 'worker')} died since the start" if now.deaths else ""
        if now.workers and not now.late:
            return Check(
                name="workers",
                finding=Finding.GOOD if now.workers >= now.wanted else Finding.LOOK,
                found=f"{now.workers} of {now.wanted} listen{died}",
                consequence=""
                if now.workers >= now.wanted
                else "Fewer associations can be served at once until it is back.",
            )
        return Check(
            name="workers",
            finding=Finding.FAILED,
            found="; ".join(now.late) or f"none of {now.wanted} listens{died}",
            consequence="A change is not in force everywhere."
            if now.late
            else "Nothing can be received.",
            remedy=("look into the log for 'worker'", "restart the engine"),
        )

    async def settings(self) -> Check:
        """Look whether all settings are in force that somebody has set."""
        faults = self._reception().setting_faults
        if not faults:
            return Check.good("settings", "all that were set are in force")
        return Check(
            name="settings",
            finding=Finding.LOOK,
            found="not in force: " + "; ".join(f"{name} ({why})" for name, why in faults.items()),
            consequence="The settings file and the defaults hold instead.",
            remedy=(
                "set another value: anteroom settings set NAME=VALUE",
                "or let the file hold: anteroom settings reset NAME",
            ),
        )

    async def failed_jobs(self) -> Check:
        """Look for jobs that have failed lately."""
        since = datetime.now(UTC) - RECENT
        failed = [job for job in await self._context.runner.failed(MOST_ROWS) if _after(job, since)]
        if not failed:
            return Check.good("failed jobs", "none within a day")
        verbs = sorted({job.verb for job in failed})
        return Check(
            name="failed jobs",
            finding=Finding.LOOK,
            found=f"{say_count(len(failed), 'job')} failed within a day ({', '.join(verbs)})",
            consequence="Their sessions are unchanged, in ERROR or CONFLICT.",
            remedy=("read why: anteroom jobs list", "do it again: anteroom jobs retry JOB"),
        )

    async def waiting_jobs(self) -> Check:
        """Look how long the oldest unfinished job waits."""
        oldest = await self._context.runner.oldest_unfinished()
        if oldest is None or oldest.queued is None:
            return Check.good("waiting jobs", "none is unfinished")
        age = datetime.now(UTC) - oldest.queued
        found = f"the oldest, {oldest.id}, is {oldest.status} for {say_span(age)}"
        if age < LONG_WAIT:
            return Check.good("waiting jobs", found)
        return Check(
            name="waiting jobs",
            finding=Finding.LOOK,
            found=found,
            consequence="Nothing else can be done to its session meanwhile.",
            remedy=(
                "see what runs: anteroom jobs list --unfinished",
                "take a queued one out: anteroom jobs cancel JOB",
            ),
        )

    async def sending(self) -> Check:
        """Look for sends to remotes that have failed lately, or wait for long."""
        now = datetime.now(UTC)
        async with self._context.prearchive_db.read() as transaction:
            failed = await sends.failed_since(transaction, now - RECENT)
            waiting = await sends.waiting_since(transaction, now - LONG_WAIT)
        if not failed and not waiting:
            return Check.good("sending", "nothing has failed within a day, nothing waits for long")
        said = []
        if failed:
            said.append(f"{say_count(failed.total(), 'send')} failed within a day")
        if waiting:
            said.append(f"{say_count(waiting.total(), 'send')} waiting for over an hour")
        remotes = ", ".join(sorted(failed | waiting))
        return Check(
            name="sending",
            finding=Finding.LOOK,
            found=f"{', '.join(said)} ({remotes})",
            consequence="The remote does not have all that was to be sent there.",
            remedy=(
                "read why: anteroom remote sends",
                "ask the remote: anteroom remote echo NAME",
                "send again what has failed: anteroom remote send NAME SESSION",
            ),
        )

    async def commitments(self) -> Check:
        """Look for requests for a storage commitment whose sender could not be told."""
        since = datetime.now(UTC) - UNTOLD
        async with self._context.prearchive_db.read() as transaction:
            many, last = await commitments.given_up_since(transaction, since, _NAMED)
        if not many:
            return Check.good("commitments", "none was given up within a week")
        named = [f"{one.id} of {one.calling}, {one.reason or 'no reason'}" for one in last]
        named += [f"and {many - len(last)} more"] if many > len(last) else []
        return Check(
            name="commitments",
            finding=Finding.LOOK,
            found=f"{say_count(many, 'report')} given up within a week ({'; '.join(named)})",
            consequence="The scanner does not know whether its images are safe, and keeps them.",
            remedy=(
                "see whether it is a remote that answers: anteroom remote echo NAME",
                "add it under its own AE title if it is none: anteroom remote add",
                f"tell it again: anteroom commitment retry {last[0].id}",
            ),
        )

    async def nodes(self) -> Check:
        """Look for engines that share the prearchive and have fallen silent."""
        async with self._context.prearchive_db.read() as transaction:
            every = (await transaction.execute(select(NodeRow).order_by(NodeRow.name))).scalars()
            found = every.all()
        now = datetime.now(UTC)
        silent = [node for node in found if now - node.heartbeat > STALE]
        if not silent:
            verb = "is" if len(found) == 1 else "are"
            return Check.good("nodes", f"{say_count(len(found), 'engine')} {verb} alive")
        named = ", ".join(f"{one.name} for {say_span(now - one.heartbeat)}" for one in silent)
        return Check(
            name="nodes",
            finding=Finding.LOOK,
            found=f"silent: {named}",
            consequence="Jobs that it had begun wait for it.",
            remedy=("start the engine of that node again: it takes up what it left",),
        )


async def attempt(name: str, look: Look, seconds: float) -> Check:
    """Make one check; that it cannot be made is a finding too."""
    try:
        async with asyncio.timeout(seconds):
            return await look()
    except Outage as outage:
        return Check(
            name=name,
            finding=Finding.FAILED,
            found=outage.message,
            consequence="Requests are refused and jobs wait until it works again.",
            remedy=(outage.hint,),
        )
    except TimeoutError:
        why = f"had no answer within {seconds:.0f} seconds"
    except EngineError as error:
        why = f"could not be made: {error.message}"
    except Exception as error:
        # The words of a fault may hold data; the log has them, under its own rules.
        _log.error("a check cannot be made", check=name, error=named(error))
        why = f"could not be made ({named(error)})"
    return Check(
        name=name,
        finding=Finding.FAILED,
        found=f"this check {why}",
        consequence="Its state is not known.",
        remedy=("look into the log of the engine", "check again"),
    )


def _place(receiver: ReceiverStatus) -> str:
    return f"{receiver.ae_title} on port {receiver.port}"


def _after(job: Job, since: datetime) -> bool:
    return job.updated is not None and job.updated >= since
