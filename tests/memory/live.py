# SPDX-License-Identifier: Apache-2.0
"""What happens in an engine in memory: transfers, jobs, audit, events, the engine itself."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

from engine.model.accounts import Accounts, Place
from engine.model.archive import (
    EVERY_EVENT,
    AuditCount,
    AuditEvent,
    AuditPage,
    AuditQuery,
    AuditReport,
)
from engine.model.audit import AuditHead
from engine.model.errors import NotFound
from engine.model.health import Check, Finding
from engine.model.ledger import (
    ALL_LEDGER,
    DayAccounts,
    GroupBy,
    GroupKey,
    LedgerGroups,
    LedgerQuery,
    LineAt,
)
from engine.model.live import (
    ArrivingSeries,
    EngineStatus,
    Event,
    EventBatch,
    HeldObject,
    Job,
    LedgerEntry,
    SenderSeen,
    Throughput,
    ThroughputBy,
    Transfer,
)
from tests.memory import ledger
from tests.memory.facts import NOON, Asked

UNFINISHED = ("PENDING", "queued", "running")


class Live(Asked):
    async def transfers(self, limit: int = 100, open_only: bool = False) -> tuple[Transfer, ...]:
        rows = [one for one in self.facts.transfers if not open_only or one.closed is None]
        return tuple(sorted(rows, key=lambda one: one.opened, reverse=True)[:limit])

    async def ledger(
        self, offset: int = 0, limit: int = 100, outcome: str = ""
    ) -> tuple[LedgerEntry, ...]:
        rows = [one for one in self.facts.ledger if outcome in ("", one.outcome)]
        return tuple(rows[offset : offset + limit])

    async def ledger_groups(
        self, query: LedgerQuery = ALL_LEDGER, by: GroupBy = GroupBy.REASON, limit: int = 1000
    ) -> LedgerGroups:
        return ledger.groups(self.facts, query, by, limit)

    async def ledger_lines(
        self,
        group: GroupKey,
        query: LedgerQuery = ALL_LEDGER,
        after: LineAt | None = None,
        limit: int = 100,
    ) -> tuple[LedgerEntry, ...]:
        return ledger.lines(self.facts, group, query, after, limit)

    async def accounts(self, days: int = 1) -> DayAccounts:
        return self.facts.accounts

    async def held(self) -> tuple[HeldObject, ...]:
        return tuple(self.facts.held)

    async def series(self, session: str) -> tuple[ArrivingSeries, ...]:
        self.facts.found(session)
        return self.facts.series.get(session, ())

    async def throughput(
        self, hours: int = 24, by: ThroughputBy = ThroughputBy.ALL
    ) -> tuple[Throughput, ...]:
        return tuple(self.facts.throughput)

    async def senders(self, days: int = 31) -> tuple[SenderSeen, ...]:
        return tuple(self.facts.senders)


class Jobs(Asked):
    async def list(self, limit: int = 100, unfinished: bool = False) -> tuple[Job, ...]:
        rows = [
            one for one in self.facts.jobs.values() if not unfinished or one.status in UNFINISHED
        ]
        return tuple(rows[:limit])

    async def cancel(self, id: str) -> None:
        self._set(id, "CANCELLED")

    async def retry(self, id: str) -> None:
        self._set(id, "PENDING")

    def _set(self, id: str, status: str) -> None:
        if id not in self.facts.jobs:
            raise NotFound("no such job", hint="list them: anteroom jobs list")
        self.facts.jobs[id] = replace(self.facts.jobs[id], status=status)


class Audit(Asked):
    async def list(
        self,
        query: AuditQuery = EVERY_EVENT,
        before: int | None = None,
        after: int | None = None,
        offset: int = 0,
        limit: int = 100,
    ) -> AuditPage:
        rows = [one for one in reversed(self.facts.audit) if self._matches(one, query)]
        found = [
            one
            for one in rows
            if (before is None or one.number < before) and (after is None or one.number > after)
        ]
        if after is not None and before is None:
            found = found[::-1][offset : offset + limit][::-1]
        else:
            found = found[offset : offset + limit]
        total = min(len(rows), self.facts.most_counted)
        exact = query == EVERY_EVENT or total == len(rows)
        return AuditPage(rows=tuple(found), total=total if not exact else len(rows), exact=exact)

    async def counts(self, days: int = 7) -> tuple[AuditCount, ...]:
        since = NOON - timedelta(days=days)
        found = Counter(one.action for one in self.facts.audit if one.at >= since)
        return tuple(AuditCount(action=name, count=n) for name, n in found.most_common())

    def _matches(self, event: AuditEvent, query: AuditQuery) -> bool:
        names = [("object", query.object), ("actor", query.actor), ("action", query.action)]
        names.append(("project", query.project))
        lives = {query.life}
        for filed in self.facts.filed.values():
            if query.life in (filed.accession, filed.origin):
                lives |= {filed.accession, filed.origin}
        said = f"{event.action} {event.object} {event.detail.get('reason', '')}".lower()
        return (
            all(getattr(event, name) == value for name, value in names if value)
            and (not query.life or event.object in lives)
            and (query.since is None or event.at >= query.since)
            and (query.until is None or event.at <= query.until)
            and all(word in said for word in query.text.lower().split())
        )

    async def verify(self, whole: bool = False, heads: tuple[AuditHead, ...] = ()) -> AuditReport:
        holds = all(one.hash for one in self.facts.audit)
        return AuditReport(
            ok=holds,
            checked=len(self.facts.audit),
            heads=len(heads),
            last=len(self.facts.audit),
            message="the chain holds" if holds else "link 1 does not hold",
        )

    async def note(self, action: str, object: str, reason: str = "", count: int = 0) -> None:
        number = len(self.facts.audit) + 1
        detail: dict[str, Any] = {"reason": reason, "count": count}
        self.facts.audit.append(
            AuditEvent(
                number=number,
                id=f"event_{number}",
                at=NOON,
                actor=self.actor,
                action=action,
                object=object,
                detail=detail,
                hash="0" * 64,
            )
        )


class Events(Asked):
    async def after(self, epoch: str, number: int, wait: float = 0.0) -> EventBatch:
        if epoch != self.facts.epoch:
            return self._batch((), gap=True)
        if wait:
            async with self.facts.news:
                self.facts.waited.set()
                try:
                    await asyncio.wait_for(
                        self.facts.news.wait_for(lambda: len(self.facts.events) > number), wait
                    )
                except TimeoutError:
                    return self._batch(())
            if epoch != self.facts.epoch:
                # The engine was started again meanwhile, which its clients learn as a gap.
                return self._batch((), gap=True)
        return self._batch(tuple(self.facts.events[number:]))

    def _batch(self, events: tuple[Event, ...], *, gap: bool = False) -> EventBatch:
        return EventBatch(
            epoch=self.facts.epoch, events=events, last=len(self.facts.events), gap=gap
        )


class System(Asked):
    async def status(self) -> EngineStatus:
        usual = EngineStatus(
            version="0.1.0",
            pid=1,
            node="node",
            home="/home",
            started=NOON,
            receivers=tuple(self.facts.receivers.values()),
            workers=1,
            associations=0,
            accounts=Accounts(counts={Place.WAITING: 10, Place.DUPLICATE: 2, Place.REFUSED: 1}),
            sessions={"READY": len(self.facts.sessions)},
            archived=len(self.facts.filed),
            disk_free=1 << 30,
            disk_total=1 << 32,
            actor=self.actor,
            build_after=300.0,
            unfinished_jobs=sum(one.status in UNFINISHED for one in self.facts.jobs.values()),
            trash_days=30,
        )
        return replace(usual, **self.facts.status)

    async def checks(self, thorough: bool = False) -> tuple[Check, ...]:
        order = list(Finding)
        return tuple(sorted(self.facts.checks, key=lambda one: order.index(one.finding)))

    async def stop(self) -> None:
        self.facts.stopped = True
