# SPDX-License-Identifier: Apache-2.0
"""What waits in the prearchive and in quarantine, against the goals of site and projects; and the
report of a month."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from engine.archive import quarantine
from engine.jobs.context import JobContext
from engine.model.errors import InvalidInput
from engine.model.health import Check, Finding
from engine.model.measures import read_period, say_count, say_span
from engine.model.people import EVERYTHING, Scope
from engine.model.queues import MonthLine, Queue, QueueKind
from engine.model.site_settings import SettingsInForce
from engine.prearchive import queues
from engine.prearchive.queues import Goals

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")


def goals(in_force: SettingsInForce) -> Goals:
    """Return the goals that hold now."""
    own = {id: one.review_hours for id, one in in_force.projects.items() if one.review_hours}
    return Goals(site=in_force.now.projects.review_hours, projects=own)


class Queues:
    """What waits in one engine."""

    def __init__(self, context: JobContext) -> None:
        """Nothing is counted yet."""
        self._context = context

    async def waiting(self, scope: Scope) -> tuple[Queue, ...]:
        """Return what waits in a scope, what is to be looked at first at the beginning."""
        wanted, now = goals(self._context.in_force), datetime.now(UTC)
        async with self._context.prearchive_db.read() as transaction:
            found = await queues.waiting(transaction, wanted, scope, now=now)
        async with self._context.archive_db.read() as transaction:
            held = await quarantine.waiting(transaction, scope)
        for project, since in held.items():
            hours = wanted.of(project)
            found.append(
                Queue(
                    kind=QueueKind.QUARANTINE,
                    project=project,
                    waiting=len(since),
                    oldest=min(since),
                    goal_hours=hours,
                    overdue=sum(_is_over(now, each, hours) for each in since),
                )
            )
        return tuple(sorted(found, key=queues.place))

    async def month(self, name: str, scope: Scope) -> tuple[MonthLine, ...]:
        """Tell how the sessions of the projects of a scope fared in a month.

        Raises:
            InvalidInput: it is none.
        """
        if not _MONTH.fullmatch(name):
            raise InvalidInput(f"{name!r} is no month", hint="write it as 2026-11")
        period = read_period(name)
        async with self._context.prearchive_db.read() as transaction:
            lines = await queues.month(
                transaction, period.begins(), period.ends(), scope, name=name
            )
        return tuple(lines)

    async def check(self) -> Check:
        """Look whether something waits for a person for longer than it is to."""
        found = await self.waiting(EVERYTHING)
        late = [one for one in found if one.overdue]
        if not late:
            waiting = sum(one.waiting for one in found)
            return Check.good("queues", f"{say_count(waiting, 'thing')} wait, none for too long")
        worst = min(late, key=lambda one: one.oldest)
        many = sum(one.overdue for one in late)
        age = say_span(datetime.now(UTC) - worst.oldest)
        where = f" in {worst.project}" if worst.project else ""
        said = "1 thing waits" if many == 1 else f"{many} things wait"
        return Check(
            name="queues",
            finding=Finding.LOOK,
            found=f"{said} for longer than the goal; the oldest for {age} "
            f"({worst.kind.value}{where})",
            consequence="what nobody decides on is neither archived nor given back",
            remedy=("see what waits for whom: anteroom queue",),
        )


def _is_over(now: datetime, since: datetime, hours: int) -> bool:
    return bool(hours) and (now - since).total_seconds() > hours * 3600
